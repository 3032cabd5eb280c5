//! What the environment says about the terminal's colours. Nothing is asked of the terminal itself: some answer late, some
//! never, and some on the keyboard's line.

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None at all: weights only.
    Plain,
    /// The terminal's own sixteen.
    Sixteen,
    /// A fixed table of 256.
    Table,
    /// Any.
    Full,
}

/// What the text stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// The variables that say so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// True where `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORFGBG`.
    pub colorfgbg: Option<String>,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            colorterm: variable("COLORTERM"),
            term: variable("TERM"),
            colorfgbg: variable("COLORFGBG"),
        }
    }

    /// How many colours there are. What `COLORTERM` promises counts for more than the terminal's name.
    #[must_use]
    pub fn depth(&self) -> Depth {
        let term = self.term.as_deref().unwrap_or_default();
        match self.colorterm.as_deref() {
            _ if self.no_color || term == "dumb" => Depth::Plain,
            Some("truecolor" | "24bit") => Depth::Full,
            _ if term.ends_with("-direct") => Depth::Full,
            _ if term.contains("256color") => Depth::Table,
            _ => Depth::Sixteen,
        }
    }

    /// What the text stands on, where the terminal says so: `15;0` is white on black, and there may be a part between.
    #[must_use]
    pub fn ground(&self) -> Option<Ground> {
        let (_, ground) = self.colorfgbg.as_deref()?.rsplit_once(';')?;
        match ground.parse().ok()? {
            0..=6 | 8 => Some(Ground::Dark),
            7 | 9..=15 => Some(Ground::Light),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(no_color: bool, colorterm: Option<&str>, term: Option<&str>) -> Environment {
        let own = |value: Option<&str>| value.map(str::to_owned);
        Environment { no_color, colorterm: own(colorterm), term: own(term), colorfgbg: None }
    }

    #[test]
    fn no_color_wins_over_a_capable_terminal_and_so_does_a_dumb_one() {
        for (no_color, colorterm, term, depth) in [
            (true, Some("truecolor"), Some("xterm-256color"), Depth::Plain),
            (false, Some("truecolor"), Some("dumb"), Depth::Plain),
            (false, Some("truecolor"), Some("xterm"), Depth::Full),
            (false, Some("24bit"), None, Depth::Full),
            (false, None, Some("xterm-direct"), Depth::Full),
            (false, Some("yes"), Some("xterm-256color"), Depth::Table),
            (false, None, Some("tmux-256color"), Depth::Table),
            (false, None, Some("screen.xterm-256color"), Depth::Table),
            (false, None, Some("linux"), Depth::Sixteen),
            (false, None, None, Depth::Sixteen),
        ] {
            assert_eq!(environment(no_color, colorterm, term).depth(), depth, "{colorterm:?} {term:?}");
        }
    }

    #[test]
    fn the_ground_is_known_only_where_it_is_said() {
        for (said, ground) in [
            ("15;0", Some(Ground::Dark)),
            ("0;15", Some(Ground::Light)),
            ("0;default;15", Some(Ground::Light)),
            ("7;8", Some(Ground::Dark)),
            ("0;7", Some(Ground::Light)),
            ("15;default", None),
            ("15", None),
            ("15;16", None),
            ("", None),
        ] {
            let environment = Environment { colorfgbg: Some(said.to_owned()), ..Environment::default() };
            assert_eq!(environment.ground(), ground, "{said}");
        }
        assert_eq!(Environment::default().ground(), None);
    }
}

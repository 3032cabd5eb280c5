//! Colours for people at a terminal, by what a text means. Nothing is coloured where nobody looks: into a file, a pipe, a
//! terminal that can do nothing, or where `NO_COLOR` is set.

use std::ffi::OsString;
use std::io::IsTerminal;

use crate::telling::Tone;

/// Whether there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::cli) struct Paint {
    has_colours: bool,
}

impl Paint {
    /// For standard output.
    pub(in crate::cli) fn out() -> Self {
        Self::on(!cfg!(test) && std::io::stdout().is_terminal())
    }

    /// For standard error.
    pub(in crate::cli) fn err() -> Self {
        Self::on(!cfg!(test) && std::io::stderr().is_terminal())
    }

    fn on(is_terminal: bool) -> Self {
        Self { has_colours: is_terminal && wanted(std::env::var_os("NO_COLOR"), std::env::var_os("TERM")) }
    }

    /// `text`, in the colour of `tone` where there are colours.
    pub(in crate::cli) fn tone(self, tone: Tone, text: &str) -> String {
        match code(tone).filter(|_| self.has_colours && !text.trim().is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }

    /// Some, as tests look at them.
    #[cfg(test)]
    pub(in crate::cli) fn colours() -> Self {
        Self { has_colours: true }
    }
}

/// What the environment says (no-color.org).
fn wanted(no_color: Option<OsString>, term: Option<OsString>) -> bool {
    no_color.is_none_or(|value| value.is_empty()) && term.is_some_and(|term| term != "dumb")
}

/// The terminal's own sixteen colours: readable on whatever ground the person chose.
pub(in crate::cli) fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Text => None,
        Tone::Strong => Some("1"),
        Tone::Dim => Some("90"),
        Tone::Accent => Some("36"),
        Tone::Good => Some("32"),
        Tone::Warn => Some("33"),
        Tone::Bad => Some("31"),
    }
}

/// What a tenant's state means, by its word.
pub(in crate::cli) fn tone_of_state(word: &str) -> Tone {
    match word {
        "running" => Tone::Good,
        "failed" | "gone" | "no answer" => Tone::Bad,
        "suspended" | "stopped" | "unknown" => Tone::Dim,
        // It waits for somebody, or goes on by itself.
        _ => Tone::Accent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_have_some_and_people_who_want_them() {
        let some = |word: &str| Some(OsString::from(word));
        assert!(wanted(None, some("xterm")) && wanted(some(""), some("xterm")));
        assert!(!wanted(some("1"), some("xterm")) && !wanted(None, some("dumb")) && !wanted(None, None));
        assert!(!Paint::on(false).has_colours);
        assert_eq!(Paint::colours().tone(Tone::Bad, "No."), "\x1b[31mNo.\x1b[0m");
        assert_eq!(
            (Paint::colours().tone(Tone::Bad, " "), Paint::default().tone(Tone::Bad, "No.")),
            (" ".into(), "No.".into())
        );
    }
}

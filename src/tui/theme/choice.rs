//! From what was configured, and what the terminal shows, to a theme.

use ratatui::style::{Color, Modifier, Style};

use super::palette::{self, Palette};
use super::{Depth, Environment, Glyphs, Ground, Theme};
use crate::settings::{Base, Colour, Config, Context, ContextKind, StyleSetting, ThemeName, UserTheme};
use crate::telling::charset::Charset;

/// How the screen should look, as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Which theme.
    pub name: ThemeName,
    /// The user's theme of that name, where it is one of the user's.
    pub own: Option<UserTheme>,
    /// Which characters.
    pub charset: Charset,
    /// What kind of cloud is open; its colour is the accent.
    pub kind: ContextKind,
    /// The context's own colour, where it has one.
    pub colour: Option<Colour>,
}

impl Wanted {
    /// What a configuration says for a context, or for a cloud of this kind that is no context.
    #[must_use]
    pub fn of(config: &Config, context: Option<&Context>, kind: ContextKind) -> Self {
        let own = match &config.ui.theme {
            ThemeName::User(name) => config.theme(name).cloned(),
            _ => None,
        };
        Self {
            name: config.ui.theme.clone(),
            own,
            charset: if config.ui.ascii { Charset::Ascii } else { Charset::Unicode },
            kind: context.map_or(kind, Context::kind),
            colour: context.and_then(|context| context.colour),
        }
    }
}

/// The themes that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Colours of this palette.
    Of(Palette),
    /// The same, and nothing weak.
    Strong(Palette),
    Sixteen,
    Plain,
}

impl Theme {
    /// The theme that is wanted, as far as the terminal has colours for it. `NO_COLOR` wins over everything.
    #[must_use]
    pub fn of(wanted: &Wanted, environment: &Environment) -> Self {
        let depth = environment.depth();
        let ground = environment.ground();
        let strong = || match ground {
            Some(Ground::Light) => Known::Strong(palette::STRONG_LIGHT),
            _ => Known::Strong(palette::STRONG_DARK),
        };
        let known = match (&wanted.name, &wanted.own) {
            _ if depth == Depth::Plain => Known::Plain,
            (ThemeName::User(_), Some(own)) => match own.base {
                Base::Dark => Known::Of(palette::DARK),
                Base::Light => Known::Of(palette::LIGHT),
                Base::HighContrast => strong(),
                Base::Sixteen => Known::Sixteen,
                Base::Plain => Known::Plain,
            },
            (ThemeName::Dark, _) => Known::Of(palette::DARK),
            (ThemeName::Light, _) => Known::Of(palette::LIGHT),
            (ThemeName::HighContrast, _) => strong(),
            (ThemeName::Sixteen, _) => Known::Sixteen,
            (ThemeName::Plain, _) => Known::Plain,
            (ThemeName::Auto | ThemeName::User(_), _) => match ground {
                Some(Ground::Dark) => Known::Of(palette::DARK),
                Some(Ground::Light) => Known::Of(palette::LIGHT),
                None => Known::Of(palette::ANY),
            },
        };
        let mut theme = known.theme(depth, wanted.kind);
        theme.glyphs = Glyphs::of(wanted.charset);
        if depth == Depth::Plain {
            return theme;
        }
        if let Some(own) = &wanted.own {
            theme.take(own, depth);
        }
        if known != Known::Plain
            && let Some(colour) = wanted.colour.and_then(|colour| palette::shown(colour, depth))
        {
            theme.accent = theme.accent.fg(colour);
        }
        theme
    }

    /// The theme for a terminal of which only the colours are known, and a sandbox.
    #[must_use]
    #[allow(dead_code, reason = "for those who know no configuration")]
    pub fn new(depth: Depth) -> Self {
        Known::Of(palette::ANY).theme(depth, ContextKind::Sandbox)
    }

    /// What differs in the user's theme.
    fn take(&mut self, own: &UserTheme, depth: Depth) {
        let styles = &own.styles;
        for (style, setting) in [
            (&mut self.text, styles.text),
            (&mut self.strong, styles.strong),
            (&mut self.dim, styles.dim),
            (&mut self.accent, styles.accent),
            (&mut self.good, styles.good),
            (&mut self.info, styles.info),
            (&mut self.warn, styles.warn),
            (&mut self.bad, styles.bad),
            (&mut self.selection, styles.selection),
        ] {
            if let Some(setting) = setting {
                *style = set(*style, setting, depth);
            }
        }
    }
}

/// What is set instead of what was: the weights whole, the colour where one is named.
fn set(was: Style, setting: StyleSetting, depth: Depth) -> Style {
    let shown = |colour: Option<Colour>| colour.and_then(|colour| palette::shown(colour, depth));
    let mut style = Style::new();
    style.fg = shown(setting.colour).or(was.fg);
    style.bg = shown(setting.ground);
    for (is_set, weight) in
        [(setting.bold, Modifier::BOLD), (setting.dim, Modifier::DIM), (setting.reversed, Modifier::REVERSED)]
    {
        if is_set {
            style = style.add_modifier(weight);
        }
    }
    style
}

impl Known {
    fn theme(self, depth: Depth, kind: ContextKind) -> Theme {
        match self {
            _ if depth == Depth::Plain => plain(),
            Self::Plain => plain(),
            Self::Sixteen => sixteen(kind),
            // The terminal's own are chosen to be readable on its ground; the nearest of them would not be.
            Self::Of(_) if depth == Depth::Sixteen => sixteen(kind),
            Self::Strong(_) if depth == Depth::Sixteen => strong(sixteen(kind)),
            Self::Of(palette) => of_palette(&palette, depth, kind),
            Self::Strong(palette) => strong(of_palette(&palette, depth, kind)),
        }
    }
}

fn plain() -> Theme {
    let plain = Style::new();
    let bold = plain.add_modifier(Modifier::BOLD);
    Theme {
        text: plain,
        strong: bold,
        dim: plain.add_modifier(Modifier::DIM),
        accent: bold,
        good: plain,
        info: plain,
        warn: bold,
        bad: bold,
        selection: plain.add_modifier(Modifier::REVERSED),
        depth: Depth::Plain,
        glyphs: Glyphs::of(Charset::Unicode),
    }
}

fn sixteen(kind: ContextKind) -> Theme {
    let colour = |colour| Style::new().fg(colour);
    let accent = match kind {
        ContextKind::Production => Color::Magenta,
        ContextKind::Sandbox => Color::Cyan,
        ContextKind::SelfHosted => Color::LightBlue,
    };
    Theme {
        dim: colour(Color::DarkGray),
        accent: colour(accent),
        good: colour(Color::Green),
        info: colour(Color::Blue),
        warn: colour(Color::Yellow),
        bad: colour(Color::Red),
        depth: Depth::Sixteen,
        ..of_text()
    }
}

fn of_palette(palette: &Palette, depth: Depth, kind: ContextKind) -> Theme {
    let colour = |wanted| Style { fg: palette::rgb(wanted, depth), ..Style::new() };
    Theme {
        dim: colour(palette.dim),
        accent: colour(palette.accent(kind)),
        good: colour(palette.good),
        info: colour(palette.info),
        warn: colour(palette.warn),
        bad: colour(palette.bad),
        depth,
        ..of_text()
    }
}

/// Text in the terminal's own colour. Said aloud, so that a title does not take the colour of the border it stands in.
fn of_text() -> Theme {
    let text = Style::new().fg(Color::Reset);
    let strong = text.add_modifier(Modifier::BOLD);
    Theme { text, strong, selection: strong, ..plain() }
}

/// Nothing weak: what would be dim is text, and every state is heavy.
fn strong(theme: Theme) -> Theme {
    let bold = |style: Style| style.add_modifier(Modifier::BOLD);
    Theme {
        dim: theme.text,
        accent: bold(theme.accent),
        good: bold(theme.good),
        info: bold(theme.info),
        warn: bold(theme.warn),
        bad: bold(theme.bad),
        selection: bold(theme.text).add_modifier(Modifier::REVERSED),
        ..theme
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::parse;

    fn environment(colorterm: &str, colorfgbg: &str) -> Environment {
        Environment {
            colorterm: Some(colorterm.to_owned()),
            term: Some("xterm-256color".to_owned()),
            colorfgbg: Some(colorfgbg.to_owned()),
            no_color: false,
        }
    }

    fn wanted(text: &str) -> Wanted {
        let (config, mistakes) = parse(text);
        assert_eq!(mistakes, []);
        Wanted::of(&config, config.contexts.first(), ContextKind::Sandbox)
    }

    fn of_rgb((red, green, blue): palette::Rgb) -> Color {
        Color::Rgb(red, green, blue)
    }

    #[test]
    fn auto_follows_the_ground_where_it_is_known() {
        for (colorfgbg, palette) in [("15;0", palette::DARK), ("0;15", palette::LIGHT), ("", palette::ANY)] {
            let theme = Theme::of(&Wanted::default(), &environment("truecolor", colorfgbg));
            assert_eq!(theme.bad.fg, Some(of_rgb(palette.bad)), "{colorfgbg}");
        }
        let light = wanted("[ui]\ntheme = \"light\"");
        assert_eq!(Theme::of(&light, &environment("truecolor", "15;0")).bad.fg, Some(of_rgb(palette::LIGHT.bad)));
    }

    #[test]
    fn no_color_leaves_no_colour_whatever_is_wanted() {
        let text = "[ui]\ntheme = \"mine\"\n[theme.mine]\ntext = \"red on blue\"\n[context.a]\napi = \"https://a.example\"\n\
                    colour = \"red\"";
        let no_color = Environment { no_color: true, ..environment("truecolor", "15;0") };
        for wanted in [wanted(text), Wanted::default(), wanted("[ui]\ntheme = \"high-contrast\"")] {
            assert_eq!(Theme::of(&wanted, &no_color), Theme::new(Depth::Plain));
        }
        let plain = Theme::of(&wanted("[ui]\ntheme = \"plain\""), &environment("truecolor", "15;0"));
        for style in
            [plain.text, plain.dim, plain.accent, plain.good, plain.bad, plain.warn, plain.info, plain.selection]
        {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }

    #[test]
    fn clouds_have_colours_of_their_own() {
        let mut seen = Vec::new();
        for depth in ["truecolor", "256"] {
            for api in ["https://api.systemprompt.io", "https://api-sandbox.systemprompt.io", "https://h.example"] {
                let wanted = wanted(&format!("[context.a]\napi = \"{api}\""));
                let accent = Theme::of(&wanted, &environment(depth, "15;0")).accent;
                assert!(!seen.contains(&accent), "{api}");
                seen.push(accent);
            }
        }
        let wanted = wanted("[context.a]\napi = \"https://h.example\"\ncolour = \"#102030\"");
        assert_eq!(Theme::of(&wanted, &environment("truecolor", "")).accent.fg, Some(Color::Rgb(0x10, 0x20, 0x30)));
    }

    #[test]
    fn a_theme_of_the_users_stands_on_another_one() {
        let wanted = wanted(
            "[ui]\ntheme = \"mine\"\n[theme.mine]\nbase = \"light\"\nbad = \"bold\"\ngood = \"#123456 dim\"\n\
             selection = \"black on light-yellow\"\naccent = \"red\"",
        );
        let theme = Theme::of(&wanted, &environment("truecolor", "15;0"));
        assert_eq!(theme.bad, Style::new().fg(of_rgb(palette::LIGHT.bad)).add_modifier(Modifier::BOLD));
        assert_eq!(theme.good, Style::new().fg(Color::Rgb(0x12, 0x34, 0x56)).add_modifier(Modifier::DIM));
        assert_eq!(theme.selection, Style::new().fg(Color::Black).bg(Color::LightYellow));
        assert_eq!((theme.accent.fg, theme.warn.fg), (Some(Color::Red), Some(of_rgb(palette::LIGHT.warn))));
        // With fewer colours it is the nearest of them.
        assert!(matches!(Theme::of(&wanted, &environment("256", "")).good.fg, Some(Color::Indexed(_))));
    }

    #[test]
    fn strong_contrasts_have_nothing_weak() {
        for colorfgbg in ["15;0", "0;15"] {
            let theme = Theme::of(&wanted("[ui]\ntheme = \"high-contrast\""), &environment("truecolor", colorfgbg));
            assert_eq!(theme.dim, theme.text);
            assert!(theme.selection.add_modifier.contains(Modifier::REVERSED));
            for style in [theme.good, theme.bad, theme.accent] {
                assert!(style.add_modifier.contains(Modifier::BOLD));
            }
        }
    }
}

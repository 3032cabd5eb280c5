//! Colours and glyphs. Colour is scarce and never the only sign: two weights of text, one accent, and
//! green, yellow, red and blue only for state. Every glyph stands beside its word.

use ratatui::style::{Color, Modifier, Style};

use crate::model::TenantState;
use crate::telling::Tone;
pub use crate::telling::row::spinner;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None at all: weights only.
    Plain,
    /// The terminal's own sixteen.
    Sixteen,
    /// Any.
    Full,
}

impl Depth {
    /// From what the environment says: `no_color` wins, then `COLORTERM` of the terminal.
    #[must_use]
    pub fn detect(no_color: bool, colorterm: Option<&str>) -> Self {
        match colorterm {
            _ if no_color => Self::Plain,
            Some("truecolor" | "24bit") => Self::Full,
            _ => Self::Sixteen,
        }
    }
}

/// The styles that the panes use; there are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// What matters most on a line.
    pub strong: Style,
    /// What may be overlooked.
    pub dim: Style,
    /// The context's own colour: focus, selection mark, what is under way, keys.
    pub accent: Style,
    /// Done, running.
    pub good: Style,
    /// Waits for the person.
    pub info: Style,
    /// Needs attention.
    pub warn: Style,
    /// Failed.
    pub bad: Style,
    /// The selected row.
    pub selection: Style,
}

impl Theme {
    /// The theme for a terminal.
    #[must_use]
    pub fn new(depth: Depth) -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        // Said aloud, so that a title does not take the colour of the border it stands in.
        let text = plain.fg(Color::Reset);
        let strong = text.add_modifier(Modifier::BOLD);
        match depth {
            Depth::Plain => Self {
                text: plain,
                strong: bold,
                dim: plain.add_modifier(Modifier::DIM),
                accent: bold,
                good: plain,
                info: plain,
                warn: bold,
                bad: bold,
                selection: plain.add_modifier(Modifier::REVERSED),
            },
            Depth::Sixteen => Self {
                text,
                strong,
                dim: plain.fg(Color::DarkGray),
                accent: plain.fg(Color::Cyan),
                good: plain.fg(Color::Green),
                info: plain.fg(Color::Blue),
                warn: plain.fg(Color::Yellow),
                bad: plain.fg(Color::Red),
                selection: strong,
            },
            Depth::Full => Self {
                text,
                strong,
                // Middle grey and middle tones: readable on dark and on light ground.
                dim: plain.fg(Color::Rgb(0x80, 0x86, 0x99)),
                accent: plain.fg(Color::Rgb(0x2f, 0xb3, 0xa6)),
                good: plain.fg(Color::Rgb(0x5f, 0xb0, 0x6b)),
                info: plain.fg(Color::Rgb(0x5b, 0x9b, 0xe0)),
                warn: plain.fg(Color::Rgb(0xd0, 0x9a, 0x3a)),
                bad: plain.fg(Color::Rgb(0xe0, 0x5f, 0x6b)),
                selection: strong,
            },
        }
    }

    /// The style of a tone.
    #[must_use]
    pub fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Text => self.text,
            Tone::Strong => self.strong,
            Tone::Dim => self.dim,
            Tone::Accent => self.accent,
            Tone::Good => self.good,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
        }
    }

    /// Glyph and colour of a tenant's state; `frame` turns what is under way.
    #[must_use]
    pub fn tenant(&self, state: TenantState, frame: usize) -> (&'static str, Style) {
        match state {
            TenantState::Running => ("●", self.good),
            TenantState::ToDeploy => ("○", self.info),
            TenantState::Suspended => ("◌", self.dim),
            TenantState::Failed => ("✕", self.bad),
            TenantState::Unknown => ("?", self.dim),
            TenantState::Provisioning | TenantState::Deploying | TenantState::Restarting | TenantState::Deleting => {
                (spinner(frame), self.accent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_wins_over_a_capable_terminal() {
        assert_eq!(Depth::detect(true, Some("truecolor")), Depth::Plain);
        assert_eq!(Depth::detect(false, Some("truecolor")), Depth::Full);
        assert_eq!(Depth::detect(false, None), Depth::Sixteen);
    }

    #[test]
    fn a_plain_theme_has_no_colour() {
        let theme = Theme::new(Depth::Plain);
        for style in [theme.text, theme.dim, theme.accent, theme.good, theme.bad, theme.warn, theme.info] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}

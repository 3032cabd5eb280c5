//! Colours and glyphs. Colour is scarce and never the only sign: two weights of text, one accent, and
//! green, yellow, red and blue only for state. Every glyph stands beside its word.
//!
//! Which theme it is decides `theme/choice.rs`, from the configuration and from what the terminal's variables say.

mod ansi;
mod choice;
mod glyphs;
mod palette;
mod terminal;

use ratatui::style::Style;

use crate::model::{LocalState, TenantState};
use crate::telling::Tone;
pub use crate::telling::row::spinner;
pub use choice::Wanted;
pub use glyphs::Glyphs;
pub use terminal::{Depth, Environment, Ground};

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
    /// How many colours it may show.
    pub depth: Depth,
    /// The signs.
    pub glyphs: &'static Glyphs,
}

impl Theme {
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
        let glyphs = self.glyphs;
        match state {
            TenantState::Running | TenantState::Local(LocalState::Running) => (glyphs.running, self.good),
            TenantState::ToDeploy => (glyphs.waiting, self.info),
            TenantState::Suspended | TenantState::Local(LocalState::Stopped) => (glyphs.suspended, self.dim),
            TenantState::Failed | TenantState::Local(LocalState::Gone | LocalState::Silent) => {
                (glyphs.failed, self.bad)
            }
            TenantState::Unknown | TenantState::Local(LocalState::Unknown) => (glyphs.unknown, self.dim),
            TenantState::Provisioning
            | TenantState::Deploying
            | TenantState::Restarting
            | TenantState::Deleting
            | TenantState::Local(LocalState::Starting) => (glyphs.turn(frame), self.accent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_theme_has_no_colour() {
        let theme = Theme::new(Depth::Plain);
        for style in [theme.text, theme.dim, theme.accent, theme.good, theme.bad, theme.warn, theme.info] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}

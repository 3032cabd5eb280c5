//! A theme of the user's own, as the `[theme.NAME]` part of the configuration says: what differs from one that is there.

use serde::Serialize;

use super::StyleSetting;
use super::document::Word;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserTheme {
    /// What `ui.theme` calls it.
    #[serde(skip)]
    pub name: String,
    /// The theme that everything else is taken from.
    pub base: Base,
    /// What differs.
    #[serde(flatten)]
    pub styles: Styles,
    /// Its line in the file.
    #[serde(skip)]
    pub line: usize,
}

/// The themes that another can stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// For a dark ground.
    #[default]
    Dark,
    /// For a light ground.
    Light,
    /// Only strong contrasts.
    HighContrast,
    /// The terminal's own sixteen colours.
    Sixteen,
    /// No colours.
    Plain,
}

impl Word for Base {
    const ALL: &'static [(&'static str, Self)] = &[
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("high-contrast", Self::HighContrast),
        ("sixteen", Self::Sixteen),
        ("plain", Self::Plain),
    ];
}

/// The styles of a screen; what is not set is the base's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Styles {
    /// Ordinary text.
    pub text: Option<StyleSetting>,
    /// What matters most on a line.
    pub strong: Option<StyleSetting>,
    /// What may be overlooked.
    pub dim: Option<StyleSetting>,
    /// Focus, keys, what is under way. The context's own colour where it is not set.
    pub accent: Option<StyleSetting>,
    /// Done, running.
    pub good: Option<StyleSetting>,
    /// Waits for the person.
    pub info: Option<StyleSetting>,
    /// Needs attention.
    pub warn: Option<StyleSetting>,
    /// Failed.
    pub bad: Option<StyleSetting>,
    /// The selected row.
    pub selection: Option<StyleSetting>,
}

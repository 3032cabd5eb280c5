//! How the screen behaves, as the `[ui]` part of the configuration says.

use serde::Serialize;
use std::ops::RangeInclusive;

use super::document::Word;

/// Minutes that a protected context may stay unlocked.
pub(super) const UNLOCK_MINUTES: RangeInclusive<u32> = 0..=480;
/// Seconds that a secret may stay in the clipboard.
pub(super) const CLEAR_SECONDS: RangeInclusive<u32> = 5..=3600;
/// Megabytes that logs may take in memory.
pub(super) const LOG_MEGABYTES: RangeInclusive<u32> = 1..=4096;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Ui {
    /// The colours.
    pub theme: ThemeName,
    /// Draw with the characters of ASCII alone.
    pub ascii: bool,
    /// Take the mouse's events, which keeps the terminal from selecting text by itself.
    pub mouse: bool,
    /// Change nothing outside of the program, in no context. Also where it is written as neither true nor false.
    pub read_only: bool,
    /// What stands in front of log lines and events.
    pub timestamps: Timestamps,
    /// How the end of something long is announced.
    pub notify: Notify,
    /// How long a protected context stays unlocked, minutes, 0 to 480; 0 asks each time.
    pub unlock_minutes: u32,
    /// How long a copied secret stays in the clipboard, seconds, 5 to 3600.
    pub clear_secrets_seconds: u32,
    /// What the logs of all tenants may take in memory, megabytes, 1 to 4096.
    pub log_megabytes: u32,
    /// The editor with its arguments; else `$VISUAL`, else `$EDITOR`.
    pub editor: Option<String>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: ThemeName::Auto,
            ascii: false,
            mouse: true,
            read_only: false,
            timestamps: Timestamps::Local,
            notify: Notify::Auto,
            unlock_minutes: 15,
            clear_secrets_seconds: 45,
            log_megabytes: 64,
            editor: None,
        }
    }
}

/// Which theme.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeName {
    /// Light where the terminal says that its ground is light, dark where it says so, else one that can be read on both.
    #[default]
    Auto,
    /// For a dark ground.
    Dark,
    /// For a light ground.
    Light,
    /// Only strong contrasts.
    HighContrast,
    /// The terminal's own sixteen colours.
    Sixteen,
    /// No colours.
    Plain,
    /// The user's own of this name.
    User(String),
}

impl ThemeName {
    /// The names that are not the user's.
    pub(super) const KNOWN: [(&'static str, Self); 6] = [
        ("auto", Self::Auto),
        ("dark", Self::Dark),
        ("light", Self::Light),
        ("high-contrast", Self::HighContrast),
        ("sixteen", Self::Sixteen),
        ("plain", Self::Plain),
    ];

    /// The theme that a name means. Whether there is one of the user's is not known here.
    pub(super) fn named(name: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(word, _)| *word == name);
        known.map_or_else(|| Self::User(name.to_owned()), |(_, theme)| theme)
    }
}

/// What stands in front of log lines and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// The time of this machine.
    #[default]
    Local,
    /// Coordinated universal time.
    Utc,
    /// Nothing.
    Off,
}

impl Word for Timestamps {
    const ALL: &'static [(&'static str, Self)] = &[("local", Self::Local), ("utc", Self::Utc), ("off", Self::Off)];
}

/// How the end of something long is announced to somebody who looks elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    /// By the desktop where there is one, else by the terminal.
    #[default]
    Auto,
    /// By the desktop.
    Desktop,
    /// By the terminal.
    Terminal,
    /// Not at all.
    Off,
}

impl Word for Notify {
    const ALL: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("desktop", Self::Desktop), ("terminal", Self::Terminal), ("off", Self::Off)];
}

//! What a configuration says, as plain data with its defaults. How it is written is in `parse.rs`.

use serde::Serialize;
use std::path::PathBuf;
use url::Url;

use super::{Colour, Local, Networking, Ui, UserTheme};

/// The host of the production API.
const PRODUCTION: &str = "api.systemprompt.io";
/// The host of the sandbox API.
const SANDBOX: &str = "api-sandbox.systemprompt.io";

/// The user's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Config {
    /// The file; `None` where there is no place for one.
    pub path: Option<PathBuf>,
    /// The context to begin with; one of `contexts`.
    pub default_context: Option<String>,
    /// The contexts, in the file's order.
    #[serde(rename = "context")]
    pub contexts: Vec<Context>,
    /// How the screen behaves.
    pub ui: Ui,
    /// How local tenants are made.
    pub local: Local,
    /// How addresses outside are reached, where a context does not say it.
    pub network: Networking,
    /// Other keys for commands, in the file's order.
    pub keys: Vec<KeyBinding>,
    /// The user's own themes, in the file's order.
    #[serde(rename = "theme")]
    pub themes: Vec<UserTheme>,
}

impl Config {
    /// The context of this name.
    #[must_use]
    pub fn context(&self, name: &str) -> Option<&Context> {
        self.contexts.iter().find(|context| context.name == name)
    }

    /// The context to begin with, where one is named.
    #[must_use]
    pub fn first_context(&self) -> Option<&Context> {
        self.default_context.as_deref().and_then(|name| self.context(name))
    }

    /// The user's theme of this name.
    #[must_use]
    pub fn theme(&self, name: &str) -> Option<&UserTheme> {
        self.themes.iter().find(|theme| theme.name == name)
    }

    /// A line of the file as a sentence names it: `config.toml line 12`.
    #[must_use]
    pub fn line(&self, line: usize) -> String {
        let name = self.path.as_deref().and_then(|path| path.file_name()).unwrap_or("config.toml".as_ref());
        format!("{} line {line}", crate::model::text::line(&name.to_string_lossy()))
    }
}

/// A cloud to work on: a Management API, and how to log in there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Context {
    /// What the user calls it.
    #[serde(skip)]
    pub name: String,
    /// The address of its Management API: `https`, or `http` on this machine. No slash at its end but where it has no path.
    pub api: Url,
    /// True where changes are asked for once more. Also where a part of the context could not be read: it may have been
    /// the part that says so.
    pub protected: bool,
    /// Its own colour, where it is not the one of its kind.
    pub colour: Option<Colour>,
    /// How to find the token.
    pub login: Login,
    /// How its API, and what belongs to it, is reached.
    #[serde(flatten)]
    pub network: Networking,
    /// Its line in the file.
    #[serde(skip)]
    pub line: usize,
}

impl Context {
    /// What kind of cloud it is.
    #[must_use]
    pub fn kind(&self) -> ContextKind {
        ContextKind::of(&self.api)
    }
}

/// Whose cloud a Management API is: they look different, so that nobody takes one for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContextKind {
    /// The platform's own, where customers are.
    Production,
    /// The platform's, for trying.
    #[default]
    Sandbox,
    /// Anybody else's.
    SelfHosted,
}

impl ContextKind {
    /// The kind of an API's address.
    #[must_use]
    pub fn of(api: &Url) -> Self {
        match api.host_str() {
            Some(PRODUCTION) => Self::Production,
            Some(SANDBOX) => Self::Sandbox,
            _ => Self::SelfHosted,
        }
    }

    /// The word on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
            Self::SelfHosted => "self-hosted",
        }
    }
}

/// How the token of a context is found. `token.rs` finds it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Login {
    /// Where a login of this program's is kept: the keyring, or the project's `credentials.json` for the same API.
    #[default]
    Project,
    /// In an environment variable of this name.
    Env(String),
    /// In a file that only its owner can read; absolute, or as it is written where there is no folder to begin at.
    File(PathBuf),
}

/// Other keys for a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyBinding {
    /// The command's id. Whether there is one is not known here.
    pub command: String,
    /// Its keys as they are written, harmless; none takes the command off the keyboard.
    pub keys: Vec<String>,
    /// Its line in the file.
    pub line: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_cloud_is_known_by_its_host_alone() {
        for (raw, kind) in [
            ("https://api.systemprompt.io", ContextKind::Production),
            ("https://API.systemprompt.io:443/x", ContextKind::Production),
            ("https://api-sandbox.systemprompt.io", ContextKind::Sandbox),
            ("https://api.systemprompt.io.evil.example", ContextKind::SelfHosted),
            ("http://127.0.0.1:9400", ContextKind::SelfHosted),
        ] {
            assert_eq!(ContextKind::of(&Url::parse(raw).expect("a URL")), kind, "{raw}");
        }
    }

    #[test]
    fn a_line_is_named_with_its_file() {
        let config = Config { path: Some("/home/mara/.config/tenantry/my.toml".into()), ..Config::default() };
        assert_eq!(config.line(12), "my.toml line 12");
        assert_eq!(Config::default().line(3), "config.toml line 3");
    }
}

//! What can be wrong with the files of this room, and how a person is told. A mistake in the configuration is no error: it
//! is told, and the rest holds.

use std::path::PathBuf;

use crate::model::{Problem, text};
use crate::workspace::WorkspaceError;

/// The errors of this room.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] WorkspaceError),
    /// The file that `TENANTRY_CONFIG` names is not there.
    #[error("there is no configuration at {}", .path.display())]
    NoConfig {
        /// Where.
        path: PathBuf,
    },
    /// The configuration is no text.
    #[error("the configuration {} is not UTF-8 text", .path.display())]
    NoText {
        /// Where.
        path: PathBuf,
    },
    /// The file of a token is not there.
    #[error("there is no token at {}", .path.display())]
    NoTokenFile {
        /// Where.
        path: PathBuf,
    },
    /// Others can read the file of a token.
    #[error("others can read the token at {}", .path.display())]
    OpenToken {
        /// Where.
        path: PathBuf,
    },
    /// The file of certificates is not there, or holds none.
    #[error("the certificates at {} cannot be used: {why}", .path.display())]
    Certificates {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The proxy cannot be read or used. No other way is taken.
    #[error("the proxy of the configuration cannot be used: {why}")]
    Proxy {
        /// What is wrong.
        why: &'static str,
    },
    /// The file or the variable of a token holds none.
    #[error("{place} holds no token")]
    NoToken {
        /// What was looked at, harmless.
        place: String,
    },
}

impl SettingsError {
    /// The error as a person sees it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::File(error) => error.problem(),
            Self::NoConfig { path } => Problem::new("The configuration is not there.")
                .detail(format!("TENANTRY_CONFIG names {}.", path.display()))
                .hint("Correct or unset the variable; without it the usual place is looked at."),
            Self::NoText { path } => Problem::new("The configuration is no text.")
                .detail(format!("{} is not UTF-8.", path.display()))
                .hint("Save it as UTF-8."),
            Self::NoTokenFile { path } => Problem::new("The token of this context is not there.")
                .detail(format!("There is no file {}.", path.display()))
                .hint("Store the token there, readable by you alone, or change the context's `login`.")
                .needs_login(),
            Self::OpenToken { path } => Problem::new("Others can read the token of this context.")
                .detail(format!("{} must be readable by you alone.", path.display()))
                .hint(format!("chmod 600 {}; and make a new token where somebody may have read it.", path.display())),
            Self::Certificates { path, why } => Problem::new("The certificates of the configuration cannot be used.")
                .detail(format!("{}: {why}.", path.display()))
                .hint("Correct `ca_file`: the issuer's certificate, PEM, as -----BEGIN CERTIFICATE----- begins it."),
            Self::Proxy { why } => Problem::new("The proxy of the configuration cannot be used.")
                .detail(format!("`proxy`: {why}. Nothing was sent another way."))
                .hint("Correct `proxy`: http://host:port, or \"none\" to go directly."),
            Self::NoToken { place } => Problem::new("The token of this context is missing.")
                .detail(format!("{} holds none.", text::line(place)))
                .hint("Put the token there: one line, nothing else.")
                .needs_login(),
        }
    }
}

impl From<&SettingsError> for Problem {
    fn from(error: &SettingsError) -> Self {
        error.problem()
    }
}

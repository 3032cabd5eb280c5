//! What can be wrong with a keyring, and how a person is told.

use crate::model::Problem;

/// The errors of this room. None holds a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is none: no desktop, or no program that keeps one. Why, in the system's words.
    #[error("there is no keyring: {0}")]
    Absent(String),
    /// It is locked, and nobody unlocked it.
    #[error("the keyring is locked")]
    Locked,
    /// It did not answer in time; it may have been asking the person for a password.
    #[error("the keyring does not answer")]
    TimedOut,
    /// It answered with an error.
    #[error("the keyring answered: {0}")]
    Failed(String),
}

impl KeyringError {
    pub(super) fn off() -> Self {
        Self::Absent(format!("{} switches it off", super::VARIABLE))
    }

    /// The error as a person sees it. What to do instead is for whoever knows what was to be kept.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Absent(why) => Problem::new("No keyring answers on this machine.").detail(format!("{why}.")),
            Self::Locked => {
                Problem::new("The keyring is locked.").hint("Unlock it in its own window or program, then try again.")
            }
            Self::TimedOut => Problem::new("The keyring does not answer.")
                .hint("It may be asking for its password in a window of its own. Answer it, then try again."),
            Self::Failed(why) => Problem::new("The keyring refused.").detail(format!("{why}.")),
        }
    }
}

//! A tenant that is no cloud's: a database on the developer's own machine (protocol E.3, E.11), and how it is now.

use serde::Serialize;

use super::{Secret, TenantId};

/// The image of a local tenant's database where nobody says another (protocol E.11).
pub const POSTGRES_IMAGE: &str = "postgres:18-alpine";
/// The port on which it is looked for first.
pub const POSTGRES_PORT: u16 = 5432;
/// The longest name of a local tenant, characters.
pub const LONGEST_NAME: usize = 64;

/// One of them, as the project's list of tenants has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTenant {
    /// Its id, `local_...`.
    pub id: TenantId,
    /// Its name. Harmless text.
    pub name: String,
    /// Its database as this machine reaches it.
    pub database_url: Option<Secret>,
    /// The Compose project that runs it; absent for a database that was there before. Harmless text.
    pub docker_project: Option<String>,
    /// RFC 3339, where it was written down.
    pub created_at: Option<String>,
    /// True where its creation did not come to an end: creating it again goes on with it.
    pub unfinished: bool,
}

/// How a local tenant's database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalState {
    /// It answers, or its container says that it does.
    Running,
    /// Its container runs and does not answer yet.
    Starting,
    /// Its container is there and does not run.
    Stopped,
    /// It has no container. Its data may be there.
    Gone,
    /// It should answer, and does not.
    Silent,
    /// Nobody could be asked.
    #[default]
    Unknown,
}

impl LocalState {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Running, Self::Starting, Self::Stopped, Self::Gone, Self::Silent, Self::Unknown];

    /// The word on the screen and in documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
            Self::Silent => "no answer",
            Self::Unknown => "unknown",
        }
    }

    /// The state that a word of [`Self::word`] means; any other is unknown.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.word() == word).unwrap_or_default()
    }
}

/// A local tenant and how it is. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalStatus {
    /// Which.
    pub tenant: LocalTenant,
    /// How it is.
    pub state: LocalState,
    /// More about that, one harmless line: why nobody answers, with which code it ended.
    pub detail: Option<String>,
}

/// What a new local tenant begins with, where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDefaults {
    /// A name that no other tenant of the project has.
    pub name: String,
    /// A port that nothing listens on.
    pub port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_differ() {
        for state in LocalState::ALL {
            assert_eq!(LocalState::from_word(state.word()), state);
        }
        assert_eq!(LocalState::from_word("suspended"), LocalState::Unknown);
    }
}

//! How far the making of a local tenant is. Must not know how it is done or shown.

use serde::Serialize;
use std::time::Duration;

/// A step of it, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalStep {
    /// The name, the port and the engine are looked at.
    Check,
    /// The image is there, or is pulled.
    Image,
    /// Volume and container are made, and the container is started.
    Container,
    /// The database answers.
    Database,
    /// It stands in the project's list of tenants.
    Record,
}

impl LocalStep {
    /// The steps of a database in a container.
    pub const CONTAINER: [Self; 5] = [Self::Check, Self::Image, Self::Container, Self::Database, Self::Record];
    /// The steps of a database that is there already.
    pub const EXISTING: [Self; 3] = [Self::Check, Self::Database, Self::Record];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Image => "image",
            Self::Container => "container",
            Self::Database => "database",
            Self::Record => "record",
        }
    }
}

/// What is said on the way. All text is one harmless line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LocalProgress {
    /// A step began.
    Started {
        /// Which.
        step: LocalStep,
    },
    /// How far it is.
    Moved {
        /// Which.
        step: LocalStep,
        /// In words.
        text: String,
    },
    /// A step is done.
    Finished {
        /// Which.
        step: LocalStep,
        /// What it came to.
        summary: String,
        /// How long it took.
        #[serde(skip)]
        took: Duration,
    },
    /// A step did not come to its end. Why is the operation's result.
    Failed {
        /// Which.
        step: LocalStep,
    },
}

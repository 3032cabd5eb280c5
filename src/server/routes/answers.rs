//! Small answers that several calls share.

use serde::Serialize;
use utoipa::ToSchema;

/// That something was begun, and what it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Begun {
    /// `restarting`, `provisioning`, `suspended`, `active`, ...
    pub status: &'static str,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<&'static str>,
}

impl Begun {
    /// Without words for people.
    #[must_use]
    pub fn new(status: &'static str) -> Self {
        Self { status, message: None }
    }
}

/// That a secret was set.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretSet {
    /// Its name.
    pub key: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// One secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecretShown {
    /// Its name.
    pub key: String,
    /// Always masked.
    pub value: &'static str,
    /// RFC 3339.
    pub updated_at: String,
}

/// Log lines, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogLines {
    /// See there.
    pub logs: Vec<crate::model::LogEntry>,
}

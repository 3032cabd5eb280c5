//! A new password for a tenant's database (protocol D.4).

use super::stored::Stored;
use crate::model::Secret;

/// What a rotation brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// When, RFC 3339 UTC, as this machine's clock says.
    pub rotated_at: String,
    /// When the credentials that are invalid now were stored, RFC 3339 UTC; absent where this machine had none.
    pub previous_at: Option<String>,
    /// The server's words.
    pub message: Option<String>,
    /// The tenant's machine is being started again with them.
    pub restarts: bool,
    /// As machines reach the database.
    pub database_url: Secret,
    /// As people outside reach it, where that is switched on and the server said it.
    pub external_database_url: Option<Secret>,
    /// Where they are now.
    pub stored: Stored,
}

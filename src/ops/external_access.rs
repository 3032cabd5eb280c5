//! Whether a tenant's database can be reached from outside (protocol B.37).

use super::stored::Stored;
use crate::model::Secret;

/// How it stands after the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// On or off.
    pub enabled: bool,
    /// As people outside reach the database, the password masked. Harmless text, empty where the server does not say.
    pub masked_url: String,
    /// The same with its password, where the tenant's profile has it and the switch is on.
    pub database_url: Option<Secret>,
    /// Where that was stored; absent where nothing was.
    pub stored: Option<Stored>,
}

//! The credentials of a tenant that can be read once (protocol D.5).

use super::stored::Stored;
use crate::model::OneTimeCredentials;

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The values. They cannot be fetched again.
    pub credentials: OneTimeCredentials,
    /// Where they are now.
    pub stored: Stored,
}

//! A tenant that is no cloud's: a database on the developer's own machine (protocol E.3, E.11).

use super::{Secret, TenantId};

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
}

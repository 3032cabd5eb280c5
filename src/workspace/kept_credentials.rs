//! Credentials of tenants that have no profile in any project: one file each, for its owner alone, so that what the
//! server hands out only once is not lost. Of the same form as a profile's secrets.

use std::path::PathBuf;

use super::{SecretsDraft, StateDirectory, WorkspaceError};
use crate::model::TenantId;

/// Where the files are, below the state directory.
const FOLDER: &str = "credentials";

impl StateDirectory {
    /// Where the tenant's are kept, if they are.
    #[must_use]
    pub fn credentials_file(&self, tenant: &TenantId) -> PathBuf {
        self.path().join(FOLDER).join(format!("{tenant}.json"))
    }

    /// Begins to change them; makes the folder. Blocks.
    pub fn credentials_draft(&self, tenant: &TenantId) -> Result<SecretsDraft, WorkspaceError> {
        self.folder(FOLDER)?;
        SecretsDraft::open(self.credentials_file(tenant))
    }
}

//! Credentials of tenants that have no profile in any project: one file each, for its owner alone, so that what the
//! server hands out only once is not lost. Of the same form as a profile's secrets.

use std::io::ErrorKind;
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

    /// Removes them, for a tenant that is gone. Nothing to remove is no error. Blocks.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn forget_credentials(&self, tenant: &TenantId) -> Result<(), WorkspaceError> {
        let path = self.credentials_file(tenant);
        match std::fs::remove_file(&path) {
            Err(cause) if !matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(WorkspaceError::Write { path, cause })
            }
            _ => Ok(()),
        }
    }
}

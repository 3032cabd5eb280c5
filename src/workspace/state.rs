//! What this program remembers between two starts, outside any project: a directory of its own.
//!
//! Nothing in here is needed: without it the next deploy is slower, and there is no history. Nothing is a secret either,
//! but the credentials of tenants that have no profile to keep them in.

use directories::ProjectDirs;
use std::fs::{DirBuilder, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::WorkspaceError;

/// The variable that puts the directory elsewhere.
pub const VARIABLE: &str = "TENANTRY_STATE";

/// The state directory. Cheap to clone; made when something is first written into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDirectory {
    root: PathBuf,
}

impl StateDirectory {
    /// The user's: `$TENANTRY_STATE`, else the platform's place for it (`~/.local/state/tenantry`). `None` where there is no
    /// home directory.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        if let Some(set) = std::env::var_os(VARIABLE).filter(|set| !set.is_empty()) {
            return Some(Self::at(set));
        }
        let directories = ProjectDirs::from("", "", "tenantry")?;
        Some(Self::at(directories.state_dir().unwrap_or_else(|| directories.data_local_dir())))
    }

    /// The one at `root`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The folder `name` in it, made where it is missing, for its owner alone.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, WorkspaceError> {
        let path = self.root.join(name);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&path) {
            Ok(()) => Ok(path),
            Err(cause) => Err(WorkspaceError::Write { path, cause }),
        }
    }
}

/// Opens `path` to be locked and written, for its owner alone; made where it is missing, and its content left as it is.
/// The lock belongs to the handle: another handle of the same process is somebody else.
pub(super) fn open_to_lock(path: &Path) -> Result<File, WorkspaceError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|cause| WorkspaceError::Write { path: path.to_owned(), cause })
}

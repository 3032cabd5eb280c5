//! How layers that were pushed lie in their registry, so that the next push need not compress them to find out.
//!
//! Only a guess that saves work: the registry is asked for each of them. Must not know the registry, or images.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reading::small_file;
use super::{StateDirectory, WorkspaceError, atomic};
use crate::model::Digest;

/// The most layers that are remembered for one repository; the oldest are forgotten first.
const MOST: usize = 500;

/// The most repositories that are remembered.
const REPOSITORIES: usize = 16;
/// Where, below the state directory.
const FOLDER: &str = "pushed";
const FILE: &str = "layers.json";

/// A layer as a registry holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedLayer {
    /// Of its plain content.
    pub diff_id: Digest,
    /// Of its content as it was pushed.
    pub digest: Digest,
    /// Its size as it was pushed, bytes.
    pub size: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    /// By `{registry}/{repository}`, oldest first.
    repositories: BTreeMap<String, Vec<PushedLayer>>,
}

impl StateDirectory {
    /// The layers that were pushed to `repository` (`{registry}/{repository}`). A file that cannot be read is as good as
    /// none.
    #[must_use]
    pub fn pushed_layers(&self, repository: &str) -> Vec<PushedLayer> {
        self.read_pushed().repositories.remove(repository).unwrap_or_default()
    }

    /// Remembers layers of `repository`. What another process remembers at the same time may be lost.
    pub fn remember_pushed_layers(&self, repository: &str, layers: &[PushedLayer]) -> Result<(), WorkspaceError> {
        let mut file = self.read_pushed();
        let known = file.repositories.entry(repository.to_owned()).or_default();
        known.retain(|old| !layers.iter().any(|new| new.diff_id == old.diff_id));
        known.extend_from_slice(layers);
        known.drain(..known.len().saturating_sub(MOST));
        // A sandbox has another port each time: what it left behind must not push out what is still used.
        while file.repositories.len() > REPOSITORIES {
            let other = file.repositories.keys().find(|known| *known != repository).cloned();
            let Some(other) = other else { break };
            file.repositories.remove(&other);
        }
        let path = self.folder(FOLDER)?.join(FILE);
        let write = |cause| WorkspaceError::Write { path: path.clone(), cause };
        let json = serde_json::to_vec(&file).map_err(|error| write(error.into()))?;
        atomic::write(&path, &json, 0o600)
    }

    fn read_pushed(&self) -> File {
        let read = small_file(&self.pushed_path()).ok().flatten();
        read.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    fn pushed_path(&self) -> PathBuf {
        self.path().join(FOLDER).join(FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(n: usize) -> PushedLayer {
        let digest = |n: usize| Digest::new(&format!("sha256:{n:064x}")).unwrap();
        PushedLayer { diff_id: digest(n), digest: digest(n + 1), size: n as u64 }
    }

    #[test]
    fn what_was_pushed_is_remembered_for_each_repository_and_not_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::at(folder.path().join("state"));
        assert_eq!(state.pushed_layers("h/a"), []);
        state.remember_pushed_layers("h/a", &[layer(1), layer(2)]).unwrap();
        state.remember_pushed_layers("h/b", &[layer(3)]).unwrap();
        let again = PushedLayer { size: 9, ..layer(1) };
        state.remember_pushed_layers("h/a", std::slice::from_ref(&again)).unwrap();
        assert_eq!(state.pushed_layers("h/a"), [layer(2), again]);
        assert_eq!(state.pushed_layers("h/b"), [layer(3)]);
        let many: Vec<_> = (10..MOST + 20).map(layer).collect();
        state.remember_pushed_layers("h/b", &many).unwrap();
        assert_eq!(state.pushed_layers("h/b"), many[10..]);
        std::fs::write(state.pushed_path(), "{").unwrap();
        assert_eq!(state.pushed_layers("h/a"), []);
    }
}

//! An account's list of tenants as it was the last time, so that the screen shows it before the API has answered. A file
//! for each API and account in the state directory; nothing in it is needed, and nothing is a secret.
//!
//! Must not know who asks the API, or what is done with a list that is old.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::model::Tenant;
use crate::workspace::{StateDirectory, WorkspaceError, atomic, reading};

/// Where, below the state directory.
const FOLDER: &str = "screen/tenants";
/// The most tenants of a list that is kept: reading it must not take longer than asking.
const TENANTS: usize = 1000;
/// The most lists that are kept; the oldest goes first.
const FILES: usize = 50;
/// The form that this program writes, and the only one it reads.
const VERSION: u32 = 1;

/// Whose list it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// The API's address.
    pub api: String,
    /// What knows the account again: its id, or its e-mail address.
    pub account: String,
}

/// A list, and when it was so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTenants {
    version: u32,
    /// When the API said so; RFC 3339 UTC in the file.
    #[serde(with = "moment")]
    pub at: Timestamp,
    /// In the server's order.
    pub tenants: Vec<Tenant>,
}

impl LastTenants {
    /// The list of a moment.
    #[must_use]
    pub fn new(at: Timestamp, tenants: Vec<Tenant>) -> Self {
        Self { version: VERSION, at, tenants }
    }

    /// The list of the last time; `None` where there is none that can be understood. Blocks on the disk.
    #[must_use]
    pub fn load(state: &StateDirectory, whose: &Whose) -> Option<Self> {
        let read = reading::small_file(&path(state, whose)).inspect_err(|error| {
            tracing::warn!(%error, "the list of the last time is not shown");
        });
        let last: Self = serde_json::from_slice(&read.ok()??).ok()?;
        (last.version == VERSION).then_some(last)
    }

    /// The lists of every account of an API, in no order; what cannot be understood is left out. Blocks on the disk.
    #[must_use]
    pub fn of_api(state: &StateDirectory, api: &str) -> Vec<Self> {
        let beginning = mark(api);
        let is_of_api = |path: &PathBuf| path.file_name().is_some_and(|name| begins(name, &beginning));
        let read = |path: PathBuf| serde_json::from_slice::<Self>(&reading::small_file(&path).ok()??).ok();
        let lists = files(&state.path().join(FOLDER)).into_iter().map(|(path, _)| path).filter(is_of_api);
        lists.filter_map(read).filter(|last| last.version == VERSION).collect()
    }

    /// Keeps it for the next time, for its owner alone. A list that is too long is not kept, and an older one goes. Blocks
    /// on the disk.
    ///
    /// # Errors
    /// Where the place cannot be written.
    pub fn save(&self, state: &StateDirectory, whose: &Whose) -> Result<(), WorkspaceError> {
        let path = path(state, whose);
        if self.tenants.len() > TENANTS {
            return remove(&path);
        }
        let folder = state.folder(FOLDER)?;
        let failed = |error: serde_json::Error| WorkspaceError::Write { path: path.clone(), cause: error.into() };
        atomic::write(&path, &serde_json::to_vec(self).map_err(failed)?, 0o600)?;
        thin_out(&folder);
        Ok(())
    }

    /// Forgets every list of an API: nobody is logged in there any more. Blocks on the disk.
    ///
    /// # Errors
    /// Where one cannot be removed.
    pub fn forget(state: &StateDirectory, api: &str) -> Result<(), WorkspaceError> {
        let beginning = mark(api);
        let is_of_api = |path: &PathBuf| path.file_name().is_some_and(|name| begins(name, &beginning));
        files(&state.path().join(FOLDER))
            .into_iter()
            .map(|(path, _)| path)
            .filter(is_of_api)
            .try_for_each(|path| remove(&path))
    }
}

mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn begins(name: &std::ffi::OsStr, beginning: &str) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(beginning))
}

fn path(state: &StateDirectory, whose: &Whose) -> PathBuf {
    state.path().join(FOLDER).join(format!("{}-{}.json", mark(&whose.api), mark(&whose.account)))
}

/// A name for a file that says nothing of what it is for.
fn mark(text: &str) -> String {
    Sha256::digest(text).iter().take(8).fold(String::new(), |mut mark, byte| {
        let _ = write!(mark, "{byte:02x}");
        mark
    })
}

fn remove(path: &Path) -> Result<(), WorkspaceError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(WorkspaceError::Write { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}

/// Accounts come and go; what is not opened any more must not stay for ever.
fn thin_out(folder: &Path) {
    let mut files = files(folder);
    files.sort_by_key(|(_, written)| std::cmp::Reverse(*written));
    for (path, _) in files.into_iter().skip(FILES) {
        if let Err(error) = remove(&path) {
            tracing::warn!(%error, "an old list of tenants stays");
        }
    }
}

/// The lists in a folder, and when each was written. What cannot be read is passed over.
fn files(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let dated = |entry: fs::DirEntry| {
        let is_list = entry.path().extension().is_some_and(|extension| extension == "json");
        let written = entry.metadata().and_then(|meta| meta.modified()).ok()?;
        is_list.then(|| (entry.path(), written))
    };
    entries.filter_map(Result::ok).filter_map(dated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn directory() -> (tempfile::TempDir, StateDirectory) {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDirectory::at(folder.path().join("state"));
        (folder, state)
    }

    fn whose(api: &str, account: &str) -> Whose {
        Whose { api: api.to_owned(), account: account.to_owned() }
    }

    fn list(count: usize) -> LastTenants {
        let tenant = |number| json!({ "id": format!("ten_{number}"), "name": format!("shop-{number}") });
        let tenants = (0..count).map(tenant).map(|raw| serde_json::from_value(raw).expect("a tenant")).collect();
        LastTenants::new("2026-11-30T08:00:00Z".parse().expect("a time"), tenants)
    }

    #[test]
    fn everybody_finds_their_own_list_and_no_other() {
        let (_folder, state) = directory();
        let (mine, other) = (whose("https://one.example", "u1"), whose("https://one.example", "u2"));
        assert_eq!(LastTenants::load(&state, &mine), None);
        list(3).save(&state, &mine).expect("kept");
        assert_eq!(LastTenants::load(&state, &mine), Some(list(3)));
        assert_eq!(LastTenants::load(&state, &other), None);
        assert_eq!(LastTenants::load(&state, &whose("https://two.example", "u1")), None);
        list(2).save(&state, &other).expect("kept");
        assert_eq!(LastTenants::of_api(&state, "https://one.example").len(), 2);
        assert_eq!(LastTenants::of_api(&state, "https://two.example"), []);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, state) = directory();
        let mine = whose("https://one.example", "u1");
        list(1).save(&state, &mine).expect("kept");
        assert_eq!(fs::metadata(path(&state, &mine)).expect("it is there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn one_that_is_too_long_takes_the_old_one_with_it() {
        let (_folder, state) = directory();
        let mine = whose("https://one.example", "u1");
        list(3).save(&state, &mine).expect("kept");
        list(TENANTS + 1).save(&state, &mine).expect("not kept");
        assert_eq!(LastTenants::load(&state, &mine), None);
    }

    #[test]
    fn what_cannot_be_understood_is_none() {
        let (_folder, state) = directory();
        let mine = whose("https://one.example", "u1");
        list(1).save(&state, &mine).expect("kept");
        for odd in ["", "{", "[]", r#"{"version":2,"at":"2026-11-30T08:00:00Z","tenants":[]}"#] {
            fs::write(path(&state, &mine), odd).expect("written");
            assert_eq!(LastTenants::load(&state, &mine), None, "{odd}");
        }
    }

    #[test]
    fn an_api_without_a_login_has_no_lists() {
        let (_folder, state) = directory();
        let (mine, other) = (whose("https://one.example", "u1"), whose("https://two.example", "u1"));
        LastTenants::forget(&state, "https://one.example").expect("nothing to forget");
        list(1).save(&state, &mine).expect("kept");
        list(1).save(&state, &other).expect("kept");
        LastTenants::forget(&state, "https://one.example").expect("forgotten");
        assert_eq!(LastTenants::load(&state, &mine), None);
        assert!(LastTenants::load(&state, &other).is_some());
    }

    #[test]
    fn lists_do_not_pile_up() {
        let (_folder, state) = directory();
        for number in 0..FILES + 3 {
            list(1).save(&state, &whose("https://one.example", &number.to_string())).expect("kept");
        }
        assert_eq!(files(&state.path().join(FOLDER)).len(), FILES);
    }
}

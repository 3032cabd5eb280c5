//! A text that lies on the disk only as long as somebody works on it: for its owner alone, in a folder of its own, so that
//! what an editor leaves beside it (a swap file, a backup) goes with it. Overwritten before it is removed.

use rustix::process::{Pid, getuid, test_kill_process};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

use super::{StateDirectory, WorkspaceError};
use crate::model::Secret;

/// Begins the names of the folders; the number of the process follows.
const PREFIX: &str = "tenantry-edit-";
/// The most that is read back, in bytes.
pub const LARGEST: u64 = 1024 * 1024;
/// Longest suffix that is kept, in characters.
const SUFFIX: usize = 16;

/// A text on the disk. Dropping it removes it.
#[derive(Debug)]
pub struct Sheet {
    folder: TempDir,
    file: PathBuf,
}

impl Sheet {
    /// Writes `text` to a file that ends with `suffix` (`.json`: editors go by it), below `place`. Sheets whose program
    /// was killed are removed first.
    pub fn write(place: &Path, text: &Secret, suffix: &str) -> Result<Self, WorkspaceError> {
        sweep(place);
        let cannot = |cause| WorkspaceError::Write { path: place.to_owned(), cause };
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .permissions(PermissionsExt::from_mode(0o700))
            .tempdir_in(place)
            .map_err(cannot)?;
        let plain = suffix.len() <= SUFFIX && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        let file = folder.path().join(format!("text{}", if plain { suffix } else { "" }));
        // In this order: were the writing to fail, what was written so far is removed.
        let sheet = Self { folder, file };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options.open(&sheet.file).and_then(|mut file| file.write_all(text.reveal().as_bytes()));
        written.map_err(|cause| WorkspaceError::Write { path: sheet.file.clone(), cause })?;
        Ok(sheet)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// What it says now. Refused where it is larger than [`LARGEST`], no UTF-8, or no file any more.
    pub fn read(&self) -> Result<Secret, WorkspaceError> {
        let read = || {
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(no_follow());
            let file = options.open(&self.file)?;
            if file.metadata()?.len() > LARGEST {
                return Err(io::Error::other(format!("it is larger than {} KiB", LARGEST / 1024)));
            }
            let mut text = String::new();
            file.take(LARGEST).read_to_string(&mut text)?;
            Ok(Secret::new(text))
        };
        read().map_err(|cause| WorkspaceError::Read { path: self.file.clone(), cause })
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        // The folder is removed next, and what cannot be overwritten goes with it.
        wipe(self.folder.path());
    }
}

/// Where sheets lie: the person's own folder in memory where the system has one, else the state directory.
pub fn place(runtime: Option<&Path>, state: Option<&StateDirectory>) -> Result<PathBuf, WorkspaceError> {
    if let Some(runtime) = runtime.filter(|runtime| is_private(runtime)) {
        return Ok(runtime.to_owned());
    }
    if let Some(state) = state {
        return state.folder("edit");
    }
    let cause = io::Error::new(io::ErrorKind::NotFound, "there is no home directory to keep it in");
    Err(WorkspaceError::Write { path: PathBuf::from("edit"), cause })
}

/// Ours, and nobody else's to look into.
fn is_private(folder: &Path) -> bool {
    let Ok(meta) = fs::metadata(folder) else { return false };
    meta.is_dir() && meta.uid() == getuid().as_raw() && meta.mode() & 0o777 == 0o700
}

fn no_follow() -> i32 {
    // The bits of open(2) fit; the library keeps them unsigned.
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

/// Overwrites every file of `folder` with zeros.
fn wipe(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = overwrite(&entry.path());
        }
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).custom_flags(no_follow()).open(path)?;
    let length = file.metadata()?.len();
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_data()
}

/// Removes the sheets of programs that are no more.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        let Some(pid) = process.and_then(Pid::from_raw) else { continue };
        let ours = entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == getuid().as_raw());
        if ours && test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            wipe(&entry.path());
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(place: &Path, text: &str) -> Sheet {
        Sheet::write(place, &Secret::new(text), ".json").expect("written")
    }

    #[test]
    fn nobody_else_may_look_and_nothing_stays() {
        let place = tempfile::tempdir().expect("a folder");
        let sheet = sheet(place.path(), "{}");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(sheet.path()), 0o600);
        assert_eq!(mode(sheet.path().parent().expect("a folder")), 0o700);
        assert!(sheet.path().to_string_lossy().ends_with("text.json"));
        fs::write(sheet.path().with_file_name(".text.json.swp"), "a copy").expect("written");
        fs::write(sheet.path(), r#"{"a": 1}"#).expect("edited");
        assert_eq!(sheet.read().expect("read").reveal(), r#"{"a": 1}"#);
        drop(sheet);
        assert_eq!(fs::read_dir(place.path()).expect("readable").count(), 0);
    }

    #[test]
    fn its_bytes_are_overwritten_before_they_are_removed() {
        let place = tempfile::tempdir().expect("a folder");
        let sheet = sheet(place.path(), "hunter2");
        // Another name of the same file, elsewhere, shows what became of the bytes.
        let other = place.path().join("other");
        fs::hard_link(sheet.path(), &other).expect("linked");
        drop(sheet);
        assert_eq!(fs::read(&other).expect("there"), [0; 7]);
    }

    #[test]
    fn what_is_no_text_or_too_long_or_elsewhere_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let sheet = sheet(place.path(), "");
        fs::write(sheet.path(), [0xff, 0xfe]).expect("written");
        assert!(sheet.read().is_err());
        fs::write(sheet.path(), vec![b'a'; usize::try_from(LARGEST).expect("fits") + 1]).expect("written");
        assert!(sheet.read().is_err());
        fs::remove_file(sheet.path()).expect("removed");
        std::os::unix::fs::symlink("/etc/hostname", sheet.path()).expect("linked");
        assert!(sheet.read().is_err());
    }

    #[test]
    fn the_sheet_of_a_program_that_was_killed_is_removed_by_the_next() {
        let place = tempfile::tempdir().expect("a folder");
        // No system counts its processes so far.
        let left = place.path().join(format!("{PREFIX}{}-abc", i32::MAX));
        let other = place.path().join(format!("{PREFIX}1-abc"));
        for folder in [&left, &other] {
            fs::create_dir(folder).expect("made");
            fs::write(folder.join("text"), "secret").expect("written");
        }
        drop(sheet(place.path(), ""));
        assert!(!left.exists() && other.exists());
    }

    #[test]
    fn a_runtime_folder_that_others_can_read_is_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDirectory::at(folder.path().join("state"));
        let taken = |mode: u32| {
            fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).expect("set");
            place(Some(folder.path()), Some(&state)).expect("a place")
        };
        assert_eq!(taken(0o700), folder.path());
        assert_eq!(taken(0o755), folder.path().join("state/edit"));
        assert!(place(None, None).is_err());
    }

    #[test]
    fn a_suffix_cannot_lead_elsewhere() {
        let place = tempfile::tempdir().expect("a folder");
        let sheet = Sheet::write(place.path(), &Secret::new(""), "/../../x").expect("written");
        assert_eq!(sheet.path().file_name().and_then(|name| name.to_str()), Some("text"));
    }
}

//! Files that say what images were built from, in the state directory: one for each thing that is built, and the key
//! that makes them unreadable elsewhere. Must not know what is in them.

use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::atomic;
use super::error::WorkspaceError;
use super::state::StateDirectory;

/// How many are kept; those that were not written for the longest time go first.
const KEPT: usize = 64;

const EXTENSION: &str = "record";

/// Where they are. Cheap to make; nothing is on the disk before something is written.
#[derive(Debug, Clone)]
pub struct ImageRecords {
    directory: PathBuf,
}

impl ImageRecords {
    /// Those of a state directory.
    #[must_use]
    pub fn of(state: &StateDirectory) -> Self {
        Self { directory: state.path().join("fingerprints") }
    }

    /// The key of this machine; made the first time, readable for its owner only.
    pub fn key(&self) -> Result<[u8; 32], WorkspaceError> {
        let path = self.directory.join("key");
        if let Some(key) = read(&path)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
            return Ok(key);
        }
        let mut key = [0; 32];
        let failed = |cause| WorkspaceError::Write { path: path.clone(), cause };
        SystemRandom::new()
            .fill(&mut key)
            .map_err(|_| failed(io::Error::other("the system gives no random numbers")))?;
        self.make()?;
        atomic::write(&path, &key, 0o600)?;
        // Another process may have made one at the same time: the last one counts for both.
        Ok(read(&path)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).unwrap_or(key))
    }

    /// The record called `name`, hex digits; `None` where there is none.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, WorkspaceError> {
        read(&self.path(name))
    }

    /// Writes the record called `name`, hex digits, and removes the oldest ones where there are too many.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), WorkspaceError> {
        self.make()?;
        atomic::write(&self.path(name), content, 0o600)?;
        if let Err(cause) = self.remove_oldest() {
            tracing::warn!(%cause, "old image records stay");
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension(EXTENSION)
    }

    fn make(&self) -> Result<(), WorkspaceError> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.recursive(true).create(&self.directory);
        made.map_err(|cause| WorkspaceError::Write { path: self.directory.clone(), cause })
    }

    fn remove_oldest(&self) -> io::Result<()> {
        let mut records: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                records.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        records.sort();
        let surplus = records.len().saturating_sub(KEPT);
        for (_, path) in records.into_iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, WorkspaceError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(WorkspaceError::Read { path: path.to_owned(), cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn records() -> (tempfile::TempDir, ImageRecords) {
        let directory = tempfile::tempdir().expect("a directory");
        let records = ImageRecords::of(&StateDirectory::at(directory.path().join("state")));
        (directory, records)
    }

    #[test]
    #[cfg(unix)]
    fn the_key_is_made_once_and_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, records) = records();
        let key = records.key().expect("a key");
        assert_eq!(records.key().expect("a key"), key);
        let path = records.directory.join("key");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&records.directory).expect("there").permissions().mode() & 0o777, 0o700);
        fs::write(&path, "short").expect("damaged");
        assert_ne!(records.key().expect("another key"), key);
    }

    #[test]
    fn records_are_found_again_and_the_oldest_go() {
        let (_directory, records) = records();
        assert_eq!(records.read("00").expect("readable"), None);
        for number in 0..KEPT + 2 {
            let name = format!("{number:02x}");
            records.write(&name, &[7]).expect("written");
            // The later ones are older.
            let age = Duration::from_secs(60 * number as u64);
            let file = fs::File::options().write(true).open(records.path(&name)).expect("there");
            file.set_modified(SystemTime::now() - age).expect("set");
        }
        records.write("ff", &[8]).expect("written");
        assert_eq!(records.read("ff").expect("readable"), Some(vec![8]));
        assert_eq!(records.read("00").expect("readable"), Some(vec![7]));
        assert_eq!(fs::read_dir(&records.directory).expect("readable").count(), KEPT);
        assert_eq!(records.read(&format!("{:02x}", KEPT + 1)).expect("readable"), None);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_said() {
        let (directory, records) = records();
        fs::write(directory.path().join("state"), "a file").expect("written");
        assert!(records.write("00", &[1]).is_err());
        assert!(records.key().is_err());
    }
}

//! One server per data directory: a lock that the system gives back however the server ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// The file that is locked. It stays; only the lock counts.
const FILE: &str = "lock";

/// Held for as long as the server runs.
#[derive(Debug)]
pub struct DirectoryLock(#[allow(dead_code, reason = "held, not read")] File);

impl DirectoryLock {
    /// `None` where another server holds it.
    pub fn take(directory: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().create(true).append(true).open(directory.join(FILE))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_it_and_it_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let held = DirectoryLock::take(folder.path()).expect("a file").expect("the lock");
        assert!(DirectoryLock::take(folder.path()).expect("a file").is_none());
        drop(held);
        assert!(DirectoryLock::take(folder.path()).expect("a file").is_some());
    }
}

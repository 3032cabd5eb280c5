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
    /// True where a server holds it; makes nothing.
    pub fn is_held(directory: &Path) -> bool {
        let file = OpenOptions::new().append(true).open(directory.join(FILE));
        file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }

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
        assert!(DirectoryLock::is_held(folder.path()));
        drop(held);
        assert!(!DirectoryLock::is_held(folder.path()));
        assert!(DirectoryLock::take(folder.path()).expect("a file").is_some());
    }
}

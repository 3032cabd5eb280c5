//! Files that are either the old or the new one, never half of it, whatever happens in between.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::WorkspaceError;

/// Writes `content` to `path` by way of a temporary file in the same directory. The mode (Unix permission
/// bits, narrowed by the umask) is set before there is any content. When this returns, file and name are
/// on the disk.
pub fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), WorkspaceError> {
    put(path, content, mode, true).map_err(|cause| WorkspaceError::Write { path: path.to_owned(), cause })
}

/// As [`write`], where there is nothing of that name yet: else the error's cause is
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists), and what is there stays.
pub fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), WorkspaceError> {
    put(path, content, mode, false).map_err(|cause| WorkspaceError::Write { path: path.to_owned(), cause })
}

/// Whether [`write`] would find a place for `path`: makes a temporary file in its directory, which goes again.
pub fn try_out(path: &Path) -> Result<(), WorkspaceError> {
    // A link stays one: what it leads to is written.
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let made = tempfile::Builder::new().prefix(".writing-").tempfile_in(directory(&place));
    made.map(drop).map_err(|cause| WorkspaceError::Write { path: path.to_owned(), cause })
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn put(path: &Path, content: &[u8], mode: u32, replace: bool) -> io::Result<()> {
    let directory = directory(path);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = builder.tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    if replace { file.persist(path) } else { file.persist_noclobber(path) }.map_err(|error| error.error)?;
    // The new name is only safe once its directory is. Other systems cannot open one.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_mode_holds_also_over_a_wider_file() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("secret.json");
        std::fs::write(&path, "old").expect("an old file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("a wide mode");
        write(&path, b"new", 0o600).expect("written");
        assert_eq!(std::fs::read(&path).ok().as_deref(), Some(&b"new"[..]));
        assert_eq!(std::fs::metadata(&path).map(|meta| meta.permissions().mode() & 0o777).ok(), Some(0o600));
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        write_new(&path, b"first", 0o600).expect("written");
        let error = write_new(&path, b"second", 0o600).expect_err("it is there");
        assert!(
            matches!(&error, WorkspaceError::Write { cause, .. } if cause.kind() == io::ErrorKind::AlreadyExists),
            "{error}"
        );
        assert_eq!(std::fs::read(&path).ok().as_deref(), Some(&b"first"[..]));
        assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        // A directory cannot be replaced by a file.
        let path = directory.path().join("taken");
        std::fs::create_dir(&path).expect("a directory");
        let error = write(&path, b"new", 0o600).expect_err("cannot be written");
        assert!(error.problem().title.ends_with("taken cannot be written."), "{error}");
        let names: Vec<_> = std::fs::read_dir(directory.path()).expect("readable").flatten().collect();
        assert_eq!(names.len(), 1);
        assert!(write(&directory.path().join("no/such/file"), b"new", 0o600).is_err());
    }
}

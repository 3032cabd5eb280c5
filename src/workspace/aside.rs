//! Puts a file aside that cannot be understood, before another one takes its place: somebody may want to look at it, and it
//! may hold what is nowhere else. What was put aside before stays.
//!
//! Must not know what is in it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::WorkspaceError;

/// What git and Docker leave out of it, as lines of their ignore files. Not `*.bak*`: a `menu.bakery.html` is no copy.
pub(crate) const PATTERNS: [&str; 2] = ["*.bak", "*.bak.*"];
/// As many are kept; whoever has more looks at none of them.
const MOST: u32 = 1000;

/// Renames `path` to the first free one of `path.bak`, `path.bak.2` and so on, and answers which. Blocks.
///
/// # Errors
/// Where it cannot be renamed, or there are a thousand already.
pub fn put(path: &Path) -> Result<PathBuf, WorkspaceError> {
    let failed = |cause| WorkspaceError::Write { path: path.to_owned(), cause };
    for number in 1..=MOST {
        let place = numbered(path, number);
        // Made first, so that of two programs each gets a name of its own.
        match File::create_new(&place) {
            Ok(_) => {}
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(cause) => return Err(failed(cause)),
        }
        let is_folder = path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        // A folder takes the place of no file.
        let made = if is_folder { fs::remove_file(&place) } else { Ok(()) };
        if let Err(cause) = made.and_then(|()| fs::rename(path, &place)) {
            let _ = fs::remove_file(&place);
            return Err(failed(cause));
        }
        return Ok(place);
    }
    Err(failed(io::ErrorKind::AlreadyExists.into()))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    if number > 1 {
        name.push(format!(".{number}"));
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_a_name_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("list.json");
        for (content, name) in [("one", "list.json.bak"), ("two", "list.json.bak.2"), ("three", "list.json.bak.3")] {
            fs::write(&path, content).expect("written");
            assert_eq!(put(&path).expect("put aside"), folder.path().join(name));
        }
        for (content, name) in [("one", "list.json.bak"), ("two", "list.json.bak.2")] {
            assert_eq!(fs::read_to_string(folder.path().join(name)).ok().as_deref(), Some(content));
        }
        fs::create_dir(&path).expect("made");
        assert!(put(&path).expect("put aside").is_dir());
        assert!(put(&path).is_err(), "it is not there any more");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 4);
    }
}

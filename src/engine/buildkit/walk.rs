//! A walk over the files of a directory that a selection means, in the order in which BuildKit wants them: a
//! directory's entries by the bytes of their names, and what is in a directory right behind it.
//!
//! Must not know what becomes of the files.

use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::context::Interrupted;
use crate::engine::ignore::{DirectoryVerdict, IgnoreRules, Inside};

/// Which paths below a directory are meant: those that no rule excludes and, where some are asked for, that are asked
/// for.
#[derive(Debug)]
pub(super) struct Selection {
    excluded: Vec<IgnoreRules>,
    wanted: Option<IgnoreRules>,
}

/// Where a selection stands inside a directory.
#[derive(Debug)]
pub(super) struct Place {
    excluded: Vec<Inside>,
    wanted: Option<Inside>,
}

/// A file, directory or symbolic link.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Below the directory that is walked.
    pub(super) path: &'a Path,
    /// Of the entry itself, not of what a link leads to.
    pub(super) metadata: &'a Metadata,
    /// Where it leads, when it is a symbolic link.
    pub(super) target: Option<&'a Path>,
}

impl Selection {
    /// Everything but what one of `excluded` excludes, and of that only what `wanted` matches.
    pub(super) fn new(excluded: Vec<IgnoreRules>, wanted: Option<IgnoreRules>) -> Self {
        Self { excluded, wanted }
    }

    fn root(&self) -> Place {
        Place {
            excluded: self.excluded.iter().map(IgnoreRules::root).collect(),
            wanted: self.wanted.as_ref().map(IgnoreRules::root),
        }
    }

    fn takes_file(&self, place: &Place, name: &str) -> bool {
        let mut rules = self.excluded.iter().zip(&place.excluded);
        !rules.any(|(rules, inside)| rules.excludes_file(inside, name))
            && self.wanted.iter().zip(&place.wanted).all(|(rules, inside)| rules.excludes_file(inside, name))
    }

    /// Whether the directory is taken itself, and the way into it where something below can be.
    fn directory(&self, place: &Place, name: &str) -> (bool, Option<Place>) {
        let mut is_taken = true;
        let mut enter = |verdict: DirectoryVerdict| {
            is_taken &= !verdict.is_excluded;
            verdict.inside
        };
        let excluded: Option<Vec<Inside>> = self
            .excluded
            .iter()
            .zip(&place.excluded)
            .map(|(rules, inside)| enter(rules.directory(inside, name)))
            .collect();
        let Some(excluded) = excluded else { return (false, None) };
        let wanted = match (&self.wanted, &place.wanted) {
            (Some(rules), Some(inside)) => match enter(rules.directory_if_matched(inside, name)) {
                Some(inside) => Some(inside),
                None => return (false, None),
            },
            _ => None,
        };
        (is_taken, Some(Place { excluded, wanted }))
    }
}

/// Tells `visit` of everything below `root` that `selection` means, and of the directories on the way there. Blocks.
pub(super) fn walk(
    root: &Path,
    selection: &Selection,
    visit: &mut dyn FnMut(Entry<'_>) -> Result<(), Interrupted>,
) -> Result<(), Interrupted> {
    let mut walk = Walk { root, selection, visit, untold: Vec::new() };
    walk.directory(Path::new(""), &selection.root())
}

struct Walk<'a> {
    root: &'a Path,
    selection: &'a Selection,
    visit: &'a mut dyn FnMut(Entry<'_>) -> Result<(), Interrupted>,
    /// Directories above the place of the walk that are not meant themselves: told only once something below is.
    untold: Vec<(PathBuf, Metadata)>,
}

impl Walk<'_> {
    fn directory(&mut self, relative: &Path, place: &Place) -> Result<(), Interrupted> {
        for (name, kind) in self.entries(relative)? {
            let path = relative.join(&name);
            if kind.is_dir() {
                self.subdirectory(&path, &name, place)?;
            } else if self.selection.takes_file(place, &name.to_string_lossy()) {
                self.entry(&path, kind)?;
            }
        }
        Ok(())
    }

    fn entries(&self, relative: &Path) -> Result<Vec<(OsString, FileType)>, Interrupted> {
        let list = || {
            fs::read_dir(self.root.join(relative))?
                .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
                .collect::<io::Result<Vec<_>>>()
        };
        let mut entries = list().map_err(|error| self.unreadable(relative, error))?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    fn subdirectory(&mut self, path: &Path, name: &OsStr, place: &Place) -> Result<(), Interrupted> {
        let (is_taken, within) = self.selection.directory(place, &name.to_string_lossy());
        let Some(within) = within else { return Ok(()) };
        let metadata = self.metadata(path)?;
        let depth = self.untold.len();
        self.untold.push((path.to_owned(), metadata));
        if is_taken {
            self.tell_directories()?;
        }
        self.directory(path, &within)?;
        self.untold.truncate(depth);
        Ok(())
    }

    fn tell_directories(&mut self) -> Result<(), Interrupted> {
        for (path, metadata) in std::mem::take(&mut self.untold) {
            (self.visit)(Entry { path: &path, metadata: &metadata, target: None })?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, kind: FileType) -> Result<(), Interrupted> {
        if !kind.is_file() && !kind.is_symlink() {
            tracing::debug!(path = %path.display(), "left out of the build context: neither file, directory nor link");
            return Ok(());
        }
        let metadata = self.metadata(path)?;
        let target = if metadata.is_symlink() { fs::read_link(self.root.join(path)).map(Some) } else { Ok(None) };
        let target = target.map_err(|error| self.unreadable(path, error))?;
        self.tell_directories()?;
        (self.visit)(Entry { path, metadata: &metadata, target: target.as_deref() })
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, Interrupted> {
        fs::symlink_metadata(self.root.join(path)).map_err(|error| self.unreadable(path, error))
    }

    fn unreadable(&self, relative: &Path, error: io::Error) -> Interrupted {
        Interrupted::Source { path: self.root.join(relative), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn rules(patterns: &[&str]) -> IgnoreRules {
        IgnoreRules::from_patterns(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    fn paths(files: &[&str], excluded: &[&[&str]], wanted: Option<&[&str]>) -> Vec<String> {
        let tree = tempfile::tempdir().unwrap();
        for file in files {
            let path = tree.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let selection = Selection::new(excluded.iter().map(|one| rules(one)).collect(), wanted.map(rules));
        told(tree.path(), &selection)
    }

    fn told(root: &Path, selection: &Selection) -> Vec<String> {
        let mut paths = Vec::new();
        let mut visit = |entry: Entry<'_>| {
            paths.push(entry.path.display().to_string());
            Ok(())
        };
        walk(root, selection, &mut visit).unwrap();
        paths
    }

    #[test]
    fn directories_come_before_what_is_in_them_and_names_count_by_their_bytes() {
        assert_eq!(paths(&["b", "a/z", "a/y", "a.txt", "a-b"], &[], None), ["a", "a/y", "a/z", "a-b", "a.txt", "b"]);
    }

    #[test]
    fn only_what_is_wanted_and_not_excluded_is_told() {
        let files = ["a/b/keep", "a/b/drop", "a/other", "c/d", "e"];
        assert_eq!(paths(&files, &[], Some(&["a/b", "e"])), ["a", "a/b", "a/b/drop", "a/b/keep", "e"]);
        assert_eq!(paths(&files, &[&["**/drop"]], Some(&["a/b"])), ["a", "a/b", "a/b/keep"]);
        assert_eq!(paths(&files, &[&["a"], &["c"]], None), ["e"]);
        assert_eq!(paths(&files, &[&["*", "!a/b/keep"]], None), ["a", "a/b", "a/b/keep"]);
        assert_eq!(paths(&files, &[], Some(&["*/d"])), ["c", "c/d"]);
        assert_eq!(paths(&files, &[], Some(&["missing"])), [""; 0]);
    }

    #[test]
    fn links_are_told_as_links_and_sockets_not_at_all() {
        let tree = tempfile::tempdir().unwrap();
        symlink("../outside", tree.path().join("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("socket")).unwrap();
        let mut targets = Vec::new();
        let mut visit = |entry: Entry<'_>| {
            targets.push(entry.target.map(Path::to_owned));
            Ok(())
        };
        walk(tree.path(), &Selection::new(Vec::new(), None), &mut visit).unwrap();
        assert_eq!(targets, [Some(PathBuf::from("../outside"))]);
    }
}

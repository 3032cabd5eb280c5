//! The build context: a project directory as a tar archive, without what its ignore file excludes.
//!
//! The archive is the same for the same tree: entries in name order, owner and group zero. Symbolic links are
//! kept as links, sockets, pipes and devices are left out. What changes while it is read is an error that names it:
//! no image is made of half a file. Must not know the engine: it writes to any writer, and never holds more than the
//! names of the directories on the way down and one buffer.

mod archive;

use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::{BuildErrorKind, EngineError};
use super::ignore::{IgnoreRules, Inside};
use archive::Archive;
pub(super) use archive::open_file;

const IGNORE_FILE: &str = ".dockerignore";

/// A directory to build from.
#[derive(Debug)]
pub(super) struct BuildContext {
    root: PathBuf,
    rules: IgnoreRules,
}

/// Why the archive ended early.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// A file of the context cannot be read.
    Source {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The writer takes no more.
    Sink(io::Error),
}

impl BuildContext {
    /// Reads the ignore file. Blocks: small files only.
    pub(super) fn open(root: &Path, dockerfile: &str) -> Result<Self, EngineError> {
        let inside = Path::new(dockerfile).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let path = root.join(dockerfile);
        let missing = |message: String| EngineError::Build {
            kind: BuildErrorKind::DockerfileMissing,
            step: None,
            message: crate::model::text::line(&message),
        };
        if dockerfile.is_empty() || !inside {
            return Err(missing(format!("The Dockerfile {dockerfile:?} is not inside {}.", root.display())));
        }
        if !path.is_file() {
            return Err(missing(format!("There is no Dockerfile at {}.", path.display())));
        }
        let mut rules = match ignore_file(root, dockerfile) {
            Some(path) => read_rules(&path)?.unwrap_or_default(),
            None => IgnoreRules::default(),
        };
        // The engine needs both, and takes them out of the image itself where they are excluded.
        rules.always_include(IGNORE_FILE);
        rules.always_include(dockerfile);
        Ok(Self { root: root.to_owned(), rules })
    }

    /// The directory, and which of its files stay out.
    pub(super) fn into_parts(self) -> (PathBuf, IgnoreRules) {
        (self.root, self.rules)
    }

    /// What its ignore file says.
    pub(super) fn into_rules(self) -> IgnoreRules {
        self.rules
    }

    /// Writes the whole archive. Blocks.
    pub(super) fn write_to(&self, out: impl Write) -> Result<(), Interrupted> {
        let mut archive = Archive::new(&self.root, out);
        self.walk(&mut archive)?;
        archive.finish()
    }

    /// Shows the visitor everything that is sent, in the archive's order. Blocks.
    pub(super) fn walk(&self, visitor: &mut impl Visitor) -> Result<(), Interrupted> {
        walk(&self.root, &self.rules, visitor)
    }

    /// The directory that is sent.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// What is done with the context's entries. Paths are below its root.
pub(super) trait Visitor {
    /// A directory, before what is in it.
    fn directory(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Interrupted>;
    /// A symbolic link and where it leads.
    fn link(&mut self, path: &Path, metadata: &Metadata, target: &Path) -> Result<(), Interrupted>;
    /// A regular file.
    fn file(&mut self, path: &Path) -> Result<(), Interrupted>;
}

/// Which of the entries below a directory are shown.
pub(super) trait Selection {
    /// Where the selection stands inside a directory.
    type Place;
    /// At the root.
    fn root(&self) -> Self::Place;
    /// True when the file or link `name` in a directory is shown.
    fn takes_file(&self, place: &Self::Place, name: &str) -> bool;
    /// Whether the directory `name` in a directory is shown whatever it holds, and the way into it where anything
    /// below can be shown.
    fn directory(&self, place: &Self::Place, name: &str) -> (bool, Option<Self::Place>);
}

impl Selection for IgnoreRules {
    type Place = Inside;

    fn root(&self) -> Inside {
        self.root()
    }

    fn takes_file(&self, place: &Inside, name: &str) -> bool {
        !self.excludes_file(place, name)
    }

    fn directory(&self, place: &Inside, name: &str) -> (bool, Option<Inside>) {
        let verdict = self.directory(place, name);
        (!verdict.is_excluded, verdict.inside)
    }
}

/// Shows the visitor what is selected below `root`, in the order of names, and the directories on the way there. Blocks.
pub(super) fn walk<S: Selection>(root: &Path, selection: &S, visitor: &mut impl Visitor) -> Result<(), Interrupted> {
    Walk { root, selection, visitor, unshown: Vec::new() }.run()
}

/// The ignore file that counts: the one beside the Dockerfile, else the one at the root.
pub(super) fn ignore_file(root: &Path, dockerfile: &str) -> Option<PathBuf> {
    let mut own = root.join(dockerfile).into_os_string();
    own.push(IGNORE_FILE);
    // One that cannot be looked at is there, and reading it tells why.
    [PathBuf::from(own), root.join(IGNORE_FILE)].into_iter().find(|path| path.try_exists().unwrap_or(true))
}

fn read_rules(path: &Path) -> Result<Option<IgnoreRules>, EngineError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(EngineError::Context { path: path.to_owned(), source }),
    };
    IgnoreRules::parse(&String::from_utf8_lossy(&bytes)).map(Some).map_err(|bad| EngineError::IgnoreFile {
        path: path.to_owned(),
        line: bad.line,
        pattern: crate::model::text::short(&bad.pattern, 120),
    })
}

struct Walk<'a, S: Selection, V: Visitor> {
    root: &'a Path,
    selection: &'a S,
    visitor: &'a mut V,
    /// Directories not selected themselves above the place of the walk: shown only once something below is included.
    unshown: Vec<(PathBuf, Metadata)>,
}

/// A directory on the way down.
struct Level<P> {
    path: PathBuf,
    place: P,
    /// What is still to come of it.
    entries: std::vec::IntoIter<(OsString, FileType)>,
    /// How many directories above it were not shown when it was entered.
    unshown: usize,
}

impl<S: Selection, V: Visitor> Walk<'_, S, V> {
    /// Goes through the tree without calling itself: a path has room for two thousand directories, a stack has not.
    fn run(&mut self) -> Result<(), Interrupted> {
        let selection = self.selection;
        let entries = self.entries(Path::new(""))?.into_iter();
        let mut levels = vec![Level { path: PathBuf::new(), place: selection.root(), entries, unshown: 0 }];
        while let Some(level) = levels.last_mut() {
            let Some((name, kind)) = level.entries.next() else {
                self.unshown.truncate(level.unshown);
                levels.pop();
                continue;
            };
            let path = level.path.join(&name);
            if kind.is_dir() {
                let below = self.enter(&path, &name, &level.place)?;
                levels.extend(below);
            } else if selection.takes_file(&level.place, &name.to_string_lossy()) {
                self.entry(&path, kind)?;
            }
        }
        Ok(())
    }

    /// A directory's entries in the order of their names' bytes.
    fn entries(&self, relative: &Path) -> Result<Vec<(OsString, FileType)>, Interrupted> {
        let list = || {
            fs::read_dir(self.root.join(relative))?
                .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
                .collect::<io::Result<Vec<_>>>()
        };
        let mut entries = list().map_err(|error| unreadable(self.root, relative, error))?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// A directory below the one at hand; `None` where nothing of it is sent.
    fn enter(&mut self, path: &Path, name: &OsStr, place: &S::Place) -> Result<Option<Level<S::Place>>, Interrupted> {
        let (is_taken, place) = self.selection.directory(place, &name.to_string_lossy());
        let Some(place) = place else { return Ok(None) };
        let metadata = self.metadata(path)?;
        if !metadata.is_dir() {
            return Err(unreadable(self.root, path, became_something_else()));
        }
        let unshown = self.unshown.len();
        self.unshown.push((path.to_owned(), metadata));
        if is_taken {
            self.show_directories()?;
        }
        let entries = self.entries(path)?.into_iter();
        Ok(Some(Level { path: path.to_owned(), place, entries, unshown }))
    }

    fn show_directories(&mut self) -> Result<(), Interrupted> {
        for (path, metadata) in std::mem::take(&mut self.unshown) {
            self.visitor.directory(&path, &metadata)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, kind: FileType) -> Result<(), Interrupted> {
        if kind.is_symlink() {
            self.show_directories()?;
            let metadata = self.metadata(path)?;
            let root = self.root;
            let target = fs::read_link(root.join(path)).map_err(|error| unreadable(root, path, error))?;
            self.visitor.link(path, &metadata, &target)
        } else if kind.is_file() {
            self.show_directories()?;
            self.visitor.file(path)
        } else {
            tracing::debug!(path = %path.display(), "left out of the build context: neither file, directory nor link");
            Ok(())
        }
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, Interrupted> {
        let root = self.root;
        fs::symlink_metadata(root.join(path)).map_err(|error| unreadable(root, path, error))
    }
}

fn unreadable(root: &Path, relative: &Path, error: io::Error) -> Interrupted {
    Interrupted::Source { path: root.join(relative), error }
}

fn became_something_else() -> io::Error {
    io::Error::other("it became something else while the build context was read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    fn tree(files: &[(&str, &str)]) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory
    }

    fn archive(root: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        BuildContext::open(root, "Dockerfile").unwrap().write_to(&mut bytes).unwrap();
        bytes
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        tar::Archive::new(bytes)
            .entries()
            .unwrap()
            .map(|entry| String::from_utf8_lossy(&entry.unwrap().path_bytes()).into_owned())
            .collect()
    }

    #[test]
    fn entries_are_in_name_order_and_belong_to_nobody() {
        let tree = tree(&[("b", "2"), ("Dockerfile", "FROM scratch"), ("a/z", "1"), ("a/y", "1"), ("a.txt", "3")]);
        fs::set_permissions(tree.path().join("b"), fs::Permissions::from_mode(0o755)).unwrap();
        let bytes = archive(tree.path());
        assert_eq!(names(&bytes), ["Dockerfile", "a/", "a/y", "a/z", "a.txt", "b"]);
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let entry = entry.unwrap();
            assert_eq!((entry.header().uid().unwrap(), entry.header().gid().unwrap()), (0, 0));
            if entry.path_bytes().as_ref() == b"b" {
                assert_eq!(entry.header().mode().unwrap(), 0o755);
            }
        }
        assert_eq!(archive(tree.path()), bytes, "the same tree gives the same archive");
    }

    #[test]
    fn what_the_engine_needs_is_sent_even_when_it_is_excluded() {
        let tree = tree(&[("Dockerfile", "FROM scratch"), (".dockerignore", "**"), ("secret", "x")]);
        assert_eq!(names(&archive(tree.path())), [".dockerignore", "Dockerfile"]);
    }

    #[test]
    fn directories_above_an_exception_are_sent_and_others_are_not() {
        let tree = tree(&[
            ("Dockerfile", "FROM scratch"),
            (".dockerignore", "*\n!d/e/keep"),
            ("d/e/keep", "x"),
            ("d/e/drop", "x"),
            ("d/f/drop", "x"),
            ("g/drop", "x"),
        ]);
        assert_eq!(names(&archive(tree.path())), [".dockerignore", "Dockerfile", "d/", "d/e/", "d/e/keep"]);
    }

    #[test]
    fn the_ignore_file_beside_the_dockerfile_wins() {
        let tree = tree(&[
            ("Dockerfile", "FROM scratch"),
            (".dockerignore", "a"),
            ("Dockerfile.dockerignore", "b\nDockerfile.dockerignore"),
            ("a", "x"),
            ("b", "x"),
        ]);
        assert_eq!(names(&archive(tree.path())), [".dockerignore", "Dockerfile", "a"]);
    }

    #[test]
    fn links_stay_links_and_sockets_stay_out() {
        let tree = tree(&[("Dockerfile", "FROM scratch"), ("real", "x")]);
        symlink("../../outside", tree.path().join("out")).unwrap();
        symlink("/etc/passwd", tree.path().join("root")).unwrap();
        symlink(".", tree.path().join("self")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("socket")).unwrap();
        let bytes = archive(tree.path());
        assert_eq!(names(&bytes), ["Dockerfile", "out", "real", "root", "self"]);
        let links: Vec<_> = tar::Archive::new(bytes.as_slice())
            .entries()
            .unwrap()
            .filter_map(|entry| entry.unwrap().link_name().unwrap().map(std::borrow::Cow::into_owned))
            .collect();
        assert_eq!(links, [Path::new("../../outside"), Path::new("/etc/passwd"), Path::new(".")]);
    }

    #[test]
    fn names_that_are_not_text_and_long_ones_are_kept() {
        let tree = tree(&[("Dockerfile", "FROM scratch")]);
        let odd = OsStr::from_bytes(b"caf\xe9");
        fs::write(tree.path().join(odd), "x").unwrap();
        let long = format!("{0}/{0}/{0}", "l".repeat(90));
        fs::create_dir_all(tree.path().join(&long)).unwrap();
        let bytes = archive(tree.path());
        let paths: Vec<Vec<u8>> = tar::Archive::new(bytes.as_slice())
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path_bytes().into_owned())
            .collect();
        assert!(paths.contains(&b"caf\xe9".to_vec()));
        assert!(paths.contains(&format!("{long}/").into_bytes()));
    }

    #[test]
    fn a_writer_that_fails_is_not_blamed_on_a_file() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let tree = tree(&[("Dockerfile", "FROM scratch")]);
        let outcome = BuildContext::open(tree.path(), "Dockerfile").unwrap().write_to(Full);
        assert!(matches!(outcome, Err(Interrupted::Sink(_))));
    }

    #[test]
    fn a_dockerfile_that_is_missing_or_outside_is_said_with_its_path() {
        let tree = tree(&[("file", "x")]);
        for dockerfile in ["Dockerfile", "../Dockerfile", "/etc/passwd", "", "."] {
            let error = BuildContext::open(tree.path(), dockerfile).expect_err(dockerfile);
            assert!(
                matches!(&error, EngineError::Build { kind: BuildErrorKind::DockerfileMissing, .. }),
                "{dockerfile}: {error}"
            );
        }
    }

    #[test]
    fn a_mistake_in_the_ignore_file_names_file_and_line() {
        let tree = tree(&[("Dockerfile", "FROM scratch"), (".dockerignore", "ok\n[a-")]);
        let error = BuildContext::open(tree.path(), "Dockerfile").expect_err("bad pattern").to_string();
        assert!(error.contains(".dockerignore line 2"), "{error}");
    }
}

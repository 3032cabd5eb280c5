//! The build context: a project directory as a tar archive, without what its ignore file excludes.
//!
//! The archive is the same for the same tree: entries in name order, owner and group zero. Symbolic links are
//! kept as links, sockets, pipes and devices are left out. Must not know the engine: it writes to any writer,
//! and never holds more than one directory's names and one buffer.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

use super::error::{BuildErrorKind, EngineError};
use super::ignore::{IgnoreRules, Inside};

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
        let mut own = path.into_os_string();
        own.push(IGNORE_FILE);
        let mut rules = match read_rules(Path::new(&own))? {
            Some(rules) => rules,
            None => read_rules(&root.join(IGNORE_FILE))?.unwrap_or_default(),
        };
        // The engine needs both, and takes them out of the image itself where they are excluded.
        rules.always_include(IGNORE_FILE);
        rules.always_include(dockerfile);
        Ok(Self { root: root.to_owned(), rules })
    }

    /// What its ignore file says.
    pub(super) fn into_rules(self) -> IgnoreRules {
        self.rules
    }

    /// Writes the whole archive. Blocks.
    pub(super) fn write_to(&self, out: impl Write) -> Result<(), Interrupted> {
        let mut walk = Walk { context: self, archive: Builder::new(out), unwritten: Vec::new() };
        walk.directory(Path::new(""), &self.rules.root())?;
        walk.archive.finish().map_err(Interrupted::Sink)
    }
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

struct Walk<'a, W: Write> {
    context: &'a BuildContext,
    archive: Builder<W>,
    /// Excluded directories above the place of the walk: written only once something below is included.
    unwritten: Vec<(PathBuf, Metadata)>,
}

impl<W: Write> Walk<'_, W> {
    fn directory(&mut self, relative: &Path, inside: &Inside) -> Result<(), Interrupted> {
        for (name, kind) in self.entries(relative)? {
            let path = relative.join(&name);
            if kind.is_dir() {
                self.subdirectory(&path, &name, inside)?;
            } else if !self.context.rules.excludes_file(inside, &name.to_string_lossy()) {
                self.entry(&path, kind)?;
            }
        }
        Ok(())
    }

    /// A directory's entries in the order of their names' bytes.
    fn entries(&self, relative: &Path) -> Result<Vec<(OsString, FileType)>, Interrupted> {
        let list = || {
            fs::read_dir(self.context.root.join(relative))?
                .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
                .collect::<io::Result<Vec<_>>>()
        };
        let mut entries = list().map_err(|error| self.unreadable(relative, error))?;
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    fn subdirectory(&mut self, path: &Path, name: &OsStr, inside: &Inside) -> Result<(), Interrupted> {
        let verdict = self.context.rules.directory(inside, &name.to_string_lossy());
        let Some(within) = verdict.inside else { return Ok(()) };
        let metadata = self.metadata(path)?;
        let depth = self.unwritten.len();
        self.unwritten.push((path.to_owned(), metadata));
        if !verdict.is_excluded {
            self.write_unwritten()?;
        }
        self.directory(path, &within)?;
        self.unwritten.truncate(depth);
        Ok(())
    }

    fn write_unwritten(&mut self) -> Result<(), Interrupted> {
        for (path, metadata) in std::mem::take(&mut self.unwritten) {
            let mut name = path.into_os_string();
            name.push("/");
            let mut header = header(&metadata, EntryType::Directory, 0);
            self.archive.append_data(&mut header, &name, io::empty()).map_err(Interrupted::Sink)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, kind: FileType) -> Result<(), Interrupted> {
        if kind.is_symlink() {
            self.write_unwritten()?;
            let metadata = self.metadata(path)?;
            let target = fs::read_link(self.context.root.join(path)).map_err(|error| self.unreadable(path, error))?;
            let mut header = header(&metadata, EntryType::Symlink, 0);
            self.archive.append_link(&mut header, path, target).map_err(Interrupted::Sink)
        } else if kind.is_file() {
            self.write_unwritten()?;
            self.file(path)
        } else {
            tracing::debug!(path = %path.display(), "left out of the build context: neither file, directory nor link");
            Ok(())
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), Interrupted> {
        let open = || {
            let file = File::open(self.context.root.join(path))?;
            let metadata = file.metadata()?;
            Ok((file, metadata))
        };
        let (file, metadata) = open().map_err(|error| self.unreadable(path, error))?;
        let mut header = header(&metadata, EntryType::Regular, metadata.len());
        let mut content = ExactContent { file, left: metadata.len(), failure: None };
        self.archive.append_data(&mut header, path, &mut content).map_err(|error| match content.failure.take() {
            Some(failure) => self.unreadable(path, failure),
            None => Interrupted::Sink(error),
        })
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, Interrupted> {
        fs::symlink_metadata(self.context.root.join(path)).map_err(|error| self.unreadable(path, error))
    }

    fn unreadable(&self, relative: &Path, error: io::Error) -> Interrupted {
        Interrupted::Source { path: self.context.root.join(relative), error }
    }
}

fn header(metadata: &Metadata, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(metadata.mode() & 0o7777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_size(size);
    header
}

/// Exactly as many bytes as the header says: a file that grows is cut there, one that shrinks is an error,
/// because everything behind it in the archive would be wrong.
struct ExactContent {
    file: File,
    left: u64,
    failure: Option<io::Error>,
}

impl Read for ExactContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let outcome = match self.file.read(&mut buffer[..most]) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was read")),
            other => other,
        };
        match outcome {
            Ok(count) => {
                self.left -= count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(error);
                Err(io::Error::other("the file cannot be read"))
            }
        }
    }
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
    fn a_file_that_became_shorter_is_an_error_and_a_longer_one_is_cut() {
        let tree = tree(&[("file", "12345")]);
        let open = |left| ExactContent { file: File::open(tree.path().join("file")).unwrap(), left, failure: None };
        let mut content = open(9);
        let mut read = Vec::new();
        content.read_to_end(&mut read).expect_err("four bytes are missing");
        assert_eq!(content.failure.map(|error| error.kind()), Some(io::ErrorKind::UnexpectedEof));
        let mut read = Vec::new();
        open(3).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"123");
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

//! The build context written as a tar archive: what changes while it is read is an error that names it.

use rustix::fs::OFlags;
use rustix::io::Errno;
use std::cmp::Ordering;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use tar::{Builder, EntryType, Header};

use super::{Interrupted, Visitor, became_something_else, unreadable};

/// Writes what the walk shows it.
pub(super) struct Archive<'a, W: Write> {
    root: &'a Path,
    builder: Builder<W>,
}

impl<'a, W: Write> Archive<'a, W> {
    /// An archive of what is below `root`.
    pub(super) fn new(root: &'a Path, out: W) -> Self {
        Self { root, builder: Builder::new(out) }
    }

    /// Writes the archive's end.
    pub(super) fn finish(mut self) -> Result<(), Interrupted> {
        self.builder.finish().map_err(Interrupted::Sink)
    }
}

impl<W: Write> Visitor for Archive<'_, W> {
    fn directory(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Interrupted> {
        let mut name = path.as_os_str().to_owned();
        name.push("/");
        let mut header = header(metadata, EntryType::Directory, 0);
        self.builder.append_data(&mut header, &name, io::empty()).map_err(Interrupted::Sink)
    }

    fn link(&mut self, path: &Path, metadata: &Metadata, target: &Path) -> Result<(), Interrupted> {
        let mut header = header(metadata, EntryType::Symlink, 0);
        self.builder.append_link(&mut header, path, target).map_err(Interrupted::Sink)
    }

    fn file(&mut self, path: &Path) -> Result<(), Interrupted> {
        let (file, metadata) = open_file(&self.root.join(path)).map_err(|error| unreadable(self.root, path, error))?;
        let mut header = header(&metadata, EntryType::Regular, metadata.len());
        let mut content = ExactContent { file, left: metadata.len(), metadata, failure: None };
        self.builder.append_data(&mut header, path, &mut content).map_err(|error| match content.failure.take() {
            Some(failure) => unreadable(self.root, path, failure),
            None => Interrupted::Sink(error),
        })
    }
}

/// Opens a file that a walk showed. Since it was listed it may have become a link out of the tree, or a pipe that nobody
/// writes to. Blocks.
pub(in crate::engine) fn open_file(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(|error| {
        if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) { became_something_else() } else { error }
    })?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(became_something_else()) }
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

/// Exactly as many bytes as the header says, of a file that nobody changes meanwhile: everything behind it in the
/// archive would be wrong, or the file would be half of one and half of another.
struct ExactContent {
    file: File,
    /// When it was opened.
    metadata: Metadata,
    left: u64,
    failure: Option<io::Error>,
}

impl ExactContent {
    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let changed = |how| io::Error::new(io::ErrorKind::UnexpectedEof, format!("the file {how} while it was read"));
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most > 0 {
            return match self.file.read(&mut buffer[..most])? {
                0 => Err(changed("became shorter")),
                count => Ok(count),
            };
        }
        let now = self.file.metadata()?;
        let time = |metadata: &Metadata| (metadata.mtime(), metadata.mtime_nsec());
        match now.len().cmp(&self.metadata.len()) {
            Ordering::Less => Err(changed("became shorter")),
            Ordering::Greater => Err(changed("became longer")),
            Ordering::Equal if time(&now) != time(&self.metadata) => Err(changed("was changed")),
            Ordering::Equal => Ok(0),
        }
    }
}

impl Read for ExactContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.read_some(buffer) {
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

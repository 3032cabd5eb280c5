//! The stream of `docker save`, read as it comes: layers are handed on piece by piece, and what they are is said at the
//! end, because the engine says it at the end.
//!
//! Two shapes are read: `<id>/layer.tar` (up to Docker 24) and `blobs/sha256/<digest>` (from 25 on; a layer may be
//! compressed there), and podman's `<digest>.tar`. All of them have a `manifest.json`. Blocks; must not know the
//! connection, or what becomes of the layers.

mod names;

use bytes::Bytes;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use tokio::sync::{mpsc, oneshot};

use crate::model::{Digest, Hasher};
use names::Names;

/// Files up to this size, in bytes, are kept: configurations, and layers that are not worth a stream.
const KEPT: u64 = 256 * 1024;
/// The image's own configuration may be larger.
const LARGEST_CONFIG: u64 = 4 * 1024 * 1024;
/// The most that is kept in all, in bytes.
const ALL_KEPT: usize = 64 * 1024 * 1024;
/// Pieces of a layer that wait for their reader.
const WAITING: usize = 4;

/// A layer that begins. Its reader may drop it; the rest of it is passed over then.
#[derive(Debug)]
pub struct FoundLayer {
    /// Its name in the archive: a [`LayerSource::Streamed`] says it again.
    pub name: String,
    /// Bytes in the archive.
    pub size: u64,
    /// The digest of its plain content, where the name proves it.
    pub diff_id: Option<Digest>,
    /// How it lies there.
    pub packing: Packing,
    /// Its content.
    pub pieces: mpsc::Receiver<Bytes>,
    /// The digest of its content as it lies there, once all of it was handed on; nothing where it broke off.
    pub whole: oneshot::Receiver<Digest>,
}

/// How a layer lies in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As a tar.
    Plain,
    /// As a tar in gzip.
    Gzip,
}

/// What the archive turned out to hold.
#[derive(Debug)]
pub struct Archive {
    /// The image's configuration, byte for byte.
    pub config: Bytes,
    /// Where its layers were, lowest first.
    pub layers: Vec<LayerSource>,
}

/// Where a layer was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerSource {
    /// It was a [`FoundLayer`] with this name, or was not wanted.
    Streamed(String),
    /// It is small, and here. As it lies in the archive.
    Kept(Bytes, Packing),
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It broke off.
    #[error("the engine's export broke off: {0}")]
    Broken(#[from] io::Error),
    /// It is not in a shape that is known here.
    #[error("the engine's export cannot be read here: {0}")]
    Unsupported(&'static str),
    /// A layer has not the content that its name promises.
    #[error("the engine's export is damaged: {0} has another content than its name says")]
    Damaged(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    layers: Vec<String>,
}

struct Reader<'a> {
    names: Names<'a>,
    wanted: &'a HashSet<Digest>,
    found: mpsc::Sender<FoundLayer>,
    piece: usize,
    kept: HashMap<String, Bytes>,
    kept_bytes: usize,
    links: HashMap<String, String>,
}

impl Archive {
    /// Reads an export to its end. Layers whose name proves that they are none of `wanted` are passed over. Pieces have
    /// `piece` bytes, the last one of a layer fewer. Blocks.
    pub fn read(
        source: impl Read,
        diff_ids: &[Digest],
        wanted: &HashSet<Digest>,
        piece: usize,
        found: mpsc::Sender<FoundLayer>,
    ) -> Result<Self, ArchiveError> {
        let names = Names::new(diff_ids);
        let (kept, links) = (HashMap::new(), HashMap::new());
        let mut reader = Reader { names, wanted, found, piece, kept, kept_bytes: 0, links };
        let mut tar = tar::Archive::new(source);
        for entry in tar.entries()? {
            reader.take(entry?)?;
        }
        reader.finish()
    }
}

impl Reader<'_> {
    fn take<R: Read>(&mut self, mut entry: tar::Entry<'_, R>) -> Result<(), ArchiveError> {
        let name = plain(&entry.path()?).ok_or(ArchiveError::Unsupported("a name in it leads out of it"))?;
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name()?.unwrap_or_default();
            // A hard link is named from the root, a symbolic one from where it stands.
            let from =
                if kind.is_symlink() { Path::new(&name).parent().unwrap_or(Path::new("")) } else { Path::new("") };
            if let Some(target) = plain(&from.join(target)) {
                self.links.insert(name, target);
            }
            return Ok(());
        }
        if !kind.is_file() {
            return Ok(());
        }
        let size = entry.size();
        if size <= KEPT || size <= LARGEST_CONFIG && Path::new(&name).extension().is_some_and(|end| end == "json") {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            self.kept_bytes += content.len();
            if self.kept_bytes > ALL_KEPT {
                return Err(ArchiveError::Unsupported("it has too many small files"));
            }
            self.kept.insert(name, content.into());
            return Ok(());
        }
        self.layer(name, size, entry)
    }

    fn layer(&mut self, name: String, size: u64, mut content: impl Read) -> Result<(), ArchiveError> {
        let beside = Path::new(&name).with_file_name("json");
        let described = beside.to_str().and_then(|beside| self.kept.get(beside));
        let diff_id = self.names.diff_id(&name, described.map(AsRef::as_ref));
        if diff_id.as_ref().is_some_and(|diff_id| !self.wanted.contains(diff_id)) {
            return Ok(());
        }
        let first = piece_of(&mut content, self.piece)?;
        let Some(packing) = packing(&first) else {
            return Err(ArchiveError::Unsupported("a layer is neither a tar nor gzip"));
        };
        let (sender, pieces) = mpsc::channel(WAITING);
        let (end, whole) = oneshot::channel();
        let found = FoundLayer { name: name.clone(), size, diff_id: diff_id.clone(), packing, pieces, whole };
        if self.found.blocking_send(found).is_err() {
            return Err(io::Error::other("nobody reads it").into());
        }
        let mut hasher = Hasher::new();
        let mut piece = first;
        while !piece.is_empty() {
            hasher.update(&piece);
            if sender.blocking_send(piece).is_err() {
                return Ok(());
            }
            piece = piece_of(&mut content, self.piece)?;
        }
        let digest = hasher.finish();
        if diff_id.is_some_and(|expected| expected != digest) {
            return Err(ArchiveError::Damaged(name));
        }
        drop(end.send(digest));
        Ok(())
    }

    fn finish(self) -> Result<Archive, ArchiveError> {
        let unsupported = ArchiveError::Unsupported;
        let manifest = self.kept.get("manifest.json").ok_or(unsupported("it has no manifest.json"))?;
        let images: Vec<Entry> =
            serde_json::from_slice(manifest).map_err(|_| unsupported("its manifest.json is another one"))?;
        let [image] = images.as_slice() else { return Err(unsupported("it does not hold exactly one image")) };
        let config = self.kept.get(self.target(&image.config)).ok_or(unsupported("the configuration is missing"))?;
        let layers = image.layers.iter().map(|name| {
            let name = self.target(name);
            match self.kept.get(name) {
                Some(content) => {
                    let packing = packing(content).ok_or(unsupported("a layer is neither a tar nor gzip"))?;
                    Ok(LayerSource::Kept(content.clone(), packing))
                }
                None => Ok(LayerSource::Streamed(name.to_owned())),
            }
        });
        Ok(Archive { config: config.clone(), layers: layers.collect::<Result<_, ArchiveError>>()? })
    }

    /// Where a name leads. A link leads to a file here, never to another link.
    fn target<'a>(&'a self, name: &'a str) -> &'a str {
        self.links.get(name).map_or(name, String::as_str)
    }
}

/// The next piece; empty at the end.
fn piece_of(content: &mut impl Read, size: usize) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(size);
    content.by_ref().take(size as u64).read_to_end(&mut piece)?;
    Ok(piece.into())
}

/// An empty tar is two blocks of zeros; any other says what it is in its first block.
fn packing(begin: &[u8]) -> Option<Packing> {
    match begin {
        [0x1f, 0x8b, ..] => Some(Packing::Gzip),
        _ if begin.get(257..262) == Some(b"ustar") => Some(Packing::Plain),
        _ if begin.len() >= 1024 && begin.iter().take(1024).all(|byte| *byte == 0) => Some(Packing::Plain),
        _ => None,
    }
}

/// A path without `.` and `..`; `None` where it leads out of the archive.
fn plain(path: &Path) -> Option<String> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::ParentDir if plain.pop() => {}
            Component::CurDir | Component::RootDir => {}
            _ => return None,
        }
    }
    plain.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;

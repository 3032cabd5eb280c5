//! What a new image brings for the volume (protocol K15). The volume lies over the image's `/app/services`: the engine
//! fills it from the image once, when it is empty, and from then on it hides what newer images bring there. So before a
//! new machine starts, files of its image that are newer than the last version are copied into the volume.
//!
//! A file is copied when it was changed after the last image was made, and the volume has no such file or an older one.
//! What the tenant's program wrote later stays; what an image does not have any more stays, too, because nobody can
//! tell it from what the program made. Read and written through the engine's archive calls: the image need not have a
//! shell. The old machine sees the files before the new one is healthy, since both share the volume.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Component, Path, PathBuf};
use tar::{Archive, Builder, EntryType, Header};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{DockerProvider, SERVICES};
use crate::engine::{ArchiveStream, ContainerSpec, Engine};
use crate::server::provider::{MachineSpec, ProviderError};

/// Most bytes that one deploy copies, and most files.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
const MOST_FILES: usize = 10_000;
/// Most directories and files that are read past.
const MOST_ENTRIES: usize = 200_000;
/// Files of the volume that are looked at at a time.
const AT_ONCE: usize = 4;
/// An image that claims to be older does not say when it was made (builds that can be repeated set such a date).
const UNBELIEVABLE: Timestamp = Timestamp::constant(631_152_000, 0);

/// What of the image may have to be copied.
struct Candidates {
    /// An archive of them, names relative to the volume.
    archive: File,
    /// Path to modification time, in seconds.
    files: BTreeMap<PathBuf, u64>,
    /// Every directory of the image.
    directories: BTreeMap<PathBuf, Header>,
}

impl DockerProvider {
    /// Copies what is new into the volume of `container`, which was made from the new image and does not run yet.
    pub(super) async fn bring_new_files(
        &self,
        engine: &Engine,
        spec: &MachineSpec,
        container: &ContainerSpec,
        id: &str,
    ) -> Result<(), ProviderError> {
        // At the first deploy the engine fills the volume; when the same image is started again it has nothing new.
        let Some(last) = spec.last_deploy.as_ref().filter(|last| last.image != spec.image) else { return Ok(()) };
        let made = engine.image_created(&last.image).await?.filter(|made| *made > UNBELIEVABLE);
        let went_live = || last.at.as_deref().and_then(|at| at.parse().ok());
        let since = made.or_else(went_live).unwrap_or(Timestamp::UNIX_EPOCH);
        // A second container, without the volume: in the first one the volume hides the image's files.
        let plain = ContainerSpec {
            name: format!("{}-files", container.name),
            volumes: Vec::new(),
            environment: Vec::new(),
            ..container.clone()
        };
        let maker = engine.clone();
        let source = self.make(async move { maker.create_container(&plain).await }).await?;
        let candidates = async {
            let Some(archive) = engine.container_archive(&source, SERVICES).await? else { return Ok(None) };
            read(archive, since).await.map(Some)
        };
        let candidates = candidates.await;
        engine.remove_container(&source).await?;
        let Some(candidates) = candidates? else { return Ok(()) };
        if candidates.files.is_empty() {
            return Ok(());
        }
        let accepted = newer(engine, id, &candidates.files).await?;
        if accepted.is_empty() {
            return Ok(());
        }
        let parents: BTreeSet<&Path> =
            accepted.iter().flat_map(|path| path.ancestors().skip(1)).filter(|path| *path != Path::new("")).collect();
        let mut missing = Vec::new();
        for parent in parents {
            if engine.container_file(id, &inside(parent)).await?.is_none() {
                missing.push(parent.to_owned());
            }
        }
        let count = accepted.len();
        let archive = blocking(move || pack(candidates, &accepted, &missing)).await?;
        engine.put_archive(id, SERVICES, tokio::fs::File::from_std(archive)).await?;
        tracing::info!(tenant = %spec.app.tenant, files = count, "newer files of the image were copied into the volume");
        Ok(())
    }
}

fn inside(path: &Path) -> String {
    format!("{SERVICES}/{}", path.display())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ProviderError> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| ProviderError::Failed(error.to_string()))?;
    done.map_err(|error| ProviderError::Failed(format!("copying the image's files into the volume failed: {error}")))
}

/// Keeps what changed after `since`.
async fn read(archive: ArchiveStream, since: Timestamp) -> Result<Candidates, ProviderError> {
    // Made here: it remembers the runtime.
    let reader = SyncIoBridge::new(StreamReader::new(archive));
    // In whole seconds, as archives have it. What was changed within that second counts as new.
    let since = u64::try_from(since.as_second()).unwrap_or_default();
    blocking(move || select(reader, since)).await
}

fn select(reader: impl io::Read, since: u64) -> io::Result<Candidates> {
    let mut selected = Builder::new(tempfile::tempfile()?);
    let (mut files, mut directories) = (BTreeMap::new(), BTreeMap::new());
    let mut bytes = 0;
    for (number, entry) in Archive::new(reader).entries()?.enumerate() {
        let mut entry = entry?;
        if number >= MOST_ENTRIES {
            return Err(io::Error::other(format!("the image has more than {MOST_ENTRIES} files in {SERVICES}")));
        }
        let Some(path) = relative(&entry.path()?) else { continue };
        let mut header = entry.header().clone();
        let modified = header.mtime()?;
        match header.entry_type() {
            EntryType::Directory => drop(directories.insert(path, header)),
            EntryType::Regular | EntryType::Symlink if modified >= since => {
                bytes += entry.size();
                if bytes > MOST_BYTES || files.len() >= MOST_FILES {
                    let most = MOST_BYTES / (1024 * 1024);
                    let words = format!("the image brings more than {most} MB or {MOST_FILES} new files in {SERVICES}");
                    return Err(io::Error::other(words));
                }
                match entry.link_name()? {
                    Some(target) => selected.append_link(&mut header, &path, target)?,
                    None => selected.append_data(&mut header, &path, &mut entry)?,
                }
                files.insert(path, modified);
            }
            // Devices, pipes and second names of a file: nothing that an image keeps there.
            _ => {}
        }
    }
    let mut archive = selected.into_inner()?;
    archive.rewind()?;
    Ok(Candidates { archive, files, directories })
}

/// The path below the directory that was asked for; `None` for that itself, and for what could lead elsewhere or has a
/// name that cannot be asked for.
fn relative(path: &Path) -> Option<PathBuf> {
    path.to_str()?;
    let mut parts = path.components();
    parts.next()?;
    let rest = parts.as_path();
    let is_plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
    (is_plain && rest != Path::new("")).then(|| rest.to_owned())
}

/// Those of the files that the volume does not have, or has in an older state.
async fn newer(engine: &Engine, id: &str, files: &BTreeMap<PathBuf, u64>) -> Result<BTreeSet<PathBuf>, ProviderError> {
    let look = |(path, modified): (&PathBuf, &u64)| {
        let (path, modified) = (path.clone(), *modified);
        async move {
            let wanted = match engine.container_file(id, &inside(&path)).await? {
                None => true,
                Some(found) if found.is_directory => {
                    tracing::warn!(path = %path.display(), "not copied from the image: the volume has a directory there");
                    false
                }
                Some(found) => {
                    let there = found.modified.map_or(0, Timestamp::as_second);
                    i64::try_from(modified).is_ok_and(|modified| modified > there)
                }
            };
            Ok::<_, ProviderError>(wanted.then_some(path))
        }
    };
    let looked = stream::iter(files.iter().map(look).collect::<Vec<_>>()).buffered(AT_ONCE);
    looked.try_filter_map(|path| async { Ok(path) }).try_collect().await
}

/// The accepted files with the directories that are missing for them, directories first.
fn pack(candidates: Candidates, accepted: &BTreeSet<PathBuf>, missing: &[PathBuf]) -> io::Result<File> {
    let mut packed = Builder::new(tempfile::tempfile()?);
    for path in missing {
        if let Some(header) = candidates.directories.get(path) {
            packed.append_data(&mut header.clone(), path, io::empty())?;
        }
    }
    for entry in Archive::new(candidates.archive).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if !accepted.contains(&path) {
            continue;
        }
        let mut header = entry.header().clone();
        match entry.link_name()? {
            Some(target) => packed.append_link(&mut header, &path, target)?,
            None => packed.append_data(&mut header, &path, &mut entry)?,
        }
    }
    let mut archive = packed.into_inner()?;
    archive.rewind()?;
    Ok(archive)
}

//! The registry on disk. Knows files and digests; must not know HTTP or tokens.
//!
//! ```text
//! blobs/sha256/ab/abcdef...       content, once, whoever pushed it
//! uploads/                        unfinished; emptied at start
//! tenants/{id}/blobs/{hex}        this tenant pushed this blob
//! tenants/{id}/manifests/{hex}    this tenant pushed this manifest; the file holds its media type
//! tenants/{id}/tag                the digest that the tenant's tag points to
//! tenants/{id}/generation         tokens of an older generation are worth nothing
//! ```
//!
//! Every file is written elsewhere, synced and renamed into place, so that a crash leaves a whole file or none.
//! The time of a link is when it was last needed by a pusher.

use ring::digest;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;
use tempfile::TempPath;

use crate::model::{Digest, TenantId};

/// Where everything is kept. All calls block.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    /// Read by whoever works with content, written by whoever removes it.
    lock: RwLock<()>,
}

/// What a tenant can have pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Blob,
    Manifest,
}

impl Store {
    /// Makes the directories and throws away what a crash left unfinished.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let store = Self { root: root.to_owned(), lock: RwLock::default() };
        match fs::remove_dir_all(store.uploads()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        for directory in [store.uploads(), root.join("blobs/sha256"), root.join("tenants")] {
            fs::create_dir_all(directory)?;
        }
        Ok(store)
    }

    /// Held while content is looked for, added or named: nothing is removed meanwhile.
    pub(super) fn shared(&self) -> RwLockReadGuard<'_, ()> {
        self.lock.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while content is removed.
    pub(super) fn exclusive(&self) -> RwLockWriteGuard<'_, ()> {
        self.lock.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// Where the content with this digest is, or would be.
    pub(super) fn content(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.root.join("blobs/sha256").join(hex.get(..2).unwrap_or_default()).join(hex)
    }

    // A tenant's id has letters, digits, - and _ only: it cannot lead anywhere else.
    fn tenant(&self, tenant: &TenantId) -> PathBuf {
        self.root.join("tenants").join(tenant.as_str())
    }

    fn links_of(&self, tenant: &TenantId, kind: Kind) -> PathBuf {
        self.tenant(tenant).join(match kind {
            Kind::Blob => "blobs",
            Kind::Manifest => "manifests",
        })
    }

    fn link(&self, tenant: &TenantId, kind: Kind, digest: &Digest) -> PathBuf {
        self.links_of(tenant, kind).join(digest.hex())
    }

    /// An empty upload. Dropping it removes its file.
    pub(super) fn begin(&self) -> io::Result<Upload> {
        let (file, path) = tempfile::NamedTempFile::new_in(self.uploads())?.into_parts();
        Ok(Upload { file, path, hash: digest::Context::new(&digest::SHA256), length: 0 })
    }

    /// Syncs a finished upload and moves it to its digest's place. Content that is there already stays.
    pub(super) fn keep(&self, upload: Upload) -> io::Result<Digest> {
        let digest = upload.digest()?;
        let place = self.content(&digest);
        if place.exists() {
            return Ok(digest);
        }
        upload.file.sync_all()?;
        rename(upload.path, &place)?;
        Ok(digest)
    }

    /// Records that `tenant` pushed `digest`; `note` is kept with it.
    pub(super) fn record(&self, tenant: &TenantId, kind: Kind, digest: &Digest, note: &str) -> io::Result<()> {
        self.write(&self.link(tenant, kind, digest), note)
    }

    /// The note of a digest that `tenant` pushed; `None` if it did not.
    pub(super) fn recorded(&self, tenant: &TenantId, kind: Kind, digest: &Digest) -> io::Result<Option<String>> {
        read(&self.link(tenant, kind, digest))
    }

    /// The size of content that `tenant` pushed; `None` if it did not.
    pub(super) fn size(&self, tenant: &TenantId, kind: Kind, digest: &Digest) -> io::Result<Option<u64>> {
        if self.recorded(tenant, kind, digest)?.is_none() {
            return Ok(None);
        }
        match fs::metadata(self.content(digest)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets that `tenant` pushed `digest`; false if it had not.
    pub(super) fn forget(&self, tenant: &TenantId, kind: Kind, digest: &Digest) -> io::Result<bool> {
        remove(&self.link(tenant, kind, digest))
    }

    /// Points the tenant's tag at `digest`.
    pub(super) fn set_tag(&self, tenant: &TenantId, digest: &Digest) -> io::Result<()> {
        self.write(&self.tenant(tenant).join("tag"), digest.as_str())
    }

    /// What the tenant's tag points to.
    pub(super) fn tag(&self, tenant: &TenantId) -> io::Result<Option<Digest>> {
        let Some(raw) = read(&self.tenant(tenant).join("tag"))? else { return Ok(None) };
        Digest::new(&raw).map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Removes the tenant's tag; false if there was none.
    pub(super) fn remove_tag(&self, tenant: &TenantId) -> io::Result<bool> {
        remove(&self.tenant(tenant).join("tag"))
    }

    /// Says that a pusher needs a blob: it counts as new. Not there is nobody's fault.
    pub(super) fn touch(&self, tenant: &TenantId, digest: &Digest) -> io::Result<()> {
        match fs::File::options().write(true).open(self.link(tenant, Kind::Blob, digest)) {
            Ok(file) => file.set_modified(SystemTime::now()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Every tenant that ever pushed.
    pub(super) fn tenants(&self) -> io::Result<Vec<TenantId>> {
        let named = names(&self.root.join("tenants"))?;
        Ok(named.into_iter().filter_map(|(name, _)| TenantId::new(name).ok()).collect())
    }

    /// What a tenant pushed, and when it was last needed.
    pub(super) fn links(&self, tenant: &TenantId, kind: Kind) -> io::Result<Vec<(Digest, SystemTime)>> {
        let mut links = Vec::new();
        for (name, metadata) in names(&self.links_of(tenant, kind))? {
            if let Ok(digest) = Digest::new(&format!("sha256:{name}")) {
                links.push((digest, metadata.modified()?));
            }
        }
        Ok(links)
    }

    /// All content: its digest, its size in bytes, and when it was stored.
    pub(super) fn contents(&self) -> io::Result<Vec<(Digest, u64, SystemTime)>> {
        let root = self.root.join("blobs/sha256");
        let mut contents = Vec::new();
        for (folder, _) in names(&root)? {
            for (name, metadata) in names(&root.join(folder))? {
                if let Ok(digest) = Digest::new(&format!("sha256:{name}")) {
                    contents.push((digest, metadata.len(), metadata.modified()?));
                }
            }
        }
        Ok(contents)
    }

    /// Forgets that a tenant ever pushed anything.
    pub(super) fn forget_all(&self, tenant: &TenantId) -> io::Result<()> {
        self.remove_tag(tenant)?;
        for kind in [Kind::Manifest, Kind::Blob] {
            match fs::remove_dir_all(self.links_of(tenant, kind)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// The generation of the tenant's tokens.
    pub(super) fn generation(&self, tenant: &TenantId) -> io::Result<u64> {
        let raw = read(&self.tenant(tenant).join("generation"))?;
        raw.map_or(Ok(0), |raw| raw.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)))
    }

    /// Keeps it.
    pub(super) fn set_generation(&self, tenant: &TenantId, generation: u64) -> io::Result<()> {
        self.write(&self.tenant(tenant).join("generation"), &generation.to_string())
    }

    fn write(&self, place: &Path, text: &str) -> io::Result<()> {
        let (mut file, path) = tempfile::NamedTempFile::new_in(self.uploads())?.into_parts();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        rename(path, place)
    }
}

/// Content on its way in. Owned by whoever writes; dropping it removes the file.
pub(super) struct Upload {
    file: fs::File,
    path: TempPath,
    hash: digest::Context,
    length: u64,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("path", &self.path).field("length", &self.length).finish_non_exhaustive()
    }
}

impl Upload {
    /// Bytes written so far.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Writes and hashes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// The digest of what was written so far.
    pub(super) fn digest(&self) -> io::Result<Digest> {
        digest_text(self.hash.clone().finish().as_ref())
    }
}

/// The digest of `bytes`.
pub(super) fn digest_of(bytes: &[u8]) -> io::Result<Digest> {
    digest_text(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn digest_text(hash: &[u8]) -> io::Result<Digest> {
    let mut text = String::from("sha256:");
    for byte in hash {
        write!(text, "{byte:02x}").map_err(io::Error::other)?;
    }
    Digest::new(&text).map_err(io::Error::other)
}

fn rename(from: TempPath, place: &Path) -> io::Result<()> {
    let directory = place.parent().ok_or_else(|| io::Error::other("a place without a directory"))?;
    fs::create_dir_all(directory)?;
    from.persist(place).map_err(|error| error.error)?;
    // The rename itself must survive a power cut too. Directories cannot be opened on Windows.
    if cfg!(unix) { fs::File::open(directory)?.sync_all() } else { Ok(()) }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a directory and what they are; none when it is not there.
fn names(directory: &Path) -> io::Result<Vec<(String, fs::Metadata)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push((name, entry.metadata()?));
        }
    }
    Ok(names)
}

fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_unfinished_at_a_crash_is_swept_and_what_was_kept_stays() {
        let root = tempfile::tempdir().expect("a directory");
        let tenant = TenantId::new("ten_1").expect("valid");
        let store = Store::open(root.path()).expect("opens");
        let mut upload = store.begin().expect("begins");
        upload.append(b"hello").expect("writes");
        let digest = store.keep(upload).expect("keeps");
        store.record(&tenant, Kind::Blob, &digest, "").expect("records");
        let unfinished = store.begin().expect("begins");
        // As after a crash: nothing ran the destructor.
        let left = unfinished.path.keep().expect("stays");
        assert!(left.exists());

        let store = Store::open(root.path()).expect("opens again");
        assert!(!left.exists());
        assert_eq!(store.size(&tenant, Kind::Blob, &digest).expect("reads"), Some(5));
        assert_eq!(fs::read(store.content(&digest)).expect("reads"), b"hello");
    }

    #[test]
    fn equal_content_is_stored_once_and_a_dropped_upload_leaves_no_file() {
        let root = tempfile::tempdir().expect("a directory");
        let store = Store::open(root.path()).expect("opens");
        for _ in 0..2 {
            let mut upload = store.begin().expect("begins");
            upload.append(b"same").expect("writes");
            assert_eq!(store.keep(upload).expect("keeps"), digest_of(b"same").expect("a digest"));
        }
        drop(store.begin().expect("begins"));
        assert_eq!(fs::read_dir(store.uploads()).expect("reads").count(), 0);
    }
}

//! Everything of the build context that is sent, with a hash of each file's content. Files that did not change since
//! the last time are recognised by what the file system says of them, and not read again.
//!
//! When a file counts as unchanged: device, inode, size, mode, and the times of the last change of its content (mtime)
//! and of anything about it (ctime) are all what they were. The mtime can be set back by anybody, the ctime by nobody.
//! What remains is a change so soon after the reading that the clock of the file system had not moved on. So, as git
//! has it, a hash is not believed where one of the two times was not at least two seconds in the past when the reading
//! began (two seconds are the coarsest clock of a file system), or the reading itself lies in the future, because the
//! clock was set back. Such a file is read again. A program that keeps a file mapped into its memory, and changes it
//! there while it is deployed, can escape the file system's notice, and so this one's.
//!
//! Must not know the engine.

use ring::hmac;
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

use crate::engine::context::{BuildContext, Interrupted, Visitor};
use crate::engine::error::EngineError;

/// A hash younger than this at the time of the file's last change is not believed, nanoseconds.
const UNSETTLED: i64 = 2_000_000_000;

/// How many files are read at the same time at most.
const READERS: usize = 4;

const BUFFER: usize = 256 * 1024;

/// What a build's context was, file by file, at one moment. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRecord(Arc<Inputs>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inputs {
    /// When the reading began, nanoseconds since 1970.
    pub(super) taken_at: i64,
    /// The root first, then in the order of the walk.
    pub(super) entries: Vec<Entry>,
    /// True when a file had to be read, so that the next time would be faster with this record.
    pub(super) has_news: bool,
}

/// A file, directory or link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Entry {
    /// Below the context's root, with `/` between its parts; empty for the root.
    pub(in crate::engine) path: Vec<u8>,
    pub(in crate::engine) kind: Kind,
    pub(in crate::engine) stat: Stat,
    /// Of the content of a file, or of where a link leads; zero for a directory.
    pub(in crate::engine) hash: Hash,
}

pub(in crate::engine) type Hash = [u8; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Kind {
    Directory,
    File,
    Link,
}

/// What the file system says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct Stat {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Bytes.
    pub(in crate::engine) size: u64,
    pub(in crate::engine) mode: u32,
    /// Nanoseconds since 1970.
    pub(super) modified: i64,
    /// Nanoseconds since 1970.
    pub(super) changed: i64,
}

impl Stat {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            mode: metadata.mode(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// True when everything that a later change would move is older than a reading that began at `taken_at`.
    fn is_settled(&self, taken_at: i64) -> bool {
        let limit = taken_at.saturating_sub(UNSETTLED);
        self.modified < limit && self.changed < limit
    }
}

/// A time beyond the range (before 1677, after 2262) counts as the far future, where nothing is believed.
fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.checked_mul(1_000_000_000).and_then(|all| all.checked_add(nanoseconds)).unwrap_or(i64::MAX)
}

fn since_1970(now: SystemTime) -> i64 {
    now.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

impl InputRecord {
    pub(super) fn new(inputs: Inputs) -> Self {
        Self(Arc::new(inputs))
    }

    pub(super) fn inputs(&self) -> &Inputs {
        &self.0
    }

    /// All entries, the root first, then in the order of the walk.
    pub(in crate::engine) fn entries(&self) -> &[Entry] {
        &self.0.entries
    }

    /// True when nothing was touched between the two, not even without a change of content: a file that is made and
    /// removed again leaves its trace in its directory's times.
    #[must_use]
    pub fn is_untouched_since(&self, earlier: &Self) -> bool {
        self.0.entries == earlier.0.entries
    }

    /// True when a file had to be read, so that this record serves the next time better than the one before it.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.0.has_news
    }
}

/// Walks the context and hashes what changed since `previous`. Blocks; ends early when `stop` is cancelled.
pub(super) fn take(
    context: &BuildContext,
    key: &hmac::Key,
    previous: Option<&InputRecord>,
    now: SystemTime,
    stop: &CancellationToken,
) -> Result<InputRecord, EngineError> {
    let taken_at = since_1970(now);
    // A record from the future is one from before the clock was set back: its times say nothing.
    let believed = previous.map(|record| &*record.0).filter(|record| record.taken_at <= taken_at);
    let known = believed
        .map(|record| record.entries.iter().map(|entry| (entry.path.as_slice(), entry)).collect())
        .unwrap_or_default();
    let mut collector = Collector {
        root: context.root(),
        key,
        known,
        known_at: believed.map_or(0, |record| record.taken_at),
        entries: Vec::new(),
        unread: Vec::new(),
        stop,
    };
    let failed = |path: PathBuf, source| EngineError::Context { path, source };
    let root = fs::metadata(context.root()).map_err(|source| failed(context.root().to_owned(), source))?;
    collector.add(Path::new(""), Kind::Directory, Stat::of(&root), [0; 32]);
    context.walk(&mut collector).map_err(|interrupted| match interrupted {
        Interrupted::Source { path, error } => failed(path, error),
        Interrupted::Sink(_) => EngineError::Cancelled,
    })?;
    let Collector { mut entries, unread, .. } = collector;
    let has_news = !unread.is_empty();
    for (index, hash) in read_all(context.root(), key, &entries, &unread, stop)? {
        if let Some(entry) = entries.get_mut(index) {
            entry.hash = hash;
        }
    }
    Ok(InputRecord::new(Inputs { taken_at, entries, has_news }))
}

struct Collector<'a> {
    root: &'a Path,
    key: &'a hmac::Key,
    known: HashMap<&'a [u8], &'a Entry>,
    /// When the known ones were read.
    known_at: i64,
    entries: Vec<Entry>,
    /// Indexes of the files whose content has to be read.
    unread: Vec<usize>,
    stop: &'a CancellationToken,
}

impl Collector<'_> {
    fn add(&mut self, path: &Path, kind: Kind, stat: Stat, hash: Hash) {
        self.entries.push(Entry { path: path.as_os_str().as_bytes().to_owned(), kind, stat, hash });
    }

    fn known_hash(&self, path: &Path, stat: &Stat) -> Option<Hash> {
        let known = self.known.get(path.as_os_str().as_bytes())?;
        let is_same = known.kind == Kind::File && known.stat == *stat && stat.is_settled(self.known_at);
        is_same.then_some(known.hash)
    }
}

impl Visitor for Collector<'_> {
    fn directory(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Interrupted> {
        self.add(path, Kind::Directory, Stat::of(metadata), [0; 32]);
        Ok(())
    }

    fn link(&mut self, path: &Path, metadata: &Metadata, target: &Path) -> Result<(), Interrupted> {
        let hash = finish(hmac::sign(self.key, target.as_os_str().as_bytes()));
        self.add(path, Kind::Link, Stat::of(metadata), hash);
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), Interrupted> {
        if self.stop.is_cancelled() {
            return Err(Interrupted::Sink(io::ErrorKind::Interrupted.into()));
        }
        // Asked before the content is read: a change in between makes it differ the next time.
        let whole = self.root.join(path);
        let stat = match fs::symlink_metadata(&whole) {
            Ok(metadata) => Stat::of(&metadata),
            Err(error) => return Err(Interrupted::Source { path: whole, error }),
        };
        let known = self.known_hash(path, &stat);
        if known.is_none() {
            self.unread.push(self.entries.len());
        }
        self.add(path, Kind::File, stat, known.unwrap_or_default());
        Ok(())
    }
}

/// Reads and hashes files, some at a time.
fn read_all(
    root: &Path,
    key: &hmac::Key,
    entries: &[Entry],
    unread: &[usize],
    stop: &CancellationToken,
) -> Result<Vec<(usize, Hash)>, EngineError> {
    let (next, outcome) = (AtomicUsize::new(0), Mutex::new(Ok(Vec::with_capacity(unread.len()))));
    let work = || {
        let mut buffer = vec![0; BUFFER];
        let mut hashes = Vec::new();
        while let Some(&index) = unread.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(entry) = entries.get(index) else { continue };
            let path = root.join(std::ffi::OsStr::from_bytes(&entry.path));
            match read(&path, key, &mut buffer, stop) {
                Ok(hash) => hashes.push((index, hash)),
                Err(source) => {
                    // The others need not go on.
                    next.store(unread.len(), Ordering::Relaxed);
                    let is_cancelled = stop.is_cancelled();
                    let error =
                        if is_cancelled { EngineError::Cancelled } else { EngineError::Context { path, source } };
                    *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Err(error);
                    return;
                }
            }
        }
        if let Ok(all) = &mut *outcome.lock().unwrap_or_else(PoisonError::into_inner) {
            all.extend(hashes);
        }
    };
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS).min(unread.len());
    std::thread::scope(|scope| {
        for _ in 1..readers {
            scope.spawn(work);
        }
        work();
    });
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn read(path: &Path, key: &hmac::Key, buffer: &mut [u8], stop: &CancellationToken) -> io::Result<Hash> {
    let mut file = File::open(path)?;
    let mut context = hmac::Context::with_key(key);
    loop {
        if stop.is_cancelled() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match file.read(buffer) {
            Ok(0) => return Ok(finish(context.sign())),
            Ok(count) => context.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn finish(tag: hmac::Tag) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(tag.as_ref());
    hash
}

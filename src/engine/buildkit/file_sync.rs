//! The files of the build context, given to BuildKit as it asks for them: first what there is, then the content of what
//! the engine does not have yet.
//!
//! Content is read in pieces and waits in a bounded channel, so memory does not grow with the project. Must not know
//! which files are meant, or how the messages travel.

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use futures_util::{Stream, StreamExt};
use prost::Message;
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{mpsc, watch};
use tonic::Status;

use super::tasks::Tasks;
use super::wanted::Wanted;
use crate::engine::context::{self, BuildContext, Interrupted, Visitor};
use crate::engine::error::EngineError;
use crate::engine::ignore::IgnoreRules;

/// Bytes of content in a message.
const CHUNK: usize = 32 * 1024;

/// Messages that wait for the connection.
const WAITING: usize = 16;

/// Files that wait to be read.
const REQUESTED: usize = 128;

/// The context, and what became of sending it.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    rules: IgnoreRules,
    dockerfile: String,
    sent: watch::Sender<u64>,
    failure: Mutex<Option<EngineError>>,
}

impl Files {
    pub(super) fn new(context: BuildContext, dockerfile: &str) -> Self {
        let (root, rules) = context.into_parts();
        Self { root, rules, dockerfile: dockerfile.to_owned(), sent: watch::Sender::new(0), failure: Mutex::new(None) }
    }

    /// Bytes that the connection took so far.
    pub(super) fn sent(&self) -> watch::Receiver<u64> {
        self.sent.subscribe()
    }

    /// Why a file could not be sent, where one could not. The engine only knows that the sending ended.
    pub(super) fn failure(&self) -> Option<EngineError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fail(&self, path: PathBuf, source: io::Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(EngineError::Context { path, source });
    }
}

/// Answers one call: `requests` is what the engine says, the stream what it gets. The tasks behind it end with either.
pub(super) fn serve(
    files: Arc<Files>,
    wanted: Wanted,
    requests: impl Stream<Item = Result<Packet, Status>> + Send + 'static,
    tasks: &Tasks,
) -> Packets {
    let (out, packets) = mpsc::channel(WAITING);
    let (asked, to_read) = mpsc::channel(REQUESTED);
    let sending = Arc::new(Sending { files: files.clone(), offered: Mutex::new(HashMap::new()), out: out.clone() });
    let offering = sending.clone();
    tasks.spawn_blocking(move || offering.end(offering.offer(&wanted)));
    tasks.spawn_blocking(move || sending.end(sending.read(to_read)));
    tasks.spawn(listen(requests, asked, out));
    Packets { packets, files }
}

/// What the engine gets.
#[derive(Debug)]
pub(super) struct Packets {
    packets: mpsc::Receiver<Result<Packet, Status>>,
    files: Arc<Files>,
}

impl Stream for Packets {
    type Item = Result<Packet, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.packets.poll_recv(cx);
        if let Poll::Ready(Some(Ok(packet))) = &next {
            self.files.sent.send_modify(|sent| *sent += packet.encoded_len() as u64);
        }
        next
    }
}

/// Takes the engine's requests until it has everything.
async fn listen(
    requests: impl Stream<Item = Result<Packet, Status>>,
    asked: mpsc::Sender<u32>,
    out: mpsc::Sender<Result<Packet, Status>>,
) {
    let mut requests = pin!(requests);
    loop {
        let packet = tokio::select! {
            () = out.closed() => return,
            packet = requests.next() => packet,
        };
        match packet {
            Some(Ok(packet)) if packet.r#type == PacketType::PacketReq as i32 => {
                if asked.send(packet.id).await.is_err() {
                    return;
                }
            }
            Some(Ok(packet)) if packet.r#type == PacketType::PacketFin as i32 => {
                let _ = out.send(Ok(empty(PacketType::PacketFin, 0))).await;
                return;
            }
            Some(Ok(packet)) if packet.r#type == PacketType::PacketErr as i32 => {
                tracing::debug!("the engine takes no more of the build context");
                return;
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return tracing::debug!(code = ?error.code(), "the engine broke a transfer off"),
            None => return,
        }
    }
}

/// A file that the engine may ask for, as it was when it was offered.
#[derive(Debug)]
struct Offered {
    path: PathBuf,
    size: u64,
    modified: (i64, i64),
}

impl Offered {
    fn is_still(&self, metadata: &Metadata) -> bool {
        metadata.is_file() && self.size == metadata.len() && self.modified == (metadata.mtime(), metadata.mtime_nsec())
    }
}

struct Sending {
    files: Arc<Files>,
    offered: Mutex<HashMap<u32, Offered>>,
    out: mpsc::Sender<Result<Packet, Status>>,
}

/// Tells the engine of one entry after the other.
struct Offer<'a> {
    sending: &'a Sending,
    next_id: u32,
    /// Where a file with several names was told first, by its device and number.
    first_names: HashMap<(u64, u64), String>,
}

impl Visitor for Offer<'_> {
    fn directory(&mut self, path: &Path, metadata: &Metadata) -> Result<(), Interrupted> {
        self.tell(Stat { size: 0, ..self.stat(path, metadata)? })
    }

    fn link(&mut self, path: &Path, metadata: &Metadata, target: &Path) -> Result<(), Interrupted> {
        let linkname = self.text(path, target, "what the link leads to")?;
        self.tell(Stat { linkname, ..self.stat(path, metadata)? })
    }

    fn file(&mut self, path: &Path) -> Result<(), Interrupted> {
        let place = self.sending.files.root.join(path);
        let unreadable = |error| Interrupted::Source { path: place.clone(), error };
        let metadata = fs::symlink_metadata(&place).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(unreadable(changed()));
        }
        let mut stat = self.stat(path, &metadata)?;
        let file = (metadata.dev(), metadata.ino());
        if let Some(first) = self.first_names.get(&file) {
            stat.linkname.clone_from(first);
        } else {
            if metadata.nlink() > 1 {
                self.first_names.insert(file, stat.path.clone());
            }
            let modified = (metadata.mtime(), metadata.mtime_nsec());
            let offered = Offered { path: place, size: metadata.len(), modified };
            self.sending.offered.lock().unwrap_or_else(PoisonError::into_inner).insert(self.next_id, offered);
        }
        self.tell(stat)
    }
}

impl Offer<'_> {
    fn tell(&mut self, stat: Stat) -> Result<(), Interrupted> {
        self.next_id += 1;
        self.sending.put(Packet { stat: Some(stat), ..empty(PacketType::PacketStat, 0) })
    }

    fn stat(&self, path: &Path, metadata: &Metadata) -> Result<Stat, Interrupted> {
        Ok(Stat {
            path: self.text(path, path, "its name")?,
            mode: go_mode(metadata),
            size: i64::try_from(metadata.len()).unwrap_or(i64::MAX),
            mod_time: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
            ..Stat::default()
        })
    }

    fn text(&self, path: &Path, text: &Path, what: &str) -> Result<String, Interrupted> {
        text.to_str().map(ToOwned::to_owned).ok_or_else(|| Interrupted::Source {
            path: self.sending.files.root.join(path),
            error: io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{what} is not UTF-8, which BuildKit cannot take; the classic builder can"),
            ),
        })
    }
}

fn changed() -> io::Error {
    io::Error::other("it changed while the build context was read")
}

/// Why the sending ended early.
enum Ended {
    Interrupted(Interrupted),
    Refused(Status),
}

impl From<Interrupted> for Ended {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

impl Sending {
    /// Tells of everything that there is.
    fn offer(&self, wanted: &Wanted) -> Result<(), Ended> {
        let files = &self.files;
        let selection = wanted.selection(&files.root, &files.rules, &files.dockerfile).map_err(Ended::Refused)?;
        context::walk(&files.root, &selection, &mut Offer { sending: self, next_id: 0, first_names: HashMap::new() })?;
        Ok(self.put(empty(PacketType::PacketStat, 0))?)
    }

    /// Reads one file after the other that the engine asks for.
    fn read(&self, mut asked: mpsc::Receiver<u32>) -> Result<(), Ended> {
        while let Some(id) = asked.blocking_recv() {
            let offered = self.offered.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            let Some(offered) = offered else {
                return Err(Ended::Refused(Status::invalid_argument("no such file was offered")));
            };
            self.content(id, &offered)?;
            self.put(empty(PacketType::PacketData, id))?;
        }
        Ok(())
    }

    fn content(&self, id: u32, offered: &Offered) -> Result<(), Interrupted> {
        let unreadable = |error| Interrupted::Source { path: offered.path.clone(), error };
        let (mut file, metadata) = context::open_file(&offered.path).map_err(unreadable)?;
        if !offered.is_still(&metadata) {
            return Err(unreadable(changed()));
        }
        let mut left = offered.size;
        while left > 0 {
            let mut data = vec![0; usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)];
            file.read_exact(&mut data).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => unreadable(changed()),
                _ => unreadable(error),
            })?;
            left -= data.len() as u64;
            self.put(Packet { data, ..empty(PacketType::PacketData, id) })?;
        }
        let metadata = file.metadata().map_err(unreadable)?;
        if offered.is_still(&metadata) { Ok(()) } else { Err(unreadable(changed())) }
    }

    /// Waits while the connection is slow.
    fn put(&self, packet: Packet) -> Result<(), Interrupted> {
        self.out.blocking_send(Ok(packet)).map_err(|_| Interrupted::Sink(io::ErrorKind::BrokenPipe.into()))
    }

    fn end(&self, outcome: Result<(), Ended>) {
        let status = match outcome {
            // Nobody listens any more.
            Ok(()) | Err(Ended::Interrupted(Interrupted::Sink(_))) => return,
            Err(Ended::Refused(status)) => status,
            Err(Ended::Interrupted(Interrupted::Source { path, error })) => {
                self.files.fail(path, error);
                Status::aborted("a file of the build context cannot be read")
            }
        };
        let _ = self.out.blocking_send(Err(status));
    }
}

fn empty(kind: PacketType, id: u32) -> Packet {
    Packet { r#type: kind as i32, id, ..Packet::default() }
}

/// The mode as Go writes it: permissions as everywhere, everything else at bits of its own.
fn go_mode(metadata: &Metadata) -> u32 {
    let mode = metadata.mode();
    let kind = if metadata.is_dir() {
        1 << 31
    } else if metadata.is_symlink() {
        1 << 27
    } else {
        0
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = special.iter().filter(|(unix, _)| mode & unix != 0).fold(0, |all, (_, go)| all | go);
    kind | special | (mode & 0o777)
}

//! The access log: one record per request, in the order in which they end, as JSON lines in a file whose size is bounded,
//! and as `tracing` events of the target `access`.
//!
//! Requests never wait for the disk: a thread of its own writes. What it cannot keep up with is counted and said in the
//! file, so that nobody takes a log with holes for a whole one.

use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

/// The file in the data directory.
pub const FILE: &str = "access.log";
/// Files that were put aside: `access.log.1` is the newest.
const KEPT: u32 = 3;
/// Records that may wait for the disk.
const WAITING: usize = 16_384;

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When it came, RFC 3339 with milliseconds.
    pub time: String,
    /// The same as in the answer's `x-request-id`.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path, without what is secret in it.
    pub path: String,
    /// What of the query is harmless.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The path's template; absent where nothing is at this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The answer's status; absent when the caller left before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From its head to the end of the answer, milliseconds.
    pub ms: u64,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// Bytes of the request's body, as far as they were read.
    pub received: u64,
    /// The user, where one was logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// True when the answer did not come to its end: the caller left, or the connection was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub aborted: bool,
}

enum Message {
    Line(String),
    End,
}

/// Where records go.
#[derive(Debug)]
pub struct AccessLog {
    lines: Option<Sender<Message>>,
    lost: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl AccessLog {
    /// A log in this directory; `most` bytes per file, 0 for no file. Must be called on the runtime.
    pub(super) fn open(directory: &Path, most: u64) -> io::Result<Self> {
        let lost = Arc::new(AtomicU64::new(0));
        if most == 0 {
            return Ok(Self { lines: None, lost, writer: Mutex::new(None) });
        }
        let file = Rotated::open(directory.join(FILE), most)?;
        let (lines, receiver) = channel(WAITING);
        let missed = Arc::clone(&lost);
        let writer = tokio::task::spawn_blocking(move || write(receiver, file, &missed));
        Ok(Self { lines: Some(lines), lost, writer: Mutex::new(Some(writer)) })
    }

    pub(super) fn keep(&self, record: &Record) {
        tracing::info!(
            target: "access",
            id = record.id, method = record.method, path = record.path, route = record.route, status = record.status,
            ms = record.ms, bytes = record.bytes, user = record.user, peer = record.peer, aborted = record.aborted,
        );
        let Some(lines) = &self.lines else { return };
        let Ok(line) = serde_json::to_string(record) else { return };
        if lines.try_send(Message::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what is waiting, and ends.
    pub async fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(lines), Some(writer)) = (&self.lines, writer) else { return };
        let _ = lines.send(Message::End).await;
        let _ = writer.await;
    }
}

fn write(mut receiver: Receiver<Message>, mut file: Rotated, lost: &AtomicU64) {
    let mut messages = Vec::new();
    let mut failing = false;
    while receiver.blocking_recv_many(&mut messages, 256) > 0 {
        let mut ends = false;
        let mut text = String::new();
        match lost.swap(0, Ordering::Relaxed) {
            0 => {}
            count => text = format!("{{\"lost\":{count}}}\n"),
        }
        for message in messages.drain(..) {
            match message {
                Message::Line(line) => {
                    text.push_str(&line);
                    text.push('\n');
                }
                Message::End => ends = true,
            }
        }
        match file.append(&text) {
            Ok(()) => failing = false,
            // Said once, not for every request.
            Err(error) if !failing => {
                failing = true;
                tracing::error!(%error, "the access log cannot be written");
            }
            Err(_) => {}
        }
        if ends {
            return;
        }
    }
}

/// A file that is put aside when it is full.
struct Rotated {
    path: PathBuf,
    file: File,
    size: u64,
    most: u64,
}

impl Rotated {
    fn open(path: PathBuf, most: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // Who did what is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, most })
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        if self.size > 0 && self.size + text.len() as u64 > self.most {
            self.put_aside()?;
        }
        self.size += text.len() as u64;
        self.file.write_all(text.as_bytes())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        for number in (1..KEPT).rev() {
            let _ = std::fs::rename(self.aside(number), self.aside(number + 1));
        }
        std::fs::rename(&self.path, self.aside(1))?;
        *self = Self::open(self.path.clone(), self.most)?;
        Ok(())
    }

    fn aside(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_only_so_many_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let mut file = Rotated::open(path.clone(), 10).expect("a file");
        for number in 0..9 {
            file.append(&format!("line {number}\n")).expect("written");
        }
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(read(path.clone()), "line 8\n");
        assert_eq!(read(path.with_extension("log.1")), "line 7\n");
        assert_eq!(read(path.with_extension("log.3")), "line 5\n");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a list").count(), 4);
        // A server that starts again goes on where it was.
        let mut file = Rotated::open(path.clone(), 20).expect("a file");
        file.append("line 9\n").expect("written");
        assert_eq!(read(path), "line 8\nline 9\n");
    }
}

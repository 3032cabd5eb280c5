//! The build context on its way: a blocking task writes the archive into a bounded channel, and the channel's
//! other end is the request's body. So at most [`WAITING_CHUNKS`] + 2 chunks are in memory, however big the
//! project is, and a slow engine slows the reading down.
//!
//! Must not know what an archive is made of, or whom it is sent to.

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::context::{BuildContext, Interrupted};
use super::error::EngineError;

/// Bytes of a chunk.
const CHUNK: usize = 256 * 1024;

/// Chunks that wait in the channel.
const WAITING_CHUNKS: usize = 4;

/// The body: ends with an error where the archive could not be finished, so that the engine never takes half an
/// archive for a whole one. Dropping it ends the reading.
#[derive(Debug)]
pub(super) struct ContextBody {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    sent: watch::Sender<u64>,
}

/// The reading side.
#[derive(Debug)]
pub(super) struct ContextReader {
    /// Bytes of the archive that the connection took so far. Closed when the body is gone.
    pub(super) sent: watch::Receiver<u64>,
    task: JoinHandle<Result<(), Interrupted>>,
}

/// Begins to read the context.
pub(super) fn stream(context: BuildContext) -> (ContextBody, ContextReader) {
    let (sender, chunks) = mpsc::channel(WAITING_CHUNKS);
    let (sent, watched) = watch::channel(0);
    let task = tokio::task::spawn_blocking(move || {
        let mut writer = ChunkWriter { sender, buffer: BytesMut::with_capacity(CHUNK) };
        let outcome = context.write_to(&mut writer).and_then(|()| writer.send_rest().map_err(Interrupted::Sink));
        if outcome.is_err() {
            let failed = io::Error::other("the build context could not be read to its end");
            // Nobody listens where the body was dropped, which is one way to come here.
            let _ = writer.sender.blocking_send(Err(failed));
        }
        outcome
    });
    (ContextBody { chunks, sent }, ContextReader { sent: watched, task })
}

impl ContextReader {
    /// The file of the context that could not be read, once the body is gone.
    pub(super) async fn failure(self) -> Option<EngineError> {
        match self.task.await {
            Ok(Err(Interrupted::Source { path, error })) => Some(EngineError::Context { path, source: error }),
            Ok(Ok(())) => None,
            Ok(Err(Interrupted::Sink(error))) => {
                tracing::debug!(%error, "the engine took no more of the build context");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the task that reads the build context ended abnormally");
                None
            }
        }
    }
}

impl Stream for ContextBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.chunks.poll_recv(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            self.sent.send_modify(|sent| *sent += chunk.len() as u64);
        }
        next
    }
}

struct ChunkWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: BytesMut,
}

impl ChunkWriter {
    fn send_rest(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK)).freeze();
        self.sender.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() == CHUNK {
            self.send_rest()?;
        }
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Chunks stay whole: only the end of the archive sends a short one.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use std::fs;
    use std::path::Path;

    /// A project with one file of `size` zero bytes that takes no room on the disk.
    fn project(size: u64) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("Dockerfile"), "FROM scratch").unwrap();
        fs::File::create(directory.path().join("big")).unwrap().set_len(size).unwrap();
        directory
    }

    fn open(root: &Path) -> BuildContext {
        BuildContext::open(root, "Dockerfile").unwrap()
    }

    #[tokio::test]
    async fn a_big_context_arrives_whole_in_small_chunks() {
        let size = 24 * 1024 * 1024;
        let project = project(size);
        let (mut body, reader) = stream(open(project.path()));
        assert_eq!(body.chunks.max_capacity(), WAITING_CHUNKS);
        let mut bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.unwrap();
            assert!(chunk.len() <= CHUNK, "{}", chunk.len());
            assert!(body.chunks.len() <= WAITING_CHUNKS);
            bytes += chunk.len() as u64;
        }
        assert!(bytes > size);
        assert_eq!(*reader.sent.borrow(), bytes);
        assert!(reader.failure().await.is_none());
    }

    #[tokio::test]
    async fn dropping_the_body_ends_the_reading() {
        // Far more than anybody could read: the task ends only because the body is gone.
        let project = project(1 << 40);
        let (mut body, reader) = stream(open(project.path()));
        assert!(body.next().await.unwrap().is_ok());
        drop(body);
        assert!(reader.failure().await.is_none());
    }

    #[tokio::test]
    async fn a_file_that_vanishes_is_named_and_the_body_ends_with_an_error() {
        let project = project(64 * 1024 * 1024);
        fs::write(project.path().join("later"), "x").unwrap();
        let (mut body, reader) = stream(open(project.path()));
        // The reader stands in the big file, kept there by the full channel, and its directory was listed already.
        assert!(body.next().await.unwrap().is_ok());
        fs::remove_file(project.path().join("later")).unwrap();
        let mut last = None;
        while let Some(chunk) = body.next().await {
            last = Some(chunk);
        }
        assert!(last.unwrap().is_err());
        let failure = reader.failure().await.expect("the file is gone");
        assert!(matches!(&failure, EngineError::Context { path, .. } if path.ends_with("later")), "{failure}");
    }
}

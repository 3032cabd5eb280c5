//! A stand-in for the engine, for what a real one cannot be made to do at the right moment: it listens on a socket of
//! its own and answers each connection's one request with what the test says.

use std::future::Future;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::task::AbortOnDropHandle;

use super::connect;
use super::contexts::{Address, Target};

/// Listens until it is dropped.
pub(super) struct Engine {
    directory: tempfile::TempDir,
    _task: AbortOnDropHandle<()>,
}

/// One request, read up to the end of its head.
pub(super) struct Call {
    /// `POST /build?... HTTP/1.1`
    pub(super) line: String,
    /// The whole head.
    pub(super) head: String,
    /// Taken only where the call is dropped.
    stream: Option<UnixStream>,
    /// A whole answer was given.
    is_answered: bool,
}

/// A stream that is closed with something unread in it breaks on the other side, answer or not: what is still sent
/// after a whole answer is taken and thrown away.
impl Drop for Call {
    fn drop(&mut self) {
        if let Some(mut stream) = self.stream.take().filter(|_| self.is_answered) {
            tokio::spawn(async move {
                let _ = stream.shutdown().await;
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    }
}

impl Engine {
    pub(super) fn start<F, Fut>(answer: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(Call::read(stream).await).await;
            }
        });
        Self { directory, _task: AbortOnDropHandle::new(task) }
    }

    pub(super) fn connect(&self) -> connect::Engine {
        let address = Address::Unix(self.directory.path().join("docker.sock"));
        connect::Engine::open(Target { name: "fake".into(), address, reason: "test".into() }).unwrap()
    }
}

impl Call {
    async fn read(mut stream: UnixStream) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let line = head.lines().next().unwrap_or_default().to_owned();
        Self { line, head, stream: Some(stream), is_answered: false }
    }

    /// A whole answer.
    pub(super) async fn answer(&mut self, status: &str, body: &str) {
        let length = body.len();
        self.is_answered = true;
        self.write(&format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")).await;
    }

    /// Hands the connection over.
    pub(super) async fn upgrade(&mut self) {
        self.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").await;
    }

    /// The head of an answer that comes in pieces.
    pub(super) async fn begin(&mut self) {
        self.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    }

    /// A piece of it.
    pub(super) async fn piece(&mut self, text: &str) {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len())).await;
    }

    /// Its end.
    pub(super) async fn end(&mut self) {
        self.is_answered = true;
        self.write("0\r\n\r\n").await;
    }

    /// Takes so many bytes of what the other side sends, or a few more.
    pub(super) async fn read_at_least(&mut self, bytes: usize) {
        let mut buffer = vec![0; 64 * 1024];
        let mut taken = 0;
        while taken < bytes {
            taken += self.stream().read(&mut buffer).await.unwrap();
        }
    }

    /// Takes what the other side sends until it closes.
    pub(super) async fn read_to_end(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        while self.stream().read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    }

    async fn write(&mut self, text: &str) {
        self.stream().write_all(text.as_bytes()).await.unwrap();
    }

    fn stream(&mut self) -> &mut UnixStream {
        self.stream.as_mut().unwrap()
    }
}

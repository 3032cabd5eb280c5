//! An engine that builds nothing and keeps what it is sent: the archive of `POST /build`, from whichever client.
//!
//! Must not know who sends it, or what is expected in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;

/// Listens on `docker.sock` in a directory of its own until it is dropped.
pub struct CapturingEngine {
    directory: tempfile::TempDir,
    builds: mpsc::Receiver<Option<Vec<u8>>>,
}

impl CapturingEngine {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let (sender, builds) = mpsc::channel();
        std::thread::spawn(move || {
            // Ends with the process: the listener is not closed by the directory's removal. A thread that waits costs
            // nothing.
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                std::thread::spawn(move || serve(stream, &sender));
            }
        });
        Self { directory, builds }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// `unix:///...`, as `DOCKER_HOST` has it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// The archive that was sent since the last call; `None` where there was none, or it was broken off. To be called
    /// when the client is done.
    pub fn sent(&self) -> Option<Vec<u8>> {
        self.builds.try_iter().last().flatten()
    }
}

fn serve(stream: UnixStream, builds: &mpsc::Sender<Option<Vec<u8>>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let head = Head::read(&mut reader)?;
        let is_build = head.method == "POST" && head.target.contains("/build?");
        let body = head.body(&mut reader);
        let goes_on = body.is_some();
        if is_build {
            builds.send(body).ok()?;
        }
        let answer = match head.target.as_str() {
            _ if is_build => {
                r#"{"aux":{"ID":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}"#
            }
            target if target.ends_with("/_ping") => "OK",
            target if target.contains("/images/json") => "[]",
            _ => "{}",
        };
        let length = answer.len();
        let body = if head.method == "HEAD" { "" } else { answer };
        write!(
            writer,
            "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        if !goes_on {
            return None;
        }
    }
}

struct Head {
    method: String,
    target: String,
    length: usize,
    is_chunked: bool,
}

impl Head {
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let first = line(reader)?;
        let mut words = first.split(' ');
        let mut head =
            Self { method: words.next()?.into(), target: words.next()?.into(), length: 0, is_chunked: false };
        loop {
            let field = line(reader)?.to_ascii_lowercase();
            match field.split_once(':').map(|(name, value)| (name, value.trim())) {
                None => return Some(head),
                Some(("content-length", value)) => head.length = value.parse().ok()?,
                Some(("transfer-encoding", value)) => head.is_chunked = value == "chunked",
                Some(_) => {}
            }
        }
    }

    /// The whole body; `None` where it ends too early.
    fn body(&self, reader: &mut impl BufRead) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        if !self.is_chunked {
            body.resize(self.length, 0);
            return reader.read_exact(&mut body).ok().map(|()| body);
        }
        loop {
            let size = usize::from_str_radix(&line(reader)?, 16).ok()?;
            let from = body.len();
            body.resize(from + size, 0);
            reader.read_exact(&mut body[from..]).ok()?;
            line(reader)?;
            if size == 0 {
                return Some(body);
            }
        }
    }
}

/// A line without its end; `None` where the connection is over.
fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    (reader.take(64 * 1024).read_line(&mut text).ok()? > 0).then(|| text.trim_end().to_owned())
}

/// The paths in an archive, directories with a slash behind them.
pub fn paths(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| String::from_utf8_lossy(&entry.path_bytes()).into_owned()).collect()
}

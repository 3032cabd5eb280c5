//! The sample project's program: a small web server, and its own health check.
//!
//!     systemprompt [infra] services serve --foreground    serve (also without arguments)
//!     systemprompt health                                 exit 0 if the server on this machine is well
//!
//! | Variable         | Default    | Meaning                                  |
//! |------------------|------------|------------------------------------------|
//! | `HOST`, `PORT`   | `0.0.0.0`, `8080` | where to listen                   |
//! | `WEB_DIR`        | `/app/web` | where `index.html` lies                  |
//! | `OPENAI_API_KEY` | none       | the provider is switched off without it  |

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A request's line and headers may have this many bytes.
const MAX_REQUEST: usize = 16 * 1024;
/// The page may have this many bytes.
const MAX_PAGE: u64 = 4 * 1024 * 1024;
/// A request must have arrived, and its answer must have been taken, after this long.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The header of this program's own health check: a line for it every few seconds would bury the log.
const OWN_CHECK: &str = "User-Agent: systemprompt-health";
/// Connections that are served at a time; more are turned away.
const MAX_CONNECTIONS: usize = 128;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] | ["services", "serve", "--foreground"] | ["infra", "services", "serve", "--foreground"] => serve(),
        ["health"] => health(),
        _ => {
            eprintln!("usage: systemprompt [[infra] services serve --foreground | health]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log("ERROR", format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

/// Serves until the process is told to end.
fn serve() -> io::Result<()> {
    stop_at_once_on_sigterm();
    let host = variable("HOST", "0.0.0.0");
    let listener = TcpListener::bind((host.as_str(), port()?))?;
    log("INFO", format_args!("listening on {}", listener.local_addr()?));
    if env::var("OPENAI_API_KEY").map_or(true, |key| key.is_empty()) {
        log("WARN", format_args!("openai: no key, provider disabled"));
    }

    let page = Arc::new(PathBuf::from(variable("WEB_DIR", "/app/web")).join("index.html"));
    let connections = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                log("WARN", format_args!("a connection was not accepted: {error}"));
                // Out of file handles, most likely: let some be closed.
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        let place = Place::take(&connections);
        let page = Arc::clone(&page);
        let spawned = thread::Builder::new().spawn(move || {
            if let Err(error) = handle(stream, &page, place.is_some()) {
                log("WARN", format_args!("a connection broke off: {error}"));
            }
        });
        if let Err(error) = spawned {
            log("ERROR", format_args!("no thread for a connection: {error}"));
        }
    }
    Ok(())
}

/// Asks the server on this machine whether it is well.
fn health() -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port()?))?;
    stream.set_read_timeout(Some(TIME_LIMIT))?;
    stream.set_write_timeout(Some(TIME_LIMIT))?;
    let request = format!("GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n{OWN_CHECK}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_REQUEST as u64).read_to_end(&mut answer)?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(io::Error::other("the health check was not answered with 200"))
    }
}

/// One connection: one request, one answer.
fn handle(mut stream: TcpStream, page: &Path, has_place: bool) -> io::Result<()> {
    let started = Instant::now();
    stream.set_write_timeout(Some(TIME_LIMIT))?;
    let (request, answer) = if has_place {
        match read_request(&mut stream, started + TIME_LIMIT)? {
            Some(request) => {
                let answer = Answer::to(&request, page);
                (request, answer)
            }
            None => (Request::unreadable(), Answer::text(400, "this is no request\n")),
        }
    } else {
        (Request::unreadable(), Answer::text(503, "too many connections\n"))
    };
    answer.write(&mut stream, request.method != "HEAD")?;
    if request.is_own_check && answer.status == 200 {
        return Ok(());
    }
    let level = if answer.status >= 500 { "ERROR" } else { "INFO" };
    let elapsed = started.elapsed().as_millis();
    log(level, format_args!("{:.20} {:.200} {} {elapsed} ms", request.method, request.path, answer.status));
    Ok(())
}

/// What a request asks for.
struct Request {
    method: String,
    path: String,
    is_own_check: bool,
}

impl Request {
    /// Stands in the log for one that could not be read.
    fn unreadable() -> Self {
        Self { method: "-".into(), path: "-".into(), is_own_check: false }
    }

    /// Reads the request line. Anything but printable ASCII is refused, so it can be logged as it is.
    fn parse(head: &[u8]) -> Option<Self> {
        let line = head.split(|byte| *byte == b'\r').next()?;
        if !line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return None;
        }
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let path = target.split('?').next()?;
        let is_own_check = head.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_end() == OWN_CHECK.as_bytes());
        (version.starts_with("HTTP/1.") && path.starts_with('/') && words.next().is_none())
            .then(|| Self { method: method.into(), path: path.into(), is_own_check })
    }
}

/// Reads up to the blank line after the headers. `None`: too long, or not HTTP.
fn read_request(stream: &mut TcpStream, deadline: Instant) -> io::Result<Option<Request>> {
    let mut head = Vec::new();
    let mut piece = [0; 2048];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut piece)?;
        head.extend_from_slice(&piece[..count]);
        if count == 0 || head.len() > MAX_REQUEST {
            return Ok(None);
        }
    }
    Ok(Request::parse(&head))
}

/// What is sent back.
struct Answer {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    /// The routes.
    fn to(request: &Request, page: &Path) -> Self {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET" | "HEAD", "/api/v1/health") => {
                Self { status: 200, content_type: "application/json", body: br#"{"status":"ok"}"#.to_vec() }
            }
            ("GET" | "HEAD", "/") => Self::page(page),
            ("GET" | "HEAD", _) => Self::text(404, "not found\n"),
            _ => Self::text(405, "only GET and HEAD\n"),
        }
    }

    /// The page as it is on disk now.
    fn page(path: &Path) -> Self {
        let mut body = Vec::new();
        match File::open(path).and_then(|file| file.take(MAX_PAGE).read_to_end(&mut body)) {
            Ok(_) => Self { status: 200, content_type: "text/html; charset=utf-8", body },
            Err(error) => {
                log("ERROR", format_args!("{}: {error}", path.display()));
                Self::text(500, "the page cannot be read\n")
            }
        }
    }

    fn text(status: u16, text: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: text.into() }
    }

    fn write(&self, stream: &mut TcpStream, with_body: bool) -> io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len()
        );
        stream.write_all(head.as_bytes())?;
        if with_body {
            stream.write_all(&self.body)?;
        }
        stream.flush()
    }
}

/// One of the connections that are served at a time; given back on drop.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(connections: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(connections));
        // A place that is one too many is dropped here, which gives it back.
        (connections.fetch_add(1, Ordering::SeqCst) < MAX_CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One line on standard output. A reader that went away is no reason to end.
fn log(level: &str, message: fmt::Arguments) {
    let _ = writeln!(io::stdout(), "{level:<5} {message}");
}

fn variable(name: &str, default: &str) -> String {
    env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn port() -> io::Result<u16> {
    let raw = variable("PORT", "8080");
    raw.parse().map_err(|_| io::Error::other(format!("PORT is {raw:?}; it must be a number up to 65535")))
}

/// In a container this is process 1, which the kernel shields from signals that it does not handle:
/// without a handler, stopping it would take the whole grace period.
#[cfg(unix)]
fn stop_at_once_on_sigterm() {
    const SIGTERM: i32 = 15;

    unsafe extern "C" {
        fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
        fn _exit(status: i32) -> !;
    }

    extern "C" fn stop(_: i32) {
        // SAFETY: `_exit` may be called in a signal handler.
        unsafe { _exit(0) }
    }

    // SAFETY: `stop` has the type of a handler and does nothing that a handler may not do.
    unsafe { signal(SIGTERM, stop) };
}

#[cfg(not(unix))]
fn stop_at_once_on_sigterm() {}

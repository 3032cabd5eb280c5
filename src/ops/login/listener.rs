//! Where the browser comes back to: a small web server on this machine's loopback, for the time of one sign-in. It hears
//! one callback, its own, and shows a page to everything else.
//!
//! Dropping it closes the port and every connection.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use ring::rand::{SecureRandom, SystemRandom};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::callback::{self, Callback};
use super::page::page;
use crate::model::{Problem, Secret};

/// The port that is tried first (protocol D.0): some servers know no other.
pub const PORT: u16 = 8765;
/// Connections at once; a browser opens a few.
const CONNECTIONS: usize = 16;
/// How long a connection may take, from its begin to its end.
const CONNECTION: Duration = Duration::from_secs(10);
/// The most of a request's head that is read, bytes; the token is in it.
const HEAD: usize = 64 * 1024;

/// How the sign-in ended.
pub type Outcome = Result<Secret, Problem>;

/// An open port that waits for one callback.
pub struct Listener {
    address: SocketAddr,
    state: Secret,
    outcome: mpsc::Receiver<Outcome>,
    task: AbortHandle,
}

/// What every connection looks at.
struct Waiting {
    state: Secret,
    host: String,
    /// Somebody came back already.
    taken: AtomicBool,
}

impl Listener {
    /// Opens `first` on the loopback, or any free port where that one is taken; 0 is any. Must be called on the runtime.
    ///
    /// # Errors
    /// Where this machine has no port to give.
    pub async fn open(first: u16) -> Result<Self, Problem> {
        let failed = |error: std::io::Error| {
            Problem::new("The way back from the browser cannot be opened.")
                .detail(format!("No port on 127.0.0.1: {error}."))
                .hint("Log in with a token instead.")
        };
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = match bind(first).await {
            Ok(listener) => listener,
            Err(_) => bind(0).await.map_err(failed)?,
        };
        let address = listener.local_addr().map_err(failed)?;
        let state = word()?;
        let waiting = Waiting { state: state.clone(), host: address.to_string(), taken: AtomicBool::new(false) };
        let (sender, outcome) = mpsc::channel(1);
        let task = tokio::spawn(accept(listener, Arc::new(waiting), sender)).abort_handle();
        Ok(Self { address, state, outcome, task })
    }

    /// Where the browser has to come back to. Holds the word that makes it ours.
    #[must_use]
    pub fn redirect_uri(&self) -> Secret {
        Secret::new(format!("http://{}{}", self.address, callback::path(self.state.reveal())))
    }

    /// Waits for the callback. May be dropped and asked again.
    pub async fn outcome(&mut self) -> Outcome {
        let gone = || Err(Problem::new("The way back from the browser was closed.").hint("Log in again."));
        self.outcome.recv().await.unwrap_or_else(gone)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A word that nobody guesses: 192 random bits.
fn word() -> Result<Secret, Problem> {
    let mut bytes = [0u8; 24];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Problem::new("The system gives no random numbers."))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

async fn accept(listener: TcpListener, waiting: Arc<Waiting>, outcome: mpsc::Sender<Outcome>) {
    // Ends with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&waiting), outcome.clone()));
            }
            // Out of files, for one: it may pass.
            Err(error) => {
                tracing::debug!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, waiting: Arc<Waiting>, outcome: mpsc::Sender<Outcome>) {
    let found: Arc<Mutex<Option<Outcome>>> = Arc::default();
    let place = Arc::clone(&found);
    let service = service_fn(move |request: Request<Incoming>| {
        let (response, ended) = answer(&request, &waiting);
        if let Some(ended) = ended {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        }
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut server = http1::Builder::new();
    server.keep_alive(false).max_buf_size(HEAD).timer(TokioTimer::new()).header_read_timeout(CONNECTION);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    // One that is broken off has said what it had to say, or nothing.
    let _ = tokio::time::timeout(CONNECTION, connection).await;
    let ended = found.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Only now: the page has gone out, and whoever waits may close the port.
    if let Some(ended) = ended {
        let _ = outcome.try_send(ended);
    }
}

/// The page for a request, and the end of the sign-in where it is one.
fn answer(request: &Request<Incoming>, waiting: &Waiting) -> (Response<Full<Bytes>>, Option<Outcome>) {
    let elsewhere = || page(StatusCode::NOT_FOUND, "Not found", "There is nothing here. Go back to the terminal.");
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    // A foreign page whose name was pointed at this machine.
    if host != Some(waiting.host.as_str()) {
        return (elsewhere(), None);
    }
    if request.method() != Method::GET {
        return (page(StatusCode::METHOD_NOT_ALLOWED, "Not found", "There is nothing to send here."), None);
    }
    match callback::read(request.uri().path(), request.uri().query(), waiting.state.reveal()) {
        Callback::Elsewhere => (elsewhere(), None),
        Callback::Foreign => {
            tracing::warn!("a callback came that belongs to no sign-in of this program");
            let text = "This page belongs to no sign-in that is waiting. Start again in the terminal.";
            (page(StatusCode::BAD_REQUEST, "Not this sign-in", text), None)
        }
        Callback::Ours(_) if waiting.taken.swap(true, Ordering::SeqCst) => {
            let text = "This sign-in was answered already. Go back to the terminal.";
            (page(StatusCode::GONE, "Answered already", text), None)
        }
        Callback::Ours(Ok(token)) => {
            let text = "You can close this page and go back to the terminal.";
            (page(StatusCode::OK, "Signed in", text), Some(Ok(token)))
        }
        Callback::Ours(Err(problem)) => {
            let text = format!("{} Go back to the terminal.", problem.detail.as_deref().unwrap_or_default());
            (page(StatusCode::BAD_REQUEST, "Not signed in", text.trim()), Some(Err(problem)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Sends a request as it is; answers what comes back.
    async fn send(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn get(listener: &Listener, path: &str, host: &str) -> String {
        send(listener.address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await
    }

    #[tokio::test]
    async fn it_hears_its_own_callback_and_no_other() {
        let mut listener = Listener::open(0).await.expect("a port");
        let host = listener.address.to_string();
        let own = callback::path(listener.state.reveal());
        for (path, host, status) in [
            ("/", host.as_str(), 404),
            ("/callback?access_token=evil", &host, 400),
            ("/callback/guess?access_token=evil", &host, 400),
            (&format!("{own}?access_token=evil"), "evil.example", 404),
        ] {
            let answer = get(&listener, path, host).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
        }
        let post = format!("POST {own}?access_token=evil HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        assert!(send(listener.address, &post).await.starts_with("HTTP/1.1 405 "));
        assert!(listener.outcome.try_recv().is_err());

        let answer = get(&listener, &format!("{own}?access_token=good"), &host).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("Signed in") && !answer.contains("good"));
        assert_eq!(listener.outcome().await, Ok(Secret::new("good")));
        let again = get(&listener, &format!("{own}?access_token=late"), &host).await;
        assert!(again.starts_with("HTTP/1.1 410 "), "{again}");
        assert!(listener.outcome.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_refusal_is_told_and_its_words_are_text() {
        let mut listener = Listener::open(0).await.expect("a port");
        let path = callback::path(listener.state.reveal());
        let query = "error=access_denied&error_description=%3Cscript%3Eno%3C%2Fscript%3E";
        let answer = get(&listener, &format!("{path}?{query}"), &listener.address.to_string()).await;
        assert!(answer.contains("&lt;script&gt;no") && answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let problem = listener.outcome().await.expect_err("refused");
        assert_eq!(problem.title, "The sign-in was refused.");
    }

    #[tokio::test]
    async fn a_taken_port_is_no_obstacle_and_a_dropped_one_is_free_again() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let listener = Listener::open(port).await.expect("another port");
        assert_ne!(listener.address.port(), port);
        let shown = listener.redirect_uri();
        assert!(shown.reveal().starts_with("http://127.0.0.1:") && !format!("{shown:?}").contains("callback"));
        let address = listener.address;
        drop(listener);
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

//! Accepts connections and lets the router answer what comes on them, within limits that the router cannot set: how many
//! there are, how large a request's head is and how long it may take to come.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::server::settings::OperationSettings;

/// How long connections may take to end after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// What is waited after an error that is not the caller's, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);
/// The least that the HTTP library takes for a head.
const LEAST_HEAD: usize = 8192;
/// Said to a connection that is one too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\n\
    connection: close\r\ncontent-length: 90\r\n\r\n\
    {\"error\":{\"code\":\"service_unavailable\",\"message\":\"too many connections; try again later\"}}";

/// What answers requests, whatever they are.
pub trait Answers:
    tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static
{
}

/// Answers on this listener until `stop`; returns when its connections have ended, or had the time to.
pub async fn serve<S>(listener: TcpListener, service: S, settings: &OperationSettings, stop: &CancellationToken)
where
    S: Answers,
    S::Future: Send + 'static,
{
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let _cut_at_the_end = cut.clone().drop_guard();
    let most = settings.connections as usize;
    let seats = Arc::new(Semaphore::new(if most == 0 { Semaphore::MAX_PERMITS } else { most }));
    let builder = builder(settings);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_the_callers(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
            // A new socket has room for so few bytes.
            let _ = stream.try_write(FULL);
            continue;
        };
        let connection = answer(builder.clone(), stream, peer, service.clone(), stop.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            let _seat = seat;
            cut.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = settings.at_once.cancelled() => {}
        () = tokio::time::sleep(GRACE) => tracing::warn!("some connections did not end in time and are cut"),
    }
    cut.cancel();
    connections.wait().await;
}

fn builder(settings: &OperationSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    builder.header_read_timeout((settings.head_seconds > 0).then(|| Duration::from_secs(settings.head_seconds.into())));
    if settings.headers > 0 {
        builder.max_headers(settings.headers as usize);
    }
    if settings.head_kib > 0 {
        builder.max_buf_size((settings.head_kib as usize * 1024).max(LEAST_HEAD));
    }
    builder
}

async fn answer<S>(builder: http1::Builder, stream: TcpStream, peer: SocketAddr, answers: S, stop: CancellationToken)
where
    S: Answers,
    S::Future: Send + 'static,
{
    // Events are small and shall not wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        answers.clone().oneshot(request)
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

fn is_the_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::get;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn start(settings: OperationSettings) -> (SocketAddr, tokio_util::sync::DropGuard) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let router = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(async move { serve(listener, router, &settings, &stop).await });
        (address, guard)
    }

    async fn say(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn heads_have_limits() {
        let settings = OperationSettings { headers: 10, head_kib: 8, head_seconds: 1, ..OperationSettings::default() };
        let (address, _guard) = start(settings).await;
        let with = |headers: &str| format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        assert!(say(address, &with("")).await.starts_with("HTTP/1.1 200 "));
        assert!(say(address, &with(&"a: b\r\n".repeat(20))).await.starts_with("HTTP/1.1 431 "));
        assert!(say(address, &with(&format!("a: {}\r\n", "b".repeat(9000)))).await.starts_with("HTTP/1.1 431 "));
        // A head that never ends ends with its time.
        let _ = say(address, "GET / HTTP/1.1\r\nhost: x\r\n").await;
    }

    #[tokio::test]
    async fn a_connection_too_many_is_told_so() {
        let (address, _guard) = start(OperationSettings { connections: 1, ..OperationSettings::default() }).await;
        let mut first = TcpStream::connect(address).await.expect("a connection");
        first.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
        let mut byte = [0];
        first.read_exact(&mut byte).await.expect("an answer");
        let refused = say(address, "").await;
        let (head, body) = refused.split_once("\r\n\r\n").expect("a whole answer");
        assert!(head.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{refused}");
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}

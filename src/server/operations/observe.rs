//! Stands around every path: gives each request an id, refuses what is too much or too late, counts, and writes down how
//! it ended.

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;

use super::access::Record;
use super::limits::StreamSeat;
use super::{mask, metrics, ready};
use crate::server::error::{Failure, unknown_path, wrong_method};
use crate::server::peer;
use crate::server::state::Server;
use crate::server::store;

/// Names the request, in the answer and in the access log.
const REQUEST_ID: &str = "x-request-id";
/// Asked by machines that watch this one; no limit is theirs.
const WATCHERS: [&str; 3] = ["/health", "/ready", "/metrics"];
/// Longest method in the log.
const LONGEST_METHOD: usize = 16;

/// Where whoever recognises the caller writes it down, for the access log.
#[derive(Debug, Clone, Default)]
pub struct Who(Arc<OnceLock<String>>);

impl Who {
    /// The caller is this user.
    pub fn set(&self, user: &str) {
        let _ = self.0.set(user.to_owned());
    }
}

/// `/ready` and `/metrics`, and the eyes around every path of `app`.
pub fn around(server: &Server, app: Router) -> Router {
    let own = Router::new()
        .route("/ready", get(ready::ready))
        .route("/metrics", get(metrics_here))
        .method_not_allowed_fallback(wrong_method)
        .with_state(server.clone());
    app.merge(own).layer(from_fn_with_state(server.clone(), observe))
}

/// What is served at an address for figures.
pub fn for_metrics(server: &Server) -> Router {
    Router::new().route("/metrics", get(figures)).fallback(unknown_path).with_state(server.clone())
}

/// `GET /metrics` beside the API: for this machine, unless the figures have an address of their own.
async fn metrics_here(
    State(server): State<Server>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let here = peer::is_this_machine(peer.ip(), &headers, &server.settings.door.ingress);
    if server.settings.operations.metrics_listen.is_some() || !here {
        return Err(unknown_path().await);
    }
    figures(State(server)).await
}

async fn figures(State(server): State<Server>) -> Result<Response, Failure> {
    let text = metrics::text(&server).await.map_err(|error| Failure::internal(format!("metrics: {error}")))?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response())
}

async fn observe(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| peer::of(peer.ip(), request.headers(), &server.settings.door.ingress));
    let who = Who::default();
    request.extensions_mut().insert(who.clone());
    let received = Arc::new(AtomicU64::new(0));
    let mut watch = Watch::begin(&server, &request, peer, who, Arc::clone(&received));
    let id = HeaderValue::from_str(&watch.record.id).ok();
    let request = request.map(|body| Body::new(Counting { body, count: received, patience: STANDSTILL, idle: None }));
    let path = request.uri().path();
    let is_registry = path == "/v2" || path.starts_with("/v2/");
    let response = match admit(&server, &request, peer) {
        Ok(()) if begins_something(&request) || pushes(&request) => {
            server.operations.running.track_future(next.run(request)).await
        }
        Ok(()) => next.run(request).await,
        Err(failure) => refusal(failure, is_registry),
    };
    let mut response = match seat(&server, &watch.who, &response) {
        Ok(seat) => {
            watch.seat = seat;
            response
        }
        Err(failure) => failure.into_response(),
    };
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    watch.answered(&response);
    response.map(|body| Body::new(Watched { body, watch }))
}

/// Refuses what is too much, and what a server that ends cannot begin any more.
fn admit(server: &Server, request: &Request, peer: Option<IpAddr>) -> Result<(), Failure> {
    let (operations, path) = (&server.operations, request.uri().path());
    if WATCHERS.contains(&path) {
        return Ok(());
    }
    if let Some(peer) = peer
        && let Err(failure) = operations.limits.peer(peer)
    {
        operations.metrics.refused("rate");
        return Err(failure);
    }
    // What is being pushed may come to its end; a new upload may not begin.
    let begins = begins_something(request) || (path.starts_with("/v2/") && request.method() == Method::POST);
    if begins && operations.draining.is_cancelled() {
        operations.metrics.refused("draining");
        return Err(Failure::unavailable("the server is stopping and begins nothing new; try again in a moment"));
    }
    Ok(())
}

/// True for requests after which something else may be the case than before. Pushing has its own rules, and faults on
/// demand are for whoever tests exactly this.
fn begins_something(request: &Request) -> bool {
    let path = request.uri().path();
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        && !path.starts_with("/v2/")
        && path != "/_faults"
}

/// True for a piece of a push: what is being pushed may come to its end.
fn pushes(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD) && request.uri().path().starts_with("/v2/")
}

/// A refusal in the form of the path it is for.
fn refusal(failure: Failure, is_registry: bool) -> Response {
    let response = failure.into_response();
    if !is_registry {
        return response;
    }
    let (code, words) = if response.status() == StatusCode::TOO_MANY_REQUESTS {
        ("TOOMANYREQUESTS", "too many requests; wait before the next")
    } else {
        ("UNAVAILABLE", "the server is stopping; try again in a moment")
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts.status, parts.headers, json!({ "errors": [{ "code": code, "message": words }] }).to_string()).into_response()
}

/// Event streams are counted per user.
fn seat(server: &Server, who: &Who, response: &Response) -> Result<Option<StreamSeat>, Failure> {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        return Ok(None);
    }
    let user = who.0.get().map_or("", String::as_str);
    let seat = server.operations.limits.stream(user);
    match &seat {
        Ok(_) => server.operations.metrics.stream_opened(),
        Err(_) => server.operations.metrics.refused("streams"),
    }
    seat.map(Some)
}

/// Looks after one request; what it saw is written down when it is dropped, however the request ended.
struct Watch {
    server: Server,
    begun: Instant,
    record: Record,
    who: Who,
    received: Arc<AtomicU64>,
    seat: Option<StreamSeat>,
    whole: bool,
}

impl Watch {
    fn begin(server: &Server, request: &Request, peer: Option<IpAddr>, who: Who, received: Arc<AtomicU64>) -> Self {
        let record = Record {
            time: store::now(),
            id: uuid::Uuid::new_v4().simple().to_string(),
            method: request.method().as_str().chars().take(LONGEST_METHOD).collect(),
            path: mask::path(request.uri().path()),
            query: mask::query(request.uri().query().unwrap_or_default()),
            route: request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()),
            status: None,
            ms: 0,
            bytes: 0,
            received: 0,
            user: None,
            peer: peer.map(|peer| peer.to_string()),
            aborted: false,
        };
        Self { server: server.clone(), begun: Instant::now(), record, who, received, seat: None, whole: false }
    }

    fn answered(&mut self, response: &Response) {
        let (record, status) = (&mut self.record, response.status().as_u16());
        record.status = Some(status);
        self.server.operations.metrics.answered(record.route.as_deref(), &record.method, status, self.begun.elapsed());
        // Answers without a body are over with their head.
        self.whole = record.method == "HEAD" || response.body().is_end_stream();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let (operations, record) = (&self.server.operations, &mut self.record);
        record.ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        record.received = self.received.load(Ordering::Relaxed);
        record.user = self.who.0.get().cloned();
        record.aborted = !self.whole;
        if self.seat.is_some() {
            operations.metrics.stream_closed();
        }
        if record.route.as_deref().is_some_and(|route| route.starts_with("/v2")) {
            operations.metrics.moved(record.received, record.bytes);
        }
        operations.access.keep(record);
    }
}

/// How long a request's body may stand still: whoever sends nothing keeps a seat from others.
const STANDSTILL: Duration = Duration::from_mins(1);

/// A request's body whose bytes are counted, and that has to move.
struct Counting {
    body: Body,
    count: Arc<AtomicU64>,
    patience: Duration,
    /// Set while it is waited for.
    idle: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Counting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            let patience = self.patience;
            let idle = self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
            if idle.as_mut().poll(context).is_ready() {
                let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "the body stood still for too long");
                return Poll::Ready(Some(Err(axum::Error::new(error))));
            }
            return Poll::Pending;
        }
        self.idle = None;
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.count.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that is looked after.
struct Watched {
    body: Body,
    watch: Watch,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.watch.record.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.watch.whole = self.body.is_end_stream();
            }
            Poll::Ready(None) => self.watch.whole = true,
            Poll::Ready(Some(Err(_))) => self.watch.whole = false,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream::{self, StreamExt as _};

    #[tokio::test]
    async fn a_body_that_stands_still_ends_and_one_that_moves_does_not() {
        let pieces = || stream::iter([Ok::<_, std::io::Error>(Bytes::from("some"))]);
        let count = Arc::new(AtomicU64::new(0));
        let counting = |body, patience| Counting { body, count: Arc::clone(&count), patience, idle: None };
        let still = Body::from_stream(pieces().chain(stream::pending()));
        let still = Body::new(counting(still, Duration::from_millis(5)));
        let error = axum::body::to_bytes(still, 100).await.expect_err("it never ends by itself");
        assert!(format!("{error:?}").contains("stood still"), "{error:?}");
        let moving = Body::new(counting(Body::from_stream(pieces()), STANDSTILL));
        assert_eq!(axum::body::to_bytes(moving, 100).await.expect("whole"), "some");
        assert_eq!(count.load(Ordering::Relaxed), 8);
    }
}

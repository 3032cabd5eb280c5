//! Server-sent events as the API frames them (protocol C.1): names, ids, `retry`, heartbeats, and when a stream ends:
//! with its subject, with the server, and with the login behind it.
//!
//! Provisioning events come ready for the wire and are passed on as they are; nothing is made per listener but the
//! heartbeat's timer.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::events::{Feed, FeedItem};
use crate::model::LogEntry;

/// How often a stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
const HEARTBEAT_FRAME: Bytes = Bytes::from_static(b"event: heartbeat\ndata: {}\n\n");
const RESET_FRAME: Bytes = Bytes::from_static(b"event: reset\ndata: {}\n\n");
/// What the client is told to wait before it connects again, milliseconds. It goes before the first frame and has no
/// empty line of its own: some readers drop a frame that has nothing but `retry`.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n");

/// The id of the last event that the client saw, from its header; one that is no number counts as none.
#[must_use]
pub fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    number(headers.get("last-event-id")?.to_str().ok()?)
}

/// The same from the header or, for readers that cannot set one, from the query.
#[must_use]
pub fn last_event_id_or(headers: &HeaderMap, query: Option<&str>) -> Option<i64> {
    last_event_id(headers).or_else(|| number(query?))
}

fn number(raw: &str) -> Option<i64> {
    raw.trim().parse().ok().filter(|id| *id >= 0)
}

/// True when the client asks for a stream.
#[must_use]
pub fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// When a stream has to end, whatever it still has to say.
#[derive(Debug)]
pub struct End {
    stop: CancellationToken,
    login: Option<Instant>,
}

impl End {
    /// With the server, and with the login token of the request. Who called was checked already; the token is only
    /// asked how long it is worth something.
    #[must_use]
    pub fn new(stop: &CancellationToken, headers: &HeaderMap) -> Self {
        // A token is good until the second is over that it names: who comes back at the end gets 401.
        let left = claims(headers).map(|claims| {
            let over = claims.exp.saturating_add(1).saturating_mul(1000);
            Duration::from_millis(
                u64::try_from(over.saturating_sub(jiff::Timestamp::now().as_millisecond())).unwrap_or(0),
            )
        });
        let login = left.and_then(|left| Instant::now().checked_add(left));
        Self { stop: stop.clone(), login }
    }
}

/// What a login token says about itself.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) iat: i64,
    pub(super) exp: i64,
}

/// The claims of the request's login token. The signature is not checked: never believe them more than the token.
pub(super) fn claims(headers: &HeaderMap) -> Option<Claims> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let middle = token.trim().split('.').nth(1).filter(|_| scheme.eq_ignore_ascii_case("bearer"))?;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(middle).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Answers with a feed of provisioning events.
pub fn provisioning(feed: Feed, end: End) -> Response {
    respond(frames(Source::Feed(Box::new(feed)), end, HEARTBEAT))
}

/// Answers with a stream of log lines and their ids, where they have one.
pub fn log_lines(lines: BoxStream<'static, (Option<String>, LogEntry)>, end: End) -> Response {
    respond(frames(Source::Lines(lines), end, HEARTBEAT))
}

enum Source {
    Feed(Box<Feed>),
    Lines(BoxStream<'static, (Option<String>, LogEntry)>),
}

impl Source {
    /// The next frame; cancelling it loses nothing.
    async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Feed(feed) => match feed.next().await {
                Ok(Some(FeedItem::Event { frame, .. })) => Some(frame),
                Ok(Some(FeedItem::Reset)) => Some(RESET_FRAME),
                Ok(None) => None,
                Err(error) => {
                    tracing::error!(%error, "an event stream ends early");
                    None
                }
            },
            Self::Lines(lines) => loop {
                let (id, entry) = lines.next().await?;
                let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
                if let Ok(json) = serde_json::to_string(&entry) {
                    return Some(Bytes::from(format!("{id}event: log\ndata: {json}\n\n")));
                }
            },
        }
    }
}

struct Framing {
    source: Source,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    login: Option<Instant>,
    beat: Duration,
    /// The next heartbeat, or the end of the login before it.
    timer: Pin<Box<Sleep>>,
    /// The frame that follows `retry`.
    second: Option<Bytes>,
    greeted: bool,
}

impl Framing {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.second.take() {
            return Some(frame);
        }
        let frame = tokio::select! {
            biased;
            () = &mut self.stopped => None,
            () = &mut self.timer => self.tick(),
            frame = self.source.next() => frame,
        };
        if self.greeted {
            return frame;
        }
        self.greeted = true;
        self.second = frame;
        self.second.is_some().then_some(RETRY)
    }

    fn tick(&mut self) -> Option<Bytes> {
        let now = Instant::now();
        if self.login.is_some_and(|login| login <= now) {
            return None;
        }
        self.timer.as_mut().reset(due(self.login, now + self.beat));
        Some(HEARTBEAT_FRAME)
    }
}

/// The next heartbeat, or the end of the login before it.
fn due(login: Option<Instant>, heartbeat: Instant) -> Instant {
    login.map_or(heartbeat, |login| login.min(heartbeat))
}

fn frames(source: Source, end: End, beat: Duration) -> impl Stream<Item = Bytes> + Send {
    let framing = Framing {
        source,
        stopped: Box::pin(end.stop.cancelled_owned()),
        login: end.login,
        beat,
        timer: Box::pin(tokio::time::sleep_until(due(end.login, Instant::now() + beat))),
        second: None,
        greeted: false,
    };
    stream::unfold(framing, |mut framing| async move { Some((framing.next().await?, framing)) })
}

fn respond(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(frames.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::HeaderName::from_static(name), value.parse().expect("a header"))])
    }

    #[test]
    fn only_numbers_count_as_last_event_ids() {
        for (raw, id) in [("7", Some(7)), (" 12 ", Some(12)), ("-1", None), ("x", None), ("", None)] {
            assert_eq!(last_event_id(&with("last-event-id", raw)), id, "{raw:?}");
            assert_eq!(last_event_id_or(&HeaderMap::new(), Some(raw)), id, "{raw:?}");
        }
        assert_eq!(last_event_id_or(&with("last-event-id", "7"), Some("9")), Some(7));
    }

    fn lasting(seconds: i64) -> HeaderMap {
        let exp = jiff::Timestamp::now().as_second() + seconds;
        let claims = format!(r#"{{"sub":"u","exp":{exp}}}"#);
        let middle = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        with("authorization", &format!("Bearer x.{middle}.y"))
    }

    #[tokio::test]
    async fn a_silent_stream_beats_until_its_login_is_over() {
        let silent = || Source::Lines(stream::pending().boxed());
        let end = End::new(&CancellationToken::new(), &lasting(2));
        let frames: Vec<Bytes> = frames(silent(), end, Duration::from_millis(300)).collect().await;
        assert_eq!(frames[..3], [RETRY, HEARTBEAT_FRAME, HEARTBEAT_FRAME]);
        let end = End::new(&CancellationToken::new(), &lasting(-5));
        assert_eq!(super::frames(silent(), end, HEARTBEAT).count().await, 0);
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_server() {
        let stop = CancellationToken::new();
        let source = Source::Lines(stream::pending().boxed());
        let mut frames = Box::pin(frames(source, End::new(&stop, &HeaderMap::new()), HEARTBEAT));
        stop.cancel();
        assert!(frames.next().await.is_none());
    }
}

//! Server-sent events as the API frames them (protocol C.1): names, ids, `retry`, heartbeats, and an end
//! when the server stops.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::events::{Feed, FeedItem};
use crate::model::LogEntry;

/// How often a silent stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What the client is told to wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

/// The id of the last event that the client saw, from its header; one that is no number counts as none.
#[must_use]
pub fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.trim().parse().ok().filter(|id| *id >= 0)
}

/// True when the client asks for a stream.
#[must_use]
pub fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Answers with a feed of provisioning events.
pub fn provisioning(feed: Feed, stop: CancellationToken) -> Response {
    let frames = stream::unfold(feed, |mut feed| async move {
        match feed.next().await {
            Ok(Some(FeedItem::Reset)) => Some((Event::default().event("reset").data("{}"), feed)),
            Ok(Some(FeedItem::Event { seq, json })) => {
                Some((Event::default().id(seq.to_string()).event("provisioning").data(json), feed))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "an event stream ends early");
                None
            }
        }
    });
    respond(frames.boxed(), stop)
}

/// Answers with a stream of log lines and their ids, where they have one.
pub fn log_lines(
    lines: impl Stream<Item = (Option<String>, LogEntry)> + Send + 'static,
    stop: CancellationToken,
) -> Response {
    let frames = lines.filter_map(|(id, entry)| async move {
        let event = Event::default().event("log").json_data(entry).ok()?;
        Some(if let Some(id) = id { event.id(id) } else { event })
    });
    respond(frames.boxed(), stop)
}

struct Framing {
    frames: Pin<Box<dyn Stream<Item = Event> + Send>>,
    heartbeat: Interval,
    stop: CancellationToken,
    greeted: bool,
}

fn respond(frames: Pin<Box<dyn Stream<Item = Event> + Send>>, stop: CancellationToken) -> Response {
    let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let framing = Framing { frames, heartbeat, stop, greeted: false };
    let stream = stream::unfold(framing, |mut framing| async move {
        let event = tokio::select! {
            biased;
            () = framing.stop.cancelled() => None,
            frame = framing.frames.next() => frame,
            _ = framing.heartbeat.tick() => Some(Event::default().event("heartbeat").data("{}")),
        };
        // With an event that has data: some readers drop a frame that has nothing but `retry`.
        let event = event.map(|event| if framing.greeted { event } else { event.retry(RETRY) });
        framing.greeted = true;
        event.map(|event| (Ok::<_, Infallible>(event), framing))
    });
    let mut response = Sse::new(stream).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_count_as_last_event_ids() {
        for (raw, id) in [("7", Some(7)), (" 12 ", Some(12)), ("-1", None), ("x", None), ("", None)] {
            let headers = HeaderMap::from_iter([(
                header::HeaderName::from_static("last-event-id"),
                HeaderValue::from_static(raw),
            )]);
            assert_eq!(last_event_id(&headers), id, "{raw:?}");
        }
    }
}

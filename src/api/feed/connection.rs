//! One connection of a stream: one request, one answer, its events.
//!
//! Everything about `reqwest-eventsource` is in this file. Its own reconnection is switched off, because
//! when to come back is the supervisor's to say. The library sets no limit to what it collects before an
//! event is complete, and stops handing out events at a byte that is no UTF-8. Neither can be changed from outside, so both
//! end with the limit on silence: a connection without a complete event for that long counts as dead, however
//! many bytes it brings. Comments are no events and do not count; servers of this API send heartbeats as events.
//! The client's read timeout is the same limit for connections that bring no bytes at all.
//!
//! This module must not know about other connections; it only says how this one failed.

use futures_util::StreamExt;
use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use reqwest_eventsource::retry::Never;
use reqwest_eventsource::{Error, Event, EventSource};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use super::super::access::{Access, Pass, Purpose, Renewals};
use super::super::base::harmless;
use super::super::{ApiError, Pace, transport};
use crate::contained::{Caught, Contained};

/// The most of a body that is no event stream that is read, bytes.
const OTHER_BODY: usize = 64 * 1024;
/// The longest event that is handed on, bytes.
const EVENT_LIMIT: usize = 1024 * 1024;

/// What a stream's requests are made from.
pub(crate) struct Source {
    /// Nobody is logged in: nothing is asked.
    pub is_nobody: bool,
    pub client: reqwest::Client,
    pub url: Url,
    /// Asked at every connection: the token of the last one may be over.
    pub access: Arc<Access>,
    /// The server may want an exchanged token.
    pub about_tenant: bool,
    /// It did.
    pub is_exchange_wanted: bool,
    pub pace: Pace,
}

/// One event, not yet understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// `id:`, where the event has one of its own; never empty.
    pub id: Option<String>,
    /// `event:`, or `message`.
    pub event: String,
    /// `data:`, its lines joined.
    pub data: String,
    /// `retry:`. One that comes without data is lost in the library.
    pub retry: Option<Duration>,
}

/// An open connection. Dropping it closes the socket.
pub(super) struct Connection {
    events: EventSource,
    url: Url,
    silence: Duration,
    last: Frame,
}

/// What opening a connection came to.
pub(super) enum Opened {
    /// It stands.
    Stream(Box<Connection>),
    /// The server has nothing more to say, now or later (status 204).
    NothingMore,
}

impl Source {
    /// Makes a fresh request; `after` is the id of the last event that arrived. A server that does not take the token is asked
    /// again with another one, where there is one.
    pub(super) async fn open(&mut self, after: Option<&HeaderValue>) -> Result<Opened, ApiError> {
        if self.is_nobody {
            return Err(ApiError::NoLogin);
        }
        let purpose = if self.about_tenant { Purpose::Stream } else { Purpose::Account };
        let mut pass = self.access.pass(if self.is_exchange_wanted { Purpose::Tenant } else { purpose }).await;
        let mut renewals = Renewals::new(purpose);
        loop {
            let refused = match self.open_with(&pass, after).await {
                Err(error) if error.status() == Some(401) => error,
                opened => return opened,
            };
            let Some(other) = renewals.next(&self.access, &pass).await? else { return Err(refused) };
            // Where the server takes the login, it goes on to be used: what it was exchanged for is shorter-lived.
            self.is_exchange_wanted = other.is_exchanged();
            pass = other;
        }
    }

    async fn open_with(&self, pass: &Pass, after: Option<&HeaderValue>) -> Result<Opened, ApiError> {
        let mut request =
            self.client.get(self.url.clone()).header(AUTHORIZATION, pass.header()).header(CACHE_CONTROL, "no-cache");
        if let Some(id) = after {
            request = request.header("last-event-id", id.clone());
        }
        let secrets = [pass.reveal()];
        // The library adds the Accept header.
        let mut events = EventSource::new(request).map_err(|error| ApiError::Setup(error.to_string()))?;
        events.set_retry_policy(Box::new(Never));
        match events.next().await {
            Some(Ok(_)) => {
                let (url, silence) = (self.url.clone(), self.pace.silence);
                Ok(Opened::Stream(Box::new(Connection { events, url, silence, last: Frame::default() })))
            }
            Some(Err(Error::InvalidStatusCode(status, _))) if status.as_u16() == 204 => Ok(Opened::NothingMore),
            Some(Err(Error::InvalidStatusCode(_, answer))) => Err(transport::refusal(answer, &secrets).await),
            Some(Err(Error::InvalidContentType(_, answer))) => {
                let status = answer.status().as_u16();
                let begins = match transport::body(answer, OTHER_BODY).await {
                    Ok(body) => Some(transport::excerpt(&body, &secrets)),
                    Err(_) => None,
                };
                Err(transport::unreadable(&self.url, status, "it is no event stream", begins))
            }
            Some(Err(error)) => Err(failure(&self.url, error)),
            None => Err(ApiError::Ended { url: harmless(&self.url) }),
        }
    }
}

impl Connection {
    /// The next event. An error also where the server ended the stream: whether that was its right is
    /// not for a connection to say.
    pub async fn next(&mut self) -> Result<Frame, ApiError> {
        loop {
            // The library panics at a stream that begins with a byte order mark. That must neither look like a
            // regular end of the feed nor take the screen down.
            let event = Contained::new(self.events.next());
            let message = match tokio::time::timeout(self.silence, event).await {
                Ok(Ok(Some(Ok(Event::Message(message))))) => message,
                Ok(Ok(Some(Ok(Event::Open)))) => continue,
                Ok(Ok(Some(Err(error)))) => return Err(failure(&self.url, error)),
                Ok(Ok(None)) => return Err(ApiError::Ended { url: harmless(&self.url) }),
                Ok(Err(Caught)) => return Err(unreadable(&self.url)),
                Err(_elapsed) => return Err(ApiError::TimedOut { url: harmless(&self.url) }),
            };
            let size = message.id.len() + message.event.len() + message.data.len();
            let mut frame = Frame {
                id: Some(message.id).filter(|id| !id.is_empty()),
                event: message.event,
                data: message.data,
                retry: message.retry,
            };
            let last = std::mem::replace(&mut self.last, frame.clone());
            if size > EVENT_LIMIT {
                tracing::warn!(size, limit = EVENT_LIMIT, "an event that is too long was skipped");
                continue;
            }
            // The library hands an id on to the events after it that have none. Only an event that is the same
            // in everything is one that the server repeated.
            if frame.id == last.id && frame != last {
                frame.id = None;
            }
            return Ok(frame);
        }
    }
}

/// The error for a stream that broke.
fn failure(url: &Url, error: Error) -> ApiError {
    match error {
        Error::Transport(error) => transport::failure(url, error),
        // Told at the end only: half a character there is a cut like any other.
        Error::Utf8(error) if error.utf8_error().error_len().is_none() => ApiError::Ended { url: harmless(url) },
        Error::StreamEnded => ApiError::Ended { url: harmless(url) },
        _ => unreadable(url),
    }
}

/// The error for bytes that are no events.
fn unreadable(url: &Url) -> ApiError {
    transport::unreadable(url, 200, "it is an event stream that cannot be taken apart", None)
}

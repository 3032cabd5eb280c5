//! One connection of a stream: one request, one answer, its frames.
//!
//! This module must not know about other connections; it only says how this one failed.

use reqwest::Response;
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, HeaderValue};
use url::Url;

use super::super::base::harmless;
use super::super::{ApiError, Pace, transport};
use super::frames::{FRAME_LIMIT, Frame, Frames};
use crate::model::Secret;

/// The most of a body that is no event stream that is read, bytes.
const OTHER_BODY: usize = 64 * 1024;

/// What a stream's requests are made from.
pub(crate) struct Source {
    pub client: reqwest::Client,
    pub url: Url,
    pub authorization: HeaderValue,
    pub token: Secret,
    pub pace: Pace,
}

/// An open connection.
pub(super) struct Connection {
    answer: Response,
    frames: Frames,
}

/// What opening a connection came to.
pub(super) enum Opened {
    /// It stands.
    Stream(Box<Connection>),
    /// The server has nothing more to say, now or later (status 204).
    NothingMore,
}

impl Source {
    /// Makes a fresh request; `after` is the id of the last event that arrived.
    pub(super) async fn open(&self, after: Option<&HeaderValue>) -> Result<Opened, ApiError> {
        let mut request = self
            .client
            .get(self.url.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, "text/event-stream")
            .header(CACHE_CONTROL, "no-cache");
        if let Some(id) = after {
            request = request.header("last-event-id", id.clone());
        }
        let answer = request.send().await.map_err(|error| transport::failure(&self.url, error))?;
        let status = answer.status().as_u16();
        let secret = Some(self.token.reveal());
        match status {
            200 => {}
            204 => return Ok(Opened::NothingMore),
            _ => return Err(transport::refusal(answer, secret).await),
        }
        if !transport::is_type(&answer, "text/event-stream") {
            let begins = match transport::body(answer, OTHER_BODY).await {
                Ok(body) => Some(transport::excerpt(&body, secret)),
                Err(_) => None,
            };
            return Err(transport::unreadable(&self.url, status, "it is no event stream", begins));
        }
        Ok(Opened::Stream(Box::new(Connection { answer, frames: Frames::default() })))
    }
}

impl Connection {
    /// The next frame. An error also where the server ended the stream: whether that was its right is
    /// not for a connection to say.
    pub async fn next(&mut self) -> Result<Frame, ApiError> {
        loop {
            if let Some(frame) = self.frames.pop() {
                return Ok(frame);
            }
            match self.answer.chunk().await {
                Ok(Some(bytes)) => self.frames.push(&bytes),
                Ok(None) => return Err(ApiError::Ended { url: harmless(self.answer.url()) }),
                Err(error) => return Err(transport::failure(self.answer.url(), error)),
            }
            let dropped = self.frames.take_dropped();
            if dropped > 0 {
                tracing::warn!(dropped, limit = FRAME_LIMIT, "events that are too long were skipped");
            }
        }
    }
}

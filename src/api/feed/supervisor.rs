//! Keeps a stream alive over any number of connections: decides what is final, when to come back, and
//! when to give up (protocol C.5).
//!
//! This module must not know bytes or HTTP; it is told events and errors.

use reqwest::header::HeaderValue;
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

use super::super::ApiError;
use super::super::pace::RECONNECTIONS;
use super::FeedItem;
use super::connection::{Frame, Opened, Source};
use super::continuity::Continuity;
use crate::model::{Problem, text};

/// The longest event id that is sent back, bytes.
const ID_LIMIT: usize = 256;

/// When a stream has said all.
pub(super) enum Ending<T> {
    /// When the server closes it after an item for which this is true.
    After(fn(&T) -> bool),
    /// Never: an end by the server is only an interruption.
    Never,
}

/// Why a connection is over.
enum Over {
    /// The reader is gone, or the stream has said all.
    Done,
    /// It broke.
    Broken(ApiError),
}

pub(super) struct Supervisor<T, C> {
    source: Source,
    ending: Ending<T>,
    continuity: C,
    items: mpsc::Sender<FeedItem<T>>,
    /// The id to come back with.
    cursor: Option<HeaderValue>,
    /// The server's `retry:`.
    base: Option<Duration>,
    /// Reconnections since the last progress.
    attempt: u32,
    /// The last item ended the operation.
    complete: bool,
    /// The reader was told that the stream is live.
    told_live: bool,
}

impl<T, C> Supervisor<T, C>
where
    T: DeserializeOwned + Send + 'static,
    C: Continuity<T> + Send + 'static,
{
    pub fn new(source: Source, ending: Ending<T>, continuity: C, items: mpsc::Sender<FeedItem<T>>) -> Self {
        Self {
            source,
            ending,
            continuity,
            items,
            cursor: None,
            base: None,
            attempt: 0,
            complete: false,
            told_live: false,
        }
    }

    /// Runs until the stream has said all, has failed for good, or nobody listens.
    pub async fn run(mut self) {
        loop {
            let error = match self.connection().await {
                Over::Done => return,
                Over::Broken(error) => error,
            };
            if self.complete {
                return;
            }
            if is_final(&error) {
                self.tell(FeedItem::Failed(error)).await;
                return;
            }
            self.attempt += 1;
            if matches!(self.ending, Ending::After(_)) && self.attempt > RECONNECTIONS {
                let error = ApiError::GaveUp { attempts: RECONNECTIONS, last: Box::new(error) };
                self.tell(FeedItem::Failed(error)).await;
                return;
            }
            let pause = self.source.pace.before_reconnection(self.attempt, self.base, error.retry_after());
            tracing::debug!(attempt = self.attempt, %error, "a stream is interrupted");
            if !self.is_quiet(&error) {
                self.told_live = false;
                let interrupted =
                    FeedItem::Interrupted { attempt: self.attempt, retry_in: pause, problem: interruption(&error) };
                if !self.tell(interrupted).await {
                    return;
                }
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection, from its request to its end.
    async fn connection(&mut self) -> Over {
        let mut connection = match self.source.open(self.cursor.as_ref()).await {
            Ok(Opened::Stream(connection)) => connection,
            Ok(Opened::NothingMore) => return Over::Done,
            Err(error) => return Over::Broken(error),
        };
        let opened = Instant::now();
        self.continuity.connected(self.cursor.is_some());
        if !std::mem::replace(&mut self.told_live, true) && !self.tell(FeedItem::Connected).await {
            return Over::Done;
        }
        loop {
            let frame = match connection.next().await {
                Ok(frame) => frame,
                Err(error) => return Over::Broken(error),
            };
            if opened.elapsed() >= self.source.pace.stable {
                self.attempt = 0;
            }
            if !self.frame(frame).await {
                return Over::Done;
            }
        }
    }

    /// Handles one event. False where nobody listens.
    async fn frame(&mut self, frame: Frame) -> bool {
        if frame.retry.is_some() {
            self.base = frame.retry;
        }
        // An id that fits into no header could not be sent back.
        let id = frame.id.as_deref().filter(|id| id.len() <= ID_LIMIT);
        let cursor = id.and_then(|id| HeaderValue::from_str(id).ok());
        if frame.event == "reset" {
            tracing::warn!("the server no longer has all events since the interruption");
            self.continuity.reset();
            self.cursor = cursor;
            return true;
        }
        let alive = if frame.event == "heartbeat" {
            true
        } else {
            match serde_json::from_str(&frame.data) {
                Ok(item) => self.item(cursor.is_some().then_some(id).flatten(), item).await,
                Err(error) => {
                    tracing::warn!(reason = text::short(&error.to_string(), 160), "an event cannot be read");
                    true
                }
            }
        };
        // Only now: an event that was not handed over must come again.
        if alive && cursor.is_some() {
            self.cursor = cursor;
        }
        alive
    }

    /// Hands a new item over. False where nobody listens.
    async fn item(&mut self, id: Option<&str>, item: T) -> bool {
        if self.continuity.is_repeated(id, &item) {
            return true;
        }
        self.attempt = 0;
        self.complete = match self.ending {
            Ending::After(is_last) => is_last(&item),
            Ending::Never => false,
        };
        self.tell(FeedItem::Item(item)).await
    }

    /// False where nobody listens.
    async fn tell(&mut self, item: FeedItem<T>) -> bool {
        self.items.send(item).await.is_ok()
    }

    /// An endless stream that the server ended is taken up again without a word, once: servers close
    /// streams as a matter of course.
    fn is_quiet(&self, error: &ApiError) -> bool {
        matches!(self.ending, Ending::Never) && matches!(error, ApiError::Ended { .. }) && self.attempt == 1
    }
}

/// True for answers that another request would only get again.
fn is_final(error: &ApiError) -> bool {
    match error {
        ApiError::Refused(refusal) => {
            (300..500).contains(&refusal.status) && !matches!(refusal.status, 408 | 425 | 429)
        }
        ApiError::BaseUrl { .. } | ApiError::Token | ApiError::NoLogin | ApiError::Setup(_) => true,
        _ => false,
    }
}

fn interruption(error: &ApiError) -> Problem {
    let cause = error.problem();
    let detail = match &cause.detail {
        Some(detail) => format!("{} {detail}", cause.title),
        None => cause.title,
    };
    Problem::new("Live updates interrupted.").detail(detail).hint("They are taken up again by themselves.")
}

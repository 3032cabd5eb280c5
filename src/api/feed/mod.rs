//! Event streams that survive cuts: each event once, in order, whatever happens to the connection
//! (protocol C.5).
//!
//! One task per stream reads one connection after the other: [`connection`] holds one HTTP answer, taken
//! apart by `reqwest-eventsource`; [`supervisor`] decides when to come back, and [`continuity`] knows what was
//! delivered already. The rest of the program sees [`Feed`] and [`FeedItem`] alone.
//!
//! What is bounded, and how: an event beyond 1 MiB is skipped; a connection without a complete event for
//! [`Pace::silence`](super::Pace) is given up, which also ends an event that never ends; items wait for a
//! slow reader in a short queue, and then the server has to wait.

mod connection;
mod continuity;
mod supervisor;

use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

pub(super) use connection::Source;

use super::ApiError;
use crate::model::{EventKind, LogEntry, Problem, ProvisioningEvent};
use continuity::{Events, Logs};
use supervisor::{Ending, Supervisor};

/// How many items wait for a slow reader before the stream itself is slowed down.
const WAITING: usize = 64;

/// What a stream says.
#[derive(Debug)]
pub enum FeedItem<T> {
    /// Live: at the beginning, and again after an interruption.
    Connected,
    /// An event or a line.
    Item(T),
    /// The connection is gone; another one is made by itself.
    Interrupted {
        /// Which reconnection without progress is next, counted from 1.
        attempt: u32,
        /// The pause before it.
        retry_in: Duration,
        /// Why.
        problem: Problem,
    },
    /// No more is to be had. The last item.
    Failed(ApiError),
}

/// An open stream. Owns its task; dropping it ends the task and closes the connection.
#[derive(Debug)]
pub struct Feed<T> {
    items: mpsc::Receiver<FeedItem<T>>,
    task: AbortHandle,
}

impl<T> Feed<T> {
    /// The next item; `None` after a regular end and after `Failed`.
    pub async fn next(&mut self) -> Option<FeedItem<T>> {
        self.items.recv().await
    }
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A checkout stream ends with its operation, or with phase 1: what follows is told by the tenant's stream.
pub(super) fn checkout_events(source: Source) -> Feed<ProvisioningEvent> {
    let last: fn(&ProvisioningEvent) -> bool =
        |event| event.event_type.is_terminal() || event.event_type == EventKind::InfrastructureReady;
    start(source, Ending::After(last), Events::default())
}

/// A tenant's stream.
pub(super) fn tenant_events(source: Source, follow: bool) -> Feed<ProvisioningEvent> {
    let last: fn(&ProvisioningEvent) -> bool = |event| event.event_type.is_terminal();
    start(source, if follow { Ending::Never } else { Ending::After(last) }, Events::default())
}

/// A tenant's log.
pub(super) fn follow_logs(source: Source) -> Feed<LogEntry> {
    start(source, Ending::Never, Logs::default())
}

fn start<T, C>(source: Source, ending: Ending<T>, continuity: C) -> Feed<T>
where
    T: serde::de::DeserializeOwned + Send + 'static,
    C: continuity::Continuity<T> + Send + 'static,
{
    let (sender, items) = mpsc::channel(WAITING);
    let task = tokio::spawn(Supervisor::new(source, ending, continuity, sender).run());
    Feed { items, task: task.abort_handle() }
}

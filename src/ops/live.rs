//! Live streams as every way in shows them: provisioning events and log lines, with their interruptions.

use std::time::Duration;
use tokio::sync::mpsc::Sender;

use super::Session;
use crate::api::{Feed, FeedItem};
use crate::model::{LogEntry, Problem, ProvisioningEvent, SessionId, TenantId};

/// Log lines of the past that a log stream begins with.
const LINES_BEFORE: u32 = 200;

/// What a live stream says. After `Failed` or `Ended` nothing follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Live<T> {
    /// The stream is open.
    Connected,
    /// One thing from it.
    Item(T),
    /// The connection was lost; the stream tries again by itself.
    Interrupted {
        /// From 1.
        attempt: u32,
        /// Until the next attempt.
        retry_in: Duration,
        /// Why.
        problem: Problem,
    },
    /// The stream is lost for good.
    Failed(Problem),
    /// The other side closed it regularly.
    Ended,
}

/// Sends what the checkout's stream says until it ends or the receiver is gone.
pub async fn watch_checkout(session: &Session, id: &SessionId, events: &Sender<Live<ProvisioningEvent>>) {
    pass_on(session.client().checkout_events(id), events).await;
}

/// Sends what the tenant's stream says, of every operation to come, until the receiver is gone.
pub async fn watch_tenant(session: &Session, id: &TenantId, events: &Sender<Live<ProvisioningEvent>>) {
    pass_on(session.client().tenant_events(id, true), events).await;
}

/// Sends what the tenant's stream says of the operation that is under way, until that has ended or the receiver is gone.
pub async fn watch_operation(session: &Session, id: &TenantId, events: &Sender<Live<ProvisioningEvent>>) {
    pass_on(session.client().tenant_events(id, false), events).await;
}

/// Sends the tenant's last log lines and then every new one, until the receiver is gone.
pub async fn follow_logs(session: &Session, id: &TenantId, lines: &Sender<Live<LogEntry>>) {
    follow_logs_from(session, id, LINES_BEFORE, lines).await;
}

/// The same, beginning with the last `before` lines.
pub async fn follow_logs_from(session: &Session, id: &TenantId, before: u32, lines: &Sender<Live<LogEntry>>) {
    pass_on(session.client().follow_logs(id, before), lines).await;
}

async fn pass_on<T>(mut feed: Feed<T>, sender: &Sender<Live<T>>) {
    loop {
        let live = match feed.next().await {
            Some(FeedItem::Connected) => Live::Connected,
            Some(FeedItem::Item(item)) => Live::Item(item),
            Some(FeedItem::Interrupted { attempt, retry_in, problem }) => {
                Live::Interrupted { attempt, retry_in, problem }
            }
            Some(FeedItem::Failed(error)) => Live::Failed(error.problem()),
            None => Live::Ended,
        };
        let last = matches!(live, Live::Failed(_) | Live::Ended);
        if sender.send(live).await.is_err() || last {
            return;
        }
    }
}

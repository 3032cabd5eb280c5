//! The event log: what happens to a session or a tenant is written down first, in the transaction that
//! makes it true, and then whoever listens is woken.
//!
//! Every event of a stream has the number after the one before. Listeners ask for what comes after the number
//! they had last: of the stream's shared memory ([`line`]) if it is there, of the store if not. So there is no gap
//! between replay and live, and nothing comes twice, wherever an event was found. A thousand listeners of one
//! stream cost the store as much as one. Must not know HTTP ([`super::sse`] does).

mod feed;
mod frame;
mod line;
mod replay;

pub use feed::{Feed, FeedItem};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::store::events;
use super::store::tenants::TenantRow;
use super::store::{Connection, Store, StoreError, now};
use crate::model::{EventKind, ProvisioningEvent, SessionId, TenantId};
use feed::Subject;
use line::Line;

/// What happened, in one event.
#[derive(Debug, Clone)]
pub struct News {
    /// The kind.
    pub kind: EventKind,
    /// The status word that goes with it.
    pub status: &'static str,
    /// The finer step.
    pub step: Option<&'static str>,
    /// For people.
    pub message: String,
    /// The tenant's address, at the end of a deploy.
    pub app_url: Option<String>,
    /// The app's name, where the kind promises it.
    pub app: Option<String>,
}

impl News {
    /// News of this kind.
    pub fn new(kind: EventKind, status: &'static str, message: impl Into<String>) -> Self {
        Self { kind, status, step: None, message: message.into(), app_url: None, app: None }
    }

    /// A step of phase 1.
    pub fn step(kind: EventKind, step: &'static str, message: impl Into<String>) -> Self {
        Self { step: Some(step), ..Self::new(kind, "provisioning", message) }
    }

    /// The end of an operation that did not work; the message names the step.
    #[must_use]
    pub fn failed(step: &'static str, message: &str) -> Self {
        let kind = EventKind::ProvisioningFailed;
        Self { step: Some(step), ..Self::new(kind, "failed", format!("{step}: {message}")) }
    }
}

/// Whom the news is about, and on which streams it is said.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Said on the checkout stream of this session.
    pub session: Option<SessionId>,
    /// The tenant and its name.
    pub tenant: Option<(TenantId, String)>,
    /// Said on the tenant's stream.
    pub on_tenant_stream: bool,
    /// The operation that the news belongs to.
    pub operation: String,
}

impl Topic {
    /// News about a tenant, said on its own stream alone.
    #[must_use]
    pub fn tenant(tenant: &TenantRow, operation: &str) -> Self {
        Self {
            session: None,
            tenant: Some((tenant.id().clone(), tenant.name.clone())),
            on_tenant_stream: true,
            operation: operation.to_owned(),
        }
    }
}

/// What was said, for the listeners, after the commit.
#[derive(Debug, Default)]
#[must_use = "listeners do not hear of it before `EventLog::wake`"]
pub struct Spoken(Vec<Said>);

#[derive(Debug)]
struct Said {
    stream: String,
    seq: i64,
    json: String,
}

/// The stream of a checkout session.
fn session_stream(session: &SessionId) -> String {
    format!("session:{session}")
}

/// The stream of a tenant.
fn tenant_stream(tenant: &TenantId) -> String {
    format!("tenant:{tenant}")
}

/// Writes the news down inside the caller's transaction.
pub async fn say(db: &mut Connection, topic: &Topic, news: &News) -> Result<Spoken, StoreError> {
    let mut event = ProvisioningEvent {
        tenant_id: topic.tenant.as_ref().map(|(id, _)| id.clone()),
        event_type: news.kind.clone(),
        status: news.status.to_owned(),
        step: news.step.map(str::to_owned),
        message: Some(news.message.clone()),
        app_url: news.app_url.clone(),
        fly_app_name: news.app.clone(),
        checkout_session_id: None,
        tenant_name: None,
        event_key: Some(uuid::Uuid::new_v4().simple().to_string()),
        at: Some(now()),
    };
    let mut spoken = Spoken::default();
    if let (Some((id, _)), true) = (&topic.tenant, topic.on_tenant_stream) {
        spoken.0.push(write(db, tenant_stream(id), &topic.operation, &event).await?);
    }
    if let Some(session) = &topic.session {
        event.checkout_session_id = Some(session.clone());
        event.tenant_name = topic.tenant.as_ref().map(|(_, name)| name.clone());
        spoken.0.push(write(db, session_stream(session), &topic.operation, &event).await?);
    }
    Ok(spoken)
}

/// True when a session's stream has said its last word.
pub async fn session_is_over(db: &mut Connection, session: &SessionId) -> Result<bool, StoreError> {
    let last = events::last(db, &session_stream(session)).await?;
    Ok(last.is_some_and(|row| ends_operation(&row.event_type)))
}

/// Everything that a session's stream said, oldest first, each a JSON object.
pub async fn of_session(db: &mut Connection, session: &SessionId) -> Result<Vec<String>, StoreError> {
    let rows = events::after(db, &session_stream(session), 0, events::KEPT).await?;
    Ok(rows.into_iter().map(|row| row.json).collect())
}

async fn write(
    db: &mut Connection,
    stream: String,
    operation: &str,
    event: &ProvisioningEvent,
) -> Result<Said, StoreError> {
    let json = serde_json::to_string(event).map_err(|_| StoreError::Unreadable("event"))?;
    let seq = events::append(db, &stream, operation, event.event_type.as_str(), &json).await?;
    Ok(Said { stream, seq, json })
}

/// The streams that somebody listens to, each with the number of its listeners.
type Lines = Arc<Mutex<HashMap<String, (Arc<Line>, usize)>>>;

/// Wakes listeners and lets them listen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventLog {
    store: Store,
    lines: Lines,
}

impl EventLog {
    /// A log over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, lines: Lines::default() }
    }

    /// Tells listeners what was said. Only after the commit: what is handed over here is shown as it is.
    pub fn wake(&self, spoken: &Spoken) {
        for said in &spoken.0 {
            if let Some(line) = self.line(&said.stream) {
                line.wake(Some((said.seq, &said.json)));
            }
        }
    }

    /// Tells listeners of a tenant to look again, for changes that have no event: it is gone.
    pub fn wake_tenant(&self, tenant: &TenantId) {
        if let Some(line) = self.line(&tenant_stream(tenant)) {
            line.wake(None);
        }
    }

    fn line(&self, stream: &str) -> Option<Arc<Line>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(stream).map(|(line, _)| Arc::clone(line))
    }

    /// Listens to a checkout session.
    #[must_use]
    pub fn follow_session(&self, session: &SessionId, last_event_id: Option<i64>) -> Feed {
        Feed::new(self.store.clone(), self.seat(session_stream(session)), Subject::Session, last_event_id)
    }

    /// Listens to a tenant. With `follow` the feed does not end with an operation; `compat` ends it
    /// between the two phases (protocol C.4).
    #[must_use]
    pub fn follow_tenant(&self, tenant: &TenantId, last_event_id: Option<i64>, follow: bool, compat: bool) -> Feed {
        let subject = Subject::Tenant { id: tenant.clone(), follow, compat };
        Feed::new(self.store.clone(), self.seat(tenant_stream(tenant)), subject, last_event_id)
    }

    fn seat(&self, stream: String) -> Seat {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, listeners) =
            lines.entry(stream).or_insert_with_key(|stream| (Arc::new(Line::new(stream.clone())), 0));
        *listeners += 1;
        Seat { line: Arc::clone(line), lines: Arc::clone(&self.lines) }
    }
}

/// A listener's place at a stream. The last one that leaves takes the stream's memory along.
#[derive(Debug)]
struct Seat {
    line: Arc<Line>,
    lines: Lines,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, listeners)) = lines.get_mut(self.line.stream()) {
            *listeners -= 1;
            if *listeners == 0 {
                lines.remove(self.line.stream());
            }
        }
    }
}

/// The kinds with which phase 1 or phase 2 ends.
fn ends_operation(event_type: &str) -> bool {
    let kind = EventKind::from_word(event_type);
    kind.is_terminal() || kind == EventKind::InfrastructureReady
}

#[cfg(test)]
mod orders;
#[cfg(test)]
mod tests;

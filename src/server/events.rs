//! The event log: what happens to a session or a tenant is written down first, in the transaction that
//! makes it true, and then whoever listens is woken and reads it from the store.
//!
//! Because listeners always read from the store, after the number they had last, there is no gap
//! between replay and live, and nothing comes twice. Must not know HTTP frames ([`super::sse`] does).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

use super::store::events::{self, EventRow};
use super::store::tenants::{self, TenantRow};
use super::store::{Connection, Store, StoreError, now};
use crate::model::{EventKind, Phase, ProvisioningEvent, SessionId, TenantId};

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

/// Streams that have to be woken after the commit.
#[derive(Debug, Default)]
#[must_use = "listeners do not hear of it before `EventLog::wake`"]
pub struct Spoken(Vec<String>);

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
    let rows = events::after(db, &session_stream(session), 0).await?;
    Ok(rows.into_iter().map(|row| row.json).collect())
}

async fn write(
    db: &mut Connection,
    stream: String,
    operation: &str,
    event: &ProvisioningEvent,
) -> Result<String, StoreError> {
    let json = serde_json::to_string(event).map_err(|_| StoreError::Unreadable("event"))?;
    events::append(db, &stream, operation, event.event_type.as_str(), &json).await?;
    Ok(stream)
}

/// Wakes listeners and lets them listen. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventLog {
    store: Store,
    listeners: Arc<Mutex<HashMap<String, watch::Sender<()>>>>,
}

impl EventLog {
    /// A log over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, listeners: Arc::default() }
    }

    /// Tells listeners that something new was committed.
    pub fn wake(&self, spoken: &Spoken) {
        for stream in &spoken.0 {
            self.wake_stream(stream);
        }
    }

    /// Tells listeners of a tenant to look again, for changes that have no event: it is gone.
    pub fn wake_tenant(&self, tenant: &TenantId) {
        self.wake_stream(&tenant_stream(tenant));
    }

    fn wake_stream(&self, stream: &str) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = listeners.get(stream)
            && sender.send(()).is_err()
        {
            listeners.remove(stream);
        }
    }

    fn listen(&self, stream: &str) -> watch::Receiver<()> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|name, sender| name == stream || sender.receiver_count() > 0);
        listeners.entry(stream.to_owned()).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Listens to a checkout session.
    #[must_use]
    pub fn follow_session(&self, session: &SessionId, last_event_id: Option<i64>) -> Feed {
        self.feed(session_stream(session), Subject::Session, last_event_id)
    }

    /// Listens to a tenant. With `follow` the feed does not end with an operation; `compat` ends it
    /// between the two phases (protocol C.4).
    #[must_use]
    pub fn follow_tenant(&self, tenant: &TenantId, last_event_id: Option<i64>, follow: bool, compat: bool) -> Feed {
        let subject = Subject::Tenant { id: tenant.clone(), follow, compat };
        self.feed(tenant_stream(tenant), subject, last_event_id)
    }

    fn feed(&self, stream: String, subject: Subject, last_event_id: Option<i64>) -> Feed {
        Feed {
            news: self.listen(&stream),
            store: self.store.clone(),
            stream,
            subject,
            arrival: last_event_id.map_or(Arrival::Fresh, Arrival::After),
            cursor: 0,
            queue: VecDeque::new(),
            ended: false,
        }
    }
}

#[derive(Debug)]
enum Subject {
    Session,
    Tenant { id: TenantId, follow: bool, compat: bool },
}

/// What a listener is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// The listener's last event is not kept any more (or never was): what it knows may be stale.
    Reset,
    /// An event.
    Event {
        /// Its number.
        seq: i64,
        /// One JSON object.
        json: String,
    },
}

/// One listener's way through a stream. `next` may be cancelled at any time without losing anything.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    stream: String,
    subject: Subject,
    news: watch::Receiver<()>,
    arrival: Arrival,
    cursor: i64,
    queue: VecDeque<FeedItem>,
    ended: bool,
}

impl Feed {
    /// The next item; `None` when the stream is over.
    pub async fn next(&mut self) -> Result<Option<FeedItem>, StoreError> {
        loop {
            if let Some(item) = self.queue.pop_front() {
                return Ok(Some(item));
            }
            if self.ended {
                return Ok(None);
            }
            self.news.borrow_and_update();
            let mut db = self.store.read().await?;
            // The state before the events, never after them: whoever ends an operation writes both in one
            // transaction, so a state that says "over" means that the last event is there to be read.
            let state = self.state(&mut db).await?;
            if self.arrival != Arrival::Replayed {
                let rows = events::after(&mut db, &self.stream, 0).await?;
                let arrival = std::mem::replace(&mut self.arrival, Arrival::Replayed);
                self.replay(rows, arrival, state);
                continue;
            }
            let rows = events::after(&mut db, &self.stream, self.cursor).await?;
            drop(db);
            if !rows.is_empty() {
                self.push(rows);
            } else if matches!(state, State::Over) || self.news.changed().await.is_err() {
                self.ended = true;
            }
        }
    }

    async fn state(&self, db: &mut Connection) -> Result<State, StoreError> {
        let Subject::Tenant { id, follow, compat } = &self.subject else {
            let last = events::last(db, &self.stream).await?;
            let over = last.is_some_and(|row| ends_operation(&row.event_type));
            return Ok(if over { State::Over } else { State::Moving });
        };
        let Some(tenant) = tenants::get(db, id).await? else { return Ok(State::Over) };
        Ok(match tenant.phase() {
            Phase::Created | Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting => {
                State::Moving
            }
            // Without `compat` a listener between the phases waits for the deploy to come.
            Phase::AwaitingDeploy if !follow && !compat => State::Moving,
            _ if *follow => State::Idle,
            _ => State::Over,
        })
    }

    /// Fills the queue for a listener that just came.
    fn replay(&mut self, rows: Vec<EventRow>, arrival: Arrival, state: State) {
        let (oldest, newest) = (rows.first().map_or(1, |row| row.seq), rows.last().map_or(0, |row| row.seq));
        if let Arrival::After(last) = arrival {
            if (0..=newest).contains(&last) {
                if last + 1 < oldest {
                    self.queue.push_back(FeedItem::Reset);
                }
                self.cursor = last;
                return self.push(rows.into_iter().filter(|row| row.seq > last).collect());
            }
            self.queue.push_back(FeedItem::Reset);
        }
        self.cursor = newest;
        let operation = rows.last().map(|row| row.operation.clone());
        let between_phases = rows.last().is_some_and(|row| row.event_type == "infrastructure_ready");
        let is_session = matches!(self.subject, Subject::Session);
        let snapshot = match state {
            State::Moving => false,
            _ if is_session => false,
            State::Over => !between_phases,
            State::Idle => true,
        };
        if snapshot {
            // What came after the snapshot, an operation that begins just now, is still to be told.
            let last = rows.into_iter().rev().find(|row| ends_operation(&row.event_type));
            self.cursor = last.as_ref().map_or(0, |row| row.seq);
            self.queue.extend(last.map(|row| FeedItem::Event { seq: row.seq, json: as_snapshot(&row.json) }));
        } else {
            // A session has one operation only, even when a restart ended it.
            self.push(
                rows.into_iter().filter(|row| is_session || Some(&row.operation) == operation.as_ref()).collect(),
            );
        }
    }

    fn push(&mut self, rows: Vec<EventRow>) {
        for row in rows {
            self.cursor = self.cursor.max(row.seq);
            self.queue.push_back(FeedItem::Event { seq: row.seq, json: row.json });
        }
    }
}

/// How a listener came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// For the first time.
    Fresh,
    /// Again, having seen this event last.
    After(i64),
    /// Its queue was filled.
    Replayed,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Something is under way; the feed waits.
    Moving,
    /// Nothing is under way, and the listener wants to stay.
    Idle,
    /// Nothing is under way, or nothing is left; the feed ends.
    Over,
}

/// The kinds with which phase 1 or phase 2 ends.
fn ends_operation(event_type: &str) -> bool {
    let kind = EventKind::from_word(event_type);
    kind.is_terminal() || kind == EventKind::InfrastructureReady
}

fn as_snapshot(json: &str) -> String {
    let Ok(serde_json::Value::Object(mut event)) = serde_json::from_str(json) else { return json.to_owned() };
    event.insert("snapshot".into(), true.into());
    serde_json::Value::Object(event).to_string()
}

#[cfg(test)]
mod tests;

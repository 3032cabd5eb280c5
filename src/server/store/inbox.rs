//! What the payment provider told: every event is kept before it is acknowledged, and taken once, in the transaction
//! that does what it says.

use super::{Connection, StoreError, now};

/// An event that waits.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Waiting {
    /// Unique per event.
    pub event_id: String,
    /// As it came.
    pub body: String,
}

/// An event that is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Unique per event.
    pub event_id: &'a str,
    /// Its type.
    pub event_type: &'a str,
    /// When it happened.
    pub occurred_at: &'a str,
    /// The subscription that it is about.
    pub subject: Option<&'a str>,
    /// As it came.
    pub body: &'a str,
}

/// Keeps an event; false when it is known.
pub async fn keep(db: &mut Connection, told: Told<'_>) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "INSERT INTO webhook_events (event_id, event_type, occurred_at, subject, body, state, received_at) \
         VALUES ($1, $2, $3, $4, $5, 'waiting', $6) ON CONFLICT (event_id) DO NOTHING",
    );
    let query = query.bind(told.event_id).bind(told.event_type).bind(told.occurred_at).bind(told.subject);
    Ok(query.bind(told.body).bind(now()).execute(db).await?.rows_affected() == 1)
}

/// Takes an event for the work that follows in this transaction; false when somebody did it already.
pub async fn take(db: &mut Connection, event: &str) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE webhook_events SET state = 'done' WHERE event_id = $1 AND state = 'waiting'");
    Ok(query.bind(event).execute(db).await?.rows_affected() == 1)
}

/// Says why a taken event did nothing.
pub async fn refuse(db: &mut Connection, event: &str, note: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE webhook_events SET state = 'refused', note = $2 WHERE event_id = $1");
    query.bind(event).bind(note).execute(db).await?;
    Ok(())
}

/// Lays a taken event aside until its subscription is known.
pub async fn too_early(db: &mut Connection, event: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook_events SET state = 'early' WHERE event_id = $1").bind(event).execute(db).await?;
    Ok(())
}

/// Takes up again what came before its subscription was known.
pub async fn subscription_is_known(db: &mut Connection, subject: &str) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE webhook_events SET state = 'waiting' WHERE state = 'early' AND subject = $1");
    Ok(query.bind(subject).execute(db).await?.rows_affected() > 0)
}

/// Everything that waits, oldest news first.
pub async fn waiting(db: &mut Connection) -> Result<Vec<Waiting>, StoreError> {
    let query = sqlx::query_as(
        "SELECT event_id, body FROM webhook_events WHERE state = 'waiting' AND body IS NOT NULL \
         ORDER BY occurred_at, event_id",
    );
    Ok(query.fetch_all(db).await?)
}

/// State and note of an event.
pub async fn state(db: &mut Connection, event: &str) -> Result<Option<(String, Option<String>)>, StoreError> {
    let query = sqlx::query_as("SELECT state, note FROM webhook_events WHERE event_id = $1");
    Ok(query.bind(event).fetch_optional(db).await?)
}

/// Forgets events that were received before `moment`, unless they wait: no payment provider repeats them any more.
pub async fn forget_before(db: &mut Connection, moment: &str) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM webhook_events WHERE state <> 'waiting' AND received_at < $1");
    query.bind(moment).execute(db).await?;
    Ok(())
}

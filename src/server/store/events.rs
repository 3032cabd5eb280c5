//! The event log: per stream a sequence without holes, of which the last 1000 are kept.

use super::{Connection, StoreError};

/// How many events of a stream are kept.
pub const KEPT: i64 = 1000;

/// One event as it was said.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EventRow {
    /// Its number on the stream, from 1.
    pub seq: i64,
    /// The JSON object that goes over the wire.
    pub json: String,
}

/// An event without what it says.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeadRow {
    /// Its number on the stream, from 1.
    pub seq: i64,
    /// The operation that it belongs to.
    pub operation: String,
    /// The word of its kind.
    pub event_type: String,
}

/// Adds an event and answers its number.
pub async fn append(
    db: &mut Connection,
    stream: &str,
    operation: &str,
    event_type: &str,
    json: &str,
) -> Result<i64, StoreError> {
    let query = sqlx::query_scalar(
        "INSERT INTO events (stream, seq, operation, event_type, json)
         SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4 FROM events WHERE stream = $1 RETURNING seq",
    );
    let seq: i64 = query.bind(stream).bind(operation).bind(event_type).bind(json).fetch_one(&mut *db).await?;
    if seq > KEPT {
        let query = sqlx::query("DELETE FROM events WHERE stream = $1 AND seq <= $2");
        query.bind(stream).bind(seq - KEPT).execute(db).await?;
    }
    Ok(seq)
}

/// Every kept event of a stream, oldest first, without what it says.
pub async fn heads(db: &mut Connection, stream: &str) -> Result<Vec<HeadRow>, StoreError> {
    let query = sqlx::query_as("SELECT seq, operation, event_type FROM events WHERE stream = $1 ORDER BY seq");
    Ok(query.bind(stream).fetch_all(db).await?)
}

/// The numbers of the oldest kept and of the newest event; 1 and 0 on a stream that said nothing yet.
pub async fn bounds(db: &mut Connection, stream: &str) -> Result<(i64, i64), StoreError> {
    let query = sqlx::query_as("SELECT COALESCE(MIN(seq), 1), COALESCE(MAX(seq), 0) FROM events WHERE stream = $1");
    Ok(query.bind(stream).fetch_one(db).await?)
}

/// At most `most` kept events after `seq`, oldest first.
pub async fn after(db: &mut Connection, stream: &str, seq: i64, most: i64) -> Result<Vec<EventRow>, StoreError> {
    let query = sqlx::query_as("SELECT seq, json FROM events WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    Ok(query.bind(stream).bind(seq).bind(most).fetch_all(db).await?)
}

/// The newest event.
pub async fn last(db: &mut Connection, stream: &str) -> Result<Option<HeadRow>, StoreError> {
    let query =
        sqlx::query_as("SELECT seq, operation, event_type FROM events WHERE stream = $1 ORDER BY seq DESC LIMIT 1");
    Ok(query.bind(stream).fetch_optional(db).await?)
}

/// Forgets the streams of sessions and of tenants that were over before `before`.
pub async fn trim(db: &mut Connection, before: &str) -> Result<u64, StoreError> {
    let sessions = sqlx::query(
        "DELETE FROM events WHERE stream IN (SELECT 'session:' || id FROM checkout_sessions \
         WHERE created_at < $1 AND status IN ('done', 'failed', 'declined', 'expired'))",
    );
    let sessions = sessions.bind(before).execute(&mut *db).await?.rows_affected();
    let tenants = sqlx::query(
        "DELETE FROM events WHERE stream IN (SELECT 'tenant:' || id FROM tenants WHERE updated_at < $1 AND phase = 'deleted')",
    );
    Ok(sessions + tenants.bind(before).execute(db).await?.rows_affected())
}

/// A tenant's phase, `None` where there is no such tenant any more, and the number of the newest event on a stream
/// (0 where nothing was said yet): both as of one moment.
pub async fn look(db: &mut Connection, stream: &str, tenant: &str) -> Result<(Option<String>, i64), StoreError> {
    let query = sqlx::query_as(
        "SELECT (SELECT phase FROM tenants WHERE id = $2 AND phase <> 'deleted'),
                (SELECT COALESCE(MAX(seq), 0) FROM events WHERE stream = $1)",
    );
    Ok(query.bind(stream).bind(tenant).fetch_one(db).await?)
}

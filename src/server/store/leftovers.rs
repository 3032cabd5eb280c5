//! What could not be removed, and when it is tried again.

use super::{Connection, StoreError, at, now};
use std::time::Duration;

/// The first pause; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What kind of thing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A machine, by the provider's id.
    Machine,
    /// A machine that has to be stopped and kept.
    Running,
    /// An app with its machines and its volume, by name.
    App,
    /// A database and its roles, by the names of database and role with a blank between.
    Database,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Machine, Self::Running, Self::App, Self::Database];

    /// The word in the table and in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Running => "running",
            Self::App => "app",
            Self::Database => "database",
        }
    }
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LeftoverRow {
    /// See [`LeftoverRow::kind`].
    #[sqlx(rename = "kind")]
    pub word: String,
    /// Its name or id.
    pub name: String,
    /// Whose it was.
    pub tenant_id: String,
    /// Why it was left last.
    pub reason: String,
    /// How often it was tried again.
    pub attempts: i64,
    /// RFC 3339.
    pub next_at: String,
}

impl LeftoverRow {
    /// What kind of thing it is.
    pub fn kind(&self) -> Result<Kind, StoreError> {
        let found = Kind::ALL.into_iter().find(|kind| kind.word() == self.word);
        found.ok_or(StoreError::Unreadable("leftover"))
    }
}

/// The pause after so many attempts.
#[must_use]
pub fn pause(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 20)).unwrap_or(20);
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE)
}

fn after(pause: Duration) -> String {
    let pause = jiff::SignedDuration::try_from(pause).unwrap_or(jiff::SignedDuration::ZERO);
    jiff::Timestamp::now().saturating_add(pause).map_or_else(|_| now(), at)
}

/// Notes that something is left. Noted already: the reason is the new one, and the pauses go on as they were.
pub async fn note(db: &mut Connection, tenant: &str, kind: Kind, name: &str, reason: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO leftovers (kind, name, tenant_id, reason, attempts, next_at, created_at) \
         VALUES ($1, $2, $3, $4, 0, $5, $6) \
         ON CONFLICT (kind, name) DO UPDATE SET reason = excluded.reason",
    )
    .bind(kind.word())
    .bind(name)
    .bind(tenant)
    .bind(reason)
    .bind(after(pause(0)))
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// What is to be tried now, longest due first. With `all` also what has to wait yet.
pub async fn due(db: &mut Connection, all: bool) -> Result<Vec<LeftoverRow>, StoreError> {
    let query = sqlx::query_as(
        "SELECT kind, name, tenant_id, reason, attempts, next_at FROM leftovers \
         WHERE next_at <= $1 OR $2 = 1 ORDER BY next_at, name LIMIT 100",
    );
    Ok(query.bind(now()).bind(i64::from(all)).fetch_all(db).await?)
}

/// It is still there: another pause, twice as long.
pub async fn put_off(db: &mut Connection, row: &LeftoverRow, reason: &str) -> Result<(), StoreError> {
    let attempts = row.attempts.saturating_add(1);
    sqlx::query("UPDATE leftovers SET attempts = $3, next_at = $4, reason = $5 WHERE kind = $1 AND name = $2")
        .bind(&row.word)
        .bind(&row.name)
        .bind(attempts)
        .bind(after(pause(attempts)))
        .bind(reason)
        .execute(db)
        .await?;
    Ok(())
}

/// It is gone.
pub async fn forget(db: &mut Connection, row: &LeftoverRow) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM leftovers WHERE kind = $1 AND name = $2");
    query.bind(&row.word).bind(&row.name).execute(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        let seconds: Vec<u64> = [0, 1, 2, 9, 10, 63, i64::MAX].map(|attempts| pause(attempts).as_secs()).into();
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600, 3600]);
    }
}

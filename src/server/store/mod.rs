//! The database: the single source of truth about users, money, tenants and events.
//!
//! One idea per file, each a handful of statements. Knows SQL and rows; must not know HTTP, providers
//! or what a row is good for. There is exactly one writer, so writes queue up fairly instead of timing
//! out against each other, and a transaction that read something can rely on it.

pub mod accounts;
pub mod audit;
pub mod credentials;
pub mod deployments;
pub mod events;
pub mod journal;
pub mod sessions;
pub mod subscriptions;
pub mod tenants;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};
use std::path::Path;
use std::time::Duration;

/// What every statement runs on. Another database changes this line and the pools below.
pub type Connection = sqlx::SqliteConnection;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Readers beside the one writer.
const READERS: u32 = 4;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database itself.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A schema that cannot be brought up to date.
    #[error("the database's schema cannot be brought up to date: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this program never wrote.
    #[error("the database holds an unreadable {0}")]
    Unreadable(&'static str),
}

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database file, makes it when it is not there, and brings its schema up to date.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let writer =
            SqlitePoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).connect_with(options.clone()).await?;
        sqlx::migrate!("src/server/store/migrations").run(&writer).await?;
        let readers =
            SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(PATIENCE).connect_with(options).await?;
        Ok(Self { writer, readers })
    }

    /// A connection for reading what was committed.
    pub async fn read(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// A transaction of the one writer. Never ask for a second one while holding it.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes the files.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Now, as the tables keep it: RFC 3339, UTC, always with milliseconds.
#[must_use]
pub fn now() -> String {
    at(jiff::Timestamp::now())
}

/// `moment` as the tables keep it.
#[must_use]
pub fn at(moment: jiff::Timestamp) -> String {
    format!("{moment:.3}")
}

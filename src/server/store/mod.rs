//! The database: the single source of truth about users, money, tenants and events.
//!
//! One idea per file, each a handful of statements. Knows SQL and rows; must not know HTTP, providers
//! or what a row is good for. There is exactly one writer, so writes queue up fairly instead of timing
//! out against each other, and a transaction that read something can rely on it.

pub mod accounts;
pub mod audit;
pub mod credentials;
pub mod deployments;
pub mod domains;
pub mod events;
pub mod figures;
pub mod identities;
pub mod inbox;
pub mod journal;
pub mod leftovers;
pub mod rotations;
pub mod sessions;
pub mod sign_ins;
pub mod subscriptions;
pub mod tenants;
pub mod usage;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sqlx::any::{Any, AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{AnyPool, Executor as _, Transaction};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

use crate::model::Secret;

/// What every statement runs on: SQLite or Postgres, which understand the same statements here.
pub type Connection = sqlx::AnyConnection;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// Readers beside the one writer.
const READERS: u32 = 4;
/// How long a Postgres may take to notice that the writer from before was killed.
const FAREWELL: Duration = Duration::from_secs(2);
/// Names the lock that the one writer of a Postgres database holds for as long as it is connected.
const WRITER_LOCK: i64 = 0x7465_6e61_6e74_7279;

/// Where the tables are.
#[derive(Debug, Clone)]
pub enum Database {
    /// A SQLite file, made where it is missing.
    File(PathBuf),
    /// A Postgres database, `postgres://user:password@host:port/name`.
    Postgres(Secret),
}

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
    /// Another server writes to this database.
    #[error("another server works with this database")]
    Taken,
    /// The database's address.
    #[error("the database's address cannot be used: {0}")]
    Address(&'static str),
}

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    writer: AnyPool,
    readers: AnyPool,
    /// How a transaction of the writer begins.
    begin: &'static str,
}

impl Store {
    /// Opens the database, makes its file when it is not there, and brings its schema up to date.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match database {
            Database::File(file) => Self::open_file(file).await,
            Database::Postgres(url) => Self::open_postgres(url).await,
        }
    }

    async fn open_file(file: &Path) -> Result<Self, StoreError> {
        let options = connect_options(&file_url(file)?)?;
        let pool = |most| {
            AnyPoolOptions::new().max_connections(most).acquire_timeout(PATIENCE).after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("PRAGMA busy_timeout = 30000").await?;
                    connection.execute("PRAGMA journal_mode = WAL").await?;
                    connection.execute("PRAGMA synchronous = NORMAL").await?;
                    connection.execute("PRAGMA foreign_keys = ON").await?;
                    Ok(())
                })
            })
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::migrate!("src/server/store/migrations").run(&writer).await?;
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Self { writer, readers, begin: "BEGIN IMMEDIATE" })
    }

    async fn open_postgres(url: &Secret) -> Result<Self, StoreError> {
        let options = connect_options(url.reveal())?;
        let pool = |most| AnyPoolOptions::new().max_connections(most).acquire_timeout(PATIENCE);
        // A second server on the same tables must not become a second writer.
        let taken = Arc::new(Notify::new());
        let refused = Arc::clone(&taken);
        let writer = pool(1).after_connect(move |connection, _| {
            let refused = Arc::clone(&refused);
            Box::pin(async move {
                let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(WRITER_LOCK);
                if query.fetch_one(&mut *connection).await? {
                    return Ok(());
                }
                refused.notify_one();
                Err(sqlx::Error::Protocol("another server works with this database".into()))
            })
        });
        let connecting = writer.connect_with(options.clone());
        let writer = tokio::select! {
            writer = connecting => writer?,
            () = async { taken.notified().await; tokio::time::sleep(FAREWELL).await } => return Err(StoreError::Taken),
        };
        sqlx::migrate!("src/server/store/migrations").run(&writer).await?;
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Self { writer, readers, begin: "BEGIN" })
    }

    /// Opens the tables of a server that runs, without becoming its writer's rival: for a look, or for a small change
    /// that the running server may see at any time.
    pub async fn open_beside(url: &Secret) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let pool = pool.connect_with(connect_options(url.reveal())?).await?;
        Ok(Self { writer: pool.clone(), readers: pool, begin: "BEGIN" })
    }

    /// Opens the tables of a server beside it, as [`Self::open_beside`], wherever they are; makes nothing and changes no
    /// schema.
    pub async fn look(database: &Database) -> Result<Self, StoreError> {
        let file = match database {
            Database::Postgres(url) => return Self::open_beside(url).await,
            Database::File(file) => file,
        };
        if !file.is_file() {
            return Err(StoreError::Address("there is no such file"));
        }
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute("PRAGMA busy_timeout = 30000").await?;
                connection.execute("PRAGMA foreign_keys = ON").await?;
                Ok(())
            })
        });
        let pool = pool.connect_with(connect_options(&file_url(file)?)?).await?;
        Ok(Self { writer: pool.clone(), readers: pool, begin: "BEGIN IMMEDIATE" })
    }

    /// A connection for reading what was committed.
    pub async fn read(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// A transaction of the one writer. Never ask for a second one while holding it.
    pub async fn write(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.writer.begin_with(self.begin).await?)
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// What has a meaning in a URL, or cannot be in one.
const NOT_IN_A_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#').add(b'"').add(b'<').add(b'>').add(b'\\');

fn file_url(file: &Path) -> Result<String, StoreError> {
    let file = std::path::absolute(file).map_err(sqlx::Error::Io)?;
    let path = file.to_str().ok_or(StoreError::Address("the path is not UTF-8"))?;
    Ok(format!("sqlite://{}?mode=rwc", utf8_percent_encode(path, NOT_IN_A_PATH)))
}

fn connect_options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    // The parser's own words could repeat the password.
    url.parse().map_err(|_| StoreError::Address("it is no URL of the form postgres://user:password@host:port/name"))
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

/// `moment` to the microsecond, as the payment provider tells it: two of its events may be less than a millisecond apart.
#[must_use]
pub fn precisely(moment: jiff::Timestamp) -> String {
    format!("{moment:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_may_have_any_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["plain.db", "with blank & ä.db", "50%?#.db"] {
            let file = folder.path().join(name);
            let store = Store::open(&Database::File(file.clone())).await.expect("opens");
            let mut tx = store.write().await.expect("a transaction");
            accounts::ensure_user(&mut tx, "mara@orchard.example").await.expect("a user");
            tx.commit().await.expect("committed");
            store.close().await;
            assert!(file.is_file(), "{name}");
        }
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_used_is_not_repeated() {
        let url = Secret::new("postgres://user:hunter2@[broken/name");
        let error = Store::open(&Database::Postgres(url)).await.expect_err("no database");
        assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"));
    }
}

//! How a database is: whether it answers, its version, and how much there is in it.

use serde::Serialize;
use sqlx::Connection as _;

use super::{Target, connect, refused};
use crate::model::{Problem, text};

const QUESTION: &str = "\
SELECT current_setting('server_version'), current_database()::text, current_user::text,
  pg_database_size(current_database()),
  (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
     AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')";

/// How it is. Harmless text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// It does: otherwise there is a problem instead of this.
    pub answers: bool,
    /// Its address, without the password.
    pub address: String,
    /// The version of its server.
    pub version: String,
    /// Its name.
    pub database: String,
    /// Who is logged in.
    pub user: String,
    /// What it needs of the disk.
    pub size_bytes: u64,
    /// How many tables people made in it; a table in parts is one.
    pub tables: u64,
}

/// Asks it.
///
/// # Errors
/// Where it does not answer, or does not let us in.
pub async fn status(target: &Target) -> Result<Status, Problem> {
    let mut connection = connect(&target.url).await?;
    let row: (String, String, String, i64, i64) = sqlx::query_as(QUESTION)
        .fetch_one(&mut connection)
        .await
        .map_err(|error| refused("The database does not say how it is.", &error))?;
    // It has answered: how the connection ends changes nothing.
    let _ = connection.close().await;
    let (version, database, user, size, tables) = row;
    Ok(Status {
        answers: true,
        address: target.address(),
        version: text::short(version.split_whitespace().next().unwrap_or("?"), 20),
        database: text::short(&database, 64),
        user: text::short(&user, 64),
        size_bytes: size.try_into().unwrap_or_default(),
        tables: tables.try_into().unwrap_or_default(),
    })
}

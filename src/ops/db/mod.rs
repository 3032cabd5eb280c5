//! The database of a profile or of a local tenant: how it is, what is in it, a copy of it, and the copy put back.
//!
//! The address comes from a file of the person's and goes nowhere but to the database: not into a log, an error or a list
//! of processes. Must not know who asks.

mod access;
mod backup;
mod inside;
mod query;
mod restore;
mod statements;
mod status;
mod target;
mod tools;

pub use backup::{Backup, Format, backup};
pub use query::{Answer, Column, Window, query};
pub use restore::{Kind, Restored, kind, restore};
pub use status::{Status, status};
pub use target::{Target, of_cloud, of_local, of_profile, usual};

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Error};

use super::local::database;
use crate::model::{Problem, Secret, text};

/// Connects, within the time that an existing database may take.
async fn connect(url: &Secret) -> Result<PgConnection, Problem> {
    let options = database::options(url).map_err(|silence| database::no_answer(url, &silence))?;
    // What sqlx keeps while it connects is large.
    match tokio::time::timeout(database::LIMIT, Box::pin(options.connect())).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(database::no_answer(url, &database::silence(&error))),
        Err(_) => {
            let words = format!("no answer within {} s", database::LIMIT.as_secs());
            Err(database::no_answer(url, &database::Silence::NotYet(words)))
        }
    }
}

/// What the database refused, in its own words, which are made harmless.
fn refused(title: &str, error: &Error) -> Problem {
    let words = |raw: &str| text::short(raw, 400);
    let problem = Problem::new(title);
    match error {
        Error::Database(said) => {
            let own = said.try_downcast_ref::<sqlx::postgres::PgDatabaseError>();
            let mut detail = format!("{}.", words(said.message()).trim_end_matches('.'));
            if let Some(more) = own.and_then(sqlx::postgres::PgDatabaseError::detail) {
                detail = format!("{detail} {}", words(more));
            }
            let hint = match (said.code().as_deref(), own.and_then(sqlx::postgres::PgDatabaseError::hint)) {
                (Some("25006"), _) => "It is asked in a transaction that only reads.".to_owned(),
                (Some("57014"), _) => "It took too long, and was ended. Ask for less.".to_owned(),
                (_, Some(hint)) => words(hint),
                _ => "Correct the statement.".to_owned(),
            };
            problem.detail(detail).hint(hint)
        }
        other => problem.detail(format!("{}.", words(&other.to_string()))).hint("Try again."),
    }
}

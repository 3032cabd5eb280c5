//! A login token made beside the server, by whoever can read its key file: for scripts, and for a first login where there
//! is no browser.

use std::path::{Path, PathBuf};

use crate::model::{Problem, Secret};
use crate::server::auth::{LIFETIME_SECONDS, LoginTokens};
use crate::server::keys::KeyError;
use crate::server::store::{Database, Store, StoreError, accounts};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No server was ever started there.
    #[error("{} holds no key: no server was ever started with this folder", .0.display())]
    NoServer(PathBuf),
    /// The key file.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Nobody with this e-mail.
    #[error("the server knows nobody with the e-mail {0}")]
    NoUser(String),
    /// The token.
    #[error("a login token cannot be made: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
}

impl TokenError {
    /// What a person is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = |title: &str| Problem::new(title).detail(self.to_string());
        match self {
            Self::NoServer(_) => {
                problem("There is no server.").hint("Name the folder that the server was given as --data.")
            }
            Self::Key(_) => problem("The key cannot be read.").hint("Run this as the user that runs the server."),
            Self::Store(_) => problem("The server's tables cannot be read.")
                .hint("Where the server uses Postgres, name the same --database-url."),
            Self::NoUser(_) => {
                problem("There is no such user.").hint("Start the server with --user EMAIL, or let them sign in once.")
            }
            Self::Token(_) => problem("No token could be made."),
        }
    }
}

/// A login token for a user of the server whose data are in `data`. The server may run meanwhile. Makes nothing.
pub async fn token_of(data: &Path, database: &Database, email: &str) -> Result<Secret, TokenError> {
    let logins = LoginTokens::open(data).map_err(|error| match error {
        KeyError::File { error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
            TokenError::NoServer(data.to_owned())
        }
        error => error.into(),
    })?;
    let store = Store::look(database).await?;
    let user = match store.read().await {
        Ok(mut db) => accounts::by_email(&mut db, email).await,
        Err(error) => Err(error),
    };
    store.close().await;
    let user = user?.ok_or_else(|| TokenError::NoUser(crate::model::text::short(email, 254)))?;
    Ok(logins.issue(&user.id, &user.email, LIFETIME_SECONDS)?)
}

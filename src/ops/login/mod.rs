//! Logging in, logging out, and who is logged in (protocol A.2, D.1).
//!
//! A login comes from a browser, which comes back to a port of this machine, or is a token that somebody hands in. Either
//! way the server says whose it is before it is kept. Must not know who asks, nor print anything.

pub mod callback;
pub mod find;
pub mod keep;
pub mod listener;
mod page;
pub mod seat;
mod tenants;
pub mod who;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc;

pub use find::{Found, Kept, not_logged_in};
pub use keep::{LoggedOut, Store};
pub use seat::{Seat, Surroundings, Wanted};
pub use tenants::renew as renew_tenants;
pub use who::{Validity, Who};

use super::browser;
use crate::api::{self, ApiError, Client};
use crate::model::{Me, Problem, Secret};
use listener::Listener;

/// How long the browser may take (protocol D.0).
pub const LIMIT: Duration = Duration::from_mins(5);
/// How long the server may take to say whose a token is (protocol A.5).
const CHECK: Duration = Duration::from_secs(10);
/// How long it may take to note a login.
const NOTE: Duration = Duration::from_secs(3);

/// Who vouches for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// GitHub.
    GitHub,
    /// Google.
    Google,
}

impl Provider {
    /// Both, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::GitHub, Self::Google];

    /// As addresses have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Google => "google",
        }
    }

    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::Google => "Google",
        }
    }
}

/// Where the token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// From the browser.
    Browser {
        /// Who vouches.
        provider: Provider,
        /// Whether the browser is opened; the address is told either way.
        open: bool,
    },
    /// It is here already.
    Token(Secret),
}

/// What happens on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The sign-in goes on at this address; the program waits.
    Address(String),
    /// The browser could not be opened.
    NoBrowser(Problem),
    /// The server is asked whose the token is.
    Checking,
}

/// A login that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Whose.
    pub me: Me,
    /// The API's address.
    pub api: String,
    /// The context, where it is for one.
    pub context: Option<String>,
    /// Where it is kept.
    pub kept: Kept,
    /// When it ends, as the token says itself.
    pub expires_at: Option<Timestamp>,
    /// What could not be done beside it.
    pub warnings: Vec<Problem>,
    /// The project's list of tenants cannot be understood, and stays as it is: [`renew_tenants`] puts it aside.
    pub tenants_damaged: bool,
}

/// Why nobody was logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What a person is told.
    pub problem: Problem,
    /// True where only the keyring is missing, and a file would do.
    pub no_keyring: bool,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self { problem, no_keyring: false }
    }
}

/// Whether a login can be kept at `seat`, where `store` says: before anybody is asked for a token.
///
/// # Errors
/// Where that place cannot be used.
pub async fn can_be_kept(seat: &Seat, store: Option<Store>) -> Result<(), Failed> {
    seat.place(store).await.map(drop)
}

/// Logs in at `seat`. May be dropped at any time: the port is closed then, and nothing is kept but what was kept already.
/// Must be called on the runtime.
///
/// # Errors
/// Where the login cannot be kept, the browser does not come back, or the server does not know the token.
pub async fn log_in(
    seat: &Seat,
    how: How,
    store: Option<Store>,
    news: &mpsc::Sender<News>,
) -> Result<LoggedIn, Failed> {
    let store = seat.place(store).await?;
    let token = match how {
        How::Token(token) => token,
        How::Browser { provider, open } => from_browser(seat, provider, open, LIMIT, news).await?,
    };
    let _ = news.send(News::Checking).await;
    let client = Client::new(seat.base().clone(), token.clone()).map_err(|error| refused(seat, &error))?;
    let me = check(seat, &client).await?;
    let was_here = seat.was_of(&me).await;
    let mut warnings = Vec::new();
    let kept = seat.keep(store, &token, &me, &mut warnings).await?;
    let kept_tenants = tenants::keep(seat, &client, &me, was_here).await;
    let tenants_damaged = matches!(kept_tenants, Err(tenants::Unkept::Damaged(_)));
    if let Err(tenants::Unkept::Damaged(problem) | tenants::Unkept::Other(problem)) = kept_tenants {
        warnings.push(problem);
    }
    let noted = client.activity("cloud_login", &me.user.id);
    if let Ok(Err(error)) = tokio::time::timeout(NOTE, noted).await {
        tracing::debug!(%error, "the login was not noted");
    }
    Ok(LoggedIn {
        me,
        api: seat.base().to_string(),
        context: seat.context().map(|context| context.name.clone()),
        kept,
        expires_at: client.expires_at(),
        warnings,
        tenants_damaged,
    })
}

/// Sends the browser away and waits until it comes back.
async fn from_browser(
    seat: &Seat,
    provider: Provider,
    open: bool,
    limit: Duration,
    news: &mpsc::Sender<News>,
) -> Result<Secret, Problem> {
    let mut listener = Listener::open(listener::PORT).await?;
    let url = api::oauth::authorize_url(seat.base(), provider.word(), &listener.redirect_uri()).await;
    let url = url.map_err(|error| error.problem())?;
    let _ = news.send(News::Address(url.to_string())).await;
    let opening = async {
        if open && let Err(problem) = browser::open(url.as_str()).await {
            let _ = news.send(News::NoBrowser(problem)).await;
        }
        // Whether it was opened says nothing about when it comes back.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = listener.outcome() => outcome,
        () = opening => Err(Problem::new("The browser did not come back.")),
        () = tokio::time::sleep(limit) => Err(Problem::new("The browser did not come back.")
            .detail(format!("Nobody signed in within {} minutes.", limit.as_secs().div_ceil(60)))
            .hint("Log in again; where the browser is on another machine, log in with a token.")),
    }
}

/// Whose the token is.
async fn check(seat: &Seat, client: &Client) -> Result<Me, Problem> {
    match tokio::time::timeout(CHECK, client.me()).await {
        Ok(Ok(me)) => Ok(me),
        Ok(Err(error)) => Err(refused(seat, &error)),
        Err(_) => Err(slow(client)),
    }
}

/// Whose a login is that was found.
async fn check_found(client: &Client) -> Result<Me, Problem> {
    match tokio::time::timeout(CHECK, client.me()).await {
        Ok(answer) => answer.map_err(|error| error.problem()),
        Err(_) => Err(slow(client)),
    }
}

fn slow(client: &Client) -> Problem {
    Problem::new(format!("No answer in time from {}.", client.base()))
        .hint("The server or the network is slow. Try again.")
}

fn refused(seat: &Seat, error: &ApiError) -> Problem {
    if !error.requires_login() {
        return error.problem();
    }
    Problem::new("The token is not accepted.")
        .detail(format!("{} does not know it, or it is no longer valid.", seat.base()))
        .hint("Log in through the browser, or with a token that is for this API.")
        .needs_login()
}

/// Work on files, off the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => Err(Problem::new("Reading a file stopped.").detail(stopped.to_string())),
    }
}

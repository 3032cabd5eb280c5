//! What can happen: the only way in which anything reaches `update`.

use std::time::Duration;

use super::app::Moment;
use super::backend::{Live, TenantList};
use super::jobs::Ticket;
use super::key::Key;
use super::mouse::Mouse;
use super::outside;
use crate::model::progress::{DeployOutcome, DeployProgress, LocalProgress};
use crate::model::{CheckoutSession, LocalTenant, LogEntry, Me, Plan, Problem, ProvisioningEvent, TenantId};
use crate::ops::call::Reply;
use crate::ops::login::{Failed, LoggedIn, News};

/// One thing that happened.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "messages live shortly, in a bounded channel")]
pub enum Msg {
    /// The program is up: load what the first picture needs.
    Started,
    /// Time has passed. Sent before every batch of other messages and when an armed timer is due.
    Tick(Moment),
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Pasted(String),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal has a new size.
    Resized {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The screen is empty: the program was stopped and goes on, or another one had the terminal.
    Resumed,
    /// A job says something.
    Answer(Ticket, Answer),
}

/// What jobs say.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Who is logged in.
    Account(Result<Me, Problem>),
    /// The API's answer and how long it took.
    Api(Result<Duration, Problem>),
    /// The engine's name.
    Engine(Result<String, Problem>),
    /// The plans.
    Plans(Result<Vec<Plan>, Problem>),
    /// The tenants.
    Tenants(Result<TenantList, Problem>),
    /// The purchase that began.
    Checkout(Result<CheckoutSession, Problem>),
    /// The purchase's stream.
    CheckoutEvent(Live<ProvisioningEvent>),
    /// The tenant's stream: what has come since the last time.
    TenantEvents(Vec<Live<ProvisioningEvent>>),
    /// A tenant's logs: what has come since the last time.
    Logs(TenantId, Vec<Live<LogEntry>>),
    /// A running deploy.
    DeployProgress(TenantId, DeployProgress),
    /// The end of a tenant's deploy.
    Deployed(TenantId, Result<DeployOutcome, Problem>),
    /// A local tenant that is being made.
    LocalProgress(LocalProgress),
    /// The end of that.
    LocalMade(Result<LocalTenant, Problem>),
    /// The browser.
    Opened(Result<(), Problem>),
    /// The payment without a browser.
    Paid(Result<(), Problem>),
    /// What happens while somebody logs in.
    LogIn(News),
    /// How it ended.
    LoggedIn(Result<LoggedIn, Failed>),
    /// The login is forgotten.
    LoggedOut(Result<(), Problem>),
    /// Any other operation.
    Reply(Result<Reply, Problem>),
    /// Something around the screen.
    Outside(outside::Answer),
}

impl Answer {
    /// True where the same job will say more.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        matches!(
            self,
            Self::CheckoutEvent(_)
                | Self::LogIn(_)
                | Self::TenantEvents(_)
                | Self::Logs(..)
                | Self::DeployProgress(..)
                | Self::LocalProgress(_)
                // One of several of the same job.
                | Self::Deployed(..)
        )
    }
}

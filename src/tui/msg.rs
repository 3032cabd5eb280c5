//! What can happen: the only way in which anything reaches `update`.

use std::time::Duration;

use super::app::Moment;
use super::backend::{Live, TenantList};
use super::jobs::Ticket;
use super::key::Key;
use super::outside;
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{CheckoutSession, LogEntry, Me, Plan, Problem, ProvisioningEvent};

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
    /// The tenant's stream.
    TenantEvent(Live<ProvisioningEvent>),
    /// The tenant's logs.
    Log(Live<LogEntry>),
    /// A running deploy.
    DeployProgress(DeployProgress),
    /// The end of a deploy.
    Deployed(Result<DeployOutcome, Problem>),
    /// The browser.
    Opened(Result<(), Problem>),
    /// The payment without a browser.
    Paid(Result<(), Problem>),
    /// Something around the screen.
    Outside(outside::Answer),
}

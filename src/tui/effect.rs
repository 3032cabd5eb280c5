//! What `update` wants done outside of it. Plain data: the runner performs it.

use super::jobs::{Slot, Ticket};
use super::outside::Errand;
use crate::model::{SessionId, TenantId};
use crate::ops::call::Call;
use crate::ops::local;
use crate::ops::login::{How, Store};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Start a job; an older one of the same kind is ended.
    Start(Ticket, Request),
    /// Ask the current job of this kind to stop. A deploy still answers, everything else is dropped.
    Stop(Slot),
    /// Work for another context from now on: everything that runs is ended.
    Switch(String),
    /// Open the screen again with the login that is kept now: everything that runs is ended.
    Reopen,
    /// Do something around the screen: clipboard, editor, files, notices, the terminal itself.
    Errand(Ticket, Errand),
    /// Leave the program.
    Exit,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Who is logged in.
    Account,
    /// Does the API answer.
    PingApi,
    /// Does the Docker Engine answer.
    PingEngine,
    /// The plans on offer.
    Plans,
    /// The tenant list.
    Tenants,
    /// Begin a purchase.
    Checkout {
        /// The plan's price.
        price_id: String,
        /// Region code.
        region: String,
    },
    /// Watch the purchase.
    WatchCheckout(SessionId),
    /// Watch a tenant.
    WatchTenant(TenantId),
    /// Follow a tenant's logs.
    FollowLogs(TenantId),
    /// Build once, push and deploy to these tenants.
    Deploy(Vec<TenantId>),
    /// Deploy again what ran before: a number of versions back or the beginning of an id.
    RollBack {
        /// Whose.
        tenant: TenantId,
        /// Which; the version before where nothing is said.
        wanted: Option<String>,
    },
    /// Make a local tenant.
    NewLocal(local::Order),
    /// Open in the browser.
    Open(String),
    /// Pay without a browser.
    Pay(String),
    /// Log in; says on the way what happens.
    LogIn {
        /// Which way.
        how: How,
        /// Where the login is kept, where somebody said so.
        store: Option<Store>,
    },
    /// Forget the login.
    LogOut,
    /// Any other operation: it answers once.
    Call(Call),
}

//! What the screen asks of the floor below, in one trait, so that this room can be built and tested
//! without network, Docker or files. The session of the `ops` room implements it.

use futures_util::future::{BoxFuture, FutureExt as _};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::model::progress::LocalProgress;
use crate::model::{
    CheckoutSession, LocalTenant, LogEntry, Me, Plan, Problem, ProvisioningEvent, SessionId, Tenant, TenantId,
};
use crate::ops::call::{Call, Reply};
pub use crate::ops::deploy::News as DeployNews;
pub use crate::ops::live::Live;
use crate::ops::local;
use crate::ops::login::{Failed, How, LoggedIn, News, Store};

/// The tenants of an account, and what could not be read among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantList {
    /// In the server's order.
    pub tenants: Vec<Tenant>,
    /// One harmless line for every entry that could not be read.
    pub rejected: Vec<String>,
}

/// The operations behind the screen. Every future may be dropped at any time, which ends the operation; only
/// `deploy` is first asked to stop through its token, so that it can tidy up.
pub trait Backend: Send + Sync + 'static {
    /// Who is logged in.
    fn load_account(&self) -> BoxFuture<'_, Result<Me, Problem>>;
    /// Whether the Management API answers, and how fast.
    fn ping_api(&self) -> BoxFuture<'_, Result<Duration, Problem>>;
    /// Whether the Docker Engine answers; the name of it for the header.
    fn ping_engine(&self) -> BoxFuture<'_, Result<String, Problem>>;
    /// What can be bought.
    fn plans(&self) -> BoxFuture<'_, Result<Vec<Plan>, Problem>>;
    /// The account's tenants.
    fn tenants(&self) -> BoxFuture<'_, Result<TenantList, Problem>>;
    /// Begins a purchase. Never repeated by itself.
    fn checkout(&self, price_id: String, region: String) -> BoxFuture<'_, Result<CheckoutSession, Problem>>;
    /// Sends what the checkout's stream says until it ends or the receiver is gone.
    fn watch_checkout(&self, session: SessionId, events: mpsc::Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()>;
    /// Sends what the tenant's stream says until it ends or the receiver is gone.
    fn watch_tenant(&self, id: TenantId, events: mpsc::Sender<Live<ProvisioningEvent>>) -> BoxFuture<'_, ()>;
    /// Sends the tenant's last log lines and then every new one.
    fn follow_logs(&self, id: TenantId, lines: mpsc::Sender<Live<LogEntry>>) -> BoxFuture<'_, ()>;
    /// Builds the project once, pushes and deploys it to these tenants, and tells for each how it goes on and, as the last
    /// word, how it ended. When `cancel` fires it tidies up and ends soon.
    fn deploy(
        &self,
        tenants: Vec<TenantId>,
        news: mpsc::Sender<(TenantId, DeployNews)>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ()>;
    /// Deploys again what ran before: `wanted` is a number of versions back or the beginning of an id.
    fn roll_back(
        &self,
        tenant: TenantId,
        wanted: Option<String>,
        news: mpsc::Sender<(TenantId, DeployNews)>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, ()>;
    /// Logs in, and keeps the login; says on the way what happens. What the screen works with stays as it is.
    fn log_in(
        &self,
        how: How,
        store: Option<Store>,
        news: mpsc::Sender<News>,
    ) -> BoxFuture<'_, Result<LoggedIn, Failed>> {
        drop((how, store, news));
        std::future::ready(Err(no_login().into())).boxed()
    }
    /// Forgets the login.
    fn log_out(&self) -> BoxFuture<'_, Result<(), Problem>> {
        std::future::ready(Err(no_login())).boxed()
    }
    /// Makes a local tenant. When `cancel` fires it takes back what was made and answers soon.
    fn create_local(
        &self,
        order: local::Order,
        progress: mpsc::Sender<LocalProgress>,
        cancel: CancellationToken,
    ) -> BoxFuture<'_, Result<LocalTenant, Problem>> {
        drop((order, progress, cancel));
        std::future::ready(Err(Problem::new("Local tenants cannot be made here."))).boxed()
    }
    /// Any other operation.
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Problem>>;
    /// Opens the address in the person's browser.
    fn open_url(&self, url: String) -> BoxFuture<'_, Result<(), Problem>>;
    /// Goes through the payment page's form without a browser; only the sandbox's page has one that allows it.
    fn auto_pay(&self, url: String) -> BoxFuture<'_, Result<(), Problem>>;
}

/// What a backend says that has no login to change.
fn no_login() -> Problem {
    Problem::new("This session has a login of its own.").hint("Leave it to log in as somebody else.")
}

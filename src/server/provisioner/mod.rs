//! Makes infrastructure and machines from a tenant's row, and takes them away again.
//!
//! The row comes first and reserves every name; only then is the provider touched (protocol I.1). Every
//! step has `run`, `undo` and `probe` and is journaled before it begins. The phase column is the lock:
//! whoever moves it owns the tenant until it is moved on. Must not know HTTP, users or tokens of users.

pub mod deploy;
pub mod environment;
pub mod infrastructure;
pub mod lapse;
pub mod recovery;
pub mod removal;
pub mod restart;
pub mod steps;
pub mod watch;

use super::events::{self, News, Topic};
use super::faults::OnDemand;
use super::provider::{AppSpec, ProviderError};
use super::seal::SealError;
use super::state::Server;
use super::store::StoreError;
use super::store::journal::{self, StepState};
use super::store::tenants::TenantRow;
use crate::model::TenantId;

/// Why a step did not work.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The provider.
    #[error("{0}")]
    Provider(#[from] ProviderError),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The tenant's database.
    #[error("{0}")]
    Database(#[from] super::databases::DatabaseError),
    /// Secrets.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// Keys or random numbers.
    #[error("{0}")]
    Key(#[from] super::keys::KeyError),
    /// The tenant's port cannot be opened.
    #[error("port {port} cannot be opened: {error}")]
    Port {
        /// Which one.
        port: u16,
        /// Why.
        error: std::io::Error,
    },
    /// A test asked for it.
    #[error("failed on demand")]
    OnDemand,
    /// The tenant is not where it should be.
    #[error("{0}")]
    State(&'static str),
}

impl From<OnDemand> for StepError {
    fn from(_: OnDemand) -> Self {
        Self::OnDemand
    }
}

impl From<sqlx::Error> for StepError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What the provider may know about a tenant.
fn app_of(tenant: &TenantRow) -> AppSpec {
    AppSpec {
        tenant: tenant.id().clone(),
        app: tenant.app.clone(),
        region: tenant.region.clone(),
        volume_gb: u32::try_from(tenant.volume_gb).unwrap_or(1),
    }
}

/// Where a tenant answers.
#[must_use]
pub fn app_url(server: &Server, tenant: &TenantRow) -> Option<String> {
    tenant.port().map(|_| server.front.addresses().url(tenant.id()))
}

/// Pause before the end of an operation that could not be written down is tried again.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

/// Writes down how an operation ended, for as long as it takes: nobody else would end it, and the tenant could not even
/// be removed. Only the database can hold it up.
async fn insist<Fut: Future<Output = Result<(), StepError>>>(what: &str, mut write: impl FnMut() -> Fut) {
    loop {
        match write().await {
            Ok(()) => return,
            Err(StepError::Store(error)) => tracing::error!(%error, what, "it cannot be written down; trying again"),
            Err(error) => return tracing::error!(%error, what, "it is not written down"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Writes news down and tells the listeners.
async fn announce(server: &Server, topic: &Topic, news: &News) -> Result<(), StoreError> {
    let mut tx = server.store.write().await?;
    let spoken = events::say(&mut tx, topic, news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

/// Notes one move of one step, in a transaction of its own.
async fn note(
    server: &Server,
    id: &TenantId,
    operation: &str,
    step: &str,
    state: StepState,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    let mut tx = server.store.write().await?;
    journal::note(&mut tx, id.as_str(), operation, step, state, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// A point at which a test may let the work fail or stand still.
async fn point(server: &Server, step: &str, place: &str) -> Result<(), StepError> {
    let is_hit = server.settings.faults.points.reach(&format!("{step}:{place}")).await;
    if is_hit { Err(StepError::OnDemand) } else { Ok(()) }
}

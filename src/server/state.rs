//! What every handler and every background task works with.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::auth::LoginTokens;
use super::databases::Databases;
use super::domains::Checker;
use super::door::{Doors, Front};
use super::error::Failure;
use super::events::EventLog;
use super::login::Providers;
use super::operations::Operations;
use super::pay::paddle::Paddle;
use super::pay::signature::WebhookKey;
use super::provider::Provider;
use super::registry::{Registry, RegistryTokens};
use super::seal::Sealer;
use super::settings::Settings;
use super::store::Store;
use super::usage::sampler::Latest;
use crate::model::deploy::InvalidReference;
use crate::model::{ImageReference, TenantId};

/// The one repository that all tenants share.
pub const REPOSITORY: &str = "systemprompt-images";

/// The running server. Cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Parts>);

/// Its parts.
pub struct Parts {
    /// As it was told to be.
    pub settings: Settings,
    /// `http://host:port`, as clients reach it.
    pub base: String,
    /// The same for this server itself, which needs nobody in front of it.
    pub local: String,
    /// `host:port` of the registry.
    pub registry_host: String,
    /// The database.
    pub store: Store,
    /// The event log.
    pub events: EventLog,
    /// Login tokens.
    pub logins: LoginTokens,
    /// The way to login providers.
    pub providers: Providers,
    /// Secrets at rest.
    pub sealer: Sealer,
    /// The payment provider's signature.
    pub webhook: WebhookKey,
    /// Paddle, where it takes the money.
    pub paddle: Option<Paddle>,
    /// The image registry.
    pub registry: Registry,
    /// Tokens for it.
    pub registry_tokens: RegistryTokens,
    /// Tenants' doors.
    pub doors: Doors,
    /// Tenants' databases.
    pub databases: Databases,
    /// Where requests to them come in.
    pub front: Front,
    /// Looks custom domains up.
    pub domains: Checker,
    /// Where machines come from.
    pub provider: Arc<dyn Provider>,
    /// What machines used when they were looked at last.
    pub usage: Latest,
    /// For the sandbox's payment provider, which calls the webhook over HTTP like a real one.
    pub http: reqwest::Client,
    /// Limits, logs, figures, and what is still to end before the server does.
    pub operations: Operations,
    /// Background work.
    pub tasks: TaskTracker,
    /// Ends everything.
    pub stop: CancellationToken,
}

impl Deref for Server {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Server {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Runs work that belongs to the server and not to a connection: it goes on when the client leaves,
    /// and ends when the server stops (then the answer is `None`).
    pub fn background<F>(&self, work: F) -> tokio::task::JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(work).await })
    }

    /// The same for work on a tenant: a server that has to end waits for it as long as it may.
    pub fn operation<F>(&self, work: F) -> tokio::task::JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.background(self.operations.running.track_future(work))
    }

    /// Runs a short piece of work to its end, also when the caller leaves or the server stops: for the step
    /// between a commit and whoever goes on from there.
    pub async fn unbroken<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let ended = to_its_end(&self.tasks, work).await;
        ended.unwrap_or_else(|error| Err(Failure::internal(format!("the operation broke: {error}"))))
    }

    /// The image that a tenant deploys.
    pub fn image_of(&self, tenant: &TenantId) -> Result<ImageReference, InvalidReference> {
        ImageReference::new(&self.registry_host, REPOSITORY, &tenant.image_tag())
    }
}

/// Runs work in a task of its own: who waits for it may leave.
async fn to_its_end<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    tasks.spawn(work).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn work_comes_to_its_end_when_its_caller_leaves() {
        let (tasks, done) = (TaskTracker::new(), Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&done);
        let work = async move {
            tokio::task::yield_now().await;
            seen.store(true, Ordering::Relaxed);
        };
        // The caller asks once and leaves.
        assert!(to_its_end(&tasks, work).now_or_never().is_none());
        tasks.close();
        tasks.wait().await;
        assert!(done.load(Ordering::Relaxed));
    }
}

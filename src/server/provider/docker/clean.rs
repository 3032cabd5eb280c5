//! Removing what this instance made, and nothing else.

use futures_util::stream::{self, StreamExt as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{APP_LABEL, DockerProvider, GRACE_SECONDS, INSTANCE_LABEL};
use crate::engine::{ContainerError, Engine, REGISTRY_LABEL};
use crate::server::provider::ProviderError;

/// How long the engine may take to end the step of a build that was broken off, and how often that is looked at.
const STEP_LIMIT: Duration = Duration::from_secs(3);
const STEP_INTERVAL: Duration = Duration::from_millis(50);
/// How long a step without a container may take to be committed.
const COMMIT_PAUSE: Duration = Duration::from_millis(300);
/// Containers that are removed at a time.
const AT_ONCE: usize = 4;

impl DockerProvider {
    /// An app's machines and volume.
    pub(super) async fn clear_app(&self, app: &str) -> Result<(), ProviderError> {
        let engine = self.engine().await?;
        let labels = [(INSTANCE_LABEL, self.instance.as_str()), (APP_LABEL, app)];
        let machines = engine.containers_labelled(&labels).await?;
        remove_containers(engine, machines, GRACE_SECONDS).await?;
        remove_volumes(engine, &labels).await
    }

    /// An app's machines but `keep`.
    pub(super) async fn clear_others(&self, app: &str, keep: Option<&str>) -> Result<(), ProviderError> {
        let engine = self.engine().await?;
        let _nothing_is_made = self.making.write().await;
        let labels = [(INSTANCE_LABEL, self.instance.as_str()), (APP_LABEL, app)];
        let mut machines = engine.containers_labelled(&labels).await?;
        machines.retain(|id| Some(id.as_str()) != keep);
        remove_containers(engine, machines, 0).await
    }

    /// Everything: machines, volumes, then images. Goes on after a failure, and reports the first.
    pub(super) async fn clear(&self) -> Result<(), ProviderError> {
        let engine = match self.engine().await {
            // Never found since the start: nothing can have been made.
            Err(ProviderError::Unavailable(_)) => return Ok(()),
            found => found?,
        };
        // Answered within seconds, also by an engine that hangs: the other calls would wait for hours.
        if let Err(error) = engine.ping().await {
            if self.has_made.load(Ordering::Relaxed) {
                return Err(error.into());
            }
            // Configured, and never there for us: a stale socket, or no permission.
            tracing::info!(%error, "the engine does not answer, and nothing was made on it");
            return Ok(());
        }
        let _nothing_is_made = self.making.write().await;
        let labels = [(INSTANCE_LABEL, self.instance.as_str())];
        let containers = match engine.containers_labelled(&labels).await {
            Ok(machines) => remove_containers(engine, machines, 0).await,
            Err(error) => Err(error.into()),
        };
        self.wait_for_build_steps(engine).await;
        let volumes = remove_volumes(engine, &labels).await;
        if let Err(error) = engine.remove_images_for_registry(&self.registry).await {
            tracing::info!(%error, "an image stays for now");
        }
        // Once more, and this time it counts: a build that was broken off a moment ago may have committed its last
        // step only now. The engine has no word for that, so there is nothing but a pause to wait for.
        tokio::time::sleep(COMMIT_PAUSE).await;
        let images = engine.remove_images_for_registry(&self.registry).await;
        containers.and(volumes).and(images.map_err(ProviderError::from))
    }

    /// A build that was broken off leaves the container of its step for a moment, until the engine itself removes
    /// it. Nobody else's is touched: a person may run an image of this registry too, and waits are short.
    async fn wait_for_build_steps(&self, engine: &Engine) {
        let label = [(REGISTRY_LABEL, self.registry.as_str())];
        let gone = async {
            while engine.containers_labelled(&label).await.is_ok_and(|ids| !ids.is_empty()) {
                tokio::time::sleep(STEP_INTERVAL).await;
            }
        };
        let _ = tokio::time::timeout(STEP_LIMIT, gone).await;
    }
}

async fn remove_containers(engine: &Engine, ids: Vec<String>, grace_seconds: u16) -> Result<(), ProviderError> {
    let remove = |id: String| async move {
        if grace_seconds > 0 {
            engine.stop_container(&id, grace_seconds).await?;
        }
        engine.remove_container(&id).await
    };
    let outcomes: Vec<Result<(), ContainerError>> = stream::iter(ids).map(remove).buffered(AT_ONCE).collect().await;
    Ok(outcomes.into_iter().collect::<Result<(), _>>()?)
}

async fn remove_volumes(engine: &Engine, labels: &[(&str, &str)]) -> Result<(), ProviderError> {
    let mut outcome = Ok(());
    for name in engine.volumes_labelled(labels).await? {
        outcome = outcome.and(engine.remove_volume(&name).await);
    }
    Ok(outcome?)
}

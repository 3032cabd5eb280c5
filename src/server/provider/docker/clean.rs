//! Removing what this instance made, and nothing else.

use futures_util::stream::{self, StreamExt as _};

use super::{APP_LABEL, DockerProvider, GRACE_SECONDS, INSTANCE_LABEL};
use crate::engine::ContainerError;
use crate::server::provider::ProviderError;

/// Containers that are removed at a time.
const AT_ONCE: usize = 4;

impl DockerProvider {
    /// An app's machines and volume.
    pub(super) async fn clear_app(&self, app: &str) -> Result<(), ProviderError> {
        let labels = [(INSTANCE_LABEL, self.instance.as_str()), (APP_LABEL, app)];
        self.remove_containers(&labels, GRACE_SECONDS).await?;
        self.remove_volumes(&labels).await
    }

    /// Everything: machines, volumes, then images. Goes on after a failure, and reports the first.
    pub(super) async fn clear(&self) -> Result<(), ProviderError> {
        let labels = [(INSTANCE_LABEL, self.instance.as_str())];
        let containers = self.remove_containers(&labels, 0).await;
        let volumes = self.remove_volumes(&labels).await;
        // Pulled from, or built for, this server's registry. A name that somebody else gave one of them keeps it.
        let images = self.engine.remove_images_for_registry(&self.registry).await;
        containers.and(volumes).and(images.map_err(ProviderError::from))
    }

    async fn remove_containers(&self, labels: &[(&str, &str)], grace_seconds: u16) -> Result<(), ProviderError> {
        let ids = self.engine.containers_labelled(labels).await?;
        let remove = |id: String| async move {
            if grace_seconds > 0 {
                self.engine.stop_container(&id, grace_seconds).await?;
            }
            self.engine.remove_container(&id).await
        };
        let outcomes: Vec<Result<(), ContainerError>> = stream::iter(ids).map(remove).buffered(AT_ONCE).collect().await;
        Ok(outcomes.into_iter().collect::<Result<(), _>>()?)
    }

    async fn remove_volumes(&self, labels: &[(&str, &str)]) -> Result<(), ProviderError> {
        let mut outcome = Ok(());
        for name in self.engine.volumes_labelled(labels).await? {
            outcome = outcome.and(self.engine.remove_volume(&name).await);
        }
        Ok(outcome?)
    }
}

//! Removing what this instance made, and nothing else.

use futures_util::stream::{self, StreamExt as _};

use super::{APP_LABEL, DockerProvider, GRACE_SECONDS, INSTANCE_LABEL, REGISTRY_LABEL};
use crate::engine::{ContainerError, ImageSummary};
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
        let images = self.remove_images().await;
        containers.and(volumes).and(images)
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

    /// Images that were pulled from, or built for, this server's registry. Another name that somebody gave one
    /// of them keeps it; so does a container of somebody else's.
    async fn remove_images(&self) -> Result<(), ProviderError> {
        let mut outcome = Ok(());
        let mut before = usize::MAX;
        loop {
            let images = self.engine.images().await?;
            let ours: Vec<_> = images.into_iter().filter(|image| is_ours(image, &self.registry)).collect();
            // Once more while it helps: an image can go only after those that were built on it.
            if ours.is_empty() || ours.len() >= before || outcome.is_err() {
                return Ok(outcome?);
            }
            before = ours.len();
            for reference in ours.iter().flat_map(|image| removal_order(image, &self.registry)) {
                match self.engine.remove_image(&reference).await {
                    Ok(()) => {}
                    Err(error @ ContainerError::Conflict { .. }) => {
                        tracing::info!(image = reference, %error, "an image is kept");
                    }
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
        }
    }
}

fn is_ours(image: &ImageSummary, registry: &str) -> bool {
    image.labels.get(REGISTRY_LABEL).is_some_and(|host| host == registry)
        || image.references.iter().any(|reference| is_of(reference, registry))
}

fn is_of(reference: &str, registry: &str) -> bool {
    reference.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'))
}

/// Our references first, and the image itself if nobody else has a name for it.
fn removal_order(image: &ImageSummary, registry: &str) -> Vec<String> {
    let (ours, others): (Vec<String>, Vec<String>) =
        image.references.iter().cloned().partition(|reference| is_of(reference, registry));
    let itself = others.is_empty().then(|| image.id.clone());
    ours.into_iter().chain(itself).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "127.0.0.1:5000";

    fn image(references: &[&str], host: Option<&str>) -> ImageSummary {
        ImageSummary {
            id: "sha256:id".into(),
            references: references.iter().map(|&r| r.to_owned()).collect(),
            labels: host.map(|host| (REGISTRY_LABEL.to_owned(), host.to_owned())).into_iter().collect(),
        }
    }

    #[test]
    fn only_images_of_this_registry_are_ours() {
        assert!(is_ours(&image(&[], Some(HOST)), HOST));
        assert!(is_ours(&image(&["127.0.0.1:5000/a@sha256:0"], None), HOST));
        for other in [
            image(&[], None),
            image(&[], Some("127.0.0.1:50001")),
            image(&["127.0.0.1:50001/a:b", "127.0.0.1:5000.example/a:b", "busybox:latest"], None),
        ] {
            assert!(!is_ours(&other, HOST), "{other:?}");
        }
    }

    #[test]
    fn another_name_keeps_the_image() {
        let ours = ["127.0.0.1:5000/a:t", "127.0.0.1:5000/a@sha256:0"];
        let removed = removal_order(&image(&ours, Some(HOST)), HOST);
        assert_eq!(removed, [ours[0], ours[1], "sha256:id"]);
        let removed = removal_order(&image(&[ours[0], "mine:latest"], Some(HOST)), HOST);
        assert_eq!(removed, [ours[0]]);
        assert_eq!(removal_order(&image(&[], Some(HOST)), HOST), ["sha256:id"]);
    }
}

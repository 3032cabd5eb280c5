//! Images that the engine has: finding them, naming them, and removing exactly those that are ours.
//!
//! Must not know who builds or runs them.

use bollard::models::ImageSummary;
use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder};

use super::connect::Engine;
use super::error::EngineError;
use crate::model::{ImageReference, text};

/// The label of every image that was built for a registry; its value is the registry's host and port.
pub const REGISTRY_LABEL: &str = "dev.tenantry.registry";

/// How long a registry may take to say what it has under a base image's name.
const REMOTE_LIMIT: std::time::Duration = std::time::Duration::from_secs(3);

/// An image that others stand on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseImage {
    /// The engine's id of it.
    pub(super) id: String,
    /// True when it adds instructions to each build that take something from elsewhere than the context.
    pub(super) reaches_out: bool,
}

impl Engine {
    /// The id that the engine gave itself, one harmless line; the address of one that has none.
    pub async fn identity(&self) -> Result<String, EngineError> {
        let info = self.docker.info().await.map_err(|error| self.explain(error))?;
        Ok(info.id.map(|id| text::short(&id, 200)).filter(|id| !id.is_empty()).unwrap_or_else(|| self.host()))
    }

    /// Gives an image, by its id, one more name. A name that another image had moves on. An image that is gone is an
    /// error.
    pub async fn tag(&self, image_id: &str, image: &ImageReference) -> Result<(), EngineError> {
        let options = TagImageOptionsBuilder::default().repo(&image.name()).tag(image.tag()).build();
        self.docker.tag_image(image_id, Some(options)).await.map_err(|error| self.explain(error))
    }

    /// What the engine has under a name, or what the registry has that it would fetch it from: BuildKit keeps base images
    /// for itself, and asks for them anew with every build. `None` where neither can be said.
    pub(super) async fn base_image(&self, name: &str) -> Result<Option<BaseImage>, EngineError> {
        let found = absent_is_none(self.docker.inspect_image(name).await.map_err(|error| self.explain(error)))?;
        let Some(image) = found else { return Ok(self.remote_base(name).await) };
        Ok(Some({
            let triggers = image.config.and_then(|config| config.on_build).unwrap_or_default();
            let reaches_out = |trigger: &String| trigger.to_ascii_uppercase().contains("FROM=") || is_add(trigger);
            // One without an id could change unseen.
            let reaches_out = image.id.is_none() || triggers.iter().any(reaches_out);
            BaseImage { id: image.id.unwrap_or_default(), reaches_out }
        }))
    }

    /// By way of the engine, which knows how to reach the registry. One that wants a login, or does not answer soon, is no
    /// answer.
    async fn remote_base(&self, name: &str) -> Option<BaseImage> {
        let asked = tokio::time::timeout(REMOTE_LIMIT, self.docker.inspect_registry_image(name, None)).await;
        let digest = asked.ok()?.ok()?.descriptor.digest?;
        Some(BaseImage { id: format!("registry {}", text::short(&digest, 100)), reaches_out: false })
    }

    /// The full id of an image, by name, digest or id; `None` when the engine does not have it.
    pub async fn image_id(&self, reference: &str) -> Result<Option<String>, EngineError> {
        absent_is_none(self.docker.inspect_image(reference).await.map_err(|error| self.explain(error)))
            .map(|image| image.and_then(|image| image.id))
    }

    /// Removes a name or digest, and the image when it was the last one; or an image by its id. Absent is success.
    /// An image that a container uses is an error.
    pub async fn remove_image(&self, reference: &str) -> Result<(), EngineError> {
        self.remove(reference, false).await
    }

    /// Ids of the images that were built for a registry or have a name in it, newest first.
    pub async fn images_for_registry(&self, registry: &str) -> Result<Vec<String>, EngineError> {
        Ok(self.summaries_for_registry(registry).await?.into_iter().map(|image| image.id).collect())
    }

    /// Removes every image that was built for a registry or has a name in it. An image that also has a name elsewhere
    /// only loses the names that are in this one. Goes on after an error and reports the first.
    pub async fn remove_images_for_registry(&self, registry: &str) -> Result<(), EngineError> {
        let mut first_error = None;
        for image in self.summaries_for_registry(registry).await? {
            if let Err(error) = self.remove_names_in(registry, &image).await {
                tracing::warn!(%error, id = image.id, "an image of the registry stays");
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn remove_names_in(&self, registry: &str, image: &ImageSummary) -> Result<(), EngineError> {
        let (ours, others): (Vec<&String>, Vec<&String>) = names(image).partition(|name| is_in(registry, name));
        for name in ours {
            self.remove_image(name).await?;
        }
        if others.is_empty() { self.remove_image(&image.id).await } else { Ok(()) }
    }

    async fn summaries_for_registry(&self, registry: &str) -> Result<Vec<ImageSummary>, EngineError> {
        let options = ListImagesOptionsBuilder::default().digests(true).build();
        let images = self.docker.list_images(Some(options)).await.map_err(|error| self.explain(error))?;
        let mut ours: Vec<ImageSummary> = images.into_iter().filter(|image| belongs(registry, image)).collect();
        // Newest first: an image that another one builds on cannot go before it.
        ours.sort_by_key(|image| std::cmp::Reverse(image.created));
        Ok(ours)
    }

    /// The full id of an image that has no name; `None` when it has one, or does not exist.
    pub(super) async fn unnamed_image_id(&self, id: &str) -> Result<Option<String>, EngineError> {
        let image = absent_is_none(self.docker.inspect_image(id).await.map_err(|error| self.explain(error)))?;
        Ok(image.filter(|image| image.repo_tags.as_ref().is_none_or(Vec::is_empty)).and_then(|image| image.id))
    }

    /// Removes an image without the unnamed ones that it was built on.
    pub(super) async fn remove_exactly(&self, id: &str) -> Result<(), EngineError> {
        self.remove(id, true).await
    }

    async fn remove(&self, reference: &str, keep_parents: bool) -> Result<(), EngineError> {
        let options = RemoveImageOptionsBuilder::default().force(false).noprune(keep_parents).build();
        let outcome = self.docker.remove_image(reference, Some(options), None).await;
        absent_is_none(outcome.map_err(|error| self.explain(error))).map(drop)
    }
}

fn is_add(trigger: &str) -> bool {
    trigger.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("ADD"))
}

fn absent_is_none<T>(outcome: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tags and digests, without the engine's placeholder for none.
fn names(image: &ImageSummary) -> impl Iterator<Item = &String> {
    image.repo_tags.iter().chain(&image.repo_digests).filter(|name| !name.contains("<none>"))
}

fn is_in(registry: &str, name: &str) -> bool {
    name.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'))
}

fn belongs(registry: &str, image: &ImageSummary) -> bool {
    image.labels.get(REGISTRY_LABEL).is_some_and(|value| value == registry)
        || names(image).any(|name| is_in(registry, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(label: Option<&str>, tags: &[&str], digests: &[&str]) -> ImageSummary {
        ImageSummary {
            labels: label.map(|value| (REGISTRY_LABEL.to_owned(), value.to_owned())).into_iter().collect(),
            repo_tags: tags.iter().map(ToString::to_string).collect(),
            repo_digests: digests.iter().map(ToString::to_string).collect(),
            ..ImageSummary::default()
        }
    }

    #[test]
    fn an_image_belongs_to_a_registry_by_label_or_by_name() {
        let registry = "127.0.0.1:5000";
        assert!(belongs(registry, &image(Some(registry), &["<none>:<none>"], &["<none>@<none>"])));
        assert!(belongs(registry, &image(None, &["127.0.0.1:5000/a:t"], &[])));
        assert!(belongs(registry, &image(None, &[], &["127.0.0.1:5000/a@sha256:00"])));
        assert!(!belongs(registry, &image(Some("127.0.0.1:50001"), &["127.0.0.1:50001/a:t", "debian:12"], &[])));
    }
}

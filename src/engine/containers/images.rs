//! Images on the engine's disk: pulled with credentials, listed, removed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder};
use futures_util::StreamExt as _;
use hyper::header::HeaderValue;
use std::collections::HashMap;

use super::{ContainerError, reason};
use crate::engine::Engine;
use crate::model::{Secret, text};

/// An image on the engine's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// `sha256:...`, of its configuration.
    pub id: String,
    /// Every `name:tag` and `name@digest` that leads to it.
    pub references: Vec<String>,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

impl Engine {
    /// The id of the image that `reference` leads to; `None` if it is not on the engine's disk.
    pub async fn image_id(&self, reference: &str) -> Result<Option<String>, ContainerError> {
        match self.docker.inspect_image(reference).await {
            Ok(image) => Ok(image.id),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(ContainerError::new(format!("looking at the image {reference}"), &error)),
        }
    }

    /// Pulls `reference` (by digest, `registry/repository@sha256:...`, it is exactly one image).
    pub async fn pull(&self, reference: &str, username: &str, password: &Secret) -> Result<(), ContainerError> {
        let options = CreateImageOptionsBuilder::new().from_image(reference).build();
        let registry = reference.split('/').next().unwrap_or_default();
        let credentials = DockerCredentials {
            username: Some(username.to_owned()),
            password: Some(password.reveal().to_owned()),
            serveraddress: Some(registry.to_owned()),
            ..DockerCredentials::default()
        };
        // bollard encodes the credentials with the standard alphabet; the engine reads the URL-safe one.
        let header = encode(&credentials).and_then(|value| HeaderValue::from_str(&value).ok());
        let header = header.map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let docker = self.docker.clone().with_request_modifier(move |mut request| {
            if let Some(value) = &header {
                request.headers_mut().insert("X-Registry-Auth", value.clone());
            }
            request
        });
        let mut progress = docker.create_image(Some(options), None, None);
        while let Some(step) = progress.next().await {
            step.map_err(|error| pull_error(reference, &error))?;
        }
        Ok(())
    }

    /// All images that have a name or are the newest of a build; not the layers between.
    pub async fn images(&self) -> Result<Vec<ImageSummary>, ContainerError> {
        let options = ListImagesOptionsBuilder::new().digests(true).build();
        let listed = self.docker.list_images(Some(options)).await;
        let listed = listed.map_err(|error| ContainerError::new("listing images", &error))?;
        let named = |reference: &String| !reference.starts_with("<none>");
        Ok(listed
            .into_iter()
            .map(|image| ImageSummary {
                references: image.repo_tags.into_iter().chain(image.repo_digests).filter(named).collect(),
                id: image.id,
                labels: image.labels,
            })
            .collect())
    }

    /// Removes a reference, and the image with its last one. Never by force: an image in use, or one that has
    /// further names when removed by id, is a [`ContainerError::Conflict`]. Gone already is success.
    pub async fn remove_image(&self, reference: &str) -> Result<(), ContainerError> {
        let options = RemoveImageOptionsBuilder::new().build();
        match self.docker.remove_image(reference, Some(options), None).await {
            Ok(_) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(ContainerError::new(format!("removing the image {reference}"), &error)),
        }
    }
}

fn encode(credentials: &DockerCredentials) -> Option<String> {
    serde_json::to_vec(credentials).ok().map(|json| URL_SAFE.encode(json))
}

/// Sorted by what the engine says: it answers 500 or a line in the stream for nearly everything.
fn pull_error(image: &str, error: &Error) -> ContainerError {
    let said = match error {
        Error::DockerResponseServerError { message, .. } => message,
        Error::DockerStreamError { error } => error,
        other => return ContainerError::new(format!("pulling {image}"), other),
    };
    let (image, said, reason) = (text::short(image, 200), said.to_lowercase(), reason(error));
    let denied = ["unauthorized", "no basic auth credentials", "denied", "authentication required", "forbidden"];
    if denied.iter().any(|word| said.contains(word)) {
        return ContainerError::PullDenied { image, reason };
    }
    ContainerError::PullFailed { image, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_use_the_alphabet_that_the_engine_reads() {
        let credentials = DockerCredentials { password: Some("~~~???>>>".into()), ..DockerCredentials::default() };
        let header = encode(&credentials).expect("encodes");
        assert!(!header.contains(['+', '/']), "{header}");
        let decoded: DockerCredentials =
            serde_json::from_slice(&URL_SAFE.decode(&header).expect("base64")).expect("json");
        assert_eq!(decoded, credentials);
    }

    #[test]
    fn a_refused_pull_is_told_from_a_missing_image() {
        let said = |text: &str| pull_error("h/r@d", &Error::DockerStreamError { error: text.into() });
        assert!(matches!(said("unauthorized: a token is needed"), ContainerError::PullDenied { .. }));
        assert!(matches!(said("manifest unknown: no such manifest"), ContainerError::PullFailed { .. }));
        assert!(matches!(
            pull_error("h/r@d", &Error::DockerResponseServerError { status_code: 404, message: "not found".into() }),
            ContainerError::PullFailed { .. }
        ));
    }
}

//! Pulling an image with credentials.

use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;

use super::{ContainerError, reason};
use crate::engine::{Credentials, Engine};
use crate::model::text;

impl Engine {
    /// Pulls `reference` (by digest, `registry/repository@sha256:...`, it is exactly one image).
    pub async fn pull(&self, reference: &str, credentials: &Credentials) -> Result<(), ContainerError> {
        let options = CreateImageOptionsBuilder::new().from_image(reference).build();
        let registry = reference.split('/').next().unwrap_or_default();
        let header = credentials.header(registry).map_err(|_| ContainerError::PullDenied {
            image: text::short(reference, 200),
            reason: "the credentials do not fit into a header".into(),
        })?;
        // Not bollard's own header: it encodes credentials in another alphabet than the engine reads.
        let docker = self.docker.clone().with_request_modifier(move |mut request| {
            request.headers_mut().insert("x-registry-auth", header.clone());
            request
        });
        let mut progress = docker.create_image(Some(options), None, None);
        while let Some(step) = progress.next().await {
            step.map_err(|error| pull_error(reference, &error))?;
        }
        Ok(())
    }
}

/// Sorted by what the engine says: it answers 500, or with a line in the stream, for nearly everything.
pub(in crate::engine) fn pull_error(image: &str, error: &Error) -> ContainerError {
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

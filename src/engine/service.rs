//! Containers of long-lived services that a developer uses on this machine: a port of their own choice, a health check,
//! and images that anybody may pull. What runs a tenant's program is in `containers.rs`, and is held shorter.
//!
//! Knows bollard. Must not know what a service is for, or which labels mean what.

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType, PortBinding, ProgressDetail,
    RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, CreateImageOptionsBuilder};
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::Engine;
use super::containers::{ContainerError, pull_error};
use crate::model::amount::bytes_of;
use crate::model::{Secret, text};

/// A service's container. The engine starts it again until somebody stops it.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// Its name.
    pub name: String,
    /// Reference of an image that is present.
    pub image: String,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its environment.
    pub environment: Vec<(String, Secret)>,
    /// A named volume, and the path inside.
    pub volume: (String, String),
    /// TCP port inside.
    pub port: u16,
    /// The port of 127.0.0.1 that leads to it.
    pub host_port: u16,
    /// A shell command that ends with 0 where the service answers.
    pub health_check: String,
    /// Between two of those, and how long one may take.
    pub health_pause: Duration,
    /// How many of them in a row may fail.
    pub health_retries: u32,
}

impl ServiceSpec {
    fn body(&self) -> ContainerCreateBody {
        let nanoseconds = i64::try_from(self.health_pause.as_nanos()).unwrap_or(i64::MAX);
        let port = format!("{}/tcp", self.port);
        let binding =
            PortBinding { host_ip: Some(Ipv4Addr::LOCALHOST.to_string()), host_port: Some(self.host_port.to_string()) };
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(self.volume.0.clone()),
            target: Some(self.volume.1.clone()),
            ..Mount::default()
        };
        let environment = self.environment.iter().map(|(name, value)| format!("{name}={}", value.reveal()));
        let log_limits = [("max-size", "10m"), ("max-file", "3")];
        ContainerCreateBody {
            image: Some(self.image.clone()),
            labels: Some(self.labels.iter().cloned().collect()),
            env: Some(environment.collect()),
            exposed_ports: Some(vec![port.clone()]),
            healthcheck: Some(HealthConfig {
                test: Some(vec!["CMD-SHELL".into(), self.health_check.clone()]),
                interval: Some(nanoseconds),
                timeout: Some(nanoseconds),
                retries: Some(i64::from(self.health_retries)),
                ..HealthConfig::default()
            }),
            host_config: Some(HostConfig {
                mounts: Some(vec![mount]),
                port_bindings: Some(HashMap::from([(port, Some(vec![binding]))])),
                restart_policy: Some(RestartPolicy {
                    name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
                    maximum_retry_count: None,
                }),
                security_opt: Some(vec!["no-new-privileges".into()]),
                log_config: Some(HostConfigLogConfig {
                    typ: Some("json-file".into()),
                    config: Some(log_limits.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()),
                }),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }
}

impl ContainerError {
    /// True where the engine says that a port is somebody else's.
    #[must_use]
    pub fn is_port_taken(&self) -> bool {
        let (Self::Failed { reason, .. } | Self::Conflict { reason, .. }) = self else { return false };
        let words = ["port is already allocated", "address already in use", "ports are not available"];
        words.iter().any(|words| reason.to_ascii_lowercase().contains(words))
    }
}

/// How much of an image's layers is here: each as it was told last.
#[derive(Debug, Default)]
struct Layers(HashMap<String, (u64, u64)>);

impl Layers {
    /// Takes a layer's progress; the sum in words, where there is one.
    fn take(&mut self, id: Option<String>, progress: Option<ProgressDetail>) -> Option<String> {
        let progress = progress?;
        let number = |value: Option<i64>| u64::try_from(value.unwrap_or_default()).unwrap_or_default();
        let (current, total) = (number(progress.current), number(progress.total));
        if total == 0 {
            return None;
        }
        self.0.insert(id?, (current.min(total), total));
        let (done, all) = self.0.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
        Some(bytes_of(done, all))
    }
}

/// A reference that names one image: without a tag the engine would fetch every one of the repository.
fn one_image(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

impl Engine {
    /// Creates a service's container; answers its id.
    pub async fn create_service(&self, spec: &ServiceSpec) -> Result<String, ContainerError> {
        let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
        let created = self.docker.create_container(Some(options), spec.body()).await;
        let created =
            created.map_err(|error| ContainerError::new(format!("creating the container {}", spec.name), &error))?;
        for warning in &created.warnings {
            tracing::warn!(container = spec.name, warning = text::line(warning), "the engine warns");
        }
        Ok(created.id)
    }

    /// Pulls an image that anybody may have; `told` hears how much of it is here.
    pub async fn pull_public(
        &self,
        reference: &str,
        mut told: impl FnMut(String) + Send,
    ) -> Result<(), ContainerError> {
        let image = one_image(reference);
        let options = CreateImageOptionsBuilder::new().from_image(&image).build();
        let mut progress = self.docker.create_image(Some(options), None, None);
        let mut layers = Layers::default();
        while let Some(step) = progress.next().await {
            let step = step.map_err(|error| pull_error(&image, &error))?;
            // Unpacking counts from the beginning again: what has come is what takes long.
            let comes = step.status.as_deref().is_some_and(|status| status.starts_with("Downloading"));
            if let Some(words) = layers.take(step.id, step.progress_detail.filter(|_| comes)) {
                told(words);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_a_tag_gets_one() {
        for (given, named) in [
            ("postgres", "postgres:latest"),
            ("h:5000/a/postgres", "h:5000/a/postgres:latest"),
            ("postgres:18-alpine", "postgres:18-alpine"),
            ("h/postgres@sha256:00", "h/postgres@sha256:00"),
        ] {
            assert_eq!(one_image(given), named);
        }
    }

    #[test]
    fn a_port_that_is_taken_is_told_from_other_failures() {
        let failed = |reason: &str| ContainerError::Failed { action: "a".into(), reason: reason.into() };
        for taken in [
            "driver failed programming external connectivity: Bind for 127.0.0.1:5432 failed: port is already allocated",
            "listen tcp4 127.0.0.1:5432: bind: address already in use",
        ] {
            assert!(failed(taken).is_port_taken(), "{taken}");
        }
        assert!(!failed("no such image").is_port_taken());
        assert!(!ContainerError::Unreachable("address already in use".into()).is_port_taken());
    }

    #[test]
    fn layers_are_summed_as_they_were_told_last() {
        let mut layers = Layers::default();
        let detail = |current, total| Some(ProgressDetail { current: Some(current), total: Some(total) });
        assert_eq!(layers.take(Some("a".into()), None), None);
        assert_eq!(layers.take(Some("a".into()), detail(0, 0)), None);
        layers.take(Some("a".into()), detail(10, 1_000_000)).expect("words");
        layers.take(Some("b".into()), detail(500_000, 1_000_000)).expect("words");
        assert_eq!(layers.take(Some("a".into()), detail(2_000_000, 1_000_000)), Some(bytes_of(1_500_000, 2_000_000)));
    }
}

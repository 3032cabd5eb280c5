//! Containers of the engine: created, started, watched, stopped, removed. Pulling and logs are beside this file.
//!
//! Knows bollard. Must not know tenants, the Management API, or which labels mean what.

mod by_label;
mod changes;
mod exec;
mod files;
mod logs;
mod pull;
mod stats;

pub use changes::ChangeStream;
pub use exec::Executed;
pub use files::{ArchiveStream, FileState};
pub use logs::LogStream;
pub(super) use pull::pull_error;
pub use stats::ContainerUsage;

use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerUpdateBody, HealthStatusEnum, HostConfig,
    HostConfigLogConfig, Mount, MountType, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
    StopContainerOptionsBuilder,
};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Engine;
use crate::model::{Secret, text};

/// What can go wrong with containers, volumes and pulled images. Harmless text.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ContainerError {
    /// The engine does not answer.
    #[error("the Docker Engine does not answer: {0}")]
    Unreachable(String),
    /// The registry did not accept the credentials.
    #[error("the registry refused to give {image}: {reason}")]
    PullDenied {
        /// What was pulled.
        image: String,
        /// In the engine's words.
        reason: String,
    },
    /// The image is not there, or cannot be transferred.
    #[error("the image {image} cannot be pulled: {reason}")]
    PullFailed {
        /// What was pulled.
        image: String,
        /// In the engine's words.
        reason: String,
    },
    /// What was asked for does not exist.
    #[error("{action} failed: {reason}")]
    NotFound {
        /// What was tried, with what.
        action: String,
        /// In the engine's words.
        reason: String,
    },
    /// The name is taken, or the thing is in use.
    #[error("{action} failed: {reason}")]
    Conflict {
        /// What was tried, with what.
        action: String,
        /// In the engine's words.
        reason: String,
    },
    /// Anything else.
    #[error("{action} failed: {reason}")]
    Failed {
        /// What was tried, with what.
        action: String,
        /// In the engine's words.
        reason: String,
    },
}

impl ContainerError {
    /// Sorts what bollard says; `action` reads well before "failed".
    pub(super) fn new(action: impl Into<String>, error: &Error) -> Self {
        let (action, reason) = (action.into(), reason(error));
        match error {
            Error::DockerResponseServerError { status_code: 404, .. } => Self::NotFound { action, reason },
            Error::DockerResponseServerError { status_code: 409, .. } => Self::Conflict { action, reason },
            Error::SocketNotFoundError(_)
            | Error::HyperLegacyError { .. }
            | Error::RequestTimeoutError
            | Error::IOError { .. }
            | Error::HyperResponseError { .. } => Self::Unreachable(reason),
            _ => Self::Failed { action, reason },
        }
    }
}

/// The engine's own words, harmless, with the causes that bollard keeps to itself.
fn reason(error: &Error) -> String {
    let mut words = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    text::short(words.trim(), 500)
}

/// A container to create. Not started, and not restarted when it ends: see [`Engine::restart_on_failure`].
#[derive(Debug, Clone)]
pub struct ContainerSpec {
    /// Its name.
    pub name: String,
    /// Reference or id of an image that is present.
    pub image: String,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// Its environment.
    pub environment: Vec<(String, Secret)>,
    /// Named volumes: name, and the path inside.
    pub volumes: Vec<(String, String)>,
    /// Memory limit in MB, swap included.
    pub memory_mb: u32,
    /// TCP port inside that a free port of 127.0.0.1 leads to.
    pub port: u16,
}

/// How often, and with which pause between, it is looked whether somebody else's removal is done: 10 s in all.
const REMOVAL_LOOKS: u32 = 200;
const REMOVAL_PAUSE: Duration = Duration::from_millis(50);

/// Most processes and threads that a container may have.
const MAX_PROCESSES: i64 = 1024;

/// All that a container's root may do beyond other users: what the entry scripts of common images need to make a
/// directory theirs, to become another user and to end their children, and a port below 1024. Not: raw sockets, device
/// files, another root directory, other file capabilities, audit records.
const CAPABILITIES: [&str; 8] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];
/// A container's weight for the processor, when all want it: its memory in MB within these bounds.
const WEIGHTS: (i64, i64) = (128, 4096);

impl ContainerSpec {
    fn body(&self) -> ContainerCreateBody {
        let environment = self.environment.iter().map(|(name, value)| format!("{name}={}", value.reveal()));
        let mount = |(name, path): &(String, String)| Mount {
            typ: Some(MountType::VOLUME),
            source: Some(name.clone()),
            target: Some(path.clone()),
            ..Mount::default()
        };
        let memory = i64::from(self.memory_mb) * 1024 * 1024;
        // Port 0: the engine takes a free one. It is read back from the running container.
        let binding = PortBinding { host_ip: Some(Ipv4Addr::LOCALHOST.to_string()), host_port: Some("0".into()) };
        let port = port_key(self.port);
        let log_limits = [("max-size", "10m"), ("max-file", "3")];
        ContainerCreateBody {
            image: Some(self.image.clone()),
            labels: Some(self.labels.iter().cloned().collect()),
            env: Some(environment.collect()),
            exposed_ports: Some(vec![port.clone()]),
            host_config: Some(HostConfig {
                memory: Some(memory),
                memory_swap: Some(memory),
                cpu_shares: Some(i64::from(self.memory_mb).clamp(WEIGHTS.0, WEIGHTS.1)),
                pids_limit: Some(MAX_PROCESSES),
                cap_drop: Some(vec!["ALL".into()]),
                cap_add: Some(CAPABILITIES.map(str::to_owned).to_vec()),
                mounts: Some(self.volumes.iter().map(mount).collect()),
                port_bindings: Some(HashMap::from([(port, Some(vec![binding]))])),
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

fn port_key(port: u16) -> String {
    format!("{port}/tcp")
}

/// What Docker's own health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// No answer yet.
    Starting,
    /// The last check passed.
    Healthy,
    /// Several checks in a row failed.
    Unhealthy,
}

/// A container as the engine sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerState {
    /// Its full id.
    pub id: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// Its processes run.
    pub running: bool,
    /// It is being started again after a failure.
    pub restarting: bool,
    /// Of the last end; 0 while it runs for the first time.
    pub exit_code: i64,
    /// It ended because it wanted more memory than it may have.
    pub out_of_memory: bool,
    /// `None` where the image has no health check.
    pub health: Option<Health>,
    /// Its memory limit in MB; 0 without one.
    pub memory_mb: u32,
    /// Since when it runs; `None` where it does not, or never did.
    pub started_at: Option<jiff::Timestamp>,
    ports: HashMap<String, SocketAddr>,
}

impl ContainerState {
    /// Where the TCP port inside can be reached from this host.
    #[must_use]
    pub fn address(&self, port: u16) -> Option<SocketAddr> {
        self.ports.get(&port_key(port)).copied()
    }
}

impl From<ContainerInspectResponse> for ContainerState {
    fn from(answer: ContainerInspectResponse) -> Self {
        let state = answer.state.unwrap_or_default();
        let health = match state.health.and_then(|health| health.status) {
            Some(HealthStatusEnum::STARTING) => Some(Health::Starting),
            Some(HealthStatusEnum::HEALTHY) => Some(Health::Healthy),
            Some(HealthStatusEnum::UNHEALTHY) => Some(Health::Unhealthy),
            _ => None,
        };
        let running = state.running.unwrap_or_default();
        let started_at = state.started_at.filter(|_| running).and_then(|time| time.parse().ok());
        let memory = answer.host_config.and_then(|limits| limits.memory).unwrap_or_default();
        let published = answer.network_settings.and_then(|settings| settings.ports).unwrap_or_default();
        let ports = published.into_iter().filter_map(|(port, bindings)| {
            let address = bindings?.iter().find_map(|binding| {
                let ip = binding.host_ip.as_deref()?.parse().ok()?;
                Some(SocketAddr::new(ip, binding.host_port.as_deref()?.parse().ok()?))
            })?;
            Some((port, address))
        });
        Self {
            id: answer.id.unwrap_or_default(),
            labels: answer.config.and_then(|config| config.labels).unwrap_or_default(),
            running,
            started_at,
            restarting: state.restarting.unwrap_or_default(),
            exit_code: state.exit_code.unwrap_or_default(),
            out_of_memory: state.oom_killed.unwrap_or_default(),
            health,
            memory_mb: u32::try_from(memory / (1024 * 1024)).unwrap_or_default(),
            ports: ports.collect(),
        }
    }
}

/// A filter that wants every one of these labels with these values.
pub(super) fn label_filter(labels: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), labels.iter().map(|(name, value)| format!("{name}={value}")).collect())])
}

impl Engine {
    /// Creates a container; answers its id.
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<String, ContainerError> {
        let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
        let created = self.docker.create_container(Some(options), spec.body()).await;
        let created =
            created.map_err(|error| ContainerError::new(format!("creating the container {}", spec.name), &error))?;
        for warning in &created.warnings {
            tracing::warn!(container = spec.name, warning = text::line(warning), "the engine warns");
        }
        Ok(created.id)
    }

    /// Starts a container. Running already is success.
    pub async fn start_container(&self, id: &str) -> Result<(), ContainerError> {
        let started = self.docker.start_container(id, None).await;
        started.map_err(|error| ContainerError::new(format!("starting the container {id}"), &error))
    }

    /// From now on the engine starts the container again when it fails, at most `times`.
    pub async fn restart_on_failure(&self, id: &str, times: u32) -> Result<(), ContainerError> {
        let policy = RestartPolicy {
            name: Some(RestartPolicyNameEnum::ON_FAILURE),
            maximum_retry_count: Some(i64::from(times)),
        };
        let body = ContainerUpdateBody { restart_policy: Some(policy), ..ContainerUpdateBody::default() };
        let updated = self.docker.update_container(id, body).await;
        updated.map_err(|error| ContainerError::new(format!("setting the restart policy of {id}"), &error))
    }

    /// Asks a container to end, and ends it after `grace_seconds`. Stopped or gone already is success.
    pub async fn stop_container(&self, id: &str, grace_seconds: u16) -> Result<(), ContainerError> {
        let options = StopContainerOptionsBuilder::new().t(i32::from(grace_seconds)).build();
        match self.docker.stop_container(id, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(ContainerError::new(format!("stopping the container {id}"), &error)),
        }
    }

    /// Removes a container, running or not, with its anonymous volumes. Gone already is success; on success it is gone.
    pub async fn remove_container(&self, id: &str) -> Result<(), ContainerError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match self.docker.remove_container(id, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            // Somebody else is removing it at this moment. Until that is done its volumes and its image are in use.
            Err(Error::DockerResponseServerError { status_code: 409, message })
                if message.contains("already in progress") =>
            {
                self.wait_until_gone(id).await
            }
            Err(error) => Err(ContainerError::new(format!("removing the container {id}"), &error)),
        }
    }

    async fn wait_until_gone(&self, id: &str) -> Result<(), ContainerError> {
        for _ in 0..REMOVAL_LOOKS {
            if self.container(id).await?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(REMOVAL_PAUSE).await;
        }
        let reason = "another removal of it does not come to an end".into();
        Err(ContainerError::Conflict { action: format!("removing the container {id}"), reason })
    }

    /// A container's state by id or name; `None` if it does not exist.
    pub async fn container(&self, id: &str) -> Result<Option<ContainerState>, ContainerError> {
        match self.docker.inspect_container(id, None).await {
            Ok(answer) => Ok(Some(answer.into())),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(ContainerError::new(format!("looking at the container {id}"), &error)),
        }
    }

    /// Ids of all containers, running or not, that have every one of these labels.
    pub async fn containers_labelled(&self, labels: &[(&str, &str)]) -> Result<Vec<String>, ContainerError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&label_filter(labels)).build();
        let listed = self.docker.list_containers(Some(options)).await;
        let listed = listed.map_err(|error| ContainerError::new("listing containers", &error))?;
        Ok(listed.into_iter().filter_map(|container| container.id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;

    #[test]
    fn errors_are_sorted_and_harmless() {
        let answer =
            |status_code, message: &str| Error::DockerResponseServerError { status_code, message: message.into() };
        let sorted = ContainerError::new("stopping", &answer(404, "No such \u{1b}[2Jcontainer\n"));
        assert_eq!(sorted.to_string(), "stopping failed: No such container");
        assert!(matches!(sorted, ContainerError::NotFound { .. }));
        assert!(matches!(ContainerError::new("a", &answer(409, "taken")), ContainerError::Conflict { .. }));
        assert!(matches!(ContainerError::new("a", &answer(500, "oh")), ContainerError::Failed { .. }));
        assert!(matches!(ContainerError::new("a", &Error::RequestTimeoutError), ContainerError::Unreachable(_)));
    }

    #[tokio::test]
    async fn a_container_that_somebody_else_removes_is_waited_for() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicU32, Ordering};
        let looks = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&looks);
        let engine = fake::Engine::start(move |mut call| {
            let looks = Arc::clone(&looks);
            async move {
                let removing = r#"{"message":"removal of container abc is already in progress"}"#;
                if call.line.starts_with("DELETE") {
                    call.answer("409 Conflict", removing).await;
                } else if looks.fetch_add(1, Ordering::SeqCst) < 2 {
                    call.answer("200 OK", r#"{"Id":"abc"}"#).await;
                } else {
                    call.answer("404 Not Found", r#"{"message":"No such container: abc"}"#).await;
                }
            }
        });
        engine.connect().remove_container("abc").await.expect("removed");
        assert_eq!(seen.load(Ordering::SeqCst), 3, "it came back only when the container was gone");
    }

    #[test]
    fn the_published_port_is_read_back() {
        let answer = serde_json::json!({
            "Id": "abc",
            "Config": { "Labels": { "a": "b" } },
            "State": { "Running": true, "ExitCode": 0, "Health": { "Status": "starting" } },
            "NetworkSettings": { "Ports": {
                "8080/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "49153" }],
                "9090/tcp": null
            } }
        });
        let answer: ContainerInspectResponse = serde_json::from_value(answer).expect("the engine's form");
        let state = ContainerState::from(answer);
        assert_eq!(state.address(8080), Some(([127, 0, 0, 1], 49153).into()));
        assert_eq!(state.address(9090), None);
        assert_eq!((state.running, state.health), (true, Some(Health::Starting)));
    }
}

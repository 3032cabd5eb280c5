//! The connection: opens the engine that [`super::contexts`] found and asks it what it is.
//!
//! Must not know how the engine was chosen, or what it is used for.

use bollard::{API_DEFAULT_VERSION, Docker};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::contexts::{self, Address, Environment, Target};
use super::error::EngineError;
use crate::model::text;

/// Longest wait for the head of an answer, in seconds. It covers the upload of a whole build context and a build
/// step that prints nothing, so it is only there to end at some time.
const TIMEOUT_SECONDS: u64 = 6 * 60 * 60;

/// Longest wait for a ping: the header must know soon.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to a Docker Engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) docker: Docker,
    pub(super) address: Address,
    origin: Arc<Origin>,
}

/// What is told of the engine before it was asked anything.
#[derive(Debug)]
struct Origin {
    name: String,
    reason: String,
}

/// What an engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    /// `Docker Engine`, or the name of what stands in for it: `Podman Engine`.
    pub name: String,
    /// `20.10.24`.
    pub version: String,
    /// `1.41`.
    pub api_version: String,
    /// `linux/amd64`.
    pub platform: String,
}

impl Engine {
    /// Opens the engine that the environment names, or the local one. Nothing is sent yet: only [`Self::ping`]
    /// tells whether it answers. Reads small files: blocks.
    pub fn connect() -> Result<Self, EngineError> {
        Self::connect_to(None)
    }

    /// As [`Self::connect`], but an address that is given goes before everything else; it is written as in
    /// `DOCKER_HOST`: `unix:///path/to/docker.sock` or `tcp://host:port`.
    pub fn connect_to(host: Option<&str>) -> Result<Self, EngineError> {
        let environment = Environment {
            variable: &|name| std::env::var(name).ok(),
            home: std::env::home_dir(),
            exists: &Path::exists,
            read: &|path| std::fs::read_to_string(path),
        };
        Self::open(contexts::resolve(&environment, host)?)
    }

    pub(super) fn open(target: Target) -> Result<Self, EngineError> {
        let Target { name, address, reason } = target;
        let docker = match &address {
            Address::Unix(path) => {
                Docker::connect_with_unix(&path.to_string_lossy(), TIMEOUT_SECONDS, API_DEFAULT_VERSION)
            }
            Address::Tcp(authority) => Docker::connect_with_http(authority, TIMEOUT_SECONDS, API_DEFAULT_VERSION),
        }?;
        Ok(Self { docker, address, origin: Arc::new(Origin { name, reason }) })
    }

    /// The context's name, for the header: `default`, `DOCKER_HOST`, what a Docker context is called, or the address
    /// that was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.origin.name
    }

    /// Why it is this engine and no other, for a person: `default socket /var/run/docker.sock`, `DOCKER_HOST`,
    /// `Docker context colima (currentContext in ~/.docker/config.json)`. One harmless line.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.origin.reason
    }

    /// Where the engine listens, `unix:///var/run/docker.sock`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Asks the engine what it is. Fails after five seconds without an answer.
    pub async fn ping(&self) -> Result<EngineInfo, EngineError> {
        let Ok(answer) = tokio::time::timeout(PING_TIMEOUT, self.docker.version()).await else {
            return Err(EngineError::Unreachable {
                address: Some(self.host()),
                reason: format!("no answer within {} seconds", PING_TIMEOUT.as_secs()),
            });
        };
        let version = answer.map_err(|error| self.explain(error))?;
        let clean = |value: Option<String>| text::short(&value.unwrap_or_default(), 60);
        let component = version.components.and_then(|components| components.into_iter().next());
        let name = match component.map(|component| text::short(&component.name, 60)) {
            Some(name) if name != "Engine" && !name.is_empty() => name,
            _ => "Docker Engine".to_owned(),
        };
        Ok(EngineInfo {
            name,
            version: clean(version.version),
            api_version: clean(version.api_version),
            platform: format!("{}/{}", clean(version.os), clean(version.arch)),
        })
    }

    /// Classifies an error and says which engine it came from.
    pub(super) fn explain(&self, error: bollard::errors::Error) -> EngineError {
        EngineError::from(error).at(&self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn open(path: PathBuf) -> Result<Engine, EngineError> {
        Engine::open(Target { name: "default".into(), address: Address::Unix(path), reason: "test".into() })
    }

    #[test]
    fn a_socket_that_is_not_there_is_said_before_anything_is_sent() {
        let error = open("/nonexistent/docker.sock".into()).expect_err("no socket");
        assert!(matches!(&error, EngineError::NotFound { looked_at } if looked_at == &["/nonexistent/docker.sock"]));
    }

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_unreachable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docker.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let engine = open(path).unwrap();
        let error = engine.ping().await.expect_err("nobody listens");
        assert!(matches!(&error, EngineError::Unreachable { address: Some(at), .. } if at.ends_with("docker.sock")));
        assert_eq!(error.problem().title, "Docker does not answer.");
    }
}

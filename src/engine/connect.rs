//! Finding the engine and saying what is wrong when it does not answer.

use bollard::Docker;

/// A connection to a Docker Engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) docker: Docker,
    name: String,
}

/// What can go wrong with the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Anything bollard says that nothing more exact was found for.
    #[error("the Docker Engine failed: {0}")]
    Docker(#[from] bollard::errors::Error),
}

impl Engine {
    /// Connects to the engine that the environment names, or the local one.
    pub fn connect() -> Result<Self, EngineError> {
        Ok(Self { docker: Docker::connect_with_defaults()?, name: "default".into() })
    }

    /// The context's name, for the header.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

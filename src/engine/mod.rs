//! Floor 2: the Docker Engine. Finds it, builds and pushes images, runs containers.
//!
//! Knows bollard; must not know the Management API, or screens. Both the client (build, push) and the
//! server's `docker` provider (pull, run) stand on it.

mod connect;
mod containers;
mod volumes;

pub use connect::{Engine, EngineError};
pub use containers::{ContainerError, ContainerSpec, ContainerState, Health, ImageSummary, LogStream};

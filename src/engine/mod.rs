//! Floor 2: the Docker Engine. Finds it, builds and pushes images, runs containers.
//!
//! Knows bollard; must not know the Management API, or screens. Both the client (build, push) and the
//! server's `docker` provider (pull, run) stand on it.

mod advice;
mod archive;
mod build;
mod build_output;
mod buildkit;
mod classic;
mod classify;
mod connect;
mod containers;
mod context;
#[cfg(test)]
mod context_extremes;
mod context_stream;
mod contexts;
mod dockerfile;
mod error;
mod excluded;
mod expansion;
mod export;
#[cfg(test)]
mod fake;
mod fingerprint;
mod ignore;
mod images;
mod pace;
mod pattern;
mod pattern_syntax;
mod platform;
mod push;
mod push_output;
mod registry_auth;
mod request;
mod service;
mod storage;
mod volumes;

pub use advice::advise;
pub use archive::{Archive, ArchiveError, FoundLayer, LayerSource, Packing};
pub use build::{BuildRequest, BuildSecret, BuiltImage};
pub use connect::{Engine, EngineInfo};
pub use containers::{
    ArchiveStream, ChangeStream, ContainerError, ContainerSpec, ContainerState, ContainerUsage, Executed, FileState,
    Health, LogStream,
};
pub use error::{BuildErrorKind, EngineError, PushErrorKind};
pub use excluded::Sent;
pub use export::{Export, ImageLayers};
pub use fingerprint::{Fingerprint, FingerprintKey, ImageRecord, InputRecord, place};
pub use images::REGISTRY_LABEL;
pub use registry_auth::Credentials;
pub use service::ServiceSpec;

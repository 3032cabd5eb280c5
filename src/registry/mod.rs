//! Floor 2: a registry of images, as its client sees it: the part of the OCI distribution specification that a push and
//! a look before it need.
//!
//! Knows HTTP, the login at a registry, and how a layer is compressed for it. Must not know Docker, the Management API,
//! or screens.

mod answer;
mod auth;
mod client;
mod error;
pub mod gzip;
mod manifest;
#[cfg(test)]
mod tests;
mod upload;

pub use client::Client;
pub use error::RegistryError;
pub use manifest::{Descriptor, Layer, Manifest};
pub use upload::Upload;

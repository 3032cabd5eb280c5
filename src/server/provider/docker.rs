//! STAND-IN: the Docker provider is written on another branch and replaces this file at the merge.
//! Every call says that the provider is not there.

#![allow(missing_docs)]

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{AppSpec, Machine, MachineSpec, Provider, ProviderError};
use crate::engine::Engine;
use crate::model::LogEntry;

#[derive(Debug)]
pub struct DockerProvider;

impl DockerProvider {
    #[must_use]
    pub fn new(_engine: Engine, _instance: String, _registry_host: String) -> Self {
        Self
    }
}

fn absent<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, ProviderError>> {
    Box::pin(async { Err(ProviderError::Unavailable("the Docker provider is not built in".into())) })
}

impl Provider for DockerProvider {
    fn available(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        absent()
    }
    fn create_app<'a>(&'a self, _: &'a AppSpec) -> BoxFuture<'a, Result<(), ProviderError>> {
        absent()
    }
    fn create_volume<'a>(&'a self, _: &'a AppSpec) -> BoxFuture<'a, Result<String, ProviderError>> {
        absent()
    }
    fn create_machine<'a>(&'a self, _: &'a MachineSpec) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        absent()
    }
    fn find_machine<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Machine>, ProviderError>> {
        absent()
    }
    fn destroy_machine<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        absent()
    }
    fn destroy_app<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        absent()
    }
    fn logs<'a>(
        &'a self,
        _: &'a str,
        _: u32,
        _: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, LogEntry>, ProviderError>> {
        absent()
    }
    fn remove_everything(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        absent()
    }
}

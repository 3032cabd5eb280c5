//! The provider of a server that has none: says why, and does nothing.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::{AppSpec, Machine, MachineSpec, Provider, ProviderError};
use crate::model::LogEntry;

/// No provider.
#[derive(Debug, Clone)]
pub struct Offline {
    reason: String,
}

impl Offline {
    /// Says `reason` to everybody who asks for something.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    fn refuse<'a, T: Send + 'a>(&self) -> BoxFuture<'a, Result<T, ProviderError>> {
        let error = ProviderError::Unavailable(self.reason.clone());
        Box::pin(async move { Err(error) })
    }
}

impl Provider for Offline {
    fn available(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.refuse()
    }
    fn create_app<'a>(&'a self, _: &'a AppSpec) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.refuse()
    }
    fn create_volume<'a>(&'a self, _: &'a AppSpec) -> BoxFuture<'a, Result<String, ProviderError>> {
        self.refuse()
    }
    fn create_machine<'a>(&'a self, _: &'a MachineSpec) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        self.refuse()
    }
    fn find_machine<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Machine>, ProviderError>> {
        self.refuse()
    }
    fn destroy_machine<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.refuse()
    }
    fn destroy_app<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.refuse()
    }
    fn logs<'a>(
        &'a self,
        _: &'a str,
        _: u32,
        _: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, LogEntry>, ProviderError>> {
        self.refuse()
    }
    fn remove_everything(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        // Nothing was made, so nothing is left.
        Box::pin(async { Ok(()) })
    }
}

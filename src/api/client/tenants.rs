//! Tenants: looked at, changed, run, deployed and removed (protocol B.10 to B.22, B.41).

use reqwest::Method;
use serde::Serialize;

use super::{Client, Holds, readable, warn_of};
use crate::api::ApiError;
use crate::model::{
    Begun, DeployAnswer, DeployRequest, Deployment, ImageReference, RegistryToken, Tenant, TenantId, TenantStatus,
};

/// The tenants of an account, as far as they could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantList {
    /// Those that could.
    pub tenants: Vec<Tenant>,
    /// What is wrong with each of the others. Harmless text.
    pub rejected: Vec<String>,
}

/// Body of `PATCH`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Change<'a> {
    Name(&'a str),
    MemoryMb(u32),
}

impl Client {
    /// The tenants of the account.
    pub async fn tenants(&self) -> Result<TenantList, ApiError> {
        let entries: Vec<serde_json::Value> = self.get(&["tenants"], &[], Holds::Nothing).await?;
        let (tenants, rejected) = readable(entries);
        warn_of("tenant", &rejected);
        Ok(TenantList { tenants, rejected })
    }

    /// One tenant's record.
    pub async fn tenant(&self, id: &TenantId) -> Result<Tenant, ApiError> {
        self.get(&["tenants", id.as_str()], &[], Holds::Nothing).await
    }

    /// One tenant's status. Reading it does not consume the one-time credentials.
    pub async fn status(&self, id: &TenantId) -> Result<TenantStatus, ApiError> {
        self.get(&["tenants", id.as_str(), "status"], &[], Holds::Secrets).await
    }

    /// Where the tenant's image goes, and what opens that place.
    pub async fn registry_token(&self, id: &TenantId) -> Result<RegistryToken, ApiError> {
        self.get(&["tenants", id.as_str(), "registry-token"], &[], Holds::Secrets).await
    }

    /// Deploys the pushed image. Never repeated by itself.
    pub async fn deploy(&self, id: &TenantId, image: &ImageReference) -> Result<DeployAnswer, ApiError> {
        let body = DeployRequest { image: image.to_string() };
        self.post(&["tenants", id.as_str(), "deploy"], &body, Holds::Nothing).await
    }

    /// The tenant's deploys, newest first. Those that cannot be read are left out and logged.
    pub async fn deployments(&self, id: &TenantId) -> Result<Vec<Deployment>, ApiError> {
        let entries: Vec<serde_json::Value> =
            self.get(&["tenants", id.as_str(), "deployments"], &[], Holds::Nothing).await?;
        let (deployments, rejected) = readable(entries);
        warn_of("deployment", &rejected);
        Ok(deployments)
    }

    /// Calls the tenant something else. Never repeated by itself, as every change of it.
    pub async fn rename(&self, id: &TenantId, name: &str) -> Result<Tenant, ApiError> {
        self.patch(id, &Change::Name(name)).await
    }

    /// Gives its machine other memory, MB. One that runs is started again.
    pub async fn scale(&self, id: &TenantId, memory_mb: u32) -> Result<Tenant, ApiError> {
        self.patch(id, &Change::MemoryMb(memory_mb)).await
    }

    /// Stops it and keeps its data. One that is suspended already is refused (409).
    pub async fn suspend(&self, id: &TenantId) -> Result<Begun, ApiError> {
        self.tell(id, "suspend").await
    }

    /// Starts it again after that. One that is active already is refused (409).
    pub async fn activate(&self, id: &TenantId) -> Result<Begun, ApiError> {
        self.tell(id, "activate").await
    }

    /// Starts its machine again.
    pub async fn restart(&self, id: &TenantId) -> Result<Begun, ApiError> {
        self.tell(id, "restart").await
    }

    /// Tries again what failed. Refused where nothing did (409).
    pub async fn retry_provision(&self, id: &TenantId) -> Result<Begun, ApiError> {
        self.tell(id, "retry-provision").await
    }

    /// Removes it for good. False where it was gone before, which counts as done (protocol B.13). May be repeated.
    pub async fn delete(&self, id: &TenantId) -> Result<bool, ApiError> {
        match self.remove(&["tenants", id.as_str()]).await {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn patch(&self, id: &TenantId, change: &Change<'_>) -> Result<Tenant, ApiError> {
        self.change(Method::PATCH, &["tenants", id.as_str()], Some(change), Holds::Nothing).await
    }

    async fn tell(&self, id: &TenantId, order: &str) -> Result<Begun, ApiError> {
        self.order(&["tenants", id.as_str(), order], Holds::Nothing).await
    }
}

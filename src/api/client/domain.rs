//! A tenant's own domain (protocol B.38).

use serde::Serialize;

use super::{Client, Holds};
use crate::api::ApiError;
use crate::model::{CustomDomain, TenantId};

/// Body of `POST`.
#[derive(Serialize)]
struct Wanted<'a> {
    domain: &'a str,
}

impl Client {
    /// The domain, and the DNS record that it needs. Refused where there is none (404).
    pub async fn custom_domain(&self, id: &TenantId) -> Result<CustomDomain, ApiError> {
        self.get(&["tenants", id.as_str(), "custom-domain"], &[], Holds::Nothing).await
    }

    /// Gives the tenant a domain. The same once more is answered alike; another one is refused while one is set (409).
    pub async fn set_custom_domain(&self, id: &TenantId, domain: &str) -> Result<CustomDomain, ApiError> {
        self.post(&["tenants", id.as_str(), "custom-domain"], &Wanted { domain }, Holds::Nothing).await
    }

    /// Takes it away. Refused where there is none (404). May be repeated.
    pub async fn remove_custom_domain(&self, id: &TenantId) -> Result<(), ApiError> {
        self.remove(&["tenants", id.as_str(), "custom-domain"]).await
    }
}

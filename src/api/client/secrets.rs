//! A tenant's secrets and what its machine starts with (protocol B.18, B.26 to B.31). Values go out and never come back.

use reqwest::Method;
use serde::Serialize;
use std::collections::BTreeMap;

use super::{Client, Holds};
use crate::api::{ApiError, transport};
use crate::model::{Environment, Secret, SecretKeys, TenantId};

impl Client {
    /// The names of the tenant's secrets, sorted.
    pub async fn secrets(&self, id: &TenantId) -> Result<Vec<String>, ApiError> {
        let SecretKeys { keys } = self.get(&["tenants", id.as_str(), "secrets"], &[], Holds::Nothing).await?;
        Ok(keys)
    }

    /// Sets variables of the tenant; those that are not named stay. May be repeated (protocol A.5, B.28).
    pub async fn put_secrets(&self, id: &TenantId, secrets: &BTreeMap<String, Secret>) -> Result<(), ApiError> {
        self.set_secrets(id, secrets, false).await
    }

    /// The same; with `restart` a machine that runs is started again, so that it has them.
    pub async fn set_secrets(
        &self,
        id: &TenantId,
        secrets: &BTreeMap<String, Secret>,
        restart: bool,
    ) -> Result<(), ApiError> {
        self.somebody()?;
        let mut url = self.url(&["tenants", id.as_str(), "secrets"]);
        if restart {
            url.query_pairs_mut().append_pair("restart", "true");
        }
        let body = Secrets { secrets };
        self.repeated(|| async {
            let request = self.0.calls.request(Method::PUT, url.clone()).json(&body).headers(self.headers());
            let answer = request.send().await.map_err(|error| transport::failure(&url, error))?;
            tracing::debug!(path = url.path(), status = answer.status().as_u16(), "answered");
            if answer.status().is_success() {
                return Ok(());
            }
            let values = secrets.values().chain([&self.0.token]).map(Secret::reveal);
            Err(transport::refusal_of_secrets(answer, &values.collect::<Vec<_>>()).await)
        })
        .await
    }

    /// Removes a secret. One that is not there is refused (404). May be repeated.
    pub async fn delete_secret(&self, id: &TenantId, key: &str) -> Result<(), ApiError> {
        self.remove(&["tenants", id.as_str(), "secrets", key]).await
    }

    /// What the tenant's machine starts with; secret values are masked.
    pub async fn environment(&self, id: &TenantId) -> Result<Environment, ApiError> {
        self.get(&["tenants", id.as_str(), "environment"], &[], Holds::Secrets).await
    }
}

/// Body of B.28.
#[derive(Serialize)]
struct Secrets<'a> {
    #[serde(serialize_with = "expose_all")]
    secrets: &'a BTreeMap<String, Secret>,
}

fn expose_all<S: serde::Serializer>(secrets: &BTreeMap<String, Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(secrets.iter().map(|(name, value)| (name, value.reveal())))
}

//! A tenant's secrets and what its machine starts with (protocol B.18, B.26 to B.31). Values go out and never come back.

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use url::Url;

use super::{Client, Holds};
use crate::api::{ApiError, transport};
use crate::model::{Environment, Secret, SecretKeys, SecretMark, TenantId, envelope};

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
        let url = effective(self.url(&["tenants", id.as_str(), "secrets"]), restart);
        let body = Secrets { secrets };
        self.repeated(|| async {
            let request = self.0.calls.request(Method::PUT, url.clone()).json(&body);
            self.with_secrets(request, &url, secrets.values()).await.map(drop)
        })
        .await
    }

    /// Sets one secret, new or not; with `restart` a machine that runs is started again, so that it has it. Never repeated by
    /// itself.
    pub async fn set_secret(
        &self,
        id: &TenantId,
        key: &str,
        value: &Secret,
        restart: bool,
    ) -> Result<SecretMark, ApiError> {
        let url = effective(self.url(&["tenants", id.as_str(), "secrets"]), restart);
        let body = One { key: Some(key), value };
        self.marked(self.0.calls.request(Method::POST, url.clone()).json(&body), &url, value).await
    }

    /// The same for a secret that is there already; one that is not is refused (404).
    pub async fn replace_secret(
        &self,
        id: &TenantId,
        key: &str,
        value: &Secret,
        restart: bool,
    ) -> Result<SecretMark, ApiError> {
        let url = effective(self.url(&["tenants", id.as_str(), "secrets", key]), restart);
        let body = One { key: None, value };
        self.marked(self.0.calls.request(Method::PATCH, url.clone()).json(&body), &url, value).await
    }

    /// When a secret was set; its value does not come back. One that is not there is refused (404).
    pub async fn secret(&self, id: &TenantId, key: &str) -> Result<SecretMark, ApiError> {
        self.get(&["tenants", id.as_str(), "secrets", key], &[], Holds::Secrets).await
    }

    async fn marked(&self, request: RequestBuilder, url: &Url, value: &Secret) -> Result<SecretMark, ApiError> {
        let answer = self.with_secrets(request, url, [value]).await?;
        let status = answer.status().as_u16();
        let body = transport::body(answer, transport::BODY_LIMIT).await?;
        envelope::read(&body).map_err(|error| transport::unreadable(url, status, &error.to_string(), None))
    }

    /// Sends what holds these values; what comes back must not show one.
    async fn with_secrets<'a>(
        &self,
        request: RequestBuilder,
        url: &Url,
        values: impl IntoIterator<Item = &'a Secret>,
    ) -> Result<Response, ApiError> {
        let (answer, pass) = self.send(request, url).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let mut hidden = vec![pass.reveal()];
        for value in values {
            hidden.push(value.reveal());
        }
        Err(transport::refusal_of_secrets(answer, &hidden).await)
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

/// The address of a change that takes effect at once where `restart` says so.
fn effective(mut url: Url, restart: bool) -> Url {
    if restart {
        url.query_pairs_mut().append_pair("restart", "true");
    }
    url
}

/// Body of B.27 and B.30.
#[derive(Serialize)]
struct One<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(serialize_with = "expose")]
    value: &'a Secret,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn expose<S: serde::Serializer>(secret: &&Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.reveal())
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

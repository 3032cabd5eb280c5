//! The credentials of a tenant's database: replaced, fetched once, good from outside or not (protocol B.24, B.25, B.37).
//!
//! What these answers hold is in no error and no log, and neither is the one-time link.

use percent_encoding::percent_decode_str;
use reqwest::Method;
use url::Url;

use super::{Client, Holds};
use crate::api::{ApiError, transport};
use crate::model::credentials::Switch;
use crate::model::{ExternalAccess, OneTimeCredentials, Rotation, Secret, TenantId, envelope};

impl Client {
    /// Gives the tenant's database a new password; the old one is invalid at once. Each call makes another one, so it is
    /// never repeated by itself.
    pub async fn rotate_credentials(&self, id: &TenantId) -> Result<Rotation, ApiError> {
        self.order(&["tenants", id.as_str(), "rotate-credentials"], Holds::Secrets).await
    }

    /// Fetches what can be read once. `secrets_url` is the link of the tenant's status; one that leads anywhere else than
    /// to this API's place for this tenant's credentials is refused before anything is sent, because the login would
    /// travel along. Never repeated by itself: a second try would be told that somebody was there already.
    pub async fn one_time_credentials(
        &self,
        id: &TenantId,
        secrets_url: &Secret,
    ) -> Result<OneTimeCredentials, ApiError> {
        let token = self.token_of_link(id, secrets_url)?;
        let place = ["tenants", id.as_str(), "credentials"];
        // For errors and the log: the link without its token.
        let shown = self.url(&place);
        let url = self.url(&[&place[..], &[token.reveal()]].concat());
        let (answer, pass) = self.send(self.0.calls.request(Method::GET, url), &shown).await?;
        let status = answer.status();
        if !status.is_success() {
            let secrets = [token.reveal(), pass.reveal()];
            return Err(transport::refusal_of_secrets(answer, &secrets).await.at(&shown));
        }
        let body = transport::body(answer, transport::BODY_LIMIT).await.map_err(|error| error.at(&shown))?;
        envelope::read(&body).map_err(|error| transport::unreadable(&shown, status.as_u16(), &error.to_string(), None))
    }

    /// Switches whether the tenant's database can be reached from outside. May be repeated.
    pub async fn external_access(&self, id: &TenantId, enabled: bool) -> Result<ExternalAccess, ApiError> {
        let url = self.url(&["tenants", id.as_str(), "external-db-access"]);
        let request = || self.0.calls.request(Method::PUT, url.clone()).json(&Switch { enabled });
        self.repeated(|| self.call(request(), &url, Holds::Secrets)).await
    }

    /// The last part of a link that is on this API and of this tenant.
    fn token_of_link(&self, id: &TenantId, link: &Secret) -> Result<Secret, ApiError> {
        let refuse = |why| ApiError::Link { why };
        let link = Url::parse(link.reveal().trim()).map_err(|_| refuse("it is not a URL"))?;
        let place = self.url(&["tenants", id.as_str(), "credentials"]);
        if link.origin() != place.origin() || !link.username().is_empty() || link.password().is_some() {
            return Err(refuse("it leads to another server"));
        }
        let token = link.path().strip_prefix(place.path()).and_then(|rest| rest.strip_prefix('/'));
        let token = token.and_then(|raw| percent_decode_str(raw).decode_utf8().ok());
        match token {
            Some(token) if !token.is_empty() && !token.contains('/') => Ok(Secret::new(token)),
            _ => Err(refuse("it is not the place of this tenant's credentials")),
        }
    }
}

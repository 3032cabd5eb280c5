//! Where a login begins: the API says where to send the browser (protocol B.1). No token is sent, and none comes back here:
//! it comes to the callback.

use serde::Deserialize;
use std::time::Duration;
use url::Url;

use super::base::{harmless, is_loopback};
use super::{ApiError, BaseUrl, transport};
use crate::model::{Secret, envelope};

/// How long the API may take.
const LIMIT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Started {
    authorize_url: String,
}

/// Asks `base` where a login with `provider` goes on; the browser comes back to `redirect_uri`, which holds a secret word
/// and is in no error.
///
/// # Errors
/// A server that does not answer, refuses, or names an address that no browser should be sent to.
pub async fn authorize_url(base: &BaseUrl, provider: &str, redirect_uri: &Secret) -> Result<Url, ApiError> {
    let shown = base.endpoint(&["api", "v1", "auth", "oauth", provider]);
    let mut url = shown.clone();
    url.query_pairs_mut().append_pair("redirect_uri", redirect_uri.reveal());
    let client = transport::finish(transport::builder(base.url()).timeout(LIMIT))?;
    let answer = client.get(url).send().await.map_err(|error| transport::failure(&shown, error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(transport::refusal(answer, &[redirect_uri.reveal()]).await);
    }
    let body = transport::body(answer, transport::BODY_LIMIT).await?;
    let started: Started = envelope::read(&body)
        .map_err(|error| transport::unreadable(&shown, status.as_u16(), &error.to_string(), None))?;
    let target = Url::parse(started.authorize_url.trim()).ok().filter(Url::has_host);
    let refused = |why: &str| ApiError::Page { url: harmless(&shown), why: why.to_owned() };
    let target = target.ok_or_else(|| refused("it names no address for the browser"))?;
    match target.scheme() {
        "https" => Ok(target),
        "http" if is_loopback(&target) => Ok(target),
        _ => Err(refused("it sends the browser to an address that is not https")),
    }
}

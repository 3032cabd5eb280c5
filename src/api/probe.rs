//! Does an address answer? Used for a tenant's own app, which must never see the token.

use std::time::Duration;
use url::Url;

use super::base::harmless_url;
use super::{ApiError, transport};

/// How long a probe may take (protocol A.5).
const LIMIT: Duration = Duration::from_secs(5);

/// The status that a plain `GET` of `url` is answered with, within 5 s. Sends no token and follows no
/// redirect.
pub async fn probe(url: &str) -> Result<u16, ApiError> {
    let url = web_address(url)?;
    let client = transport::finish(transport::builder(&url).timeout(LIMIT))?;
    let answer = client.get(url.clone()).send().await.map_err(|error| transport::failure(&url, error))?;
    Ok(answer.status().as_u16())
}

/// `raw` as an http or https URL.
pub(super) fn web_address(raw: &str) -> Result<Url, ApiError> {
    let refuse = |why| ApiError::BaseUrl { shown: harmless_url(raw), why };
    let url = Url::parse(raw.trim()).map_err(|_| refuse("it is not a URL"))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(refuse("it is not a web address")) }
}

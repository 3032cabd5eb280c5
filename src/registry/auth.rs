//! The login at a registry: what it asks for in `WWW-Authenticate`, and the token service that it may name.
//!
//! Must not know what the login is for, beyond the repository's name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;
use std::time::Duration;
use url::Url;

use super::RegistryError;
use super::answer::{self, Place};
use crate::model::Secret;
use crate::outbound::is_loopback;

/// How long the token service may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The most of its answer that is read, bytes.
const LARGEST_TOKEN: usize = 256 * 1024;

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token of the service at `realm`.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

#[derive(Deserialize)]
struct Token {
    token: Option<Secret>,
    access_token: Option<Secret>,
}

impl Challenge {
    /// The first challenge that can be met. Basic is preferred: its answer needs nobody else.
    pub(super) fn find(headers: &HeaderMap) -> Option<Self> {
        let offered: Vec<Self> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter_map(Self::read)
            .collect();
        offered.iter().find(|one| **one == Self::Basic).or_else(|| offered.first()).cloned()
    }

    fn read(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let parameters = parameters(rest);
        let get = |name: &str| {
            parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        Some(Self::Bearer { realm: get("realm")?, service: get("service"), scope: get("scope") })
    }
}

/// `key="value"` pairs; a value in quotes may hold commas.
fn parameters(raw: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = raw;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches(|c: char| c == ',' || c.is_whitespace()).to_owned();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((key, value.trim().to_owned()));
        rest = next;
    }
    found
}

/// The header for user and password.
pub(super) fn basic(username: &str, password: &Secret) -> Option<HeaderValue> {
    let plain = Secret::new(format!("{username}:{}", password.reveal()));
    sensitive(&format!("Basic {}", STANDARD.encode(plain.reveal())))
}

/// Asks the token service for a token with which the repository can be read and written. User and password go to the
/// realm's host alone, and only over TLS or inside this machine.
pub(super) async fn bearer(
    http: &reqwest::Client,
    place: &Place,
    challenge: (&str, Option<&str>, Option<&str>),
    login: HeaderValue,
) -> Result<HeaderValue, RegistryError> {
    let (realm, service, scope) = challenge;
    let refuse = |why: &str| place.unreadable(why);
    let mut url = Url::parse(realm).map_err(|_| refuse("the address of its token service is no URL"))?;
    // A registry elsewhere must not send the password to a port of this machine.
    let is_fit = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url) && place.is_loopback;
    if !is_fit || url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("the address of its token service must begin with https://"));
    }
    let wanted = format!("repository:{}:pull,push", place.repository);
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", &wanted);
        // What it asked for beyond that: some registries have scopes of their own.
        if let Some(scope) = scope.filter(|scope| !scope.starts_with("repository:")) {
            query.append_pair("scope", scope);
        }
    }
    let request = http.get(url).header(AUTHORIZATION, login).timeout(LIMIT);
    let answer = request.send().await.map_err(|error| place.failure(error))?;
    if !answer.status().is_success() {
        return Err(match answer::refusal(answer, place).await {
            RegistryError::Refused { registry, status: 400 | 404, message, .. } => {
                RegistryError::Unauthorized { registry, message }
            }
            other => other,
        });
    }
    let body = answer::body(answer, LARGEST_TOKEN, place).await?;
    // The error of a token that cannot be read may quote it.
    let token: Token = serde_json::from_slice(&body).map_err(|_| refuse("its token service gave no token"))?;
    let token = token.token.or(token.access_token).ok_or_else(|| refuse("its token service gave no token"))?;
    sensitive(&format!("Bearer {}", token.reveal())).ok_or_else(|| refuse("its token service gave no token"))
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_in_the_forms_that_registries_use() {
        for (raw, read) in [
            ("Basic realm=\"tenantry\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            (
                r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push""#,
                Some(Challenge::Bearer {
                    realm: "https://auth.example/token".into(),
                    service: Some("registry.example".into()),
                    scope: Some("repository:a/b:pull,push".into()),
                }),
            ),
            (
                "bearer Realm=https://auth.example/token, error=\"invalid_token\"",
                Some(Challenge::Bearer { realm: "https://auth.example/token".into(), service: None, scope: None }),
            ),
            ("Bearer service=\"x\"", None),
            ("Digest realm=\"x\"", None),
            ("", None),
        ] {
            assert_eq!(Challenge::read(raw), read, "{raw}");
        }
    }

    #[test]
    fn the_simple_login_is_preferred() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"https://a.example\""));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"x\""));
        assert_eq!(Challenge::find(&headers), Some(Challenge::Basic));
        assert_eq!(Challenge::find(&HeaderMap::new()), None);
    }

    #[test]
    fn a_login_does_not_show_itself() {
        let header = basic("x", &Secret::new("hunter2")).unwrap();
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(basic("x", &Secret::new("\u{0}\n")).map(|header| header.is_sensitive()), Some(true));
    }
}

//! What every answer of a registry has in common: how much of it is read, and how a failure becomes an error that tells
//! no secret.
//!
//! Must not know single endpoints.

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use url::Url;

use super::RegistryError;
use crate::model::{Secret, text};
use crate::outbound::{barrier, cause};

/// The most of a refusal that is read, bytes.
const LARGEST_REFUSAL: usize = 64 * 1024;
/// The most of a registry's words that an error shows, characters.
const SHOWN: usize = 300;

/// Which registry, for errors, and what must never be shown of it.
#[derive(Debug)]
pub(super) struct Place {
    /// Host and port.
    pub(super) registry: String,
    /// The repository below it.
    pub(super) repository: String,
    /// True where the registry runs on this machine.
    pub(super) is_loopback: bool,
    /// Blotted out should the registry echo it.
    pub(super) password: Secret,
}

impl Place {
    pub(super) fn unreadable(&self, why: impl AsRef<str>) -> RegistryError {
        RegistryError::Unreadable { registry: self.registry.clone(), why: self.clean(why.as_ref()) }
    }

    pub(super) fn unreachable(&self, cause: impl AsRef<str>) -> RegistryError {
        RegistryError::Unreachable { registry: self.registry.clone(), cause: self.clean(cause.as_ref()) }
    }

    pub(super) fn failure(&self, error: reqwest::Error) -> RegistryError {
        let is_timeout = error.is_timeout();
        let barrier = error.url().and_then(|url| barrier(url, &error));
        let cause = cause(&error.without_url());
        match barrier {
            None if is_timeout => self.unreachable("no answer in time"),
            None => self.unreachable(cause),
            Some(barrier) => {
                RegistryError::Barred { registry: self.registry.clone(), barrier, cause: self.clean(&cause) }
            }
        }
    }

    fn clean(&self, raw: &str) -> String {
        let password = self.password.reveal();
        if password.is_empty() {
            text::short(raw, SHOWN)
        } else {
            text::short(&raw.replace(password, "••••"), SHOWN)
        }
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    code: String,
    #[serde(default)]
    message: String,
}

/// The error for an answer that is no success.
pub(super) async fn refusal(mut response: Response, place: &Place) -> RegistryError {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // A body that breaks off does not change the answer.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = LARGEST_REFUSAL - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == LARGEST_REFUSAL {
            break;
        }
    }
    let first = serde_json::from_slice::<Errors>(&body).ok().and_then(|errors| errors.errors.into_iter().next());
    let code = first.as_ref().map(|entry| place.clean(&entry.code)).unwrap_or_default();
    let message = match first {
        Some(entry) if entry.message.is_empty() => code.clone(),
        Some(entry) => place.clean(&entry.message),
        None => match response.status().canonical_reason() {
            Some(reason) => reason.to_lowercase(),
            None => "it gave no reason".to_owned(),
        },
    };
    let registry = place.registry.clone();
    match status {
        401 => RegistryError::Unauthorized { registry, message },
        403 => RegistryError::Denied { registry, message },
        _ => RegistryError::Refused { registry, status, code, message },
    }
}

/// The body, or an error as soon as it grows beyond `limit` bytes.
pub(super) async fn body(mut response: Response, limit: usize, place: &Place) -> Result<Vec<u8>, RegistryError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| place.failure(error))? {
        if body.len() + chunk.len() > limit {
            return Err(place.unreadable(format!("it is larger than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A login page of a network in between, or a proxy's, is a success to HTTP and none to us.
pub(super) fn no_web_page(response: Response, place: &Place) -> Result<Response, RegistryError> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.trim_start().to_ascii_lowercase().starts_with("text/html") {
        return Err(place.unreadable("it is a web page; something between here and the registry answers"));
    }
    Ok(response)
}

/// The port is part of it: another port is another program.
pub(super) fn is_same_place(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

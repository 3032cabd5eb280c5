//! The address of a Management API; `outbound` decides where a token may be sent.
//!
//! This module must not know requests or tokens.

use std::fmt;
use url::Url;

use super::ApiError;
use crate::model::text;
use crate::outbound;
pub(super) use crate::outbound::{harmless, is_loopback};

/// Longest part of a refused address that an error shows, in characters.
const SHOWN: usize = 120;

/// A base URL without trailing slash: `https`, or `http` for a loopback host alone, because the token
/// travels with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Checks and keeps `raw`. Refuses user info, query and fragment; a path is kept, so that an API may
    /// live below one.
    pub fn parse(raw: &str) -> Result<Self, ApiError> {
        let raw = raw.trim();
        let refused = |why| ApiError::BaseUrl { shown: harmless_url(raw), why };
        outbound::address(raw).map(Self).map_err(refused)
    }

    /// The URL of an endpoint. Each segment is percent-encoded, so none can leave its place.
    #[must_use]
    pub fn endpoint(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// True where the API runs on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The URL itself.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = ApiError;
    fn from_str(raw: &str) -> Result<Self, ApiError> {
        Self::parse(raw)
    }
}

/// The same for text that may be no URL at all.
pub(super) fn harmless_url(raw: &str) -> String {
    if let Ok(url) = Url::parse(raw)
        && url.has_host()
    {
        return harmless(&url);
    }
    let plain = raw.split(['?', '#']).next().unwrap_or_default();
    text::short(plain.rsplit('@').next().unwrap_or_default(), SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_http_are_taken_without_their_slash() {
        for (raw, shown) in [
            ("https://api.systemprompt.io", "https://api.systemprompt.io"),
            (" https://api.systemprompt.io/ ", "https://api.systemprompt.io"),
            ("https://h.example:8443/cloud//", "https://h.example:8443/cloud"),
            ("http://localhost:9400", "http://localhost:9400"),
            ("http://LOCALHOST/", "http://localhost"),
            ("http://127.8.0.1:1/", "http://127.8.0.1:1"),
            ("http://[::1]:9400/", "http://[::1]:9400"),
        ] {
            assert_eq!(BaseUrl::parse(raw).map(|base| base.to_string()).ok().as_deref(), Some(shown), "{raw}");
        }
    }

    #[test]
    fn places_that_a_token_must_not_go_to_are_refused() {
        for raw in [
            "",
            "api.systemprompt.io",
            "http://api.systemprompt.io",
            "http://128.0.0.1",
            "http://localhost.evil.example",
            "http://[::2]",
            "ftp://localhost",
            "file:///etc/passwd",
            "https://",
            "https://user@h.example",
            "https://user:hunter2@h.example",
            "https://h.example/?key=hunter2",
            "https://h.example/#hunter2",
            "http://127.0.0.1@evil.example/",
            "no url, user:hunter2@\u{1b}[2Jh",
        ] {
            let error = BaseUrl::parse(raw).expect_err(raw);
            let shown = format!("{error} {:?} {}", error, error.problem());
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.chars().all(|c| !c.is_control()), "{shown}");
        }
    }

    #[test]
    fn segments_stay_in_their_place() {
        for raw in ["https://h.example", "https://h.example/cloud/"] {
            let base = BaseUrl::parse(raw).expect("a base");
            let url = base.endpoint(&["api", "v1", "a/../b?c#d"]);
            assert_eq!(url.as_str(), format!("{base}/api/v1/a%2F..%2Fb%3Fc%23d"));
        }
    }
}

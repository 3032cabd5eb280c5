//! How this program reaches web addresses that it sends a secret to: what `api` and `registry`, which may not know each
//! other, have in common.
//!
//! Must not know what is asked for there.

use reqwest::{ClientBuilder, redirect};
use std::time::Duration;
use url::{Host, Url};

use crate::model::text;

/// How long a connection may take to come about (protocol A.5).
const CONNECT: Duration = Duration::from_secs(10);
/// Longest part of an address that an error shows, in characters.
const SHOWN: usize = 120;
/// The most of a cause that is kept, characters.
const WORDS: usize = 200;

/// A client for one place. Redirects are never followed: the secret would travel along.
pub(crate) fn builder(place: &Url) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tenantry/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        // Reading the certificates of the machine takes its time, and plain http needs none.
        .tls_built_in_root_certs(place.scheme() == "https");
    // A proxy of the environment must not see what is meant for this machine.
    if is_loopback(place) { builder.no_proxy() } else { builder }
}

/// The innermost cause says most: "Connection refused", not "error sending request".
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    text::short(&cause.to_string(), WORDS)
}

/// True for `localhost`, `127.0.0.0/8` and `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A URL as an error may show it: without user info, query and fragment, which may be secret.
pub(crate) fn harmless(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails for URLs that cannot have user info; those have none to remove.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    text::short(url.as_str().trim_end_matches('/'), SHOWN)
}

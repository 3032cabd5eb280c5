//! How this program reaches web addresses that it sends a secret to, and which those may be: what `api`, `registry` and
//! `settings`, which may not know each other, have in common.
//!
//! Must not know what is asked for there.

mod network;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{ClientBuilder, redirect};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

pub use network::{Network, NetworkError, ProxySetting, use_network};

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
        .dns_resolver(Arc::new(Localhost))
        // Reading the certificates of the machine takes its time, and plain http needs none.
        .tls_built_in_root_certs(place.scheme() == "https");
    network::network().apply(builder, place)
}

/// Why no connection came about, where there is more to say than that nobody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barrier {
    /// The proxy.
    Proxy {
        /// Its address.
        address: String,
        /// What is wrong with it.
        fault: ProxyFault,
    },
    /// The certificate of the other side was made by somebody who is not known here.
    UnknownIssuer,
    /// It is no good for another reason.
    Certificate,
}

/// What is wrong with a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// It does not answer, or hung up.
    Away,
    /// It did not answer in time.
    Silent,
    /// It said no, or wants another login.
    Refused,
}

impl Barrier {
    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Proxy { .. } => {
                "Check `proxy` in the configuration, or HTTPS_PROXY and NO_PROXY in the environment; a proxy that wants a \
                 login has it in its address."
            }
            Self::UnknownIssuer => {
                "Where a company or a proxy signs it, set `ca_file` in the configuration to the issuer's certificate (PEM). \
                 Otherwise somebody is in between: do not go on."
            }
            Self::Certificate => {
                "Check the address, and the clock of this machine; otherwise the server must get another one."
            }
        }
    }
}

/// What stood in the way of a request to `place`; `None` where all that is known is the [`cause`].
pub(crate) fn barrier(place: &Url, error: &reqwest::Error) -> Option<Barrier> {
    let cause = cause(error);
    if cause.contains("invalid peer certificate") {
        // The last one is an issuer that has the name of one that is known.
        let is_unknown = ["UnknownIssuer", "CaUsedAsEndEntity", "BadSignature"].iter().any(|word| cause.contains(word));
        return Some(if is_unknown { Barrier::UnknownIssuer } else { Barrier::Certificate });
    }
    if !error.is_connect() {
        return None;
    }
    let address = network::network().proxy(place)?;
    let fault = match cause.strip_prefix("tunnel error: ") {
        // So the client says that it was any other answer than 200. It tells no more of it.
        Some("unsuccessful" | "proxy authorization required") => ProxyFault::Refused,
        _ if error.is_timeout() => ProxyFault::Silent,
        _ => ProxyFault::Away,
    };
    Some(Barrier::Proxy { address, fault })
}

/// The innermost cause says most: "Connection refused", not "error sending request".
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    text::short(&cause.to_string(), WORDS)
}

/// An address that a token may be sent to, without trailing slash: `https`, or `http` for a loopback host alone. No user
/// info, query or fragment; a path is kept, so that an API may live below one. Else why it is none, to be told behind it.
pub(crate) fn address(raw: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(raw.trim()).map_err(|_| "it is not a URL")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("http is allowed for this machine only; use https"),
        _ => return Err("it must begin with https://"),
    }
    if url.host().is_none() {
        return Err("it names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must not hold a query or fragment");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// True for `localhost`, every name below it, `127.0.0.0/8` and `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// True for `localhost` and every name below it (RFC 6761, 6.3).
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Finds names below `localhost` on this machine, whatever the system's resolver thinks of them; all others as usual.
/// What [`is_loopback`] calls this machine so cannot be made another one by a DNS server.
#[derive(Debug, Clone, Copy)]
pub struct Localhost;

impl Resolve for Localhost {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            if is_localhost(&name) {
                // Tenants are below it, and only there; what is at the name itself may listen on either.
                let only_v4 = name.contains('.');
                let all = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
                let here = all.into_iter().take(if only_v4 { 1 } else { 2 }).map(|ip| SocketAddr::from((ip, 0)));
                return Ok(Box::new(here) as Addrs);
            }
            let found = tokio::net::lookup_host((name, 0)).await?.collect::<Vec<_>>();
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_below_localhost_are_this_machine_and_names_that_look_like_it_are_not() {
        for (raw, here) in [
            ("http://localhost", true),
            ("http://LOCALHOST:80/x", true),
            ("http://3f6c1b8e52d4.localhost:9400", true),
            ("http://a.b.LocalHost./", true),
            ("http://127.0.0.1", true),
            ("http://localhost.evil.example", false),
            ("http://evillocalhost", false),
            ("http://a.localhost.evil.example", false),
            ("http://user.localhost@evil.example", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(raw).expect("a URL")), here, "{raw}");
        }
        let name = "3f6c1b8e52d4.localhost".parse().expect("a name");
        let found: Vec<SocketAddr> = Localhost.resolve(name).await.expect("found").collect();
        assert_eq!(found, [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]);
    }
}

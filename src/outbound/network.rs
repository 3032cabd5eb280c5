//! The way to addresses that are not on this machine: through which proxy, and whose certificates count. Set once for the
//! process when it is known where somebody works; until then, and where nothing is set, the environment says it
//! (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`, `SSL_CERT_DIR`), as for other programs.
//!
//! Must not know files: certificates come here as text.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, ClientBuilder, NoProxy};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use url::Url;

use super::{harmless, is_loopback};
use crate::model::Secret;

/// What a proxy's address may begin with.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Through which proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxySetting {
    /// None, whatever the environment says.
    None,
    /// One was written, and cannot be read: no address that is not on this machine is reached, neither directly nor through
    /// the environment's.
    Unreadable,
    /// This one, but for what `NO_PROXY` of the environment names.
    At {
        /// The address without user name and password.
        shown: String,
        /// The address.
        url: Secret,
    },
}

impl ProxySetting {
    /// Reads `none`, or the address of a proxy: `http`, `https`, `socks5` (names are resolved here) or `socks5h` (by the
    /// proxy), host, port, and a user name and password where it wants them.
    ///
    /// # Errors
    /// What is wrong, to be told behind the setting's name; without the value, which may hold a password.
    pub fn read(raw: &str) -> Result<Self, &'static str> {
        let raw = raw.trim();
        if raw == "none" {
            return Ok(Self::None);
        }
        let url = Url::parse(raw).map_err(|_| "must be the address of a proxy, http://host:port, or \"none\"")?;
        if !SCHEMES.contains(&url.scheme()) || !url.has_host() {
            return Err("must begin with http://, https://, socks5:// or socks5h://, or be \"none\"");
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("must end behind the port: http://host:port");
        }
        Ok(Self::At { shown: harmless(&url), url: Secret::new(raw) })
    }
}

/// What is wrong with a way, to be told behind its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkError {
    /// The proxy's address cannot be used.
    Proxy(&'static str),
    /// The certificates are none.
    Certificates(&'static str),
}

/// Nothing answers at it.
const NOWHERE: &str = "http://127.0.0.1:0";

/// The way there.
#[derive(Clone, Default)]
pub struct Network {
    /// The proxy; `None` where the environment says it.
    proxy: Option<ProxySetting>,
    /// The same for the client.
    way: Option<reqwest::Proxy>,
    /// Certificates that count beside the machine's own.
    certificates: Vec<Certificate>,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let certificates = self.certificates.len();
        f.debug_struct("Network")
            .field("proxy", &self.proxy)
            .field("certificates", &certificates)
            .finish_non_exhaustive()
    }
}

impl Network {
    /// With this proxy, and with the certificates in `pem` beside the machine's own.
    ///
    /// # Errors
    /// What is wrong with the certificates, or with the proxy.
    pub fn new(proxy: Option<ProxySetting>, pem: Option<&[u8]>) -> Result<Self, NetworkError> {
        let unreadable = |_| NetworkError::Certificates("it is no PEM with certificates");
        let certificates = match pem {
            Some(pem) => Certificate::from_pem_bundle(pem).map_err(unreadable)?,
            None => Vec::new(),
        };
        if pem.is_some() && certificates.is_empty() {
            return Err(NetworkError::Certificates("there is no certificate in it"));
        }
        let through =
            |raw: &str| reqwest::Proxy::all(raw).map_err(|_| NetworkError::Proxy("its address cannot be used"));
        let way = match &proxy {
            Some(ProxySetting::At { url, .. }) => Some(through(url.reveal())?),
            Some(ProxySetting::Unreadable) => Some(through(NOWHERE)?),
            Some(ProxySetting::None) | None => None,
        };
        Ok(Self { proxy, way, certificates })
    }

    /// Has clients for `place` go this way.
    pub(super) fn apply(&self, mut builder: ClientBuilder, place: &Url) -> ClientBuilder {
        if place.scheme() == "https" {
            for certificate in &self.certificates {
                builder = builder.add_root_certificate(certificate.clone());
            }
        }
        match (&self.proxy, &self.way) {
            // A proxy must not see what is meant for this machine.
            _ if is_loopback(place) => builder.no_proxy(),
            // What is excepted from a proxy that is not known is not known either.
            (Some(ProxySetting::Unreadable), Some(nowhere)) => builder.proxy(nowhere.clone()),
            (_, Some(way)) => builder.proxy(way.clone().no_proxy(NoProxy::from_env())),
            (Some(_), None) => builder.no_proxy(),
            (None, None) => builder,
        }
    }

    /// The proxy that `place` is reached through, without user name and password.
    pub(super) fn proxy(&self, place: &Url) -> Option<String> {
        static ENVIRONMENT: LazyLock<Matcher> = LazyLock::new(Matcher::from_env);
        if is_loopback(place) {
            return None;
        }
        let target = place.as_str().parse().ok()?;
        match &self.proxy {
            None => {
                let found = ENVIRONMENT.intercept(&target)?;
                Some(Url::parse(&found.uri().to_string()).map_or_else(|_| "the proxy".to_owned(), |url| harmless(&url)))
            }
            Some(ProxySetting::None) => None,
            Some(ProxySetting::Unreadable) => Some("(unreadable)".to_owned()),
            Some(ProxySetting::At { shown, .. }) => {
                let exceptions = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
                let some = Matcher::builder().all("http://proxy").no(exceptions.unwrap_or_default()).build();
                some.intercept(&target).map(|_| shown.clone())
            }
        }
    }
}

static NETWORK: RwLock<Option<Arc<Network>>> = RwLock::new(None);

/// From now on the process goes this way. Clients that were made before keep theirs.
pub fn use_network(network: Network) {
    *NETWORK.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(network));
}

/// The way that the process goes.
pub(super) fn network() -> Arc<Network> {
    NETWORK.read().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_and_its_password_is_never_shown() {
        for (raw, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://mara:hunter2@proxy.example:3128/", "http://proxy.example:3128"),
            (" socks5h://proxy.example:1080 ", "socks5h://proxy.example:1080"),
        ] {
            let read = ProxySetting::read(raw).expect(raw);
            assert!(matches!(&read, ProxySetting::At { shown: kept, .. } if kept == shown), "{read:?}");
            let network = Network::new(Some(read), None).expect("a network");
            assert!(!format!("{network:?}").contains("hunter2"));
            let place = Url::parse("https://cloud.example").expect("a URL");
            assert_eq!(network.proxy(&place).as_deref(), Some(shown));
            assert_eq!(network.proxy(&Url::parse("http://a.localhost:1").expect("a URL")), None);
        }
        assert_eq!(ProxySetting::read("none"), Ok(ProxySetting::None));
        for raw in ["", "proxy.example", "proxy.example:3128", "ftp://p:1", "http://p:1/x?hunter2", "socks4://p:1"] {
            let why = ProxySetting::read(raw).expect_err(raw);
            assert!(!why.contains("hunter2"));
        }
    }

    #[test]
    fn what_holds_no_certificate_is_refused() {
        for pem in ["", "hunter2", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(Network::new(None, Some(pem.as_bytes())).is_err(), "{pem}");
        }
    }
}

//! Under which names and URLs the tenants of this server answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use url::{Host, Url};

use super::super::settings::DoorSettings;
use crate::model::TenantId;

/// The names below which no custom domain can be, beside the server's own.
const RESERVED: [&str; 5] = ["systemprompt.io", "localhost", "local", "internal", "invalid"];

/// How names are made.
#[derive(Debug, Clone)]
pub struct Addresses {
    scheme: String,
    domain: String,
    port: Option<u16>,
    api_host: Option<String>,
    public_address: Ipv4Addr,
}

impl Addresses {
    /// For a server whose tenants are reached at `door`, unless the settings say how they are reached from outside.
    #[must_use]
    pub fn new(settings: &DoorSettings, door: SocketAddr) -> Self {
        let public = settings.public_url.as_ref();
        let listens = match door.ip() {
            IpAddr::V4(ip) if !ip.is_unspecified() => ip,
            _ => Ipv4Addr::LOCALHOST,
        };
        Self {
            scheme: public.map_or("http", Url::scheme).to_owned(),
            domain: settings.tenant_domain.clone(),
            port: match public {
                Some(url) => url.port(),
                None => Some(door.port()).filter(|port| *port != 80),
            },
            api_host: public.and_then(|url| match url.host() {
                Some(Host::Domain(name)) => Some(name.to_ascii_lowercase()),
                _ => None,
            }),
            public_address: settings.public_address.unwrap_or(listens),
        }
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The tenant's host name: `<short>.<domain>`.
    #[must_use]
    pub fn host(&self, tenant: &TenantId) -> String {
        format!("{}.{}", tenant.short(), self.domain)
    }

    /// The same with the port where it is not the usual one.
    #[must_use]
    pub fn hostname(&self, tenant: &TenantId) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host(tenant)),
            None => self.host(tenant),
        }
    }

    /// The tenant's URL.
    #[must_use]
    pub fn url(&self, tenant: &TenantId) -> String {
        format!("{}://{}", self.scheme, self.hostname(tenant))
    }

    /// True where somebody in front of this server ends TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.scheme == "https"
    }

    /// What the `A` record of a bare custom domain holds.
    #[must_use]
    pub fn public_address(&self) -> Ipv4Addr {
        self.public_address
    }

    /// True for a name that is the platform's own or below one, and so nobody's custom domain.
    #[must_use]
    pub fn is_own(&self, name: &str) -> bool {
        let own = RESERVED.iter().copied().chain([self.domain.as_str()]).chain(self.api_host.as_deref());
        own.into_iter().any(|own| name == own || below(name, own).is_some())
    }

    /// True for the name of the API itself.
    pub(super) fn is_api(&self, name: &str) -> bool {
        name == self.domain || self.api_host.as_deref() == Some(name)
    }

    /// What stands before the tenants' domain: a short name, or more that no tenant has.
    pub(super) fn label<'a>(&self, name: &'a str) -> Option<&'a str> {
        below(name, &self.domain)
    }
}

fn below<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    name.strip_suffix(domain)?.strip_suffix('.').filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::new("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15").expect("valid")
    }

    #[test]
    fn a_server_on_this_machine_names_its_own_port() {
        let addresses = Addresses::new(&DoorSettings::default(), SocketAddr::from(([127, 0, 0, 1], 9400)));
        assert_eq!(addresses.hostname(&tenant()), "3f6c1b8e52d4.localhost:9400");
        assert_eq!(addresses.url(&tenant()), "http://3f6c1b8e52d4.localhost:9400");
        assert!(addresses.is_api("localhost") && !addresses.is_api("x.localhost"));
        assert_eq!(addresses.label("3f6c1b8e52d4.localhost"), Some("3f6c1b8e52d4"));
        for other in ["localhost", ".localhost", "a.localhost.evil", "evillocalhost", "a.localhosts"] {
            assert_eq!(addresses.label(other), None, "{other}");
        }
    }

    #[test]
    fn a_hosted_server_names_what_is_seen_from_outside() {
        let settings = DoorSettings {
            tenant_domain: "tenants.example.org".into(),
            public_url: Url::parse("https://API.example.org").ok(),
            public_address: Some(Ipv4Addr::new(192, 0, 2, 7)),
            ..DoorSettings::default()
        };
        let addresses = Addresses::new(&settings, SocketAddr::from(([0, 0, 0, 0], 8080)));
        assert_eq!(addresses.url(&tenant()), "https://3f6c1b8e52d4.tenants.example.org");
        assert_eq!(addresses.hostname(&tenant()), "3f6c1b8e52d4.tenants.example.org");
        assert_eq!(addresses.public_address(), Ipv4Addr::new(192, 0, 2, 7));
        assert!(addresses.is_api("api.example.org"));
        for own in ["api.example.org", "x.tenants.example.org", "tenants.example.org", "a.b.systemprompt.io"] {
            assert!(addresses.is_own(own), "{own}");
        }
        assert!(!addresses.is_own("app.orchard.example") && !addresses.is_own("systemprompt.io.example"));
    }
}

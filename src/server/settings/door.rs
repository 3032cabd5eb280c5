//! Under which addresses tenants answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use url::Url;

/// See the module.
#[derive(Debug, Clone)]
pub struct DoorSettings {
    /// A listener for tenants alone; where absent, they are served at the API's.
    pub listen: Option<SocketAddr>,
    /// Tenants answer at `<short>.<tenant_domain>`; lower-case.
    pub tenant_domain: String,
    /// How the API is reached from outside; its scheme and port are the tenants' too.
    pub public_url: Option<Url>,
    /// Ingresses in front of this server whose word about the caller counts.
    pub ingress: Vec<IpAddr>,
    /// What the `A` record of a bare custom domain holds; the listener's address where absent.
    pub public_address: Option<Ipv4Addr>,
    /// Where custom domains are looked up; as the system does where absent.
    pub dns_server: Option<SocketAddr>,
    /// How often custom domains that do not lead here yet are looked up.
    pub domain_check: Duration,
    /// How long nothing may move in a request, a stream or an upgraded connection.
    pub idle: Duration,
    /// How long requests to a machine that was replaced may take to end.
    pub drain: Duration,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            listen: None,
            tenant_domain: "localhost".into(),
            public_url: None,
            ingress: Vec::new(),
            public_address: None,
            dns_server: None,
            domain_check: Duration::from_secs(30),
            idle: Duration::from_mins(10),
            drain: Duration::from_secs(30),
        }
    }
}

//! Under which addresses tenants answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use url::Url;

use crate::model::Problem;
use crate::server::Settings;

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Tenants")]
pub(in crate::cli) struct DoorFlags {
    /// A listener for tenants alone; where absent, the API's own serves them by their host names.
    #[arg(long, value_name = "ADDRESS", env = "TENANTRY_DOOR")]
    door: Option<SocketAddr>,
    /// Tenants answer at SHORT.DOMAIN. [default: localhost]
    #[arg(long, value_name = "DOMAIN", env = "TENANTRY_TENANT_DOMAIN", value_parser = domain)]
    tenant_domain: Option<String>,
    /// How the API is reached from outside, `https://api.example.org`, where something in front of it ends TLS; scheme and
    /// port are the tenants' too.
    #[arg(long, value_name = "URL", env = "TENANTRY_PUBLIC_URL", value_parser = public_url)]
    public_url: Option<Url>,
    /// The address of a proxy in front of this server whose X-Forwarded headers are believed.
    #[arg(long, value_name = "IP", env = "TENANTRY_INGRESS", value_delimiter = ',')]
    ingress: Vec<IpAddr>,
    /// What the A record of a bare custom domain holds.
    #[arg(long, value_name = "IPV4", env = "TENANTRY_PUBLIC_ADDRESS")]
    public_address: Option<Ipv4Addr>,
    /// Where custom domains are looked up; as the system does where absent.
    #[arg(long, value_name = "ADDRESS", env = "TENANTRY_DNS_SERVER")]
    dns_server: Option<SocketAddr>,
    /// How long requests to a machine that was replaced may take to end. [default: 30]
    #[arg(long, value_name = "SECONDS", env = "TENANTRY_MACHINE_DRAIN")]
    machine_drain: Option<u64>,
}

impl DoorFlags {
    /// Takes over what was given.
    #[allow(clippy::unnecessary_wraps, reason = "the same form as the other parts")]
    pub(super) fn apply(self, settings: &mut Settings) -> Result<(), Problem> {
        let door = &mut settings.door;
        door.listen = self.door;
        door.tenant_domain = self.tenant_domain.unwrap_or_else(|| std::mem::take(&mut door.tenant_domain));
        door.public_url = self.public_url;
        door.ingress = self.ingress;
        door.public_address = self.public_address;
        door.dns_server = self.dns_server;
        door.drain = self.machine_drain.map_or(door.drain, Duration::from_secs);
        Ok(())
    }
}

fn domain(raw: &str) -> Result<String, String> {
    let domain = raw.trim().trim_end_matches('.').to_ascii_lowercase();
    let fits =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if domain.split('.').all(fits) && domain.parse::<IpAddr>().is_err() {
        return Ok(domain);
    }
    Err("it is no domain".into())
}

fn public_url(raw: &str) -> Result<Url, String> {
    let url = Url::parse(raw.trim()).map_err(|error| error.to_string())?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.path() == "/" {
        return Ok(url);
    }
    Err("it must have the form https://host, without a path".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_are_taken() {
        assert_eq!(domain("Example.ORG."), Ok("example.org".into()));
        for bad in ["", "a b", "*.example.org", "example.org:80", "127.0.0.1", "a..b"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
        assert!(public_url("https://api.example.org:8443/").is_ok());
        for bad in
            ["api.example.org", "ftp://api.example.org", "https://api.example.org/x", "https://u@api.example.org"]
        {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }
}

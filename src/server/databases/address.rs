//! The addresses that are handed out: as machines reach a database, and as people outside do (protocol A.1).

use url::Url;

use super::{DatabaseError, Names};
use crate::model::Secret;

/// What stands in an address instead of a password.
pub const MASK: &str = "********";
/// Port of a Postgres server.
const PORT: u16 = 5432;

/// Hosts and how they are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `host:port` for machines.
    pub inside: String,
    /// `sslmode` for machines.
    pub inside_ssl: &'static str,
    /// `host:port` for everybody else.
    pub outside: String,
    /// From outside another role logs in.
    pub own_outside_role: bool,
}

impl Address {
    /// For machines.
    #[must_use]
    pub fn inside(&self, names: &Names, password: &Secret) -> Secret {
        url(&names.role, password, &self.inside, &names.database, self.inside_ssl)
    }

    /// For everybody else.
    #[must_use]
    pub fn outside(&self, names: &Names, password: &Secret) -> Secret {
        let role = if self.own_outside_role { names.outside_role() } else { names.role.clone() };
        url(&role, password, &self.outside, &names.database, "require")
    }
}

fn url(role: &str, password: &Secret, host: &str, database: &str, ssl: &str) -> Secret {
    Secret::new(format!("postgres://{role}:{}@{host}/{database}?sslmode={ssl}", password.reveal()))
}

/// The password in an address that this server made.
#[must_use]
pub fn password_of(url: &Secret) -> Option<Secret> {
    Url::parse(url.reveal()).ok()?.password().map(Secret::new)
}

/// Checks `host` or `host:port`; answers it with a port.
pub(super) fn host_and_port(raw: &str) -> Result<String, DatabaseError> {
    let wrong = DatabaseError::Address("a host is written HOST or HOST:PORT");
    // Read as a part of an address, because it becomes one.
    let Ok(url) = Url::parse(&format!("postgres://{raw}/x")) else { return Err(wrong) };
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/x" && url.query().is_none();
    match url.host_str() {
        Some(host) if plain && !host.is_empty() && url.fragment().is_none() => {
            Ok(format!("{host}:{}", url.port().unwrap_or(PORT)))
        }
        _ => Err(wrong),
    }
}

/// True for an address that leads to the machine on which it is used.
pub(super) fn is_loopback(host_and_port: &str) -> bool {
    let host = host_and_port.rsplit_once(':').map_or(host_and_port, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_gets_its_port_and_nothing_else() {
        for (raw, read) in [
            ("db.example", "db.example:5432"),
            ("db.example:6000", "db.example:6000"),
            ("172.17.0.1:1", "172.17.0.1:1"),
            ("[::1]", "[::1]:5432"),
        ] {
            assert_eq!(host_and_port(raw).ok().as_deref(), Some(read));
        }
        for raw in ["", ":5432", "u:p@host", "host/other", "host?x=1", "host#x", "a b"] {
            assert!(host_and_port(raw).is_err(), "{raw}");
        }
        assert!(is_loopback("127.0.0.1:5432") && is_loopback("[::1]:5432") && is_loopback("localhost:1"));
        assert!(!is_loopback("172.17.0.1:5432") && !is_loopback("db.localhost.example:5432"));
    }

    #[test]
    fn addresses_are_those_of_the_protocol() {
        let names = Names { tenant: "t".into(), database: "site_a".into(), role: "tenant_a".into() };
        let mut address = Address {
            inside: "in:5432".into(),
            inside_ssl: "disable",
            outside: "out:5432".into(),
            own_outside_role: false,
        };
        let password = Secret::new("pw");
        assert_eq!(address.inside(&names, &password).reveal(), "postgres://tenant_a:pw@in:5432/site_a?sslmode=disable");
        let outside = address.outside(&names, &password);
        assert_eq!(outside.reveal(), "postgres://tenant_a:pw@out:5432/site_a?sslmode=require");
        assert_eq!(password_of(&outside).expect("a password").reveal(), "pw");
        address.own_outside_role = true;
        assert!(address.outside(&names, &password).reveal().starts_with("postgres://tenant_a_ext:pw@out"));
    }
}

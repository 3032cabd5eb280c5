//! Which names may be a tenant's own, and the record that makes one lead here.

use url::Host;

use crate::model::{DnsRecord, TenantId};
use crate::server::door::Addresses;
use crate::server::error::Failure;

/// How long the record may be remembered, seconds.
const TTL: u32 = 300;
/// Second levels below which names are given away, as in `orchard.co.uk`.
const SECOND_LEVELS: [&str; 8] = ["ac", "co", "com", "edu", "gov", "ne", "net", "org"];

/// The name in the one form in which it is kept: lower-case, punycode, without final dot.
pub fn checked(addresses: &Addresses, raw: &str) -> Result<String, Failure> {
    let refuse = |why: &str| Failure::validation(format!("the domain {why}"));
    let raw = raw.trim();
    let raw = raw.strip_suffix('.').unwrap_or(raw);
    // The reader of hosts would decode these.
    if raw.is_empty() || raw.len() > 1000 || raw.contains(|c: char| c.is_whitespace() || "%/:@?#[]*\\".contains(c)) {
        return Err(refuse("must be a plain name such as app.orchard.example"));
    }
    let Ok(Host::Domain(name)) = Host::parse(raw) else { return Err(refuse("is no valid host name")) };
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(fits) {
        return Err(refuse("is no valid host name"));
    }
    let top = name.rsplit('.').next().unwrap_or_default();
    if !name.contains('.') || top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse("must be a whole name such as app.orchard.example"));
    }
    if addresses.is_own(&name) {
        return Err(refuse("is the platform's own or reserved"));
    }
    Ok(name)
}

/// What makes `domain` lead to the tenant.
#[must_use]
pub fn instructions(addresses: &Addresses, tenant: &TenantId, domain: &str) -> DnsRecord {
    let before = before_zone(domain);
    match before {
        Some(host) => {
            DnsRecord { record_type: "CNAME".into(), host: host.to_owned(), value: addresses.host(tenant), ttl: TTL }
        }
        None => DnsRecord {
            record_type: "A".into(),
            host: "@".into(),
            value: addresses.public_address().to_string(),
            ttl: TTL,
        },
    }
}

/// What stands before the domain that somebody registered; `None` for that domain itself.
fn before_zone(domain: &str) -> Option<&str> {
    let labels: Vec<&str> = domain.split('.').collect();
    let is_country = |labels: &[&str]| match labels {
        [.., second, top] => top.len() == 2 && SECOND_LEVELS.contains(second),
        _ => false,
    };
    let zone = if labels.len() > 2 && is_country(&labels) { 3 } else { 2 };
    let zone_length = labels.iter().rev().take(zone).map(|label| label.len() + 1).sum::<usize>() - 1;
    domain.get(..domain.len() - zone_length)?.strip_suffix('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::settings::DoorSettings;
    use std::net::SocketAddr;

    fn addresses() -> Addresses {
        Addresses::new(&DoorSettings::default(), SocketAddr::from(([127, 0, 0, 1], 9400)))
    }

    #[test]
    fn names_have_one_form() {
        for (raw, name) in [
            ("app.orchard.example", "app.orchard.example"),
            (" App.Orchard.EXAMPLE. ", "app.orchard.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(checked(&addresses(), raw).expect(raw), name, "{raw}");
        }
    }

    #[test]
    fn what_is_no_name_or_the_platforms_own_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{}example", "abcdefgh.".repeat(32));
        for raw in [
            "",
            ".",
            "orchard",
            "127.0.0.1",
            "0x7f.1",
            "[::1]",
            "1.2.3",
            "a..example",
            ".orchard.example",
            "*.orchard.example",
            "-a.example",
            "a-.example",
            "a_b.example",
            "a b.example",
            "a%2eb.example",
            "https://a.example",
            "a.example:80",
            "user@a.example",
            "a.example/x",
            "a\u{0}.example",
            "localhost",
            "a.localhost",
            "a.internal",
            "systemprompt.io",
            "a.systemprompt.io",
            "A.SystemPrompt.IO.",
            long.as_str(),
            longer.as_str(),
        ] {
            assert!(checked(&addresses(), raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn a_subdomain_needs_a_cname_and_a_bare_domain_an_address() {
        let tenant = TenantId::new("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15").expect("valid");
        let shown = |domain: &str| {
            let made = instructions(&addresses(), &tenant, domain);
            (made.record_type, made.host, made.value, made.ttl)
        };
        let target = || "3f6c1b8e52d4.localhost".to_owned();
        assert_eq!(shown("app.orchard.example"), ("CNAME".into(), "app".into(), target(), 300));
        assert_eq!(shown("a.b.orchard.example"), ("CNAME".into(), "a.b".into(), target(), 300));
        assert_eq!(shown("app.orchard.co.uk"), ("CNAME".into(), "app".into(), target(), 300));
        assert_eq!(shown("orchard.example"), ("A".into(), "@".into(), "127.0.0.1".into(), 300));
        assert_eq!(shown("orchard.co.uk"), ("A".into(), "@".into(), "127.0.0.1".into(), 300));
        assert_eq!(shown("co.uk").0, "A");
    }
}

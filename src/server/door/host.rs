//! Which host a request is for: one name, read strictly, or a refusal. What two readers could understand differently is
//! refused, so that nobody reaches a tenant under another's name.

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};

/// The host that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// A name, lower-case, without port and final dot.
    Name(String),
    /// No name: an address, or nothing at all as HTTP/1.0 allows.
    Nameless,
    /// It cannot be told; why.
    Unclear(&'static str),
}

/// Reads the target and the `Host` header.
pub(super) fn asked(uri: &Uri, headers: &HeaderMap) -> Asked {
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Asked::Unclear("more than one Host header");
    }
    let header = match first.map(|value| value.to_str()) {
        None => None,
        Some(Ok(value)) => Some(read(value)),
        Some(Err(_)) => return Asked::Unclear("the Host header is not text"),
    };
    let target = uri.authority().map(|authority| read(authority.as_str()));
    match (target, header) {
        (None, None) => Asked::Nameless,
        (Some(Asked::Unclear(why)), _) | (_, Some(Asked::Unclear(why))) => Asked::Unclear(why),
        (Some(target), Some(header)) if target != header => {
            Asked::Unclear("target and Host header name different hosts")
        }
        (Some(asked), _) | (None, Some(asked)) => asked,
    }
}

/// Reads `host[:port]`.
fn read(raw: &str) -> Asked {
    if raw.starts_with('[') {
        return if raw.parse::<axum::http::uri::Authority>().is_ok() {
            Asked::Nameless
        } else {
            Asked::Unclear("the host is no address")
        };
    }
    let (name, port) = raw.split_once(':').map_or((raw, None), |(name, port)| (name, Some(port)));
    // Some write the colon and nothing behind it.
    if port.is_some_and(|port| !port.is_empty() && (port.parse::<u16>().is_err() || port.starts_with('+'))) {
        return Asked::Unclear("the host's port is no number");
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Asked::Nameless;
    }
    let fits = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > 253 || !name.split('.').all(fits) {
        return Asked::Unclear("the host is no name");
    }
    Asked::Name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn ask(target: &str, hosts: &[&str]) -> Asked {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).expect("a value"));
        }
        asked(&target.parse().expect("a target"), &headers)
    }

    #[test]
    fn one_name_has_one_form() {
        for raw in ["a.localhost", "A.LocalHost", "a.localhost.", "a.localhost:8080", "a.localhost.:80", "a.localhost:"]
        {
            assert_eq!(ask("/", &[raw]), Asked::Name("a.localhost".into()), "{raw}");
        }
        assert_eq!(ask("http://a.localhost:1/x", &["A.localhost:2"]), Asked::Name("a.localhost".into()));
        assert_eq!(ask("http://a.localhost/x", &[]), Asked::Name("a.localhost".into()));
        assert_eq!(ask("/", &["a.localhost.evil"]), Asked::Name("a.localhost.evil".into()));
        for raw in ["127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:80"] {
            assert_eq!(ask("/", &[raw]), Asked::Nameless, "{raw}");
        }
        assert_eq!(ask("/", &[]), Asked::Nameless);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let two: [(&str, &[&str]); 16] = [
            ("/", &["a.localhost", "b.localhost"]),
            ("/", &["a.localhost", "a.localhost"]),
            ("http://a.localhost/", &["b.localhost"]),
            ("http://127.0.0.1/", &["b.localhost"]),
            ("http://user@a.localhost/", &[]),
            ("/", &["user@a.localhost"]),
            ("/", &["a.localhost:80:80"]),
            ("/", &["a.localhost:99999"]),
            ("/", &["a.localhost:+80"]),
            ("/", &["a.localhost, b.localhost"]),
            ("/", &["a.localhost/b"]),
            ("/", &["a..localhost"]),
            ("/", &[".localhost"]),
            ("/", &["a.localhost.."]),
            ("/", &[""]),
            ("/", &["a%2elocalhost"]),
        ];
        for (target, hosts) in two {
            assert!(matches!(ask(target, hosts), Asked::Unclear(_)), "{target} {hosts:?}");
        }
    }
}

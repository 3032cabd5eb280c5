//! What of a head goes through the door: what concerns one connection only stays, and what a caller says about who it is
//! is replaced by what is known.

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use std::net::IpAddr;

/// Largest head that goes through, bytes: target, names and values.
const MAX_HEAD: usize = 64 * 1024;
/// Headers of one connection only (RFC 9110, 7.6.1), and what old programs send there.
const HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// True where the head is larger than a machine should have to read.
pub(super) fn is_too_large(uri: &Uri, headers: &HeaderMap) -> bool {
    let target = uri.path_and_query().map_or(1, |path| path.as_str().len());
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    target + fields > MAX_HEAD
}

/// The protocol that a caller or a machine wants to change to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut words = named.flat_map(|value| value.split(',')).map(str::trim);
    if words.any(|word| word.eq_ignore_ascii_case("upgrade")) { headers.get(UPGRADE).cloned() } else { None }
}

/// Takes away what concerns one connection only.
pub(super) fn strip(headers: &mut HeaderMap) {
    // Two ways to say how long a body is: the one that counts is made anew for the next connection.
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|word| word.trim().parse().ok())
        .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
        .collect();
    for name in HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Who sent a request, as far as this server knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender<'a> {
    /// The other end of the connection.
    pub(super) peer: Option<IpAddr>,
    /// The host that was asked for, with its port.
    pub(super) host: &'a str,
    /// How the tenant is reached from outside.
    pub(super) scheme: &'a str,
    /// The other end is an ingress whose word counts.
    pub(super) is_ingress: bool,
}

/// Prepares the head of a request for the machine.
pub(super) fn prepare(headers: &mut HeaderMap, sender: Sender<'_>) {
    strip(headers);
    headers.remove(EXPECT);
    let before =
        headers.get(FOR).filter(|_| sender.is_ingress).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let proto = headers.get(PROTO).filter(|_| sender.is_ingress).and_then(|value| value.to_str().ok());
    let proto = proto.filter(|word| matches!(*word, "http" | "https")).unwrap_or(sender.scheme).to_owned();
    // Also in the spelling that some languages cannot tell from it.
    let told: Vec<HeaderName> = headers.keys().filter(|name| tells_sender(name.as_str())).cloned().collect();
    for name in told {
        headers.remove(name);
    }
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    let peer = sender.peer.map(|peer| peer.to_canonical());
    if let Some(peer) = peer {
        set(FOR, before.map_or_else(|| peer.to_string(), |before| format!("{before}, {peer}")));
    }
    let node = match peer {
        Some(IpAddr::V4(ip)) => ip.to_string(),
        Some(IpAddr::V6(ip)) => format!("\"[{ip}]\""),
        None => "unknown".to_owned(),
    };
    set(FORWARDED, format!("for={node};host=\"{}\";proto={proto}", sender.host));
    set(PROTO, proto);
    set(FORWARDED_HOST, sender.host.to_owned());
    set(HOST, sender.host.to_owned());
}

fn tells_sender(name: &str) -> bool {
    let name = name.replace('_', "-");
    name.starts_with("x-forwarded-") || matches!(name.as_str(), "forwarded" | "x-real-ip" | "x-client-ip")
}

/// True for requests that may be sent again when a connection that waited turns out to be closed.
pub(super) fn is_repeatable(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let read = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields.iter().map(read) {
            headers.append(name, value);
        }
        headers
    }

    const SENDER: Sender<'_> = Sender {
        peer: Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7))),
        host: "a.localhost:80",
        scheme: "http",
        is_ingress: false,
    };

    #[test]
    fn what_concerns_one_connection_stays() {
        let mut head = headers(&[
            ("connection", "close, X-Private, host, content-length"),
            ("connection", "upgrade"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic x"),
            ("content-length", "3"),
            ("host", "a.localhost"),
            ("cookie", "a=b"),
        ]);
        assert_eq!(upgrade(&head).as_ref().map(HeaderValue::as_bytes), Some(b"websocket".as_slice()));
        strip(&mut head);
        let mut left: Vec<&str> = head.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "cookie", "host"]);
        assert_eq!(upgrade(&headers(&[("upgrade", "websocket")])), None);
        let mut both = headers(&[("content-length", "3"), ("transfer-encoding", "chunked")]);
        strip(&mut both);
        assert!(both.is_empty());
    }

    #[test]
    fn a_caller_cannot_say_who_it_is_and_an_ingress_can() {
        let told = [
            ("x-forwarded-for", "10.0.0.1"),
            ("x_forwarded_for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-real-ip", "10.0.0.1"),
        ];
        let mut head = headers(&told);
        prepare(&mut head, SENDER);
        let word = |head: &HeaderMap, name: &str| head[name].to_str().expect("text").to_owned();
        assert_eq!(word(&head, "x-forwarded-for"), "192.0.2.7");
        assert_eq!(word(&head, "x-forwarded-proto"), "http");
        assert_eq!(word(&head, "x-forwarded-host"), "a.localhost:80");
        assert_eq!(word(&head, "forwarded"), "for=192.0.2.7;host=\"a.localhost:80\";proto=http");
        assert_eq!(head.len(), 5, "{head:?}");
        let mut head = headers(&told);
        prepare(&mut head, Sender { is_ingress: true, ..SENDER });
        assert_eq!(word(&head, "x-forwarded-for"), "10.0.0.1, 192.0.2.7");
        assert_eq!(word(&head, "x-forwarded-proto"), "https");
    }
}

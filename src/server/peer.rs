//! From where a request comes: the other end of its connection, or whom an ingress in front of this server names. Knows
//! addresses; must not know what is asked for.

use axum::http::HeaderMap;
use std::net::IpAddr;

const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// The address that counts as the caller's. Only an ingress is believed, and of what it says only the last word: the ones
/// before were said by whoever called it.
#[must_use]
pub fn of(peer: IpAddr, headers: &HeaderMap, ingress: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !ingress.contains(&peer) {
        return peer;
    }
    let said = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
    let last = said.and_then(|list| list.rsplit(',').next()).and_then(|word| word.trim().parse::<IpAddr>().ok());
    last.map_or(peer, |address| address.to_canonical())
}

/// True for a program on this very machine: not for what an ingress on it passes on.
#[must_use]
pub fn is_this_machine(peer: IpAddr, headers: &HeaderMap, ingress: &[IpAddr]) -> bool {
    let peer = peer.to_canonical();
    peer.is_loopback() && !ingress.contains(&peer) && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn only_an_ingress_is_believed_and_only_its_last_word() {
        let (proxy, stranger): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [192, 0, 2, 9].into());
        let said = headers("x-forwarded-for", "198.51.100.1, 192.0.2.7");
        assert_eq!(of(stranger, &said, &[proxy]), stranger);
        assert_eq!(of(proxy, &said, &[]), proxy);
        assert_eq!(of(proxy, &said, &[proxy]), IpAddr::from([192, 0, 2, 7]));
        assert_eq!(of(proxy, &headers("x-forwarded-for", "nonsense"), &[proxy]), proxy);
        assert_eq!(of("::ffff:127.0.0.1".parse().expect("an address"), &said, &[proxy]), IpAddr::from([192, 0, 2, 7]));
    }

    #[test]
    fn what_is_passed_on_is_not_from_this_machine() {
        let (here, none) = (IpAddr::from([127, 0, 0, 1]), HeaderMap::new());
        assert!(is_this_machine(here, &none, &[]));
        assert!(!is_this_machine(IpAddr::from([192, 0, 2, 9]), &none, &[]));
        assert!(!is_this_machine(here, &none, &[here]));
        for name in FORWARDED {
            assert!(!is_this_machine(here, &headers(name, "for=192.0.2.9"), &[]), "{name}");
        }
    }
}

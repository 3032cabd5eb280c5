//! The way back to a client: a callback on this machine's loopback, and nothing else (protocol G.15).
//! Knows addresses; must not know what is brought there.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

/// Longest address of a callback, bytes.
pub const LONGEST: usize = 2048;

/// The address, if it is plain http on this machine's loopback.
#[must_use]
pub fn loopback(raw: &str) -> Option<Url> {
    if raw.len() > LONGEST || raw.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return None;
    }
    let url = Url::parse(raw).ok()?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "http" && local && url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// True for a host that means this machine wherever it is asked, names below `localhost` included.
#[must_use]
pub fn is_local(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Sends a browser to the client's callback with what it has to know. What the client put into the address itself, its
/// own `state` for one, stays as it is.
#[must_use]
pub fn back(mut to: Url, with: &[(&str, &str)]) -> Response {
    to.query_pairs_mut().extend_pairs(with);
    let Ok(location) = HeaderValue::try_from(String::from(to)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_http_is_a_way_back() {
        for good in [
            "http://127.0.0.1:8766/callback",
            "http://localhost:1/x?y=z",
            "http://[::1]:80/",
            "http://127.1/",
            "http://0x7f000001/",
            "HTTP://LOCALHOST:8766/callback",
        ] {
            assert!(loopback(good).is_some(), "{good}");
        }
        for bad in [
            "https://127.0.0.1/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://localhost./",
            "http://sub.localhost/",
            "http://localhost@example.com/",
            "http://user:word@localhost/",
            "http://@localhost:80@example.com/",
            "http://127.0.0.1\\@example.com/",
            "http://example.com\\@127.0.0.1/",
            "http://example.com#@127.0.0.1/",
            "http://example.com?@127.0.0.1/",
            "http://local\nhost/",
            "http://localhost/\r\nSet-Cookie: a=b",
            " http://localhost/",
            "http://127.0.0.1%2eexample.com/",
            "http://127.0.0.1%00.example.com/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/",
            "//127.0.0.1/",
            "http:///",
            "http://",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "/callback",
            "",
        ] {
            assert!(loopback(bad).is_none(), "{bad}");
        }
        assert!(loopback(&format!("http://localhost/{}", "x".repeat(3000))).is_none());
        let long = format!("http://127.0.0.1/{}", "x".repeat(LONGEST));
        assert!(loopback(&long).is_none());
    }

    #[test]
    fn what_the_client_put_into_its_address_comes_back_unchanged() {
        for mine in ["/callback/s-1%2F2?", "/?state=a%2Bb+c%20d&x=%C3%A4&", "/callback?a=1;b&&=&", "/c?"] {
            let to =
                loopback(&format!("http://127.0.0.1:8765{}", mine.trim_end_matches(['?', '&']))).expect("loopback");
            let response = back(to, &[("error", "access_denied"), ("error_description", "no & no")]);
            let location = response.headers()[header::LOCATION].to_str().expect("text").to_owned();
            let mine = mine.trim_end_matches(['?', '&']);
            assert!(location.starts_with(&format!("http://127.0.0.1:8765{mine}")), "{location}");
            assert!(location.ends_with("error=access_denied&error_description=no+%26+no"), "{location}");
        }
    }

    #[test]
    fn names_below_localhost_are_this_machine() {
        for (host, local) in [("localhost", true), ("a.localhost", true), ("a.localhost.example", false)] {
            assert_eq!(is_local(&Host::Domain(host)), local, "{host}");
        }
    }
}

//! What the browser shows at the end of a sign-in: one small page. Its address held the token, so a line of script takes
//! it out of the address bar; without scripts the page is the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::{Digest as _, Sha256};

const TEMPLATE: &str = include_str!("../../../assets/login.html");
const STYLE: &str = include_str!("../../../assets/pay.css");
const SCRIPT: &str = "history.replaceState(null,\"\",\"/\")";

/// A page that says something and does nothing, kept nowhere.
#[must_use]
pub fn page(status: StatusCode, title: &str, text: &str) -> Response<Full<Bytes>> {
    let html = TEMPLATE
        .replace("{{style}}", STYLE)
        .replace("{{script}}", SCRIPT)
        .replace("{{title}}", &escaped(title))
        // Last: what stands in it is not looked at again.
        .replace("{{text}}", &escaped(text));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(STYLE),
        source(SCRIPT)
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The source of this very style or script in a content security policy.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn escaped(raw: &str) -> String {
    raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn what_a_page_says_is_text() {
        let response = page(StatusCode::OK, "A & B", "<script>alert(1)</script> {{title}}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").contains("default-src 'none'")
        );
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let html = String::from_utf8(body.to_vec()).expect("text");
        assert!(
            html.contains("A &amp; B") && html.contains("&lt;script&gt;alert(1)&lt;/script&gt; {{title}}"),
            "{html}"
        );
        assert_eq!(html.matches("<script>").count(), 1);
    }
}

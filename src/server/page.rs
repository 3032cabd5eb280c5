//! Pages that the server shows people in a browser: a template with named places, every value escaped, and the headers
//! that keep a page to itself. Must not know what a page is about.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

const STYLE: &str = include_str!("../../assets/pay.css");

/// An HTML page that runs no script, is in nobody's frame, and is kept nowhere.
#[must_use]
pub fn respond(status: StatusCode, html: String) -> Response {
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    // The form's answer is a redirect to the client's callback, on any loopback port.
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; \
             form-action 'self' http://127.0.0.1:* http://localhost:* http://[::1]:*",
        ),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Puts escaped values into `{{name}}` places, in one pass: a value is never looked at for places.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 512);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else { break };
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => escape(value, &mut out),
            None if name == "style" => out.push_str(STYLE),
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_never_looked_at_for_places() {
        let html = fill("<p>{{a}}</p><b>{{b}}</b>{{c}}", &[("a", "<script>'\"&{{b}}"), ("b", "ok")]);
        assert_eq!(html, "<p>&lt;script&gt;&#39;&quot;&amp;{{b}}</p><b>ok</b>");
    }
}

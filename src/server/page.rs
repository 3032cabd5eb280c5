//! Pages that the server shows people in a browser: a template with named places, every value escaped, and the headers
//! that keep a page to itself. Must not know what a page is about.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// The style of every page.
pub const STYLE: &str = include_str!("../../assets/pay.css");

/// The source of every page's own style in a content security policy.
pub static OWN_STYLE: LazyLock<String> = LazyLock::new(|| source(STYLE));

/// The source of this very style or script in a content security policy.
#[must_use]
pub fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// Where a form may lead: to this server, and from there back to the client's callback at this origin.
#[must_use]
pub fn form_action(callback: Option<&str>) -> String {
    match callback {
        // The policy's language has no word for such an address.
        Some(origin) if origin.contains('[') => "form-action 'self' http:".into(),
        Some(origin) => format!("form-action 'self' {origin}"),
        None => "form-action 'self'".into(),
    }
}

/// An HTML page that runs no script, is in nobody's frame, and is kept nowhere. Its form may lead to this origin.
#[must_use]
pub fn respond(status: StatusCode, html: String, callback: Option<&str>) -> Response {
    let policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; frame-ancestors 'none'; {}",
        *OWN_STYLE,
        form_action(callback)
    );
    respond_with(status, html, &policy)
}

/// An HTML page with a content security policy of its own.
#[must_use]
pub fn respond_with(status: StatusCode, html: String, policy: &str) -> Response {
    let policy = HeaderValue::from_str(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Puts escaped values into `{{name}}` places, in one pass: a value is never looked at for places.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    fill_with(template, values, &[])
}

/// The same, with places for what is markup already.
#[must_use]
pub fn fill_with(template: &str, values: &[(&str, &str)], markup: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 512);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else { break };
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => escape(value, &mut out),
            None if name == "style" => out.push_str(STYLE),
            None => out.push_str(markup.iter().find(|(key, _)| *key == name).map_or("", |(_, text)| text)),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Appends text so that it is text in HTML, also in an attribute.
pub fn escape(value: &str, out: &mut String) {
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

//! The sandbox's payment pages as HTML: templates with named places, every value escaped.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

const PAY: &str = include_str!("../../../assets/pay.html");
const MESSAGE: &str = include_str!("../../../assets/message.html");
const STYLE: &str = include_str!("../../../assets/pay.css");

/// The values of the payment form.
#[derive(Debug, Clone)]
pub struct Form<'a> {
    /// The session.
    pub session: &'a str,
    /// Brought back by the form, so that no other page can send it.
    pub nonce: &'a str,
    /// The plan's name.
    pub plan: &'a str,
    /// One sentence about it.
    pub description: &'a str,
    /// `1024 MB memory, 10 GB volume`
    pub size: &'a str,
    /// The region's name.
    pub region: &'a str,
    /// The amount with its currency.
    pub price: &'a str,
    /// `month`
    pub interval: &'a str,
    /// Said above the form, when something went wrong.
    pub notice: &'a str,
}

/// The page with the form.
#[must_use]
pub fn form(status: StatusCode, values: &Form<'_>) -> Response {
    let html = fill(
        PAY,
        &[
            ("session", values.session),
            ("nonce", values.nonce),
            ("plan", values.plan),
            ("description", values.description),
            ("size", values.size),
            ("region", values.region),
            ("price", values.price),
            ("interval", values.interval),
            ("notice", values.notice),
        ],
    );
    respond(status, html)
}

/// A page that only says something.
#[must_use]
pub fn message(status: StatusCode, title: &str, text: &str) -> Response {
    respond(status, fill(MESSAGE, &[("title", title), ("text", text)]))
}

fn respond(status: StatusCode, html: String) -> Response {
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
fn fill(template: &str, values: &[(&str, &str)]) -> String {
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

    #[test]
    fn the_templates_have_no_place_that_nobody_fills() {
        let known = ["session", "nonce", "plan", "description", "size", "region", "price", "interval", "notice"];
        for (template, known) in [(PAY, known.as_slice()), (MESSAGE, &["title", "text"])] {
            for part in template.split("{{").skip(1) {
                let name = part.split("}}").next().expect("a name");
                assert!(name == "style" || known.contains(&name), "{name}");
            }
        }
    }
}

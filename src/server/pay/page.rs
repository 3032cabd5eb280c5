//! The sandbox's payment pages as HTML: templates with named places, every value escaped.

use axum::http::StatusCode;
use axum::response::Response;

use crate::server::page::{fill, respond};

const PAY: &str = include_str!("../../../assets/pay.html");
const MESSAGE: &str = include_str!("../../../assets/message.html");

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

#[cfg(test)]
mod tests {
    use super::*;

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

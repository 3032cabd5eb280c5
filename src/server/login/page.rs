//! The sandbox's sign-in page, and what is said to a browser that cannot be sent back to a client.

use axum::http::StatusCode;
use axum::response::Response;

use super::Provider;
use crate::server::page::{fill, respond};

const SIGN_IN: &str = include_str!("../../../assets/sign-in.html");
const MESSAGE: &str = include_str!("../../../assets/sign-in-message.html");

/// The values of the sign-in form.
pub(super) struct Form<'a> {
    pub(super) provider: Provider,
    /// The one-time id.
    pub(super) request: &'a str,
    /// Brought back by the form, so that no other page can send it.
    pub(super) nonce: &'a str,
    /// The accounts to choose from.
    pub(super) users: &'a [String],
    /// Offer a field for any address.
    pub(super) any_email: bool,
    /// Where the client waits.
    pub(super) callback: &'a str,
    /// Said above the form, when something went wrong.
    pub(super) notice: &'a str,
}

pub(super) fn form(status: StatusCode, values: &Form<'_>) -> Response {
    let common = [
        ("provider", values.provider.label()),
        ("word", values.provider.word()),
        ("request", values.request),
        ("nonce", values.nonce),
        ("callback", values.callback),
        ("notice", values.notice),
    ];
    let (head, person, rest) = section(SIGN_IN, "<!-- each person -->");
    let (middle, any_email, tail) = section(rest, "<!-- any email -->");
    let mut html = fill(head, &common);
    for email in values.users {
        html.push_str(&fill(person, &[("email", email)]));
    }
    html.push_str(&fill(middle, &common));
    if values.any_email {
        html.push_str(&fill(any_email, &common));
    }
    html.push_str(&fill(tail, &common));
    respond(status, html, Some(values.callback))
}

/// What is before a marker, between it and `<!-- end -->`, and after that.
fn section<'a>(template: &'a str, marker: &str) -> (&'a str, &'a str, &'a str) {
    let (before, rest) = template.split_once(marker).unwrap_or((template, ""));
    let (inside, after) = rest.split_once("<!-- end -->").unwrap_or((rest, ""));
    (before, inside, after)
}

pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    respond(status, fill(MESSAGE, &[("title", title), ("text", text)]), None)
}

/// For a sign-in that is over, was answered already, or was never begun.
pub(super) fn over(status: StatusCode) -> Response {
    message(status, "This sign-in is over", "It was answered already, or took too long. Start again in the terminal.")
}

/// For a page that this server does not have.
pub(super) fn unknown() -> Response {
    message(StatusCode::NOT_FOUND, "Not found", "There is no such sign-in page here. Start in the terminal.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_account_is_a_button_and_what_is_odd_is_escaped() {
        let users = ["mara@orchard.example".to_owned(), "\"><script>@x".to_owned()];
        for any_email in [false, true] {
            let values = Form {
                provider: Provider::GitHub,
                request: "r{{nonce}}",
                nonce: "n",
                users: &users,
                any_email,
                callback: "http://127.0.0.1:1",
                notice: "",
            };
            let body =
                axum::body::to_bytes(form(StatusCode::OK, &values).into_body(), 64 * 1024).await.expect("a body");
            let html = String::from_utf8(body.to_vec()).expect("text");
            assert!(html.contains("value=\"mara@orchard.example\"") && html.contains("sandbox"));
            assert!(!html.contains("<script") && !html.contains("<!--"), "{html}");
            assert!(html.contains("value=\"r{{nonce}}\""));
            assert_eq!(html.contains("type=\"email\" id"), any_email);
            assert_eq!(html.matches("name=\"nonce\" value=\"n\"").count(), 1 + usize::from(any_email));
        }
    }
}

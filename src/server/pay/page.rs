//! The sandbox's payment pages as HTML: templates with named places, every value escaped. They load nothing from
//! anywhere, and work without scripts.

use axum::http::StatusCode;
use axum::response::Response;
use std::sync::LazyLock;

use super::progress::{Progress, State};
use crate::server::page;
use crate::server::redirect::loopback;
use crate::server::store::sessions::SessionRow;

const PAY: &str = include_str!("../../../assets/pay.html");
const LATER: &str = include_str!("../../../assets/later.html");
const PAID: &str = include_str!("../../../assets/paid.html");
const MESSAGE: &str = include_str!("../../../assets/message.html");
const SCRIPT: &str = include_str!("../../../assets/paid.js");
/// Follows what happens where no script does.
const AGAIN: &str = r#"<noscript><meta http-equiv="refresh" content="2"></noscript>"#;

/// What every page allows: its own style, its own script, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (style, script) = (&*page::OWN_STYLE, page::source(SCRIPT));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

/// The values of the payment form.
#[derive(Debug, Clone)]
pub struct Form<'a> {
    /// The session.
    pub session: &'a SessionRow,
    /// The plan's name.
    pub plan: &'a str,
    /// One sentence about it.
    pub description: &'a str,
    /// `A new tenant`
    pub purpose: &'a str,
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
    let session = values.session;
    let html = fill(
        PAY,
        &[
            ("session", &session.id),
            ("nonce", &session.form_nonce),
            ("plan", values.plan),
            ("description", values.description),
            ("purpose", values.purpose),
            ("size", values.size),
            ("region", values.region),
            ("price", values.price),
            ("interval", values.interval),
            ("notice", values.notice),
            ("until", &session.expires_at),
            ("until_words", &in_words(&session.expires_at)),
        ],
        "",
    );
    respond(status, html, session.redirect_uri.as_deref())
}

/// The page for someone who leaves without deciding.
#[must_use]
pub fn later(session: &SessionRow) -> Response {
    let until = in_words(&session.expires_at);
    let values = [("session", &*session.id), ("until", &*session.expires_at), ("until_words", &*until)];
    respond(StatusCode::OK, fill(LATER, &values, ""), None)
}

/// The page that follows what a payment makes.
#[must_use]
pub fn paid(session: &str, progress: &Progress) -> Response {
    let again = if progress.state == State::Working { AGAIN } else { "" };
    let values =
        [("session", session), ("title", progress.title), ("text", &*progress.text), ("state", progress.state.word())];
    // Two places are markup: one of ours, and a list of escaped items.
    let mut steps = String::new();
    for step in &progress.steps {
        steps.push_str("<li>");
        page::escape(step, &mut steps);
        steps.push_str("</li>");
    }
    let html = fill(&PAID.replacen("{{again}}", again, 1), &values, &steps);
    respond(StatusCode::OK, html, None)
}

/// A page that only says something.
#[must_use]
pub fn message(status: StatusCode, title: &str, text: &str) -> Response {
    respond(status, fill(MESSAGE, &[("title", title), ("text", text)], ""), None)
}

/// `way_back`: where the form's answer may send the browser.
fn respond(status: StatusCode, html: String, way_back: Option<&str>) -> Response {
    let origin = way_back.and_then(loopback).map(|url| url.origin().ascii_serialization());
    let policy = format!("{}; {}", *POLICY, page::form_action(origin.as_deref()));
    page::respond_with(status, html, &policy)
}

/// `22 November 2026, 00:51 UTC`
fn in_words(moment: &str) -> String {
    let parsed: Result<jiff::Timestamp, _> = moment.parse();
    parsed.map_or_else(|_| moment.to_owned(), |moment| moment.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

fn fill(template: &str, values: &[(&str, &str)], steps: &str) -> String {
    page::fill_with(template, values, &[("script", SCRIPT), ("steps", steps)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::page::STYLE;

    #[test]
    fn the_templates_have_no_place_that_nobody_fills() {
        let form = ["session", "nonce", "plan", "description", "purpose", "size", "region", "price", "interval"];
        let form: Vec<&str> = form.into_iter().chain(["notice", "until", "until_words"]).collect();
        for (template, known) in [
            (PAY, form.as_slice()),
            (LATER, &["session", "until", "until_words"]),
            (PAID, &["again", "title", "text", "state", "session", "steps", "script"]),
            (MESSAGE, &["title", "text"]),
        ] {
            for part in template.split("{{").skip(1) {
                let name = part.split("}}").next().expect("a name");
                assert!(name == "style" || known.contains(&name), "{name}");
            }
            assert!(template.contains("<html lang=\"en\">") && template.contains("name=\"viewport\""));
            assert!(!template.contains("http://") && !template.contains("https://"), "nothing from elsewhere");
        }
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</") && !STYLE.contains("url("));
    }

    #[test]
    fn a_step_cannot_be_markup() {
        let progress = Progress {
            state: State::Working,
            title: "Paid",
            text: "x".into(),
            steps: vec!["<script>alert(1)</script>{{style}}".into()],
        };
        let html = body(paid("cs_1", &progress));
        assert!(html.contains("<li>&lt;script&gt;alert(1)&lt;/script&gt;{{style}}</li>"), "{html}");
        assert!(html.contains("http-equiv"));
        let over = Progress { state: State::Done, ..progress };
        assert!(!body(paid("cs_1", &over)).contains("http-equiv"));
    }

    fn body(response: Response) -> String {
        use futures_util::FutureExt as _;
        use http_body_util::BodyExt as _;
        let bytes = response.into_body().collect().now_or_never().expect("at hand").expect("a body").to_bytes();
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    /// Contrast of two `#rrggbb` colours as WCAG 2 computes it.
    fn contrast(one: &str, two: &str) -> f64 {
        let luminance = |colour: &str| {
            let part = |at: usize| {
                let raw = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("hex")) / 255.0;
                if raw <= 0.04045 { raw / 12.92 } else { ((raw + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let (a, b) = (luminance(one), luminance(two));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_in_light_and_in_dark() {
        let schemes: Vec<&str> = STYLE.lines().filter(|line| line.contains("--ink:")).collect();
        assert_eq!(schemes.len(), 2);
        for scheme in schemes {
            let colour = |name: &str| {
                let after = scheme.split_once(&format!("--{name}: ")).expect("a colour").1;
                after.split_once(';').expect("its end").0
            };
            for name in ["ink", "soft", "accent", "warn"] {
                let ratio = contrast(colour(name), colour("paper"));
                assert!(ratio >= 4.5, "{name} on paper: {ratio:.2}");
            }
            // The edge of a button.
            assert!(contrast(colour("edge"), colour("paper")) >= 3.0, "{scheme}");
        }
    }
}

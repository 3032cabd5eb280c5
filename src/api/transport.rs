//! What every request of this room has in common: how a connection is made, how much of an answer is
//! read, and how failures become errors without telling a secret.
//!
//! This module must not know single endpoints.

use reqwest::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use reqwest::{ClientBuilder, Response};
use std::time::{Duration, SystemTime};
use url::Url;

use super::base::harmless;
use super::{ApiError, Refusal};
use crate::model::{envelope, text};
pub(super) use crate::outbound::builder;
use crate::outbound::{barrier, cause};

/// The most of an ordinary answer that is read, bytes.
pub(super) const BODY_LIMIT: usize = 8 * 1024 * 1024;
/// The most of a refusal that is read, bytes.
const REFUSAL_LIMIT: usize = 64 * 1024;
/// The most of a body that an error shows, characters (protocol A.4).
const SHOWN: usize = 500;
/// The shortest secret that is looked for in an answer, bytes.
const SHORTEST: usize = 4;
/// The most of a single word of an error body that is kept, characters.
const WORD: usize = 200;

/// Makes the client.
pub(super) fn finish(builder: ClientBuilder) -> Result<reqwest::Client, ApiError> {
    builder.build().map_err(|error| ApiError::Setup(cause(&error.without_url())))
}

/// The error for a request that got no whole answer.
pub(super) fn failure(url: &Url, error: reqwest::Error) -> ApiError {
    let shown = harmless(url);
    let (barrier, is_timeout) = (barrier(url, &error), error.is_timeout());
    let cause = cause(&error.without_url());
    match barrier {
        None if is_timeout => ApiError::TimedOut { url: shown },
        None => ApiError::Unreachable { url: shown, cause },
        Some(barrier) => ApiError::Barred { url: shown, barrier, cause },
    }
}

/// The body, or an error as soon as it grows beyond `limit` bytes.
pub(super) async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>, ApiError> {
    let url = response.url().clone();
    let too_large = || ApiError::TooLarge { url: harmless(&url), limit };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&url, error))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error for an answer that is not a success. Reads as much of its body as an error can use;
/// `secrets` are blotted out should the server echo them.
pub(super) async fn refusal(response: Response, secrets: &[&str]) -> ApiError {
    refused(response, |raw| without(raw, secrets), |body| excerpt(body, secrets)).await
}

/// The same for a request that carried all of these secrets. A body of another form than the common one is not
/// shown: it may echo them in a form of its own.
pub(super) async fn refusal_of_secrets(response: Response, secrets: &[&str]) -> ApiError {
    // The longest first: one may be the beginning of another. What is too short to tell anything would blot out words.
    let mut hidden: Vec<&str> = secrets.iter().copied().filter(|secret| secret.len() >= SHORTEST).collect();
    hidden.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let clean = |raw: &str| hidden.iter().fold(raw.to_owned(), |text, secret| text.replace(secret, "••••"));
    refused(response, clean, |_| String::new()).await
}

/// The same for an endpoint of OAuth, which may refuse in a form of its own (RFC 6749, 5.2; protocol B.4). Nothing else may
/// say anything in it: whatever stands in between and refuses often uses that form, and is not the API.
pub(super) async fn refusal_of_oauth(response: Response, secrets: &[&str]) -> ApiError {
    let words = |body: &[u8]| match serde_json::from_slice(body) {
        Ok(OAuthError { error, error_description }) => {
            text::short(&without(error_description.as_deref().unwrap_or(&error), secrets), SHOWN)
        }
        Err(_) => excerpt(body, secrets),
    };
    refused(response, |raw| without(raw, secrets), words).await
}

#[derive(serde::Deserialize)]
struct OAuthError {
    error: String,
    error_description: Option<String>,
}

async fn refused(
    mut response: Response,
    hide: impl Fn(&str) -> String,
    other_form: impl Fn(&[u8]) -> String,
) -> ApiError {
    let url = response.url().clone();
    let status = response.status().as_u16();
    let retry_after = retry_after(&response);
    let elsewhere =
        response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).map(super::base::harmless_url);
    let mut body = Vec::new();
    // A body that breaks off does not change the answer.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = REFUSAL_LIMIT - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() == REFUSAL_LIMIT {
            break;
        }
    }
    let mut refusal = Refusal {
        url: harmless(&url),
        status,
        code: None,
        message: String::new(),
        reason: None,
        expected: None,
        subscription: None,
        retry_after,
    };
    let clean = |raw: &str, most| text::short(&hide(raw), most);
    if let Ok(envelope::ErrorBody { error }) = serde_json::from_slice(&body) {
        let detail = |name| error.details.as_ref()?.get(name)?.as_str().map(|raw| clean(raw, WORD));
        refusal.message = clean(&error.message, SHOWN);
        refusal.reason = detail("reason");
        refusal.expected = detail("expected");
        refusal.subscription = detail("subscription_status");
        refusal.code = Some(clean(&error.code, WORD));
    } else if let (300..=399, Some(elsewhere)) = (status, elsewhere) {
        refusal.message = clean(&format!("it names {elsewhere}"), SHOWN);
    } else {
        refusal.message = other_form(&body);
    }
    ApiError::Refused(Box::new(refusal))
}

/// The error for a success whose body is not what was promised. `begins` is how it begins, left out where
/// the body may hold a secret.
pub(super) fn unreadable(url: &Url, status: u16, why: &str, begins: Option<String>) -> ApiError {
    let why = text::short(&unquoted(why), WORD);
    let detail = match begins {
        None => why,
        Some(begins) if begins.is_empty() => format!("{why}; the body is empty"),
        Some(begins) => format!("{why}; it begins {begins}"),
    };
    ApiError::Unreadable { url: harmless(url), status, detail }
}

/// Errors of deserialisation quote the value that they could not read; it may be a secret.
fn unquoted(why: &str) -> String {
    match (why.find('"'), why.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", why.get(..first).unwrap_or_default(), why.get(last + 1..).unwrap_or_default())
        }
        _ => why.to_owned(),
    }
}

/// How a body begins, harmless.
pub(super) fn excerpt(body: &[u8], secrets: &[&str]) -> String {
    // Cleaning can only shorten, and a character has at most four bytes.
    let begin = body.get(..16 * SHOWN).unwrap_or(body);
    let words = without(&String::from_utf8_lossy(begin), secrets);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    text::short(&words, SHOWN)
}

fn without(raw: &str, secrets: &[&str]) -> String {
    let secrets = secrets.iter().filter(|secret| !secret.is_empty());
    secrets.fold(raw.to_owned(), |text, secret| text.replace(secret, "••••"))
}

/// How long `Retry-After` asks to wait: seconds, or a date (RFC 9110, 10.2.3). A date that is over asks for nothing.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    // The server's clock may be another one than ours; what matters is how far apart its two times are.
    let now = response.headers().get(DATE).and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
    wait_until(value.trim(), now.unwrap_or_else(SystemTime::now))
}

fn wait_until(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

/// True where the answer says it is of `wanted` type.
pub(super) fn is_type(response: &Response, wanted: &str) -> bool {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_harmless_and_without_the_token() {
        let body = format!("<html>\n\n  <b>\u{1b}[2Jtoken hunter2</b>{}", "x".repeat(20_000));
        let shown = excerpt(body.as_bytes(), &["hunter2"]);
        assert!(shown.starts_with("<html> <b>token ••••</b>xxx"), "{shown}");
        assert_eq!(shown.chars().count(), SHOWN);
        assert_eq!(excerpt(&[0xff, b'a', 0x1b, b'[', b'H'], &[]), "\u{fffd}a");
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        for (value, seconds) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:49 GMT", Some(12)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:49:38 1994", Some(1)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(wait_until(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn values_that_could_not_be_read_are_not_quoted() {
        let error = serde_json::from_str::<u32>(r#""hunter2""#).expect_err("no number").to_string();
        assert!(error.contains("hunter2"), "the reason for this test is gone: {error}");
        let url = Url::parse("https://h.example/x?token=hunter2").expect("a url");
        let shown = unreadable(&url, 200, &error, None).problem().to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("expected u32"), "{shown}");
    }
}

//! Paddle's own API, as far as a shop needs it: a transaction to be paid, and a subscription to be ended, paused or
//! resumed. Every call is bounded in time and size. Knows HTTP; must not know sessions or tenants.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

use super::notice::CustomData;
use crate::model::Secret;

/// Paddle's API for real money.
pub const LIVE: &str = "https://api.paddle.com";
/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read, bytes.
const LARGEST: usize = 512 * 1024;

/// Why Paddle did not do it. Never repeats what it sent: that may hold people's data.
#[derive(Debug, thiserror::Error)]
pub enum PaddleError {
    /// No answer, or none in time.
    #[error("Paddle does not answer: {0}")]
    Silent(String),
    /// It refused.
    #[error("Paddle refused with {status}{}", .code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// HTTP.
        status: StatusCode,
        /// Its word for it.
        code: Option<String>,
    },
    /// The answer is not what its documentation says.
    #[error("Paddle's answer cannot be used: {0}")]
    Unusable(&'static str),
}

/// A client of the API.
pub struct Paddle {
    http: reqwest::Client,
    url: String,
    key: Secret,
}

impl std::fmt::Debug for Paddle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Paddle({})", self.url)
    }
}

#[derive(Serialize)]
struct NewTransaction<'a> {
    items: [Item<'a>; 1],
    custom_data: &'a CustomData,
    collection_mode: &'static str,
}

#[derive(Serialize)]
struct Item<'a> {
    price_id: &'a str,
    quantity: u32,
}

#[derive(Serialize)]
struct At {
    effective_from: &'static str,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// A transaction that waits to be paid.
#[derive(Debug, Clone, Deserialize)]
struct Created {
    id: String,
    checkout: Option<CheckoutLink>,
}

#[derive(Debug, Clone, Deserialize)]
struct CheckoutLink {
    url: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalCode,
}

#[derive(Deserialize)]
struct RefusalCode {
    code: String,
}

/// A transaction and the page to pay it on.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// `txn_...`
    pub id: String,
    /// Where it is paid.
    pub checkout_url: String,
}

/// True for a refusal that says that nothing is left to do. Every other one may be over later: a subscription is locked
/// while it renews, for one.
fn is_so_already(change: &str, status: StatusCode, code: Option<&str>) -> bool {
    match code {
        Some("not_found" | "entity_not_found") => status == StatusCode::NOT_FOUND,
        Some("subscription_is_canceled_action_invalid" | "subscription_update_when_canceled") => true,
        Some("subscription_cannot_be_paused") => change == "pause",
        Some("subscription_must_be_paused") => change == "resume",
        _ => false,
    }
}

impl Paddle {
    /// A client with this key.
    pub fn new(url: &str, key: Secret) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        Ok(Self { http: http.build()?, url: url.trim_end_matches('/').to_owned(), key })
    }

    /// Makes a transaction for one price.
    pub async fn transaction(&self, price_id: &str, custom_data: &CustomData) -> Result<Transaction, PaddleError> {
        let items = [Item { price_id, quantity: 1 }];
        let body = NewTransaction { items, custom_data, collection_mode: "automatic" };
        let answer = self.post("/transactions", &body).await?;
        let created: Envelope<Created> =
            serde_json::from_slice(&answer).map_err(|_| PaddleError::Unusable("it is no transaction"))?;
        let Created { id, checkout } = created.data;
        let missing = PaddleError::Unusable("it names no checkout page; set a default payment link at Paddle");
        let checkout_url = checkout.and_then(|checkout| checkout.url).ok_or(missing)?;
        if !Url::parse(&checkout_url).is_ok_and(|url| url.scheme() == "https") {
            return Err(PaddleError::Unusable("its checkout page is not under https"));
        }
        if !id.starts_with("txn_") || id.len() > 100 {
            return Err(PaddleError::Unusable("it has no transaction id"));
        }
        Ok(Transaction { id, checkout_url })
    }

    /// Ends, pauses or resumes a subscription at once (`cancel`, `pause`, `resume`). One that is so already is success.
    pub async fn change(&self, subscription: &str, change: &str) -> Result<(), PaddleError> {
        let id = percent_encoding::utf8_percent_encode(subscription, percent_encoding::NON_ALPHANUMERIC);
        let at = At { effective_from: "immediately" };
        match self.post(&format!("/subscriptions/{id}/{change}"), &at).await {
            Ok(_) => Ok(()),
            Err(PaddleError::Refused { status, code }) if is_so_already(change, status, code.as_deref()) => {
                tracing::warn!(change, %status, code, "Paddle sees nothing to do for a subscription");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<Vec<u8>, PaddleError> {
        let silent = |error: reqwest::Error| PaddleError::Silent(error.without_url().to_string());
        let call = self.http.post(format!("{}{path}", self.url)).bearer_auth(self.key.reveal());
        let mut answer = call.json(body).send().await.map_err(silent)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(silent)? {
            bytes.extend_from_slice(&part);
            if bytes.len() > LARGEST {
                return Err(PaddleError::Unusable("it is too large"));
            }
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let code = serde_json::from_slice::<Refusal>(&bytes).ok().map(|refusal| refusal.error.code);
        Err(PaddleError::Refused { status, code: code.map(|code| crate::model::text::line(&code)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_so_already_counts_as_told() {
        let (bad, gone, conflict) = (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::CONFLICT);
        for (change, status, code, expected) in [
            ("cancel", gone, Some("not_found"), true),
            ("cancel", gone, Some("entity_not_found"), true),
            ("cancel", bad, Some("subscription_is_canceled_action_invalid"), true),
            ("pause", bad, Some("subscription_update_when_canceled"), true),
            ("pause", bad, Some("subscription_cannot_be_paused"), true),
            ("cancel", bad, Some("subscription_cannot_be_paused"), false),
            ("resume", bad, Some("subscription_must_be_paused"), true),
            ("pause", bad, Some("subscription_must_be_paused"), false),
            ("cancel", conflict, Some("subscription_locked_renewal"), false),
            ("cancel", bad, Some("subscription_locked_pending_changes"), false),
            ("pause", bad, Some("subscription_outstanding_transaction"), false),
            ("cancel", bad, Some("bad_request"), false),
            // A wrong address of the API, and a proxy's answer.
            ("cancel", gone, Some("invalid_url"), false),
            ("cancel", gone, None, false),
        ] {
            assert_eq!(is_so_already(change, status, code), expected, "{change} {code:?}");
        }
    }
}

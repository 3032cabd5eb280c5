//! Webhooks that come more than once, as payment providers send them when they are in doubt: word for word, and as the
//! other event about the same purchase, before or after.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Place;
use crate::server::error::Failure;
use crate::server::pay::signature::HEADER;
use crate::server::state::Server;

const BODY_LIMIT: usize = 256 * 1024;

/// True for the calls of the payment provider.
pub(super) fn is_one(method: &Method, path: &str) -> bool {
    method == Method::POST && matches!(path, "/api/v1/webhooks/paddle" | "/webhooks/paddle")
}

/// Passes the webhook on, and what else is asked for; the answer is that to the webhook itself.
pub(super) async fn repeat(
    server: &Server,
    request: Request,
    next: Next,
    copies: u32,
    other_type: Option<Place>,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Failure::bad_request("the webhook is too large").into_response();
    };
    let send = |body: Bytes, signature: Option<HeaderValue>| {
        let mut parts = parts.clone();
        parts.headers.remove(header::CONTENT_LENGTH);
        if let Some(signature) = signature {
            parts.headers.insert(HEADER, signature);
        }
        next.clone().run(Request::from_parts(parts, Body::from(body)))
    };
    let other = async {
        let Some(body) = other_event(&body) else { return };
        let signature = server.webhook.sign(jiff::Timestamp::now().as_second(), &body);
        let answer = send(body, HeaderValue::from_str(&signature).ok()).await;
        tracing::info!(status = answer.status().as_u16(), "the other event about a purchase was sent on demand");
    };
    let all = async {
        let response = send(body.clone(), None).await;
        for _ in 0..copies {
            drop(send(body.clone(), None).await);
        }
        response
    };
    match other_type {
        Some(Place::Before) => {
            other.await;
            all.await
        }
        Some(Place::After) => {
            let response = all.await;
            other.await;
            response
        }
        None => all.await,
    }
}

/// The same purchase as an event of the other type: of the transaction for one of the subscription, and the other way
/// round.
fn other_event(body: &[u8]) -> Option<Bytes> {
    let mut notice: Value = serde_json::from_slice(body).ok()?;
    let (kind, status, from, to) = match notice["event_type"].as_str()? {
        "transaction.completed" => ("subscription.created", "active", "subscription_id", "transaction_id"),
        "subscription.created" => ("transaction.completed", "completed", "transaction_id", "subscription_id"),
        _ => return None,
    };
    notice["event_type"] = kind.into();
    notice["event_id"] = format!("{}_other", notice["event_id"].as_str()?).into();
    let data = notice["data"].as_object_mut()?;
    let (old, new) = (data.remove("id")?, data.remove(from)?);
    data.extend([("id".into(), new), (to.into(), old), ("status".into(), json!(status))]);
    serde_json::to_vec(&notice).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_event_is_about_the_same_purchase() {
        let one = json!({ "event_id": "e", "event_type": "transaction.completed",
            "data": { "id": "txn_1", "subscription_id": "sub_1", "status": "completed", "items": [] } });
        let other = other_event(&serde_json::to_vec(&one).expect("JSON")).expect("another");
        let other: Value = serde_json::from_slice(&other).expect("JSON");
        assert_eq!(
            other,
            json!({ "event_id": "e_other", "event_type": "subscription.created",
                "data": { "id": "sub_1", "transaction_id": "txn_1", "status": "active", "items": [] } })
        );
    }
}

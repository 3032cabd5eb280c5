//! The webhook (protocol B.9): checks the signature over the raw bytes, then lets the purchase be made.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Json, response::IntoResponse};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::signature::HEADER;
use crate::model::{SessionId, TenantId};
use crate::server::error::Failure;
use crate::server::provisioner::removal;
use crate::server::purchase::{self, Purchase};
use crate::server::state::Server;
use crate::server::store::{self, subscriptions};

/// The body of a webhook, as far as it matters here.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Unique per event.
    pub event_id: String,
    /// `transaction.completed`, ...
    pub event_type: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// What it is about.
    pub data: NoticeData,
}

/// The subject of a notice: a transaction or a subscription.
#[derive(Debug, Serialize, Deserialize)]
pub struct NoticeData {
    /// `txn_...` or `sub_...`, as the event's type says.
    pub id: String,
    /// `ctm_...`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// `sub_...` on a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// `txn_...` on a subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What was bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<NoticeItem>,
    /// What the checkout passed along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_data: Option<CustomData>,
}

/// One thing that was bought.
#[derive(Debug, Serialize, Deserialize)]
pub struct NoticeItem {
    /// The price.
    pub price_id: String,
    /// How many.
    pub quantity: u32,
}

/// What the checkout passed along.
#[derive(Debug, Serialize, Deserialize)]
pub struct CustomData {
    /// Region code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where the browser goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session_id: Option<String>,
}

/// `POST /api/v1/webhooks/paddle`.
pub async fn receive(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, Failure> {
    let signature = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !server.webhook.verify(signature, &body, jiff::Timestamp::now().as_second()) {
        return Err(Failure::unauthorized());
    }
    let notice: Notice = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("the webhook's body cannot be read: {error}")))?;
    // In the background: a payment provider that hangs up early must not leave half a purchase.
    let worker = server.clone();
    let handled = server.operation(async move { handle(&worker, notice).await }).await;
    match handled {
        Ok(Some(outcome)) => outcome?,
        Ok(None) => return Err(Failure::unavailable("the server is stopping")),
        Err(error) => return Err(Failure::internal(format!("webhook: {error}"))),
    }
    Ok(Json(json!({ "received": true })))
}

async fn handle(server: &Server, notice: Notice) -> Result<(), Failure> {
    let occurred_at = match &notice.occurred_at {
        Some(raw) => store::at(raw.parse().map_err(|_| Failure::bad_request("occurred_at is not an RFC 3339 time"))?),
        None => store::now(),
    };
    match notice.event_type.as_str() {
        "transaction.completed" | "subscription.created" => {
            purchase::complete(server, &read_purchase(notice, occurred_at)?).await
        }
        "subscription.updated"
        | "subscription.activated"
        | "subscription.resumed"
        | "subscription.past_due"
        | "subscription.paused"
        | "subscription.canceled" => update(server, &notice, &occurred_at).await,
        other => {
            tracing::info!(event_type = other, "a webhook event that needs nothing");
            Ok(())
        }
    }
}

fn read_purchase(notice: Notice, occurred_at: String) -> Result<Purchase, Failure> {
    let missing = |what: &str| Failure::bad_request(format!("the webhook says no {what}"));
    let data = notice.data;
    let session = data.custom_data.and_then(|custom| custom.checkout_session_id);
    let session = session.ok_or_else(|| missing("checkout_session_id"))?;
    let (transaction, subscription) = if notice.event_type == "transaction.completed" {
        (Some(data.id), data.subscription_id)
    } else {
        (data.transaction_id, Some(data.id))
    };
    Ok(Purchase {
        event_id: notice.event_id,
        event_type: notice.event_type,
        occurred_at,
        session: SessionId::new(session).map_err(|error| Failure::bad_request(error.to_string()))?,
        transaction_id: transaction.ok_or_else(|| missing("transaction"))?,
        subscription_id: subscription.ok_or_else(|| missing("subscription"))?,
        customer_id: data.customer_id.ok_or_else(|| missing("customer"))?,
    })
}

/// News about a subscription that exists.
async fn update(server: &Server, notice: &Notice, occurred_at: &str) -> Result<(), Failure> {
    let status = match notice.event_type.as_str() {
        "subscription.past_due" => "past_due",
        "subscription.paused" => "paused",
        "subscription.canceled" => "canceled",
        "subscription.updated" => match notice.data.status.as_deref() {
            Some(word @ ("active" | "trialing" | "past_due" | "paused" | "canceled")) => word,
            _ => return Err(Failure::bad_request("the webhook says no subscription status that is known")),
        },
        _ => "active",
    };
    let mut tx = server.store.write().await?;
    if !subscriptions::first_sight(&mut tx, &notice.event_id, &notice.event_type).await? {
        return Ok(());
    }
    let tenant = subscriptions::update(&mut tx, &notice.data.id, status, occurred_at).await?;
    tx.commit().await?;
    if let ("canceled", Some(tenant)) = (status, tenant.and_then(|id| TenantId::new(id).ok()))
        && let Err(failure) = removal::start(server, &tenant, removal::BY_PROVIDER).await
    {
        tracing::warn!(%tenant, ?failure, "its subscription ended; it is removed when what runs on it is over");
    }
    Ok(())
}

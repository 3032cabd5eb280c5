//! The webhook (protocol B.9): checks the signature over the raw bytes and keeps the event, then lets its work be done.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Serialize;
use std::time::Duration;

use super::inbox;
use super::notice::{Meaning, Notice};
use super::signature::HEADER;
use crate::model::TenantId;
use crate::model::envelope::ErrorBody;
use crate::server::error::Failure;
use crate::server::openapi::Refusals;
use crate::server::provisioner::lapse;
use crate::server::purchase;
use crate::server::state::Server;
use crate::server::store::inbox as events;
use crate::server::store::subscriptions::{self, Terms};

/// How long an acknowledgement waits for the work, so that most often it is done when the payment provider hears of it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answer to an event, whatever was done about it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Received {
    received: bool,
}

/// `POST /api/v1/webhooks/paddle`.
#[utoipa::path(post, path = "/api/v1/webhooks/paddle", tag = "payment",
    params(("Paddle-Signature" = String, Header, description = "`ts=..;h1=..`")),
    request_body(content = Object, description = "An event of the payment provider"),
    responses((status = 200, description = "It arrived", body = Received),
        (status = 401, description = "The signature is not right", body = ErrorBody), Refusals))]
pub async fn receive(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Result<Json<Received>, Failure> {
    let signature = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !server.webhook.verify(signature, &body, jiff::Timestamp::now().as_second()) {
        return Err(Failure::unauthorized());
    }
    // Read here, so that what nobody can understand is refused and not kept.
    let meaning = Notice::read(&body)?.meaning()?;
    if !matches!(meaning, Meaning::Nothing)
        && let Some(work) = inbox::accept(&server, &Notice::read(&body)?, &meaning, &body).await?
    {
        // Goes on by itself when it takes longer.
        let _ = tokio::time::timeout(PATIENCE, work).await;
    }
    Ok(Json(Received { received: true }))
}

/// Does what an event says, unless it was done already.
pub(super) async fn perform(server: &Server, notice: Notice) -> Result<(), Failure> {
    let (event, occurred_at) = (notice.event_id.clone(), notice.occurred_at()?);
    match notice.meaning()? {
        Meaning::Purchase(purchase) => purchase::complete(server, &purchase).await,
        Meaning::News { subscription, status, terms } => {
            update(server, &event, (&subscription, status), &occurred_at, &terms).await
        }
        Meaning::Nothing => Ok(()),
    }
}

/// News about a subscription that exists.
async fn update(
    server: &Server,
    event: &str,
    (subscription, status): (&str, &'static str),
    occurred_at: &str,
    terms: &Terms,
) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    if !events::take(&mut tx, event).await? {
        return Ok(());
    }
    if !subscriptions::has(&mut tx, subscription).await? {
        // Events overtake each other: what made the subscription may come yet.
        events::too_early(&mut tx, event).await?;
        tx.commit().await?;
        return Ok(());
    }
    let tenant = subscriptions::update(&mut tx, subscription, status, occurred_at, terms).await?;
    tx.commit().await?;
    if let Some(tenant) = tenant.and_then(|id| TenantId::new(id).ok()) {
        lapse::heed(server, &tenant).await;
    }
    Ok(())
}

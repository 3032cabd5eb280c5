//! Buying: what is on offer, opening a session, watching it, and the way back to the client.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::model::envelope::ErrorBody;
use crate::model::{CheckoutRequest, CheckoutSession, SessionId};
use crate::server::auth::Caller;
use crate::server::catalogue::{self, Offer};
use crate::server::error::{Body, Failure};
use crate::server::openapi::{EventFrame, LoginRefusals};
use crate::server::pay::opening::{self, Wish, way_back};
use crate::server::pay::{prices, sandbox};
use crate::server::purchase;
use crate::server::sse;
use crate::server::state::Server;
use crate::server::store::sessions;

/// `GET /api/v1/checkout/plans`
#[utoipa::path(get, path = "/api/v1/checkout/plans", tag = "checkout",
    responses((status = 200, description = "What is on offer, the smallest first", body = Vec<Offer>), LoginRefusals),
    security(("login" = [])))]
pub async fn plans(State(server): State<Server>, _: Caller) -> Json<Vec<Offer>> {
    Json(prices::offers(&server))
}

/// `POST /api/v1/checkout`
#[utoipa::path(post, path = "/api/v1/checkout", tag = "checkout",
    request_body = CheckoutRequest,
    responses((status = 200, description = "A page to pay on", body = CheckoutSession), LoginRefusals),
    security(("login" = [])))]
pub async fn open(
    State(server): State<Server>,
    Caller(user): Caller,
    Body(request): Body<CheckoutRequest>,
) -> Result<Json<CheckoutSession>, Failure> {
    let offer = prices::by_price(&server, &request.price_id)
        .ok_or_else(|| Failure::validation("there is no plan with this price_id").reason("unknown_price"))?;
    if catalogue::region(&request.region).is_none() {
        return Err(Failure::validation("there is no such region").reason("unknown_region"));
    }
    let CheckoutRequest { region, redirect_uri, .. } = request;
    let wish = Wish { user_id: user.id, offer, region, redirect_uri, for_tenant: None };
    Ok(Json(opening::open(&server, wish).await?))
}

/// Query of the session's stream.
#[derive(Debug, Default, Deserialize)]
pub struct Watch {
    last_event_id: Option<String>,
}

/// `GET /api/v1/checkout/{session}/events`
#[utoipa::path(get, path = "/api/v1/checkout/{session}/events", tag = "checkout",
    params(("session" = String, Path, description = "The checkout session"),
        ("last_event_id" = Option<String>, Query, description = "As the header `Last-Event-ID`")),
    responses((status = 200, description = "Events, each a ProvisioningEvent", body = EventFrame, content_type = "text/event-stream"), (status = 404, description = "There is no such session", body = ErrorBody), LoginRefusals),
    security(("login" = [])))]
pub async fn events(
    State(server): State<Server>,
    Caller(user): Caller,
    Path(raw): Path<String>,
    query: Result<Query<Watch>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let unknown = || Failure::not_found("there is no such checkout session");
    let id = SessionId::new(raw).map_err(|_| unknown())?;
    let session = sessions::get(&mut *server.store.read().await?, id.as_str()).await?.ok_or_else(unknown)?;
    if session.user_id != user.id {
        return Err(Failure::forbidden("this checkout session belongs to another account", "not_owner"));
    }
    // Its last word is said here when nobody said it yet.
    purchase::expire(&server, &session).await?;
    let watch = query.map(|Query(watch)| watch).unwrap_or_default();
    let last = sse::last_event_id_or(&headers, watch.last_event_id.as_deref());
    let feed = server.events.follow_session(&id, last);
    Ok(sse::provisioning(feed, sse::End::new(&server.stop, &headers)))
}

/// Query of the "done" page.
#[derive(Debug, Deserialize)]
pub struct Completed {
    checkout_session_id: Option<String>,
}

/// `GET /api/v1/checkout/complete`: from the payment provider back to the client.
pub async fn complete(
    State(server): State<Server>,
    query: Result<Query<Completed>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Failure> {
    let id = query.ok().and_then(|Query(query)| SessionId::new(query.checkout_session_id?).ok());
    let session = match id {
        Some(id) => sessions::get(&mut *server.store.read().await?, id.as_str()).await?,
        None => None,
    };
    let Some(mut session) = session else { return Ok(sandbox::unknown()) };
    if purchase::expire(&server, &session).await? {
        session.status = "expired".into();
    }
    Ok(match way_back(&session) {
        Some(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_string())]).into_response(),
        None => sandbox::to_page(&session),
    })
}

//! Buying: what is on offer, opening a session, watching it, and the way back to the client.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::{Host, Url};

use crate::model::{CheckoutRequest, CheckoutSession, SessionId};
use crate::server::auth::Caller;
use crate::server::catalogue::{self, Offer};
use crate::server::error::{Body, Failure};
use crate::server::keys;
use crate::server::pay::sandbox;
use crate::server::sse;
use crate::server::state::Server;
use crate::server::store::sessions::SessionRow;
use crate::server::store::{self, accounts, sessions, tenants};

/// How long a session can be paid, hours.
const LIFETIME_HOURS: i64 = 24;

/// `GET /api/v1/checkout/plans`
pub async fn plans(_: Caller) -> Json<Vec<Offer>> {
    Json(catalogue::offers())
}

/// `POST /api/v1/checkout`
pub async fn open(
    State(server): State<Server>,
    Caller(user): Caller,
    Body(request): Body<CheckoutRequest>,
) -> Result<Json<CheckoutSession>, Failure> {
    let offer = catalogue::by_price(&request.price_id)
        .ok_or_else(|| Failure::validation("there is no plan with this price_id").reason("unknown_price"))?;
    if catalogue::region(&request.region).is_none() {
        return Err(Failure::validation("there is no such region").reason("unknown_region"));
    }
    if request.redirect_uri.as_deref().is_some_and(|uri| loopback(uri).is_none()) {
        return Err(Failure::bad_request("redirect_uri must be an http address on this machine's loopback"));
    }
    let mut tx = server.store.write().await?;
    if let (Some(most), Some(customer)) = (offer.plan.max_tenants, accounts::customer_of(&mut tx, &user.id).await?)
        && tenants::count_on_plan(&mut tx, &customer.id, &offer.plan.id).await? >= i64::from(most)
    {
        let message = format!("the plan {} allows {most} per account", offer.plan.name);
        return Err(Failure::forbidden(message, "free_limit"));
    }
    let now = jiff::Timestamp::now();
    let expires = now.saturating_add(jiff::SignedDuration::from_hours(LIFETIME_HOURS));
    let session = SessionRow {
        id: format!("cs_{}", keys::random_word(24)?),
        user_id: user.id,
        plan_id: offer.plan.id,
        price_id: request.price_id,
        region: request.region,
        redirect_uri: request.redirect_uri,
        transaction_id: format!("txn_{}", keys::random_word(24)?.to_ascii_lowercase()),
        form_nonce: keys::random_word(32)?,
        status: "open".into(),
        tenant_id: None,
        created_at: store::at(now),
        expires_at: store::at(expires.map_err(|error| Failure::internal(format!("clock: {error}")))?),
    };
    sessions::insert(&mut tx, &session).await?;
    tx.commit().await?;
    Ok(Json(CheckoutSession {
        checkout_url: format!("{}/pay/{}", server.base, session.id),
        checkout_session_id: SessionId::new(session.id).ok(),
        transaction_id: Some(session.transaction_id),
    }))
}

/// Query of the session's stream.
#[derive(Debug, Default, Deserialize)]
pub struct Watch {
    last_event_id: Option<String>,
}

/// `GET /api/v1/checkout/{session}/events`
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
    let Some(session) = session else { return Ok(sandbox::unknown()) };
    Ok(match way_back(&session) {
        Some(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url.to_string())]).into_response(),
        None => sandbox::settled(&session).unwrap_or_else(sandbox::unknown),
    })
}

/// The client's callback with what it has to know; `None` where no browser is awaited.
pub fn way_back(session: &SessionRow) -> Option<Url> {
    let mut url = loopback(session.redirect_uri.as_deref()?)?;
    {
        let mut query = url.query_pairs_mut();
        match session.status.as_str() {
            "declined" => query.append_pair("error", "payment declined"),
            "failed" => query.append_pair("error", "the tenant could not be made"),
            _ => query
                .append_pair("status", "pending")
                .append_pair("checkout_session_id", &session.id)
                .append_pair("transaction_id", &session.transaction_id),
        };
    }
    Some(url)
}

/// The address, if it is plain http on this machine's loopback (protocol G.15).
fn loopback(raw: &str) -> Option<Url> {
    let url = Url::parse(raw).ok()?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "http" && local && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_http_is_a_way_back() {
        for good in ["http://127.0.0.1:8766/callback", "http://localhost:1/x?y=z", "http://[::1]:80/"] {
            assert!(loopback(good).is_some(), "{good}");
        }
        for bad in [
            "https://127.0.0.1/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost@example.com/",
            "http://user:word@localhost/",
            "javascript:alert(1)",
            "/callback",
            "",
        ] {
            assert!(loopback(bad).is_none(), "{bad}");
        }
    }
}

//! Looking at tenants, and removing them.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use crate::model::TenantStatus;
use crate::model::envelope::Data;
use crate::server::auth::{Caller, Owned};
use crate::server::error::Failure;
use crate::server::provisioner::{app_url, removal};
use crate::server::sse;
use crate::server::state::Server;
use crate::server::store::{accounts, audit, credentials as credential_rows, tenants};
use crate::server::view::{self, TenantFull};

/// `GET /api/v1/tenants`
pub async fn list(State(server): State<Server>, Caller(user): Caller) -> Result<Json<Data<Vec<TenantFull>>>, Failure> {
    let mut db = server.store.read().await?;
    let rows = match accounts::customer_of(&mut db, &user.id).await? {
        Some(customer) => tenants::of_customer(&mut db, &customer.id).await?,
        None => Vec::new(),
    };
    Ok(Json(Data { data: rows.iter().map(|row| view::full(&server, row)).collect() }))
}

/// `GET /api/v1/tenants/{id}`
pub async fn show(State(server): State<Server>, owned: Owned) -> Json<Data<TenantFull>> {
    Json(Data { data: view::full(&server, &owned.tenant) })
}

/// `GET /api/v1/tenants/{id}/status`
pub async fn status(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let id = owned.tenant.id().as_str();
    let armed = credential_rows::armed(&mut *server.store.read().await?, id).await?;
    let token = armed.map(|row| server.sealer.open(id, "link", &row.token)).transpose()?;
    let data: TenantStatus = view::status(&server, &owned.tenant, token.as_ref());
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
}

/// Query of the tenant's stream.
#[derive(Debug, Default, Deserialize)]
pub struct Watch {
    follow: Option<String>,
}

/// `GET /api/v1/tenants/{id}/events`
pub async fn events(
    State(server): State<Server>,
    owned: Owned,
    query: Result<Query<Watch>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let follow = query.is_ok_and(|Query(watch)| is_yes(watch.follow.as_deref()));
    let last = sse::last_event_id(&headers);
    let feed = server.events.follow_tenant(owned.tenant.id(), last, follow, server.settings.compat);
    sse::provisioning(feed, server.stop.clone())
}

/// True for the words with which a query switches something on.
pub fn is_yes(word: Option<&str>) -> bool {
    matches!(word, Some("true" | "1" | ""))
}

/// `GET /api/v1/tenants/{id}/credentials/{token}`: answers once; the read removes what it answers.
pub async fn credentials(
    State(server): State<Server>,
    owned: Owned,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let id = owned.tenant.id().as_str();
    let mut tx = server.store.write().await?;
    let gone = || Failure::not_found("these credentials were already retrieved").reason("secrets_already_retrieved");
    let row = credential_rows::armed(&mut tx, id).await?.ok_or_else(gone)?;
    let armed = server.sealer.open(id, "link", &row.token)?;
    if !bool::from(armed.reveal().as_bytes().ct_eq(token.as_bytes())) {
        return Err(Failure::not_found("this link is not the tenant's").reason("secrets_token_invalid"));
    }
    let database_url = server.sealer.open(id, "link database_url", &row.database_url)?;
    let jwt_secret = server.sealer.open(id, "link jwt_secret", &row.jwt_secret)?;
    credential_rows::disarm(&mut tx, id).await?;
    audit::record(&mut tx, &owned.caller.id, Some(id), "credentials_read").await?;
    tx.commit().await?;
    let body: Value = json!({
        "database_url": database_url.reveal(),
        "internal_database_url": database_url.reveal(),
        "app_url": app_url(&owned.tenant),
        "jwt_secret": jwt_secret.reveal(),
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// `DELETE /api/v1/tenants/{id}`
pub async fn delete(State(server): State<Server>, owned: Owned) -> Result<StatusCode, Failure> {
    let removal = removal::start(&server, owned.tenant.id(), &owned.caller.id).await?;
    match removal.await {
        Ok(Some(())) => Ok(StatusCode::NO_CONTENT),
        Ok(None) => Err(Failure::unavailable("the server is stopping; it goes on with the removal at its next start")),
        Err(error) => Err(Failure::internal(format!("removal: {error}"))),
    }
}

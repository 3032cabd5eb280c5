//! Looking at tenants, changing them, and removing them.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{machine, need_subscription};
use crate::model::envelope::Data;
use crate::model::{Tenant, TenantStatus};
use crate::server::auth::{Caller, Owned};
use crate::server::catalogue;
use crate::server::error::{Body, Failure};
use crate::server::openapi::{self, EventFrame, LoginRefusals, TenantRefusals};
use crate::server::provisioner::{removal, restart};
use crate::server::sse;
use crate::server::state::Server;
use crate::server::store::{accounts, audit, credentials as credential_rows, tenants as rows};
use crate::server::transitions::{self, Event};
use crate::server::view;

/// `GET /api/v1/tenants`
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants",
    responses((status = 200, description = "The caller's tenants, oldest first", body = Data<Vec<Tenant>>), LoginRefusals),
    security(("login" = [])))]
pub async fn list(State(server): State<Server>, Caller(user): Caller) -> Result<Json<Data<Vec<Tenant>>>, Failure> {
    let mut db = server.store.read().await?;
    let rows = match accounts::customer_of(&mut db, &user.id).await? {
        Some(customer) => rows::of_customer(&mut db, &customer.id).await?,
        None => Vec::new(),
    };
    Ok(Json(Data { data: rows.iter().map(|row| view::full(&server, row)).collect() }))
}

/// `GET /api/v1/tenants/{id}`
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = "tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The tenant", body = Data<Tenant>), TenantRefusals),
    security(("login" = [])))]
pub async fn show(State(server): State<Server>, owned: Owned) -> Json<Data<Tenant>> {
    Json(Data { data: view::full(&server, &owned.tenant) })
}

/// `GET /api/v1/tenants/{id}/status`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/status", tag = "tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Where it is", body = Data<TenantStatus>), TenantRefusals),
    security(("login" = [])))]
pub async fn status(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let id = owned.tenant.id().as_str();
    let armed = credential_rows::armed(&mut *server.store.read().await?, id).await?;
    let token = armed.map(|row| server.sealer.open(id, "link", &row.token)).transpose()?;
    let data = view::status(&server, &owned.tenant, token.as_ref());
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
}

/// Query of the tenant's stream.
#[derive(Debug, Default, Deserialize)]
pub struct Watch {
    follow: Option<String>,
    last_event_id: Option<String>,
}

/// `GET /api/v1/tenants/{id}/events`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/events", tag = "tenants",
    params(("id" = String, Path, description = "The tenant"),
        ("follow" = Option<String>, Query, description = "`true`: stay when nothing is under way")),
    responses((status = 200, description = "Events, each a ProvisioningEvent", body = EventFrame, content_type = "text/event-stream"), TenantRefusals),
    security(("login" = [])))]
pub async fn events(
    State(server): State<Server>,
    owned: Owned,
    query: Result<Query<Watch>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let watch = query.map(|Query(watch)| watch).unwrap_or_default();
    let follow = is_yes(watch.follow.as_deref());
    let last = sse::last_event_id_or(&headers, watch.last_event_id.as_deref());
    let feed = server.events.follow_tenant(owned.tenant.id(), last, follow, server.settings.compat);
    sse::provisioning(feed, sse::End::new(&server.stop, &headers))
}

/// True for the words with which a query switches something on.
pub fn is_yes(word: Option<&str>) -> bool {
    matches!(word, Some("true" | "1" | ""))
}

/// Memory sizes of machines, MB (protocol F.5). The plan's own size is the upper limit.
const MEMORY_SIZES: [u32; 4] = [256, 512, 1024, 2048];
/// Longest name, characters.
const MAX_NAME: usize = 64;

/// Body of `PATCH`. What else it may name is ignored.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct Change {
    #[schema(pattern = "^[a-zA-Z0-9-]{1,64}$")]
    name: Option<String>,
    #[schema(schema_with = openapi::memory)]
    memory_mb: Option<u32>,
    #[schema(schema_with = openapi::switch)]
    status: Option<String>,
}

/// `PATCH /api/v1/tenants/{id}`
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = "tenants",
    params(("id" = String, Path, description = "The tenant")),
    request_body = Change,
    responses((status = 200, description = "The tenant as it is now", body = Data<Tenant>), TenantRefusals),
    security(("login" = [])))]
pub async fn change(
    State(server): State<Server>,
    owned: Owned,
    Body(change): Body<Change>,
) -> Result<Json<Data<Tenant>>, Failure> {
    let (id, user) = (owned.tenant.id().clone(), owned.caller.id.clone());
    // Everything is checked before anything is done.
    let name = change.name.as_deref().map(checked_name).transpose()?;
    if let Some(memory_mb) = change.memory_mb {
        need_subscription(&owned.tenant, false)?;
        check_memory(&owned.tenant.plan_id, memory_mb)?;
    }
    let status = change.status.as_deref();
    if status.is_some_and(|word| !matches!(word, "suspended" | "active")) {
        return Err(Failure::validation("status is `suspended` or `active`"));
    }
    if change.memory_mb.is_some_and(|memory_mb| i64::from(memory_mb) != owned.tenant.memory_mb) {
        let restarts = transitions::ask(&owned.tenant, Event::Resize)?.is_some();
        if restarts && status.is_some() {
            return Err(Failure::validation(
                "a machine that runs gets other memory and another status one after the other",
            ));
        }
    }
    if let Some(word) = status {
        transitions::ask(&owned.tenant, if word == "suspended" { Event::Suspend } else { Event::Activate })?;
    }
    if let Some(name) = name {
        rename(&server, &owned, name).await?;
    }
    if let Some(memory_mb) = change.memory_mb {
        restart::resize(&server, &id, memory_mb, &user).await?;
    }
    match status {
        Some("suspended") => drop(machine::suspend(State(server.clone()), owned).await?),
        Some(_) => drop(machine::activate(State(server.clone()), owned).await?),
        None => {}
    }
    let tenant = rows::get(&mut *server.store.read().await?, &id).await?;
    let tenant = tenant.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    Ok(Json(Data { data: view::full(&server, &tenant) }))
}

fn checked_name(raw: &str) -> Result<&str, Failure> {
    let name = raw.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let rule = || Failure::validation(format!("a name has 1 to {MAX_NAME} characters and no control characters"));
    if fits && crate::model::text::line(name) == name { Ok(name) } else { Err(rule()) }
}

fn check_memory(plan_id: &str, memory_mb: u32) -> Result<(), Failure> {
    let most = catalogue::by_plan(plan_id).map_or(0, |offer| offer.plan.memory_mb_default);
    if MEMORY_SIZES.contains(&memory_mb) && memory_mb <= most {
        return Ok(());
    }
    Err(Failure::validation(format!("memory is one of {MEMORY_SIZES:?} MB, and at most {most} MB on this plan"))
        .reason("memory_not_offered"))
}

async fn rename(server: &Server, owned: &Owned, name: &str) -> Result<(), Failure> {
    let id = owned.tenant.id();
    let mut tx = server.store.write().await?;
    let tenant = rows::get(&mut tx, id).await?.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    // A name is as free to change as a secret.
    transitions::ask(&tenant, Event::SetSecret)?;
    if rows::name_is_taken(&mut tx, id, name).await? {
        return Err(Failure::conflict("another tenant has this name").reason("name_taken"));
    }
    if owned.tenant.name == name {
        return Ok(());
    }
    rows::rename(&mut tx, id, name).await?;
    // The machine knows its tenant's name.
    rows::environment_changed(&mut tx, id).await?;
    audit::record(&mut tx, &owned.caller.id, Some(id.as_str()), "rename").await?;
    tx.commit().await?;
    Ok(())
}

/// `DELETE /api/v1/tenants/{id}`
#[utoipa::path(delete, path = "/api/v1/tenants/{id}", tag = "tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 204, description = "It is gone"), TenantRefusals),
    security(("login" = [])))]
pub async fn delete(State(server): State<Server>, owned: Owned) -> Result<StatusCode, Failure> {
    let removal = removal::start(&server, owned.tenant.id(), &owned.caller.id).await?;
    match removal.await {
        Ok(Some(())) => Ok(StatusCode::NO_CONTENT),
        Ok(None) => Err(Failure::unavailable("the server is stopping; it goes on with the removal at its next start")),
        Err(error) => Err(Failure::internal(format!("removal: {error}"))),
    }
}

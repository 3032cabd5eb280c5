//! A tenant's own domain (protocol B.38).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::need_subscription;
use crate::model::envelope::Data;
use crate::model::{CustomDomain, DomainStatus, Phase};
use crate::server::auth::Owned;
use crate::server::domains;
use crate::server::error::{Body, Failure};
use crate::server::openapi::TenantRefusals;
use crate::server::state::Server;
use crate::server::store::domains::{self as rows, DomainRow, Status};
use crate::server::store::{audit, tenants};

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct Wanted {
    domain: String,
}

fn shown(server: &Server, row: DomainRow) -> Json<Data<CustomDomain>> {
    let tenant = &row.tenant_id.0;
    let data = CustomDomain {
        dns_target: server.front.addresses().host(tenant),
        dns_instructions: Some(domains::instructions(server.front.addresses(), tenant, &row.domain)),
        status: DomainStatus::from_word(row.status.word()),
        verified: row.status == Status::Active,
        domain: row.domain,
        message: row.message,
        created_at: Some(row.created_at),
        verified_at: row.verified_at,
    };
    Json(Data { data })
}

fn none() -> Failure {
    Failure::not_found("no custom domain").reason("domain_missing")
}

/// `GET /api/v1/tenants/{id}/custom-domain`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/custom-domain", tag = "domain",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The domain, and the DNS record that it needs", body = Data<CustomDomain>), TenantRefusals),
    security(("login" = [])))]
pub async fn show(State(server): State<Server>, owned: Owned) -> Result<Json<Data<CustomDomain>>, Failure> {
    let row = rows::of(&mut *server.store.read().await?, owned.tenant.id()).await?;
    Ok(shown(&server, row.ok_or_else(none)?))
}

/// `POST /api/v1/tenants/{id}/custom-domain`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/custom-domain", tag = "domain",
    params(("id" = String, Path, description = "The tenant")),
    request_body = Wanted,
    responses((status = 200, description = "The domain, and the DNS record that it needs", body = Data<CustomDomain>), TenantRefusals),
    security(("login" = [])))]
pub async fn set(
    State(server): State<Server>,
    owned: Owned,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Data<CustomDomain>>, Failure> {
    need_subscription(&owned.tenant, true)?;
    let id = owned.tenant.id();
    let domain = domains::checked(server.front.addresses(), &wanted.domain)?;
    let mut tx = server.store.write().await?;
    if tenants::get(&mut tx, id).await?.is_none_or(|tenant| tenant.phase() == Phase::Deleting) {
        return Err(Failure::operation_running());
    }
    let row = match rows::of(&mut tx, id).await? {
        Some(row) if row.domain == domain => row,
        Some(row) => {
            let message = format!("the tenant has the domain {}; remove it first", row.domain);
            return Err(Failure::conflict(message).reason("domain_set"));
        }
        None => {
            if rows::named(&mut tx, &domain).await?.is_some() {
                return Err(Failure::conflict("another tenant has this domain").reason("domain_taken"));
            }
            rows::insert(&mut tx, id, &domain).await?;
            audit::record(&mut tx, &owned.caller.id, Some(id.as_str()), "custom_domain_set").await?;
            rows::of(&mut tx, id).await?.ok_or_else(none)?
        }
    };
    tx.commit().await?;
    server.domains.wake();
    Ok(shown(&server, row))
}

/// `DELETE /api/v1/tenants/{id}/custom-domain`
#[utoipa::path(delete, path = "/api/v1/tenants/{id}/custom-domain", tag = "domain",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 204, description = "Gone"), TenantRefusals),
    security(("login" = [])))]
pub async fn remove(State(server): State<Server>, owned: Owned) -> Result<StatusCode, Failure> {
    let id = owned.tenant.id();
    let mut tx = server.store.write().await?;
    let row = rows::of(&mut tx, id).await?.ok_or_else(none)?;
    rows::forget(&mut tx, id).await?;
    audit::record(&mut tx, &owned.caller.id, Some(id.as_str()), "custom_domain_removed").await?;
    tx.commit().await?;
    server.doors.unlead(&row.domain, id);
    Ok(StatusCode::NO_CONTENT)
}

//! A tenant's own domain (protocol B.38).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::need_subscription;
use crate::model::Phase;
use crate::model::envelope::Data;
use crate::server::auth::Owned;
use crate::server::domains::{self, Instructions};
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

/// A domain as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs, clippy::struct_field_names, reason = "fields of protocol B.38")]
pub struct Domain {
    pub domain: String,
    pub status: &'static str,
    pub verified: bool,
    /// The tenant's own host name.
    pub dns_target: String,
    pub dns_instructions: Instructions,
    /// What there is to say about the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<String>,
}

fn shown(server: &Server, row: DomainRow) -> Json<Data<Domain>> {
    let tenant = &row.tenant_id.0;
    let data = Domain {
        dns_target: server.front.addresses().host(tenant),
        dns_instructions: domains::instructions(server.front.addresses(), tenant, &row.domain),
        status: row.status.word(),
        verified: row.status == Status::Active,
        domain: row.domain,
        message: row.message,
        created_at: row.created_at,
        verified_at: row.verified_at,
    };
    Json(Data { data })
}

fn none() -> Failure {
    Failure::not_found("no custom domain")
}

/// `GET /api/v1/tenants/{id}/custom-domain`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/custom-domain", tag = "domain",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The domain, and the DNS record that it needs", body = Data<Domain>), TenantRefusals),
    security(("login" = [])))]
pub async fn show(State(server): State<Server>, owned: Owned) -> Result<Json<Data<Domain>>, Failure> {
    let row = rows::of(&mut *server.store.read().await?, owned.tenant.id()).await?;
    Ok(shown(&server, row.ok_or_else(none)?))
}

/// `POST /api/v1/tenants/{id}/custom-domain`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/custom-domain", tag = "domain",
    params(("id" = String, Path, description = "The tenant")),
    request_body = Wanted,
    responses((status = 200, description = "The domain, and the DNS record that it needs", body = Data<Domain>), TenantRefusals),
    security(("login" = [])))]
pub async fn set(
    State(server): State<Server>,
    owned: Owned,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Data<Domain>>, Failure> {
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

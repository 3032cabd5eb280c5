//! The credentials of a tenant's database: read once, replaced, and good from outside or not (protocol B.24, B.25, B.37).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use super::{need_infrastructure, need_subscription};
use crate::model::credentials::Switch;
use crate::model::envelope::Data;
use crate::model::secret::expose;
use crate::model::{ExternalAccess, Secret, TenantId};
use crate::server::auth::Owned;
use crate::server::databases::{access, rotation};
use crate::server::error::{Body, Failure};
use crate::server::openapi::TenantRefusals;
use crate::server::provisioner::app_url;
use crate::server::state::Server;
use crate::server::store::{Connection, audit, credentials as rows};

/// What can be read once.
#[derive(Serialize, ToSchema)]
pub struct OneTime {
    /// As machines reach it, with its password.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    database_url: Secret,
    /// The same.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    internal_database_url: Secret,
    /// Where the tenant answers.
    app_url: Option<String>,
    /// 64 characters.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    jwt_secret: Secret,
    /// Of the tenant's own secrets, where it was set.
    #[serde(serialize_with = "expose_some")]
    #[schema(value_type = Option<String>)]
    anthropic_api_key: Option<Secret>,
    /// See `anthropic_api_key`.
    #[serde(serialize_with = "expose_some")]
    #[schema(value_type = Option<String>)]
    openai_api_key: Option<Secret>,
    /// See `anthropic_api_key`.
    #[serde(serialize_with = "expose_some")]
    #[schema(value_type = Option<String>)]
    gemini_api_key: Option<Secret>,
}

#[allow(clippy::ref_option, reason = "the form that serde asks for")]
fn expose_some<S: serde::Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => expose(secret, serializer),
        None => serializer.serialize_none(),
    }
}

/// An answer with secrets in it: nobody on the way keeps it.
fn unkept<T: Serialize>(body: T) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `GET /api/v1/tenants/{id}/credentials/{token}`: answers once; the read removes what it answers.
#[utoipa::path(get, path = "/api/v1/tenants/{id}/credentials/{token}", tag = "credentials",
    params(("id" = String, Path, description = "The tenant"),
        ("token" = String, Path, description = "Of the link in the status")),
    responses((status = 200, description = "Once", body = OneTime), TenantRefusals),
    security(("login" = [])))]
pub async fn read_once(
    State(server): State<Server>,
    owned: Owned,
    Path((_, token)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let tenant = owned.tenant.id();
    let id = tenant.as_str();
    let mut tx = server.store.write().await?;
    let gone = || Failure::not_found("these credentials were already retrieved").reason("secrets_already_retrieved");
    let row = rows::armed(&mut tx, id).await?.ok_or_else(gone)?;
    let armed = server.sealer.open(id, "link", &row.token)?;
    if !bool::from(armed.reveal().as_bytes().ct_eq(token.as_bytes())) {
        return Err(Failure::not_found("this link is not the tenant's").reason("secrets_token_invalid"));
    }
    let database_url = server.sealer.open(id, "link database_url", &row.database_url)?;
    let body = OneTime {
        internal_database_url: database_url.clone(),
        database_url,
        app_url: app_url(&server, &owned.tenant),
        jwt_secret: server.sealer.open(id, "link jwt_secret", &row.jwt_secret)?,
        anthropic_api_key: own_secret(&server, &mut tx, tenant, "ANTHROPIC_API_KEY").await?,
        openai_api_key: own_secret(&server, &mut tx, tenant, "OPENAI_API_KEY").await?,
        gemini_api_key: own_secret(&server, &mut tx, tenant, "GEMINI_API_KEY").await?,
    };
    rows::disarm(&mut tx, id).await?;
    audit::record(&mut tx, &owned.caller.id, Some(id), "credentials_read").await?;
    tx.commit().await?;
    Ok(unkept(body))
}

async fn own_secret(
    server: &Server,
    db: &mut Connection,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<Secret>, Failure> {
    let sealed = rows::one(db, tenant.as_str(), key).await?;
    Ok(sealed.map(|(sealed, _)| server.sealer.open(tenant.as_str(), key, &sealed)).transpose()?)
}

/// Answer of a rotation. The client of 2025 reads `database_url`, later ones the other two.
#[derive(Serialize, ToSchema)]
pub struct RotateAnswer {
    /// `rotated`.
    status: &'static str,
    /// For people.
    message: &'static str,
    /// As machines reach it, with the new password.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    internal_database_url: Secret,
    /// As people outside reach it, when that is switched on.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    external_database_url: Secret,
}

/// `POST /api/v1/tenants/{id}/rotate-credentials`, and `PATCH` (protocol K4).
#[utoipa::path(post, path = "/api/v1/tenants/{id}/rotate-credentials", tag = "credentials",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The new ones", body = RotateAnswer), TenantRefusals),
    security(("login" = [])))]
pub async fn rotate(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    need_subscription(&owned.tenant, true)?;
    need_infrastructure(&owned.tenant)?;
    let rotated = rotation::rotate(&server, owned.tenant.id(), &owned.caller.id).await?;
    let message = if rotated.restarts { "new password active; machine restarting" } else { "new password active" };
    Ok(unkept(RotateAnswer {
        status: "rotated",
        message,
        internal_database_url: rotated.inside,
        external_database_url: rotated.outside,
    }))
}

/// `PATCH /api/v1/tenants/{id}/rotate-credentials`, as older clients ask for it (protocol K4).
#[utoipa::path(patch, path = "/api/v1/tenants/{id}/rotate-credentials", tag = "credentials",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "The new ones", body = RotateAnswer), TenantRefusals),
    security(("login" = [])))]
pub async fn rotate_by_patch(server: State<Server>, owned: Owned) -> Result<Response, Failure> {
    rotate(server, owned).await
}

/// `PUT /api/v1/tenants/{id}/external-db-access`, and `POST` (protocol K46).
#[utoipa::path(put, path = "/api/v1/tenants/{id}/external-db-access", tag = "credentials",
    params(("id" = String, Path, description = "The tenant")),
    request_body = Switch,
    responses((status = 200, description = "As it is now", body = Data<ExternalAccess>), TenantRefusals),
    security(("login" = [])))]
pub async fn external_access(
    State(server): State<Server>,
    owned: Owned,
    Body(switch): Body<Switch>,
) -> Result<Json<Data<ExternalAccess>>, Failure> {
    need_subscription(&owned.tenant, true)?;
    need_infrastructure(&owned.tenant)?;
    let tenant = access::switch(&server, owned.tenant.id(), switch.enabled, &owned.caller.id).await?;
    Ok(Json(Data {
        data: ExternalAccess {
            tenant_id: Some(tenant.id().clone()),
            external_db_access: tenant.external_db_access != 0,
            database_url: server.databases.masked_url(&tenant, true),
        },
    }))
}

/// `POST /api/v1/tenants/{id}/external-db-access`, as some clients ask for it (protocol K46).
#[utoipa::path(post, path = "/api/v1/tenants/{id}/external-db-access", tag = "credentials",
    params(("id" = String, Path, description = "The tenant")),
    request_body = Switch,
    responses((status = 200, description = "As it is now", body = Data<ExternalAccess>), TenantRefusals),
    security(("login" = [])))]
pub async fn external_access_by_post(
    server: State<Server>,
    owned: Owned,
    body: Body<Switch>,
) -> Result<Json<Data<ExternalAccess>>, Failure> {
    external_access(server, owned, body).await
}

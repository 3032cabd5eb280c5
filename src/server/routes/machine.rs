//! The machine as it is: started again, stopped, brought back, and what it starts with.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{need_infrastructure, need_subscription};
use crate::model::envelope::Data;
use crate::model::{Environment, Phase, Variable};
use crate::server::auth::Owned;
use crate::server::error::Failure;
use crate::server::openapi::TenantRefusals;
use crate::server::provisioner::{environment, restart as machines};
use crate::server::routes::answers::Begun;
use crate::server::state::Server;

/// What is shown instead of a secret value.
pub const MASK: &str = "********";

/// `POST /api/v1/tenants/{id}/restart`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/restart", tag = "machine",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Begun", body = Begun), TenantRefusals),
    security(("login" = [])))]
pub async fn restart(State(server): State<Server>, owned: Owned) -> Result<Json<Begun>, Failure> {
    need_subscription(&owned.tenant, true)?;
    need_infrastructure(&owned.tenant)?;
    machines::restart(&server, owned.tenant.id(), &owned.caller.id).await?;
    Ok(Json(Begun::new("restarting")))
}

/// `POST /api/v1/tenants/{id}/suspend`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/suspend", tag = "machine",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Suspended", body = Data<Begun>), TenantRefusals),
    security(("login" = [])))]
pub async fn suspend(State(server): State<Server>, owned: Owned) -> Result<Json<Data<Begun>>, Failure> {
    let stopped = machines::suspend(&server, owned.tenant.id(), &owned.caller.id).await?;
    let message = if stopped {
        "Volume, database and address are kept."
    } else {
        "Nobody is let in any more, but the machine could not be stopped yet."
    };
    Ok(Json(Data { data: Begun { status: "suspended", message: Some(message) } }))
}

/// `POST /api/v1/tenants/{id}/activate`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/activate", tag = "machine",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Active", body = Data<Begun>), TenantRefusals),
    security(("login" = [])))]
pub async fn activate(State(server): State<Server>, owned: Owned) -> Result<Json<Data<Begun>>, Failure> {
    need_subscription(&owned.tenant, false)?;
    let next = machines::activate(&server, owned.tenant.id(), &owned.caller.id).await?;
    let message = if next == Phase::AwaitingDeploy {
        "The tenant waits for its first deploy."
    } else {
        "The machine is being started."
    };
    Ok(Json(Data { data: Begun { status: "active", message: Some(message) } }))
}

/// `GET /api/v1/tenants/{id}/environment`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/environment", tag = "machine",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "What a machine starts with", body = Data<Environment>), TenantRefusals),
    security(("login" = [])))]
pub async fn environment(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let environment = environment::of(&server, owned.tenant.id()).await?;
    let show = |variable: environment::Variable| Variable {
        managed: environment::is_managed(&variable.key),
        value: if variable.secret { MASK.to_owned() } else { variable.value.reveal().to_owned() },
        secret: variable.secret,
        key: variable.key,
    };
    let variables: Vec<Variable> = environment.variables.into_iter().map(show).collect();
    let data = Environment { variables };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
}

//! The machine as it is: started again, stopped, brought back, and what it starts with.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::{need_infrastructure, need_subscription};
use crate::model::Phase;
use crate::model::envelope::Data;
use crate::server::auth::Owned;
use crate::server::error::Failure;
use crate::server::provisioner::{environment, restart as machines};
use crate::server::state::Server;

/// What is shown instead of a secret value.
pub const MASK: &str = "********";

/// `POST /api/v1/tenants/{id}/restart`
pub async fn restart(State(server): State<Server>, owned: Owned) -> Result<Json<Value>, Failure> {
    need_subscription(&owned.tenant, true)?;
    need_infrastructure(&owned.tenant)?;
    machines::restart(&server, owned.tenant.id(), &owned.caller.id).await?;
    Ok(Json(json!({ "status": "restarting" })))
}

/// `POST /api/v1/tenants/{id}/suspend`
pub async fn suspend(State(server): State<Server>, owned: Owned) -> Result<Json<Data<Value>>, Failure> {
    let stopped = machines::suspend(&server, owned.tenant.id(), &owned.caller.id).await?;
    let message = if stopped {
        "Volume, database and address are kept."
    } else {
        "Nobody is let in any more, but the machine could not be stopped yet."
    };
    Ok(Json(Data { data: json!({ "status": "suspended", "message": message }) }))
}

/// `POST /api/v1/tenants/{id}/activate`
pub async fn activate(State(server): State<Server>, owned: Owned) -> Result<Json<Data<Value>>, Failure> {
    need_subscription(&owned.tenant, false)?;
    let next = machines::activate(&server, owned.tenant.id(), &owned.caller.id).await?;
    let message = if next == Phase::AwaitingDeploy {
        "The tenant waits for its first deploy."
    } else {
        "The machine is being started."
    };
    Ok(Json(Data { data: json!({ "status": "active", "message": message }) }))
}

#[derive(Serialize)]
struct Shown {
    key: String,
    value: String,
    secret: bool,
    managed: bool,
}

/// `GET /api/v1/tenants/{id}/environment`
pub async fn environment(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let environment = environment::of(&server, owned.tenant.id()).await?;
    let show = |variable: environment::Variable| Shown {
        managed: environment::is_managed(&variable.key),
        value: if variable.secret { MASK.to_owned() } else { variable.value.reveal().to_owned() },
        secret: variable.secret,
        key: variable.key,
    };
    let variables: Vec<Shown> = environment.variables.into_iter().map(show).collect();
    let data = json!({ "variables": variables });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
}

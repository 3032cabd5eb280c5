//! The registry token, the deploy call, and the retry of what failed.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

use super::{need_infrastructure, need_subscription};
use crate::model::envelope::Data;
use crate::model::{DeployAnswer, DeployRequest, Digest, Phase, RegistryToken};
use crate::server::auth::Owned;
use crate::server::error::{Body, Failure};
use crate::server::provisioner::{app_url, deploy as machines, infrastructure};
use crate::server::registry::Access;
use crate::server::state::{REPOSITORY, Server};
use crate::server::store::deployments::{self, DeploymentRow};
use crate::server::store::{audit, now};

/// How long a registry token can be used.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// How long the deploy call waits for the machine: the published client gives up after 30 s.
const PATIENCE: Duration = Duration::from_secs(25);
/// Most deploys that the list shows.
const HISTORY: u32 = 100;

/// `GET /api/v1/tenants/{id}/registry-token`
pub async fn registry_token(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    need_subscription(&owned.tenant, true)?;
    need_infrastructure(&owned.tenant)?;
    let id = owned.tenant.id();
    let mut tx = server.store.write().await?;
    audit::record(&mut tx, &owned.caller.id, Some(id.as_str()), "registry_token").await?;
    tx.commit().await?;
    let data = RegistryToken {
        registry: server.registry_host.clone(),
        username: "x".into(),
        token: server.registry_tokens.issue(id, Access::Push, TOKEN_LIFETIME),
        repository: REPOSITORY.into(),
        tag: id.image_tag(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Data { data })).into_response())
}

/// `POST /api/v1/tenants/{id}/deploy`
pub async fn deploy(
    State(server): State<Server>,
    owned: Owned,
    Body(request): Body<DeployRequest>,
) -> Result<Response, Failure> {
    let tenant = owned.tenant;
    need_subscription(&tenant, false)?;
    server.provider.available().await.map_err(|error| Failure::unavailable(error.to_string()))?;
    need_infrastructure(&tenant)?;
    let expected = server.image_of(tenant.id()).map_err(|error| Failure::internal(error.to_string()))?.to_string();
    if request.image != expected {
        return Err(Failure::bad_request(format!("image not allowed; expected {expected}"))
            .reason("invalid_image")
            .with("expected", expected));
    }
    machines::allowed(tenant.phase())?;
    let digest = server.registry.digest_of(tenant.id()).await.ok_or_else(|| {
        Failure::bad_request(format!("the image {expected} is not in the registry; push it first"))
            .reason("image_not_pushed")
    })?;
    let running = machines::start(&server, tenant.id(), digest, &owned.caller.id).await?;
    let answer = |status: &str, machine_id: Option<String>| {
        let deployed_at = machine_id.as_ref().map(|_| now());
        let data = DeployAnswer {
            status: status.into(),
            app_url: app_url(&tenant),
            url: app_url(&tenant),
            machine_id,
            deployed_at,
        };
        Json(Data { data })
    };
    match tokio::time::timeout(PATIENCE, running).await {
        Err(_) => Ok((StatusCode::ACCEPTED, answer("deploying", None)).into_response()),
        Ok(Ok(Some(Ok(machine)))) => Ok((StatusCode::OK, answer("deployed", Some(machine.id))).into_response()),
        Ok(Ok(Some(Err(error)))) => Err(error.into()),
        Ok(Ok(None)) => Err(Failure::unavailable("the server is stopping")),
        Ok(Err(error)) => Err(Failure::internal(format!("deploy: {error}"))),
    }
}

#[derive(Debug, Serialize)]
struct Deployment {
    id: String,
    image: String,
    digest: String,
    status: String,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
}

impl From<DeploymentRow> for Deployment {
    fn from(row: DeploymentRow) -> Self {
        let DeploymentRow { id, image, digest, status, created_at, finished_at, .. } = row;
        Self { id, image, digest, status, created_at, finished_at }
    }
}

/// `GET /api/v1/tenants/{id}/deployments`: newest first.
pub async fn history(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let rows = deployments::of(&mut *server.store.read().await?, owned.tenant.id().as_str(), HISTORY).await?;
    let data: Vec<Deployment> = rows.into_iter().map(Deployment::from).collect();
    Ok(Json(Data { data }).into_response())
}

/// `POST /api/v1/tenants/{id}/retry-provision`
pub async fn retry_provision(State(server): State<Server>, owned: Owned) -> Result<Json<Value>, Failure> {
    let tenant = owned.tenant;
    need_subscription(&tenant, true)?;
    match (tenant.phase(), &tenant.image_digest) {
        // A machine that ran before is made again from the image it ran.
        (Phase::FailedDeploy, Some(digest)) => {
            let digest = Digest::new(digest).map_err(|error| Failure::internal(error.to_string()))?;
            drop(machines::start(&server, tenant.id(), digest, &owned.caller.id).await?);
        }
        (Phase::FailedInfra | Phase::FailedDeploy, _) => {
            infrastructure::retry(&server, &tenant, &owned.caller.id).await?;
        }
        (Phase::Provisioning | Phase::Deploying | Phase::Restarting, _) => return Err(Failure::operation_running()),
        _ => return Err(Failure::invalid_state("tenant is not in failed state")),
    }
    Ok(Json(json!({ "status": "provisioning" })))
}

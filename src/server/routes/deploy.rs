//! The registry token, the deploy call, and the retry of what failed.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;

use super::{need_infrastructure, need_subscription};
use crate::model::envelope::Data;
use crate::model::{DeployAnswer, DeployRequest, Deployment, Digest, Phase, RegistryToken};
use crate::server::auth::Owned;
use crate::server::error::{Body, Failure};
use crate::server::openapi::TenantRefusals;
use crate::server::provisioner::{app_url, deploy as machines, infrastructure, restart};
use crate::server::registry::Access;
use crate::server::routes::answers::Begun;
use crate::server::state::{REPOSITORY, Server};
use crate::server::store::deployments::{self, DeploymentRow};
use crate::server::store::{audit, now};
use crate::server::transitions::{self, Event};

/// How long a registry token can be used.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// How long the deploy call waits for the machine: the published client gives up after 30 s.
const PATIENCE: Duration = Duration::from_secs(25);
/// Most deploys that the list shows.
const HISTORY: u32 = 100;

/// `GET /api/v1/tenants/{id}/registry-token`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/registry-token", tag = "deploy",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Where to push, for an hour", body = Data<RegistryToken>), TenantRefusals),
    security(("login" = [])))]
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
#[utoipa::path(post, path = "/api/v1/tenants/{id}/deploy", tag = "deploy",
    params(("id" = String, Path, description = "The tenant")),
    request_body = DeployRequest,
    responses((status = 200, description = "It runs", body = Data<DeployAnswer>),
        (status = 202, description = "It takes longer; the tenant's events say how it ends", body = Data<DeployAnswer>), TenantRefusals),
    security(("login" = [])))]
pub async fn deploy(
    State(server): State<Server>,
    owned: Owned,
    Body(request): Body<DeployRequest>,
) -> Result<Response, Failure> {
    if request.image == "current" {
        return current(&server, &owned).await;
    }
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
    transitions::ask(&tenant, Event::Deploy)?;
    let digest = server.registry.digest_of(tenant.id()).await.ok_or_else(|| {
        Failure::bad_request(format!("the image {expected} is not in the registry; push it first"))
            .reason("image_not_pushed")
    })?;
    let running = machines::start(&server, tenant.id(), digest, &owned.caller.id).await?;
    let answer = |status: &str, machine_id: Option<String>| {
        let deployed_at = machine_id.as_ref().map(|_| now());
        let data = DeployAnswer {
            status: status.into(),
            app_url: app_url(&server, &tenant),
            url: app_url(&server, &tenant),
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

/// `image: "current"`, which older clients send for a restart (protocol K9).
async fn current(server: &Server, owned: &Owned) -> Result<Response, Failure> {
    let tenant = &owned.tenant;
    if !server.settings.compat {
        let path = format!("/api/v1/tenants/{}/restart", tenant.id());
        return Err(Failure::bad_request(format!("`current` is no image; to start the machine again, POST {path}"))
            .reason("invalid_image"));
    }
    need_subscription(tenant, true)?;
    need_infrastructure(tenant)?;
    restart::restart(server, tenant.id(), &owned.caller.id).await?;
    let data = DeployAnswer {
        status: "deploying".into(),
        app_url: app_url(server, tenant),
        url: app_url(server, tenant),
        machine_id: None,
        deployed_at: None,
    };
    Ok((StatusCode::ACCEPTED, Json(Data { data })).into_response())
}

fn shown(row: DeploymentRow) -> Deployment {
    let DeploymentRow { id, image, digest, status, created_at, finished_at, .. } = row;
    Deployment { id, image, digest, status, created_at, finished_at }
}

/// `GET /api/v1/tenants/{id}/deployments`: newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{id}/deployments", tag = "deploy",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Newest first", body = Data<Vec<Deployment>>), TenantRefusals),
    security(("login" = [])))]
pub async fn history(State(server): State<Server>, owned: Owned) -> Result<Response, Failure> {
    let rows = deployments::of(&mut *server.store.read().await?, owned.tenant.id().as_str(), HISTORY).await?;
    let data: Vec<Deployment> = rows.into_iter().map(shown).collect();
    Ok(Json(Data { data }).into_response())
}

/// `POST /api/v1/tenants/{id}/retry-provision`
#[utoipa::path(post, path = "/api/v1/tenants/{id}/retry-provision", tag = "tenants",
    params(("id" = String, Path, description = "The tenant")),
    responses((status = 200, description = "Begun", body = Begun), TenantRefusals),
    security(("login" = [])))]
pub async fn retry_provision(State(server): State<Server>, owned: Owned) -> Result<Json<Begun>, Failure> {
    let tenant = owned.tenant;
    need_subscription(&tenant, true)?;
    // A machine that ran before is made again from the image it ran.
    if transitions::ask(&tenant, Event::Retry)? == Some(Phase::Deploying) {
        server.provider.available().await?;
        let digest = tenant.image_digest.as_deref().ok_or_else(Failure::no_machine)?;
        let digest = Digest::new(digest).map_err(|error| Failure::internal(error.to_string()))?;
        drop(machines::start(&server, tenant.id(), digest, &owned.caller.id).await?);
    } else {
        infrastructure::retry(&server, &tenant, &owned.caller.id).await?;
    }
    Ok(Json(Begun::new("provisioning")))
}

//! The endpoints: what a request must bring, in which order it is checked, and what it answers.

pub mod account;
pub mod answers;
pub mod checkout;
pub mod credentials;
pub mod custom_domain;
pub mod deploy;
pub mod logs;
pub mod machine;
pub mod secrets;
pub mod subscription;
pub mod tenants;
pub mod usage;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::error::{catch_panic, unknown_path, wrong_method};
use super::faults::http as faults;
use super::login;
use super::openapi::Document;
use super::operations;
use super::pay::{progress, sandbox, webhook};
use super::state::Server;
use super::store::tenants::TenantRow;
use crate::model::Phase;
use crate::server::error::Failure;

/// Largest body of a management call, bytes. The registry has its own limits.
const BODY_LIMIT: usize = 256 * 1024;

/// Every path of the server.
pub fn router(server: &Server) -> Router {
    let (documented, document) = documented().split_for_parts();
    let management = documented
        .route("/health", get(account::health))
        .route("/sign-in/{provider}", get(login::sandbox::show).post(login::sandbox::decide))
        .route("/api/v1/auth/oauth/{provider}/callback", get(login::callback::callback))
        .route("/openapi.json", get(move || async move { Json(document) }))
        .route("/api/v1/plans", get(checkout::plans))
        .route("/api/v1/checkout/complete", get(checkout::complete))
        .route("/webhooks/paddle", post(webhook::receive))
        .route("/pay/{session}", get(sandbox::show).post(sandbox::decide))
        .route("/pay/{session}/later", get(sandbox::later))
        .route("/pay/{session}/progress", get(progress::show))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .with_state(server.clone());
    let all = management.merge(server.registry.router()).layer(from_fn(catch_panic));
    let all = if server.settings.serve_faults { faults::interfering(server, all) } else { all };
    operations::around(server, all)
}

/// Every path of the calls that programs make, as the router knows them.
#[must_use]
pub fn paths() -> Vec<String> {
    documented().into_openapi().paths.paths.into_keys().collect()
}

/// The calls that programs make. Pages for browsers and older names of paths are not among them.
fn documented() -> OpenApiRouter<Server> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(login::start::start))
        .routes(routes!(login::keys::show))
        .routes(routes!(login::exchange::exchange))
        .routes(routes!(account::me))
        .routes(routes!(account::activity).layer(DefaultBodyLimit::max(account::ACTIVITY_LIMIT)))
        .routes(routes!(checkout::plans))
        .routes(routes!(checkout::open))
        .routes(routes!(checkout::events))
        .routes(routes!(webhook::receive))
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::show, tenants::change, tenants::delete))
        .routes(routes!(tenants::status))
        .routes(routes!(tenants::events))
        .routes(routes!(credentials::read_once))
        .routes(routes!(credentials::rotate, credentials::rotate_by_patch))
        .routes(routes!(credentials::external_access, credentials::external_access_by_post))
        .routes(routes!(custom_domain::show, custom_domain::set, custom_domain::remove))
        .routes(routes!(subscription::show, subscription::renew))
        .routes(routes!(subscription::cancel))
        .routes(routes!(deploy::registry_token))
        .routes(routes!(deploy::deploy))
        .routes(routes!(deploy::retry_provision))
        .routes(routes!(deploy::history))
        .routes(routes!(machine::restart))
        .routes(routes!(machine::suspend))
        .routes(routes!(machine::activate))
        .routes(routes!(machine::environment))
        .routes(routes!(logs::read))
        .routes(routes!(usage::now))
        .routes(routes!(usage::history))
        .routes(routes!(secrets::list, secrets::set, secrets::merge).layer(DefaultBodyLimit::max(secrets::BODY_LIMIT)))
        .routes(routes!(secrets::show, secrets::change, secrets::remove))
}

/// Refuses when the subscription does not allow it (protocol G.2). One that is paused because the tenant is suspended
/// does: what cannot be done then, the state machine refuses.
fn need_subscription(tenant: &TenantRow, past_due_is_enough: bool) -> Result<(), Failure> {
    let status = tenant.subscription_status.as_str();
    let usable = match status {
        "active" | "trialing" => true,
        "past_due" => past_due_is_enough,
        "paused" => tenant.paused_by_suspend != 0,
        _ => false,
    };
    if usable {
        return Ok(());
    }
    Err(Failure::forbidden(format!("subscription is {status}"), "subscription_inactive")
        .with("subscription_status", status))
}

/// Refuses before phase 1 is over.
fn need_infrastructure(tenant: &TenantRow) -> Result<(), Failure> {
    match tenant.phase() {
        Phase::Created | Phase::Provisioning | Phase::FailedInfra => Err(Failure::not_provisioned()),
        _ => Ok(()),
    }
}

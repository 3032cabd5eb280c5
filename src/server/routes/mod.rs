//! The endpoints: what a request must bring, in which order it is checked, and what it answers.

pub mod account;
pub mod checkout;
pub mod deploy;
pub mod logs;
pub mod machine;
pub mod secrets;
pub mod tenants;
pub mod usage;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use super::error::{catch_panic, unknown_path, wrong_method};
use super::faults::http as faults;
use super::pay::{sandbox, webhook};
use super::state::Server;
use super::store::tenants::TenantRow;
use crate::model::Phase;
use crate::server::error::Failure;

/// Largest body of a management call, bytes. The registry has its own limits.
const BODY_LIMIT: usize = 256 * 1024;

/// Every path of the server.
pub fn router(server: &Server) -> Router {
    let management = Router::new()
        .route("/health", get(account::health))
        .route("/api/v1/auth/me", get(account::me))
        .route("/api/v1/checkout/plans", get(checkout::plans))
        .route("/api/v1/plans", get(checkout::plans))
        .route("/api/v1/checkout", post(checkout::open))
        .route("/api/v1/checkout/complete", get(checkout::complete))
        .route("/api/v1/checkout/{session}/events", get(checkout::events))
        .route("/api/v1/webhooks/paddle", post(webhook::receive))
        .route("/webhooks/paddle", post(webhook::receive))
        .route("/pay/{session}", get(sandbox::show).post(sandbox::decide))
        .route("/api/v1/tenants", get(tenants::list))
        .route("/api/v1/tenants/{id}", get(tenants::show).patch(tenants::change).delete(tenants::delete))
        .route("/api/v1/tenants/{id}/status", get(tenants::status))
        .route("/api/v1/tenants/{id}/events", get(tenants::events))
        .route("/api/v1/tenants/{id}/credentials/{token}", get(tenants::credentials))
        .route("/api/v1/tenants/{id}/registry-token", get(deploy::registry_token))
        .route("/api/v1/tenants/{id}/deploy", post(deploy::deploy))
        .route("/api/v1/tenants/{id}/retry-provision", post(deploy::retry_provision))
        .route("/api/v1/tenants/{id}/deployments", get(deploy::history))
        .route("/api/v1/tenants/{id}/restart", post(machine::restart))
        .route("/api/v1/tenants/{id}/suspend", post(machine::suspend))
        .route("/api/v1/tenants/{id}/activate", post(machine::activate))
        .route("/api/v1/tenants/{id}/environment", get(machine::environment))
        .route("/api/v1/tenants/{id}/logs", get(logs::read))
        .route("/api/v1/tenants/{id}/metrics", get(usage::now))
        .route("/api/v1/tenants/{id}/metrics/history", get(usage::history))
        .route(
            "/api/v1/tenants/{id}/secrets",
            get(secrets::list).post(secrets::set).put(secrets::merge).layer(DefaultBodyLimit::max(secrets::BODY_LIMIT)),
        )
        .route("/api/v1/tenants/{id}/secrets/{key}", get(secrets::show).patch(secrets::change).delete(secrets::remove))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_path)
        .with_state(server.clone());
    let all = management.merge(server.registry.router()).layer(from_fn(catch_panic));
    if server.settings.serve_faults { faults::interfering(server, all) } else { all }
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

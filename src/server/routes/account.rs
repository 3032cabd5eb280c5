//! Whether the server answers, who is logged in, and what clients tell about logins.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Customer, Me, User};
use crate::server::auth::Caller;
use crate::server::error::{Body, Failure};
use crate::server::openapi::LoginRefusals;
use crate::server::state::Server;
use crate::server::store::{accounts, audit, tenants};
use crate::server::view::{self, TenantInfo};

/// `GET /health`: says that the API answers. Asks nobody else, so that it can be used to measure.
pub async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// The whole answer of `auth/me`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MeAndTenants {
    #[serde(flatten)]
    me: Me,
    tenants: Vec<TenantInfo>,
}

/// `GET /api/v1/auth/me`
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "account",
    responses((status = 200, description = "Who is logged in", body = MeAndTenants), LoginRefusals),
    security(("login" = [])))]
pub async fn me(State(server): State<Server>, Caller(user): Caller) -> Result<Json<MeAndTenants>, Failure> {
    let mut db = server.store.read().await?;
    let customer = accounts::customer_of(&mut db, &user.id).await?;
    let rows = match &customer {
        Some(customer) => tenants::of_customer(&mut db, &customer.id).await?,
        None => Vec::new(),
    };
    Ok(Json(MeAndTenants {
        me: Me {
            user: User { id: user.id, email: user.email, name: user.name },
            customer: customer.map(|customer| Customer { id: customer.id, status: Some(customer.status) }),
            enterprise: None,
        },
        tenants: rows.iter().map(|row| view::info(&server, row)).collect(),
    }))
}

/// Largest body of an activity, bytes.
pub const ACTIVITY_LIMIT: usize = 8 * 1024;

/// What a client tells.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct Activity {
    event: ActivityEvent,
    /// When it happened on the client's clock, RFC 3339.
    #[schema(format = DateTime)]
    timestamp: String,
    data: ActivityData,
}

/// What happened.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityEvent {
    /// Somebody logged in.
    CloudLogin,
    /// Somebody threw the login away.
    CloudLogout,
}

/// Who, in the client's words.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ActivityData {
    /// An id or an e-mail: clients differ. The caller is known anyway.
    user_id: String,
}

/// `POST /api/v1/activity`: a line in the audit; ends no login.
#[utoipa::path(post, path = "/api/v1/activity", tag = "account", request_body = Activity,
    responses((status = 204, description = "Noted"), LoginRefusals),
    security(("login" = [])))]
pub async fn activity(
    State(server): State<Server>,
    Caller(user): Caller,
    Body(activity): Body<Activity>,
) -> Result<StatusCode, Failure> {
    let action = match activity.event {
        ActivityEvent::CloudLogin => "cloud_login",
        ActivityEvent::CloudLogout => "cloud_logout",
    };
    let at: jiff::Timestamp =
        activity.timestamp.parse().map_err(|_| Failure::bad_request("timestamp is not an RFC 3339 time"))?;
    tracing::debug!(user = user.id, %at, said = activity.data.user_id.len(), action, "activity");
    let mut tx = server.store.write().await?;
    audit::record(&mut tx, &user.id, None, action).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

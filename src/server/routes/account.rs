//! Whether the server answers, and who is logged in.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{Customer, Me, User};
use crate::server::auth::Caller;
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::{accounts, tenants};
use crate::server::view::{self, TenantInfo};

/// `GET /health`: says that the API answers. Asks nobody else, so that it can be used to measure.
pub async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// The whole answer of `auth/me`.
#[derive(Debug, Serialize)]
pub struct MeAndTenants {
    #[serde(flatten)]
    me: Me,
    tenants: Vec<TenantInfo>,
}

/// `GET /api/v1/auth/me`
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
        },
        tenants: rows.iter().map(|row| view::info(&server, row)).collect(),
    }))
}

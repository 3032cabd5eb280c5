//! The public half of the key that signs logins, for whoever has to check a token without asking (RFC 7517).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::server::auth::PublicKey;
use crate::server::state::Server;

/// All keys: one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeySet {
    keys: [PublicKey; 1],
}

/// `GET /.well-known/jwks.json`
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "account",
    responses((status = 200, description = "What login tokens are checked with", body = KeySet)))]
pub async fn show(State(server): State<Server>) -> Response {
    let keys = KeySet { keys: [server.logins.public_key().clone()] };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(keys)).into_response()
}

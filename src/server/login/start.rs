//! Where a login begins: the client names its callback and is told where to send the browser (protocol B.1).

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Provider, pending, provider, sandbox};
use crate::model::Secret;
use crate::server::error::Failure;
use crate::server::keys;
use crate::server::openapi::Refusals;
use crate::server::redirect::loopback;
use crate::server::state::Server;

/// What the client says.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct StartQuery {
    /// The client's callback: plain http on this machine's loopback.
    redirect_uri: Option<String>,
}

/// Where the browser goes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Started {
    authorize_url: String,
}

/// `GET /api/v1/auth/oauth/{provider}?redirect_uri=`
#[utoipa::path(get, path = "/api/v1/auth/oauth/{provider}", tag = "account",
    params(("provider" = String, Path, description = "`github` or `google`"),
        ("redirect_uri" = String, Query, description = "Where the browser goes afterwards: loopback http")),
    responses((status = 200, description = "Where to send the browser", body = Started), Refusals))]
pub async fn start(
    State(server): State<Server>,
    provider: Result<Path<String>, PathRejection>,
    query: Result<Query<StartQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let provider = provider.ok().and_then(|Path(word)| Provider::from_word(&word));
    let provider = provider.ok_or_else(|| Failure::bad_request("the provider must be github or google"))?;
    let redirect = query.ok().and_then(|Query(query)| query.redirect_uri).and_then(|raw| loopback(&raw));
    let redirect = redirect
        .ok_or_else(|| Failure::bad_request("redirect_uri must be an http address on this machine's loopback"))?;
    let authorize_url = if let Some(client) = provider.client(&server.settings.login) {
        let (challenge, verifier) = provider::challenge();
        let state = pending::begin(&server, provider, &redirect, &verifier).await?;
        provider::authorize_url(&server, provider, client, challenge, state)?
    } else if server.settings.login.has_sandbox_page() {
        sandbox::from_here(&server, &headers)?;
        let id = pending::begin(&server, provider, &redirect, &Secret::new(keys::random_word(32)?)).await?;
        format!("{}/sign-in/{}?request={id}", server.base, provider.word())
    } else {
        return Err(Failure::bad_request(format!("this server knows no login with {}", provider.label())));
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Started { authorize_url })).into_response())
}

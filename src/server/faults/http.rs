//! Faults over HTTP, for tests that run the server as a process of its own: `POST /_faults` arms one, `GET` lists
//! them with how often they struck, `DELETE` ends all. Served only with `--faults`, and only to this machine.

use axum::body::{Body, HttpBody as _};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{CallFault, Effect, Faults};
use crate::model::envelope::Data;
use crate::server::auth::Caller;
use crate::server::error::{Body as JsonBody, Failure};
use crate::server::state::Server;
use crate::server::store::tenants;

const PATH: &str = "/_faults";

/// The endpoint, and its effect on every path of `app`.
pub fn interfering(server: &Server, app: Router) -> Router {
    let endpoint = Router::new().route(PATH, get(list).post(arm).delete(disarm)).with_state(server.clone());
    app.merge(endpoint).layer(from_fn_with_state(server.clone(), interfere))
}

/// Body of `POST`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Wish {
    /// A step of phase 1 fails.
    Step { step: String, times: u32 },
    /// A call fails.
    Call(CallFault),
    /// Something happens now.
    Now(Effect),
}

async fn arm(
    State(server): State<Server>,
    _: Caller,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let faults = &server.settings.faults;
    let id = match wish {
        Wish::Step { step, times } => {
            faults.fail(&step, times);
            None
        }
        Wish::Call(fault) => Some(faults.arm(fault)),
        Wish::Now(Effect::Revoke) => {
            revoke(&server).await?;
            None
        }
        Wish::Now(_) => return Err(Failure::bad_request("only `revoke` can happen without a path")),
    };
    Ok((StatusCode::CREATED, Json(json!({ "data": { "id": id } }))))
}

async fn list(State(server): State<Server>, _: Caller) -> Json<Data<Vec<CallFault>>> {
    Json(Data { data: server.settings.faults.armed() })
}

async fn disarm(State(server): State<Server>, _: Caller) -> StatusCode {
    server.settings.faults.disarm();
    StatusCode::NO_CONTENT
}

async fn revoke(server: &Server) -> Result<(), Failure> {
    let all = tenants::all(&mut *server.store.read().await?).await?;
    for tenant in all {
        server.registry.revoke(tenant.id()).await;
    }
    Ok(())
}

async fn interfere(State(server): State<Server>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path == PATH {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if peer.is_none_or(|ConnectInfo(peer)| !peer.ip().is_loopback()) {
            return Failure::not_found("there is nothing at this path").into_response();
        }
        return next.run(request).await;
    }
    let faults = &server.settings.faults;
    let plan = faults.plan(request.method(), &path);
    tokio::time::sleep(plan.before).await;
    if plan.revoke
        && let Err(failure) = revoke(&server).await
    {
        return failure.into_response();
    }
    if let Some((status, retry_after)) = plan.answer {
        return answer(&path, status, retry_after);
    }
    let cut = Arc::new(AtomicBool::new(false));
    let request = match plan.cut {
        Some((id, after_bytes)) => request.map(|body| shorten(body, faults.clone(), id, after_bytes, Arc::clone(&cut))),
        None => request,
    };
    let response = next.run(request).await;
    tokio::time::sleep(plan.after).await;
    if plan.lose || cut.load(Ordering::Relaxed) { silence() } else { response }
}

/// An error in the form of the path it is for.
fn answer(path: &str, status: u16, retry_after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let words = "failed on demand";
    let body = if path.starts_with("/v2") {
        let code = if status == StatusCode::TOO_MANY_REQUESTS { "TOOMANYREQUESTS" } else { "UNKNOWN" };
        json!({ "errors": [{ "code": code, "message": words }] })
    } else {
        let code = match status.as_u16() {
            429 => "rate_limited",
            503 => "service_unavailable",
            500..=599 => "internal_error",
            _ => "bad_request",
        };
        json!({ "error": { "code": code, "message": words } })
    };
    let mut response = (status, Json(body)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A response that never comes: its body breaks before its head is sent, and with it the connection.
fn silence() -> Response {
    let broken = stream::once(async { Err::<bytes::Bytes, _>(io::Error::other("lost on demand")) });
    Response::new(Body::from_stream(broken))
}

/// The body up to so many bytes, then a break.
fn shorten(body: Body, faults: Faults, id: u64, after_bytes: u64, cut: Arc<AtomicBool>) -> Body {
    if body.size_hint().exact().is_some_and(|length| length <= after_bytes) {
        return body;
    }
    let come = AtomicU64::new(0);
    let pieces = body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(io::Error::other)?;
        let total = come.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        if total > after_bytes && (cut.load(Ordering::Relaxed) || faults.strike_call(id)) {
            cut.store(true, Ordering::Relaxed);
            return Err(io::Error::other("cut on demand"));
        }
        Ok(piece)
    });
    Body::from_stream(pieces)
}

//! Faults over HTTP, for tests that run the server as a process of its own: `POST /_faults` arms one, `GET` lists
//! them with how often they struck, `DELETE` ends all. Served only with `--faults`, and only to this machine.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Effect, Fault, STEPS, StepName, chatter, cut, webhook};
use crate::model::TenantId;
use crate::model::envelope::Data;
use crate::server::auth::Caller;
use crate::server::error::{Body as JsonBody, Failure};
use crate::server::peer;
use crate::server::sse;
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
    /// A fault.
    Fault(Fault),
    /// A step fails: the short form of `fail_step`.
    Step { step: StepName, times: u32 },
}

/// What `POST` answers.
#[derive(Debug, Serialize)]
struct Armed {
    /// Names the fault; `None` for one that is over already.
    id: Option<u64>,
}

async fn arm(
    State(server): State<Server>,
    _: Caller,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<(StatusCode, Json<Data<Armed>>), Failure> {
    let mut fault = match wish {
        Wish::Fault(fault) => fault,
        Wish::Step { step, times } => Fault::new(Effect::FailStep { step }, times),
    };
    let faults = &server.settings.faults;
    let id = match &mut fault.effect {
        Effect::Revoke if fault.path.is_none() => {
            revoke(&server).await?;
            None
        }
        effect if effect.is_of_calls() != fault.path.is_some() => {
            return Err(Failure::bad_request("a `path` belongs to a fault of calls, and to no other"));
        }
        Effect::CutAnswer { after_events: None, after_bytes: None } => {
            return Err(Failure::bad_request("`after_events` or `after_bytes` is missing"));
        }
        Effect::FailStep { step } | Effect::DelayStep { step, .. } if step.word().is_none() => {
            return Err(Failure::bad_request(format!("`step` is 1 to {} or one of {STEPS:?}", STEPS.len())));
        }
        Effect::Expire { before, .. } => {
            let now = jiff::Timestamp::now();
            *before = now.as_second();
            let id = faults.arm(fault);
            // Tokens know the second in which they were issued: whoever is answered logs in in the next one.
            let rest = 1000 - u64::from(now.subsec_millisecond().unsigned_abs()).min(999);
            tokio::time::sleep(Duration::from_millis(rest)).await;
            Some(id)
        }
        Effect::Chatter { tenant, per_second } => {
            let unknown = || Failure::not_found("there is no such tenant");
            let (id, per_second) = (TenantId::new(&**tenant).map_err(|_| unknown())?, *per_second);
            let tenant = tenants::get(&mut *server.store.read().await?, &id).await?.ok_or_else(unknown)?;
            let id = faults.arm(fault);
            chatter::start(&server, id, &tenant, per_second);
            Some(id)
        }
        _ => Some(faults.arm(fault)),
    };
    Ok((StatusCode::CREATED, Json(Data { data: Armed { id } })))
}

async fn list(State(server): State<Server>, _: Caller) -> Json<Data<Vec<Fault>>> {
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

/// True when the login token is to be taken for expired.
fn is_expired(server: &Server, headers: &HeaderMap) -> bool {
    let claims = sse::claims(headers);
    claims.is_some_and(|claims| server.settings.faults.is_expired(&claims.sub, &claims.email, claims.iat))
}

async fn interfere(State(server): State<Server>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path == PATH {
        let ingress = &server.settings.door.ingress;
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let here = peer.is_some_and(|peer| peer::is_this_machine(peer, request.headers(), ingress));
        if !here {
            return Failure::not_found("there is nothing at this path").into_response();
        }
        return next.run(request).await;
    }
    if is_expired(&server, request.headers()) {
        return Failure::unauthorized().into_response();
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
    let broken = Arc::new(AtomicBool::new(false));
    let request = match plan.cut {
        Some((id, bytes)) => request.map(|body| cut::call(body, faults.clone(), id, bytes, Arc::clone(&broken))),
        None => request,
    };
    let response = pass_on(&server, &path, request, next).await;
    tokio::time::sleep(plan.after).await;
    if plan.lose || broken.load(Ordering::Relaxed) {
        return silence();
    }
    match plan.cut_answer {
        Some(at) => response.map(|body| cut::answer(body, faults.clone(), at)),
        None => response,
    }
}

async fn pass_on(server: &Server, path: &str, request: Request, next: Next) -> Response {
    let method: &Method = request.method();
    let repeat = if webhook::is_one(method, path) { server.settings.faults.repeat() } else { None };
    match repeat {
        Some((copies, other_type)) => webhook::repeat(server, request, next, copies, other_type).await,
        None => next.run(request).await,
    }
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

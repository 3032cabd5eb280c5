//! The machine's log (protocol B.23): the last lines as JSON, or a stream that goes on.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;

use super::need_infrastructure;
use super::tenants::is_yes;
use crate::model::LogEntry;
use crate::server::auth::Owned;
use crate::server::error::Failure;
use crate::server::openapi::TenantRefusals;
use crate::server::routes::answers::LogLines;
use crate::server::sse;
use crate::server::state::Server;

/// Lines when the query does not say.
const LINES: u32 = 100;
/// Most lines that one call answers.
const MOST: u32 = 5000;

/// The query.
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    lines: Option<String>,
    follow: Option<String>,
}

/// `GET /api/v1/tenants/{id}/logs`
#[utoipa::path(get, path = "/api/v1/tenants/{id}/logs", tag = "machine",
    params(("id" = String, Path, description = "The tenant"),
        ("lines" = Option<u32>, Query, description = "How many; 100 where absent"),
        ("follow" = Option<String>, Query, description = "`true`: a stream of events named `log`")),
    responses((status = 200, description = "The last lines, oldest first; with `follow` a stream of them", body = LogLines), TenantRefusals),
    security(("login" = [])))]
pub async fn read(
    State(server): State<Server>,
    owned: Owned,
    query: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Query(wish) = query.map_err(|_| Failure::bad_request("the query cannot be read"))?;
    let lines = match wish.lines {
        None => LINES,
        Some(raw) => raw.parse().map_err(|_| Failure::bad_request("lines must be a number, 0 or more"))?,
    };
    need_infrastructure(&owned.tenant)?;
    let machine = owned.tenant.machine_id.as_deref().ok_or_else(Failure::no_machine)?;
    let follow = is_yes(wish.follow.as_deref()) || sse::wants_stream(&headers);
    let entries = server.provider.logs(machine, lines.min(MOST), follow).await?;
    if follow {
        return Ok(sse::log_lines(entries, sse::End::new(&server.stop, &headers)));
    }
    let logs: Vec<LogEntry> = entries.collect().await;
    Ok(Json(json!({ "logs": logs })).into_response())
}

//! `GET /ready`: whether this server can be sent work. `/health` says only that it answers.
//!
//! Anybody may ask, so what is found holds for a moment, and reasons are for the log alone.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use utoipa::ToSchema;

use crate::server::state::Server;
use crate::server::store::figures;

/// How long each check may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long what was found holds.
const FRESH: Duration = Duration::from_secs(1);

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It does what it should.
    Ok,
    /// It does not, or not in time.
    Failing,
}

/// The answer. `status` is `ready`, `degraded` (everything but machines), `failing` or `draining`; the first two come
/// with 200, the others with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    status: &'static str,
    /// The server's own tables.
    store: Health,
    /// Where machines come from. Without it everything but machines works.
    provider: Health,
    /// The directory for images can be written.
    registry: Health,
    /// The server is about to end and begins nothing new.
    draining: bool,
}

/// What was found last.
#[derive(Debug, Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, [Health; 3])>>);

/// `GET /ready`
pub(super) async fn ready(State(server): State<Server>) -> Response {
    let [store, provider, registry] = found(&server).await;
    let draining = server.operations.draining.is_cancelled();
    let status = match (draining, store, registry, provider) {
        (true, ..) => "draining",
        (_, Health::Failing, ..) | (_, _, Health::Failing, _) => "failing",
        (.., Health::Failing) => "degraded",
        _ => "ready",
    };
    let report = Report { status, store, provider, registry, draining };
    let code = if matches!(status, "ready" | "degraded") { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn found(server: &Server) -> [Health; 3] {
    // Whoever comes meanwhile waits for the same.
    let mut last = server.operations.readiness.0.lock().await;
    if let Some((at, found)) = *last
        && at.elapsed() < FRESH
    {
        return found;
    }
    let store = check("store", async { figures::answers(&mut *server.store.read().await?).await });
    let provider = check("provider", server.provider.available());
    let directory = server.settings.data.join("registry");
    let registry = check("registry", async {
        let written = tokio::task::spawn_blocking(move || tempfile::tempfile_in(directory).map(drop));
        written.await.map_err(std::io::Error::other)?
    });
    let (store, provider, registry) = tokio::join!(store, provider, registry);
    let found = [store, provider, registry];
    *last = Some((Instant::now(), found));
    found
}

async fn check<E: Display>(what: &'static str, asked: impl Future<Output = Result<(), E>>) -> Health {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(())) => return Health::Ok,
        Ok(Err(error)) => tracing::warn!(what, %error, "not ready"),
        Err(_) => tracing::warn!(what, "not ready: it does not answer in time"),
    }
    Health::Failing
}

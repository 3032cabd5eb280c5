//! What becomes of a payment, as the sandbox's page tells it: the session's status and the events of its stream, without
//! anything that only its owner may know.

use axum::Json;
use axum::extract::{Path, State as Extracted};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::sandbox::find;
use crate::model::{EventKind, ProvisioningEvent, SessionId};
use crate::server::error::Failure;
use crate::server::events;
use crate::server::state::Server;
use crate::server::store::sessions::SessionRow;

/// Whether something is to be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has decided.
    Open,
    /// Wait.
    Working,
    /// It worked.
    Done,
    /// It did not, or nobody paid.
    Failed,
}

impl State {
    /// The word on the page.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Working => "working",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// How far a session is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// Whether something is to be waited for.
    pub state: State,
    /// For the heading.
    pub title: &'static str,
    /// One or two sentences.
    pub text: String,
    /// What has happened, oldest first.
    pub steps: Vec<String>,
}

/// `GET /pay/{session}/progress`
pub async fn show(Extracted(server): Extracted<Server>, Path(session): Path<String>) -> Result<Response, Failure> {
    let session = find(&server, &session).await?.ok_or_else(|| Failure::not_found("there is no such checkout"))?;
    let progress = of(&server, &session).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(progress)).into_response())
}

/// How far a session is.
pub async fn of(server: &Server, session: &SessionRow) -> Result<Progress, Failure> {
    let (state, title, text) = words(session);
    let id = SessionId::new(&*session.id).map_err(|error| Failure::internal(error.to_string()))?;
    let told = events::of_session(&mut *server.store.read().await?, &id).await?;
    let steps = told.iter().filter_map(|json| step(json)).collect();
    Ok(Progress { state, title, text: text.to_owned(), steps })
}

/// What is said about a session.
fn words(session: &SessionRow) -> (State, &'static str, &'static str) {
    let changes = session.for_tenant.is_some();
    match session.status.as_str() {
        "open" => (State::Open, "Checkout", "Nobody has decided yet."),
        "declined" => (State::Failed, "Declined", "Nothing was charged. You can start again in the terminal."),
        "expired" => (State::Failed, "Expired", "This checkout is over. Start a new one in the terminal."),
        "failed" => (State::Failed, "Not completed", "It did not work. The terminal says why, and what to do."),
        "done" if changes => (State::Done, "Paid", "The plan is changed. Go back to your terminal."),
        "done" => (State::Done, "Paid", "Your tenant waits for its first deploy. Go back to your terminal."),
        _ if changes => (State::Working, "Paid", "The payment is confirmed and the plan is being changed."),
        _ => (State::Working, "Paid", "The payment is confirmed and your tenant is being made."),
    }
}

/// An event in the words of somebody who bought something: names and addresses are for the owner's terminal, and why
/// something failed is too.
fn step(json: &str) -> Option<String> {
    let event: ProvisioningEvent = serde_json::from_str(json).ok()?;
    let words = match (&event.event_type, event.step.as_deref()) {
        (EventKind::SubscriptionCreated, _) => "payment confirmed",
        (EventKind::TenantCreated, _) => "tenant created",
        (EventKind::DatabaseCreated, _) => "database made",
        (EventKind::SecretsStored, _) => "credentials stored",
        (EventKind::VmProvisioningStarted, _) => "making the infrastructure",
        (EventKind::VmProvisioningProgress, Some("app_created")) => "app made",
        (EventKind::VmProvisioningProgress, Some("volume_created")) => "volume made",
        (EventKind::VmProvisioningProgress, Some("ip_allocated")) => "address given",
        (EventKind::VmProvisioningProgress, Some("certificate_added")) => "certificate added",
        (EventKind::InfrastructureReady, _) => "ready for the first deploy",
        (EventKind::TenantReady, _) => "the tenant answers",
        _ => return None,
    };
    Some(words.to_owned())
}

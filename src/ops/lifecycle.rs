//! Suspending, activating and removing a tenant, where being there already counts as done (protocol B.13 to B.15), and
//! the difference between a tenant that is gone and one that lacks what was asked for.

use super::Session;
use crate::api::ApiError;
use crate::model::{Begun, Problem, TenantId, TenantState};

/// How a switch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// In the server's words.
    pub begun: Begun,
    /// It was so before: nothing was done.
    pub already: bool,
}

/// Stops the tenant.
pub async fn suspend(session: &Session, tenant: &TenantId) -> Result<Switched, Problem> {
    let told = session.client().suspend(tenant).await;
    settle(session, tenant, told, "suspended", |state| state == TenantState::Suspended).await
}

/// Starts it again.
pub async fn activate(session: &Session, tenant: &TenantId) -> Result<Switched, Problem> {
    let told = session.client().activate(tenant).await;
    let is_active = |state| {
        use TenantState::{Deploying, Restarting, Running, ToDeploy};
        matches!(state, Running | Restarting | Deploying | ToDeploy)
    };
    settle(session, tenant, told, "active", is_active).await
}

/// A refusal for the tenant's state is no failure where that is the state that was wanted.
async fn settle(
    session: &Session,
    tenant: &TenantId,
    told: Result<Begun, ApiError>,
    word: &str,
    is_wanted: impl Fn(TenantState) -> bool,
) -> Result<Switched, Problem> {
    let error = match told {
        Ok(begun) => return Ok(Switched { begun, already: false }),
        Err(error) => error,
    };
    // Without the answer, or told that the state does not allow it: the state itself says how it stands.
    if !error.is_invalid_state() && !error.answer_was_lost() {
        return Err(error.problem());
    }
    match session.client().status(tenant).await {
        Ok(status) if is_wanted(status.state()) => {
            let begun = Begun { status: word.to_owned(), message: None };
            Ok(Switched { begun, already: error.is_invalid_state() })
        }
        _ => Err(error.problem()),
    }
}

/// What is said of something that is not there: `absent`, where the tenant itself is; the problem that it is gone, where
/// it is not. Any other error is told as it is.
pub(super) async fn absent<T>(session: &Session, tenant: &TenantId, error: ApiError, absent: T) -> Result<T, Problem> {
    if !error.is_not_found() {
        return Err(error.problem());
    }
    match session.client().status(tenant).await {
        Ok(_) => Ok(absent),
        Err(error) => Err(error.problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering, refusal, ten_1};
    use serde_json::json;
    use wiremock::ResponseTemplate;

    async fn switched(order: &str, refusal: ResponseTemplate, phase: &str) -> Result<Switched, Problem> {
        let status = ResponseTemplate::new(200).set_body_json(json!({"data": {"status": "x", "phase": phase}}));
        let (_server, _folder, session) =
            answering::<&str>(&[("POST", &format!("/{order}"), refusal), ("GET", "/status", status)], &[]).await;
        if order == "suspend" { suspend(&session, &ten_1()).await } else { activate(&session, &ten_1()).await }
    }

    #[tokio::test]
    async fn being_there_already_is_no_failure() {
        let refused = || refusal(409, "invalid_state", None);
        for (order, phase) in [
            ("suspend", "suspended"),
            ("activate", "running"),
            ("activate", "awaiting_deploy"),
            ("activate", "restarting"),
        ] {
            assert!(switched(order, refused(), phase).await.expect(phase).already, "{order} {phase}");
        }
        for (order, phase) in [("suspend", "failed_infra"), ("activate", "failed_infra"), ("activate", "suspended")] {
            let problem = switched(order, refused(), phase).await.expect_err(phase);
            assert_eq!(problem.title, "Not possible in the tenant's present state.", "{order} {phase}");
        }
    }

    #[tokio::test]
    async fn a_lost_answer_is_asked_for_and_another_refusal_is_told() {
        let lost = || ResponseTemplate::new(200).set_body_string("<html>");
        assert!(!switched("suspend", lost(), "suspended").await.expect("it is").already);
        assert!(switched("suspend", lost(), "running").await.is_err());
        let busy = refusal(409, "conflict", Some("operation_running"));
        let problem = switched("suspend", busy, "suspended").await.expect_err("busy");
        assert_eq!(problem.title, "Another operation is running on the tenant.");
    }
}

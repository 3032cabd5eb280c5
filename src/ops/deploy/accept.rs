//! The server's part of a deploy: the call, and the wait where it needs longer than a call may take.
//!
//! The call is never repeated: an answer that got lost is asked for, by what the tenant runs.

use std::time::Duration;
use tokio::time::Instant;

use crate::api::ApiError;
use crate::model::{Digest, ImageReference, Problem, Remedy, TenantId, TenantState};
use crate::ops::Session;
use crate::ops::reporter::Done;

/// How often the status is asked for while the server works (protocol C.4).
const POLL: Duration = Duration::from_secs(2);
/// How long the server may take without any change of state.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many questions in a row may stay without an answer.
const UNANSWERED: u32 = 5;
/// How many times the state before a call is still believed after its answer was lost.
const DOUBTS: u32 = 3;
/// How long the question may take how the server stands to a call that was left.
const LAST_QUESTION: Duration = Duration::from_secs(2);
/// Pause before it is asked once more: the call may have been on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// Asks the server to run what its registry holds under `image`, which is `digest`. Gives back the tenant's address. Says
/// `accepted` as soon as nobody can stop it any more.
pub(super) async fn deploy(
    session: &Session,
    tenant: &TenantId,
    image: &ImageReference,
    digest: &Digest,
    accepted: impl FnOnce(),
) -> Result<Done<Option<String>>, Problem> {
    match session.client().deploy(tenant, image).await {
        Ok(answer) => {
            accepted();
            if answer.status == "deploying" {
                return wait(session, tenant, digest, 0).await;
            }
            confirm(session, tenant, digest).await?;
            Ok(Done::new(answer.address().map(str::to_owned), format!("runs {}", digest.short())))
        }
        Err(error) if was_lost(&error) => match wait(session, tenant, digest, DOUBTS).await {
            Ok(running) => Ok(running),
            Err(_) => Err(lost(&error)),
        },
        Err(error) => Err(error.problem().remedy(Remedy::Retry)),
    }
}

/// The call may have been carried out without its answer coming back: also where something in between gave up.
fn was_lost(error: &ApiError) -> bool {
    error.answer_was_lost() || matches!(error.status(), Some(502 | 504))
}

/// The server runs what the tag names when it looks, and somebody else may have pushed there meanwhile.
async fn confirm(session: &Session, tenant: &TenantId, digest: &Digest) -> Result<(), Problem> {
    let Ok(status) = session.client().status(tenant).await else { return Ok(()) };
    match status.image {
        Some(image) if image.contains('@') && !image.ends_with(digest.as_str()) => {
            Err(Problem::new("The tenant runs another image.")
                .detail(format!("{} was pushed; the server took {image}.", digest.short()))
                .hint("Somebody else pushes to the same tenant: find out who, then deploy again."))
        }
        _ => Ok(()),
    }
}

fn lost(error: &ApiError) -> Problem {
    let problem = error.problem();
    let detail = problem.detail.unwrap_or(problem.title);
    Problem::new("The answer to the deploy was lost.")
        .detail(detail)
        .hint("It was not seen that the tenant runs the new image. Check its events, then deploy again.")
        .remedy(Remedy::Retry)
}

/// How the server stands to a deploy whose call was left before its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It works on it.
    Works,
    /// The tenant runs it.
    Runs,
    /// It has not begun.
    NotBegun,
    /// It does not say.
    Unknown,
}

/// Asks how the server stands to the deploy of `digest`; `before` is what the tenant ran when it began.
pub(super) async fn standing(session: &Session, tenant: &TenantId, digest: &Digest, before: Option<&str>) -> Standing {
    let ask = async || match tokio::time::timeout(LAST_QUESTION, session.client().status(tenant)).await {
        Ok(Ok(status)) => {
            let is = |image: Option<&str>| image.is_some_and(|image| image.ends_with(digest.as_str()));
            match status.state() {
                TenantState::Deploying => Standing::Works,
                TenantState::Running if is(status.image.as_deref()) && !is(before) => Standing::Runs,
                _ => Standing::NotBegun,
            }
        }
        _ => Standing::Unknown,
    };
    match ask().await {
        Standing::NotBegun => {
            tokio::time::sleep(ON_ITS_WAY).await;
            ask().await
        }
        known => known,
    }
}

/// Polls until the tenant runs exactly the pushed digest, or says that it failed.
/// `doubts`: how often something else is believed to be the state before the call, which may still be on its way; then the
/// image must be told, too.
async fn wait(
    session: &Session,
    tenant: &TenantId,
    digest: &Digest,
    mut doubts: u32,
) -> Result<Done<Option<String>>, Problem> {
    let must_tell = doubts > 0;
    let mut until = Instant::now() + PATIENCE;
    let mut last = None;
    let mut unanswered = 0;
    loop {
        let asked = session.client().status(tenant).await;
        unanswered = if asked.is_ok() { 0 } else { unanswered + 1 };
        if let Err(error) = &asked
            && unanswered == UNANSWERED
        {
            return Err(error.problem());
        }
        if let Ok(status) = asked {
            let state = status.state();
            let runs_it = status.image.as_deref().map_or(!must_tell, |image| image.ends_with(digest.as_str()));
            match state {
                TenantState::Running if runs_it => {
                    return Ok(Done::new(status.app_url, format!("runs {}", digest.short())));
                }
                TenantState::Running | TenantState::Failed | TenantState::ToDeploy if doubts > 0 => doubts -= 1,
                TenantState::Running | TenantState::Failed | TenantState::ToDeploy => {
                    let words = status.message.unwrap_or_else(|| "The server gave no reason.".into());
                    return Err(Problem::new("The new version could not be started.")
                        .detail(words)
                        .hint("See the events and the logs; the version before it is kept where there was one.")
                        .remedy(Remedy::Retry));
                }
                _ => {}
            }
            if last.replace(state) != Some(state) {
                until = Instant::now() + PATIENCE;
            }
        }
        if Instant::now() >= until {
            return Err(Problem::new(format!("Still not ready after {} s.", PATIENCE.as_secs()))
                .detail("The server is working on it, or does not answer.")
                .hint("Watch the events of the tenant; deploy again when it has come to an end."));
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{BaseUrl, Client};
    use crate::model::Secret;
    use crate::ops::testing::digest;
    use crate::workspace::Project;
    use serde_json::json;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    /// Asks a server that answers the call so, and then says of the tenant, once each, that it runs these.
    async fn ask(called: ResponseTemplate, runs: &[Digest]) -> Result<String, Problem> {
        let server = MockServer::start().await;
        // A second call would be a second deploy.
        let call = Mock::given(method("POST")).and(path("/api/v1/tenants/ten_1/deploy")).respond_with(called).expect(1);
        call.mount(&server).await;
        for (place, digest) in runs.iter().enumerate() {
            let status = json!({"data": {"status": "active", "phase": "running", "image": format!("r/i@{digest}")}});
            let is_last = place + 1 == runs.len();
            let mock = Mock::given(method("GET"))
                .and(path("/api/v1/tenants/ten_1/status"))
                .respond_with(ResponseTemplate::new(200).set_body_json(status));
            if is_last { mock.mount(&server).await } else { mock.up_to_n_times(1).mount(&server).await }
        }
        let base = BaseUrl::parse(&server.uri()).expect("an address");
        let client = Client::new(base, Secret::new("t")).expect("a client");
        let session = Session::new(client, Project { root: "/".into() }, None);
        let image = ImageReference::new("127.0.0.1:5000", "i", "tenant-ten_1").expect("an image");
        let tenant = TenantId::new("ten_1").expect("an id");
        deploy(&session, &tenant, &image, &digest(1), || ()).await.map(|done| done.summary)
    }

    fn deployed() -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(json!({"data": {"status": "deployed"}}))
    }

    #[tokio::test]
    async fn an_answer_is_believed_only_where_the_tenant_runs_what_was_pushed() {
        assert!(ask(deployed(), &[digest(1)]).await.is_ok());
        let problem = ask(deployed(), &[digest(2)]).await.expect_err("somebody else's");
        assert_eq!(problem.title, "The tenant runs another image.");
    }

    #[tokio::test]
    async fn what_a_gateway_gave_up_on_may_have_been_done_or_be_on_its_way() {
        for runs in [vec![digest(1)], vec![digest(2), digest(1)]] {
            assert!(ask(ResponseTemplate::new(504), &runs).await.is_ok(), "{runs:?}");
        }
        let problem = ask(ResponseTemplate::new(502), &[digest(2)]).await.expect_err("it never was");
        assert_eq!(problem.title, "The answer to the deploy was lost.");
    }
}

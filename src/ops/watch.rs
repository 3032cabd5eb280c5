//! Waiting for a tenant to come to rest: what its stream says until the operation under way has ended, and how it stands
//! then. The status is asked for beside the stream, so that a stream that is lost, or says too little, ends nothing
//! (protocol C.4).

use std::collections::HashSet;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use super::Session;
use super::live::{self, Live};
use crate::api::ApiError;
use crate::model::{Problem, ProvisioningEvent, TenantId, TenantStatus};

/// Pause before the next look where the stream ended and the operation has not, seconds.
const PAUSE: u32 = 1;
/// Pause between two looks beside a stream, seconds (protocol C.4).
pub(super) const LOOK: u32 = 2;
/// Pause before a stream that was lost is opened again, seconds; one that ended is at first opened again sooner.
pub(super) const REOPEN: u32 = 30;
/// How many looks in a row may fail before nothing more is expected.
const FAILED_LOOKS: u32 = 10;

/// Passes on what the stream says, each event once, until nothing is under way. Where nothing is to begin with, no stream
/// is opened. Ends also where nobody listens any more, with what was known at first.
///
/// # Errors
/// The server's refusal, or that it has not answered for a while.
pub async fn until_at_rest(
    session: &Session,
    tenant: &TenantId,
    events: &Sender<ProvisioningEvent>,
) -> Result<TenantStatus, Problem> {
    let first = session.client().status(tenant).await.map_err(|error| error.problem())?;
    if !first.state().is_moving() || events.is_closed() {
        return Ok(first);
    }
    let ended = Notify::new();
    tokio::select! {
        status = rests(session, tenant, &ended) => status,
        never = tell(session, tenant, events, &ended) => match never {},
        () = events.closed() => Ok(first),
    }
}

/// Tells each event once, however often it is said: events come again where a stream is opened anew.
#[derive(Debug, Default)]
pub(super) struct Told(HashSet<String>);

impl Told {
    /// True the first time.
    pub fn is_new(&mut self, event: &ProvisioningEvent) -> bool {
        // One without a key is known by all that it says.
        let key = event.event_key.clone().or_else(|| serde_json::to_string(event).ok());
        key.is_none_or(|key| self.0.insert(key))
    }
}

/// True for answers that another look would only get again.
fn is_final(error: &ApiError) -> bool {
    error.requires_login()
        || matches!(error, ApiError::Refused(refusal) if (400..500).contains(&refusal.status) && !matches!(refusal.status, 408 | 425 | 429))
}

/// Passes on what the tenant's stream says, opens it again where it ended or was lost, and says when.
async fn tell(
    session: &Session,
    tenant: &TenantId,
    events: &Sender<ProvisioningEvent>,
    ended: &Notify,
) -> std::convert::Infallible {
    let mut told = Told::default();
    let mut pause = PAUSE;
    loop {
        let (sender, mut said) = tokio::sync::mpsc::channel(16);
        let watch = async {
            let sender = sender;
            live::watch_operation(session, tenant, &sender).await;
        };
        let pass_on = async {
            while let Some(said) = said.recv().await {
                match said {
                    Live::Item(event) if told.is_new(&event) => {
                        // Whoever does not listen any more ends all of this.
                        let _ = events.send(event).await;
                    }
                    Live::Failed(problem) => {
                        tracing::debug!(%problem, "a tenant's stream is lost; its status is asked for");
                        pause = REOPEN;
                    }
                    Live::Item(_) | Live::Connected | Live::Interrupted { .. } | Live::Ended => {}
                }
            }
        };
        tokio::join!(watch, pass_on);
        ended.notify_one();
        tokio::time::sleep(session.client().pace().seconds(pause)).await;
        pause = (pause * 2).min(REOPEN);
    }
}

/// Looks now and then, and once the stream has ended, until nothing is under way; leaves the stream a moment for what it has
/// still to say. The end of an operation is not always the end of its stream: the first phase ends without a last word.
async fn rests(session: &Session, tenant: &TenantId, ended: &Notify) -> Result<TenantStatus, Problem> {
    let pace = session.client().pace();
    let mut failed = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pace.seconds(LOOK)) => {}
            () = ended.notified() => tokio::time::sleep(pace.seconds(PAUSE)).await,
        }
        match session.client().status(tenant).await {
            Ok(status) if !status.state().is_moving() => {
                tokio::time::sleep(pace.seconds(PAUSE)).await;
                return Ok(status);
            }
            Ok(_) => failed = 0,
            Err(error) if is_final(&error) || failed >= FAILED_LOOKS => return Err(error.problem()),
            Err(_) => failed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{answering, first, place, refusal, ten_1};
    use serde_json::json;
    use tokio::sync::mpsc;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn status(word: &str) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(json!({"data": {"status": word}}))
    }

    async fn moving(server: &MockServer, answer: ResponseTemplate, times: u64) {
        let place = place(server).strip_prefix(&server.uri()).expect("below it").to_owned();
        let mock = Mock::given(method("GET")).and(path(format!("{place}/status"))).respond_with(answer);
        mock.up_to_n_times(times).with_priority(2).mount(server).await;
    }

    async fn ended(session: &Session) -> (Result<TenantStatus, Problem>, usize) {
        let (sender, mut said) = mpsc::channel(1000);
        let work = async {
            let sender = sender;
            until_at_rest(session, &ten_1(), &sender).await
        };
        let end = tokio::time::timeout(std::time::Duration::from_mins(1), work).await.expect("an end");
        let mut count = 0;
        while said.recv().await.is_some() {
            count += 1;
        }
        (end, count)
    }

    /// Longer than a stream is taken up again, and with looks that fail.
    #[tokio::test]
    async fn a_lost_stream_ends_nothing_and_nothing_is_told_twice() {
        let event = json!({"tenant_id": "ten_1", "event_type": "vm_provisioning_started", "status": "deploying"});
        let stream = ResponseTemplate::new(200).set_body_raw(format!("id: 1\ndata: {event}\n\n"), "text/event-stream");
        let page = ResponseTemplate::new(200).set_body_raw("<html>", "text/html");
        let calls = [("GET", "/events", page), ("GET", "/status", status("ready"))];
        let (server, _folder, session) = answering::<&str>(&calls, &[]).await;
        moving(&server, status("restarting"), 60).await;
        first(&server, "/events", stream.clone()).await;
        first(&server, "/status", status("deploying")).await;
        let (end, count) = ended(&session).await;
        assert_eq!((end.expect("at rest").status.as_str(), count), ("ready", 1));
    }

    #[tokio::test]
    async fn a_server_that_does_not_know_the_tenant_any_more_is_not_asked_again() {
        let gone = || refusal(404, "not_found", None);
        let calls = [("GET", "/events", gone()), ("GET", "/status", gone())];
        let (server, _folder, session) = answering::<&str>(&calls, &[]).await;
        first(&server, "/status", status("deploying")).await;
        assert!(ended(&session).await.0.is_err());
        let looks = crate::ops::testing::asked(&server, "GET").await;
        assert_eq!(looks.iter().filter(|path| *path == "/status").count(), 2, "{looks:?}");
    }
}

//! Waiting for what was bought, whatever becomes of the streams: whoever paid must not be told of a failure because a
//! connection was (protocol C.4).
//!
//! The checkout's stream tells first. Where it is lost for long, or where an old server names no session, the account's list
//! says which tenant is new, which is a guess: somebody else of the account may buy at the same time. What the checkout says
//! later counts more. Once a tenant is known its own stream tells, and its status is asked for beside it. Must not know how
//! anything is shown.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;

use super::Session;
use crate::model::{CheckoutSession, EventKind, Problem, ProvisioningEvent, SessionId, Tenant, TenantId, TenantState};
use crate::ops::live::{self, Live};
use crate::ops::watch::{LOOK, REOPEN, Told};

/// Pause before what the stream has still to say no longer counts, seconds.
const MOMENT: u32 = 1;
/// So many looks in a row a stream may be away before the list is believed: that is a guess.
const PATIENCE: u32 = 5;

/// What is told on the way.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Something that happened; each once.
    Event(ProvisioningEvent),
    /// A connection was lost and is taken up again.
    Interrupted(Problem),
    /// A stream is lost for now: what happens is asked for instead.
    Lost(Problem),
}

/// A purchase that is waited for.
#[derive(Debug)]
pub struct Wait {
    session: Option<SessionId>,
    region: String,
    /// The tenants from before the checkout; `None` where nobody knows them.
    before: Option<HashSet<TenantId>>,
    tenant: watch::Sender<Option<Known>>,
    /// The checkout's stream was given up, or there is none.
    is_lost: AtomicBool,
    /// A stream is open and says what happens.
    is_live: AtomicBool,
}

/// Which tenant it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    id: TenantId,
    /// The list has it, and no event said so.
    is_guess: bool,
}

impl Wait {
    /// To be made before the checkout is opened: asks which tenants there are, so that a new one is known by that.
    ///
    /// # Errors
    /// Where the account's tenants cannot be listed: nothing is bought yet.
    pub async fn prepare(session: &Session, region: &str) -> Result<Self, Problem> {
        let list = session.client().tenants().await.map_err(|error| error.problem())?;
        // One that cannot be read now may be readable later, and would look new.
        let before = list.rejected.is_empty().then(|| list.tenants.into_iter().map(|tenant| tenant.id).collect());
        Ok(Self {
            session: None,
            region: region.to_owned(),
            before,
            tenant: watch::Sender::new(None),
            is_lost: AtomicBool::new(true),
            is_live: AtomicBool::new(false),
        })
    }

    /// Of this checkout.
    #[must_use]
    pub fn of(mut self, checkout: &CheckoutSession) -> Self {
        self.session.clone_from(&checkout.checkout_session_id);
        self.is_lost = AtomicBool::new(self.session.is_none());
        self
    }

    /// The tenant, once it is known: what is bought is paid then.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant.borrow().as_ref().map(|known| known.id.clone())
    }

    /// True unless the tenant is the one that the account's list has more than before: nothing is done to it then that could
    /// be done to somebody else's.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.tenant.borrow().as_ref().is_some_and(|known| !known.is_guess)
    }

    /// Waits until the infrastructure is there. Has no end of its own where nobody pays.
    ///
    /// # Errors
    /// That it failed; that the login ended or the tenant is gone; that it is not clear which of several new tenants it is.
    pub async fn until_there(&self, session: &Session, news: &Sender<News>) -> Result<TenantId, Problem> {
        tokio::select! {
            told = self.told(session, news) => told,
            seen = self.seen(session) => seen,
        }
    }

    /// What the streams say: the checkout's, and the tenant's where that one is missing or lost.
    async fn told(&self, session: &Session, news: &Sender<News>) -> Result<TenantId, Problem> {
        let mut told = Told::default();
        let mut known = self.tenant.subscribe();
        let mut has_checkout = self.session.is_some();
        loop {
            let (sender, said) = mpsc::channel(16);
            let tenant = self.tenant();
            let stream = async {
                let sender = sender;
                match (&self.session, &tenant) {
                    (Some(checkout), _) if has_checkout => live::watch_checkout(session, checkout, &sender).await,
                    (_, Some(tenant)) => live::watch_operation(session, tenant, &sender).await,
                    // Nothing can be heard before the list says which it is.
                    (_, None) => drop(known.wait_for(Option::is_some).await),
                }
            };
            let (ended, ()) = tokio::join!(self.hear(said, &mut told, news, has_checkout), stream);
            self.is_live.store(false, Ordering::Relaxed);
            if let Some(end) = ended {
                return end;
            }
            if tenant.is_none() && self.tenant().is_some() && !has_checkout {
                continue;
            }
            // From now on the tenant's own, as soon as it is known for sure; the checkout's again until then.
            has_checkout = self.session.is_some() && !self.is_sure();
            tokio::time::sleep(session.client().pace().seconds(REOPEN)).await;
        }
    }

    /// One stream to its end; the purchase's own end where it says that.
    async fn hear(
        &self,
        mut said: mpsc::Receiver<Live<ProvisioningEvent>>,
        told: &mut Told,
        news: &Sender<News>,
        of_checkout: bool,
    ) -> Option<Result<TenantId, Problem>> {
        while let Some(said) = said.recv().await {
            match said {
                Live::Connected => self.is_live.store(true, Ordering::Relaxed),
                Live::Ended => {}
                Live::Item(event) => {
                    self.is_live.store(true, Ordering::Relaxed);
                    if let Some(id) = &event.tenant_id {
                        // A tenant's own stream says nothing of who bought it.
                        self.know(id, !of_checkout);
                    }
                    let end = match event.event_type {
                        EventKind::InfrastructureReady | EventKind::TenantReady => self.tenant().map(Ok),
                        EventKind::ProvisioningFailed => Some(Err(failed(self.tenant(), event.message.clone()))),
                        _ => None,
                    };
                    if told.is_new(&event) {
                        let _ = news.send(News::Event(event)).await;
                    }
                    if end.is_some() {
                        return end;
                    }
                }
                Live::Interrupted { problem, .. } => {
                    self.is_live.store(false, Ordering::Relaxed);
                    let _ = news.send(News::Interrupted(problem)).await;
                }
                Live::Failed(problem) if problem.requires_login => return Some(Err(problem)),
                Live::Failed(problem) => {
                    self.is_lost.store(true, Ordering::Relaxed);
                    let _ = news.send(News::Lost(problem)).await;
                }
            }
        }
        None
    }

    /// What is asked for: which tenant is new, as long as nobody says it, and how it stands.
    async fn seen(&self, session: &Session) -> Result<TenantId, Problem> {
        let (client, pace) = (session.client(), session.client().pace());
        let mut away = 0;
        loop {
            tokio::time::sleep(pace.seconds(LOOK)).await;
            let Some(id) = self.tenant() else {
                away = if self.is_live.load(Ordering::Relaxed) { 0 } else { away + 1 };
                if away < PATIENCE && !self.is_lost.load(Ordering::Relaxed) {
                    continue;
                }
                match client.tenants().await {
                    Ok(list) => self.find(&list.tenants)?,
                    Err(error) if error.requires_login() => return Err(error.problem()),
                    Err(error) => tracing::debug!(%error, "the list says nothing of what was bought"),
                }
                continue;
            };
            let status = match client.status(&id).await {
                Ok(status) => status,
                // Anything else may come from what stands in between, and somebody has paid.
                Err(error) if error.requires_login() || error.is_not_found() => return Err(error.problem()),
                Err(error) => {
                    tracing::debug!(%error, "the status says nothing of what was bought");
                    continue;
                }
            };
            match status.state() {
                // A word that nobody knows says nothing.
                state if state.is_moving() || state == TenantState::Unknown => {}
                state => {
                    // The stream has its last words still to say.
                    tokio::time::sleep(pace.seconds(MOMENT)).await;
                    return if state == TenantState::Failed { Err(failed(Some(id), status.message)) } else { Ok(id) };
                }
            }
        }
    }

    /// The one tenant of the region that was not there before.
    fn find(&self, tenants: &[Tenant]) -> Result<(), Problem> {
        let Some(before) = &self.before else { return Ok(()) };
        let is_new = |tenant: &&Tenant| {
            let fits = tenant.region.as_ref().is_none_or(|region| *region == self.region);
            fits && !before.contains(&tenant.id)
        };
        let new: Vec<&Tenant> = tenants.iter().filter(is_new).collect();
        match new[..] {
            [] => Ok(()),
            [one] => {
                self.know(&one.id, true);
                Ok(())
            }
            // The checkout may say it yet.
            _ if self.session.is_some() => Ok(()),
            _ => {
                let names = new.iter().map(|tenant| format!("{} ({})", tenant.name, tenant.id)).collect::<Vec<_>>();
                Err(Problem::new("More than one tenant is new, and nothing says which was bought here.")
                    .detail(format!("They are {}.", names.join(", ")))
                    .hint("Look how they stand: tenantry tenant list"))
            }
        }
    }

    /// Takes a tenant for the one that was bought. What an event says takes the place of a guess, and nothing that of an event.
    fn know(&self, id: &TenantId, is_guess: bool) {
        self.tenant.send_if_modified(|known| {
            let is_news = known.as_ref().is_none_or(|known| known.is_guess && !is_guess);
            if is_news {
                *known = Some(Known { id: id.clone(), is_guess });
            }
            is_news
        });
    }
}

fn failed(id: Option<TenantId>, message: Option<String>) -> Problem {
    let problem = Problem::new("Provisioning failed.").detail(message.unwrap_or_default());
    match id {
        Some(id) => problem.hint(format!("Try again what failed: tenantry tenant retry {id}")),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::answering_at;
    use serde_json::{Value, json};
    use tempfile::TempDir;
    use wiremock::matchers::{method, path, path_regex};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    /// A session whose account has one tenant, and a wait for what is bought next.
    async fn begun(server: &MockServer, checkout: Option<&str>) -> (TempDir, Session, Wait) {
        listing(server, json!([{"id": "old", "name": "old", "region": "fra"}]), Some(1)).await;
        let (folder, session) = answering_at::<&str>(server, &[], &[]).await;
        let wait = Wait::prepare(&session, "fra").await.expect("listed");
        let checkout = CheckoutSession {
            checkout_url: "http://h/pay".into(),
            transaction_id: None,
            checkout_session_id: checkout.map(|id| SessionId::new(id).expect("an id")),
        };
        (folder, session, wait.of(&checkout))
    }

    async fn listing(server: &MockServer, tenants: Value, times: Option<u64>) {
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "data": tenants }));
        let mock = Mock::given(method("GET")).and(path("/api/v1/tenants")).respond_with(answer);
        match times {
            Some(times) => mock.up_to_n_times(times).with_priority(1).mount(server).await,
            None => mock.mount(server).await,
        }
    }

    async fn standing(server: &MockServer, status: Value, times: Option<u64>) {
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "data": status }));
        let mock = Mock::given(method("GET")).and(path("/api/v1/tenants/ten_1/status")).respond_with(answer);
        match times {
            Some(times) => mock.up_to_n_times(times).with_priority(1).mount(server).await,
            None => mock.mount(server).await,
        }
    }

    fn said(events: &[Value]) -> ResponseTemplate {
        let frames = events.iter().enumerate().map(|(at, event)| format!("id: {at}\ndata: {event}\n\n"));
        let body = frames.collect::<Vec<_>>().concat();
        ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
    }

    /// What stands in between answers every stream, and half of all looks.
    async fn in_between(server: &MockServer) {
        let page = ResponseTemplate::new(200).set_body_raw("<html>hunter2</html>", "text/html");
        Mock::given(method("GET")).and(path_regex("/events$")).respond_with(page).mount(server).await;
    }

    async fn ended(session: &Session, wait: &Wait) -> (Result<TenantId, Problem>, Vec<News>) {
        let (sender, mut said) = mpsc::channel(1000);
        let work = async {
            let sender = sender;
            wait.until_there(session, &sender).await
        };
        let end = tokio::time::timeout(std::time::Duration::from_mins(1), work).await.expect("an end");
        let mut news = Vec::new();
        while let Some(said) = said.recv().await {
            news.push(said);
        }
        (end, news)
    }

    fn id(end: Result<TenantId, Problem>) -> String {
        end.expect("there").to_string()
    }

    const CREATED: &str = "tenant_created";

    fn created() -> Value {
        json!({"tenant_id": "ten_1", "event_type": CREATED, "status": "provisioning", "event_key": "k1"})
    }

    #[tokio::test]
    async fn a_stream_that_is_lost_after_the_payment_loses_nothing() {
        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, Some("cs_1")).await;
        let stream = Mock::given(method("GET")).and(path("/api/v1/checkout/cs_1/events"));
        stream.respond_with(said(&[created()])).up_to_n_times(1).with_priority(1).mount(&server).await;
        in_between(&server).await;
        standing(&server, json!({"status": "provisioning"}), Some(40)).await;
        standing(&server, json!({"status": "ready", "phase": "awaiting_deploy"}), None).await;
        let (end, news) = ended(&session, &wait).await;
        assert_eq!(id(end), "ten_1");
        let events = news.iter().filter(|said| matches!(said, News::Event(_))).count();
        assert_eq!(events, 1, "{news:?}");
    }

    #[tokio::test]
    async fn without_a_session_the_list_says_which_it_is_and_its_own_stream_tells() {
        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, None).await;
        let old = json!({"id": "old", "name": "old", "region": "fra"});
        listing(&server, json!([old]), Some(3)).await;
        // One of another region is somebody else's purchase.
        let other = json!({"id": "other", "name": "other", "region": "iad"});
        let new = json!({"id": "ten_1", "name": "new", "region": "fra"});
        listing(&server, json!([old, other, new]), None).await;
        let ready = json!({"tenant_id": "ten_1", "event_type": "infrastructure_ready", "status": "awaiting_deploy", "event_key": "k2"});
        let stream = Mock::given(method("GET")).and(path("/api/v1/tenants/ten_1/events"));
        stream.respond_with(said(&[created(), ready])).mount(&server).await;
        standing(&server, json!({"status": "provisioning"}), None).await;
        let (end, news) = ended(&session, &wait).await;
        assert_eq!(id(end), "ten_1");
        assert_eq!(news.len(), 2, "{news:?}");
    }

    #[tokio::test]
    async fn a_stream_that_was_never_there_is_no_failure_either() {
        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, Some("cs_1")).await;
        in_between(&server).await;
        listing(&server, json!([{"id": "old", "name": "old"}, {"id": "ten_1", "name": "new"}]), None).await;
        standing(&server, json!({"status": "ready", "phase": "awaiting_deploy"}), None).await;
        let (end, _) = ended(&session, &wait).await;
        assert_eq!(id(end), "ten_1");
    }

    #[tokio::test]
    async fn what_failed_is_told_and_several_new_ones_are_not_guessed_at() {
        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, None).await;
        listing(&server, json!([{"id": "ten_1", "name": "new"}]), None).await;
        standing(&server, json!({"status": "failed", "message": "no volume"}), None).await;
        in_between(&server).await;
        let (end, _) = ended(&session, &wait).await;
        let problem = end.expect_err("failed");
        assert_eq!((problem.title.as_str(), problem.detail.as_deref()), ("Provisioning failed.", Some("no volume")));
        assert!(problem.hint.is_some_and(|hint| hint.contains("tenant retry ten_1")));

        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, None).await;
        listing(&server, json!([{"id": "a", "name": "one"}, {"id": "b", "name": "two"}]), None).await;
        let (end, _) = ended(&session, &wait).await;
        assert!(!wait.is_sure());
        assert!(end.expect_err("two").detail.is_some_and(|detail| detail.contains("one (a), two (b)")));
        assert_eq!(wait.tenant(), None);
    }

    #[tokio::test]
    async fn somebody_elses_purchase_is_not_taken_for_ones_own() {
        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, Some("cs_1")).await;
        // Their tenant is there first, while the checkout's stream is cut twice before its first word.
        listing(&server, json!([{"id": "old", "name": "old"}, {"id": "theirs", "name": "theirs"}]), None).await;
        let stream = || Mock::given(method("GET")).and(path("/api/v1/checkout/cs_1/events"));
        stream().respond_with(said(&[])).up_to_n_times(2).with_priority(1).mount(&server).await;
        let ready = json!({"tenant_id": "ten_1", "event_type": "infrastructure_ready", "status": "awaiting_deploy", "event_key": "k2"});
        stream().respond_with(said(&[created(), ready])).with_priority(2).mount(&server).await;
        let (end, _) = ended(&session, &wait).await;
        assert_eq!(id(end), "ten_1");
        assert!(wait.is_sure());

        // A guess gives way to what the checkout says.
        let (_folder, _, wait) = begun(&server, Some("cs_1")).await;
        let tenant = |id: &str| TenantId::new(id).expect("an id");
        wait.know(&tenant("theirs"), true);
        wait.know(&tenant("other"), true);
        assert_eq!((wait.tenant(), wait.is_sure()), (Some(tenant("theirs")), false));
        wait.know(&tenant("ten_1"), false);
        wait.know(&tenant("theirs"), false);
        assert_eq!((wait.tenant(), wait.is_sure()), (Some(tenant("ten_1")), true));
    }

    #[tokio::test]
    async fn a_login_that_ended_is_no_reason_to_wait() {
        let server = MockServer::start().await;
        let (_folder, session, wait) = begun(&server, Some("cs_1")).await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(401)).mount(&server).await;
        let (end, _) = ended(&session, &wait).await;
        assert!(end.is_err_and(|problem| problem.requires_login));
    }
}

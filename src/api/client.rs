//! The client of a Management API: who it talks to, and what all its calls have in common. The calls themselves, one
//! method each (protocol B), are beside this file by theme.
//!
//! These modules must not know what a call is made for: the order of calls is an operation's business.

mod account;
mod billing;
mod credentials;
mod domain;
mod secrets;
mod streams;
mod tenants;
mod usage;

use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use url::Url;

pub use tenants::TenantList;

use super::access::{Access, FindLogin, Pass, Purpose, Renewals};
use super::pace::{PATIENCE, TRIES};
use super::{ApiError, BaseUrl, Pace, token, transport};
use crate::model::{Me, Secret, envelope, text};
use crate::outbound::{Barrier, ProxyFault};

/// How long an ordinary call may take in all (protocol A.5). Never applied to a stream.
const CALL: Duration = Duration::from_secs(30);
/// How long a ping may take.
const PING: Duration = Duration::from_secs(5);

/// A logged-in client of one Management API. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: BaseUrl,
    /// What a path below which everything is about one tenant begins with.
    tenants: String,
    access: Arc<Access>,
    /// Nobody is logged in: only what needs no login is asked for.
    is_nobody: bool,
    calls: reqwest::Client,
    streams: reqwest::Client,
    pace: Pace,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.0.base).finish_non_exhaustive()
    }
}

/// Whether an answer that cannot be read may be shown.
#[derive(Clone, Copy)]
enum Holds {
    Nothing,
    Secrets,
}

impl Client {
    /// A client that sends `token` to `base` and nowhere else.
    pub fn new(base: BaseUrl, token: Secret) -> Result<Self, ApiError> {
        Self::with_pace(base, token, Pace::default())
    }

    /// A client of nobody: it can ask whether the API answers; every call that needs a login fails before it is sent.
    pub fn nobody(base: BaseUrl) -> Result<Self, ApiError> {
        Self::make(base, Secret::new(""), true, Pace::default())
    }

    /// The same with other pauses; for tests.
    pub fn with_pace(base: BaseUrl, token: Secret, pace: Pace) -> Result<Self, ApiError> {
        Self::make(base, token, false, pace)
    }

    fn make(base: BaseUrl, token: Secret, is_nobody: bool, pace: Pace) -> Result<Self, ApiError> {
        let calls = transport::finish(transport::builder(base.url()).timeout(CALL))?;
        let streams = transport::finish(transport::builder(base.url()).read_timeout(pace.silence))?;
        let access = Arc::new(Access::new(base.clone(), token, calls.clone())?);
        let tenants = format!("{}/", base.endpoint(&["api", "v1", "tenants"]).path());
        Ok(Self(Arc::new(Inner { base, tenants, access, is_nobody, calls, streams, pace })))
    }

    /// The API it talks to.
    #[must_use]
    pub fn base(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The login token, for what has to hand it on.
    #[must_use]
    pub fn token(&self) -> Secret {
        self.0.access.token()
    }

    /// Has `find` asked for the login that is kept now when the server no longer takes this one: then calls and streams that
    /// are under way go on with it. Only the first one counts; it gets ten seconds.
    pub fn when_the_login_is_over(&self, find: FindLogin) {
        self.0.access.ask(find);
    }

    /// How long it waits, for what has to wait beside it.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.0.pace
    }

    /// When the login ends, as the token says itself; `None` where it does not.
    #[must_use]
    pub fn expires_at(&self) -> Option<jiff::Timestamp> {
        token::expires_at(&self.0.access.token())
    }

    /// Who is logged in.
    pub async fn me(&self) -> Result<Me, ApiError> {
        self.get(&["auth", "me"], &[], Holds::Nothing).await
    }

    /// How long the API takes to answer at all; any HTTP answer counts. Sends no token.
    pub async fn ping(&self) -> Result<Duration, ApiError> {
        let url = self.0.base.endpoint(&["health"]);
        let begun = Instant::now();
        let request = self.0.calls.get(url.clone()).timeout(PING);
        request.send().await.map_err(|error| transport::failure(&url, error))?;
        Ok(begun.elapsed())
    }

    /// Refuses where nobody is logged in.
    fn somebody(&self) -> Result<(), ApiError> {
        if self.0.is_nobody { Err(ApiError::NoLogin) } else { Ok(()) }
    }

    fn url(&self, path: &[&str]) -> Url {
        self.0.base.endpoint(&[&["api", "v1"], path].concat())
    }

    /// True for what is about one tenant: the server may want an exchanged token for it.
    fn is_about_tenant(&self, url: &Url) -> bool {
        url.path().starts_with(&self.0.tenants)
    }

    /// Sends a request with the token that is good for it, and again where the server wanted another one: a call that was
    /// refused so was not carried out. Answers also what must not be shown. `shown` is the address without secrets.
    fn send<'a>(
        &'a self,
        request: RequestBuilder,
        shown: &'a Url,
    ) -> BoxFuture<'a, Result<(Response, Arc<Pass>), ApiError>> {
        // Boxed: two requests and an exchange would be part of the future of everything that makes a call.
        Box::pin(async move {
            self.somebody()?;
            let purpose = if self.is_about_tenant(shown) { Purpose::Tenant } else { Purpose::Account };
            let mut again = request.try_clone();
            let mut pass = self.0.access.pass(purpose).await;
            let mut answer = sent(request, &pass, shown).await?;
            let mut renewals = Renewals::new(purpose);
            while answer.status() == StatusCode::UNAUTHORIZED
                && let Some(request) = again.take()
                && let Some(other) = renewals.next(&self.0.access, &pass).await?
            {
                again = request.try_clone();
                pass = other;
                answer = sent(request, &pass, shown).await?;
            }
            Ok((answer, pass))
        })
    }

    /// A call that may be repeated (protocol A.5).
    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        holds: Holds,
    ) -> Result<T, ApiError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.repeated(|| self.call(self.0.calls.request(Method::GET, url.clone()), &url, holds)).await
    }

    /// Makes a call up to [`TRIES`] times, as long as another try may help.
    async fn repeated<T, F: Future<Output = Result<T, ApiError>>>(&self, call: impl Fn() -> F) -> Result<T, ApiError> {
        let mut tried = 1;
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let asked = error.retry_after();
            if tried == TRIES || !may_pass(&error) || asked.is_some_and(|wait| wait.as_secs() > PATIENCE) {
                return Err(error);
            }
            tracing::debug!(tried, %error, "the call is repeated");
            tokio::time::sleep(self.0.pace.between_tries(tried, asked)).await;
            tried += 1;
        }
    }

    /// A call that changes something and must not be repeated by itself: a `POST` or a `PATCH`.
    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
        holds: Holds,
    ) -> Result<T, ApiError> {
        let url = self.url(path);
        let request = self.0.calls.request(method, url.clone());
        let request = if let Some(body) = body { request.json(body) } else { request };
        self.call(request, &url, holds).await
    }

    /// A `POST` with a body.
    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
        holds: Holds,
    ) -> Result<T, ApiError> {
        self.change(Method::POST, path, Some(body), holds).await
    }

    /// A `POST` that says everything by its path.
    async fn order<T: DeserializeOwned>(&self, path: &[&str], holds: Holds) -> Result<T, ApiError> {
        self.change(Method::POST, path, None::<&()>, holds).await
    }

    /// Removes what is at `path`. May be repeated; what the answer holds is not looked at. What is no longer there when the
    /// call is repeated was removed by the try whose answer was lost.
    async fn remove(&self, path: &[&str]) -> Result<(), ApiError> {
        let url = self.url(path);
        let was_lost = AtomicBool::new(false);
        self.repeated(|| async {
            match self.succeed(self.0.calls.request(Method::DELETE, url.clone()), &url).await {
                Err(error) if error.is_not_found() && was_lost.load(Ordering::Relaxed) => Ok(()),
                Err(error) => {
                    was_lost.fetch_or(may_be_done(&error), Ordering::Relaxed);
                    Err(error)
                }
                done => done,
            }
        })
        .await
    }

    /// A call whose success says everything.
    async fn succeed(&self, request: RequestBuilder, url: &Url) -> Result<(), ApiError> {
        let (answer, pass) = self.send(request, url).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(transport::refusal(answer, &[pass.reveal()]).await)
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder, url: &Url, holds: Holds) -> Result<T, ApiError> {
        let (answer, pass) = self.send(request, url).await?;
        let (status, secrets) = (answer.status(), [pass.reveal()]);
        if !status.is_success() {
            return Err(transport::refusal(answer, &secrets).await);
        }
        let body = transport::body(answer, transport::BODY_LIMIT).await?;
        envelope::read(&body).map_err(|error| {
            let begins = match holds {
                Holds::Nothing => Some(transport::excerpt(&body, &secrets)),
                Holds::Secrets => None,
            };
            transport::unreadable(url, status.as_u16(), &error.to_string(), begins)
        })
    }
}

async fn sent(request: RequestBuilder, pass: &Pass, shown: &Url) -> Result<Response, ApiError> {
    let request = request.header(AUTHORIZATION, pass.header()).header(ACCEPT, "application/json");
    let answer = request.send().await.map_err(|error| transport::failure(shown, error))?;
    tracing::debug!(path = shown.path(), status = answer.status().as_u16(), "answered");
    Ok(answer)
}

/// True for failures that another try may not meet. A call that took too long is not repeated: the person
/// has waited long enough to be told.
fn may_pass(error: &ApiError) -> bool {
    match error {
        // A proxy that is away may come back; what it refuses, and a certificate, stay what they are.
        ApiError::Unreachable { .. }
        | ApiError::Barred { barrier: Barrier::Proxy { fault: ProxyFault::Away, .. }, .. } => true,
        ApiError::Refused(refusal) => matches!(refusal.status, 429 | 500 | 502 | 503 | 504),
        ApiError::Exchange { last } => may_pass(last),
        _ => false,
    }
}

/// True where what was asked for may be done all the same. Who answers 429 did nothing; 500, and what stands for it, may come
/// from something in between, after the server did it.
fn may_be_done(error: &ApiError) -> bool {
    let is_unsure = |status| matches!(status, 500 | 502..=504);
    error.answer_was_lost() || matches!(error, ApiError::Refused(refusal) if is_unsure(refusal.status))
}

/// Reads entry by entry, so that one broken or hostile entry does not take the others with it.
fn readable<T: DeserializeOwned>(entries: Vec<serde_json::Value>) -> (Vec<T>, Vec<String>) {
    let mut read = Vec::with_capacity(entries.len());
    let mut rejected = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match serde_json::from_value(entry) {
            Ok(entry) => read.push(entry),
            Err(error) => rejected.push(text::short(&format!("Entry {}: {error}", index + 1), 160)),
        }
    }
    (read, rejected)
}

fn warn_of(what: &str, rejected: &[String]) {
    for reason in rejected {
        tracing::warn!(what, reason, "an entry cannot be read");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;
    use crate::model::TenantId;
    use wiremock::matchers::method;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn gone() -> ResponseTemplate {
        ResponseTemplate::new(404).set_body_string(r#"{"error": {"code": "not_found", "message": "no"}}"#)
    }

    #[tokio::test]
    async fn what_a_lost_try_removed_is_removed() {
        let id = TenantId::new("a").expect("an id");
        for (first, is_removed) in [(502, true), (500, true), (429, false), (404, false)] {
            let server = MockServer::start().await;
            let once = if first == 404 { gone() } else { ResponseTemplate::new(first) };
            Mock::given(method("DELETE")).respond_with(once).up_to_n_times(1).mount(&server).await;
            Mock::given(method("DELETE")).respond_with(gone()).mount(&server).await;
            let base = BaseUrl::parse(&server.uri()).expect("a base");
            let client = Client::with_pace(base, Secret::new("hunter2"), Pace::quick()).expect("a client");
            let removed = client.delete_secret(&id, "KEY").await;
            assert_eq!(removed.is_ok(), is_removed, "{first}");
            if let Err(error) = removed {
                assert!(error.is_not_found(), "{error}");
            }
        }
    }

    /// Whether another try may help, and whether it is done perhaps.
    #[test]
    fn only_what_may_be_done_is_taken_for_done_later() {
        let url = || "https://h.example".to_owned();
        let refused = |status| {
            ApiError::Refused(Box::new(Refusal {
                url: url(),
                status,
                code: None,
                message: String::new(),
                reason: None,
                expected: None,
                subscription: None,
                retry_after: None,
            }))
        };
        let proxy = |fault| Barrier::Proxy { address: url(), fault };
        let barred = |barrier| ApiError::Barred { url: url(), barrier, cause: String::new() };
        for (error, again, done) in [
            (ApiError::Unreachable { url: url(), cause: String::new() }, true, true),
            (ApiError::TimedOut { url: url() }, false, true),
            (refused(500), true, true),
            (refused(502), true, true),
            (refused(503), true, true),
            (refused(504), true, true),
            (refused(429), true, false),
            (refused(404), false, false),
            (ApiError::Exchange { last: Box::new(refused(503)) }, true, false),
            (ApiError::Exchange { last: Box::new(ApiError::TimedOut { url: url() }) }, false, false),
            (barred(proxy(ProxyFault::Away)), true, false),
            (barred(proxy(ProxyFault::Silent)), false, false),
            (barred(proxy(ProxyFault::Refused)), false, false),
            (barred(Barrier::UnknownIssuer), false, false),
        ] {
            assert_eq!((may_pass(&error), may_be_done(&error)), (again, done), "{error:?}");
        }
    }

    #[tokio::test]
    async fn the_form_of_oauth_is_not_the_word_of_the_api() {
        let server = MockServer::start().await;
        let body = r#"{"error": "not_found", "error_description": "no route for aHVudGVyMg"}"#;
        let answer = ResponseTemplate::new(404).set_body_string(body);
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let base = BaseUrl::parse(&server.uri()).expect("a base");
        let client = Client::with_pace(base, Secret::new("hunter2"), Pace::quick()).expect("a client");
        let id = TenantId::new("a").expect("an id");
        let error = client.delete_secret(&id, "KEY").await.expect_err("refused");
        assert!(!error.is_not_found() && error.code().is_none(), "{error:?}");
        assert!(error.to_string().contains("no route"), "{error}");
        let secrets = [("KEY".to_owned(), Secret::new("hunter2"))].into();
        let error = client.put_secrets(&id, &secrets).await.expect_err("refused");
        assert!(error.code().is_none() && !format!("{error:?}").contains("aHVudGVyMg"), "{error:?}");
    }
}

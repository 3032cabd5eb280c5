//! The calls of the Management API that this program makes, one method each (protocol B).
//!
//! This module must not know what a call is made for: the order of calls is an operation's business.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

use super::feed::{self, Feed};
use super::pace::{PATIENCE, TRIES};
use super::probe::web_address;
use super::{ApiError, BaseUrl, Pace, token, transport};
use crate::model::{
    CheckoutRequest, CheckoutSession, DeployAnswer, DeployRequest, ImageReference, LogEntry, Me, Plan,
    ProvisioningEvent, RegistryToken, Secret, SessionId, Tenant, TenantId, TenantStatus, envelope, text,
};

/// How long an ordinary call may take in all (protocol A.5). Never applied to a stream.
const CALL: Duration = Duration::from_secs(30);
/// How long a ping may take.
const PING: Duration = Duration::from_secs(5);

/// The tenants of an account, as far as they could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TenantList {
    /// Those that could.
    pub tenants: Vec<Tenant>,
    /// What is wrong with each of the others. Harmless text.
    pub rejected: Vec<String>,
}

/// A logged-in client of one Management API. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    base: BaseUrl,
    token: Secret,
    authorization: HeaderValue,
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

    /// The same with other pauses; for tests.
    pub fn with_pace(base: BaseUrl, token: Secret, pace: Pace) -> Result<Self, ApiError> {
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", token.reveal())).map_err(|_| ApiError::Token)?;
        authorization.set_sensitive(true);
        let calls = transport::finish(transport::builder(base.url()).timeout(CALL))?;
        let streams = transport::finish(transport::builder(base.url()).read_timeout(pace.silence))?;
        Ok(Self(Arc::new(Inner { base, token, authorization, calls, streams, pace })))
    }

    /// The API it talks to.
    #[must_use]
    pub fn base(&self) -> &BaseUrl {
        &self.0.base
    }

    /// The login token, for what has to hand it on.
    #[must_use]
    pub fn token(&self) -> &Secret {
        &self.0.token
    }

    /// When the login ends, as the token says itself; `None` where it does not.
    #[must_use]
    pub fn expires_at(&self) -> Option<jiff::Timestamp> {
        token::expires_at(&self.0.token)
    }

    /// Who is logged in.
    pub async fn me(&self) -> Result<Me, ApiError> {
        self.get(&["auth", "me"], &[], Holds::Nothing).await
    }

    /// The plans on offer. Those that cannot be read are left out and logged.
    pub async fn plans(&self) -> Result<Vec<Plan>, ApiError> {
        let entries: Vec<serde_json::Value> = self.get(&["checkout", "plans"], &[], Holds::Nothing).await?;
        let (plans, rejected) = readable(entries);
        warn_of("plan", &rejected);
        Ok(plans)
    }

    /// The tenants of the account.
    pub async fn tenants(&self) -> Result<TenantList, ApiError> {
        let entries: Vec<serde_json::Value> = self.get(&["tenants"], &[], Holds::Nothing).await?;
        let (tenants, rejected) = readable(entries);
        warn_of("tenant", &rejected);
        Ok(TenantList { tenants, rejected })
    }

    /// One tenant's record.
    pub async fn tenant(&self, id: &TenantId) -> Result<Tenant, ApiError> {
        self.get(&["tenants", id.as_str()], &[], Holds::Nothing).await
    }

    /// One tenant's status. Reading it does not consume the one-time credentials.
    pub async fn status(&self, id: &TenantId) -> Result<TenantStatus, ApiError> {
        self.get(&["tenants", id.as_str(), "status"], &[], Holds::Secrets).await
    }

    /// Opens a checkout session. Not idempotent, so never repeated by itself.
    pub async fn checkout(&self, request: &CheckoutRequest) -> Result<CheckoutSession, ApiError> {
        let path = ["checkout"];
        let mut session: CheckoutSession = self.post(&path, request, Holds::Nothing).await?;
        // It is handed to the system's browser, which would open files and programs as well.
        session.checkout_url = web_address(&session.checkout_url)
            .map_err(|error| {
                let ApiError::BaseUrl { why, .. } = error else { return error };
                transport::unreadable(&self.url(&path), 200, &format!("checkout_url: {why}"), None)
            })?
            .into();
        Ok(session)
    }

    /// Where the tenant's image goes, and what opens that place.
    pub async fn registry_token(&self, id: &TenantId) -> Result<RegistryToken, ApiError> {
        self.get(&["tenants", id.as_str(), "registry-token"], &[], Holds::Secrets).await
    }

    /// Deploys the pushed image. Never repeated by itself.
    pub async fn deploy(&self, id: &TenantId, image: &ImageReference) -> Result<DeployAnswer, ApiError> {
        let body = DeployRequest { image: image.to_string() };
        self.post(&["tenants", id.as_str(), "deploy"], &body, Holds::Nothing).await
    }

    /// Sets variables of the tenant; those that are not named stay. May be repeated (protocol A.5, B.28).
    pub async fn put_secrets(&self, id: &TenantId, secrets: &BTreeMap<String, Secret>) -> Result<(), ApiError> {
        let url = self.url(&["tenants", id.as_str(), "secrets"]);
        let body = Secrets { secrets };
        self.repeated(|| async {
            let request = self.0.calls.request(Method::PUT, url.clone()).json(&body).headers(self.headers());
            let answer = request.send().await.map_err(|error| transport::failure(&url, error))?;
            tracing::debug!(path = url.path(), status = answer.status().as_u16(), "answered");
            if answer.status().is_success() {
                return Ok(());
            }
            let values = secrets.values().chain([&self.0.token]).map(Secret::reveal);
            Err(transport::refusal_of_secrets(answer, &values.collect::<Vec<_>>()).await)
        })
        .await
    }

    /// The last `lines` log lines, oldest first.
    pub async fn logs(&self, id: &TenantId, lines: u32) -> Result<Vec<LogEntry>, ApiError> {
        let path = ["tenants", id.as_str(), "logs"];
        let answer: serde_json::Value = self.get(&path, &[("lines", &lines.to_string())], Holds::Nothing).await?;
        let entries = match answer {
            serde_json::Value::Object(mut map) => map.remove("logs").unwrap_or_default(),
            bare => bare,
        };
        let serde_json::Value::Array(entries) = entries else {
            return Err(transport::unreadable(&self.url(&path), 200, "there is no list of log lines", None));
        };
        let (entries, rejected) = readable(entries);
        warn_of("log line", &rejected);
        Ok(entries)
    }

    /// How long the API takes to answer at all; any HTTP answer counts. Sends no token.
    pub async fn ping(&self) -> Result<Duration, ApiError> {
        let url = self.0.base.endpoint(&["health"]);
        let begun = Instant::now();
        let request = self.0.calls.get(url.clone()).timeout(PING);
        request.send().await.map_err(|error| transport::failure(&url, error))?;
        Ok(begun.elapsed())
    }

    /// The events of a checkout session, up to the end of phase 1 or of the operation. Must be called
    /// within a tokio runtime, as the other streams.
    #[must_use]
    pub fn checkout_events(&self, session: &SessionId) -> Feed<ProvisioningEvent> {
        let url = self.url(&["checkout", session.as_str(), "events"]);
        feed::checkout_events(self.source(url))
    }

    /// The events of a tenant: up to the end of the present operation, or with `follow` without end.
    #[must_use]
    pub fn tenant_events(&self, id: &TenantId, follow: bool) -> Feed<ProvisioningEvent> {
        let mut url = self.url(&["tenants", id.as_str(), "events"]);
        if follow {
            url.query_pairs_mut().append_pair("follow", "true");
        }
        feed::tenant_events(self.source(url), follow)
    }

    /// The tenant's log lines as they come, beginning with the last `lines`.
    #[must_use]
    pub fn follow_logs(&self, id: &TenantId, lines: u32) -> Feed<LogEntry> {
        let mut url = self.url(&["tenants", id.as_str(), "logs"]);
        url.query_pairs_mut().append_pair("lines", &lines.to_string()).append_pair("follow", "true");
        feed::follow_logs(self.source(url))
    }

    fn url(&self, path: &[&str]) -> Url {
        self.0.base.endpoint(&[&["api", "v1"], path].concat())
    }

    fn source(&self, url: Url) -> feed::Source {
        feed::Source {
            client: self.0.streams.clone(),
            url,
            authorization: self.0.authorization.clone(),
            token: self.0.token.clone(),
            pace: self.0.pace,
        }
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([
            (AUTHORIZATION, self.0.authorization.clone()),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ])
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

    /// A call that must not be repeated by itself.
    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
        holds: Holds,
    ) -> Result<T, ApiError> {
        let url = self.url(path);
        let request = self.0.calls.request(Method::POST, url.clone()).json(body);
        self.call(request, &url, holds).await
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder, url: &Url, holds: Holds) -> Result<T, ApiError> {
        let secret = Some(self.0.token.reveal());
        let answer = request.headers(self.headers()).send().await.map_err(|error| transport::failure(url, error))?;
        let status = answer.status();
        tracing::debug!(path = url.path(), status = status.as_u16(), "answered");
        if !status.is_success() {
            return Err(transport::refusal(answer, secret).await);
        }
        let body = transport::body(answer, transport::BODY_LIMIT).await?;
        envelope::read(&body).map_err(|error| {
            let begins = match holds {
                Holds::Nothing => Some(transport::excerpt(&body, secret)),
                Holds::Secrets => None,
            };
            transport::unreadable(url, status.as_u16(), &error.to_string(), begins)
        })
    }
}

/// Body of B.28.
#[derive(Serialize)]
struct Secrets<'a> {
    #[serde(serialize_with = "expose_all")]
    secrets: &'a BTreeMap<String, Secret>,
}

fn expose_all<S: serde::Serializer>(secrets: &BTreeMap<String, Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(secrets.iter().map(|(name, value)| (name, value.reveal())))
}

/// True for failures that another try may not meet. A call that took too long is not repeated: the person
/// has waited long enough to be told.
fn may_pass(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { .. } => true,
        ApiError::Refused(refusal) => matches!(refusal.status, 429 | 500 | 502 | 503 | 504),
        _ => false,
    }
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

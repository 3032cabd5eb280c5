//! A whole small world: a Management API in a process of its own, a sample project, a login, and a tenant
//! that waits for its first deploy. Dropping it removes everything.

use serde_json::Value;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;
use tenantry::api::{BaseUrl, FeedItem};
use tenantry::demo::sample;
use tenantry::engine::Engine;
use tenantry::model::progress::{DeployOutcome, DeployProgress};
use tenantry::model::{EventKind, Problem, TenantId};
use tenantry::ops::{Session, checkout, deploy};
use tenantry::workspace::{Project, StateDirectory};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::common::server::{Faults, Server};

pub struct World {
    pub session: Session,
    pub tenant: TenantId,
    pub engine: Engine,
    folder: tempfile::TempDir,
    /// Last: its fields are dropped in order, and the server removes what the others made.
    server: Mutex<Server>,
}

impl World {
    /// Buys a tenant and waits until its infrastructure is ready.
    pub async fn new() -> Self {
        Self::with(&[], &[]).await
    }

    /// The same with more arguments for the server, and in another environment.
    pub async fn with(
        arguments: &'static [&'static str],
        environment: &'static [(&'static str, &'static str)],
    ) -> Self {
        let start = || Server::start_with(arguments, environment);
        let server = tokio::task::spawn_blocking(start).await.expect("a server");
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("project");
        sample::write(&root, &server.registry).await.expect("the sample project");
        let state = StateDirectory::at(folder.path().join("state"));
        let base = BaseUrl::parse(&server.api_url).expect("an address");
        let session =
            Session::log_in(Project { root }, Some(state), base, server.token.clone()).await.expect("a login");
        let tenant = buy(&session, 0).await;
        let engine = session.engine().await.expect("an engine");
        Self { session, tenant, engine, folder, server: Mutex::new(server) }
    }

    /// Buys one more tenant, and waits until its infrastructure is ready.
    pub async fn another(&self) -> TenantId {
        buy(&self.session, 1).await
    }

    /// A file of the project.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("project").join(path)
    }

    /// Deploys, and keeps what was said on the way.
    pub async fn deploy(&self) -> (Result<DeployOutcome, Problem>, Vec<DeployProgress>) {
        self.deploy_until(|_| false).await
    }

    /// Deploys, and cancels when `until` holds for something said.
    pub async fn deploy_until(
        &self,
        until: impl Fn(&DeployProgress) -> bool,
    ) -> (Result<DeployOutcome, Problem>, Vec<DeployProgress>) {
        self.deploy_with(&deploy::Options::default(), until).await
    }

    /// Deploys as `options` ask for, and cancels when `until` holds for something said.
    pub async fn deploy_with(
        &self,
        options: &deploy::Options,
        until: impl Fn(&DeployProgress) -> bool,
    ) -> (Result<DeployOutcome, Problem>, Vec<DeployProgress>) {
        let cancel = CancellationToken::new();
        self.deploy_under(options, &cancel, until).await
    }

    /// The same where something else may cancel it, too.
    pub async fn deploy_under(
        &self,
        options: &deploy::Options,
        cancel: &CancellationToken,
        until: impl Fn(&DeployProgress) -> bool,
    ) -> (Result<DeployOutcome, Problem>, Vec<DeployProgress>) {
        let (sender, mut receiver) = mpsc::channel(16);
        let work = async {
            let result = deploy::run(&self.session, &self.tenant, options, &sender, cancel).await;
            drop(sender);
            result
        };
        let listen = async {
            let mut said = Vec::new();
            while let Some(progress) = receiver.recv().await {
                if until(&progress) {
                    cancel.cancel();
                }
                said.push(progress);
            }
            said
        };
        tokio::join!(work, listen)
    }

    /// Kills the server and starts it again on what it left. Blocks.
    pub fn restart_server(&self) {
        self.server.lock().expect("nobody panicked").restart();
    }

    /// Failures on demand; needs a server with `--faults`.
    pub fn faults(&self) -> Faults {
        self.server.lock().expect("nobody panicked").faults()
    }

    /// How many uploads the registry waits for.
    pub fn uploads(&self) -> usize {
        let folder = self.server.lock().expect("nobody panicked").uploads();
        std::fs::read_dir(folder).expect("the registry's uploads").count()
    }

    /// What the server logged.
    pub fn server_log(&self) -> String {
        self.server.lock().expect("nobody panicked").log()
    }

    /// A call of the Management API that the client has no method for; its answer.
    pub async fn call(&self, method: reqwest::Method, rest: &str, body: Option<Value>) -> (u16, Value) {
        self.call_for(&self.tenant, method, rest, body).await
    }

    /// The same for any tenant.
    pub async fn call_for(
        &self,
        tenant: &TenantId,
        method: reqwest::Method,
        rest: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let (url, token) = {
            let server = self.server.lock().expect("nobody panicked");
            (format!("{}/api/v1/tenants/{tenant}{rest}", server.api_url), server.token.clone())
        };
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = http.request(method, url).bearer_auth(token.reveal());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).unwrap_or(Value::Null))
    }

    /// Status and digest of the deploys that the server accepted, newest first.
    pub async fn deployments(&self) -> Vec<(String, String)> {
        let (status, listed) = self.call(reqwest::Method::GET, "/deployments", None).await;
        assert_eq!(status, 200, "{listed}");
        let word = |row: &Value, key: &str| row[key].as_str().expect(key).to_owned();
        let rows = listed["data"].as_array().expect("a list");
        rows.iter().map(|row| (word(row, "status"), word(row, "digest"))).collect()
    }

    /// Waits until the tenant is in this phase.
    pub async fn wait_for_phase(&self, phase: &str) {
        let reached = async {
            while self.call(reqwest::Method::GET, "/status", None).await.1["data"]["phase"] != phase {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), reached).await.expect(phase);
    }

    /// The page that the tenant serves.
    pub async fn page(&self, outcome: &DeployOutcome) -> String {
        let url = outcome.app_url.as_deref().expect("an address");
        tenantry::api::page::html(url).await.expect("a page")
    }
}

/// The first plan is free, and only one tenant may have it.
pub async fn buy(session: &Session, plan: usize) -> TenantId {
    let plans = session.client().plans().await.expect("plans");
    let opened = checkout::start(session, &plans[plan].paddle_price_id, "fra").await.expect("a checkout");
    checkout::auto_pay(&opened.checkout_url).await.expect("paid");
    let mut feed = session.client().checkout_events(&opened.checkout_session_id.expect("a session id"));
    let tenant = loop {
        match feed.next().await.expect("events until the infrastructure is ready") {
            FeedItem::Item(event) if event.event_type == EventKind::InfrastructureReady => break event.tenant_id,
            FeedItem::Item(event) => assert_ne!(event.event_type, EventKind::ProvisioningFailed, "{event:?}"),
            FeedItem::Failed(error) => panic!("{error}"),
            FeedItem::Connected | FeedItem::Interrupted { .. } => {}
        }
    };
    tenant.expect("the tenant's id")
}

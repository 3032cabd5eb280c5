//! What the server's tests share: a server on a free port with machines in memory, people who talk to it
//! over real HTTP, and a reader of event streams.

use crate::store;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::future::Future;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tenantry::outbound::Localhost;
use tenantry::server::auth::LoginTokens;
use tenantry::server::keys::Keys;
use tenantry::server::pay::signature::WebhookKey;
use tenantry::server::provider::Provider;
use tenantry::server::provider::fake::FakeProvider;
use tenantry::server::{ServeError, Settings, serve_with};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub const MARA: &str = "mara@orchard.example";
pub const NILS: &str = "nils@harbour.example";

/// A wait that is longer than this means that the condition never comes.
const FOREVER: Duration = Duration::from_mins(1);

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(FOREVER, future).await {
        Ok(value) => value,
        Err(elapsed) => panic!("{what} never came: {elapsed}"),
    }
}

/// Ports for a server that is started again: no other test's server may take one while it is down.
pub fn own_ports() -> RangeInclusive<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(4100);
    let first = NEXT.fetch_add(10, Ordering::Relaxed);
    first..=first + 9
}

pub struct House {
    pub provider: FakeProvider,
    pub settings: Settings,
    pub mara: Person,
    /// Stops the server when the test is over, however it ends.
    stop: DropGuard,
    /// Of a server that can be killed.
    runtime: Mortal,
    leave: CancellationToken,
    running: JoinHandle<Result<(), ServeError>>,
    dir: tempfile::TempDir,
}

impl House {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::new(dir.path().join("data"));
        settings.users = vec![MARA.into(), NILS.into()];
        settings.ready_file = Some(dir.path().join("ready.json"));
        settings.database_url = store::fresh_database().await;
        // What a test holds up would hold up the end of its server.
        settings.operations.drain = Some(Duration::ZERO);
        change(&mut settings);
        let provider = FakeProvider::default();
        let machines: Arc<dyn Provider> = Arc::new(provider.clone());
        Self::open(dir, settings, provider, machines).await
    }

    /// A server that [`House::crash`] can kill.
    pub async fn start_mortal(change: impl FnOnce(&mut Settings)) -> Self {
        let house = Self::start_with(change).await;
        let (settings, provider) = (house.settings.clone(), house.provider.clone());
        let (ended, dir) = house.stop().await;
        ended.expect("a clean end");
        Self::open_mortal(dir, settings, provider).await
    }

    async fn open_mortal(dir: tempfile::TempDir, settings: Settings, provider: FakeProvider) -> Self {
        let machines: Arc<dyn Provider> = Arc::new(provider.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self::open_on(dir, settings, provider, machines, Some(runtime.expect("a runtime"))).await
    }

    /// Ends the server as a power cut would: whatever it was doing is not done. Starts it again on what it left.
    pub async fn crash(mut self) -> Self {
        let (settings, provider) = (self.settings.clone(), self.provider.clone());
        let runtime = self.runtime.0.take().expect("a server that can be killed");
        let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10)));
        ended.await.expect("it is dead");
        let _ = std::fs::remove_file(settings.ready_file.as_ref().expect("a ready file"));
        Self::open_mortal(self.dir, settings, provider).await
    }

    async fn open(
        dir: tempfile::TempDir,
        settings: Settings,
        provider: FakeProvider,
        machines: Arc<dyn Provider>,
    ) -> Self {
        Self::open_on(dir, settings, provider, machines, None).await
    }

    async fn open_on(
        dir: tempfile::TempDir,
        settings: Settings,
        provider: FakeProvider,
        machines: Arc<dyn Provider>,
        runtime: Option<tokio::runtime::Runtime>,
    ) -> Self {
        let stop = CancellationToken::new();
        let path = settings.ready_file.clone().expect("a ready file");
        let serve = || {
            let machines = Arc::clone(&machines);
            let serving = serve_with(settings.clone(), |_, _| machines, stop.clone());
            match &runtime {
                Some(runtime) => runtime.spawn(serving),
                None => tokio::spawn(serving),
            }
        };
        let mut running = serve();
        let ready = async {
            loop {
                if let Ok(bytes) = tokio::fs::read(&path).await {
                    return serde_json::from_slice::<Value>(&bytes).expect("a whole ready file");
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::pin!(ready);
        let mut tries = 0;
        let ready = loop {
            tokio::select! {
                ready = within("the ready file", &mut ready) => break ready,
                ended = &mut running => {
                    // A database may take a moment to notice that the one before is dead.
                    tries += 1;
                    assert!(runtime.is_some() && tries < 100, "the server ended: {ended:?}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    running = serve();
                }
            }
        };
        let mara = Person::new(text(&ready["api_url"]), text(&ready["token"]));
        let leave = stop.clone();
        Self { provider, settings, mara, stop: stop.drop_guard(), runtime: Mortal(runtime), leave, running, dir }
    }

    pub fn data(&self) -> PathBuf {
        self.settings.data.clone()
    }

    /// Someone with a login of this length.
    pub async fn person(&self, email: &str, lifetime_seconds: i64) -> Person {
        let user = store::ensure_user(&self.settings, email).await;
        let logins = LoginTokens::open(&self.data()).expect("the key");
        let token = logins.issue(&user, email, lifetime_seconds).expect("a token");
        Person::new(self.mara.base.clone(), token.reveal().to_owned())
    }

    pub fn webhook_key(&self) -> WebhookKey {
        WebhookKey::new(Keys::open(&self.data()).expect("the keys").webhook)
    }

    /// Tells the server to end, and does not wait for it.
    pub fn leave(&self) {
        self.leave.cancel();
    }

    /// Stops the server and answers how it ended.
    pub async fn stop(self) -> (Result<(), ServeError>, tempfile::TempDir) {
        drop(self.stop);
        let ended = within("the end of the server", self.running).await.expect("no panic");
        (ended, self.dir)
    }

    /// Stops the server and starts it again on the same data with the same machines.
    pub async fn restart(self) -> Self {
        let settings = self.settings.clone();
        self.restart_as(settings).await
    }

    /// The same with other settings.
    pub async fn restart_as(self, settings: Settings) -> Self {
        let provider = self.provider.clone();
        let (ended, dir) = self.stop().await;
        ended.expect("a clean end");
        let machines: Arc<dyn Provider> = Arc::new(provider.clone());
        Self::open(dir, settings, provider, machines).await
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("text, not {value}")).to_owned()
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    pub fn refused(self, status: u16, reason: Option<&str>) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert!(self.body["error"]["code"].is_string() && self.body["error"]["message"].is_string(), "{}", self.body);
        assert_eq!(self.body["error"]["details"]["reason"].as_str(), reason, "{}", self.body);
        self.body
    }
}

#[derive(Clone)]
pub struct Person {
    pub base: String,
    pub token: String,
    pub http: reqwest::Client,
}

impl Person {
    pub fn new(base: String, token: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Localhost));
        let http = http.redirect(reqwest::redirect::Policy::none());
        Self { base, token, http: http.build().expect("a client") }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let bytes = response.bytes().await.expect("a body");
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn checkout(&self) -> Value {
        self.post("/api/v1/checkout", json!({ "price_id": "pri_sbx_basic", "region": "fra" })).await.ok()
    }

    /// The page of a session, as a browser without scripts sees it.
    pub async fn page(&self, session: &Value) -> (StatusCode, String) {
        let response = self.http.get(text(&session["checkout_url"])).send().await.expect("a page");
        (response.status(), response.text().await.expect("text"))
    }

    pub async fn submit(&self, session: &Value, nonce: &str, decision: &str) -> reqwest::Response {
        let form = format!("nonce={nonce}&decision={decision}");
        self.http
            .post(text(&session["checkout_url"]))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .expect("an answer")
    }

    pub async fn pay(&self, session: &Value) {
        let (status, html) = self.page(session).await;
        assert_eq!(status, 200);
        let paid = self.submit(session, &nonce_of(&html), "pay").await;
        assert_eq!(paid.status(), 303);
    }

    pub fn session_events(session: &Value) -> String {
        format!("/api/v1/checkout/{}/events", text(&session["checkout_session_id"]))
    }

    pub async fn stream(&self, path: &str, last_event_id: Option<&str>) -> Frames {
        let mut request = self.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Frames { bytes: response.bytes_stream().map(|part| part.map(|part| part.to_vec())).boxed(), buffer: Vec::new() }
    }

    /// A tenant that waits for its first deploy.
    pub async fn tenant(&self) -> String {
        let session = self.checkout().await;
        self.pay(&session).await;
        let events = self.stream(&Self::session_events(&session), None).await.rest().await;
        let last = events.last().expect("events");
        assert_eq!(last.data["event_type"], "infrastructure_ready", "{}", last.data);
        text(&last.data["tenant_id"])
    }

    pub async fn image(&self, tenant: &str) -> String {
        let token = self.get(&format!("/api/v1/tenants/{tenant}/registry-token")).await.ok()["data"].clone();
        let part = |key: &str| text(&token[key]);
        format!("{}/{}:{}", part("registry"), part("repository"), part("tag"))
    }

    /// Pushes a small image and answers its digest.
    pub async fn push(&self, tenant: &str, content: &str) -> String {
        let token = self.get(&format!("/api/v1/tenants/{tenant}/registry-token")).await.ok()["data"].clone();
        let (password, repository) = (text(&token["token"]), text(&token["repository"]));
        let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Labels": { "content": content } },
            "rootfs": { "type": "layers", "diff_ids": [] } })
        .to_string();
        let begun = self.http.post(format!("{}/v2/{repository}/blobs/uploads/", self.base));
        let begun = begun.basic_auth("x", Some(&password)).send().await.expect("an answer");
        assert_eq!(begun.status(), 202);
        let location = begun.headers()["location"].to_str().expect("text").to_owned();
        let mut url = url::Url::parse(&self.base).expect("a base").join(&location).expect("a location");
        url.query_pairs_mut().append_pair("digest", &digest(config.as_bytes()));
        let put = self.http.put(url).basic_auth("x", Some(&password)).body(config.clone()).send().await;
        assert_eq!(put.expect("an answer").status(), 201);
        let kind = "application/vnd.docker.distribution.manifest.v2+json";
        let manifest = json!({ "schemaVersion": 2, "mediaType": kind, "layers": [], "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": config.len(), "digest": digest(config.as_bytes()) } })
        .to_string();
        let put = self.http.put(format!("{}/v2/{repository}/manifests/{}", self.base, text(&token["tag"])));
        let put = put.basic_auth("x", Some(&password)).header("content-type", kind).body(manifest.clone());
        assert_eq!(put.send().await.expect("an answer").status(), 201);
        digest(manifest.as_bytes())
    }

    pub async fn deploy(&self, tenant: &str) -> Answer {
        let image = self.image(tenant).await;
        self.post(&format!("/api/v1/tenants/{tenant}/deploy"), json!({ "image": image })).await
    }

    pub async fn running(&self, content: &str) -> String {
        let tenant = self.tenant().await;
        self.push(&tenant, content).await;
        assert_eq!(self.deploy(&tenant).await.ok()["data"]["status"], "deployed");
        tenant
    }

    pub async fn phase(&self, tenant: &str) -> String {
        text(&self.get(&format!("/api/v1/tenants/{tenant}")).await.ok()["data"]["phase"])
    }

    pub async fn wait_for_phase(&self, tenant: &str, phase: &str) {
        within(phase, async {
            while self.phase(tenant).await != phase {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

pub fn nonce_of(html: &str) -> String {
    let after = html.split_once("name=\"nonce\" value=\"").expect("a nonce").1;
    after.split_once('"').expect("its end").0.to_owned()
}

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub id: Option<String>,
    pub event: String,
    pub data: Value,
}

/// A stream of frames with data; comments and `retry` are read over.
pub struct Frames {
    bytes: BoxStream<'static, Result<Vec<u8>, reqwest::Error>>,
    buffer: Vec<u8>,
}

impl Frames {
    pub async fn next(&mut self) -> Option<Frame> {
        within("the next frame", async {
            loop {
                if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let raw: Vec<u8> = self.buffer.drain(..end + 2).collect();
                    if let Some(frame) = read_frame(std::str::from_utf8(&raw).expect("text")) {
                        return Some(frame);
                    }
                    continue;
                }
                self.buffer.extend(self.bytes.next().await?.expect("a whole stream"));
            }
        })
        .await
    }

    /// Everything up to the end of the stream.
    pub async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

pub fn read_frame(raw: &str) -> Option<Frame> {
    let field = |name: &str| {
        raw.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(|v| v.trim_start().to_owned()))
    };
    let data = serde_json::from_str(&field("data")?).expect("JSON on one line");
    Some(Frame { id: field("id"), event: field("event").unwrap_or_default(), data })
}

/// Kinds and steps of events, `kind/step`.
pub fn words(frames: &[Frame]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    frames.iter().map(|frame| format!("{}/{}", word(&frame.data["event_type"]), word(&frame.data["step"]))).collect()
}

/// A runtime that ends without waiting: one must not be dropped, which waits, where tasks run.
struct Mortal(Option<tokio::runtime::Runtime>);

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

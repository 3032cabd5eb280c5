//! The server is killed at random moments of random operations and started again: no tenant is lost and none is there
//! twice, nothing on the engine or in the registry is without an owner, and no secret can be read twice.
//!
//! `TENANTRY_SOAK` says how often it is killed (10 unless told), `TENANTRY_SOAK_SEED` repeats a run.

use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListVolumesOptionsBuilder};
use libtest_mimic::Trial;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tenantry::server::store::{Database, Store};

use crate::common::leftovers::Leftovers;
use crate::common::server::Server;
use crate::support::{Outcome, trial};

/// How often the server is killed in an ordinary run.
const ORDINARY: u64 = 10;
/// How long the server may take to bring everything in order after its start.
const ORDER: Duration = Duration::from_secs(40);
/// Most tenants at a time.
const MOST: usize = 5;

pub fn trials() -> Vec<Trial> {
    vec![trial("soak::a_server_that_is_killed_at_any_moment_loses_and_leaves_nothing", soak)]
}

/// Numbers that a seed repeats (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// What somebody outside knows for certain.
#[derive(Default)]
struct Known {
    /// Tenants that were seen.
    seen: BTreeSet<String>,
    /// Tenants whose removal was asked for, answered or not.
    removed: BTreeSet<String>,
    /// Paths of one-time links, and how often each was answered.
    links: BTreeMap<String, u32>,
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    base: String,
    registry: String,
    token: String,
    known: Arc<Mutex<Known>>,
}

type Answer = Result<(StatusCode, Value), reqwest::Error>;

impl Client {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status();
        let bytes = response.bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().expect("nobody panicked")
    }

    /// Every tenant's record.
    async fn list(&self) -> Result<Vec<Value>, reqwest::Error> {
        let (status, body) = self.call(Method::GET, "/api/v1/tenants", None).await?;
        assert_eq!(status, 200, "{body}");
        Ok(body["data"].as_array().expect("a list").clone())
    }

    async fn buy(&self) -> Result<(), reqwest::Error> {
        let wish = json!({ "price_id": "pri_sbx_basic", "region": "fra" });
        let (_, session) = self.call(Method::POST, "/api/v1/checkout", Some(wish)).await?;
        let Some(url) = session["checkout_url"].as_str() else { return Ok(()) };
        let page = self.http.get(url).send().await?.text().await?;
        let Some(nonce) = page.split("name=\"nonce\" value=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
            return Ok(());
        };
        let form = format!("nonce={nonce}&decision=pay");
        let post = || {
            let post = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
            post.body(form.clone()).send()
        };
        // Twice, as an impatient person does.
        let (first, second) = tokio::join!(post(), post());
        first.and(second).map(drop)
    }

    /// Pushes an image that runs and says `page`; false when the server has no place for it.
    async fn push(&self, id: &str, page: &str) -> Result<bool, reqwest::Error> {
        let (status, token) = self.call(Method::GET, &format!("/api/v1/tenants/{id}/registry-token"), None).await?;
        if !status.is_success() {
            return Ok(false);
        }
        let word = |key: &str| token["data"][key].as_str().unwrap_or_default().to_owned();
        let (password, repository) = (word("token"), word("repository"));
        let layer = layer(page);
        let config = json!({ "architecture": "amd64", "os": "linux",
            "config": { "Entrypoint": ["/app/bin/systemprompt"], "Cmd": ["services", "serve", "--foreground"] },
            "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] } })
        .to_string()
        .into_bytes();
        for blob in [&layer, &config] {
            let url = format!("{}/v2/{repository}/blobs/uploads/?digest={}", self.base, digest(blob));
            let put = self.http.post(url).basic_auth("x", Some(&password)).body(blob.clone()).send().await?;
            if put.status() != 201 {
                return Ok(false);
            }
        }
        let kind = "application/vnd.docker.distribution.manifest.v2+json";
        let manifest = json!({ "schemaVersion": 2, "mediaType": kind,
            "config": { "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": config.len(), "digest": digest(&config) },
            "layers": [{ "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "size": layer.len(), "digest": digest(&layer) }] })
        .to_string();
        let put = self.http.put(format!("{}/v2/{repository}/manifests/{}", self.base, word("tag")));
        let put = put.basic_auth("x", Some(&password)).header("content-type", kind).body(manifest).send().await?;
        Ok(put.status() == 201)
    }

    async fn deploy(&self, id: &str, page: &str) -> Result<(), reqwest::Error> {
        if self.push(id, page).await? {
            let image = format!("{}/systemprompt-images:tenant-{id}", self.registry);
            let path = format!("/api/v1/tenants/{id}/deploy");
            self.call(Method::POST, &path, Some(json!({ "image": image }))).await?;
        }
        Ok(())
    }

    /// Reads the tenant's one-time credentials, if they wait.
    async fn read_credentials(&self, id: &str) -> Result<(), reqwest::Error> {
        let (_, status) = self.call(Method::GET, &format!("/api/v1/tenants/{id}/status"), None).await?;
        if let Some(link) = status["data"]["secrets_url"].as_str() {
            let path = link.trim_start_matches(&self.base).to_owned();
            let (status, _) = self.call(Method::GET, &path, None).await?;
            *self.known().links.entry(path).or_default() += u32::from(status == 200);
        }
        Ok(())
    }

    /// One operation that fits what the tenant is doing.
    async fn operate(&self, choice: u64, tenant: Option<Value>, page: String) -> Result<(), reqwest::Error> {
        let Some(tenant) = tenant else { return self.buy().await };
        let id = tenant["id"].as_str().expect("an id").to_owned();
        let path = |rest: &str| format!("/api/v1/tenants/{id}{rest}");
        let post = |rest: &str| {
            let path = path(rest);
            async move { self.call(Method::POST, &path, None).await }
        };
        let phase = tenant["phase"].as_str().unwrap_or_default();
        match (choice, phase) {
            (0, _) => {
                self.known().removed.insert(id.clone());
                self.call(Method::DELETE, &path(""), None).await.map(drop)
            }
            (1, _) => self.read_credentials(&id).await,
            (_, "failed_infra" | "failed_deploy") if choice.is_multiple_of(2) => {
                post("/retry-provision").await.map(drop)
            }
            (_, "suspended") => post("/activate").await.map(drop),
            (2, "running") => post("/suspend").await.map(drop),
            (3 | 4, "running") => post("/restart").await.map(drop),
            (5, "running") => {
                let memory = if tenant["memory_mb"] == 512 { 256 } else { 512 };
                self.call(Method::PATCH, &path(""), Some(json!({ "memory_mb": memory }))).await.map(drop)
            }
            _ => self.deploy(&id, &page).await,
        }
    }
}

/// An image's one layer: the sample program and a page.
fn layer(page: &str) -> Vec<u8> {
    let program = std::fs::read(crate::sample::program()).expect("the program");
    let mut root = tar::Builder::new(Vec::new());
    let files = [
        ("app/web/index.html", page.as_bytes()),
        ("app/services/services.txt", b"services"),
        ("app/bin/systemprompt", program.as_slice()),
    ];
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        root.append_data(&mut header, name, content).expect("a file");
    }
    root.into_inner().expect("a layer")
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

async fn soak() -> Outcome {
    let number = |name: &str| std::env::var(name).ok().and_then(|raw| raw.parse::<u64>().ok());
    let count = number("TENANTRY_SOAK").unwrap_or(ORDINARY);
    let seed = number("TENANTRY_SOAK_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    eprintln!("soak: killed {count} times, TENANTRY_SOAK_SEED={seed}");
    let mut dice = Dice(seed);
    let start = || Server::start_with(&["--ports", "4600-4699"], &[]);
    let mut server = tokio::task::spawn_blocking(start).await?;
    let docker = Docker::connect_with_defaults()?;
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = Client {
        // Connections of a server that is dead must not be used again.
        http: http.pool_max_idle_per_host(0).timeout(Duration::from_mins(1)).build()?,
        base: server.api_url.clone(),
        registry: server.registry.clone(),
        token: server.token.reveal().to_owned(),
        known: Arc::default(),
    };
    let begun = Instant::now();
    for round in 1..=count {
        let tenants = client.list().await?;
        let mut work = Vec::new();
        for place in 0..2 {
            let choice = dice.below(12);
            let buys = tenants.is_empty() || (tenants.len() < MOST && choice == 11);
            let pick = usize::try_from(dice.below(tenants.len().max(1) as u64))?;
            let tenant = tenants.get(pick).cloned().filter(|_| !buys);
            let choice = if tenants.len() >= MOST && choice == 11 { 0 } else { choice };
            let (client, page) = (client.clone(), format!("round {round} {place}"));
            work.push(tokio::spawn(async move { client.operate(choice, tenant, page).await }));
        }
        tokio::time::sleep(Duration::from_millis(dice.below(1200))).await;
        server = tokio::task::spawn_blocking(move || {
            server.restart();
            server
        })
        .await?;
        for operation in work {
            // Cut off, or done: both are fine.
            let _ = operation.await?;
        }
        check(&client, &server, &docker).await.map_err(|error| format!("round {round}, seed {seed}: {error}"))?;
    }
    eprintln!("soak: {count} times in {:.0} s", begun.elapsed().as_secs_f64());
    let registry = server.registry.clone();
    tokio::task::spawn_blocking(move || drop(server)).await?;
    Leftovers::of_registry(&registry).await.assert_none();
    Ok(())
}

/// Waits until everything is as it has to be, and says what is not when it never is.
async fn check(client: &Client, server: &Server, docker: &Docker) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let wrong = look(client, server, docker).await;
        match wrong {
            Ok(()) => break,
            Err(wrong) if begun.elapsed() > ORDER => return Err(wrong),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    // What was answered once is not answered again.
    let links = client.known().links.clone();
    for (path, times) in links {
        if times > 1 {
            return Err(format!("{path} was answered {times} times"));
        }
        let again = client.call(Method::GET, &path, None).await.map_err(|error| error.to_string())?;
        let answered = u32::from(again.0 == 200);
        if times + answered > 1 {
            return Err(format!("{path} was answered twice"));
        }
        *client.known().links.entry(path).or_default() += answered;
    }
    Ok(())
}

async fn look(client: &Client, server: &Server, docker: &Docker) -> Result<(), String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = client.list().await.map_err(|error| error.to_string())?;
    let mut tenants: HashMap<String, Value> = HashMap::new();
    for tenant in list {
        let (id, phase) = (text(&tenant["id"]), text(&tenant["phase"]));
        if ["created", "provisioning", "deploying", "restarting", "deleting"].contains(&phase.as_str()) {
            return Err(format!("{id} is still {phase}"));
        }
        if tenants.insert(id.clone(), tenant).is_some() {
            return Err(format!("{id} is there twice"));
        }
        client.known().seen.insert(id);
    }
    let missing: Vec<String> = {
        let known = client.known();
        known.seen.difference(&known.removed).filter(|id| !tenants.contains_key(*id)).cloned().collect()
    };
    if !missing.is_empty() {
        return Err(format!("lost: {missing:?}"));
    }
    look_into_store(server, &tenants).await?;
    look_at_engine(server, docker, &tenants).await?;
    let folder = server.data().join("registry/tenants");
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join("tag").exists() && !tenants.contains_key(&name) {
            return Err(format!("the tag of {name} has no owner"));
        }
    }
    for tenant in tenants.values() {
        let address = text(&tenant["direct_url"]).trim_start_matches("http://").to_owned();
        if tokio::net::TcpStream::connect(&address).await.is_err() {
            return Err(format!("nobody listens at {address}"));
        }
    }
    Ok(())
}

/// A tenant's id, session, phase and port.
type Row = (String, String, String, Option<i64>);

/// One tenant per purchase, one port per tenant, and none for who is gone.
async fn look_into_store(server: &Server, tenants: &HashMap<String, Value>) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("the store: {error}");
    let store = Store::open(&Database::File(server.data().join("tenantry.db"))).await.map_err(|e| wrong(&e))?;
    let read = async {
        let mut db = store.read().await.map_err(|e| wrong(&e))?;
        let query = sqlx::query_as("SELECT id, checkout_session_id, phase, port FROM tenants");
        let rows: Result<Vec<Row>, _> = query.fetch_all(&mut *db).await;
        let paid: Result<Vec<String>, _> = sqlx::query_scalar(
            "SELECT id FROM checkout_sessions WHERE status IN ('paid', 'provisioning', 'done') AND tenant_id IS NULL",
        )
        .fetch_all(&mut *db)
        .await;
        Ok::<_, String>((rows.map_err(|e| wrong(&e))?, paid.map_err(|e| wrong(&e))?))
    };
    let read = read.await;
    store.close().await;
    let (rows, paid) = read?;
    if !paid.is_empty() {
        return Err(format!("paid, and no tenant: {paid:?}"));
    }
    let (mut sessions, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for (id, session, phase, port) in rows {
        if !sessions.insert(session.clone()) {
            return Err(format!("two tenants of {session}"));
        }
        let is_gone = phase == "deleted";
        if is_gone == tenants.contains_key(&id) || is_gone != port.is_none() {
            return Err(format!("{id} is {phase} with the port {port:?}"));
        }
        if port.is_some_and(|port| !ports.insert(port)) {
            return Err(format!("two tenants have the port {port:?}"));
        }
    }
    Ok(())
}

/// Every container and volume is its tenant's own.
async fn look_at_engine(server: &Server, docker: &Docker, tenants: &HashMap<String, Value>) -> Result<(), String> {
    let label = format!("dev.tenantry.registry={}", server.registry);
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = docker.list_containers(Some(options)).await.map_err(|error| error.to_string())?;
    for container in containers {
        let (id, owner) = (container.id.unwrap_or_default(), container.labels.unwrap_or_default());
        let owner = owner.get("dev.tenantry.tenant").cloned().unwrap_or_default();
        let machine = tenants.get(&owner).and_then(|tenant| tenant["fly_machine_id"].as_str());
        if machine != Some(id.as_str()) {
            return Err(format!("the container {id} of {owner} is not its machine, which is {machine:?}"));
        }
    }
    let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let volumes = docker.list_volumes(Some(options)).await.map_err(|error| error.to_string())?;
    for volume in volumes.volumes.unwrap_or_default() {
        let owner = volume.labels.get("dev.tenantry.tenant").cloned().unwrap_or_default();
        if !tenants.contains_key(&owner) {
            return Err(format!("the volume {} of {owner} has no owner", volume.name));
        }
    }
    Ok(())
}

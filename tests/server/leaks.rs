//! Secrets stay where they belong: a server in a process of its own, which logs everything it can, is taken through a
//! tenant's life; then everything that it left is searched for every secret that it ever answered.

use crate::store;
use crate::support::{Person, text, within};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tenantry::server::keys::Keys;
use tenantry::server::store::{Database, Store};
use tokio::process::{Child, Command};

pub fn trials() -> Vec<Trial> {
    on_both_stores![secrets_are_nowhere_but_in_their_answers, another_key_opens_nothing]
}

/// What it must not keep or say, and what it is.
type Secrets = Vec<(&'static str, Vec<u8>)>;

struct Program {
    child: Child,
    person: Person,
    log: PathBuf,
    data: PathBuf,
    ready: PathBuf,
}

impl Program {
    async fn start(dir: &Path, environment: &[(&str, String)]) -> Self {
        let (log, data, ready) = (dir.join("log"), dir.join("data"), dir.join("ready.json"));
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .arg("--ready-file")
            .arg(&ready)
            // Nobody's engine: no machine is wanted here.
            .env("DOCKER_HOST", format!("unix://{}", dir.join("no.sock").display()))
            .env("TENANTRY_LOG", "trace")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let said = within("the ready file", async {
            loop {
                if let Ok(json) = std::fs::read(&ready) {
                    return serde_json::from_slice::<Value>(&json).expect("JSON");
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let person = Person::new(text(&said["api_url"]), text(&said["token"]));
        Self { child, person, log, data, ready }
    }

    /// Kills it, so that nothing is tidied up.
    async fn kill(mut self) -> (PathBuf, PathBuf) {
        self.child.kill().await.expect("killed");
        (self.log, self.data)
    }
}

/// The whole life of a tenant's secrets; answers the tenant and all of them.
async fn live(person: &Person) -> (String, Secrets) {
    let mut secrets: Secrets = Vec::new();
    let mut keep = |what, value: &str| {
        assert!(value.len() >= 16, "{what} is long enough to be searched for");
        secrets.push((what, value.as_bytes().to_vec()));
    };
    keep("login token", &person.token);
    let id = person.tenant().await;
    let at = |rest: &str| format!("/api/v1/tenants/{id}{rest}");
    let password = |url: &Value| text(url).split([':', '@']).nth(2).expect("a password").to_owned();
    for round in 0..2 {
        let status = person.get(&at("/status")).await.ok();
        let link = text(&status["data"]["secrets_url"]);
        keep("one-time token", link.rsplit_once('/').expect("a token").1);
        if round == 0 {
            person.get(&at("/credentials/sct_plantedWrongToken")).await.refused(404, Some("secrets_token_invalid"));
        }
        let path = link.strip_prefix(&person.base).expect("its own origin").to_owned();
        let read = person.get(&path).await.ok();
        keep("database password", &password(&read["database_url"]));
        keep("jwt secret", &text(&read["jwt_secret"]));
        let rotated = person.call(Method::POST, &at("/rotate-credentials"), None).await.ok();
        keep("rotated password", &password(&rotated["internal_database_url"]));
    }
    let planted = "planted-sk-3f6c1b8e52d4";
    person.post(&at("/secrets"), json!({ "key": "OPENAI_API_KEY", "value": planted })).await.ok();
    let bulk = json!({ "secrets": { "GITHUB_TOKEN": "planted-gh-3f6c1b8e52d4" } });
    person.call(Method::PUT, &at("/secrets"), Some(bulk)).await;
    let refused = json!({ "key": "lower", "value": "planted-refused-3f6c1b8e" });
    person.post(&at("/secrets"), refused).await.refused(422, Some("key_not_allowed"));
    for value in [planted, "planted-gh-3f6c1b8e52d4", "planted-refused-3f6c1b8e"] {
        keep("user's secret", value);
    }
    let token = person.get(&at("/registry-token")).await.ok()["data"]["token"].clone();
    keep("registry token", &text(&token));
    keep("registry token as it is sent", &STANDARD.encode(format!("x:{}", text(&token))));
    person.push(&id, "one").await;
    person.deploy(&id).await.refused(503, None);
    person.call(Method::PUT, &at("/external-db-access"), Some(json!({ "enabled": true }))).await.ok();
    person.get(&at("/environment")).await.ok();
    person.get("/api/v1/auth/me").await.ok();
    (id, secrets)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a list").flatten() {
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

/// Every row of every table, as text.
async fn rows(url: &str) -> Vec<u8> {
    use sqlx::Connection as _;
    let mut db = sqlx::postgres::PgConnection::connect(url).await.expect("connects");
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut db)
        .await
        .expect("tables");
    let mut all = Vec::new();
    for table in tables {
        let query = format!("SELECT t::text FROM \"{table}\" AS t");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut db).await.expect("rows");
        all.extend(rows.join("\n").into_bytes());
    }
    all
}

async fn secrets_are_nowhere_but_in_their_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let database = store::fresh_database().await;
    let mut environment = Vec::new();
    if let Some(url) = &database {
        environment.push(("TENANTRY_DATABASE_URL", url.reveal().to_owned()));
        let admin = store::with_postgres(crate::postgres::Postgres::admin_url).await;
        environment.push(("TENANTRY_TENANT_POSTGRES", admin));
    }
    let program = Program::start(dir.path(), &environment).await;
    let (id, mut secrets) = live(&program.person).await;
    secrets.push(("administrator's password", b"only-for-tests".to_vec()));
    let keys = Keys::open(&program.data).expect("the keys");
    for (what, key) in [("webhook key", keys.webhook), ("seal key", keys.seal), ("registry key", keys.registry)] {
        secrets.push((what, key.to_vec()));
        secrets.push((what, hex(&key).into_bytes()));
        secrets.push((what, STANDARD.encode(key).into_bytes()));
    }
    // What others on this machine can read of a process.
    let process = program.child.id().expect("it runs");
    let line = std::fs::read(format!("/proc/{process}/cmdline")).expect("a command line");
    assert!(holds(&line, b"serve"));
    let is_private = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).expect("metadata").permissions().mode().trailing_zeros() >= 6
    };
    assert!(is_private(&program.ready));
    let (log, data) = program.kill().await;
    let mut places: Vec<(PathBuf, Vec<u8>)> = vec![("the command line".into(), line)];
    for path in files(&data).into_iter().chain([log.clone()]) {
        if path.extension().is_some_and(|end| end == "key") {
            assert!(is_private(&path), "{}", path.display());
            continue;
        }
        places.push((path.clone(), std::fs::read(&path).expect("read")));
    }
    if let Some(url) = &database {
        places.push(("the database".into(), rows(url.reveal()).await));
    } else {
        assert!(data.join("tenantry.db-wal").exists(), "the file that a crash leaves is searched too");
    }
    // The search finds what is there.
    assert!(places.iter().any(|(_, bytes)| holds(bytes, id.as_bytes())), "the database tells of the tenant");
    let said = places.iter().find(|(path, _)| *path == log).expect("the log");
    assert!(holds(&said.1, b"TRACE"), "everything was logged");
    for (what, secret) in &secrets {
        for (place, bytes) in &places {
            assert!(!holds(bytes, secret), "the {what} is in {}", place.display());
        }
    }
}

async fn another_key_opens_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let database = store::fresh_database().await;
    let environment: Vec<_> = database.iter().map(|url| ("TENANTRY_DATABASE_URL", url.reveal().to_owned())).collect();
    let program = Program::start(dir.path(), &environment).await;
    let id = program.person.tenant().await;
    let (_, data) = program.kill().await;
    std::fs::remove_file(dir.path().join("ready.json")).expect("removed");
    std::fs::remove_file(data.join("seal.key")).expect("removed");
    let program = Program::start(dir.path(), &environment).await;
    for path in ["/status", "/environment"] {
        let refused = program.person.get(&format!("/api/v1/tenants/{id}{path}")).await.refused(500, None);
        assert!(text(&refused["error"]["message"]).contains("cannot be opened with this server's key"), "{refused}");
    }
    let (_, data) = program.kill().await;
    let place = database.map_or(Database::File(data.join("tenantry.db")), Database::Postgres);
    let store = match &place {
        Database::File(_) => Store::open(&place).await.expect("the store"),
        Database::Postgres(url) => Store::open_beside(url).await.expect("the store"),
    };
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM app_secrets WHERE tenant_id = $1")
        .bind(&id)
        .fetch_one(&mut *store.read().await.expect("a reader"))
        .await
        .expect("read");
    store.close().await;
    assert_eq!(count, 2, "what cannot be opened is kept for its key");
}

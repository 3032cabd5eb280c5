//! Logging in with the sandbox's page, and tokens that are made without it.

use crate::store;
use crate::support::{House, MARA, NILS, Person, nonce_of, text, within};
use libtest_mimic::Trial;
use reqwest::header::{HOST, LOCATION};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use tenantry::server::auth::{LoginTokens, Purpose};
use tenantry::server::login::{TokenError, token_of};
use tenantry::server::provider::Provider;
use tenantry::server::provider::fake::FakeProvider;
use tenantry::server::store::{Connection, audit};
use tenantry::server::{ServeError, Settings, serve_with};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        the_sandbox_page_logs_in_whom_the_person_chose,
        a_sign_in_is_answered_once_by_its_own_form_and_in_time,
        the_sandbox_page_makes_accounts_only_where_that_was_asked_for,
        a_login_begins_only_with_a_known_provider_and_a_callback_on_this_machine,
        a_sandbox_is_for_this_machine,
        the_public_key_checks_what_the_server_signs,
        activity_is_a_line_in_the_audit,
        a_token_is_made_beside_the_running_server,
        a_token_is_printed_for_who_can_read_the_key,
        the_ready_file_is_whole_and_for_its_owner_alone,
    ]
}

/// Where the client sends the browser.
pub async fn begin(person: &Person, provider: &str, redirect: &str) -> Url {
    let started = person.get(&start_path(provider, redirect)).await.ok();
    Url::parse(&text(&started["authorize_url"])).expect("a URL")
}

fn start_path(provider: &str, redirect: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("redirect_uri", redirect).finish();
    format!("/api/v1/auth/oauth/{provider}?{query}")
}

pub fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Where an answer sends the browser.
pub fn location(answer: &Response) -> Url {
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    Url::parse(answer.headers()[LOCATION].to_str().expect("text")).expect("a URL")
}

async fn form(person: &Person, page: &Url, fields: &[(&str, &str)]) -> Response {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut url = page.clone();
    url.set_query(None);
    let call = person.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    call.send().await.expect("an answer")
}

async fn page(person: &Person, url: &Url) -> (StatusCode, String) {
    let answer = person.http.get(url.clone()).send().await.expect("a page");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    assert!(answer.headers()["content-security-policy"].to_str().expect("text").contains("default-src 'none'"));
    (answer.status(), answer.text().await.expect("text"))
}

const CALLBACK: &str = "http://127.0.0.1:8765/callback";

async fn the_sandbox_page_logs_in_whom_the_person_chose() {
    let house = House::start().await;
    for provider in ["github", "google"] {
        // The client's own state, in the path and in the query, comes back as it was sent.
        let mine = "http://127.0.0.1:8765/callback/s%2F1?state=a%2Bb+c%20d&x=%C3%A4";
        let url = begin(&house.mara, provider, mine).await;
        assert!(url.as_str().starts_with(&format!("{}/sign-in/{provider}?request=", house.mara.base)));
        let (status, html) = page(&house.mara, &url).await;
        assert_eq!(status, 200);
        for words in ["This is a sandbox", MARA, NILS, "Deny"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("<script") && !html.contains("{{") && !html.contains("type=\"email\" id"));
        let request = param(&url, "request").expect("an id");
        let nonce = nonce_of(&html);
        let fields = [("request", &*request), ("nonce", &*nonce), ("email", NILS)];
        let back = location(&form(&house.mara, &url, &fields).await);
        assert!(back.as_str().starts_with(&format!("{mine}&access_token=")), "{back}");
        let nils = Person::new(house.mara.base.clone(), param(&back, "access_token").expect("a token"));
        assert_eq!(nils.get("/api/v1/auth/me").await.ok()["user"]["email"], NILS);

        let url = begin(&house.mara, provider, CALLBACK).await;
        let nonce = nonce_of(&page(&house.mara, &url).await.1);
        let request = param(&url, "request").expect("an id");
        let fields = [("request", &*request), ("nonce", &*nonce), ("decision", "deny")];
        let back = location(&form(&house.mara, &url, &fields).await);
        assert_eq!(param(&back, "error").as_deref(), Some("access_denied"));
        assert!(param(&back, "error_description").is_some() && param(&back, "access_token").is_none());
    }
}

async fn a_sign_in_is_answered_once_by_its_own_form_and_in_time() {
    let house = House::start().await;
    let mara = &house.mara;
    let url = begin(mara, "github", CALLBACK).await;
    let request = param(&url, "request").expect("an id");
    let nonce = nonce_of(&page(mara, &url).await.1);
    // At rest there is neither the id nor the nonce.
    let store = store::open(&house.settings).await;
    let row: (String, String) = sqlx::query_as("SELECT id_hash, secret FROM sign_ins")
        .fetch_one(&mut *store.read().await.unwrap())
        .await
        .unwrap();
    assert!(row.0 != request && !row.1.contains(&nonce), "{row:?}");

    for (fields, status) in [
        (vec![("nonce", "wrong"), ("email", MARA)], 403),
        (vec![("nonce", &*nonce), ("email", "eve@elsewhere.example")], 422),
        (vec![("nonce", &*nonce), ("decision", "steal")], 400),
        (vec![("nonce", &*nonce)], 400),
        (vec![("email", MARA)], 400),
    ] {
        let fields = [vec![("request", &*request)], fields].concat();
        let answer = form(mara, &url, &fields).await;
        assert_eq!(answer.status(), status, "{fields:?}");
        assert!(answer.headers().get(LOCATION).is_none());
    }
    // The id of one provider's sign-in is nothing at the other's.
    let mut other = url.clone();
    other.set_path("/sign-in/google");
    assert_eq!(page(mara, &other).await.0, 410);

    let good = [("request", &*request), ("nonce", &*nonce), ("email", MARA)];
    let (one, two) = tokio::join!(form(mara, &url, &good), form(mara, &url, &good));
    let mut statuses = [one.status().as_u16(), two.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    assert_eq!(form(mara, &url, &good).await.status(), 410);
    assert_eq!(page(mara, &url).await.0, 410);

    let url = begin(mara, "github", CALLBACK).await;
    let nonce = nonce_of(&page(mara, &url).await.1);
    let request = param(&url, "request").expect("an id");
    run(&store, "UPDATE sign_ins SET expires_at = '2026-01-01T00:00:00.000Z'").await;
    assert_eq!(page(mara, &url).await.0, 410);
    let late = [("request", &*request), ("nonce", &*nonce), ("email", MARA)];
    assert_eq!(form(mara, &url, &late).await.status(), 410);
    // What is over goes when the next one begins.
    begin(mara, "github", CALLBACK).await;
    let mut db = store.read().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sign_ins").fetch_one(&mut *db).await.unwrap();
    assert_eq!(left, 1);
    drop(db);
    store.close().await;
}

pub async fn run(store: &tenantry::server::store::Store, statement: &'static str) {
    let mut tx = store.write().await.expect("a transaction");
    let db: &mut Connection = &mut tx;
    sqlx::query(statement).execute(db).await.expect("done");
    tx.commit().await.expect("committed");
}

async fn the_sandbox_page_makes_accounts_only_where_that_was_asked_for() {
    let house = House::start_with(|settings| settings.login.open_sign_up = true).await;
    let url = begin(&house.mara, "google", CALLBACK).await;
    let html = page(&house.mara, &url).await.1;
    assert!(html.contains("type=\"email\" id"));
    let (request, nonce) = (param(&url, "request").expect("an id"), nonce_of(&html));
    let choose = |email| [("request", request.clone()), ("nonce", nonce.clone()), ("email", email)];
    for bad in ["", "no address", "<b>@x"] {
        let fields = choose(bad.to_owned());
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, &**value)).collect();
        assert_eq!(form(&house.mara, &url, &fields).await.status(), 422, "{bad}");
    }
    let fields = choose("Eve@Elsewhere.example".to_owned());
    let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, &**value)).collect();
    let back = location(&form(&house.mara, &url, &fields).await);
    let eve = Person::new(house.mara.base.clone(), param(&back, "access_token").expect("a token"));
    assert_eq!(eve.get("/api/v1/auth/me").await.ok()["user"]["email"], "eve@elsewhere.example");
}

async fn a_login_begins_only_with_a_known_provider_and_a_callback_on_this_machine() {
    let house = House::start().await;
    for (provider, redirect) in [
        ("gitlab", CALLBACK),
        ("GitHub", CALLBACK),
        ("github", "https://127.0.0.1/"),
        ("github", "http://evil.example/"),
        ("github", "http://127.0.0.1.evil.example/"),
        ("google", "http://user@localhost/"),
        ("google", "javascript:alert(1)"),
        ("google", ""),
    ] {
        house.mara.get(&start_path(provider, redirect)).await.refused(400, None);
    }
    house.mara.get("/api/v1/auth/oauth/github").await.refused(400, None);
    house.mara.get("/api/v1/auth/oauth/%FF?redirect_uri=x").await.refused(400, None);
    house.mara.post("/api/v1/auth/oauth/github", Value::Null).await.refused(405, None);
    let nobody = house.mara.http.get(format!("{}{}", house.mara.base, start_path("github", CALLBACK)));
    assert_eq!(nobody.send().await.expect("an answer").status(), 200);
}

/// A page that believes everybody must not be reached by strangers, nor by a foreign page in this machine's browser.
async fn a_sandbox_is_for_this_machine() {
    let house = House::start().await;
    let rebound = |path: String| {
        let call = house.mara.http.get(format!("{}{path}", house.mara.base)).header(HOST, "evil.example:9400");
        async move { call.send().await.expect("an answer").status() }
    };
    assert_eq!(rebound(start_path("github", CALLBACK)).await, 400);
    assert_eq!(rebound("/sign-in/github?request=x".into()).await, 400);

    let start = |wanted: bool| async move {
        let dir = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::new(dir.path().join("data"));
        settings.listen = "0.0.0.0:0".parse().expect("an address");
        settings.ready_file = Some(dir.path().join("ready.json"));
        settings.database_url = store::fresh_database().await;
        settings.login.sandbox = wanted;
        let (stop, path) = (CancellationToken::new(), settings.ready_file.clone().expect("a path"));
        let machines: Arc<dyn Provider> = Arc::new(FakeProvider::default());
        let serving = Box::pin(serve_with(settings, |_, _| machines, stop.clone()));
        let stopping = async {
            while wanted && !path.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            if wanted {
                stop.cancel();
            }
        };
        within("the end", async { tokio::join!(serving, stopping).0 }).await
    };
    assert!(matches!(start(false).await, Err(ServeError::OpenSignIn)));
    start(true).await.expect("served");
}

async fn the_public_key_checks_what_the_server_signs() {
    let house = House::start().await;
    let answer = house.mara.http.get(format!("{}/.well-known/jwks.json", house.mara.base)).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let keys: Value = answer.json().await.expect("JSON");
    let key = &keys["keys"][0];
    assert_eq!(
        [&key["kty"], &key["crv"], &key["use"], &key["alg"]].map(text),
        ["OKP", "Ed25519", "sig", "EdDSA"].map(String::from)
    );
    assert!(key.get("d").is_none() && keys["keys"].as_array().map(Vec::len) == Some(1));
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.clone()).expect("a key set");
    let header = jsonwebtoken::decode_header(&house.mara.token).expect("a header");
    let found = set.find(&header.kid.expect("a key id")).expect("the key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["tenantry"]);
    let key = jsonwebtoken::DecodingKey::from_jwk(found).expect("a key");
    let claims = jsonwebtoken::decode::<Value>(&house.mara.token, &key, &validation).expect("ours").claims;
    assert_eq!(claims["email"], MARA);
    validation.set_audience(&["another"]);
    assert!(jsonwebtoken::decode::<Value>(&house.mara.token, &key, &validation).is_err());
}

pub fn activity(event: &str, user: &str) -> Value {
    json!({ "event": event, "timestamp": "2026-01-09T09:58:00Z", "data": { "user_id": user } })
}

async fn activity_is_a_line_in_the_audit() {
    let house = House::start().await;
    let mara = &house.mara;
    assert_eq!(mara.post("/api/v1/activity", activity("cloud_login", "an id")).await.status, 204);
    assert_eq!(mara.post("/api/v1/activity", activity("cloud_logout", MARA)).await.status, 204);
    for bad in [
        activity("cloud_party", MARA),
        json!({ "event": "cloud_login", "timestamp": "yesterday", "data": { "user_id": "x" } }),
        json!({ "event": "cloud_login", "timestamp": "2026-01-09T09:58:00Z", "data": {} }),
        json!({}),
        activity("cloud_login", &"x".repeat(9000)),
    ] {
        mara.post("/api/v1/activity", bad).await.refused(400, None);
    }
    let store = store::open(&house.settings).await;
    let mut db = store.read().await.unwrap();
    let query = "SELECT audit.action FROM audit JOIN users ON users.id = audit.user_id WHERE users.email = $1 \
                 ORDER BY audit.at, audit.action";
    let actions: Vec<String> = sqlx::query_scalar(query).bind(MARA).fetch_all(&mut *db).await.unwrap();
    assert_eq!(actions, ["cloud_login", "cloud_logout"]);
    assert!(audit::actions(&mut db, "any").await.unwrap().is_empty());
    drop(db);
    store.close().await;
    // A logout is told, and ends nothing.
    mara.get("/api/v1/auth/me").await.ok();
}

async fn a_token_is_made_beside_the_running_server() {
    let house = House::start().await;
    let (data, database) = (house.data(), house.settings.database());
    let token = token_of(&data, &database, "NILS@harbour.example").await.expect("a token");
    let nils = Person::new(house.mara.base.clone(), token.reveal().to_owned());
    assert_eq!(nils.get("/api/v1/auth/me").await.ok()["user"]["email"], NILS);
    assert!(matches!(token_of(&data, &database, "eve@x").await, Err(TokenError::NoUser(_))));
    // Looking makes nothing, neither keys nor tables.
    let empty = tempfile::tempdir().expect("a directory");
    let elsewhere = tenantry::server::store::Database::File(empty.path().join("tenantry.db"));
    assert!(matches!(token_of(empty.path(), &database, NILS).await, Err(TokenError::NoServer(_))));
    assert!(matches!(token_of(&data, &elsewhere, NILS).await, Err(TokenError::Store(_))));
    assert_eq!(std::fs::read_dir(empty.path()).expect("a list").count(), 0);
}

/// The program itself, beside a server that runs.
async fn a_token_is_printed_for_who_can_read_the_key() {
    let house = House::start().await;
    let print = |email: &'static str, data: std::path::PathBuf| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.args(["serve", "token", "--user", email, "--data"]).arg(data).env_remove("TENANTRY_DATABASE_URL");
        // Where a server gets it from, too.
        if let Some(url) = &house.settings.database_url {
            command.env("TENANTRY_DATABASE_URL", url.reveal());
        }
        async move { within("the program", command.output()).await.expect("it runs") }
    };
    let printed = print(NILS, house.data()).await;
    assert!(printed.status.success(), "{printed:?}");
    let token = String::from_utf8(printed.stdout).expect("text");
    assert_eq!(token.lines().count(), 1);
    let nils = Person::new(house.mara.base.clone(), token.trim().to_owned());
    assert_eq!(nils.get("/api/v1/auth/me").await.ok()["user"]["email"], NILS);
    let nowhere = house.data().join("nowhere");
    for (email, data, words) in [("eve@x", house.data(), "no such user"), (NILS, nowhere.clone(), "no server")] {
        let failed = print(email, data).await;
        assert_eq!((failed.status.code(), failed.stdout.len()), (Some(1), 0), "{failed:?}");
        assert!(String::from_utf8_lossy(&failed.stderr).contains(words), "{failed:?}");
    }
    assert!(!nowhere.exists());
}

async fn the_ready_file_is_whole_and_for_its_owner_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("ready.json");
    // What was there before, readable by everybody, is replaced and not written into.
    std::fs::write(&path, "{\"old\":true}").expect("written");
    let mut settings = Settings::new(dir.path().join("data"));
    settings.users = vec![MARA.into(), NILS.into()];
    settings.ready_file = Some(path.clone());
    settings.database_url = store::fresh_database().await;
    let stop = CancellationToken::new();
    let machines: Arc<dyn Provider> = Arc::new(FakeProvider::default());
    let data = settings.data.clone();
    let serving = tokio::spawn(serve_with(settings, |_, _| machines, stop.clone()));
    let ready = within("the ready file", async {
        loop {
            // At no moment is there half a file.
            let ready: Value = serde_json::from_slice(&std::fs::read(&path).expect("a file")).expect("a whole file");
            if ready.get("old").is_none() {
                return ready;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    })
    .await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
    }
    let members: Vec<&String> = ready.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["api_url", "registry", "token"]);
    let mara = Person::new(text(&ready["api_url"]), text(&ready["token"]));
    assert_eq!(mara.call(Method::GET, "/api/v1/auth/me", None).await.ok()["user"]["email"], MARA);
    let checked = LoginTokens::open(&data).expect("the key").check(&mara.token).expect("a good token");
    assert_eq!(checked.purpose, Purpose::Login);
    stop.cancel();
    within("the end", serving).await.expect("no panic").expect("a clean end");
    assert!(!path.exists());
}

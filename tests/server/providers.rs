//! Logging in with GitHub and Google: against servers that answer as they do, and as they should not.

use crate::login::{begin, location, param, run};
use crate::store;
use crate::support::{House, MARA, NILS, Person, within};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tenantry::model::Secret;
use tenantry::server::{OAuthClient, Settings};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        both_providers_log_in_who_may,
        a_state_is_good_once_for_its_own_provider_and_in_time,
        what_goes_wrong_at_the_provider_is_told_to_the_client,
        an_address_without_verification_opens_nothing,
        an_account_is_opened_by_the_person_and_not_by_the_address,
        an_account_follows_its_owner_to_another_address,
        beside_a_real_provider_there_is_no_sandbox,
    ]
}

const SECRET: &str = "hunter2-client-secret";
const CALLBACK: &str = "http://127.0.0.1:8765/callback?state=mine";

/// How the provider behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    /// The token endpoint answers 500 with a page.
    Broken,
    /// The profile answers 500.
    Forgetful,
    /// No answer at all.
    Silent,
    /// The code is not accepted, GitHub's way: 200 and an error in the body.
    Refusing,
    /// The token endpoint answers something else.
    Odd,
}

#[derive(Debug)]
struct World {
    mood: Mood,
    subject: u64,
    email: String,
    verified: bool,
    /// Of codes that were not used yet: the challenge they were asked for with.
    codes: HashMap<String, String>,
}

#[derive(Clone)]
struct Fake {
    world: Arc<Mutex<World>>,
    url: Url,
    _stop: Arc<DropGuard>,
}

impl Fake {
    async fn start() -> Self {
        let world = World { mood: Mood::Well, subject: 1, email: MARA.into(), verified: true, codes: HashMap::new() };
        let world = Arc::new(Mutex::new(world));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = Url::parse(&format!("http://{}", listener.local_addr().expect("an address"))).expect("a URL");
        let router = Router::new()
            .route("/login/oauth/access_token", post(token))
            .route("/token", post(token))
            .route("/api/v3/user", get(user))
            .route("/api/v3/user/emails", get(emails))
            .route("/v1/userinfo", get(userinfo))
            .with_state(Arc::clone(&world));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            tokio::select! {
                ended = axum::serve(listener, router) => ended.expect("served"),
                () = stopped => {}
            }
        });
        Self { world, url, _stop: Arc::new(stop.drop_guard()) }
    }

    fn set(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().expect("no panic"));
    }

    fn settings(&self, settings: &mut Settings) {
        let api = self.url.join("api/v3").expect("a URL");
        let secret = || Secret::new(SECRET);
        settings.login.github = Some(OAuthClient::github("cl".into(), secret(), &self.url, &api).expect("a client"));
        settings.login.google = Some(OAuthClient::google("cl".into(), secret(), Some(&self.url)).expect("a client"));
        settings.login.allow_domains = vec!["meadow.example".into()];
        settings.login.patience = Duration::from_millis(800);
    }

    async fn house(&self) -> House {
        House::start_with(|settings| self.settings(settings)).await
    }

    /// Somebody consents: the code that the provider sends the browser back with.
    fn consent(&self, authorize: &Url) -> String {
        let challenge = param(authorize, "code_challenge").expect("a challenge");
        assert_eq!(param(authorize, "code_challenge_method").as_deref(), Some("S256"));
        assert_eq!(param(authorize, "client_id").as_deref(), Some("cl"));
        let mut world = self.world.lock().expect("no panic");
        let code = format!("code-{}-{}", world.codes.len(), world.subject);
        world.codes.insert(code.clone(), challenge);
        code
    }
}

async fn token(State(world): State<Arc<Mutex<World>>>, Form(form): Form<HashMap<String, String>>) -> Response {
    let mood = world.lock().expect("no panic").mood;
    match mood {
        Mood::Broken => return (StatusCode::INTERNAL_SERVER_ERROR, "<h1>Oops</h1>").into_response(),
        Mood::Silent => std::future::pending().await,
        Mood::Refusing => return Json(json!({ "error": "bad_verification_code" })).into_response(),
        Mood::Odd => return Json(json!(["gho_token"])).into_response(),
        Mood::Well | Mood::Forgetful => {}
    }
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let challenge = world.lock().expect("no panic").codes.remove(field("code"));
    let answer = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
    let redirect = field("redirect_uri");
    let good = challenge.is_some_and(|challenge| challenge == answer)
        && (field("client_id"), field("client_secret"), field("grant_type")) == ("cl", SECRET, "authorization_code")
        && redirect.starts_with("http://127.0.0.1:")
        && redirect.ends_with("/callback");
    if !good {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    Json(json!({ "access_token": "gho_token", "token_type": "bearer", "scope": "read:user,user:email" }))
        .into_response()
}

/// What the profile endpoints begin with.
fn ask(world: &Mutex<World>, headers: &HeaderMap) -> Result<(u64, String, bool), StatusCode> {
    let world = world.lock().expect("no panic");
    if headers.get("authorization").is_none_or(|value| value != "Bearer gho_token") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if !headers.get("user-agent").is_some_and(|agent| agent.to_str().is_ok_and(|agent| agent.starts_with("tenantry/")))
    {
        return Err(StatusCode::FORBIDDEN);
    }
    if world.mood == Mood::Forgetful {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    Ok((world.subject, world.email.clone(), world.verified))
}

async fn user(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let (subject, ..) = ask(&world, &headers)?;
    Ok(Json(json!({ "id": subject, "login": "mara", "name": "Mara \u{1b}[31mOrchard" })))
}

async fn emails(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let (_, email, verified) = ask(&world, &headers)?;
    // Others that must not count: verified but not primary.
    Ok(Json(json!([
        { "email": NILS, "primary": false, "verified": true },
        { "email": email, "primary": true, "verified": verified },
    ])))
}

async fn userinfo(State(world): State<Arc<Mutex<World>>>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let (subject, email, verified) = ask(&world, &headers)?;
    Ok(Json(json!({ "sub": format!("g{subject}"), "email": email, "email_verified": verified, "name": "Mara" })))
}

/// The browser comes back from the provider.
async fn come_back(person: &Person, provider: &str, query: &[(&str, &str)]) -> reqwest::Response {
    let mut url = Url::parse(&format!("{}/api/v1/auth/oauth/{provider}/callback", person.base)).expect("a URL");
    url.query_pairs_mut().extend_pairs(query);
    within("the way back", person.http.get(url).send()).await.expect("an answer")
}

/// A whole sign-in: where the client's callback is called.
async fn sign_in(house: &House, fake: &Fake, provider: &str) -> Url {
    let authorize = begin(&house.mara, provider, CALLBACK).await;
    let state = param(&authorize, "state").expect("a state");
    let code = fake.consent(&authorize);
    let back = location(&come_back(&house.mara, provider, &[("code", &code), ("state", &state)]).await);
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    back
}

/// Who is logged in now.
async fn me(house: &House, back: &Url) -> Value {
    let token = param(back, "access_token").unwrap_or_else(|| panic!("a token in {back}"));
    Person::new(house.mara.base.clone(), token).get("/api/v1/auth/me").await.ok()["user"].clone()
}

fn error(back: &Url) -> String {
    assert!(param(back, "access_token").is_none(), "{back}");
    let description = param(back, "error_description").expect("a description");
    assert!(!description.is_empty() && !back.as_str().contains(SECRET) && !back.as_str().contains("gho_token"));
    param(back, "error").expect("an error")
}

async fn both_providers_log_in_who_may() {
    let fake = Fake::start().await;
    let house = fake.house().await;
    let authorize = begin(&house.mara, "github", CALLBACK).await;
    assert!(authorize.as_str().starts_with(&format!("{}login/oauth/authorize?", fake.url)), "{authorize}");
    assert_eq!(param(&authorize, "scope").as_deref(), Some("read:user user:email"));
    let expected = format!("{}/api/v1/auth/oauth/github/callback", house.mara.base);
    assert_eq!(param(&authorize, "redirect_uri"), Some(expected));
    assert!(!authorize.as_str().contains(SECRET));
    // An account that the operator named.
    let mara = me(&house, &sign_in(&house, &fake, "github").await).await;
    assert_eq!((&mara["email"], &mara["name"]), (&json!(MARA), &json!("Mara Orchard")));
    assert_eq!(me(&house, &sign_in(&house, &fake, "github").await).await["id"], mara["id"]);
    // Somebody new from a domain that may, at the other provider.
    fake.set(|world| (world.subject, world.email) = (2, "New@Meadow.example".into()));
    let new = me(&house, &sign_in(&house, &fake, "google").await).await;
    assert_eq!(new["email"], "new@meadow.example");
    assert_eq!(me(&house, &sign_in(&house, &fake, "google").await).await["id"], new["id"]);
    // Somebody who may not: no account is made.
    fake.set(|world| (world.subject, world.email) = (3, "eve@elsewhere.example".into()));
    assert_eq!(error(&sign_in(&house, &fake, "github").await), "access_denied");
    let store = store::open(&house.settings).await;
    let mut db = store.read().await.unwrap();
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&mut *db).await.unwrap();
    assert_eq!(users, 3);
    drop(db);
    store.close().await;
}

async fn a_state_is_good_once_for_its_own_provider_and_in_time() {
    let fake = Fake::start().await;
    let house = fake.house().await;
    let authorize = begin(&house.mara, "github", CALLBACK).await;
    let (state, code) = (param(&authorize, "state").expect("a state"), fake.consent(&authorize));
    for (provider, query) in [
        ("github", vec![]),
        ("github", vec![("code", &*code)]),
        ("github", vec![("code", &*code), ("state", "wrong")]),
        ("github", vec![("code", &*code), ("state", &*state), ("state", &*state)]),
        ("google", vec![("code", &*code), ("state", &*state)]),
    ] {
        let answer = come_back(&house.mara, provider, &query).await;
        assert_eq!(answer.status(), 400, "{query:?}");
        assert!(answer.headers().get("location").is_none());
    }
    let good = [("code", &*code), ("state", &*state)];
    let (one, two) = tokio::join!(come_back(&house.mara, "github", &good), come_back(&house.mara, "github", &good));
    let mut statuses = [one.status().as_u16(), two.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400]);
    assert_eq!(come_back(&house.mara, "github", &good).await.status(), 400);

    // A code of before with a new state: the provider knows that it was used, and for which verifier.
    let again = begin(&house.mara, "github", CALLBACK).await;
    let replayed = [("code", &*code), ("state", &*param(&again, "state").expect("a state"))];
    assert_eq!(error(&location(&come_back(&house.mara, "github", &replayed).await)), "server_error");
    // Somebody else's code with one's own state: the verifier is another.
    let (theirs, mine) = (begin(&house.mara, "github", CALLBACK).await, begin(&house.mara, "github", CALLBACK).await);
    let stolen = [("code", &*fake.consent(&theirs)), ("state", &*param(&mine, "state").expect("a state"))];
    assert_eq!(error(&location(&come_back(&house.mara, "github", &stolen).await)), "server_error");

    let late = begin(&house.mara, "github", CALLBACK).await;
    let store = store::open(&house.settings).await;
    run(&store, "UPDATE sign_ins SET expires_at = '2026-01-01T00:00:00.000Z'").await;
    store.close().await;
    let late = [("code", &*fake.consent(&late)), ("state", &*param(&late, "state").expect("a state"))];
    assert_eq!(come_back(&house.mara, "github", &late).await.status(), 400);
}

async fn what_goes_wrong_at_the_provider_is_told_to_the_client() {
    let fake = Fake::start().await;
    let house = fake.house().await;
    for (mood, word) in [
        (Mood::Broken, "temporarily_unavailable"),
        (Mood::Forgetful, "temporarily_unavailable"),
        (Mood::Silent, "temporarily_unavailable"),
        (Mood::Odd, "temporarily_unavailable"),
        (Mood::Refusing, "server_error"),
    ] {
        fake.set(|world| world.mood = mood);
        for provider in ["github", "google"] {
            assert_eq!(error(&sign_in(&house, &fake, provider).await), word, "{mood:?} {provider}");
        }
    }
    fake.set(|world| world.mood = Mood::Well);
    for (said, told) in [("access_denied", "access_denied"), ("<script>", "server_error")] {
        let authorize = begin(&house.mara, "google", CALLBACK).await;
        let state = param(&authorize, "state").expect("a state");
        let words = "no \u{1b}]0;x\u{7}thanks";
        let query = [("error", said), ("error_description", words), ("state", &*state)];
        let back = location(&come_back(&house.mara, "google", &query).await);
        assert_eq!(error(&back), told);
        assert_eq!(param(&back, "error_description").as_deref(), Some("no thanks"));
        // And it is over.
        assert_eq!(come_back(&house.mara, "google", &query).await.status(), 400);
    }
    let authorize = begin(&house.mara, "google", CALLBACK).await;
    let state = param(&authorize, "state").expect("a state");
    let back = location(&come_back(&house.mara, "google", &[("state", &*state)]).await);
    assert_eq!(error(&back), "server_error");
}

async fn an_address_without_verification_opens_nothing() {
    let fake = Fake::start().await;
    let house = fake.house().await;
    for (email, verified) in [(MARA, false), ("no address", true), ("", true), ("a\u{1b}@meadow.example", true)] {
        fake.set(|world| (world.email, world.verified) = (email.into(), verified));
        for provider in ["github", "google"] {
            assert_eq!(error(&sign_in(&house, &fake, provider).await), "access_denied", "{email} {provider}");
        }
    }
}

async fn an_account_is_opened_by_the_person_and_not_by_the_address() {
    let fake = Fake::start().await;
    let house = fake.house().await;
    let mara = me(&house, &sign_in(&house, &fake, "github").await).await;
    // Somebody else at the same provider who has the address now.
    fake.set(|world| world.subject = 2);
    assert_eq!(error(&sign_in(&house, &fake, "github").await), "access_denied");
    // And another provider's word about the same address.
    assert_eq!(error(&sign_in(&house, &fake, "google").await), "access_denied");
    fake.set(|world| world.subject = 1);
    assert_eq!(me(&house, &sign_in(&house, &fake, "github").await).await["id"], mara["id"]);
}

async fn an_account_follows_its_owner_to_another_address() {
    let fake = Fake::start().await;
    let house = fake.house().await;
    let before = me(&house, &sign_in(&house, &fake, "github").await).await;
    fake.set(|world| world.email = "mara@meadow.example".into());
    let after = me(&house, &sign_in(&house, &fake, "github").await).await;
    assert_eq!((&after["id"], &after["email"]), (&before["id"], &json!("mara@meadow.example")));
    // To one that may not log in: refused, and nothing changes.
    fake.set(|world| world.email = "mara@elsewhere.example".into());
    assert_eq!(error(&sign_in(&house, &fake, "github").await), "access_denied");
    // To one that another account has: the account keeps what it had, and the other stays the other's.
    fake.set(|world| world.email = NILS.into());
    let kept = me(&house, &sign_in(&house, &fake, "github").await).await;
    assert_eq!((&kept["id"], &kept["email"]), (&before["id"], &json!("mara@meadow.example")));
    let nils = house.person(NILS, 60).await.get("/api/v1/auth/me").await.ok();
    assert_ne!(nils["user"]["id"], before["id"]);
}

async fn beside_a_real_provider_there_is_no_sandbox() {
    let fake = Fake::start().await;
    let only_github = |settings: &mut Settings| {
        fake.settings(settings);
        settings.login.google = None;
    };
    let house = House::start_with(only_github).await;
    let start = "/api/v1/auth/oauth/google?redirect_uri=http://127.0.0.1:8765/";
    house.mara.get(start).await.refused(400, None);
    for provider in ["github", "google"] {
        let page = format!("{}/sign-in/{provider}?request=x", house.mara.base);
        assert_eq!(house.mara.http.get(page).send().await.expect("an answer").status(), 404);
    }
    assert_eq!(come_back(&house.mara, "google", &[("state", "x"), ("code", "y")]).await.status(), 404);
    me(&house, &sign_in(&house, &fake, "github").await).await;
}

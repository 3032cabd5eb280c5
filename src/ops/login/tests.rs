//! The flow against a server that answers as the API does, with a keyring in memory and a browser that is an HTTP client;
//! and where a login is found, kept and forgotten.

use serde_json::json;
use tempfile::TempDir;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::seat::{API_VARIABLE, TOKEN_VARIABLE};
use super::*;
use crate::api::BaseUrl;
use crate::keyring::{Key, Keyring, Memory};
use crate::ops::Session;
use crate::settings::{Config, LastTenants, Whose, parse};
use crate::workspace::{Credentials, Project, StateDirectory};

const TOKEN: &str = "hunter2.token.value";

/// A project, a state directory, a keyring, and an API that knows one token.
struct World {
    folder: TempDir,
    server: MockServer,
    keyring: Keyring,
    config: Config,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("project/.systemprompt")).expect("made");
        let server = MockServer::start().await;
        let me = json!({"user": {"id": "u1", "email": "mara@orchard.example"}, "tenants": []});
        let known = Mock::given(method("GET")).and(path("/api/v1/auth/me"));
        known
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .respond_with(ResponseTemplate::new(200).set_body_json(me))
            .mount(&server)
            .await;
        let unknown = Mock::given(method("GET")).and(path("/api/v1/auth/me"));
        unknown.respond_with(ResponseTemplate::new(401)).with_priority(9).mount(&server).await;
        Mock::given(path("/api/v1/activity")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
        let text =
            format!("[context.here]\napi = \"{}\"\n[context.there]\napi = \"https://h.example\"\n", server.uri());
        let (config, mistakes) = parse(&text);
        assert_eq!(mistakes, []);
        Self { folder, server, keyring: Keyring::Memory(Memory::default()), config }
    }

    fn project(&self) -> Project {
        Project { root: self.folder.path().join("project") }
    }

    fn around(&self) -> Surroundings {
        Surroundings {
            project: Some(self.project()),
            state: Some(StateDirectory::at(self.folder.path().join("state"))),
            keyring: self.keyring.clone(),
            token: None,
            api: None,
        }
    }

    fn base(&self) -> BaseUrl {
        BaseUrl::parse(&self.server.uri()).expect("a base")
    }

    /// The seat of somebody who names the API.
    fn seat(&self) -> Seat {
        self.seat_of(Wanted { base: Some(self.base()), context: None })
    }

    fn seat_of(&self, wanted: Wanted) -> Seat {
        Seat::choose(&self.config, self.around(), wanted).expect("a seat")
    }

    fn context(&self, name: &str) -> Seat {
        self.seat_of(Wanted { context: Some(name.to_owned()), base: None })
    }

    async fn log_in(&self, seat: &Seat, store: Option<Store>) -> Result<LoggedIn, Failed> {
        let (sender, _news) = mpsc::channel(8);
        log_in(seat, How::Token(Secret::new(TOKEN)), store, &sender).await
    }

    fn write_file(&self, token: &str, api: &str) {
        let stored = json!({"api_token": token, "api_url": api, "user_email": "mara@orchard.example"});
        std::fs::write(Credentials::path(&self.project()), stored.to_string()).expect("written");
    }

    fn logged_in_by(found: Option<Found>) -> Option<(String, Kept)> {
        found.map(|found| (found.token.reveal().to_owned(), found.kept))
    }
}

#[tokio::test]
async fn a_token_is_kept_once_the_server_knows_it_and_found_again() {
    let world = World::new().await;
    let logged_in = world.log_in(&world.seat(), None).await.expect("logged in");
    assert_eq!((logged_in.me.user.email.as_str(), &logged_in.kept), ("mara@orchard.example", &Kept::Keyring));
    assert!(!Credentials::path(&world.project()).exists(), "nothing goes into a file unasked");
    // Nobody names the API any more: the project knows it.
    let seat = world.seat_of(Wanted::default());
    assert_eq!(seat.base(), &world.base());
    assert_eq!(World::logged_in_by(seat.find().await.expect("found")), Some((TOKEN.to_owned(), Kept::Keyring)));
    let listed = std::fs::read_to_string(world.folder.path().join("state/logins.json")).expect("remembered");
    assert!(listed.contains("mara@orchard.example") && !listed.contains("hunter2"), "{listed}");
    let told = world.server.received_requests().await.expect("recorded");
    assert!(told.iter().any(|request| String::from_utf8_lossy(&request.body).contains("\"user_id\":\"u1\"")));

    let was = world.seat_of(Wanted::default()).log_out().await.expect("logged out");
    assert_eq!(was.was, Some(Kept::Keyring));
    assert!(world.seat().find().await.expect("looked").is_none());
    let key = Key { api: world.base().to_string(), context: None };
    assert_eq!(world.keyring.read(&key).await, Ok(None));
    assert_eq!(world.seat().log_out().await.expect("nobody").was, None);
}

#[tokio::test]
async fn a_token_that_the_server_does_not_know_is_kept_nowhere() {
    let world = World::new().await;
    let (sender, _news) = mpsc::channel(8);
    let how = How::Token(Secret::new("hunter3"));
    let failed = log_in(&world.seat(), how, None, &sender).await.expect_err("unknown");
    assert!(failed.problem.requires_login && !failed.no_keyring);
    assert!(!format!("{failed:?}").contains("hunter3"));
    assert!(world.seat().find().await.expect("looked").is_none());
}

#[tokio::test]
async fn the_platforms_own_file_is_used_where_it_is_there_and_nowhere_else_unasked() {
    let world = World::new().await;
    world.write_file("old", &world.server.uri());
    let path = Credentials::path(&world.project());
    let logged_in = world.log_in(&world.seat(), None).await.expect("logged in");
    assert_eq!(logged_in.kept, Kept::File(path.clone()));
    let seat = world.seat_of(Wanted::default());
    assert_eq!(
        World::logged_in_by(seat.find().await.expect("found")),
        Some((TOKEN.to_owned(), Kept::File(path.clone())))
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
    // One for another API is not touched.
    world.write_file("other", "https://h.example");
    let logged_in = world.log_in(&world.seat(), None).await.expect("logged in");
    assert_eq!(logged_in.kept, Kept::Keyring);
    assert!(std::fs::read_to_string(&path).expect("there").contains("other"));
}

#[tokio::test]
async fn another_apis_file_is_neither_used_nor_removed() {
    let world = World::new().await;
    let path = Credentials::path(&world.project());
    world.log_in(&world.seat(), Some(Store::Keyring)).await.expect("logged in");
    world.write_file("other", "https://h.example");
    // The keyring has lost it, or is locked: what the project used was this API, and the file is about another one.
    let key = Key { api: world.base().to_string(), context: None };
    world.keyring.remove(&key).await.expect("removed");
    assert!(world.seat_of(Wanted::default()).find().await.expect("looked").is_none());
    world.seat_of(Wanted::default()).log_out().await.expect("logged out");
    assert!(std::fs::read_to_string(&path).expect("it is still there").contains("other"));
    // Once nothing else is remembered it is the project's own login again.
    let seat = world.seat_of(Wanted::default());
    assert_eq!(World::logged_in_by(seat.find().await.expect("found")), Some(("other".to_owned(), Kept::File(path))));
}

#[test]
fn no_token_is_seen_where_the_surroundings_are_printed() {
    let around =
        Surroundings { project: None, state: None, keyring: Keyring::Off, token: Some(TOKEN.to_owned()), api: None };
    assert!(!format!("{around:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_login_in_a_file_is_not_outweighed_by_an_older_one_in_the_keyring() {
    let world = World::new().await;
    world.log_in(&world.seat(), Some(Store::Keyring)).await.expect("logged in");
    world.log_in(&world.seat(), Some(Store::File)).await.expect("logged in");
    let found = world.seat_of(Wanted::default()).find().await.expect("found").expect("a login");
    assert!(matches!(found.kept, Kept::File(_)));
    assert_eq!(found.user_id.as_deref(), Some("u1"));
    // The keyring's is other projects'; neither this login nor its end takes it from them.
    let elsewhere = || Surroundings { project: None, ..world.around() };
    let other = || Seat::choose(&world.config, elsewhere(), Wanted { base: Some(world.base()), context: None });
    let kept_elsewhere = async || other().expect("a seat").find().await.expect("found").map(|found| found.kept);
    assert_eq!(kept_elsewhere().await, Some(Kept::Keyring));
    let was = world.seat_of(Wanted::default()).log_out().await.expect("logged out");
    assert_eq!(was.was, Some(Kept::File(Credentials::path(&world.project()))));
    assert!(!Credentials::path(&world.project()).exists());
    assert_eq!(kept_elsewhere().await, Some(Kept::Keyring));
    // Without a file of its own the project is like every other.
    world.seat().log_out().await.expect("logged out");
    assert_eq!(kept_elsewhere().await, None);
}

#[tokio::test]
async fn a_damaged_file_is_no_reason_to_take_the_keyrings_login_from_other_projects() {
    let world = World::new().await;
    world.log_in(&world.seat(), Some(Store::Keyring)).await.expect("logged in");
    world.log_in(&world.seat(), Some(Store::File)).await.expect("logged in");
    let path = Credentials::path(&world.project());
    std::fs::write(&path, "{").expect("written");
    let before = world.server.received_requests().await.expect("recorded").len();
    let out = world.seat_of(Wanted::default()).log_out().await.expect("logged out");
    assert_eq!(out.was, None, "nobody knows whose it was");
    assert!(out.aside.is_some_and(|aside| aside.ends_with("credentials.json.bak")) && !path.exists());
    assert_eq!(
        world.server.received_requests().await.expect("recorded").len(),
        before,
        "nobody is told of another login"
    );
    let found = world.seat().find().await.expect("found").map(|found| found.kept);
    assert_eq!(found, Some(Kept::Keyring), "it is there, and another logout ends it");
    assert_eq!(world.seat().log_out().await.expect("logged out").was, Some(Kept::Keyring));
    assert!(world.seat().find().await.expect("looked").is_none());
}

#[tokio::test]
async fn a_damaged_file_of_somebody_else_stays_where_it_is() {
    let world = World::new().await;
    std::fs::create_dir_all(world.project().directory()).expect("made");
    let path = Credentials::path(&world.project());
    std::fs::write(&path, "{").expect("written");
    // Another API is named.
    assert_eq!(world.seat().log_out().await.expect("logged out").aside, None);
    assert!(path.exists());
}

#[tokio::test]
async fn a_session_takes_no_login_of_another_api_for_a_newer_one() {
    let world = World::new().await;
    world.write_file(TOKEN, &world.server.uri());
    let session = Session::at(world.seat_of(Wanted::default()), world.project()).await.expect("a session");
    world.write_file("other-apis-token", "https://api.other.example");
    let over = ResponseTemplate::new(401);
    Mock::given(method("GET")).and(path("/api/v1/tenants")).respond_with(over).mount(&world.server).await;
    assert!(session.client().tenants().await.is_err());
    for request in world.server.received_requests().await.expect("recorded") {
        let sent = format!("{:?}", request.headers);
        assert!(!sent.contains("other-apis-token"), "{sent}");
    }
}

#[tokio::test]
async fn a_login_brings_the_projects_list_of_tenants_up_to_date() {
    let world = World::new().await;
    let list = json!({"data": [{"id": "3f6c", "name": "orchard", "region": "fra"}]});
    let tenants = Mock::given(method("GET")).and(path("/api/v1/tenants"));
    tenants.respond_with(ResponseTemplate::new(200).set_body_json(list)).mount(&world.server).await;
    world.log_in(&world.seat(), None).await.expect("logged in");
    let file = world.project().directory().join("tenants.json");
    let listed: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).expect("written")).expect("JSON");
    assert_eq!(
        (&listed["tenants"][0]["name"], &listed["tenants"][0]["tenant_type"]),
        (&json!("orchard"), &json!("cloud"))
    );
    // What cannot be understood is not written over, and nobody is kept out by it.
    std::fs::write(&file, "{").expect("written");
    world.log_in(&world.seat(), None).await.expect("logged in");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "{");
}

#[tokio::test]
async fn a_list_of_the_last_time_goes_with_the_login() {
    let world = World::new().await;
    world.log_in(&world.seat(), None).await.expect("logged in");
    let state = world.around().state.expect("a state directory");
    let whose = Whose { api: world.base().to_string(), account: "u1".to_owned() };
    LastTenants::new(Timestamp::now(), Vec::new()).save(&state, &whose).expect("kept");
    world.seat().log_out().await.expect("logged out");
    assert_eq!(LastTenants::load(&state, &whose), None);
}

#[tokio::test]
async fn without_a_keyring_nothing_is_kept_but_where_somebody_says_so() {
    let mut world = World::new().await;
    world.keyring = Keyring::Off;
    let failed = world.log_in(&world.seat(), None).await.expect_err("no keyring");
    assert!(failed.no_keyring && !Credentials::path(&world.project()).exists());
    world.log_in(&world.seat(), Some(Store::File)).await.expect("asked for");
    assert!(world.seat().find().await.expect("found").is_some());
}

#[tokio::test]
async fn contexts_have_accounts_of_their_own() {
    let world = World::new().await;
    world.log_in(&world.seat(), None).await.expect("logged in");
    // One that serves every context of this API.
    assert!(world.context("here").find().await.expect("found").is_some());
    assert!(world.context("there").find().await.expect("looked").is_none());
    let key = Key { api: world.base().to_string(), context: Some("here".to_owned()) };
    world.log_in(&world.context("here"), None).await.expect("logged in");
    assert!(world.keyring.read(&key).await.expect("read").is_some());
    world.context("here").log_out().await.expect("logged out");
    assert!(world.keyring.read(&key).await.expect("read").is_none());
    assert!(world.seat().find().await.expect("found").is_some(), "the other one stays");
    let error = Seat::choose(&world.config, world.around(), Wanted { context: Some("x".into()), base: None });
    assert!(error.expect_err("unknown").detail.is_some_and(|detail| detail.contains("here, there")));
}

/// A file of certificates, or a proxy, is for what is elsewhere.
#[tokio::test]
async fn what_is_wrong_with_the_way_outside_does_not_lock_out_of_this_machine() {
    let world = World::new().await;
    let of = |base: &str| Wanted { base: Some(BaseUrl::parse(base).expect("a base")), context: None };
    for (wrong, words) in [("ca_file = \"/nowhere/ca.pem\"", "/nowhere/ca.pem"), ("proxy = 3128", "proxy")] {
        let (config, _) = parse(&format!("[network]\n{wrong}\n"));
        let seat = Seat::choose(&config, world.around(), of(&world.server.uri())).expect(wrong);
        world.log_in(&seat, None).await.expect("logged in");
        seat.log_out().await.expect("logged out");
        let problem = Seat::choose(&config, world.around(), of("https://h.example")).expect_err(wrong);
        assert!(problem.detail.is_some_and(|detail| detail.contains(words)), "{wrong}");
    }
    // The other tests go no way of their own.
    world.seat();
}

#[tokio::test]
async fn the_environments_token_goes_first_and_to_its_own_api_alone() {
    let world = World::new().await;
    world.log_in(&world.seat(), None).await.expect("logged in");
    let choose = |token: &str, api: Option<String>, context: Option<&str>| {
        let around = Surroundings { token: Some(token.to_owned()), api, ..world.around() };
        Seat::choose(&world.config, around, Wanted { context: context.map(str::to_owned), base: None })
    };
    let seat = choose("from.the.variable", Some(world.server.uri()), None).expect("a seat");
    let found = World::logged_in_by(seat.find().await.expect("found"));
    assert_eq!(found, Some(("from.the.variable".to_owned(), Kept::Variable)));
    assert!(seat.can_log_in().is_err_and(|problem| problem.title.contains(TOKEN_VARIABLE)));
    // Without an address it is for production, whatever the project is used with.
    let seat = choose("from.the.variable", None, None).expect("a seat");
    assert_eq!(seat.base().to_string(), crate::workspace::credentials::PRODUCTION);
    let seat = choose("from.the.variable", None, Some("here")).expect("a seat");
    assert_eq!(World::logged_in_by(seat.find().await.expect("found")), Some((TOKEN.to_owned(), Kept::Keyring)));
    let error = choose("two words", None, None).expect_err("no token");
    assert!(!error.to_string().contains("two words"));
    let error = choose(TOKEN, Some("http://h.example".to_owned()), None).expect_err("no place for a token");
    assert!(!format!("{error}").contains(TOKEN), "{API_VARIABLE}");
}

/// A file in a project's folder may be anybody's: it must not send the keyring's or the environment's token elsewhere.
#[tokio::test]
async fn a_file_of_a_foreign_project_gets_nobodys_token() {
    let world = World::new().await;
    world.log_in(&world.seat(), None).await.expect("logged in");
    let foreign = Project { root: world.folder.path().join("foreign") };
    std::fs::create_dir_all(foreign.directory()).expect("made");
    let stored = json!({"api_token": "bait", "api_url": "https://evil.example", "user_email": "e@evil.example"});
    std::fs::write(Credentials::path(&foreign), stored.to_string()).expect("written");
    for token in [None, Some(TOKEN.to_owned())] {
        let around = Surroundings { project: Some(foreign.clone()), token: token.clone(), ..world.around() };
        let seat = Seat::choose(&Config::default(), around, Wanted::default()).expect("a seat");
        let found = seat.find().await.expect("found").expect("a login");
        let evil = found.base.to_string().contains("evil");
        assert!(!evil || found.token.reveal() == "bait", "{token:?}");
    }
}

/// The browser: asks for the page that it is sent to, and comes back with what `query` says.
async fn browse(redirect_uri: &str, query: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.get(format!("{redirect_uri}?{query}")).send().await.expect("an answer").status().as_u16()
}

/// Mounts the start of a login; the address that it names holds the way back.
async fn mount_start(world: &World) {
    let start = Mock::given(method("GET")).and(path("/api/v1/auth/oauth/github"));
    let answer = |request: &Request| {
        let back = request.url.query_pairs().find(|(name, _)| name == "redirect_uri").expect("a way back").1;
        ResponseTemplate::new(200)
            .set_body_json(json!({"authorize_url": format!("https://sign-in.example/?back={back}")}))
    };
    start.respond_with(answer).mount(&world.server).await;
}

async fn from_page(world: &World, limit: Duration, query: Option<&str>) -> (Result<Secret, Problem>, Vec<News>) {
    let (sender, mut news) = mpsc::channel(8);
    let seat = world.seat();
    let signing_in = async {
        let sender = sender;
        from_browser(&seat, Provider::GitHub, false, limit, &sender).await
    };
    let browsing = async {
        let mut heard = Vec::new();
        while let Some(word) = news.recv().await {
            if let (News::Address(url), Some(query)) = (&word, query) {
                let back = url.split("back=").nth(1).expect("the way back").to_owned();
                assert_eq!(browse(&back.replace("/callback/", "/callback/x"), "access_token=evil").await, 400);
                browse(&back, query).await;
            }
            heard.push(word);
        }
        heard
    };
    tokio::join!(signing_in, browsing)
}

#[tokio::test]
async fn the_browser_brings_the_token_and_nobody_else_does() {
    let world = World::new().await;
    mount_start(&world).await;
    let (token, news) = from_page(&world, LIMIT, Some(&format!("access_token={TOKEN}"))).await;
    assert_eq!(token, Ok(Secret::new(TOKEN)));
    assert!(matches!(news.as_slice(), [News::Address(url)] if url.starts_with("https://sign-in.example/")));
    let (refused, _) = from_page(&world, LIMIT, Some("error=access_denied")).await;
    assert_eq!(refused.expect_err("refused").title, "The sign-in was refused.");
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let world = World::new().await;
    mount_start(&world).await;
    let (late, _) = from_page(&world, Duration::from_millis(10), None).await;
    assert_eq!(late.expect_err("too late").title, "The browser did not come back.");
}

#[tokio::test]
async fn a_server_that_sends_the_browser_to_an_odd_place_is_not_believed() {
    for odd in ["http://h.example/", "javascript:alert(1)", "file:///etc/passwd", "", "/relative"] {
        let world = World::new().await;
        let start = Mock::given(method("GET")).and(path("/api/v1/auth/oauth/github"));
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "authorize_url": odd }));
        start.respond_with(answer).mount(&world.server).await;
        let (refused, news) = from_page(&world, LIMIT, None).await;
        assert!(refused.is_err() && news.is_empty(), "{odd}");
    }
}

#[tokio::test]
async fn who_is_logged_in_is_the_servers_word() {
    let world = World::new().await;
    let nobody = who::who(&world.seat()).await.expect_err("nobody");
    assert!(nobody.requires_login);
    world.log_in(&world.seat(), None).await.expect("logged in");
    world.log_in(&world.context("here"), None).await.expect("logged in");
    let who = who::who(&world.context("here")).await.expect("somebody");
    assert_eq!((who.me.user.id.as_str(), who.context.as_deref(), who.others.len()), ("u1", Some("here"), 1));
    assert_eq!(who.validity, Validity::Unknown);
    assert!(!format!("{who:?}").contains("hunter2"));
}

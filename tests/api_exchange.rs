//! Token exchange of the client (protocol A.2, B.4): against a server that wants another token for a tenant than for
//! everything else, and against one that wants a new login.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tenantry::api::{ApiError, BaseUrl, Client, FeedItem, Pace};
use tenantry::model::{ImageReference, Secret, TenantId};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const LOGIN: &str = "hunter2.login.value";
const STATUS: &str = "/api/v1/tenants/3f6c1b8e/status";
const TOKEN: &str = "/api/v1/core/oauth/token";
const ME: &str = "/api/v1/auth/me";

/// What the server does, and what it saw: `METHOD path token`, in order.
struct World {
    server: MockServer,
    rules: Arc<Mutex<Rules>>,
}

struct Rules {
    /// The login that is good.
    login: String,
    /// What its exchange is answered with, for the n-th time from 1.
    exchange: fn(usize) -> ResponseTemplate,
    /// What opens tenants.
    opens: fn(&str) -> bool,
    /// How a tenant's call is answered that was let in.
    answer: fn(&Request, &str) -> ResponseTemplate,
    seen: Vec<String>,
    exchanges: usize,
}

fn token(number: usize) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .set_body_json(json!({"access_token": format!("hunter2-short-{number}"), "expires_in": 300}))
}

fn status(_: &Request, _: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"data": {"status": "ready"}}))
}

fn unauthorized() -> ResponseTemplate {
    ResponseTemplate::new(401).set_body_json(json!({"error": {"code": "unauthorized", "message": "no"}}))
}

impl Rules {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let carried = request.headers.get("authorization").map(|value| value.to_str().expect("text").to_owned());
        let carried = carried.as_deref().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let path = request.url.path();
        self.seen.push(format!("{} {path} {carried}", request.method));
        match path {
            TOKEN => {
                self.exchanges += 1;
                let fields: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
                let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
                assert_eq!(field("grant_type"), Some("urn:ietf:params:oauth:grant-type:token-exchange"));
                assert_eq!(field("subject_token_type"), Some("urn:ietf:params:oauth:token-type:access_token"));
                assert_eq!(field("client_id"), Some("sp_web"));
                assert!(field("resource").is_some_and(|base| base.starts_with("http://127.0.0.1:")));
                if field("subject_token") == Some(&self.login) {
                    (self.exchange)(self.exchanges)
                } else {
                    unauthorized()
                }
            }
            _ if !path.starts_with("/api/v1/tenants/") && carried == self.login => {
                ResponseTemplate::new(200).set_body_json(json!({"user": {"id": "u", "email": "mara@orchard.example"}}))
            }
            _ if path.starts_with("/api/v1/tenants/") && (self.opens)(carried) => (self.answer)(request, carried),
            _ => unauthorized(),
        }
    }
}

impl World {
    async fn new(exchange: fn(usize) -> ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        let rules = Arc::new(Mutex::new(Rules {
            login: LOGIN.into(),
            exchange,
            opens: |token| token.starts_with("hunter2-short-"),
            answer: status,
            seen: Vec::new(),
            exchanges: 0,
        }));
        let shared = Arc::clone(&rules);
        let answer = move |request: &Request| shared.lock().expect("unpoisoned").answer(request);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, rules }
    }

    fn set(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules.lock().expect("unpoisoned"));
    }

    fn client(&self) -> Client {
        self.client_of(LOGIN)
    }

    fn client_of(&self, login: &str) -> Client {
        let base = BaseUrl::parse(&self.server.uri()).expect("a base");
        Client::with_pace(base, Secret::new(login), Pace::quick()).expect("a client")
    }

    /// What it saw since the last time.
    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.rules.lock().expect("unpoisoned").seen)
    }
}

fn id() -> TenantId {
    TenantId::new("3f6c1b8e").expect("an id")
}

fn line(method: &str, path: &str, token: &str) -> String {
    format!("{method} {path} {token}")
}

/// The error, of which nothing shows a token.
fn harmless(error: ApiError) -> ApiError {
    let shown = format!("{error} {error:?} {} {:?}", error.problem(), error.problem());
    assert!(!shown.contains("hunter2"), "{shown}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_exchange_serves_many_calls() {
    let world = World::new(token).await;
    let client = world.client();
    client.me().await.expect("the login is good");
    assert_eq!(world.seen(), [line("GET", ME, LOGIN)], "nothing is exchanged that nobody asked for");
    client.status(&id()).await.expect("a status");
    let first = [
        line("GET", STATUS, LOGIN),
        line("GET", ME, LOGIN),
        line("POST", TOKEN, ""),
        line("GET", STATUS, "hunter2-short-1"),
    ];
    assert_eq!(world.seen(), first);
    client.status(&id()).await.expect("a status");
    assert_eq!(world.seen(), [line("GET", STATUS, "hunter2-short-1")]);
    client.me().await.expect("who");
    assert_eq!(world.seen(), [line("GET", ME, LOGIN)], "what is not about a tenant keeps the login");

    // All at once, and nobody has exchanged anything yet.
    let client = world.client();
    let tenant = id();
    let all = join_all((0..8).map(|_| client.status(&tenant))).await;
    assert!(all.iter().all(Result::is_ok));
    let seen = world.seen();
    assert_eq!(seen.iter().filter(|line| line.contains(TOKEN)).count(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_token_that_is_over_or_forgotten_is_exchanged_anew() {
    let world = World::new(|number| {
        ResponseTemplate::new(200)
            .set_body_json(json!({"access_token": format!("hunter2-short-{number}"), "expires_in": 0}))
    })
    .await;
    let client = world.client();
    client.status(&id()).await.expect("a status");
    world.seen();
    client.status(&id()).await.expect("a status");
    assert_eq!(world.seen(), [line("POST", TOKEN, ""), line("GET", STATUS, "hunter2-short-2")]);

    // The server was started again, and knows none of the tokens that it gave.
    let world = World::new(token).await;
    let client = world.client();
    client.status(&id()).await.expect("a status");
    world.seen();
    world.set(|rules| rules.opens = |token| token == "hunter2-short-2");
    client.status(&id()).await.expect("a status");
    let anew =
        [line("GET", STATUS, "hunter2-short-1"), line("POST", TOKEN, ""), line("GET", STATUS, "hunter2-short-2")];
    assert_eq!(world.seen(), anew);
    // It is repeated once and no more.
    world.set(|rules| rules.opens = |_| false);
    let error = harmless(client.status(&id()).await.expect_err("refused"));
    assert!(error.requires_login());
    let once =
        [line("GET", STATUS, "hunter2-short-2"), line("POST", TOKEN, ""), line("GET", STATUS, "hunter2-short-3")];
    assert_eq!(world.seen(), once);
}

#[tokio::test]
async fn a_change_is_repeated_with_the_same_body_and_once() {
    let world = World::new(token).await;
    world.set(|rules| {
        rules.answer = |request, _| {
            assert_eq!(request.body_json::<serde_json::Value>().expect("JSON")["image"], "127.0.0.1:5000/r:t");
            ResponseTemplate::new(500).set_body_string("no, hunter2-short-1")
        };
    });
    let image = ImageReference::new("127.0.0.1:5000", "r", "t").expect("an image");
    let error = harmless(world.client().deploy(&id(), &image).await.expect_err("it failed"));
    assert_eq!(error.status(), Some(500));
    let deploys = world.seen().iter().filter(|line| line.contains("/deploy")).count();
    assert_eq!(deploys, 2, "once with the login, once with what it was exchanged for");
}

#[tokio::test]
async fn where_nothing_can_be_exchanged_the_first_answer_stands() {
    let answers: [fn(usize) -> ResponseTemplate; 3] = [
        |_| ResponseTemplate::new(404),
        |_| ResponseTemplate::new(405).set_body_string("no"),
        |_| {
            ResponseTemplate::new(400)
                .set_body_json(json!({"error": "invalid_target", "error_description": "hunter2.login.value is odd"}))
        },
    ];
    for exchange in answers {
        let world = World::new(exchange).await;
        let error = harmless(world.client().status(&id()).await.expect_err("refused"));
        assert!(error.requires_login() && error.status() == Some(401), "{error}");
        assert_eq!(world.seen(), [line("GET", STATUS, LOGIN), line("GET", ME, LOGIN), line("POST", TOKEN, "")]);
    }
}

#[tokio::test]
async fn a_login_that_is_over_is_not_exchanged() {
    let world = World::new(token).await;
    world.set(|rules| rules.login = "another".into());
    let error = harmless(world.client().status(&id()).await.expect_err("refused"));
    assert!(error.requires_login());
    assert_eq!(world.seen(), [line("GET", STATUS, LOGIN), line("GET", ME, LOGIN)]);
    let error = harmless(world.client().tenants().await.expect_err("refused"));
    assert!(error.requires_login());
    assert_eq!(world.seen(), [line("GET", "/api/v1/tenants", LOGIN)]);
}

#[tokio::test]
async fn an_exchange_that_fails_says_nothing_about_the_login() {
    let world = World::new(|number| if number < 3 { ResponseTemplate::new(503) } else { token(number) }).await;
    world.client().status(&id()).await.expect("the third try is answered");
    let answers: [fn(usize) -> ResponseTemplate; 2] =
        [|_| ResponseTemplate::new(503), |_| ResponseTemplate::new(200).set_body_json(json!({"token": "hunter2-odd"}))];
    for exchange in answers {
        let world = World::new(exchange).await;
        let error = harmless(world.client().restart(&id()).await.expect_err("not exchanged"));
        assert!(matches!(error, ApiError::Exchange { .. }), "{error:?}");
        assert!(!error.requires_login() && !error.answer_was_lost() && !error.problem().requires_login);
        assert!(error.problem().hint.is_some());
    }
}

#[tokio::test]
async fn a_stream_asks_for_its_token_at_every_connection() {
    let world = World::new(token).await;
    world.set(|rules| {
        rules.answer = |_, _| {
            let line = "event: log\ndata: {\"timestamp\":\"2026-01-09T10:09:31Z\",\"message\":\"once\"}\n\n";
            ResponseTemplate::new(200).set_body_raw(line, "text/event-stream")
        };
    });
    let mut feed = world.client().follow_logs(&id(), 10);
    assert!(matches!(feed.next().await, Some(FeedItem::Connected)));
    assert!(matches!(feed.next().await, Some(FeedItem::Item(entry)) if entry.message == "once"));
    // It ends, and is taken up again with the same token; then the server forgets it.
    let logs = "/api/v1/tenants/3f6c1b8e/logs";
    let both = || world.rules.lock().expect("unpoisoned").seen.iter().filter(|line| line.contains(logs)).count() > 2;
    while !both() {
        tokio::task::yield_now().await;
    }
    let seen = world.seen();
    let begun = [
        line("GET", logs, LOGIN),
        line("GET", ME, LOGIN),
        line("POST", TOKEN, ""),
        line("GET", logs, "hunter2-short-1"),
        line("GET", logs, "hunter2-short-1"),
    ];
    assert_eq!(seen.get(..5), Some(&begun[..]));
    world.set(|rules| rules.opens = |token| token == "hunter2-short-2");
    let goes_on = || world.rules.lock().expect("unpoisoned").seen.contains(&line("GET", logs, "hunter2-short-2"));
    while !goes_on() {
        tokio::task::yield_now().await;
    }
    world.set(|rules| rules.login = "over".into());
    world.set(|rules| rules.opens = |_| false);
    let error = loop {
        match feed.next().await.expect("an end") {
            FeedItem::Failed(error) => break error,
            FeedItem::Item(entry) => panic!("twice: {entry:?}"),
            FeedItem::Connected | FeedItem::Interrupted { .. } => {}
        }
    };
    assert!(harmless(error).requires_login());
}

/// A token of this account.
fn login_of(who: &str, number: u32) -> String {
    let claims = URL_SAFE_NO_PAD.encode(json!({"sub": who, "n": number}).to_string());
    format!("hunter2.{claims}.sig")
}

#[tokio::test]
async fn a_login_that_came_meanwhile_is_used_where_it_is_the_same_accounts() {
    for (found, goes_on) in [
        (login_of("mara", 2), true),
        (login_of("nils", 1), false),
        (login_of("mara", 1), false),
        ("hunter2-opaque".to_owned(), false),
    ] {
        let world = World::new(|_| ResponseTemplate::new(404)).await;
        let new = found.clone();
        world.set(|rules| {
            rules.login = new;
            rules.opens = |token| token != login_of("mara", 1);
        });
        let client = world.client_of(&login_of("mara", 1));
        let kept = found.clone();
        client.when_the_login_is_over(Arc::new(move || {
            let kept = kept.clone();
            Box::pin(async move { Some(Secret::new(kept)) })
        }));
        if goes_on {
            client.status(&id()).await.expect("a status");
            client.me().await.expect("who");
            assert_eq!(client.token().reveal(), found);
        } else {
            assert!(harmless(client.status(&id()).await.expect_err("over")).requires_login());
            assert_eq!(client.token().reveal(), login_of("mara", 1));
        }
    }
}

/// Has the client find this login; answers how often it was asked for.
fn finding(client: &Client, found: Option<String>) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    client.when_the_login_is_over(Arc::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let found = found.clone();
        Box::pin(async move { found.map(Secret::new) })
    }));
    asked
}

#[tokio::test]
async fn a_login_that_came_meanwhile_is_exchanged_where_that_is_wanted() {
    let (old, new) = (login_of("mara", 1), login_of("mara", 2));
    // Nobody knows yet that the server wants it.
    let world = World::new(token).await;
    world.set(|rules| rules.login = login_of("mara", 2));
    let client = world.client_of(&old);
    finding(&client, Some(new.clone()));
    client.status(&id()).await.expect("a status");
    let seen = [
        line("GET", STATUS, &old),
        line("GET", ME, &old),
        line("GET", STATUS, &new),
        line("GET", ME, &new),
        line("POST", TOKEN, ""),
        line("GET", STATUS, "hunter2-short-1"),
    ];
    assert_eq!(world.seen(), seen);

    // It was exchanged before; then both are over.
    let world = World::new(token).await;
    world.set(|rules| rules.login = login_of("mara", 1));
    let client = world.client_of(&old);
    finding(&client, Some(new.clone()));
    client.status(&id()).await.expect("a status");
    world.seen();
    world.set(|rules| {
        rules.login = login_of("mara", 2);
        rules.opens = |token| token == "hunter2-short-3";
    });
    client.status(&id()).await.expect("a status");
    let seen = [
        line("GET", STATUS, "hunter2-short-1"),
        line("POST", TOKEN, ""),
        line("POST", TOKEN, ""),
        line("GET", STATUS, "hunter2-short-3"),
    ];
    assert_eq!(world.seen(), seen);
    assert_eq!(client.token().reveal(), new);
}

#[tokio::test]
async fn a_stream_takes_the_login_that_came_meanwhile_before_what_the_old_one_was_exchanged_for() {
    const EVENTS: &str = "/api/v1/tenants/3f6c1b8e/events";
    let (old, new) = (login_of("mara", 1), login_of("mara", 2));
    for found in [Some(new.clone()), None] {
        let world = World::new(token).await;
        world.set(|rules| {
            rules.login = login_of("mara", 1);
            rules.opens = |token| token != login_of("mara", 1);
            // The exchanged token opens calls, the login streams.
            rules.answer = |request, carried| match (request.url.path(), carried.starts_with("hunter2-short-")) {
                (EVENTS, false) => {
                    let event = "data: {\"event_type\":\"tenant_ready\",\"status\":\"ready\"}\n\n";
                    ResponseTemplate::new(200).set_body_raw(event, "text/event-stream")
                }
                (EVENTS, true) => unauthorized(),
                _ => status(request, carried),
            };
        });
        let client = world.client_of(&old);
        finding(&client, found.clone());
        client.status(&id()).await.expect("a status");
        world.seen();
        world.set(|rules| rules.login = login_of("mara", 2));
        let mut feed = client.tenant_events(&id(), false);
        let mut last = None;
        while let Some(item) = feed.next().await {
            last = Some(item);
        }
        let mut seen = vec![line("GET", EVENTS, &old), line("GET", ME, &old)];
        if found.is_some() {
            assert!(matches!(last, Some(FeedItem::Item(_))), "{last:?}");
            seen.push(line("GET", EVENTS, &new));
        } else {
            assert!(matches!(last, Some(FeedItem::Failed(error)) if harmless(error.clone()).requires_login()));
            seen.extend([line("GET", EVENTS, "hunter2-short-1"), line("POST", TOKEN, "")]);
        }
        assert_eq!(world.seen(), seen);
    }
}

#[tokio::test]
async fn whoever_knows_of_no_login_is_not_asked_by_every_call() {
    let world = World::new(token).await;
    world.set(|rules| rules.login = "another".into());
    let client = world.client_of(&login_of("mara", 1));
    let asked = finding(&client, None);
    let tenant = id();
    let all = join_all((0..4).map(|_| client.status(&tenant))).await;
    assert!(all.into_iter().all(|answer| answer.is_err_and(|error| error.requires_login())));
    assert!(client.me().await.expect_err("over").requires_login());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(world.seen().iter().filter(|line| line.starts_with(&format!("GET {ME}"))).count(), 2);
}

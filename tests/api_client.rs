//! Ordinary calls against a server that answers as it should, as it once did, and as it should not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tenantry::api::{ApiError, BaseUrl, Client, Pace, Page, probe};
use tenantry::model::{CheckoutRequest, ImageReference, MetricsRange, Renewal, Secret, TenantId, TenantState};
use wiremock::matchers::{any, body_json, body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "hunter2.token.value";

fn client(server: &MockServer) -> Client {
    client_of(&server.uri())
}

fn client_of(base: &str) -> Client {
    let base = BaseUrl::parse(base).expect("a base");
    Client::with_pace(base, Secret::new(TOKEN), Pace::quick()).expect("a client")
}

fn id() -> TenantId {
    TenantId::new("3f6c1b8e").expect("an id")
}

fn image() -> ImageReference {
    ImageReference::new("127.0.0.1:5000", "systemprompt-images", "tenant-3f6c1b8e").expect("an image")
}

/// A server that answers one GET route.
async fn serving(route: &str, body: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("/api/v1{route}")))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    server
}

/// A server that answers everything alike.
async fn always(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn assert_harmless(error: &ApiError) {
    let shown = format!("{error} {error:?} {} {:?}", error.problem(), error.problem());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
    assert!(!error.problem().title.is_empty() && error.problem().hint.is_some(), "{shown}");
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

#[tokio::test]
async fn every_shape_of_an_answer_is_read() {
    let me = json!({"user": {"id": "u", "email": "mara@orchard.example"}, "tenants": [{"id": 5}], "new": true});
    let server = serving("/auth/me", me).await;
    assert_eq!(client(&server).me().await.expect("me").user.email, "mara@orchard.example");

    let plans = json!([
        {"id": "plan_free", "name": "Free", "paddle_price_id": "pri_1", "memory_mb_default": 256, "volume_gb": 1},
        {"id": "broken"}
    ]);
    for body in [plans.clone(), json!({"data": plans, "meta": {"request_id": "x"}})] {
        let server = serving("/checkout/plans", body).await;
        let plans = client(&server).plans().await.expect("plans");
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].memory_mb_default, 256);
    }

    for field in ["token", "password"] {
        let body = json!({"data": {"registry": "127.0.0.1:5000", "username": "x", (field): "registry-secret",
                                   "repository": "systemprompt-images", "tag": "tenant-3f6c1b8e"}});
        let server = serving("/tenants/3f6c1b8e/registry-token", body).await;
        let token = client(&server).registry_token(&id()).await.expect("a token");
        assert_eq!(token.token.reveal(), "registry-secret");
        assert_eq!(token.image(), Ok(image()));
    }

    for (body, state) in [
        (json!({"data": {"status": "running", "url": "http://127.0.0.1:1"}}), TenantState::Running),
        (json!({"status": "ready", "phase": "awaiting_deploy", "secrets_url": "http://h/x"}), TenantState::ToDeploy),
    ] {
        let server = serving("/tenants/3f6c1b8e/status", body).await;
        assert_eq!(client(&server).status(&id()).await.expect("a status").state(), state);
    }

    let server = serving("/tenants/3f6c1b8e", json!({"data": {"id": "3f6c1b8e", "name": "n", "app_id": "sp-1"}})).await;
    assert_eq!(client(&server).tenant(&id()).await.expect("a tenant").fly_app_name.as_deref(), Some("sp-1"));

    let entry = json!({"timestamp": "2026-01-09T10:09:31Z", "message": "a\u{1b}[2J", "level": "info"});
    for body in [
        json!({"logs": [entry.clone(), "b", 5]}),
        json!({"data": {"logs": [entry.clone(), "b"]}}),
        json!([entry.clone(), "b"]),
        json!({"data": [entry, "b"]}),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/api/v1/tenants/3f6c1b8e/logs"))
            .and(query_param("lines", "50"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let logs = client(&server).logs(&id(), 50).await.expect("logs");
        let words: Vec<_> = logs.iter().map(|entry| entry.message.as_str()).collect();
        assert_eq!(words, ["a", "b"]);
    }
}

#[tokio::test]
async fn one_broken_tenant_does_not_take_the_others_with_it() {
    let body = json!({"data": [
        {"id": "3f6c1b8e", "name": "or\u{1b}]0;x\u{7}chard"},
        {"id": "../../etc", "name": "hostile"},
        {"id": "a\u{1b}[2Jb", "name": "hostile"},
        {"name": "no id"},
        "no object",
        {"id": "second", "name": "second", "status": "a new word"}
    ]});
    let server = serving("/tenants", body).await;
    let list = client(&server).tenants().await.expect("a list");
    let names: Vec<_> = list.tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    assert_eq!(names, ["orchard", "second"]);
    assert_eq!(list.rejected.len(), 4);
    assert!(list.rejected[0].starts_with("Entry 2: "), "{:?}", list.rejected);
    assert!(list.rejected.iter().all(|reason| reason.chars().all(|c| !c.is_control())), "{:?}", list.rejected);
}

#[tokio::test]
async fn posts_carry_their_body_and_are_never_repeated() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/v1/tenants/3f6c1b8e/deploy"))
        .and(body_json(json!({"image": image().to_string()})))
        .respond_with(
            ResponseTemplate::new(202).set_body_json(json!({"data": {"status": "deploying", "url": "http://a"}})),
        )
        .mount(&server)
        .await;
    let answer = client(&server).deploy(&id(), &image()).await.expect("accepted");
    assert_eq!((answer.status.as_str(), answer.address()), ("deploying", Some("http://a")));

    let server = always(ResponseTemplate::new(503).insert_header("retry-after", "1")).await;
    let error = client(&server).deploy(&id(), &image()).await.expect_err("refused");
    assert_eq!((error.status(), requests(&server).await), (Some(503), 1));
    assert_harmless(&error);
}

#[tokio::test]
async fn a_checkout_leads_to_a_web_page_or_nowhere() {
    let request = CheckoutRequest { price_id: "pri_1".into(), region: "fra".into(), redirect_uri: None };
    for (address, is_good) in [
        ("http://127.0.0.1:9400/pay/cs_8Wn2", true),
        ("https://pay.example/cs\u{1b}[2J", true),
        ("file:///etc/passwd", false),
        ("calc.exe", false),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/api/v1/checkout"))
            .and(body_json(json!({"price_id": "pri_1", "region": "fra"})))
            .respond_with(ResponseTemplate::new(201).set_body_json(json!({"checkout_url": address})))
            .mount(&server)
            .await;
        let session = client(&server).checkout(&request).await;
        assert_eq!(session.is_ok(), is_good, "{address}");
        match session {
            Ok(session) => assert!(session.checkout_url.chars().all(|c| !c.is_control()), "{session:?}"),
            Err(error) => assert_harmless(&error),
        }
    }
}

#[tokio::test]
async fn reads_are_repeated_where_another_try_may_help() {
    for (status, tries) in
        [(500, 3), (502, 3), (503, 3), (429, 3), (501, 1), (400, 1), (401, 1), (403, 1), (404, 1), (409, 1), (302, 1)]
    {
        let server = always(ResponseTemplate::new(status).set_body_string("words")).await;
        let error = client(&server).me().await.expect_err("refused");
        assert_eq!((error.status(), requests(&server).await), (Some(status), tries), "{status}");
        assert_eq!(error.problem().requires_login, status == 401);
        assert_harmless(&error);
    }
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "2");
    Mock::given(any()).respond_with(busy).up_to_n_times(2).mount(&server).await;
    let me = json!({"user": {"id": "u", "email": "e"}});
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(me)).mount(&server).await;
    assert!(client(&server).me().await.is_ok());

    let server = always(ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
    let error = client(&server).me().await.expect_err("refused");
    assert_eq!((error.problem().title.as_str(), requests(&server).await), ("Too many requests; again in 3600 s.", 1));
}

#[tokio::test]
async fn the_servers_words_reach_the_person() {
    let body = json!({"error": {"code": "forbidden", "message": "subscription is paused\u{1b}[2J",
                                "details": {"reason": "subscription_inactive", "subscription_status": "paused"}}});
    let server = always(ResponseTemplate::new(403).set_body_json(body)).await;
    let error = client(&server).registry_token(&id()).await.expect_err("refused");
    assert_eq!(error.reason(), Some("subscription_inactive"));
    assert_eq!(error.problem().title, "Subscription is paused.");
    assert_eq!(error.problem().detail.as_deref(), Some("subscription is paused."));
    assert_harmless(&error);
}

#[tokio::test]
async fn something_else_than_json_is_said_with_its_beginning() {
    let html = format!("<html>\u{1b}[2J<h1>Proxy login for {TOKEN}</h1>{}", "x".repeat(5000));
    for status in [200, 400] {
        let server = always(ResponseTemplate::new(status).set_body_raw(html.clone(), "text/html")).await;
        let error = client(&server).plans().await.expect_err("no JSON");
        let detail = error.problem().detail.expect("a detail");
        assert!(detail.contains("<html><h1>Proxy login for ••••</h1>xxx"), "{detail}");
        assert!(detail.chars().count() < 800, "{detail}");
        assert!(error.problem().to_string().contains(&status.to_string()));
        assert_harmless(&error);
    }
    for body in ["", "{", "null", "[1", r#"{"data": 5}"#] {
        let server = always(ResponseTemplate::new(200).set_body_string(body)).await;
        let error = client(&server).tenants().await.expect_err(body);
        assert!(matches!(error, ApiError::Unreadable { status: 200, .. }), "{error}");
        assert_harmless(&error);
    }
}

#[tokio::test]
async fn a_secret_in_an_unreadable_answer_is_not_shown() {
    for body in [
        json!({"data": {"registry": "h:1", "username": "x", "token": "hunter2", "repository": "r"}}),
        json!({"data": {"registry": "h:1", "username": "x", "repository": "r", "tag": {"hunter2": "hunter2"}}}),
        json!({"data": {"registry": "h:1", "username": "x", "repository": "r", "tag": "t"}}),
        json!("hunter2"),
    ] {
        let server = serving("/tenants/3f6c1b8e/registry-token", body).await;
        let error = client(&server).registry_token(&id()).await.expect_err("no token");
        assert!(matches!(error, ApiError::Unreadable { .. }), "{error}");
        assert_harmless(&error);
    }
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let body = vec![b' '; 9 * 1024 * 1024];
    let server = always(ResponseTemplate::new(200).set_body_bytes(body)).await;
    let error = client(&server).me().await.expect_err("too long");
    assert!(matches!(error, ApiError::TooLarge { .. }), "{error}");
    assert_harmless(&error);
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    // Bound and not listening: nobody else can get the port, and nobody answers on it.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let address = socket.local_addr().expect("an address");
    let client = client_of(&format!("http://{address}"));
    for error in [
        client.me().await.expect_err("refused"),
        client.ping().await.expect_err("refused"),
        probe(&format!("http://user:hunter2@{address}/?key=hunter2")).await.expect_err("refused"),
    ] {
        assert!(error.problem().title.starts_with(&format!("Server not reachable at http://{address}")), "{error}");
        assert_harmless(&error);
    }
}

#[tokio::test]
async fn the_token_goes_to_no_other_place() {
    let elsewhere = always(ResponseTemplate::new(200)).await;
    let answer = ResponseTemplate::new(307).insert_header("location", format!("{}/?key=hunter2", elsewhere.uri()));
    let server = always(answer).await;
    let error = client(&server).me().await.expect_err("redirected");
    assert!(error.problem().detail.is_some_and(|detail| detail.contains(&elsewhere.uri())), "{error}");
    assert_harmless(&error);
    assert_eq!(probe(&server.uri()).await.ok(), Some(307));
    client(&server).ping().await.expect("any answer counts");
    assert_eq!(requests(&elsewhere).await, 0);
    for request in server.received_requests().await.expect("recorded") {
        assert!(!request.url.as_str().contains(TOKEN));
        assert_eq!(request.headers.contains_key("authorization"), request.url.path() == "/api/v1/auth/me");
    }
    assert!(!format!("{:?}", client(&server)).contains("hunter2"));
    let base = BaseUrl::parse(&server.uri()).expect("a base");
    assert!(matches!(Client::new(base, Secret::new("a\nb")), Err(ApiError::Token)));
}

#[tokio::test]
async fn an_api_below_a_path_is_found_there() {
    let server = MockServer::start().await;
    Mock::given(path("/cloud/api/v1/auth/me"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"user": {"id": "u", "email": "e"}})))
        .mount(&server)
        .await;
    client_of(&format!("{}/cloud/", server.uri())).me().await.expect("found");
}

#[tokio::test]
async fn a_payment_page_is_gone_through() {
    let server = MockServer::start().await;
    let html = r#"<form method="post" action="/pay/cs_1"><input type="hidden" name="csrf" value="a&amp;b ü">
        <button name="decision" value="pay">Pay</button><button name="decision" value="decline">No</button></form>"#;
    Mock::given(method("GET"))
        .and(path("/pay/cs_1"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(html, "text/html; charset=utf-8"))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/pay/cs_1"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string("csrf=a%26b+%C3%BC&decision=pay"))
        .respond_with(ResponseTemplate::new(303).insert_header("location", "/done?session=cs_1"))
        .mount(&server)
        .await;
    let page = Page::get(&format!("{}/pay/cs_1", server.uri())).await.expect("a page");
    assert_eq!(page.buttons().len(), 2);
    let submitted = page.submit("pay").await.expect("accepted");
    assert_eq!((submitted.status, submitted.location.expect("a place").path()), (303, "/done"));
    assert_harmless(&page.submit("no such\u{1b}[2J").await.expect_err("no button"));
    assert_eq!(page.submit("decline").await.expect_err("unknown to the server").status(), Some(404));
}

#[tokio::test]
async fn pages_that_are_none_are_refused() {
    let elsewhere = always(ResponseTemplate::new(200)).await;
    let form = format!("<form action='{}'><button value=pay></form>", elsewhere.uri());
    let server = always(ResponseTemplate::new(200).set_body_raw(form, "text/html")).await;
    let page = Page::get(&server.uri()).await.expect("a page");
    assert_harmless(&page.submit("pay").await.expect_err("another origin"));
    assert_eq!(requests(&elsewhere).await, 0);

    for answer in [
        ResponseTemplate::new(200).set_body_raw("<p>no form", "text/html"),
        ResponseTemplate::new(200).set_body_raw("{}", "application/json"),
        ResponseTemplate::new(200).set_body_raw("x".repeat(2 * 1024 * 1024), "text/html"),
        ResponseTemplate::new(500).set_body_raw("<form>", "text/html"),
    ] {
        let server = always(answer).await;
        assert_harmless(&Page::get(&server.uri()).await.expect_err("no page"));
    }
    for url in ["http://pay.example/", "file:///etc/passwd", "hunter2"] {
        let error = Page::get(url).await.expect_err(url);
        assert!(matches!(error, ApiError::BaseUrl { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_ping_is_answered_by_any_answer() {
    for status in [200, 404, 500] {
        let server = always(ResponseTemplate::new(status)).await;
        client(&server).ping().await.expect("answers");
        assert_eq!(requests(&server).await, 1);
    }
}

fn secrets() -> BTreeMap<String, Secret> {
    let all = [("OPENAI_API_KEY", "sk-hunter2"), ("MY_FLAG", "1"), ("LONG", "sk-hunter2-and-more")];
    all.into_iter().map(|(name, value)| (name.to_owned(), Secret::new(value))).collect()
}

#[tokio::test]
async fn secrets_are_put_whatever_the_success_says() {
    for answer in [ResponseTemplate::new(204), ResponseTemplate::new(200).set_body_string("no json")] {
        let server = MockServer::start().await;
        let body = json!({"secrets": {"OPENAI_API_KEY": "sk-hunter2", "MY_FLAG": "1", "LONG": "sk-hunter2-and-more"}});
        Mock::given(method("PUT"))
            .and(path("/api/v1/tenants/3f6c1b8e/secrets"))
            .and(header("authorization", format!("Bearer {TOKEN}")))
            .and(body_json(body))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        client(&server).put_secrets(&id(), &secrets()).await.expect("accepted");
    }
}

#[tokio::test]
async fn secrets_are_put_again_where_that_may_help() {
    for (status, tries) in [(429, 3), (500, 3), (503, 3), (401, 1), (404, 1), (422, 1)] {
        let server = always(ResponseTemplate::new(status)).await;
        let error = client(&server).put_secrets(&id(), &secrets()).await.expect_err("refused");
        // Whether the login itself is over is another question.
        let seen = server.received_requests().await.expect("recorded");
        let puts = seen.iter().filter(|request| request.method == wiremock::http::Method::PUT).count();
        assert_eq!((error.status(), puts), (Some(status), tries));
    }
}

#[tokio::test]
async fn a_server_that_echoes_secrets_is_not_repeated() {
    let echo = "value sk-hunter2-and-more and sk-hunter2 with hunter2.token.value refused";
    for body in [
        json!({"error": {"code": echo, "message": echo, "details": {"reason": echo, "expected": echo}}}),
        json!({"secrets": {"OPENAI_API_KEY": "sk-hunter2"}}),
        json!(echo),
    ] {
        let server = always(ResponseTemplate::new(422).set_body_json(body)).await;
        let error = client(&server).put_secrets(&id(), &secrets()).await.expect_err("refused");
        assert_harmless(&error);
        // The longer value is not left half there because a shorter one begins it.
        assert!(!format!("{error:?}").contains("and-more"), "{error:?}");
    }
}

#[tokio::test]
async fn what_changes_something_is_never_repeated() {
    let server = always(ResponseTemplate::new(503)).await;
    let (client, id) = (client(&server), id());
    let renewal = Renewal { price_id: "pri_1".into(), redirect_uri: None };
    let statuses = [
        client.rotate_credentials(&id).await.map(drop),
        client.cancel_subscription(&id).await,
        client.change_plan(&id, &renewal).await.map(drop),
        client.rename(&id, "orchard").await.map(drop),
        client.scale(&id, 512).await.map(drop),
        client.suspend(&id).await.map(drop),
        client.activate(&id).await.map(drop),
        client.restart(&id).await.map(drop),
        client.retry_provision(&id).await.map(drop),
        client.set_custom_domain(&id, "a.example").await.map(drop),
        client.one_time_credentials(&id, &link(&server)).await.map(drop),
    ]
    .map(|answer| answer.expect_err("refused").status());
    assert_eq!(statuses, [Some(503); 11]);
    assert_eq!(requests(&server).await, 11);
}

#[tokio::test]
async fn what_can_be_asked_again_is_asked_three_times() {
    let (again, once) = (ResponseTemplate::new(503), ResponseTemplate::new(403));
    for (answer, tries) in [(again, 3), (once, 1)] {
        let server = always(answer).await;
        let (client, id) = (client(&server), id());
        let refused = [
            client.delete(&id).await.map(drop),
            client.delete_secret(&id, "A").await,
            client.remove_custom_domain(&id).await,
            client.external_access(&id, true).await.map(drop),
            client.set_secrets(&id, &secrets(), true).await,
            client.secrets(&id).await.map(drop),
            client.environment(&id).await.map(drop),
            client.metrics(&id).await.map(drop),
            client.metrics_history(&id, MetricsRange::Day).await.map(drop),
            client.subscription(&id).await.map(drop),
            client.custom_domain(&id).await.map(drop),
            client.deployments(&id).await.map(drop),
        ];
        assert!(refused.iter().all(Result::is_err));
        assert_eq!(requests(&server).await, refused.len() * tries);
    }
}

#[tokio::test]
async fn bodies_and_queries_are_as_the_protocol_has_them() {
    let server = MockServer::start().await;
    let tenant = json!({"data": {"id": "3f6c1b8e", "name": "n"}});
    let domain = json!({"data": {"domain": "a.example", "status": "pending_dns"}});
    let access = json!({"data": {"external_db_access": true, "database_url": ""}});
    let checkout = json!({"checkout_url": "https://pay.example/cs_1", "checkout_session_id": "cs_1"});
    for (verb, below, body, answer) in [
        ("PATCH", "", json!({"name": "orchard"}), tenant.clone()),
        ("PATCH", "", json!({"memory_mb": 512}), tenant),
        ("POST", "/custom-domain", json!({"domain": "a.example"}), domain),
        ("PUT", "/external-db-access", json!({"enabled": true}), access),
        ("POST", "/subscription", json!({"price_id": "pri_1"}), checkout),
    ] {
        Mock::given(method(verb))
            .and(path(format!("/api/v1/tenants/3f6c1b8e{below}")))
            .and(body_json(body))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .expect(1)
            .mount(&server)
            .await;
    }
    for (verb, below, name, value) in
        [("PUT", "/secrets", "restart", "true"), ("GET", "/metrics/history", "range", "7d")]
    {
        Mock::given(method(verb))
            .and(path(format!("/api/v1/tenants/3f6c1b8e{below}")))
            .and(query_param(name, value))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"points": []})))
            .expect(1)
            .mount(&server)
            .await;
    }
    let (client, id) = (client(&server), id());
    client.rename(&id, "orchard").await.expect("renamed");
    client.scale(&id, 512).await.expect("scaled");
    client.set_custom_domain(&id, "a.example").await.expect("set");
    client.external_access(&id, true).await.expect("switched");
    let renewal = Renewal { price_id: "pri_1".into(), redirect_uri: None };
    client.change_plan(&id, &renewal).await.expect("a checkout");
    client.set_secrets(&id, &secrets(), true).await.expect("set");
    client.metrics_history(&id, MetricsRange::Week).await.expect("a curve");
}

#[tokio::test]
async fn being_gone_counts_as_deleted_where_the_api_says_so() {
    let gone = json!({"error": {"code": "not_found", "message": "there is no such tenant"}});
    let server = always(ResponseTemplate::new(404).set_body_json(gone)).await;
    assert!(!client(&server).delete(&id()).await.expect("it is gone"));
    let server = always(ResponseTemplate::new(404).set_body_string("<html>")).await;
    assert_eq!(client(&server).delete(&id()).await.expect_err("anything may say that").status(), Some(404));
    let server = always(ResponseTemplate::new(204)).await;
    assert!(client(&server).delete(&id()).await.expect("removed"));
}

#[tokio::test]
async fn the_end_of_a_subscription_has_no_body_that_counts() {
    for body in ["null", "", "{}", "<html>"] {
        let server = always(ResponseTemplate::new(200).set_body_string(body)).await;
        client(&server).cancel_subscription(&id()).await.expect("ended");
    }
}

#[tokio::test]
async fn pages_that_a_browser_must_not_open_are_refused_or_left_out() {
    let evil = json!({"checkout_url": "file:///etc/passwd", "checkout_session_id": "cs_1"});
    let server = always(ResponseTemplate::new(200).set_body_json(evil)).await;
    let renewal = Renewal { price_id: "pri_1".into(), redirect_uri: None };
    assert!(client(&server).change_plan(&id(), &renewal).await.is_err());
    let evil = json!({"status": "active", "management_url": "file:///etc/passwd"});
    let server = always(ResponseTemplate::new(200).set_body_json(evil)).await;
    assert_eq!(client(&server).subscription(&id()).await.expect("read").management_url, None);
}

/// The one-time link of the tenant.
fn link(server: &MockServer) -> Secret {
    Secret::new(format!("{}/api/v1/tenants/3f6c1b8e/credentials/sct_hunter2", server.uri()))
}

#[tokio::test]
async fn the_one_time_link_is_followed_to_its_own_api_alone() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/v1/tenants/3f6c1b8e/credentials/sct_hunter2"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"jwt_secret": "j64"})))
        .expect(1)
        .mount(&server)
        .await;
    let read = client(&server).one_time_credentials(&id(), &link(&server)).await.expect("credentials");
    assert_eq!(read.jwt_secret.as_ref().map(Secret::reveal), Some("j64"));

    let other = always(ResponseTemplate::new(200)).await;
    let another_tenant = format!("{}/api/v1/tenants/other/credentials/sct_hunter2", server.uri());
    for elsewhere in [link(&other), Secret::new(another_tenant), Secret::new("no url hunter2")] {
        let error = client(&server).one_time_credentials(&id(), &elsewhere).await.expect_err("refused");
        assert!(matches!(error, ApiError::Link { .. }), "{error:?}");
        assert_harmless(&error);
    }
    assert_eq!((requests(&server).await, requests(&other).await), (1, 0));
}

#[tokio::test]
async fn the_one_time_token_is_in_no_error() {
    let echo = json!({"error": {"code": "not_found", "message": "sct_hunter2 is not the tenant's",
                                "details": {"reason": "secrets_token_invalid"}}});
    for answer in [
        ResponseTemplate::new(404).set_body_json(echo),
        ResponseTemplate::new(410).set_body_string("sct_hunter2"),
        ResponseTemplate::new(200).set_body_string("sct_hunter2"),
        ResponseTemplate::new(302).insert_header("location", "https://evil.example/sct_hunter2"),
    ] {
        let server = always(answer).await;
        let error = client(&server).one_time_credentials(&id(), &link(&server)).await.expect_err("refused");
        let shown = format!("{error} {error:?} {}", error.problem());
        assert!(!shown.contains("sct_"), "{shown}");
        assert_harmless(&error);
    }
    let nobody = client_of("http://127.0.0.1:9");
    let link = Secret::new("http://127.0.0.1:9/api/v1/tenants/3f6c1b8e/credentials/sct_hunter2");
    assert_harmless(&nobody.one_time_credentials(&id(), &link).await.expect_err("nobody is there"));
}

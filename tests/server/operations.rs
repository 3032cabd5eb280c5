//! What those who run a server rely on: readiness, figures, the access log, limits, an end in order, one server per data,
//! and a line in the audit for everything that matters.

use crate::store;
use crate::support::{House, MARA, Person, text, within};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenantry::server::provider::Provider;
use tenantry::server::provider::fake::FakeProvider;
use tenantry::server::store::audit;
use tenantry::server::{OperationSettings, Settings, serve_with};
use tokio_util::sync::CancellationToken;

pub fn trials() -> Vec<Trial> {
    on_both_stores![
        readiness_names_what_is_missing,
        figures_count_and_name_nobody,
        the_access_log_is_complete_and_tells_no_secret,
        too_many_calls_and_streams_are_refused_in_words,
        a_deploy_that_runs_may_end_and_nothing_new_begins,
        what_does_not_end_in_time_is_cut_and_marked,
        somebody_in_a_hurry_waits_for_nothing,
        a_second_server_on_the_same_data_is_refused_at_once,
        everything_that_matters_leaves_a_line_in_the_audit,
    ]
}

fn path(tenant: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{tenant}{rest}")
}

/// The house's access log, when it holds as many requests as this.
async fn log_of(house: &House, lines: usize) -> Vec<Value> {
    let file = house.data().join("access.log");
    within("the access log", async {
        loop {
            let raw = tokio::fs::read_to_string(&file).await.expect("the access log");
            let whole = raw.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let read: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            if read.len() >= lines {
                return read;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

async fn readiness_names_what_is_missing() {
    let house = House::start().await;
    let ready = house.mara.get("/ready").await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.body,
        json!({ "status": "ready", "store": "ok", "provider": "ok", "registry": "ok", "draining": false })
    );
    let until = |wanted: &'static str| {
        let mara = house.mara.clone();
        async move {
            within(wanted, async {
                loop {
                    let ready = mara.get("/ready").await;
                    if ready.body["status"] == wanted {
                        return ready;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
            .await
        }
    };
    house.provider.go_away();
    // Everything but machines works.
    let degraded = until("degraded").await;
    assert_eq!((degraded.status.as_u16(), &degraded.body["provider"]), (200, &json!("failing")));
    std::fs::rename(house.data().join("registry"), house.data().join("elsewhere")).expect("moved");
    let failing = until("failing").await;
    assert_eq!((failing.status.as_u16(), &failing.body["registry"]), (503, &json!("failing")));
    assert_eq!(house.mara.get("/health").await.status, 200);
    house.mara.call(Method::POST, "/ready", None).await.refused(405, None);
}

async fn figures_count_and_name_nobody() {
    let house = House::start().await;
    let tenant = house.mara.running("one").await;
    house.mara.get("/nowhere").await.refused(404, None);
    let stream = house.mara.stream(&path(&tenant, "/events?follow=true"), None).await;
    let answer = house.mara.http.get(format!("{}/metrics", house.mara.base)).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let figures = answer.text().await.expect("text");
    for line in [
        r#"tenantry_http_requests_total{route="/api/v1/tenants/{id}/deploy",method="POST",status="2xx"} 1"#,
        r#"tenantry_http_requests_total{route="none",method="GET",status="4xx"} 1"#,
        r#"tenantry_http_request_seconds_count{route="/api/v1/tenants/{id}/deploy"} 1"#,
        "tenantry_event_streams 1",
        r#"tenantry_tenants{phase="running"} 1"#,
        r#"tenantry_deploys{status="succeeded"} 1"#,
        r#"tenantry_provisioning_steps{step="volume_created",state="done"} 1"#,
        r#"tenantry_webhook_events{type="transaction.completed"} 1"#,
        concat!("tenantry_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(figures.lines().any(|found| found == line), "{line} is not in\n{figures}");
    }
    let received = figures.lines().find_map(|line| line.strip_prefix("tenantry_registry_received_bytes_total "));
    assert!(received.is_some_and(|bytes| bytes.parse::<u64>().is_ok_and(|bytes| bytes > 100)), "{received:?}");
    assert!(!figures.contains(&tenant) && !figures.contains(MARA));
    assert_eq!(figures.matches("# EOF").count(), 1);
    drop(stream);

    let other =
        House::start_with(|settings| settings.operations.metrics_listen = Some(([127, 0, 0, 1], 0).into())).await;
    // They have an address of their own.
    other.mara.get("/metrics").await.refused(404, None);
}

async fn the_access_log_is_complete_and_tells_no_secret() {
    let house = House::start().await;
    let tenant = house.mara.running("one").await;
    let secret = "kJ83hdKd83hfKs92hsKf83hdKd83hfKs";
    house
        .mara
        .get(&path(&tenant, &format!("/credentials/{secret}?token={secret}")))
        .await
        .refused(404, Some("secrets_token_invalid"));
    let nobody = Person::new(house.mara.base.clone(), secret.into());
    nobody.get("/api/v1/auth/me").await.refused(401, None);
    let begun = log_of(&house, 1).await.len();
    let mut ids = Vec::new();
    for number in 0..50 {
        let answer =
            house.mara.request(Method::GET, &format!("/health?lines={number}")).send().await.expect("an answer");
        ids.push(answer.headers()["x-request-id"].to_str().expect("text").to_owned());
        answer.bytes().await.expect("a body");
    }
    let all = within("all requests", async {
        loop {
            let all = log_of(&house, begun).await;
            if ids.iter().all(|id| all.iter().any(|line| line["id"] == **id)) {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let mine: Vec<&Value> = all.iter().filter(|line| line["path"] == "/health").collect();
    let order: Vec<String> = mine.iter().map(|line| text(&line["id"])).collect();
    assert_eq!(order, ids);
    assert_eq!(mine[7]["query"], "lines=7");
    let find = |wanted: &str| {
        all.iter().find(|line| line["route"] == wanted).unwrap_or_else(|| panic!("{wanted} is missing")).clone()
    };
    let deploy = find("/api/v1/tenants/{id}/deploy");
    assert_eq!((&deploy["method"], &deploy["status"]), (&json!("POST"), &json!(200)));
    assert_eq!(deploy["path"], path(&tenant, "/deploy"));
    assert!(deploy["bytes"].as_u64() > Some(50) && deploy["received"].as_u64() > Some(50), "{deploy}");
    assert_eq!((&deploy["peer"], deploy.get("aborted")), (&json!("127.0.0.1"), None));
    let me = house.mara.get("/api/v1/auth/me").await.ok();
    assert_eq!(deploy["user"], me["user"]["id"]);
    let read = find("/api/v1/tenants/{id}/credentials/{token}");
    assert_eq!((&read["path"], &read["query"]), (&json!(path(&tenant, "/credentials/***")), &json!("***")));
    let refused = find("/api/v1/auth/me");
    assert_eq!((&refused["status"], refused.get("user")), (&json!(401), None));
    let raw = std::fs::read_to_string(house.data().join("access.log")).expect("the log");
    assert!(!raw.contains(secret) && !raw.contains(&house.mara.token));

    // A stream that its listener leaves is a request that ended.
    let stream = house.mara.stream(&path(&tenant, "/events?follow=true"), None).await;
    drop(stream);
    within("the end of the stream", async {
        while !log_of(&house, 1).await.iter().any(|line| {
            line["route"] == "/api/v1/tenants/{id}/events" && line["aborted"] == true && line["status"] == 200
        }) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn too_many_calls_and_streams_are_refused_in_words() {
    let house = House::start_with(|settings| {
        settings.operations = OperationSettings { user_rate: 2, user_streams: 1, ..settings.operations.clone() };
    })
    .await;
    let tenant = house.mara.tenant().await;
    let nils = house.person(crate::support::NILS, 600).await;
    let _open = house.mara.stream(&path(&tenant, "/events?follow=true"), None).await;
    house.mara.get(&path(&tenant, "/events?follow=true")).await.refused(429, None);
    let refused = within("a refusal", async {
        loop {
            let answer = house.mara.request(Method::GET, "/api/v1/auth/me").send().await.expect("an answer");
            if answer.status() == 429 {
                return answer;
            }
        }
    })
    .await;
    let seconds: u64 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=10).contains(&seconds), "{seconds}");
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!(body["error"]["code"], "rate_limited");
    // Nobody else has to wait for it, and nobody who only watches.
    nils.get("/api/v1/auth/me").await.ok();
    house.mara.get("/health").await.ok();
}

/// A tenant whose first deploy is held up by the provider.
async fn deploying(house: &House) -> (String, tokio::task::JoinHandle<Option<u16>>) {
    let tenant = house.mara.tenant().await;
    house.mara.push(&tenant, "one").await;
    house.provider.hold();
    let image = house.mara.image(&tenant).await;
    let call = house.mara.request(Method::POST, &path(&tenant, "/deploy")).json(&json!({ "image": image })).send();
    let call = tokio::spawn(async move { call.await.ok().map(|answer| answer.status().as_u16()) });
    house.mara.wait_for_phase(&tenant, "deploying").await;
    (tenant, call)
}

async fn a_deploy_that_runs_may_end_and_nothing_new_begins() {
    let house = House::start_with(|settings| settings.operations.drain = Some(Duration::from_mins(2))).await;
    let (tenant, call) = deploying(&house).await;
    let events = house.mara.stream(&path(&tenant, "/events"), None).await;
    house.leave();
    within("draining", async {
        while house.mara.get("/ready").await.body["status"] != "draining" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(house.mara.get("/ready").await.status, 503);
    let refused = house.mara.post("/api/v1/checkout", json!({})).await.refused(503, None);
    assert!(text(&refused["error"]["message"]).contains("stopping"), "{refused}");
    // Who only looks is served.
    assert_eq!(house.mara.phase(&tenant).await, "deploying");
    house.provider.release();
    assert_eq!(call.await.expect("no panic"), Some(200));
    // The listener hears the end, and then its stream ends.
    let last = events.rest().await.pop().expect("events");
    assert_eq!(last.data["event_type"], "tenant_ready");
    let house = house.restart().await;
    assert_eq!(house.mara.phase(&tenant).await, "running");
}

async fn what_does_not_end_in_time_is_cut_and_marked() {
    let house = House::start_with(|settings| settings.operations.drain = Some(Duration::from_millis(50))).await;
    let (tenant, call) = deploying(&house).await;
    let house = house.restart().await;
    assert_eq!(call.await.expect("no panic"), Some(503));
    let shown = house.mara.get(&path(&tenant, "")).await.ok()["data"].clone();
    assert_eq!(shown["phase"], "failed_deploy", "{shown}");
    let deploys = house.mara.get(&path(&tenant, "/deployments")).await.ok();
    assert_eq!(deploys["data"][0]["status"], "failed", "{deploys}");
}

async fn somebody_in_a_hurry_waits_for_nothing() {
    let house = House::start_with(|settings| settings.operations.drain = Some(Duration::from_hours(1))).await;
    let (_tenant, call) = deploying(&house).await;
    house.leave();
    within("draining", async {
        while house.mara.get("/ready").await.body["status"] != "draining" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    house.settings.operations.at_once.cancel();
    let (ended, _dir) = house.stop().await;
    ended.expect("an end in order");
    // Answered or cut: what matters is that nobody waits.
    let _ = within("the call", call).await;
}

async fn a_second_server_on_the_same_data_is_refused_at_once() {
    let house = House::start().await;
    let machines = || -> Arc<dyn Provider> { Arc::new(FakeProvider::default()) };
    let begun = Instant::now();
    let mut same = Settings::new(house.data());
    same.listen = house.mara.base.trim_start_matches("http://").parse().expect("an address");
    let machines_too = machines();
    let refused = serve_with(same.clone(), |_, _| machines_too, CancellationToken::new()).await.expect_err("taken");
    assert!(refused.to_string().contains("another server works in"), "{refused}");
    same.listen.set_port(0);
    same.database_url = house.settings.database_url.clone();
    let refused = serve_with(same, |_, _| machines(), CancellationToken::new()).await.expect_err("taken");
    assert!(refused.to_string().contains("another server works in"), "{refused}");
    if let Some(url) = &house.settings.database_url {
        let elsewhere = tempfile::tempdir().expect("a folder");
        let mut settings = Settings::new(elsewhere.path().join("data"));
        settings.database_url = Some(url.clone());
        let refused = serve_with(settings, |_, _| machines(), CancellationToken::new()).await.expect_err("taken");
        assert_eq!(refused.to_string(), "another server works with this database");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    house.mara.get("/api/v1/auth/me").await.ok();
}

async fn everything_that_matters_leaves_a_line_in_the_audit() {
    let house = House::start().await;
    let tenant = house.mara.tenant().await;
    let actions = || async {
        let store = store::open(&house.settings).await;
        let actions = audit::actions(&mut store.read().await.expect("a reader"), &tenant).await.expect("actions");
        store.close().await;
        actions
    };
    let mut known = actions().await;
    assert_eq!(known, ["created"]);
    let mut expect = async |action: &str| {
        let now = actions().await;
        let new: Vec<&String> = now.iter().filter(|action| !known.contains(action)).collect();
        assert_eq!(new, [action], "{now:?}");
        known = now;
    };
    house.mara.push(&tenant, "one").await;
    expect("registry_token").await;
    house.mara.deploy(&tenant).await.ok();
    expect("deploy").await;
    house.mara.post(&path(&tenant, "/secrets"), json!({ "key": "KEY", "value": "hunter2" })).await.ok();
    house.mara.wait_for_phase(&tenant, "running").await;
    let set = actions().await;
    assert!(set.iter().any(|action| action.starts_with("secret_set KEY")), "{set:?}");
    assert!(!set.iter().any(|action| action.contains("hunter2")));
    known = set;
    let mut expect = async |action: &str| {
        let now = actions().await;
        let new: Vec<&String> = now.iter().filter(|action| !known.contains(action)).collect();
        assert_eq!(new, [action], "{now:?}");
        known = now;
    };
    house.mara.call(Method::PATCH, &path(&tenant, ""), Some(json!({ "name": "orchard" }))).await.ok();
    expect("rename").await;
    house.mara.post(&path(&tenant, "/suspend"), json!({})).await.ok();
    expect("suspend").await;
    house.mara.post(&path(&tenant, "/activate"), json!({})).await.ok();
    house.mara.wait_for_phase(&tenant, "running").await;
    expect("activate").await;
    house.mara.delete(&path(&tenant, "")).await.ok();
    expect("delete").await;

    // A retry, of a tenant whose first phase fails.
    house.provider.fail("create_volume", tenantry::server::provider::fake::Fault::Before);
    let session = house.mara.checkout().await;
    house.mara.pay(&session).await;
    let events = house.mara.stream(&Person::session_events(&session), None).await.rest().await;
    let failed = text(&events.last().expect("events").data["tenant_id"]);
    house.mara.post(&path(&failed, "/retry-provision"), json!({})).await.ok();
    let store = store::open(&house.settings).await;
    let actions = audit::actions(&mut store.read().await.expect("a reader"), &failed).await.expect("actions");
    store.close().await;
    assert_eq!(actions, ["created", "retry"]);
}

//! Failures that are asked for over HTTP: each does what it says, as often as it was asked to, and is counted.

use crate::support::{House, MARA, NILS, Person, digest, text, words};
use futures_util::StreamExt as _;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        steps_of_phase_one_fail_and_wait_by_name_and_number,
        steps_of_a_deploy_fail_and_the_version_before_goes_on,
        a_stream_breaks_off_after_an_event_and_goes_on_without_a_gap,
        answers_break_off_after_a_byte,
        a_webhook_comes_again_and_as_the_other_event,
        logins_expire_until_the_next_login,
        the_next_calls_of_any_path_are_answered,
        what_cannot_be_asked_for_is_refused,
    ]
}

async fn open() -> House {
    House::start_with(|settings| settings.serve_faults = true).await
}

async fn arm(person: &Person, fault: Value) {
    let answer = person.post("/_faults", fault.clone()).await;
    assert_eq!(answer.status, 201, "{fault} {}", answer.body);
}

/// How often each armed fault struck, in order.
async fn struck(person: &Person) -> Vec<u64> {
    let armed = person.get("/_faults").await.ok()["data"].clone();
    armed.as_array().expect("a list").iter().map(|fault| fault["struck"].as_u64().expect("a number")).collect()
}

async fn steps_of_phase_one_fail_and_wait_by_name_and_number() {
    let house = open().await;
    let mara = &house.mara;
    for (step, word) in [(json!(1), "database"), (json!(4), "volume_created"), (json!("ip_allocated"), "ip_allocated")]
    {
        arm(mara, json!({ "fault": "fail_step", "step": step })).await;
        let session = mara.checkout().await;
        mara.pay(&session).await;
        let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
        assert_eq!(words(&events).last(), Some(&format!("provisioning_failed/{word}")));
    }
    arm(mara, json!({ "fault": "delay_step", "step": 2, "ms": 300 })).await;
    let begun = Instant::now();
    mara.tenant().await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(struck(mara).await, [1, 1, 1, 1]);
    // The short form, as it was from the beginning.
    arm(mara, json!({ "step": "app_created", "times": 3 })).await;
    let last = mara.get("/_faults").await.ok()["data"][4].clone();
    assert_eq!(
        (&last["fault"], &last["step"], &last["times"]),
        (&json!("fail_step"), &json!("app_created"), &json!(3))
    );
}

async fn steps_of_a_deploy_fail_and_the_version_before_goes_on() {
    let house = open().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let before = house.provider.world().machines;
    for (number, step) in
        [(7, "machine_create"), (8, "machine_started"), (9, "secrets_configured"), (10, "machine_switch")]
    {
        mara.push(&id, step).await;
        arm(mara, json!({ "fault": "fail_step", "step": number })).await;
        mara.deploy(&id).await.refused(500, None);
        let tenant = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
        assert_eq!((text(&tenant["phase"]).as_str(), &house.provider.world().machines), ("running", &before), "{step}");
        assert!(text(&tenant["last_error"]).contains("failed on demand"), "{tenant}");
    }
    assert_eq!(struck(mara).await, [1, 1, 1, 1]);
    mara.deploy(&id).await.ok();
    assert_ne!(house.provider.world().machines, before);
}

async fn a_stream_breaks_off_after_an_event_and_goes_on_without_a_gap() {
    let house = open().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let path = Person::session_events(&session);
    let whole = mara.stream(&path, None).await.rest().await;
    for after in 0..whole.len() {
        arm(mara, json!({ "fault": "cut_answer", "path": "/api/v1/checkout/*/events", "after_events": after })).await;
        let (body, broken) = body_of(mara, &path).await;
        assert!(broken, "after {after}");
        let frames: Vec<_> = body.split_inclusive("\n\n").filter_map(crate::support::read_frame).collect();
        assert_eq!(frames, whole[..after]);
        let last = frames.last().map_or(Some("0".to_owned()), |frame| frame.id.clone());
        assert_eq!(mara.stream(&path, last.as_deref()).await.rest().await, whole[after..]);
    }
    assert_eq!(struck(mara).await, vec![1; whole.len()]);
}

/// What came of an answer, and whether it broke off.
async fn body_of(person: &Person, path: &str) -> (String, bool) {
    let answer = person.request(reqwest::Method::GET, path).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
    let (mut stream, mut body) = (answer.bytes_stream(), Vec::new());
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => body.extend_from_slice(&piece),
            Err(_) => return (String::from_utf8(body).expect("text"), true),
        }
    }
    (String::from_utf8(body).expect("text"), false)
}

async fn answers_break_off_after_a_byte() {
    let house = open().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let logs = format!("/api/v1/tenants/{id}/logs?follow=true");
    arm(mara, json!({ "fault": "cut_answer", "path": "/api/v1/tenants/*/logs", "after_bytes": 20 })).await;
    let (body, broken) = body_of(mara, &logs).await;
    assert_eq!((body.len(), broken), (20, true), "{body}");

    let token = mara.get(&format!("/api/v1/tenants/{id}/registry-token")).await.ok()["data"].clone();
    let content = "a layer of no importance";
    let blob = digest(content.as_bytes());
    let v2 = format!("{}/v2/{}/blobs", mara.base, text(&token["repository"]));
    let call = |request: reqwest::RequestBuilder| request.basic_auth("x", Some(text(&token["token"]))).send();
    let put = call(mara.http.post(format!("{v2}/uploads/?digest={blob}")).body(content)).await.expect("an answer");
    assert_eq!(put.status(), 201);
    arm(mara, json!({ "fault": "cut_answer", "path": "/v2/*/blobs/*", "after_bytes": 7 })).await;
    let answer = call(mara.http.get(format!("{v2}/{blob}"))).await.expect("an answer");
    assert_eq!(answer.headers()["content-length"], content.len().to_string().as_str());
    assert!(answer.bytes().await.is_err());
    let answer = call(mara.http.get(format!("{v2}/{blob}"))).await.expect("an answer");
    assert_eq!(answer.bytes().await.expect("all of it"), content);
    // One that is smaller passes, and does not count.
    arm(mara, json!({ "fault": "cut_answer", "path": "/api/v1/auth/me", "after_bytes": 1_000_000 })).await;
    mara.get("/api/v1/auth/me").await.ok();
    assert_eq!(struck(mara).await, [1, 1, 0]);
}

async fn a_webhook_comes_again_and_as_the_other_event() {
    let house = open().await;
    let mara = &house.mara;
    let mut notices = 0;
    for (bought, (copies, other)) in [(2, None), (0, Some("before")), (1, Some("after"))].into_iter().enumerate() {
        arm(mara, json!({ "fault": "repeat_webhook", "copies": copies, "other_type": other })).await;
        mara.tenant().await;
        let tenants = mara.get("/api/v1/tenants").await.ok()["data"].clone();
        assert_eq!(tenants.as_array().map(Vec::len), Some(bought + 1), "{copies} {other:?}");
        notices += if other.is_some() { 2 } else { 1 };
        let store = crate::store::open(&house.settings).await;
        // The one that follows is still on its way when the tenant is there already.
        crate::support::within("the other event", async {
            while seen(&store).await != notices {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        store.close().await;
    }
    assert_eq!(struck(mara).await, [1, 1, 1]);
}

/// How many different webhooks came.
async fn seen(store: &tenantry::server::store::Store) -> i64 {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM webhook_events");
    query.fetch_one(&mut *store.read().await.expect("a connection")).await.expect("a number")
}

async fn logins_expire_until_the_next_login() {
    let house = open().await;
    let mara = &house.mara;
    let nils = house.person(NILS, 3600).await;
    arm(mara, json!({ "fault": "expire", "user": MARA })).await;
    mara.get("/api/v1/auth/me").await.refused(401, None);
    mara.get("/api/v1/tenants").await.refused(401, None);
    nils.get("/api/v1/auth/me").await.ok();
    let again = house.person(MARA, 3600).await;
    again.get("/api/v1/auth/me").await.ok();
    assert_eq!(struck(mara).await, [2]);
    arm(mara, json!({ "fault": "expire" })).await;
    for person in [&again, &nils] {
        person.get("/api/v1/auth/me").await.refused(401, None);
    }
    assert_eq!(mara.delete("/_faults").await.status, 204);
    mara.get("/api/v1/auth/me").await.ok();
}

async fn the_next_calls_of_any_path_are_answered() {
    let house = open().await;
    let mara = &house.mara;
    for (status, code) in [(429, "rate_limited"), (500, "internal_error"), (503, "service_unavailable")] {
        arm(mara, json!({ "fault": "answer", "path": "**", "status": status, "times": 2 })).await;
        for path in ["/api/v1/tenants", "/api/v1/auth/me"] {
            assert_eq!(mara.get(path).await.refused(status, None)["error"]["code"], code);
        }
        mara.get("/api/v1/tenants").await.ok();
    }
    assert_eq!(struck(mara).await, [2, 2, 2]);
}

async fn what_cannot_be_asked_for_is_refused() {
    let house = open().await;
    for fault in [
        json!({ "fault": "fail_step", "step": 0 }),
        json!({ "fault": "fail_step", "step": 11 }),
        json!({ "fault": "delay_step", "step": "coffee", "ms": 1 }),
        json!({ "fault": "fail_step", "step": 1, "path": "/x" }),
        json!({ "fault": "cut_answer", "path": "/x" }),
        json!({ "fault": "cut_answer", "after_bytes": 1 }),
    ] {
        house.mara.post("/_faults", fault).await.refused(400, None);
    }
    house.mara.post("/_faults", json!({ "fault": "chatter", "tenant": "t", "per_second": 1 })).await.refused(404, None);
    assert_eq!(house.mara.get("/_faults").await.ok(), json!({ "data": [] }));
}

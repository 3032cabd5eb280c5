//! The machine between two deploys: secrets that reach it, restarts, suspending, other memory, its end; and the
//! record of deploys.

use crate::support::{Answer, House, Person, text, within, words};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tenantry::server::provider::fake::Fault;
use tenantry::server::store::audit;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        secrets_reach_the_next_machine_and_nobody_else,
        secrets_have_rules_and_refusals_do_not_repeat_them,
        a_restart_runs_the_same_image_and_fails_as_the_state_machine_says,
        a_suspended_tenant_keeps_everything_and_comes_back,
        the_end_of_the_server_leaves_suspended_and_restarting_tenants_in_order,
        name_and_memory_can_be_changed,
        deploys_are_listed_newest_first,
        a_machine_that_ends_is_a_failed_deploy_until_it_runs_again,
        callers_that_leave_at_once_leave_nothing_half_done,
        faults_are_served_only_where_they_were_asked_for,
        calls_fail_on_demand,
        a_blob_comes_cheaply_from_the_owners_other_tenant_and_a_deleted_tenants_token_is_over,
    ]
}

const RESTART: [&str; 3] =
    ["vm_provisioning_progress/machine_stopped", "vm_provisioning_progress/machine_started", "tenant_ready/"];

fn at(id: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{id}{rest}")
}

async fn record(mara: &Person, id: &str) -> Value {
    mara.get(&at(id, "")).await.ok()["data"].clone()
}

async fn restart_required(mara: &Person, id: &str) -> bool {
    mara.get(&at(id, "/status")).await.ok()["data"]["restart_required"].as_bool().expect("yes or no")
}

async fn put(mara: &Person, id: &str, query: &str, secrets: Value) -> Answer {
    mara.call(Method::PUT, &at(id, &format!("/secrets{query}")), Some(json!({ "secrets": secrets }))).await
}

async fn patch(mara: &Person, path: &str, body: Value) -> Answer {
    mara.call(Method::PATCH, path, Some(body)).await
}

/// What the tenant's machine was started with.
async fn started_with(house: &House, id: &str) -> BTreeMap<String, String> {
    let machine = text(&record(&house.mara, id).await["fly_machine_id"]);
    house.provider.world().environments[&machine].iter().cloned().collect()
}

async fn secrets_reach_the_next_machine_and_nobody_else() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let list = at(&id, "/secrets");
    assert_eq!(mara.get(&list).await.ok(), json!({ "keys": [] }));
    let set = mara.post(&list, json!({ "key": "OPENAI_API_KEY", "value": "sk-first" })).await;
    assert_eq!((set.status.as_u16(), text(&set.body["data"]["key"])), (201, "OPENAI_API_KEY".into()));
    assert!(set.body["data"]["updated_at"].is_string());
    let again = mara.post(&list, json!({ "key": "OPENAI_API_KEY", "value": "sk-second" })).await;
    assert_eq!(again.status, 200);
    // Managed names are dropped from a bulk call without a word.
    let bulk = json!({ "SYSTEMPROMPT_API_TOKEN": "t0ken", "DATABASE_URL": "postgres://stale", "GITHUB_TOKEN": "gh-1" });
    assert_eq!(put(mara, &id, "", bulk).await.status, 204);
    let keys = json!(["GITHUB_TOKEN", "OPENAI_API_KEY", "SYSTEMPROMPT_API_TOKEN"]);
    assert_eq!(mara.get(&list).await.ok()["keys"], keys);
    // A second bulk call merges.
    assert_eq!(put(mara, &id, "", json!({ "OPENAI_API_KEY": "sk-third" })).await.status, 204);
    assert_eq!(mara.get(&list).await.ok()["keys"], keys);
    let one = mara.get(&at(&id, "/secrets/OPENAI_API_KEY")).await.ok()["data"].clone();
    assert_eq!((text(&one["key"]), text(&one["value"])), ("OPENAI_API_KEY".into(), "********".into()));
    assert!(!restart_required(mara, &id).await, "nothing runs yet");

    mara.push(&id, "one").await;
    mara.deploy(&id).await.ok();
    let environment = started_with(&house, &id).await;
    assert_eq!(environment["OPENAI_API_KEY"], "sk-third");
    assert_eq!(environment["SYSTEMPROMPT_API_TOKEN"], "t0ken");
    assert!(environment["DATABASE_URL"].contains("@sp-postgres-sandbox.internal"), "the server's own word wins");
    assert!(!restart_required(mara, &id).await);

    // The same value changes nothing, another one waits for the next start.
    assert_eq!(put(mara, &id, "?restart=true", json!({ "GITHUB_TOKEN": "gh-1" })).await.status, 204);
    assert!(!restart_required(mara, &id).await);
    let changed = patch(mara, &at(&id, "/secrets/GITHUB_TOKEN"), json!({ "value": "gh-2" })).await;
    assert_eq!(text(&changed.ok()["data"]["key"]), "GITHUB_TOKEN");
    assert!(restart_required(mara, &id).await);
    assert_eq!(started_with(&house, &id).await["GITHUB_TOKEN"], "gh-1");
    assert_eq!(put(mara, &id, "?restart=true", json!({ "GITHUB_TOKEN": "gh-2" })).await.status, 204);
    mara.wait_for_phase(&id, "running").await;
    assert_eq!(started_with(&house, &id).await["GITHUB_TOKEN"], "gh-2");
    assert!(!restart_required(mara, &id).await);

    assert_eq!(mara.delete(&at(&id, "/secrets/OPENAI_API_KEY?restart=true")).await.status, 204);
    mara.wait_for_phase(&id, "running").await;
    assert!(!started_with(&house, &id).await.contains_key("OPENAI_API_KEY"));
    mara.delete(&at(&id, "/secrets/OPENAI_API_KEY")).await.refused(404, Some("secret_missing"));
    mara.get(&at(&id, "/secrets/OPENAI_API_KEY")).await.refused(404, Some("secret_missing"));
    patch(mara, &at(&id, "/secrets/OPENAI_API_KEY"), json!({ "value": "x" }))
        .await
        .refused(404, Some("secret_missing"));
    mara.get(&at(&id, "/secrets/DATABASE_URL")).await.refused(404, Some("secret_missing"));

    // Names in the audit, and no value anywhere at rest.
    let store = crate::store::open(&house.settings).await;
    let actions = audit::actions(&mut store.read().await.expect("a reader"), &id).await.expect("the audit");
    store.close().await;
    for action in ["secret_set OPENAI_API_KEY", "secret_set GITHUB_TOKEN", "secret_removed OPENAI_API_KEY", "restart"] {
        assert!(actions.iter().any(|written| written == action), "{action}: {actions:?}");
    }
    for entry in std::fs::read_dir(house.data()).expect("a list").flatten() {
        if entry.file_type().expect("a type").is_file() {
            let bytes = std::fs::read(entry.path()).expect("read");
            for value in ["sk-third", "gh-2", "t0ken"] {
                assert!(!bytes.windows(value.len()).any(|part| part == value.as_bytes()), "{}", entry.path().display());
            }
        }
    }
}

async fn secrets_have_rules_and_refusals_do_not_repeat_them() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let list = at(&id, "/secrets");
    let one = |key: &str, value: Value| json!({ "key": key, "value": value });
    for key in ["lower_case", "_X", "9X", "A-B", "", "DATABASE_URL", "TENANT_ID", "FLY_APP_NAME"] {
        mara.post(&list, one(key, json!("v"))).await.refused(422, Some("key_not_allowed"));
    }
    patch(mara, &at(&id, "/secrets/JWT_SECRET"), json!({ "value": "v" })).await.refused(422, Some("key_not_allowed"));
    mara.delete(&at(&id, "/secrets/JWT_SECRET")).await.refused(422, Some("key_not_allowed"));
    put(mara, &id, "", json!({ "GOOD": "v", "bad-key": "v" })).await.refused(422, Some("key_not_allowed"));
    mara.post(&list, one("LARGE", json!("s3cret".repeat(6000)))).await.refused(422, Some("value_not_allowed"));
    mara.post(&list, one("ZERO", json!("s3cret\u{0}"))).await.refused(422, Some("value_not_allowed"));
    // Nothing of what was refused as a whole is kept.
    assert_eq!(mara.get(&list).await.ok(), json!({ "keys": [] }));
    mara.post(&list, one("FITS", json!("v".repeat(32 * 1024)))).await.ok();
    for malformed in
        [json!({ "secrets": "s3cret" }), json!({ "secrets": { "A": { "s3cret": 1 } } }), json!(["s3cret"]), json!({})]
    {
        let refused = mara.call(Method::PUT, &list, Some(malformed)).await.refused(400, None);
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
    let many: BTreeMap<String, String> = (0..260).map(|number| (format!("K{number}"), "v".into())).collect();
    put(mara, &id, "", json!(many)).await.refused(422, Some("too_many_secrets"));
    let heavy: BTreeMap<String, String> = (0..30).map(|number| (format!("K{number}"), "v".repeat(32_000))).collect();
    put(mara, &id, "", json!(heavy)).await.refused(422, Some("too_many_secrets"));
    let large: BTreeMap<String, String> = (0..10).map(|number| (format!("K{number}"), "v".repeat(32_000))).collect();
    assert_eq!(put(mara, &id, "", json!(large)).await.status, 204, "more than any other call may bring");
    let shown = mara.get(&at(&id, "/environment")).await.ok()["data"]["variables"].clone();
    let shown = shown.as_array().expect("a list");
    let of = |key: &str| shown.iter().find(|entry| entry["key"] == key).expect(key).clone();
    assert_eq!(of("FITS"), json!({ "key": "FITS", "value": "********", "secret": true, "managed": false }));
    assert_eq!(
        of("DATABASE_URL"),
        json!({ "key": "DATABASE_URL", "value": "********", "secret": true, "managed": true })
    );
    assert_eq!(of("PORT"), json!({ "key": "PORT", "value": "8080", "secret": false, "managed": true }));
}

async fn a_restart_runs_the_same_image_and_fails_as_the_state_machine_says() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let restart = at(&id, "/restart");
    mara.post(&restart, Value::Null).await.refused(400, Some("no_machine"));
    let digest = mara.push(&id, "one").await;
    let deployed = mara.deploy(&id).await.ok()["data"].clone();
    // Pushed, and not deployed: a restart does not take it.
    mara.push(&id, "two").await;
    let before = record(mara, &id).await;
    let mut stream = mara.stream(&at(&id, "/events?follow=true"), None).await;
    stream.next().await.expect("the snapshot");
    house.provider.hold();
    assert_eq!(mara.post(&restart, Value::Null).await.ok(), json!({ "status": "restarting" }));
    assert_eq!(mara.post(&restart, Value::Null).await.ok(), json!({ "status": "restarting" }), "repeated");
    assert_eq!(mara.phase(&id).await, "restarting");
    mara.deploy(&id).await.refused(409, Some("operation_running"));
    mara.post(&at(&id, "/suspend"), Value::Null).await.refused(409, Some("operation_running"));
    house.provider.release();
    mara.wait_for_phase(&id, "running").await;
    let mut told = Vec::new();
    for _ in RESTART {
        told.push(stream.next().await.expect("an event"));
    }
    assert_eq!(words(&told), RESTART);
    let after = record(mara, &id).await;
    assert_ne!(after["fly_machine_id"], deployed["machine_id"]);
    assert_eq!((&after["image_digest"], &after["deployed_at"]), (&json!(digest), &before["deployed_at"]));
    let machine = text(&after["fly_machine_id"]);
    assert!(house.provider.world().machines[&machine].1.ends_with(&digest));

    // What does not start is told, and the machine from before comes back.
    house.provider.fail("create_machine", Fault::Before);
    mara.post(&restart, Value::Null).await.ok();
    mara.wait_for_phase(&id, "failed_deploy").await;
    let world = house.provider.world();
    assert_eq!((world.machines.keys().collect::<Vec<_>>(), world.stopped.len()), (vec![&machine], 0));
    assert!(text(&record(mara, &id).await["last_error"]).starts_with("machine: "));
    mara.post(&restart, Value::Null).await.ok();
    mara.wait_for_phase(&id, "running").await;
    within("the end of the machine from before", async {
        while house.provider.world().machines.len() != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn a_suspended_tenant_keeps_everything_and_comes_back() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let machine = text(&record(mara, &id).await["fly_machine_id"]);
    let url = text(&record(mara, &id).await["app_url"]);
    mara.post(&at(&id, "/activate"), Value::Null).await.refused(409, None);
    let suspended = mara.post(&at(&id, "/suspend"), Value::Null).await.ok();
    assert_eq!(suspended["data"]["status"], "suspended");
    let shown = record(mara, &id).await;
    assert_eq!(
        (text(&shown["status"]), text(&shown["fly_status"]), text(&shown["subscription_status"])),
        ("suspended".into(), "stopped".into(), "paused".into())
    );
    assert!(house.provider.world().stopped.contains(&machine));
    assert_eq!(mara.http.get(&url).send().await.expect("an answer").status(), 503);
    let refused = mara.post(&at(&id, "/suspend"), Value::Null).await.refused(409, None);
    assert_eq!(refused["error"]["code"], "invalid_state");
    for path in ["/restart", "/retry-provision"] {
        let refused = mara.post(&at(&id, path), Value::Null).await.refused(409, None);
        assert_eq!(refused["error"]["code"], "invalid_state", "{path}");
    }
    mara.deploy(&id).await.refused(409, None);
    assert_eq!(put(mara, &id, "?restart=true", json!({ "NEW": "value" })).await.status, 204);
    assert_eq!(mara.phase(&id).await, "suspended");

    assert_eq!(mara.post(&at(&id, "/activate"), Value::Null).await.ok()["data"]["status"], "active");
    mara.wait_for_phase(&id, "running").await;
    let shown = record(mara, &id).await;
    assert_eq!((text(&shown["app_url"]), text(&shown["subscription_status"])), (url, "active".into()));
    assert_eq!(started_with(&house, &id).await["NEW"], "value");

    let fresh = mara.tenant().await;
    mara.post(&at(&fresh, "/suspend"), Value::Null).await.ok();
    mara.post(&at(&fresh, "/activate"), Value::Null).await.ok();
    assert_eq!(mara.phase(&fresh).await, "awaiting_deploy");
}

async fn the_end_of_the_server_leaves_suspended_and_restarting_tenants_in_order() {
    // A range of its own, so that no other test's server takes a port while this one is down.
    let house = House::start_with(|settings| settings.ports = 3900..=3909).await;
    let (asleep, busy) = (house.mara.running("one").await, house.mara.running("two").await);
    let machine = |record: &Value| text(&record["fly_machine_id"]);
    let (asleep_machine, busy_machine) =
        (machine(&record(&house.mara, &asleep).await), machine(&record(&house.mara, &busy).await));
    house.provider.fail("stop_machine", Fault::Before);
    let suspended = house.mara.post(&at(&asleep, "/suspend"), Value::Null).await.ok();
    assert!(text(&suspended["data"]["message"]).contains("could not be stopped"), "{suspended}");
    house.provider.hold();
    house.mara.post(&at(&busy, "/restart"), Value::Null).await.ok();
    within("the stopped machine", async {
        while !house.provider.world().stopped.contains(&busy_machine) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let house = house.restart().await;
    house.provider.release();
    assert_eq!(house.mara.phase(&asleep).await, "suspended");
    assert_eq!(house.mara.phase(&busy).await, "failed_deploy");
    within("the machine from before", async {
        while house.provider.world().stopped.contains(&busy_machine) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(house.provider.world().stopped.contains(&asleep_machine), "what could not be stopped is stopped now");
    for (id, path) in [(&asleep, "/activate"), (&busy, "/restart")] {
        house.mara.post(&at(id, path), Value::Null).await.ok();
        house.mara.wait_for_phase(id, "running").await;
    }
}

async fn name_and_memory_can_be_changed() {
    let house = House::start().await;
    let mara = &house.mara;
    let (id, other) = (mara.running("one").await, mara.tenant().await);
    let path = at(&id, "");
    let change = |body: Value| patch(mara, &path, body);
    assert_eq!(change(json!({ "name": " Orchard ", "metadata": {} })).await.ok()["data"]["name"], "Orchard");
    assert!(restart_required(mara, &id).await, "the machine knows its tenant's name");
    for name in ["", " ", "a\u{7}b", &"n".repeat(65)] {
        change(json!({ "name": name })).await.refused(422, None);
    }
    patch(mara, &at(&other, ""), json!({ "name": "Orchard" })).await.refused(409, Some("name_taken"));
    for memory in [0, 300, 2048] {
        change(json!({ "memory_mb": memory })).await.refused(422, Some("memory_not_offered"));
    }
    let machine = text(&record(mara, &id).await["fly_machine_id"]);
    assert_eq!(change(json!({ "memory_mb": 1024 })).await.ok()["data"]["phase"], "running", "the same as before");
    assert_eq!(change(json!({ "memory_mb": 512 })).await.ok()["data"]["memory_mb"], 512);
    mara.wait_for_phase(&id, "running").await;
    assert_ne!(record(mara, &id).await["fly_machine_id"], machine.as_str());
    assert_eq!(started_with(&house, &id).await["TENANT_NAME"], "Orchard");
    assert!(!restart_required(mara, &id).await);
    assert_eq!(patch(mara, &at(&other, ""), json!({ "memory_mb": 256 })).await.ok()["data"]["memory_mb"], 256);
    assert_eq!(change(json!({ "status": "suspended" })).await.ok()["data"]["status"], "suspended");
    change(json!({ "status": "active" })).await.ok();
    mara.wait_for_phase(&id, "running").await;
    change(json!({ "status": "gone" })).await.refused(422, None);
    // All of it, or nothing.
    change(json!({ "name": "Half", "status": "active" })).await.refused(409, None);
    change(json!({ "name": "Half", "memory_mb": 256, "status": "suspended" })).await.refused(422, None);
    let now = record(mara, &id).await;
    assert_eq!((&now["name"], &now["memory_mb"], &now["phase"]), (&json!("Orchard"), &json!(512), &json!("running")));
}

async fn deploys_are_listed_newest_first() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let list = at(&id, "/deployments");
    assert_eq!(mara.get(&list).await.ok(), json!({ "data": [] }));
    let mut digests = Vec::new();
    for content in ["one", "two", "three"] {
        digests.insert(0, mara.push(&id, content).await);
        if content == "two" {
            house.provider.fail("create_machine", Fault::Before);
            mara.deploy(&id).await.refused(500, None);
        } else {
            mara.deploy(&id).await.ok();
        }
    }
    mara.post(&at(&id, "/restart"), Value::Null).await.ok();
    mara.wait_for_phase(&id, "running").await;
    let listed = mara.get(&list).await.ok()["data"].clone();
    let listed = listed.as_array().expect("a list");
    assert_eq!(listed.iter().map(|row| text(&row["digest"])).collect::<Vec<_>>(), digests, "a restart is none");
    let statuses: Vec<String> = listed.iter().map(|row| text(&row["status"])).collect();
    assert_eq!(statuses, ["succeeded", "failed", "succeeded"]);
    for row in listed {
        assert_eq!(text(&row["image"]), mara.image(&id).await);
        assert!(
            text(&row["id"]).starts_with("dep_") && row["created_at"].is_string() && row["finished_at"].is_string()
        );
    }
}

async fn a_machine_that_ends_is_a_failed_deploy_until_it_runs_again() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let machine = text(&record(mara, &id).await["fly_machine_id"]);
    let (app, image) = house.provider.world().machines[&machine].clone();
    house.provider.kill(&machine);
    mara.wait_for_phase(&id, "failed_deploy").await;
    let last = mara.stream(&at(&id, "/events"), None).await.rest().await;
    assert_eq!(words(&last), ["provisioning_failed/machine"]);
    house.provider.revive(&machine, &app, &image);
    mara.wait_for_phase(&id, "running").await;
    assert!(record(mara, &id).await["last_error"].is_null());
    house.provider.kill(&machine);
    mara.wait_for_phase(&id, "failed_deploy").await;
    mara.post(&at(&id, "/restart"), Value::Null).await.ok();
    mara.wait_for_phase(&id, "running").await;
}

/// A caller that leaves at any moment leaves no tenant that is busy for ever.
async fn callers_that_leave_at_once_leave_nothing_half_done() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    for pause in 0..40_u64 {
        let (caller, path) = (mara.clone(), at(&id, "/restart"));
        let call = tokio::spawn(async move { caller.post(&path, Value::Null).await.status });
        tokio::time::sleep(std::time::Duration::from_micros(pause * 100)).await;
        call.abort();
        let _ = call.await;
        mara.wait_for_phase(&id, "running").await;
    }
}

async fn faults_are_served_only_where_they_were_asked_for() {
    let house = House::start().await;
    let fault = json!({ "fault": "revoke" });
    house.mara.post("/_faults", fault.clone()).await.refused(404, None);
    house.mara.get("/_faults").await.refused(404, None);
    let house = House::start_with(|settings| settings.serve_faults = true).await;
    let mut nobody = house.mara.clone();
    nobody.token = "not.a.token".into();
    nobody.post("/_faults", fault).await.refused(401, None);
    house.mara.post("/_faults", json!({ "fault": "lose" })).await.refused(400, None);
    house.mara.post("/_faults", json!({ "fault": "unknown", "path": "/" })).await.refused(400, None);
}

async fn calls_fail_on_demand() {
    let house = House::start_with(|settings| settings.serve_faults = true).await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    mara.push(&id, "one").await;
    let arm = |fault: Value| async move { assert_eq!(mara.post("/_faults", fault).await.status, 201) };
    let token = "/api/v1/tenants/*/registry-token";
    arm(json!({ "fault": "answer", "path": token, "status": 429, "retry_after": 7, "times": 1 })).await;
    let refused = mara.request(Method::GET, &at(&id, "/registry-token")).send().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"7".parse().expect("text")));
    mara.get(&at(&id, "/registry-token")).await.ok();

    // Done, and not answered: not even with a status line.
    arm(json!({ "fault": "lose", "path": "/api/v1/tenants/*/deploy", "method": "POST" })).await;
    let image = mara.image(&id).await;
    let deploy = mara.request(Method::POST, &at(&id, "/deploy")).json(&json!({ "image": image }));
    assert!(deploy.send().await.is_err());
    mara.wait_for_phase(&id, "running").await;
    assert_eq!(mara.get(&at(&id, "/deployments")).await.ok()["data"].as_array().map(Vec::len), Some(1));

    let registry = |token: String| mara.http.get(format!("{}/v2/", mara.base)).basic_auth("x", Some(token)).send();
    let token = text(&mara.get(&at(&id, "/registry-token")).await.ok()["data"]["token"]);
    assert_eq!(registry(token.clone()).await.expect("an answer").status(), 200);
    arm(json!({ "fault": "revoke" })).await;
    assert_eq!(registry(token).await.expect("an answer").status(), 401);

    let token = text(&mara.get(&at(&id, "/registry-token")).await.ok()["data"]["token"]);
    let uploads = "/v2/systemprompt-images/blobs/uploads/";
    arm(json!({ "fault": "cut", "path": uploads, "after_bytes": 10 })).await;
    let content = "more than ten bytes";
    let push = |body: &'static str| {
        let url = format!("{}{uploads}?digest={}", mara.base, crate::support::digest(body.as_bytes()));
        mara.http.post(url).basic_auth("x", Some(&token)).body(body).send()
    };
    assert_eq!(push("few bytes").await.expect("an answer").status(), 201);
    assert!(push(content).await.is_err());
    assert_eq!(push(content).await.expect("an answer").status(), 201);
    let struck = mara.get("/_faults").await.ok()["data"].clone();
    assert!(struck.as_array().expect("a list").iter().all(|fault| fault["struck"] == 1), "{struck}");
    assert_eq!(mara.delete("/_faults").await.status, 204);
    assert_eq!(mara.get("/_faults").await.ok(), json!({ "data": [] }));
}

async fn a_blob_comes_cheaply_from_the_owners_other_tenant_and_a_deleted_tenants_token_is_over() {
    let house = House::start().await;
    let mara = &house.mara;
    let (one, two) = (mara.tenant().await, mara.tenant().await);
    let nils = house.person(crate::support::NILS, 60).await;
    let foreign = nils.tenant().await;
    mara.push(&one, "content").await;
    let config = json!({ "architecture": "amd64", "os": "linux", "config": { "Labels": { "content": "content" } },
        "rootfs": { "type": "layers", "diff_ids": [] } })
    .to_string();
    let blob = crate::support::digest(config.as_bytes());
    let token = |person: Person, id: String| async move {
        text(&person.get(&at(&id, "/registry-token")).await.ok()["data"]["token"])
    };
    let mount = |token: String| {
        let path = format!("/v2/systemprompt-images/blobs/uploads/?mount={blob}&from=systemprompt-images");
        let call = mara.http.post(format!("{}{path}", mara.base)).basic_auth("x", Some(token));
        async move { call.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(mount(token(nils.clone(), foreign).await).await, 202, "another owner's");
    let ours = token(mara.clone(), two.clone()).await;
    assert_eq!(mount(ours.clone()).await, 201);
    assert_eq!(mara.delete(&at(&two, "")).await.status, 204);
    assert_eq!(mount(ours).await, 401);
}

//! The protocol's checklist for conformance (its section L), points 1 to 3: every path answers, every answer has its
//! envelope, and the closed sets hold in every phase. The other points are the subject of files of their own: 4 `flow`
//! and `streams`, 5 and 7 `rules`, 6 `rules` and `payments`, 8 `rules` and `databases`, 9 `flow`, 10 `phases`, 11 and 12 `rules`.
//! Points 4, 5, 7 and 9 run on the real engine too (the engine's tests, `checklist`).

use crate::support::{Answer, House, Person, text};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tenantry::server::provider::fake::Fault;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        every_path_of_the_reference_answers,
        every_answer_has_its_envelope,
        closed_sets_hold_in_every_phase_as_the_published_client_reads_them,
        closed_sets_hold_in_every_phase_of_a_strict_server,
    ]
}

const TENANT: &str = "/api/v1/tenants/{id}";

/// The paths of the reference's section B.0, and their older names: number, method, path, body.
fn reference() -> Vec<(u8, &'static str, String, Option<Value>)> {
    let none = || None::<Value>;
    let tenant = |rest: &str| format!("{TENANT}{rest}");
    let checkout = json!({ "price_id": "pri_sbx_basic", "region": "fra" });
    vec![
        (1, "GET", "/api/v1/auth/oauth/github?redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback".into(), none()),
        (1, "GET", "/api/v1/auth/oauth/google?redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback".into(), none()),
        (2, "GET", "/api/v1/auth/me".into(), none()),
        (
            3,
            "POST",
            "/api/v1/activity".into(),
            Some(json!({ "event": "cloud_login", "timestamp": "2026-01-09T09:58:00Z", "data": { "user_id": "x" } })),
        ),
        (4, "POST", "/api/v1/core/oauth/token".into(), Some(json!({}))),
        (5, "GET", "/api/v1/checkout/plans".into(), none()),
        (5, "GET", "/api/v1/plans".into(), none()),
        (6, "POST", "/api/v1/checkout".into(), Some(checkout.clone())),
        (7, "GET", "/api/v1/checkout/{session}/events".into(), none()),
        (8, "GET", "/api/v1/checkout/complete?checkout_session_id={session}".into(), none()),
        (9, "POST", "/api/v1/webhooks/paddle".into(), Some(json!({}))),
        (9, "POST", "/webhooks/paddle".into(), Some(json!({}))),
        (10, "GET", "/api/v1/tenants".into(), none()),
        (11, "GET", tenant(""), none()),
        (12, "PATCH", tenant(""), Some(json!({ "memory_mb": 1024 }))),
        (16, "GET", tenant("/status"), none()),
        (17, "GET", tenant("/events"), none()),
        (18, "GET", tenant("/environment"), none()),
        (19, "GET", tenant("/registry-token"), none()),
        (20, "POST", tenant("/deploy"), Some(json!({ "image": "x" }))),
        (22, "POST", tenant("/retry-provision"), none()),
        (23, "GET", tenant("/logs"), none()),
        (24, "POST", tenant("/rotate-credentials"), none()),
        (24, "PATCH", tenant("/rotate-credentials"), none()),
        (25, "GET", tenant("/credentials/sct_x"), none()),
        (26, "GET", tenant("/secrets"), none()),
        (27, "POST", tenant("/secrets"), Some(json!({ "key": "A", "value": "b" }))),
        (28, "PUT", tenant("/secrets"), Some(json!({ "secrets": { "A": "c" } }))),
        (29, "GET", tenant("/secrets/A"), none()),
        (30, "PATCH", tenant("/secrets/A"), Some(json!({ "value": "d" }))),
        (31, "DELETE", tenant("/secrets/A"), none()),
        (32, "GET", tenant("/metrics"), none()),
        (33, "GET", tenant("/metrics/history"), none()),
        (34, "GET", tenant("/subscription"), none()),
        (35, "POST", tenant("/subscription"), Some(json!({ "price_id": "pri_sbx_pro" }))),
        (37, "PUT", tenant("/external-db-access"), Some(json!({ "enabled": true }))),
        (37, "POST", tenant("/external-db-access"), Some(json!({ "enabled": false }))),
        (38, "GET", tenant("/custom-domain"), none()),
        (38, "POST", tenant("/custom-domain"), Some(json!({ "domain": "app.orchard.example" }))),
        (38, "DELETE", tenant("/custom-domain"), none()),
        (41, "GET", tenant("/deployments"), none()),
        (21, "POST", tenant("/restart"), none()),
        (14, "POST", tenant("/suspend"), none()),
        (15, "POST", tenant("/activate"), none()),
        (36, "POST", tenant("/subscription/cancel"), none()),
        (13, "DELETE", tenant(""), none()),
        (40, "GET", "/v2/".into(), none()),
    ]
}

/// True when an answer says that nothing is at this path, or that it does not know this method.
fn is_missing(answer: &Answer) -> bool {
    let message = answer.body["error"]["message"].as_str().unwrap_or_default();
    answer.status == 405 || (answer.status == 404 && message == "there is nothing at this path")
}

async fn every_path_of_the_reference_answers() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let session = mara.checkout().await;
    for (number, method, path, body) in reference() {
        let path = path.replace("{id}", &id).replace("{session}", &text(&session["checkout_session_id"]));
        let method: Method = method.parse().expect("a method");
        if path.contains(&format!("checkout/{}", text(&session["checkout_session_id"]))) {
            // Stays open until somebody pays.
            let stream = mara.stream(&path, None).await;
            drop(stream);
            continue;
        }
        let answer = mara.call(method.clone(), &path, body).await;
        assert!(!is_missing(&answer), "B.{number}: {method} {path} is not there: {}", answer.body);
        assert!(!answer.status.is_server_error(), "B.{number}: {method} {path}: {} {}", answer.status, answer.body);
    }
    // The test itself can tell: a path that is not there says so, in the error form.
    let nothing = mara.get("/api/v1/nothing").await;
    assert!(is_missing(&nothing));
    assert_eq!(nothing.refused(404, None)["error"]["code"], "not_found");
    let wrong = mara.delete("/api/v1/tenants").await;
    assert!(is_missing(&wrong));
    wrong.refused(405, None);
    // Only history now (B.39): no sync, no token for it.
    let id = mara.tenant().await;
    mara.post(&format!("/api/v1/tenants/{id}/rotate-sync-token"), Value::Null).await.refused(404, None);
}

/// The envelopes of the protocol's section A.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `{"data": {..}}` with these members.
    Data(&'static [&'static str]),
    /// `{"data": [..]}`
    List,
    /// `[..]`
    Array,
    /// `{..}` with these members, and no `data`.
    Bare(&'static [&'static str]),
    /// 2xx without a body.
    Nothing,
    /// `null`
    Null,
}

fn check(what: &str, shape: Shape, answer: &Answer) {
    assert!(answer.status.is_success(), "{what}: {} {}", answer.status, answer.body);
    let members = |object: &Value, wanted: &[&str]| {
        assert!(object.is_object(), "{what}: {object}");
        for name in wanted {
            assert!(!object[*name].is_null(), "{what} has no {name}: {object}");
        }
    };
    match shape {
        Shape::Data(wanted) => members(&answer.body["data"], wanted),
        Shape::List => assert!(answer.body["data"].is_array(), "{what}: {}", answer.body),
        Shape::Array => assert!(answer.body.is_array(), "{what}: {}", answer.body),
        Shape::Bare(wanted) => {
            members(&answer.body, wanted);
            assert!(answer.body.get("data").is_none(), "{what}: {}", answer.body);
        }
        Shape::Nothing => assert_eq!(answer.status, 204, "{what}"),
        Shape::Null => assert_eq!((answer.status.as_u16(), &answer.body), (200, &Value::Null), "{what}"),
    }
}

#[allow(clippy::too_many_lines, reason = "a table")]
async fn every_answer_has_its_envelope() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let at = |rest: &str| format!("/api/v1/tenants/{id}{rest}");
    let domain = json!({ "domain": "app.orchard.example" });
    let oauth = "/api/v1/auth/oauth/github?redirect_uri=http%3A%2F%2F127.0.0.1%3A8765%2Fcallback";
    let record: &[&str] = &[
        "id",
        "name",
        "status",
        "fly_status",
        "phase",
        "fly_app_name",
        "fly_machine_id",
        "fly_volume_id",
        "hostname",
        "internal_hostname",
        "region",
        "memory_mb",
        "volume_gb",
        "plan",
        "subscription_id",
        "subscription_status",
        "external_db_access",
        "database_name",
        "user_name",
        "image",
        "created_at",
        "updated_at",
    ];
    let calls: Vec<(&str, Method, String, Option<Value>, Shape)> = vec![
        ("oauth", Method::GET, oauth.into(), None, Shape::Bare(&["authorize_url"])),
        ("me", Method::GET, "/api/v1/auth/me".into(), None, Shape::Bare(&["user", "customer", "tenants"])),
        ("plans", Method::GET, "/api/v1/checkout/plans".into(), None, Shape::Array),
        (
            "checkout",
            Method::POST,
            "/api/v1/checkout".into(),
            Some(json!({ "price_id": "pri_sbx_basic", "region": "fra" })),
            Shape::Bare(&["checkout_url", "transaction_id", "checkout_session_id"]),
        ),
        ("tenants", Method::GET, "/api/v1/tenants".into(), None, Shape::List),
        ("tenant", Method::GET, at(""), None, Shape::Data(record)),
        ("patch", Method::PATCH, at(""), Some(json!({ "memory_mb": 1024 })), Shape::Data(record)),
        ("status", Method::GET, at("/status"), None, Shape::Data(&["status", "phase", "fly_status", "updated_at"])),
        ("environment", Method::GET, at("/environment"), None, Shape::Data(&["variables"])),
        (
            "registry token",
            Method::GET,
            at("/registry-token"),
            None,
            Shape::Data(&["registry", "username", "token", "repository", "tag"]),
        ),
        ("logs", Method::GET, at("/logs"), None, Shape::Bare(&["logs"])),
        (
            "set",
            Method::POST,
            at("/secrets"),
            Some(json!({ "key": "A", "value": "b" })),
            Shape::Data(&["key", "updated_at"]),
        ),
        ("merge", Method::PUT, at("/secrets"), Some(json!({ "secrets": { "A": "c" } })), Shape::Nothing),
        ("secrets", Method::GET, at("/secrets"), None, Shape::Bare(&["keys"])),
        ("secret", Method::GET, at("/secrets/A"), None, Shape::Data(&["key", "value", "updated_at"])),
        ("change", Method::PATCH, at("/secrets/A"), Some(json!({ "value": "d" })), Shape::Data(&["key", "updated_at"])),
        ("unset", Method::DELETE, at("/secrets/A"), None, Shape::Nothing),
        (
            "metrics",
            Method::GET,
            at("/metrics"),
            None,
            Shape::Data(&["cpu_percent", "memory_used_mb", "memory_limit_mb", "machine_state", "sampled_at"]),
        ),
        ("history", Method::GET, at("/metrics/history"), None, Shape::Data(&["interval_seconds", "points"])),
        (
            "subscription",
            Method::GET,
            at("/subscription"),
            None,
            Shape::Data(&["id", "customer_id", "paddle_subscription_id", "status", "plan", "current_period_start"]),
        ),
        (
            "another plan",
            Method::POST,
            at("/subscription"),
            Some(json!({ "price_id": "pri_sbx_pro" })),
            Shape::Bare(&["checkout_url"]),
        ),
        (
            "external access",
            Method::PUT,
            at("/external-db-access"),
            Some(json!({ "enabled": true })),
            Shape::Data(&["tenant_id", "external_db_access", "database_url"]),
        ),
        (
            "set domain",
            Method::POST,
            at("/custom-domain"),
            Some(domain),
            Shape::Data(&["domain", "status", "dns_target", "dns_instructions"]),
        ),
        ("domain", Method::GET, at("/custom-domain"), None, Shape::Data(&["domain", "status", "dns_target"])),
        ("no domain", Method::DELETE, at("/custom-domain"), None, Shape::Nothing),
        ("deployments", Method::GET, at("/deployments"), None, Shape::List),
    ];
    for (what, method, path, body, shape) in calls {
        check(what, shape, &mara.call(method, &path, body).await);
    }
    let deployed = mara.deploy(&id).await;
    check("deploy", Shape::Data(&["status", "app_url", "url", "machine_id", "deployed_at"]), &deployed);
    check("restart", Shape::Bare(&["status"]), &mara.post(&at("/restart"), Value::Null).await);
    mara.wait_for_phase(&id, "running").await;
    let rotated = mara.post(&at("/rotate-credentials"), Value::Null).await;
    check("rotate", Shape::Bare(&["status", "message", "internal_database_url", "external_database_url"]), &rotated);
    mara.wait_for_phase(&id, "running").await;
    let status = mara.get(&at("/status")).await.ok();
    let link = text(&status["data"]["secrets_url"]);
    let path = link.strip_prefix(&mara.base).expect("the server's own address");
    check("one-time", Shape::Bare(&["database_url", "internal_database_url", "jwt_secret"]), &mara.get(path).await);
    check("suspend", Shape::Data(&["status"]), &mara.post(&at("/suspend"), Value::Null).await);
    check("activate", Shape::Data(&["status"]), &mara.post(&at("/activate"), Value::Null).await);
    mara.wait_for_phase(&id, "running").await;
    let activity =
        json!({ "event": "cloud_logout", "timestamp": "2026-01-09T09:58:00Z", "data": { "user_id": "m@x" } });
    assert!(mara.post("/api/v1/activity", activity).await.status.is_success());
    check("cancel", Shape::Null, &mara.post(&at("/subscription/cancel"), Value::Null).await);
    let other = mara.tenant().await;
    check("delete", Shape::Nothing, &mara.delete(&format!("/api/v1/tenants/{other}")).await);
}

/// Phase, lifecycle, `fly_status`, and the word of `GET status` strict and compatible (protocol F.3). Where a machine was
/// there before, a deploy and its failure keep `running` and `failed`.
const WORDS: [(&str, &str, &[&str], &str, &str); 10] = [
    ("created", "pending", &["pending"], "pending", "provisioning"),
    ("provisioning", "pending", &["pending"], "provisioning", "provisioning"),
    ("awaiting_deploy", "active", &["awaiting_deploy"], "awaiting_deploy", "ready"),
    ("deploying", "active", &["awaiting_deploy", "running"], "deploying", "deploying"),
    ("running", "active", &["running"], "ready", "ready"),
    ("restarting", "active", &["running"], "restarting", "restarting"),
    ("suspended", "suspended", &["stopped"], "suspended", "suspended"),
    ("failed_infra", "pending", &["failed"], "failed", "failed"),
    ("failed_deploy", "active", &["failed"], "failed", "failed"),
    ("deleting", "active", &["stopped", "running", "failed", "awaiting_deploy"], "deleting", "deleting"),
];

/// Compares everything that the API says about a tenant now with its phase; answers the phase.
async fn look(mara: &Person, id: &str, compat: bool, seen: &mut BTreeSet<String>) {
    // The tenant moves while it is looked at: what is compared comes from one answer each.
    let record = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    let phase = text(&record["phase"]);
    let words = |phase: &str| *WORDS.iter().find(|row| row.0 == phase).unwrap_or_else(|| panic!("phase {phase}"));
    let row = words(&phase);
    assert_eq!(record["status"], row.1, "{record}");
    assert!(row.2.contains(&text(&record["fly_status"]).as_str()), "{record}");
    let status = mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok()["data"].clone();
    let row = words(&text(&status["phase"]));
    assert_eq!(status["status"], if compat { row.4 } else { row.3 }, "{status}");
    let me = mara.get("/api/v1/auth/me").await.ok();
    let info = me["tenants"].as_array().and_then(|all| all.iter().find(|info| info["id"] == id)).expect("listed");
    let closed = |key: &str, words: &[&str]| assert!(words.contains(&text(&info[key]).as_str()), "{info}");
    closed("status", &["pending", "active", "suspended", "deleted"]);
    closed("subscription_status", &["active", "trialing", "past_due", "paused", "canceled"]);
    assert!(info["database_url"].is_string() && info["external_db_access"].is_boolean(), "{info}");
    seen.insert(phase);
}

async fn walk(compat: bool) {
    let house = House::start_with(|settings| {
        settings.compat = compat;
        settings.step_delay = std::time::Duration::from_millis(40);
    })
    .await;
    let (mara, provider) = (&house.mara, &house.provider);
    let mut seen = BTreeSet::new();
    provider.fail("create_volume", Fault::Before);
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let list = mara.get("/api/v1/tenants").await.ok();
    let id = text(&list["data"][0]["id"]);
    while !seen.contains("failed_infra") {
        look(mara, &id, compat, &mut seen).await;
    }
    let at = |rest: &str| format!("/api/v1/tenants/{id}{rest}");
    mara.post(&at("/retry-provision"), Value::Null).await.ok();
    while !seen.contains("awaiting_deploy") {
        look(mara, &id, compat, &mut seen).await;
    }
    mara.push(&id, "one").await;
    provider.fail("create_machine", Fault::Before);
    assert!(!mara.deploy(&id).await.status.is_success());
    look(mara, &id, compat, &mut seen).await;
    provider.hold();
    let deploy = {
        let (mara, id) = (mara.clone(), id.clone());
        tokio::spawn(async move { mara.deploy(&id).await })
    };
    while !seen.contains("deploying") {
        look(mara, &id, compat, &mut seen).await;
    }
    provider.release();
    deploy.await.expect("no panic").ok();
    look(mara, &id, compat, &mut seen).await;
    provider.hold();
    mara.post(&at("/restart"), Value::Null).await.ok();
    look(mara, &id, compat, &mut seen).await;
    provider.release();
    mara.wait_for_phase(&id, "running").await;
    mara.post(&at("/suspend"), Value::Null).await.ok();
    look(mara, &id, compat, &mut seen).await;
    let wanted: BTreeSet<String> =
        WORDS.iter().map(|row| row.0.to_owned()).filter(|phase| phase != "created" && phase != "deleting").collect();
    assert!(seen.is_superset(&wanted), "not seen: {:?}", wanted.difference(&seen).collect::<Vec<_>>());
}

async fn closed_sets_hold_in_every_phase_as_the_published_client_reads_them() {
    walk(true).await;
}

async fn closed_sets_hold_in_every_phase_of_a_strict_server() {
    walk(false).await;
}

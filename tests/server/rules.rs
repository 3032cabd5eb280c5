//! What the Management API promises whatever happens: who may do what, one payment is one tenant, every
//! failure can be repaired, and every answer has its form.

use crate::support::{House, NILS, Person, nonce_of, text, words};
use futures_util::future::join_all;
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use tenantry::server::pay::signature::WebhookKey;
use tenantry::server::provider::fake::Fault;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        strangers_and_expired_logins_are_refused_everywhere,
        every_refusal_has_the_same_form,
        envelopes_and_closed_sets_hold,
        one_payment_is_one_tenant_however_often_it_is_told,
        webhooks_are_believed_only_with_the_right_signature,
        the_payment_page_pays_once_and_sends_the_browser_back,
        a_declined_checkout_says_so_and_makes_nothing,
        a_full_plan_is_refused_before_anything_is_made,
        only_the_exact_image_is_deployed,
        a_failure_at_any_step_can_be_retried_and_leaves_nothing,
        one_time_credentials_are_read_once,
        a_lapsed_subscription_stops_deploys_and_a_canceled_one_removes_the_tenant,
        a_subscription_that_ends_during_a_deploy_removes_the_tenant_afterwards,
    ]
}

/// Every path of the router below one tenant: a new endpoint cannot be forgotten.
fn tenant_paths(id: &str) -> Vec<String> {
    let below = |path: &&String| path.starts_with("/api/v1/tenants/{id}");
    let paths = tenantry::server::paths();
    let paths: Vec<String> = paths.iter().filter(below).map(|path| concrete(&path.replace("{id}", id))).collect();
    assert!(paths.len() >= 15, "{paths:?}");
    paths
}

/// Names in braces become any word.
fn concrete(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "X" } else { part }).collect::<Vec<_>>().join("/")
}

/// What is below `/api/` and needs no login token in its header.
const OPEN: [&str; 4] =
    ["/api/v1/auth/oauth/", "/api/v1/core/oauth/token", "/api/v1/webhooks/", "/api/v1/checkout/complete"];
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Asks every method of a path, without a body: who is asking comes first. Answers those that the path knows.
async fn on_every_method(person: &Person, path: &str, status: u16, reason: Option<&str>) -> usize {
    let mut known = 0;
    for method in METHODS {
        let answer = person.call(method.clone(), path, None).await;
        if answer.status != 405 {
            assert_eq!(answer.status.as_u16(), status, "{method} {path}");
            answer.refused(status, reason);
            known += 1;
        }
    }
    assert!(known > 0, "{path} knows no method");
    known
}

/// The webhook that tells of a session's payment.
fn notice(session: &Value, event_id: &str, event_type: &str) -> Value {
    let transaction = text(&session["transaction_id"]);
    let stem = transaction.trim_start_matches("txn_").to_owned();
    let subscription = format!("sub_{stem}");
    let custom = json!({ "region": "fra", "checkout_session_id": session["checkout_session_id"] });
    let data = if event_type == "transaction.completed" {
        json!({ "id": transaction, "subscription_id": subscription, "customer_id": format!("ctm_{stem}"), "custom_data": custom })
    } else {
        json!({ "id": subscription, "transaction_id": transaction, "customer_id": format!("ctm_{stem}"), "custom_data": custom })
    };
    json!({ "event_id": event_id, "event_type": event_type, "occurred_at": "2026-01-09T10:02:11Z", "data": data })
}

pub async fn tell(person: &Person, key: &WebhookKey, path: &str, body: &str) -> (u16, Value) {
    let signature = key.sign(jiff::Timestamp::now().as_second(), body.as_bytes());
    let call = person.http.post(format!("{}{path}", person.base)).header("paddle-signature", signature);
    let answer = call.body(body.to_owned()).send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

async fn strangers_and_expired_logins_are_refused_everywhere() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    let nils = house.person(NILS, 60).await;
    // Who never bought anything has no customer record to own a tenant with.
    for path in tenant_paths(&id) {
        on_every_method(&nils, &path, 404, Some("customer_missing")).await;
    }
    nils.get("/api/v1/tenants/unknown").await.refused(404, None);
    let own = nils.tenant().await;
    let late = house.person(crate::support::MARA, -1).await;
    let mut nobody = nils.clone();
    nobody.token = "not.a.token".into();
    let mut known = 0;
    for path in tenant_paths(&id) {
        known += on_every_method(&nils, &path, 403, Some("not_owner")).await;
        for person in [&late, &nobody] {
            on_every_method(person, &path, 401, None).await;
        }
    }
    assert!(known >= 21, "{known} tenant endpoints");
    for path in tenant_paths("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15") {
        on_every_method(&house.mara, &path, 404, None).await;
    }
    house.mara.get("/api/v1/tenants/..%2F..%2Fetc").await.refused(404, None);
    // Whatever else is below /api/ wants a login too, but for what a browser, a payment provider or a client without
    // login asks.
    let open = |path: &&String| OPEN.iter().any(|open| path.starts_with(open));
    let paths = tenantry::server::paths();
    let others = paths.iter().filter(|path| path.starts_with("/api/") && !path.starts_with("/api/v1/tenants/{id}"));
    for path in others.filter(|path| !open(path)) {
        on_every_method(&late, &concrete(path), 401, None).await;
        on_every_method(&nobody, &concrete(path), 401, None).await;
    }
    for path in ["/api/v1/auth/me", "/api/v1/checkout/plans", "/api/v1/tenants"] {
        assert!(paths.iter().any(|known| known == path), "{path}");
        house.mara.get(path).await.ok();
    }
    let session = house.mara.checkout().await;
    nils.get(&Person::session_events(&session)).await.refused(403, Some("not_owner"));
    house.mara.get("/api/v1/checkout/cs_nothing/events").await.refused(404, None);
    nils.get(&format!("/api/v1/tenants/{id}")).await.refused(403, Some("not_owner"));
    house.mara.get(&format!("/api/v1/tenants/{own}")).await.refused(403, Some("not_owner"));
}

async fn every_refusal_has_the_same_form() {
    let house = House::start().await;
    house.mara.get("/nothing/here").await.refused(404, None);
    house.mara.get("/api/v1/tenants/x/metrics").await.refused(404, None);
    house.mara.delete("/api/v1/tenants").await.refused(405, None);
    house.mara.post("/api/v1/checkout", json!(["no", "object"])).await.refused(400, None);
    let wish =
        |price: &str, region: &str, uri: Value| json!({ "price_id": price, "region": region, "redirect_uri": uri });
    house.mara.post("/api/v1/checkout", wish("pri_x", "fra", Value::Null)).await.refused(422, Some("unknown_price"));
    let refused = house.mara.post("/api/v1/checkout", wish("pri_sbx_basic", "ord", Value::Null)).await;
    refused.refused(422, Some("unknown_region"));
    let evil = json!("https://evil.example/callback");
    house.mara.post("/api/v1/checkout", wish("pri_sbx_basic", "fra", evil)).await.refused(400, None);
    let large = json!({ "price_id": "x".repeat(300 * 1024), "region": "fra" });
    house.mara.post("/api/v1/checkout", large).await.refused(400, None);
    house.mara.get("/health").await.ok();
}

async fn envelopes_and_closed_sets_hold() {
    let house = House::start().await;
    let me = house.mara.get("/api/v1/auth/me").await.ok();
    assert!(me.get("customer").is_none());
    assert_eq!(me["tenants"], json!([]));
    assert!(house.mara.get("/api/v1/checkout/plans").await.ok().is_array());
    let id = house.mara.running("one").await;
    let me = house.mara.get("/api/v1/auth/me").await.ok();
    assert!(text(&me["customer"]["id"]).starts_with("ctm_"));
    let info = &me["tenants"][0];
    assert_eq!((text(&info["status"]), text(&info["subscription_status"])), ("active".into(), "active".into()));
    assert!(text(&info["database_url"]).contains(":********@"), "{info}");
    assert!(info["external_db_access"].is_boolean());
    let list = house.mara.get("/api/v1/tenants").await.ok();
    assert_eq!(list["data"][0]["id"], id.as_str());
    assert!(house.mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok()["data"].is_object());
    assert!(house.mara.get(&format!("/api/v1/tenants/{id}/logs")).await.ok()["logs"].is_array());
    let token = house.mara.get(&format!("/api/v1/tenants/{id}/registry-token")).await.ok()["data"].clone();
    assert_eq!((text(&token["username"]), text(&token["tag"])), ("x".into(), format!("tenant-{id}")));
    assert_eq!(text(&token["registry"]), house.mara.base.trim_start_matches("http://"));
    house.mara.post(&format!("/api/v1/tenants/{id}/retry-provision"), Value::Null).await.refused(409, None);
}

async fn one_payment_is_one_tenant_however_often_it_is_told() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let session = mara.checkout().await;
    let body = notice(&session, "evt_1", "transaction.completed").to_string();
    let told = join_all((0..8).map(|_| tell(mara, &key, "/api/v1/webhooks/paddle", &body))).await;
    assert!(told.iter().all(|answer| *answer == (200, json!({ "received": true }))), "{told:?}");
    // Under the older path, under another event id, and as the other event.
    for (event, kind) in [("evt_2", "transaction.completed"), ("evt_3", "subscription.created")] {
        let body = notice(&session, event, kind).to_string();
        assert_eq!(tell(mara, &key, "/webhooks/paddle", &body).await.0, 200);
    }
    // The other way round.
    let second = mara.checkout().await;
    for (event, kind) in [("evt_4", "subscription.created"), ("evt_5", "transaction.completed")] {
        let body = notice(&second, event, kind).to_string();
        assert_eq!(tell(mara, &key, "/api/v1/webhooks/paddle", &body).await.0, 200);
    }
    assert_eq!(mara.get("/api/v1/tenants").await.ok()["data"].as_array().map(Vec::len), Some(2));
}

async fn webhooks_are_believed_only_with_the_right_signature() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let session = mara.checkout().await;
    let body = notice(&session, "evt_1", "transaction.completed").to_string();
    let now = jiff::Timestamp::now().as_second();
    for signature in [
        None,
        Some(String::new()),
        Some(format!("ts={now};h1={}", "0".repeat(64))),
        Some(WebhookKey::new([0; 32]).sign(now, body.as_bytes())),
        Some(key.sign(now, format!("{body} ").as_bytes())),
        Some(key.sign(now - 3600, body.as_bytes())),
        Some(key.sign(now + 3600, body.as_bytes())),
    ] {
        let mut call = mara.http.post(format!("{}/api/v1/webhooks/paddle", mara.base)).body(body.clone());
        if let Some(signature) = &signature {
            call = call.header("paddle-signature", signature);
        }
        assert_eq!(call.send().await.expect("an answer").status(), 401, "{signature:?}");
    }
    assert_eq!(mara.get("/api/v1/tenants").await.ok()["data"], json!([]));
    let path = "/api/v1/webhooks/paddle";
    for malformed in ["", "[]", r#"{"event_id":"e","event_type":"transaction.completed","data":{"id":"txn_1"}}"#] {
        assert_eq!(tell(mara, &key, path, malformed).await.0, 400, "{malformed}");
    }
    let other = json!({ "event_id": "e", "event_type": "address.created", "data": { "id": "add_1" } }).to_string();
    assert_eq!(tell(mara, &key, path, &other).await, (200, json!({ "received": true })));
}

async fn the_payment_page_pays_once_and_sends_the_browser_back() {
    let house = House::start().await;
    let mara = &house.mara;
    let wish =
        json!({ "price_id": "pri_sbx_basic", "region": "gru", "redirect_uri": "http://127.0.0.1:8766/callback?x=1" });
    let session = mara.post("/api/v1/checkout", wish).await.ok();
    let (status, html) = mara.page(&session).await;
    assert_eq!(status, 200);
    for words in ["Basic", "South America (São Paulo)", "19.00 EUR", "1024 MB"] {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("<script") && !html.contains("{{"));
    assert_eq!(mara.submit(&session, "wrong", "pay").await.status(), 403);
    assert_eq!(mara.submit(&session, &nonce_of(&html), "steal").await.status(), 400);
    assert_eq!(mara.get("/api/v1/tenants").await.ok()["data"], json!([]));
    let nonce = nonce_of(&html);
    let twice = join_all([mara.submit(&session, &nonce, "pay"), mara.submit(&session, &nonce, "pay")]).await;
    for answer in twice {
        assert_eq!(answer.status(), 303);
        let done = answer.headers()["location"].to_str().expect("text").to_owned();
        let back = mara.http.get(format!("{}{done}", mara.base)).send().await.expect("an answer");
        assert_eq!(back.status(), 303);
        let id = text(&session["checkout_session_id"]);
        let expected =
            format!("http://127.0.0.1:8766/callback?x=1&status=pending&checkout_session_id={id}&transaction_id=");
        assert!(back.headers()["location"].to_str().expect("text").starts_with(&expected));
    }
    assert_eq!(mara.get("/api/v1/tenants").await.ok()["data"].as_array().map(Vec::len), Some(1));
    // The page does not offer to pay again.
    assert!(!mara.page(&session).await.1.contains("<form"));
}

async fn a_declined_checkout_says_so_and_makes_nothing() {
    let house = House::start().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let stream = mara.stream(&Person::session_events(&session), None).await;
    let nonce = nonce_of(&mara.page(&session).await.1);
    assert_eq!(mara.submit(&session, &nonce, "decline").await.status(), 303);
    assert!(mara.page(&session).await.1.contains("Nothing was charged"));
    let events = stream.rest().await;
    assert_eq!(words(&events), ["provisioning_failed/payment"]);
    assert_eq!(events[0].data["message"], "payment: declined");
    assert_eq!(mara.submit(&session, &nonce, "pay").await.status(), 303);
    assert!(mara.page(&session).await.1.contains("Nothing was charged"));
    assert_eq!(mara.get("/api/v1/tenants").await.ok()["data"], json!([]));
    assert_eq!(house.provider.world().calls.len(), 0);
}

async fn a_full_plan_is_refused_before_anything_is_made() {
    let house = House::start().await;
    let mara = &house.mara;
    let wish = json!({ "price_id": "pri_sbx_free", "region": "iad" });
    let sessions = [
        mara.post("/api/v1/checkout", wish.clone()).await.ok(),
        mara.post("/api/v1/checkout", wish.clone()).await.ok(),
    ];
    mara.pay(&sessions[0]).await;
    let first = mara.stream(&Person::session_events(&sessions[0]), None).await.rest().await;
    assert_eq!(words(&first).last().map(String::as_str), Some("infrastructure_ready/"));
    mara.post("/api/v1/checkout", wish).await.refused(403, Some("free_limit"));
    let calls = house.provider.world().calls.len();
    // Opened before the first was paid: refused when the payment comes.
    mara.pay(&sessions[1]).await;
    let second = mara.stream(&Person::session_events(&sessions[1]), None).await.rest().await;
    assert_eq!(words(&second), ["provisioning_failed/payment"]);
    assert_eq!(house.provider.world().calls.len(), calls);
}

async fn only_the_exact_image_is_deployed() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    house.mara.push(&id, "one").await;
    let image = house.mara.image(&id).await;
    let digest = "a".repeat(64);
    let (name, tag) = image.rsplit_once(':').expect("a tag");
    let (host, _) = name.split_once('/').expect("a host");
    let other = "3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15";
    for wrong in [
        String::new(),
        format!("{image} "),
        format!("{image}@sha256:{digest}"),
        format!("{name}:{}", tag.to_uppercase()),
        format!("{name}:latest"),
        format!("{name}:tenant-{other}"),
        format!("{host}/another:{tag}"),
        format!("registry.example/systemprompt-images:{tag}"),
    ] {
        let refused = house.mara.post(&format!("/api/v1/tenants/{id}/deploy"), json!({ "image": wrong })).await;
        let body = refused.refused(400, Some("invalid_image"));
        assert_eq!(body["error"]["details"]["expected"], image.as_str(), "{wrong}");
        assert!(text(&body["error"]["message"]).contains(&image));
    }
    assert_eq!(house.provider.world().machines.len(), 0);
}

async fn a_failure_at_any_step_can_be_retried_and_leaves_nothing() {
    enum At {
        Server(&'static str),
        Provider(&'static str, Fault),
    }
    use At::{Provider, Server};
    for (at, word) in [
        (Server("database"), "database"),
        (Server("secrets_stored"), "secrets_stored"),
        (Server("app_created"), "app_created"),
        (Provider("create_app", Fault::Before), "app_created"),
        (Provider("create_app", Fault::After), "app_created"),
        (Provider("create_volume", Fault::Before), "volume_created"),
        (Provider("create_volume", Fault::After), "volume_created"),
        (Server("ip_allocated"), "ip_allocated"),
        (Server("certificate_added"), "certificate_added"),
    ] {
        let house = House::start().await;
        let mara = &house.mara;
        match at {
            Server(step) => house.settings.faults.fail(step, 1),
            Provider(call, fault) => house.provider.fail(call, fault),
        }
        let session = mara.checkout().await;
        mara.pay(&session).await;
        let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
        let last = events.last().expect("events").data.clone();
        assert_eq!((text(&last["event_type"]), text(&last["step"])), ("provisioning_failed".into(), word.into()));
        let id = text(&last["tenant_id"]);
        let tenant = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
        assert_eq!(
            [&tenant["phase"], &tenant["status"], &tenant["fly_status"]].map(text),
            ["failed_infra", "pending", "failed"]
        );
        assert_eq!(tenant["last_error"], last["message"]);
        mara.get(&format!("/api/v1/tenants/{id}/registry-token")).await.refused(400, Some("not_provisioned"));

        let answer = mara.post(&format!("/api/v1/tenants/{id}/retry-provision"), Value::Null).await.ok();
        assert_eq!(answer, json!({ "status": "provisioning" }));
        let retried = mara.stream(&format!("/api/v1/tenants/{id}/events"), None).await.rest().await;
        let kinds = words(&retried);
        assert_eq!(kinds.first().map(String::as_str), Some("vm_provisioning_progress/cleanup"), "{word}");
        assert_eq!(kinds.last().map(String::as_str), Some("infrastructure_ready/"), "{word}");
        // The session's stream has said its last word.
        let after = mara.stream(&Person::session_events(&session), None).await.rest().await;
        assert_eq!(after.len(), events.len(), "{word}");
        let world = house.provider.world();
        assert_eq!((world.apps.len(), world.volumes.len()), (1, 1), "{word}");
        let second = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
        assert_eq!(second["app_url"], tenant["app_url"]);
        assert_eq!(mara.delete(&format!("/api/v1/tenants/{id}")).await.status, 204);
        let world = house.provider.world();
        assert!(world.apps.is_empty() && world.volumes.is_empty(), "{word}");
    }
}

async fn one_time_credentials_are_read_once() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let status = mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok();
    let link = text(&status["data"]["secrets_url"]);
    let path = link.strip_prefix(&mara.base).expect("on the server's own origin").to_owned();
    let wrong = format!("/api/v1/tenants/{id}/credentials/sct_wrong");
    mara.get(&wrong).await.refused(404, Some("secrets_token_invalid"));
    let reads = join_all((0..6).map(|_| mara.get(&path))).await;
    let read: Vec<&Value> = reads.iter().filter(|read| read.status == 200).map(|read| &read.body).collect();
    assert_eq!(read.len(), 1);
    assert_eq!(text(&read[0]["jwt_secret"]).len(), 64);
    assert!(text(&read[0]["database_url"]).starts_with("postgres://tenant_"));
    mara.get(&path).await.refused(404, Some("secrets_already_retrieved"));
    let status = mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok();
    assert!(status["data"].get("secrets_url").is_none());
    // At rest nothing of it can be read.
    let password = text(&read[0]["database_url"]).split([':', '@']).nth(2).expect("a password").to_owned();
    assert_eq!(password.len(), 32);
    for entry in std::fs::read_dir(house.data()).expect("a list").flatten() {
        if entry.file_type().expect("a type").is_file() {
            let bytes = std::fs::read(entry.path()).expect("read");
            assert!(!bytes.windows(32).any(|part| part == password.as_bytes()), "{}", entry.path().display());
        }
    }
}

async fn a_lapsed_subscription_stops_deploys_and_a_canceled_one_removes_the_tenant() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let id = mara.running("one").await;
    let tenant = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    let news = |event: &str, kind: &str, at: &str| {
        json!({ "event_id": event, "event_type": kind, "occurred_at": at, "data": { "id": tenant["subscription_id"] } })
            .to_string()
    };
    let path = "/api/v1/webhooks/paddle";
    let future = "2999-01-01T00:00:00Z";
    assert_eq!(tell(mara, &key, path, &news("e1", "subscription.past_due", future)).await.0, 200);
    // Older news does not bring it back.
    assert_eq!(tell(mara, &key, path, &news("e2", "subscription.activated", "2020-01-01T00:00:00Z")).await.0, 200);
    let refused = mara.deploy(&id).await.refused(403, Some("subscription_inactive"));
    assert_eq!(refused["error"]["details"]["subscription_status"], "past_due");
    assert_eq!(tell(mara, &key, path, &news("e3", "subscription.canceled", "2999-01-02T00:00:00Z")).await.0, 200);
    crate::support::within("the removal", async {
        while !house.provider.world().apps.is_empty() || mara.get(&format!("/api/v1/tenants/{id}")).await.status != 404
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(house.provider.world().machines.is_empty());
}

async fn a_subscription_that_ends_during_a_deploy_removes_the_tenant_afterwards() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let id = mara.running("one").await;
    let tenant = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    mara.push(&id, "two").await;
    house.provider.hold();
    let (deployer, deploying) = (mara.clone(), id.clone());
    let deploy = tokio::spawn(async move { deployer.deploy(&deploying).await.status });
    mara.wait_for_phase(&id, "deploying").await;
    let ended = json!({ "event_id": "e1", "event_type": "subscription.canceled",
        "occurred_at": "2999-01-01T00:00:00Z", "data": { "id": tenant["subscription_id"] } });
    assert_eq!(tell(mara, &key, "/api/v1/webhooks/paddle", &ended.to_string()).await.0, 200);
    house.provider.release();
    deploy.await.expect("no panic");
    crate::support::within("the removal", async {
        while mara.get(&format!("/api/v1/tenants/{id}")).await.status != 404 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let world = house.provider.world();
    assert!(world.machines.is_empty() && world.volumes.is_empty(), "{world:?}");
}

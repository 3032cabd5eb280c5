//! Paddle, in the place of which a server of the tests' own answers: what is sold there, what it is told, and what it
//! repeats or says late.

use crate::payments::{WEBHOOK, event, only_tenant, subscription, tell, tenants};
use crate::store;
use crate::support::{House, Person, nonce_of, text, within};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tenantry::model::Secret;
use tenantry::server::pay::signature::WebhookKey;
use tenantry::server::store::{inbox, sessions, subscriptions};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        paddle_sells_what_has_a_price_and_is_told_what_ends,
        paddle_that_fails_is_a_payment_that_is_off,
        only_what_the_session_sells_pays_for_it,
        what_is_paid_and_refused_is_ended_at_paddle,
        an_echo_of_our_own_pause_suspends_nobody,
        an_old_checkout_is_not_to_be_had_for_nothing_once_paddle_takes_the_money,
    ]
}

const SECRET: &str = "pdl_ntfset_01hsample_word";

async fn paddle() -> MockServer {
    let paddle = MockServer::start().await;
    let created = json!({ "data": { "id": "txn_01hsample77", "status": "ready",
        "checkout": { "url": "https://pay.orchard.example/?_ptxn=txn_01hsample77" } }, "meta": { "request_id": "r" } });
    Mock::given(method("POST"))
        .and(path("/transactions"))
        .and(header("authorization", "Bearer pdl_live_apikey"))
        .and(body_partial_json(json!({ "items": [{ "price_id": "pri_01basic", "quantity": 1 }] })))
        .respond_with(ResponseTemplate::new(201).set_body_json(created))
        .mount(&paddle)
        .await;
    paddle
}

async fn shop(paddle: &MockServer) -> House {
    let url = paddle.uri().parse().expect("a URL");
    House::start_with(move |settings| {
        settings.payment.paddle_api_key = Some(Secret::new("pdl_live_apikey"));
        settings.payment.paddle_api_url = Some(url);
        settings.payment.webhook_secret = Some(Secret::new(SECRET));
        settings.payment.prices = vec![("basic".into(), "pri_01basic".into())];
    })
    .await
}

async fn paddle_sells_what_has_a_price_and_is_told_what_ends() {
    let paddle = paddle().await;
    let house = shop(&paddle).await;
    let mara = &house.mara;
    let plans = mara.get("/api/v1/checkout/plans").await.ok();
    assert_eq!(plans.as_array().map(Vec::len), Some(1));
    assert_eq!(plans[0]["paddle_price_id"], "pri_01basic");
    let wish = |price: &str| json!({ "price_id": price, "region": "fra" });
    mara.post("/api/v1/checkout", wish("pri_sbx_basic")).await.refused(422, Some("unknown_price"));
    let session = mara.post("/api/v1/checkout", wish("pri_01basic")).await.ok();
    assert_eq!(session["transaction_id"], "txn_01hsample77");
    assert_eq!(session["checkout_url"], "https://pay.orchard.example/?_ptxn=txn_01hsample77");
    let asked: Value = paddle.received_requests().await.expect("requests")[0].body_json().expect("JSON");
    assert_eq!(asked["custom_data"]["checkout_session_id"], session["checkout_session_id"]);
    // The sandbox's page takes nothing for it.
    let own = json!({ "checkout_url": format!("{}/pay/{}", mara.base, text(&session["checkout_session_id"])) });
    let (_, html) = mara.page(&own).await;
    assert!(html.contains("payment provider") && !html.contains("<form"));
    assert!(mara.submit(&own, "x", "pay").await.text().await.expect("text").contains("payment provider"));
    // The server's own key signs nothing here; Paddle's does, also during a rotation.
    let body = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    assert_eq!(tell(mara, &house.webhook_key(), &body).await, 401);
    let key = WebhookKey::from_secret(&Secret::new(SECRET));
    let now = jiff::Timestamp::now().as_second();
    let right = key.sign(now, body.to_string().as_bytes());
    let h1 = right.split_once(";h1=").expect("a signature").1;
    let call = mara.http.post(format!("{}{WEBHOOK}", mara.base));
    let call = call.header("paddle-signature", format!("ts={now};h1={};h1={h1}", "0".repeat(64)));
    assert_eq!(call.body(body.to_string()).send().await.expect("an answer").status(), 200);
    let tenant = only_tenant(mara).await;
    let bought = subscription(mara, &tenant).await;
    assert_eq!(bought["paddle_subscription_id"], "sub_01hsample77");
    assert_eq!(bought["customer_id"], "ctm_01hsample9k2");
    let told = path("/subscriptions/sub%5F01hsample77/cancel");
    Mock::given(told)
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": {} })))
        .mount(&paddle)
        .await;
    within("the end of phase 1", async {
        while tenants(mara).await[0]["phase"] != "awaiting_deploy" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let cancel = format!("/api/v1/tenants/{}/subscription/cancel", text(&tenant["id"]));
    mara.post(&cancel, Value::Null).await.ok();
    within("Paddle's being told", async {
        loop {
            let requests = paddle.received_requests().await.expect("requests");
            if requests.iter().any(|request| request.url.path().ends_with("/cancel")) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn paddle_that_fails_is_a_payment_that_is_off() {
    let wish = json!({ "price_id": "pri_01basic", "region": "fra" });
    let no_page = json!({ "data": { "id": "txn_1", "checkout": null } });
    let plain = json!({ "data": { "id": "txn_1", "checkout": { "url": "http://pay.orchard.example/" } } });
    let refusal = json!({ "error": { "type": "request_error", "code": "forbidden", "detail": "pdl_live_apikey" } });
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(403).set_body_json(refusal),
        ResponseTemplate::new(201).set_body_string("nonsense"),
        ResponseTemplate::new(201).set_body_json(no_page),
        ResponseTemplate::new(201).set_body_json(plain),
        ResponseTemplate::new(201).set_body_bytes(vec![b' '; 1024 * 1024]),
        ResponseTemplate::new(302).insert_header("location", "https://elsewhere.example/"),
    ] {
        let paddle = MockServer::start().await;
        Mock::given(path("/transactions")).respond_with(answer).mount(&paddle).await;
        let house = shop(&paddle).await;
        let refused = house.mara.post("/api/v1/checkout", wish.clone()).await;
        let body = refused.refused(503, Some("payment_unavailable"));
        assert_eq!(body["error"]["code"], "service_unavailable");
        assert!(!body.to_string().contains("pdl_live"), "{body}");
    }
    // Nobody there at all.
    let paddle = MockServer::start().await;
    let house = shop(&paddle).await;
    drop(paddle);
    house.mara.post("/api/v1/checkout", wish).await.refused(503, Some("payment_unavailable"));
}

/// Opens a checkout at Paddle.
async fn at_paddle(person: &Person) -> Value {
    person.post("/api/v1/checkout", json!({ "price_id": "pri_01basic", "region": "fra" })).await.ok()
}

/// State and note of an event.
async fn noted(house: &House, event: &str) -> (String, String) {
    let store = store::open(&house.settings).await;
    let state = inbox::state(&mut store.read().await.expect("a reader"), event).await.expect("read");
    store.close().await;
    let (state, note) = state.expect("an event");
    (state, note.unwrap_or_default())
}

async fn only_what_the_session_sells_pays_for_it() {
    let at = "2026-01-09T10:02:11Z";
    let house = House::start().await;
    let (mara, key) = (&house.mara, house.webhook_key());
    let session = mara.checkout().await;
    let mut other = event("evt_1", "transaction.completed", at, &session);
    other["data"]["items"][0]["price"]["id"] = json!("pri_sbx_free");
    assert_eq!(tell(mara, &key, &other).await, 200);
    let refused = ("refused".to_owned(), "no checkout session that can be paid".to_owned());
    assert_eq!(noted(&house, "evt_1").await, refused);
    assert!(mara.page(&session).await.1.contains("<form"), "the checkout is open still");
    // The short form may say no price.
    let mut silent = event("evt_2", "transaction.completed", at, &session);
    silent["data"]["items"] = json!([]);
    assert_eq!(tell(mara, &key, &silent).await, 200);
    only_tenant(mara).await;

    let paddle = paddle().await;
    let house = shop(&paddle).await;
    let (mara, key) = (&house.mara, WebhookKey::from_secret(&Secret::new(SECRET)));
    let session = at_paddle(mara).await;
    let sold = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut body = event(id, "transaction.completed", at, &session);
        body["data"]["subscription_id"] = json!(format!("sub_{id}"));
        change(&mut body["data"]);
        body
    };
    for body in [
        sold("evt_1", &|data| data["items"][0]["price"]["id"] = json!("pri_01cheap")),
        sold("evt_2", &|data| data["items"] = json!([])),
        sold("evt_3", &|data| data["id"] = json!("txn_other")),
    ] {
        assert_eq!(tell(mara, &key, &body).await, 200);
        let (state, note) = noted(&house, &text(&body["event_id"])).await;
        assert_eq!(state, "refused");
        assert!(note.ends_with(&text(&body["data"]["subscription_id"])), "{note}");
    }
    assert_eq!(tenants(mara).await.len(), 0);
    // What was refused is ended at Paddle, and buys nothing afterwards; the right one does.
    assert_eq!(tell(mara, &key, &sold("evt_4", &|data| data["subscription_id"] = json!("sub_evt_1"))).await, 200);
    assert_eq!(tenants(mara).await.len(), 0);
    assert_eq!(tell(mara, &key, &sold("evt_5", &|_| ())).await, 200);
    only_tenant(mara).await;
}

async fn what_is_paid_and_refused_is_ended_at_paddle() {
    let paddle = paddle().await;
    let locked = json!({ "error": { "type": "request_error", "code": "subscription_locked_renewal" } });
    Mock::given(path("/subscriptions/sub%5F01hsample77/cancel"))
        .respond_with(ResponseTemplate::new(409).set_body_json(locked))
        .up_to_n_times(1)
        .mount(&paddle)
        .await;
    Mock::given(path("/subscriptions/sub%5F01hsample77/cancel"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": {} })))
        .with_priority(6)
        .mount(&paddle)
        .await;
    let house = shop(&paddle).await;
    let mara = &house.mara;
    let key = WebhookKey::from_secret(&Secret::new(SECRET));
    let session = at_paddle(mara).await;
    // What nobody here sold may be another server's.
    let mut foreign = event("evt_0", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    foreign["data"]["custom_data"]["checkout_session_id"] = json!("cs_elsewhere");
    foreign["data"]["subscription_id"] = json!("sub_foreign");
    assert_eq!(tell(mara, &key, &foreign).await, 200);
    assert_eq!(noted(&house, "evt_0").await.1, "no checkout session that can be paid");
    let store = store::open(&house.settings).await;
    let mut tx = store.write().await.expect("a transaction");
    sessions::set_status(&mut tx, &text(&session["checkout_session_id"]), "failed").await.expect("written");
    tx.commit().await.expect("committed");
    let cancels = async || {
        let requests = paddle.received_requests().await.expect("requests");
        requests.iter().filter(|request| request.url.path().ends_with("/cancel")).count()
    };
    let told = async |times: usize| {
        within("Paddle's being told", async {
            while cancels().await < times {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    let body = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    assert_eq!(tell(mara, &key, &body).await, 200);
    told(1).await;
    // Locked for now: the next event of the same purchase finds it owed still.
    let body = event("evt_2", "subscription.created", "2026-01-09T10:02:12Z", &session);
    assert_eq!(tell(mara, &key, &body).await, 200);
    told(2).await;
    within("nothing owed", async {
        while !subscriptions::owed(&mut store.read().await.expect("a reader")).await.expect("read").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    store.close().await;
    let asked = paddle.received_requests().await.expect("requests");
    assert!(asked.iter().all(|request| !request.url.path().contains("foreign")));
    assert_eq!(tenants(mara).await.len(), 0);
}

async fn an_echo_of_our_own_pause_suspends_nobody() {
    let paddle = paddle().await;
    for change in ["pause", "resume"] {
        Mock::given(path(format!("/subscriptions/sub%5F01hsample77/{change}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": {} })))
            .mount(&paddle)
            .await;
    }
    let house = shop(&paddle).await;
    let mara = &house.mara;
    let key = WebhookKey::from_secret(&Secret::new(SECRET));
    let session = at_paddle(mara).await;
    let bought = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    assert_eq!(tell(mara, &key, &bought).await, 200);
    let tenant = only_tenant(mara).await;
    let id = text(&tenant["id"]);
    mara.wait_for_phase(&id, "awaiting_deploy").await;
    let store = store::open(&house.settings).await;
    // As the server tells Paddle twice a minute.
    let tell_paddle = async || {
        let all = subscriptions::owed(&mut store.read().await.expect("a reader")).await.expect("read");
        for owed in all {
            let mut tx = store.write().await.expect("a transaction");
            assert!(subscriptions::telling(&mut tx, &owed).await.expect("written"));
            subscriptions::told(&mut tx, &owed).await.expect("written");
            tx.commit().await.expect("committed");
        }
    };
    let start = jiff::Timestamp::now();
    let moment = |micros: i64| (start + jiff::SignedDuration::from_micros(micros)).to_string();
    let news = |n: i64, kind: &str| event(&format!("evt_news_{n}"), kind, &moment(n), &session);
    let now = async || text(&subscription(mara, &tenant).await["status"]);
    let path = |change: &str| format!("/api/v1/tenants/{id}/{change}");
    mara.post(&path("suspend"), Value::Null).await.ok();
    // Said before it heard of our pause.
    assert_eq!(tell(mara, &key, &news(1, "subscription.updated")).await, 200);
    assert_eq!(now().await, "paused");
    tell_paddle().await;
    assert_eq!(tell(mara, &key, &news(2, "subscription.updated")).await, 200);
    assert_eq!(now().await, "paused");
    mara.post(&path("activate"), Value::Null).await.ok();
    // Late, while the resumption is owed, and after it was told.
    assert_eq!(tell(mara, &key, &news(3, "subscription.paused")).await, 200);
    assert_eq!(now().await, "active");
    tell_paddle().await;
    assert_eq!(tell(mara, &key, &news(4, "subscription.paused")).await, 200);
    assert_eq!(now().await, "active");
    assert_eq!(mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"]["phase"], "awaiting_deploy");
    // Its own news counts, although our own changes were later.
    assert_eq!(tell(mara, &key, &news(5, "subscription.past_due")).await, 200);
    assert_eq!(now().await, "past_due");
    assert_eq!(mara.phase(&id).await, "awaiting_deploy", "a late payment stops nothing");
    // A pause of Paddle's own, long after.
    let active = event("evt_7", "subscription.activated", &moment(3_600_000_000), &session);
    assert_eq!(tell(mara, &key, &active).await, 200);
    assert_eq!(now().await, "active");
    let paused = event("evt_8", "subscription.paused", &moment(7_200_000_000), &session);
    assert_eq!(tell(mara, &key, &paused).await, 200);
    assert_eq!(now().await, "paused");
    mara.wait_for_phase(&id, "suspended").await;
    store.close().await;
}

async fn an_old_checkout_is_not_to_be_had_for_nothing_once_paddle_takes_the_money() {
    let house = House::start().await;
    let session = house.mara.checkout().await;
    let nonce = nonce_of(&house.mara.page(&session).await.1);
    let paddle = paddle().await;
    let mut settings = house.settings.clone();
    settings.payment.paddle_api_key = Some(Secret::new("pdl_live_apikey"));
    settings.payment.paddle_api_url = Some(paddle.uri().parse().expect("a URL"));
    settings.payment.webhook_secret = Some(Secret::new(SECRET));
    settings.payment.prices = vec![("basic".into(), "pri_01basic".into())];
    settings.payment.auto_pay = true;
    let house = house.restart_as(settings).await;
    let mara = &house.mara;
    let own = json!({ "checkout_url": format!("{}/pay/{}", mara.base, text(&session["checkout_session_id"])) });
    let (_, html) = mara.page(&own).await;
    assert!(html.contains("payment provider") && !html.contains("<form"), "{html}");
    assert!(mara.submit(&own, &nonce, "pay").await.text().await.expect("text").contains("payment provider"));
    let later = mara.http.get(format!("{}/later", text(&own["checkout_url"]))).send().await.expect("an answer");
    assert!(later.text().await.expect("text").contains("payment provider"));
    assert_eq!(tenants(mara).await.len(), 0);
}

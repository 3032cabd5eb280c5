//! Payments: one payment is one tenant whatever the payment provider repeats, reorders or tells twice, and whatever
//! happens in between; and the sandbox's page. Paddle itself is in `paddle`.

use crate::store;
use crate::support::{House, Person, nonce_of, text, within, words};
use futures_util::future::join_all;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tenantry::server::pay::signature::WebhookKey;
use tenantry::server::store::{inbox, sessions};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        fifty_deliveries_of_both_events_in_any_order_make_one_tenant,
        what_was_acknowledged_is_done_after_a_restart,
        news_that_overtakes_the_purchase_counts_afterwards,
        a_purchase_is_whole_when_its_halves_come_one_by_one,
        an_expired_checkout_cannot_be_paid_and_says_so,
        leaving_the_page_keeps_the_checkout_open,
        everybody_pays_at_once_only_where_that_was_asked_for,
        the_way_back_says_what_the_client_needs_and_nothing_else,
        pages_say_nothing_that_came_from_outside_as_markup,
    ]
}

pub const WEBHOOK: &str = "/api/v1/webhooks/paddle";
/// The transaction that Paddle makes for every checkout here.
pub const AT_PADDLE: &str = "txn_01hsample77";

/// Tells the server an event; answers the status.
pub async fn tell(person: &Person, key: &WebhookKey, body: &Value) -> u16 {
    let body = body.to_string();
    let signature = key.sign(jiff::Timestamp::now().as_second(), body.as_bytes());
    let call = person.http.post(format!("{}{WEBHOOK}", person.base)).header("paddle-signature", signature);
    call.body(body).send().await.expect("an answer").status().as_u16()
}

/// An event about a Basic plan as Paddle Billing sends it.
pub fn event(id: &str, kind: &str, at: &str, session: &Value) -> Value {
    let transaction = text(&session["transaction_id"]);
    let subscription = format!("sub_{}", transaction.trim_start_matches("txn_"));
    let is_transaction = kind.starts_with("transaction.");
    let status = match kind {
        "transaction.completed" => "completed",
        "subscription.past_due" => "past_due",
        "subscription.canceled" => "canceled",
        "subscription.paused" => "paused",
        _ => "active",
    };
    let price = if transaction == AT_PADDLE { "pri_01basic" } else { "pri_sbx_basic" };
    let mut data = json!({
        "id": if is_transaction { &transaction } else { &subscription },
        "status": status, "customer_id": "ctm_01hsample9k2", "address_id": "add_01hsample", "currency_code": "EUR",
        "items": [{ "quantity": 1, "price": { "id": price, "name": null } }], "scheduled_change": null,
        "custom_data": { "checkout_session_id": session["checkout_session_id"], "region": "fra" },
    });
    let period = json!({ "starts_at": "2026-01-09T10:02:11.1Z", "ends_at": "2026-02-09T10:02:11.1Z" });
    if is_transaction {
        data["subscription_id"] = json!(subscription);
        data["billing_period"] = period;
    } else {
        data["current_billing_period"] = period;
        if kind == "subscription.created" {
            data["transaction_id"] = json!(transaction);
        }
    }
    json!({ "event_id": id, "event_type": kind, "occurred_at": at, "notification_id": format!("ntf_{id}"), "data": data })
}

pub async fn tenants(person: &Person) -> Vec<Value> {
    person.get("/api/v1/tenants").await.ok()["data"].as_array().expect("a list").clone()
}

pub async fn only_tenant(person: &Person) -> Value {
    within("the tenant", async {
        loop {
            let mut all = tenants(person).await;
            assert!(all.len() < 2, "{all:?}");
            if let Some(tenant) = all.pop() {
                return tenant;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

pub async fn subscription(person: &Person, tenant: &Value) -> Value {
    person.get(&format!("/api/v1/tenants/{}/subscription", text(&tenant["id"]))).await.ok()["data"].clone()
}

async fn fifty_deliveries_of_both_events_in_any_order_make_one_tenant() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let session = mara.checkout().await;
    let kinds = ["transaction.completed", "subscription.created"];
    let bodies: Vec<Value> = (0..50)
        // Five different ids, each ten times.
        .map(|i| event(&format!("evt_{}", i % 5), kinds[i % 5 % 2], "2026-01-09T10:02:11.5Z", &session))
        .collect();
    let told = join_all(bodies.iter().map(|body| tell(mara, &key, body))).await;
    assert!(told.iter().all(|status| *status == 200), "{told:?}");
    only_tenant(mara).await;
    assert_eq!(tell(mara, &key, &event("evt_9", kinds[1], "2026-01-09T10:02:12Z", &session)).await, 200);
    only_tenant(mara).await;
    let stream = mara.stream(&Person::session_events(&session), None).await.rest().await;
    assert_eq!(words(&stream).iter().filter(|word| word.starts_with("tenant_created")).count(), 1);
}

async fn what_was_acknowledged_is_done_after_a_restart() {
    let house = House::start().await;
    let (key, session) = (house.webhook_key(), house.mara.checkout().await);
    house.settings.faults.fail("webhook", 1);
    let body = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    assert_eq!(tell(&house.mara, &key, &body).await, 200);
    // The work is not done, and nobody is asked to pay again.
    assert_eq!(tenants(&house.mara).await.len(), 0);
    assert!(!house.mara.page(&session).await.1.contains("<form"));
    assert_eq!(tell(&house.mara, &key, &body).await, 200);
    assert_eq!(tenants(&house.mara).await.len(), 0);
    let house = house.restart().await;
    only_tenant(&house.mara).await;
    let store = store::open(&house.settings).await;
    let state = inbox::state(&mut store.read().await.expect("a reader"), "evt_1").await.expect("read");
    store.close().await;
    assert_eq!(state.map(|(word, _)| word).as_deref(), Some("done"));
}

async fn news_that_overtakes_the_purchase_counts_afterwards() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let session = mara.checkout().await;
    // Less than a millisecond apart, and the newer one comes first.
    let (old, new) = ("2026-01-09T10:02:13.000100Z", "2026-01-09T10:02:13.000200Z");
    for (id, kind, at) in [("evt_3", "subscription.past_due", new), ("evt_2", "subscription.activated", old)] {
        assert_eq!(tell(mara, &key, &event(id, kind, at, &session)).await, 200);
    }
    assert_eq!(tenants(mara).await.len(), 0);
    let bought = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    assert_eq!(tell(mara, &key, &bought).await, 200);
    let tenant = only_tenant(mara).await;
    within("the news", async {
        while subscription(mara, &tenant).await["status"] != "past_due" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // The older news is worked off by now or never changes it.
    assert_eq!(tell(mara, &key, &event("evt_4", "subscription.activated", old, &session)).await, 200);
    assert_eq!(subscription(mara, &tenant).await["status"], "past_due");
    let mut ending = event("evt_5", "subscription.updated", "2026-01-10T00:00:00Z", &session);
    ending["data"]["scheduled_change"] = json!({ "action": "cancel", "effective_at": "2026-02-09T10:02:11Z" });
    assert_eq!(tell(mara, &key, &ending).await, 200);
    let now = subscription(mara, &tenant).await;
    assert_eq!((&now["status"], &now["cancel_at_period_end"]), (&json!("active"), &json!(true)));
    assert_eq!(now["current_period_end"], "2026-02-09T10:02:11.100000Z");
}

async fn a_purchase_is_whole_when_its_halves_come_one_by_one() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let session = mara.checkout().await;
    let mut first = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    first["data"]["subscription_id"] = Value::Null;
    assert_eq!(tell(mara, &key, &first).await, 200);
    let tenant = only_tenant(mara).await;
    let mut second = event("evt_2", "subscription.created", "2026-01-09T10:02:12Z", &session);
    second["data"]["status"] = json!("trialing");
    assert_eq!(tell(mara, &key, &second).await, 200);
    let now = subscription(mara, &tenant).await;
    assert_eq!((&now["paddle_subscription_id"], &now["status"]), (&second["data"]["id"], &json!("trialing")));
    // What another product of the same account sold.
    let mut other = event("evt_3", "transaction.completed", "2026-01-09T10:02:12Z", &session);
    other["data"]["custom_data"] = json!({ "order": 7 });
    assert_eq!(tell(mara, &key, &other).await, 200);
    only_tenant(mara).await;
}

/// Lets a session's time be over.
async fn let_expire(house: &House, session: &Value) {
    let store = store::open(&house.settings).await;
    let mut tx = store.write().await.expect("a transaction");
    let id = text(&session["checkout_session_id"]);
    sessions::set_expiry(&mut tx, &id, "2020-01-01T00:00:00.000Z").await.expect("written");
    tx.commit().await.expect("committed");
    store.close().await;
}

async fn an_expired_checkout_cannot_be_paid_and_says_so() {
    let house = House::start().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let nonce = nonce_of(&mara.page(&session).await.1);
    let_expire(&house, &session).await;
    // Signed, but nobody may pay it any more.
    let body = event("evt_1", "transaction.completed", "2026-01-09T10:02:11Z", &session);
    assert_eq!(tell(mara, &house.webhook_key(), &body).await, 200);
    assert_eq!(mara.submit(&session, &nonce, "pay").await.status(), 303);
    let (status, html) = mara.page(&session).await;
    assert!(status == 200 && html.contains("Expired") && !html.contains("<form"), "{html}");
    let stream = mara.stream(&Person::session_events(&session), None).await.rest().await;
    assert_eq!(words(&stream), ["provisioning_failed/payment"]);
    assert_eq!(stream[0].data["message"], "payment: expired");
    assert_eq!(tenants(mara).await.len(), 0);
    // Another one whose stream is the first to notice.
    let wish = json!({ "price_id": "pri_sbx_basic", "region": "fra", "redirect_uri": "http://127.0.0.1:1/callback" });
    let second = mara.post("/api/v1/checkout", wish).await.ok();
    let_expire(&house, &second).await;
    assert_eq!(mara.stream(&Person::session_events(&second), None).await.rest().await.len(), 1);
    let done = format!("/api/v1/checkout/complete?checkout_session_id={}", text(&second["checkout_session_id"]));
    let back = mara.http.get(format!("{}{done}", mara.base)).send().await.expect("an answer");
    let location = back.headers()["location"].to_str().expect("text").to_owned();
    assert_eq!(location, "http://127.0.0.1:1/callback?error=the+checkout+has+expired");
}

async fn leaving_the_page_keeps_the_checkout_open() {
    let house = House::start().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let url = format!("{}/later", text(&session["checkout_url"]));
    let left = mara.http.get(url).send().await.expect("an answer");
    let html = left.text().await.expect("text");
    assert!(html.contains("Nothing was charged") && html.contains("<time datetime="), "{html}");
    assert!(html.contains(&format!("href=\"/pay/{}\"", text(&session["checkout_session_id"]))));
    mara.pay(&session).await;
    only_tenant(mara).await;
}

async fn everybody_pays_at_once_only_where_that_was_asked_for() {
    let follow = || reqwest::Client::builder().no_proxy().build().expect("a client");
    let house = House::start().await;
    let session = house.mara.checkout().await;
    follow().get(text(&session["checkout_url"])).send().await.expect("an answer");
    assert_eq!(tenants(&house.mara).await.len(), 0, "never on unless asked for");

    let house = House::start_with(|settings| settings.payment.auto_pay = true).await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let url = text(&session["checkout_url"]);
    follow().head(&url).send().await.expect("an answer");
    assert_eq!(tenants(mara).await.len(), 0, "a look at the head is no visit");
    for answer in join_all((0..5).map(|_| follow().get(&url).send())).await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(answer.text().await.expect("text").contains("<h1>Paid</h1>"));
    }
    only_tenant(mara).await;
    // With a callback, the browser ends there.
    let terminal = MockServer::start().await;
    Mock::given(path("/callback"))
        .respond_with(ResponseTemplate::new(200).set_body_string("back"))
        .mount(&terminal)
        .await;
    let wish =
        json!({ "price_id": "pri_sbx_basic", "region": "fra", "redirect_uri": format!("{}/callback", terminal.uri()) });
    let session = mara.post("/api/v1/checkout", wish).await.ok();
    let answer = follow().get(text(&session["checkout_url"])).send().await.expect("an answer");
    assert!(answer.url().query().is_some_and(|query| query.starts_with("status=pending&checkout_session_id=cs_")));
    assert_eq!(answer.text().await.expect("text"), "back");
    assert_eq!(tenants(mara).await.len(), 2);
}

async fn the_way_back_says_what_the_client_needs_and_nothing_else() {
    let house = House::start().await;
    let mara = &house.mara;
    let given = "http://127.0.0.1:8766/callback?state=a%26b&status=completed&tenant_id=ten_1&error=%3Cb%3E#part";
    let wish = json!({ "price_id": "pri_sbx_basic", "region": "fra", "redirect_uri": given });
    let session = mara.post("/api/v1/checkout", wish).await.ok();
    mara.pay(&session).await;
    let id = text(&session["checkout_session_id"]);
    let done = format!("{}/api/v1/checkout/complete?checkout_session_id={id}&transaction_id=<b>", mara.base);
    let back = mara.http.get(done).send().await.expect("an answer");
    let transaction = text(&session["transaction_id"]);
    assert_eq!(
        back.headers()["location"],
        format!(
            "http://127.0.0.1:8766/callback?state=a%26b&status=pending&checkout_session_id={id}&transaction_id={transaction}#part"
        )
    );
    for wrong in ["", "?checkout_session_id=", "?checkout_session_id=%3Cscript%3E", "?checkout_session_id=cs_none"] {
        let answer = mara.http.get(format!("{}/api/v1/checkout/complete{wrong}", mara.base)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 404);
        assert!(!answer.text().await.expect("text").contains("<script"), "{wrong}");
    }
}

async fn pages_say_nothing_that_came_from_outside_as_markup() {
    let house = House::start().await;
    let mara = &house.mara;
    let given = "http://localhost:8766/%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let wish = json!({ "price_id": "pri_sbx_basic", "region": "fra", "redirect_uri": given });
    let session = mara.post("/api/v1/checkout", wish).await.ok();
    let page = mara.http.get(text(&session["checkout_url"])).send().await.expect("an answer");
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    for part in ["default-src 'none'", "style-src 'sha256-", "script-src 'sha256-", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(policy.ends_with("form-action 'self' http://localhost:8766"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = page.text().await.expect("text");
    assert!(!html.contains("<script") && !html.contains("alert(1)"), "{html}");
    for path in ["/pay/%3Cscript%3E", "/pay/cs_%22%3E%3Cb%3E/later", "/pay/cs_x"] {
        let answer = mara.http.get(format!("{}{path}", mara.base)).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
        let html = answer.text().await.expect("text");
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    }
    // Progress is there for whoever has the page's address, and names no tenant's id.
    mara.pay(&session).await;
    let url = format!("{}/progress", text(&session["checkout_url"]));
    let progress: Value = mara.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(progress["title"], "Paid");
    let tenant = only_tenant(mara).await;
    let id = text(&tenant["id"]);
    for own in [&id, &id.replace('-', "")[..12], "127.0.0.1"] {
        assert!(!progress.to_string().contains(own), "{progress}");
    }
}

//! A tenant's subscription: what it is, another plan for it, and its end.

use crate::payments::{event, tell, tenants};
use crate::support::{House, Person, text, within, words};
use futures_util::future::join_all;
use libtest_mimic::Trial;
use serde_json::{Value, json};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        a_subscription_is_shown_with_its_period,
        another_plan_is_bought_for_the_same_tenant,
        a_plan_is_changed_only_to_what_can_be_had,
        a_canceled_subscription_takes_everything_with_it,
    ]
}

fn at(id: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{id}/subscription{rest}")
}

async fn shown(mara: &Person, id: &str) -> Value {
    mara.get(&at(id, "")).await.ok()["data"].clone()
}

async fn a_subscription_is_shown_with_its_period() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    let now = shown(&house.mara, &id).await;
    assert_eq!((text(&now["status"]), &now["cancel_at_period_end"]), ("active".into(), &json!(false)));
    assert!(text(&now["customer_id"]).starts_with("ctm_") && text(&now["paddle_subscription_id"]).starts_with("sub_"));
    assert_eq!(now["plan"], json!({ "id": "plan_basic", "name": "Basic", "memory_mb": 1024, "volume_gb": 10 }));
    let time = |key: &str| text(&now[key]).parse::<jiff::Timestamp>().expect("RFC 3339");
    let hours = time("current_period_end").duration_since(time("current_period_start")).as_hours();
    assert!((28 * 24..=31 * 24).contains(&hours), "{now}");
}

async fn another_plan_is_bought_for_the_same_tenant() {
    let house = House::start().await;
    let (key, mara) = (house.webhook_key(), &house.mara);
    let id = mara.running("one").await;
    let before = shown(mara, &id).await;
    let session = mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_pro" })).await.ok();
    let (_, html) = mara.page(&session).await;
    assert!(html.contains("Pro") && html.contains(&format!("Tenant {}", &id.replace('-', "")[..12])), "{html}");
    // Told five times over, in both forms.
    let kinds = ["transaction.completed", "subscription.created"];
    let told = (0..5).map(|i| {
        let mut body = event(&format!("evt_{i}"), kinds[i % 2], "2999-01-09T10:02:11Z", &session);
        body["data"]["items"][0]["price"]["id"] = json!("pri_sbx_pro");
        body
    });
    let told: Vec<Value> = told.collect();
    assert!(join_all(told.iter().map(|body| tell(mara, &key, body))).await.iter().all(|status| *status == 200));
    let stream = mara.stream(&Person::session_events(&session), None).await.rest().await;
    assert_eq!(words(&stream), ["subscription_created/payment", "tenant_ready/"]);
    assert_eq!(stream[1].data["tenant_id"], id.as_str());
    let after = shown(mara, &id).await;
    assert_eq!((text(&after["plan"]["name"]), text(&after["status"])), ("Pro".into(), "active".into()));
    assert_ne!(after["paddle_subscription_id"], before["paddle_subscription_id"]);
    let all = tenants(mara).await;
    assert_eq!((all.len(), &all[0]["id"], &all[0]["memory_mb"]), (1, &json!(id), &json!(2048)));
    // The machine follows, and what the old subscription says changes nothing any more.
    mara.wait_for_phase(&id, "running").await;
    within("the machine", async {
        while mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok()["data"]["restart_required"] == true {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let ended = json!({ "event_id": "evt_old", "event_type": "subscription.canceled",
        "occurred_at": "2999-02-01T00:00:00Z", "data": { "id": before["paddle_subscription_id"] } });
    assert_eq!(tell(mara, &key, &ended).await, 200);
    assert_eq!(shown(mara, &id).await["status"], "active");
    // Back to the smaller one: its memory is the limit.
    let session = mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_basic" })).await.ok();
    mara.pay(&session).await;
    mara.stream(&Person::session_events(&session), None).await.rest().await;
    mara.wait_for_phase(&id, "running").await;
    let tenant = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    assert_eq!((&tenant["memory_mb"], &tenant["volume_gb"]), (&json!(1024), &json!(20)), "a volume never shrinks");
    let larger = json!({ "memory_mb": 2048 });
    let answer = mara.call(reqwest::Method::PATCH, &format!("/api/v1/tenants/{id}"), Some(larger)).await;
    answer.refused(422, Some("memory_not_offered"));
}

async fn a_plan_is_changed_only_to_what_can_be_had() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_basic" })).await.refused(409, Some("same_plan"));
    mara.post(&at(&id, ""), json!({ "price_id": "pri_none" })).await.refused(422, Some("unknown_price"));
    let evil = json!({ "price_id": "pri_sbx_pro", "redirect_uri": "http://localhost@evil.example/" });
    mara.post(&at(&id, ""), evil).await.refused(400, None);
    // The free plan is there once: for this tenant while no other has it.
    let free = mara.post("/api/v1/checkout", json!({ "price_id": "pri_sbx_free", "region": "iad" })).await.ok();
    let change = mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_free" })).await.ok();
    mara.pay(&free).await;
    mara.stream(&Person::session_events(&free), None).await.rest().await;
    mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_free" })).await.refused(403, Some("free_limit"));
    mara.pay(&change).await;
    let stream = mara.stream(&Person::session_events(&change), None).await.rest().await;
    assert_eq!(words(&stream), ["provisioning_failed/payment"]);
    assert_eq!(shown(mara, &id).await["plan"]["name"], "Basic");
    // A lapsed subscription is bought anew.
    let lapsed = json!({ "event_id": "evt_1", "event_type": "subscription.past_due",
        "occurred_at": "2999-01-01T00:00:00Z", "data": { "id": shown(mara, &id).await["paddle_subscription_id"] } });
    assert_eq!(tell(mara, &house.webhook_key(), &lapsed).await, 200);
    let anew = mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_basic" })).await.ok();
    mara.pay(&anew).await;
    mara.stream(&Person::session_events(&anew), None).await.rest().await;
    assert_eq!(shown(mara, &id).await["status"], "active");
    assert_eq!(tenants(mara).await.len(), 2);
    // Paid when the tenant is gone: no tenant comes of it.
    let late = mara.post(&at(&id, ""), json!({ "price_id": "pri_sbx_pro" })).await.ok();
    mara.delete(&format!("/api/v1/tenants/{id}")).await;
    mara.pay(&late).await;
    let stream = mara.stream(&Person::session_events(&late), None).await.rest().await;
    assert_eq!(stream[0].data["message"], "payment: the tenant is gone");
    assert_eq!(tenants(mara).await.len(), 1);
}

async fn a_canceled_subscription_takes_everything_with_it() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let both =
        join_all([mara.post(&at(&id, "/cancel"), Value::Null), mara.post(&at(&id, "/cancel"), Value::Null)]).await;
    let mut answers: Vec<u16> = both.iter().map(|answer| answer.status.as_u16()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [200, 409]);
    assert!(both.iter().any(|answer| answer.status == 200 && answer.body.is_null()));
    mara.post(&at(&id, "/cancel"), Value::Null).await.refused(409, None);
    mara.get(&at(&id, "")).await.refused(404, None);
    let world = house.provider.world();
    assert!(world.apps.is_empty() && world.volumes.is_empty() && world.machines.is_empty(), "{world:?}");
    let nils = house.person(crate::support::NILS, 60).await;
    nils.post(&at(&id, "/cancel"), Value::Null).await.refused(404, None);
}

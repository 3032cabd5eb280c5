//! The tenant's state machine over HTTP: a tenant is brought into each phase, each request of the table is sent, and
//! status, reason and the phase that follows are what the table says.

use crate::rules::tell;
use crate::support::{Answer, House, Person, text, within};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tenantry::model::Phase;
use tenantry::server::provider::fake::Fault;
use tenantry::server::transitions::{Event, Facts, Refusal, Verdict, next};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        created_answers_as_the_table_says,
        provisioning_answers_as_the_table_says,
        awaiting_deploy_answers_as_the_table_says,
        deploying_answers_as_the_table_says,
        running_answers_as_the_table_says,
        restarting_answers_as_the_table_says,
        suspended_answers_as_the_table_says,
        suspended_before_the_first_deploy_answers_as_the_table_says,
        failed_infra_answers_as_the_table_says,
        failed_deploy_answers_as_the_table_says,
        failed_deploy_without_a_machine_answers_as_the_table_says,
        a_lapsed_subscription_suspends_and_a_good_one_lets_people_activate,
        a_lapse_during_a_restart_leaves_no_machine_running,
        current_is_a_restart_for_old_clients_only,
        the_status_says_what_the_machine_does,
    ]
}

/// The rows of the table that somebody outside can ask for.
const REQUESTS: [Event; 9] = [
    Event::Deploy,
    Event::Restart,
    Event::Retry,
    Event::Suspend,
    Event::Activate,
    Event::Resize,
    Event::SetSecret,
    Event::Lapse,
    Event::Delete,
];

fn at(id: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{id}{rest}")
}

async fn record(mara: &Person, id: &str) -> Value {
    mara.get(&at(id, "")).await.ok()["data"].clone()
}

async fn ids(mara: &Person) -> BTreeSet<String> {
    let list = mara.get("/api/v1/tenants").await.ok();
    list["data"].as_array().expect("a list").iter().map(|row| text(&row["id"])).collect()
}

/// Buys a tenant, and does not wait for its infrastructure.
async fn bought(mara: &Person) -> String {
    let before = ids(mara).await;
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let after = ids(mara).await;
    after.difference(&before).next().expect("a tenant").clone()
}

async fn pushed(mara: &Person) -> String {
    let id = mara.tenant().await;
    mara.push(&id, "one").await;
    id
}

async fn fails_its_first_deploy(house: &House) -> String {
    let id = pushed(&house.mara).await;
    house.provider.fail("create_machine", Fault::Before);
    house.mara.deploy(&id).await.refused(500, None);
    house.mara.wait_for_phase(&id, "failed_deploy").await;
    id
}

/// Brings a new tenant into the phase.
async fn bring(house: &House, phase: Phase, has_machine: bool) -> String {
    let mara = &house.mara;
    let points = &house.settings.faults.points;
    match phase {
        Phase::Created => {
            points.freeze("provisioning:begun");
            let id = bought(mara).await;
            within("the point", points.frozen()).await;
            id
        }
        Phase::Provisioning => {
            points.freeze("app_created:begun");
            let id = bought(mara).await;
            within("the point", points.frozen()).await;
            id
        }
        Phase::AwaitingDeploy => pushed(mara).await,
        Phase::Deploying => {
            let id = pushed(mara).await;
            house.provider.hold();
            let (deployer, deploying) = (mara.clone(), id.clone());
            tokio::spawn(async move { deployer.deploy(&deploying).await.status });
            mara.wait_for_phase(&id, "deploying").await;
            id
        }
        Phase::Running => mara.running("one").await,
        Phase::Restarting => {
            let id = mara.running("one").await;
            house.provider.hold();
            mara.post(&at(&id, "/restart"), Value::Null).await.ok();
            id
        }
        Phase::Suspended => {
            let id = if has_machine { mara.running("one").await } else { pushed(mara).await };
            mara.post(&at(&id, "/suspend"), Value::Null).await.ok();
            id
        }
        Phase::FailedInfra => {
            house.settings.faults.fail("volume_created", 1);
            let id = bought(mara).await;
            mara.wait_for_phase(&id, "failed_infra").await;
            id
        }
        Phase::FailedDeploy if has_machine => {
            let id = mara.running("one").await;
            house.provider.fail("create_machine", Fault::Before);
            mara.post(&at(&id, "/restart"), Value::Null).await.ok();
            mara.wait_for_phase(&id, "failed_deploy").await;
            id
        }
        Phase::FailedDeploy => fails_its_first_deploy(house).await,
        Phase::Deleting | Phase::Deleted => unreachable!("no column of the table"),
    }
}

/// News of the payment provider about the tenant's subscription.
async fn news(house: &House, id: &str, kind: &str, at: &str) {
    let subscription = record(&house.mara, id).await["subscription_id"].clone();
    let event = uuid::Uuid::new_v4().to_string();
    let body = json!({ "event_id": event, "event_type": kind, "occurred_at": at, "data": { "id": subscription } });
    let told = tell(&house.mara, &house.webhook_key(), "/api/v1/webhooks/paddle", &body.to_string()).await;
    assert_eq!(told.0, 200, "{told:?}");
}

/// Sends the request of a row; `None` where the request has no answer of its own.
async fn send(house: &House, id: &str, event: Event) -> Option<Answer> {
    let mara = &house.mara;
    let post = |path: &'static str| {
        let path = at(id, path);
        async move { mara.call(Method::POST, &path, None).await }
    };
    Some(match event {
        Event::Deploy => {
            let image = record(mara, id).await["image"].clone();
            mara.post(&at(id, "/deploy"), json!({ "image": image })).await
        }
        Event::Restart => post("/restart").await,
        Event::Retry => post("/retry-provision").await,
        Event::Suspend => post("/suspend").await,
        Event::Activate => post("/activate").await,
        Event::Resize => mara.call(Method::PATCH, &at(id, ""), Some(json!({ "memory_mb": 512 }))).await,
        Event::SetSecret => mara.call(Method::PUT, &at(id, "/secrets"), Some(json!({ "secrets": { "A": "b" } }))).await,
        Event::Delete => mara.delete(&at(id, "")).await,
        Event::Lapse => {
            news(house, id, "subscription.paused", "2999-01-01T00:00:00Z").await;
            return None;
        }
        _ => unreachable!("nobody outside can ask for it"),
    })
}

/// Where the tenant comes to rest after a move.
fn rest(to: Phase) -> Option<&'static str> {
    match to {
        Phase::Deploying | Phase::Restarting => Some("running"),
        Phase::Provisioning => Some("awaiting_deploy"),
        Phase::Deleting => None,
        phase => Some(phase.as_str()),
    }
}

async fn wait_until_gone(mara: &Person, id: &str) {
    within("the end", async {
        while mara.get(&at(id, "")).await.status != 404 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn column(phase: Phase, has_machine: bool) {
    let house = House::start().await;
    let mara = &house.mara;
    for event in REQUESTS {
        let id = bring(&house, phase, has_machine).await;
        let cell = format!("{event:?} in {phase:?}");
        assert_eq!(mara.phase(&id).await, phase.as_str(), "{cell}: not brought there");
        let facts = Facts { has_machine: !record(&house.mara, &id).await["fly_machine_id"].is_null() };
        assert_eq!(facts.has_machine, has_machine, "{cell}");
        let answer = send(&house, &id, event).await;
        let verdict = next(phase, event, facts);
        if let Some(answer) = answer {
            let (status, reason) = match verdict {
                Verdict::Move(_) | Verdict::Stay | Verdict::Later => (answer.status.as_u16(), None),
                Verdict::Refuse(Refusal::InvalidState) => (409, None),
                Verdict::Refuse(Refusal::NotProvisioned) => (400, Some("not_provisioned")),
                Verdict::Refuse(Refusal::NoMachine) => (400, Some("no_machine")),
                Verdict::Refuse(Refusal::Busy) => (409, Some("operation_running")),
            };
            let is_refused = matches!(verdict, Verdict::Refuse(_));
            assert_eq!(answer.status.is_success(), !is_refused, "{cell}: {} {}", answer.status, answer.body);
            if is_refused {
                let body = answer.refused(status, reason);
                if verdict == Verdict::Refuse(Refusal::InvalidState) {
                    assert_eq!(body["error"]["code"], "invalid_state", "{cell}");
                }
            }
        }
        match verdict {
            Verdict::Stay | Verdict::Refuse(_) => assert_eq!(mara.phase(&id).await, phase.as_str(), "{cell}"),
            Verdict::Later => {
                assert_eq!(mara.phase(&id).await, phase.as_str(), "{cell}: later, and not now");
                house.provider.release();
                mara.wait_for_phase(&id, "suspended").await;
            }
            Verdict::Move(to) => match rest(to) {
                Some(word) => mara.wait_for_phase(&id, word).await,
                None => wait_until_gone(mara, &id).await,
            },
        }
        // What was held comes to its end before the next tenant.
        house.provider.release();
        if matches!(phase, Phase::Deploying | Phase::Restarting) {
            within("its end", async {
                while ["deploying", "restarting"].contains(&mara.phase(&id).await.as_str()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
            .await;
        }
    }
}

async fn created_answers_as_the_table_says() {
    column(Phase::Created, false).await;
}

async fn provisioning_answers_as_the_table_says() {
    column(Phase::Provisioning, false).await;
}

async fn awaiting_deploy_answers_as_the_table_says() {
    column(Phase::AwaitingDeploy, false).await;
}

async fn deploying_answers_as_the_table_says() {
    column(Phase::Deploying, false).await;
}

async fn running_answers_as_the_table_says() {
    column(Phase::Running, true).await;
}

async fn restarting_answers_as_the_table_says() {
    column(Phase::Restarting, true).await;
}

async fn suspended_answers_as_the_table_says() {
    column(Phase::Suspended, true).await;
}

async fn suspended_before_the_first_deploy_answers_as_the_table_says() {
    column(Phase::Suspended, false).await;
}

async fn failed_infra_answers_as_the_table_says() {
    column(Phase::FailedInfra, false).await;
}

async fn failed_deploy_answers_as_the_table_says() {
    column(Phase::FailedDeploy, true).await;
}

async fn failed_deploy_without_a_machine_answers_as_the_table_says() {
    column(Phase::FailedDeploy, false).await;
}

async fn a_lapsed_subscription_suspends_and_a_good_one_lets_people_activate() {
    let house = House::start().await;
    let mara = &house.mara;
    // A payment that is late forbids a few things and stops nothing.
    let late = mara.running("late").await;
    news(&house, &late, "subscription.past_due", "2999-01-01T00:00:00Z").await;
    {
        let (day, kind) = (3, "subscription.paused");
        let id = mara.running("one").await;
        let machine = text(&record(mara, &id).await["fly_machine_id"]);
        news(&house, &id, kind, &format!("2999-01-0{day}T00:00:00Z")).await;
        mara.wait_for_phase(&id, "suspended").await;
        within("the machine's end", async {
            while !house.provider.world().stopped.contains(&machine) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        mara.post(&at(&id, "/activate"), Value::Null).await.refused(403, Some("subscription_inactive"));
        news(&house, &id, "subscription.activated", &format!("2999-01-0{}T00:00:00Z", day + 1)).await;
        assert_eq!(mara.phase(&id).await, "suspended", "people decide when");
        mara.post(&at(&id, "/activate"), Value::Null).await.ok();
        mara.wait_for_phase(&id, "running").await;
    }
    assert_eq!(mara.phase(&late).await, "running");
}

async fn a_lapse_during_a_restart_leaves_no_machine_running() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let machine = text(&record(mara, &id).await["fly_machine_id"]);
    house.provider.hold();
    mara.post(&at(&id, "/restart"), Value::Null).await.ok();
    news(&house, &id, "subscription.paused", "2999-01-01T00:00:00Z").await;
    assert_eq!(mara.phase(&id).await, "suspended");
    // Activated while the restart that was overtaken still makes its machine: it must not take the new one for its own.
    news(&house, &id, "subscription.resumed", "2999-01-02T00:00:00Z").await;
    house.provider.release();
    mara.post(&at(&id, "/activate"), Value::Null).await.ok();
    mara.wait_for_phase(&id, "running").await;
    let now = text(&record(mara, &id).await["fly_machine_id"]);
    assert_ne!(now, machine);
    within("one machine", async {
        while house.provider.world().machines.keys().collect::<Vec<_>>() != [&now] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(!house.provider.world().stopped.contains(&now));
}

async fn current_is_a_restart_for_old_clients_only() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.tenant().await;
    let current = json!({ "image": "current" });
    mara.post(&at(&id, "/deploy"), current.clone()).await.refused(400, Some("no_machine"));
    mara.push(&id, "one").await;
    mara.deploy(&id).await.ok();
    let machine = record(mara, &id).await["fly_machine_id"].clone();
    let answer = mara.post(&at(&id, "/deploy"), current.clone()).await;
    assert_eq!((answer.status.as_u16(), text(&answer.body["data"]["status"])), (202, "deploying".into()));
    mara.wait_for_phase(&id, "running").await;
    assert_ne!(record(mara, &id).await["fly_machine_id"], machine);
    assert_eq!(mara.get(&at(&id, "/deployments")).await.ok()["data"].as_array().map(Vec::len), Some(1));

    let house = House::start_with(|settings| settings.compat = false).await;
    let id = house.mara.running("one").await;
    let refused = house.mara.post(&at(&id, "/deploy"), current).await.refused(400, Some("invalid_image"));
    assert!(text(&refused["error"]["message"]).contains(&at(&id, "/restart")), "{refused}");
}

async fn the_status_says_what_the_machine_does() {
    let house = House::start().await;
    let mara = &house.mara;
    let state = |id: String| async move { mara.get(&at(&id, "/status")).await.ok()["data"]["machine_state"].clone() };
    let id = pushed(mara).await;
    assert!(state(id.clone()).await.is_null());
    mara.deploy(&id).await.ok();
    assert_eq!(state(id.clone()).await, "started");
    let asked = house.provider.world().calls.len();
    for _ in 0..5 {
        state(id.clone()).await;
    }
    assert_eq!(house.provider.world().calls.len(), asked, "the provider is not asked");
    house.provider.kill(&text(&record(mara, &id).await["fly_machine_id"]));
    mara.wait_for_phase(&id, "failed_deploy").await;
    assert_eq!(state(id.clone()).await, "stopped");
    mara.post(&at(&id, "/restart"), Value::Null).await.ok();
    mara.wait_for_phase(&id, "running").await;
    mara.post(&at(&id, "/suspend"), Value::Null).await.ok();
    assert_eq!(state(id).await, "stopped");
}

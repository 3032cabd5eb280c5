//! What could not be finished when it was due is finished later; and a provider that does not answer is left alone.

use crate::support::{House, Person, own_ports, text, within, words};
use libtest_mimic::Trial;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use tenantry::server::provider::fake::Fault;
use tenantry::server::store::{Store, journal, leftovers};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        what_a_provider_refuses_to_remove_is_removed_later,
        pauses_survive_a_restart,
        what_nobody_owns_is_removed,
        sessions_that_nobody_paid_expire,
        a_provider_that_does_not_answer_is_left_alone,
    ]
}

fn at(id: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{id}{rest}")
}

/// A server that sweeps all the time.
async fn swept() -> House {
    House::start_with(|settings| settings.sweep_every = Duration::from_millis(20)).await
}

async fn left(store: &Store) -> Vec<leftovers::LeftoverRow> {
    leftovers::due(&mut store.read().await.expect("a reader"), true).await.expect("rows")
}

async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

async fn hurry(store: &Store, sql: &'static str) {
    let mut tx = store.write().await.expect("a transaction");
    sqlx::query(sql).execute(&mut *tx).await.expect("changed");
    tx.commit().await.expect("committed");
}

async fn what_a_provider_refuses_to_remove_is_removed_later() {
    let house = swept().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    house.provider.fail("destroy_machine", Fault::Before);
    for _ in 0..3 {
        house.provider.fail("destroy_app", Fault::Before);
    }
    assert_eq!(mara.delete(&at(&id, "")).await.status, 204, "deleted at once");
    mara.get(&at(&id, "")).await.refused(404, None);
    let store = crate::store::open(&house.settings).await;
    let mut names: Vec<String> = left(&store).await.into_iter().map(|row| row.word).collect();
    names.sort();
    assert_eq!(names, ["app", "machine"]);
    let noted = journal::of(&mut store.read().await.expect("a reader"), &id).await.expect("the journal");
    let noted: Vec<&str> = noted.iter().filter(|row| row.state == "left").map(|row| row.step.as_str()).collect();
    assert_eq!(noted, ["machine_removed", "app_removed"]);
    wait_until("an empty world", || {
        let world = house.provider.world();
        world.machines.is_empty() && world.volumes.is_empty() && world.apps.is_empty()
    })
    .await;
    hurry(&store, "UPDATE leftovers SET next_at = '2000-01-01T00:00:00.000Z'").await;
    within("no leftovers", async {
        while !left(&store).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // What is over long enough is forgotten.
    let mut tx = store.write().await.expect("a transaction");
    assert!(journal::trim(&mut tx, "2999-01-01T00:00:00.000Z").await.expect("trimmed") > 0);
    assert_eq!(journal::of(&mut tx, &id).await.expect("the journal"), []);
    drop(tx);
    store.close().await;
}

async fn pauses_survive_a_restart() {
    let house = House::start_with(|settings| settings.ports = own_ports()).await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    house.provider.fail("stop_machine", Fault::Before);
    mara.post(&at(&id, "/suspend"), Value::Null).await.ok();
    let store = crate::store::open(&house.settings).await;
    let row = left(&store).await.pop().expect("a machine that runs");
    for _ in 0..3 {
        let row = left(&store).await.pop().expect("it");
        let mut tx = store.write().await.expect("a transaction");
        leftovers::put_off(&mut tx, &row, "still there").await.expect("put off");
        tx.commit().await.expect("committed");
    }
    store.close().await;
    let house = house.restart().await;
    let store = crate::store::open(&house.settings).await;
    let later = left(&store).await.pop().expect("still known");
    assert_eq!((later.attempts, later.reason.as_str()), (3, "still there"));
    assert!(later.next_at > row.next_at);
    store.close().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a list").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

async fn what_nobody_owns_is_removed() {
    let house = swept().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    let world = house.provider.world();
    let machine = text(&mara.get(&at(&id, "")).await.ok()["data"]["fly_machine_id"]);
    let app = world.machines[&machine].0.clone();
    house.provider.revive("machine_stray", &app, "image");
    house.provider.plant_volume("sp-nobody");
    let tenants = house.data().join("registry/tenants");
    let gone = tenants.join("3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f15");
    copy(&tenants.join(&id), &gone);
    assert!(gone.join("tag").exists());
    wait_until("the end of what nobody owns", || {
        let world = house.provider.world();
        !world.machines.contains_key("machine_stray")
            && !world.volumes.contains_key("sp-nobody")
            && !gone.join("tag").exists()
    })
    .await;
    assert!(house.provider.world().machines.contains_key(&machine) && tenants.join(&id).join("tag").exists());
    assert_eq!(mara.phase(&id).await, "running");
}

async fn sessions_that_nobody_paid_expire() {
    let house = swept().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    let stream = mara.stream(&Person::session_events(&session), None).await;
    let store = crate::store::open(&house.settings).await;
    hurry(&store, "UPDATE checkout_sessions SET expires_at = '2000-01-01T00:00:00.000Z'").await;
    let events = stream.rest().await;
    assert_eq!(words(&events), ["provisioning_failed/payment"]);
    assert_eq!(events[0].data["message"], "payment: expired");
    assert!(!mara.page(&session).await.1.contains("<form"), "it cannot be paid any more");
    store.close().await;
}

async fn a_provider_that_does_not_answer_is_left_alone() {
    let house = House::start().await;
    let mara = &house.mara;
    let id = mara.running("one").await;
    house.provider.go_away();
    let restart = || mara.request(reqwest::Method::POST, &at(&id, "/restart")).send();
    for _ in 0..5 {
        assert_eq!(restart().await.expect("an answer").status(), 503);
    }
    let asked = house.provider.world().calls.len();
    for _ in 0..5 {
        let refused = restart().await.expect("an answer");
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "5");
    }
    assert_eq!(house.provider.world().calls.len(), asked, "told at once");
    house.provider.come_back();
    within("the provider again", async {
        while restart().await.expect("an answer").status() == 503 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    mara.wait_for_phase(&id, "running").await;
}

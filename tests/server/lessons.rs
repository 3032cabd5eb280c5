//! The six lessons of protocol I.1, each with its test, and the promise behind the fifth: a failure or a crash at any
//! point of the provisioner's work leaves nothing behind but what the journal names.

use crate::support::{House, NILS, Person, own_ports, text, within};
use futures_util::future::join_all;
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tenantry::model::{Secret, TenantId};
use tenantry::server::provider::{AppSpec, MachineSpec};
use tenantry::server::store::{journal, tenants};

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        lesson_1_who_may_not_makes_the_provider_do_nothing,
        lesson_2_a_provider_is_told_nothing_about_people,
        lesson_3_every_way_in_takes_the_same_steps,
        lesson_4_ports_are_in_the_database_and_nowhere_else,
        lesson_5_a_failure_at_any_point_leaves_nothing_that_is_not_noted,
        lesson_5_a_crash_at_any_point_leaves_nothing_that_is_not_noted,
        lesson_5_what_was_there_before_is_not_undone,
        lesson_6_fifty_checkouts_at_once_get_fifty_ports_and_freed_ports_come_back,
    ]
}

fn at(id: &str, rest: &str) -> String {
    format!("/api/v1/tenants/{id}{rest}")
}

async fn record(mara: &Person, id: &str) -> Value {
    mara.get(&at(id, "")).await.ok()["data"].clone()
}

async fn lesson_1_who_may_not_makes_the_provider_do_nothing() {
    let house = House::start().await;
    let mara = &house.mara;
    let (one, two) = (mara.tenant().await, mara.tenant().await);
    let nils = house.person(NILS, 60).await;
    let free = json!({ "price_id": "pri_sbx_free", "region": "iad" });
    let sessions = [
        nils.post("/api/v1/checkout", free.clone()).await.ok(),
        nils.post("/api/v1/checkout", free.clone()).await.ok(),
    ];
    nils.pay(&sessions[0]).await;
    nils.stream(&Person::session_events(&sessions[0]), None).await.rest().await;
    let calls = house.provider.world().calls.len();
    // Another owner.
    for path in ["/deploy", "/restart", "/suspend", "/activate", "/retry-provision"] {
        nils.post(&at(&one, path), json!({ "image": "x" })).await.refused(403, Some("not_owner"));
    }
    nils.delete(&at(&one, "")).await.refused(403, Some("not_owner"));
    // A full plan, before and after the payment.
    nils.post("/api/v1/checkout", free).await.refused(403, Some("free_limit"));
    nils.pay(&sessions[1]).await;
    nils.stream(&Person::session_events(&sessions[1]), None).await.rest().await;
    // A name that is taken.
    let name = record(mara, &one).await["name"].clone();
    let taken = mara.call(Method::PATCH, &at(&two, ""), Some(json!({ "name": name }))).await;
    taken.refused(409, Some("name_taken"));
    assert_eq!(house.provider.world().calls.len(), calls);
}

/// Every field is named here: one more does not compile before somebody has thought about it.
async fn lesson_2_a_provider_is_told_nothing_about_people() {
    let spec = MachineSpec {
        app: AppSpec {
            tenant: TenantId::new("a").expect("valid"),
            app: "sp-a".into(),
            region: "fra".into(),
            volume_gb: 1,
        },
        image: "image".into(),
        pull_user: "x".into(),
        pull_token: Secret::new("s3cret"),
        environment: vec![("KEY".into(), Secret::new("s3cret"))],
        memory_mb: 256,
        last_deploy: None,
        replaces: None,
    };
    assert!(!format!("{spec:?}").contains("s3cret"));
    let MachineSpec {
        app,
        image: _,
        pull_user: _,
        pull_token: _,
        environment: _,
        memory_mb: _,
        last_deploy: _,
        replaces: _,
    } = spec;
    let AppSpec { tenant: _, app: _, region: _, volume_gb: _ } = app;
}

/// The infrastructure steps of each operation in the journal, in order.
async fn traces(house: &House, id: &str) -> Vec<Vec<(String, String)>> {
    let store = crate::store::open(&house.settings).await;
    let rows = journal::of(&mut store.read().await.expect("a reader"), id).await.expect("the journal");
    store.close().await;
    let mut operations: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for row in rows {
        let wanted = ["app_created", "volume_created", "ip_allocated", "certificate_added"];
        if !wanted.contains(&row.step.as_str()) || row.state == "undone" {
            continue;
        }
        match operations.iter_mut().find(|(operation, _)| *operation == row.operation) {
            Some((_, steps)) => steps.push((row.step, row.state)),
            None => operations.push((row.operation, vec![(row.step, row.state)])),
        }
    }
    operations.into_iter().map(|(_, steps)| steps).collect()
}

async fn lesson_3_every_way_in_takes_the_same_steps() {
    let house = House::start().await;
    let mara = &house.mara;
    let bought = mara.tenant().await;
    let first = traces(&house, &bought).await;
    assert_eq!((first.len(), first[0].len()), (1, 8), "{first:?}");
    // Failed at its last step and tried again by a person; and once more after a fault in the retry itself.
    house.settings.faults.fail("certificate_added", 1);
    let failed = failed_infra(mara).await;
    house.settings.faults.points.fail("ip_allocated:done");
    mara.post(&at(&failed, "/retry-provision"), Value::Null).await.ok();
    mara.wait_for_phase(&failed, "failed_infra").await;
    mara.post(&at(&failed, "/retry-provision"), Value::Null).await.ok();
    mara.wait_for_phase(&failed, "awaiting_deploy").await;
    let runs = traces(&house, &failed).await;
    assert_eq!((runs.len(), &runs[2]), (3, &first[0]));
    for cut_off in &runs[..2] {
        assert_eq!(cut_off[..], first[0][..cut_off.len()], "the same steps, up to where it failed");
    }
    // And a tenant whose first machine failed goes the same way.
    house.provider.fail("create_machine", tenantry::server::provider::fake::Fault::Before);
    mara.push(&bought, "one").await;
    mara.deploy(&bought).await.refused(500, None);
    mara.post(&at(&bought, "/retry-provision"), Value::Null).await.ok();
    mara.wait_for_phase(&bought, "awaiting_deploy").await;
    assert_eq!(traces(&house, &bought).await.pop().as_ref(), first.first());
}

async fn lesson_4_ports_are_in_the_database_and_nowhere_else() {
    let house = House::start_with(|settings| settings.ports = own_ports()).await;
    let tenants = [house.mara.tenant().await, house.mara.running("one").await];
    let mut urls = Vec::new();
    for id in &tenants {
        urls.push(record(&house.mara, id).await["direct_url"].clone());
    }
    // Nothing but the database, the keys, the server's id and the registry's content.
    for entry in std::fs::read_dir(house.data()).expect("a list").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = name == "instance"
            || name == "registry"
            || name == "lock"
            || name.starts_with("tenantry.db")
            || name.starts_with("access.log")
            || name.contains("key");
        assert!(known, "{name} may hold ports");
    }
    let house = house.restart().await;
    for (id, url) in tenants.iter().zip(urls) {
        assert_eq!(record(&house.mara, id).await["direct_url"], url);
        let answer = house.mara.http.get(text(&url)).send().await.expect("the door is open again");
        assert!(answer.status().is_server_error(), "nothing runs behind it");
    }
}

/// A tenant whose infrastructure failed.
async fn failed_infra(mara: &Person) -> String {
    let session = mara.checkout().await;
    mara.pay(&session).await;
    let events = mara.stream(&Person::session_events(&session), None).await.rest().await;
    let last = events.last().expect("events").data.clone();
    assert_eq!(last["event_type"], "provisioning_failed", "{last}");
    text(&last["tenant_id"])
}

/// The tenant's phase when nothing is going on; `None` when it is gone. Whoever lost the server gives up.
async fn settled(mara: &Person, id: &str) -> Option<String> {
    within("an end", async {
        loop {
            let answer = mara.get(&at(id, "")).await;
            if answer.status == 404 {
                return None;
            }
            let phase = text(&answer.ok()["data"]["phase"]);
            if !["created", "provisioning", "deploying", "restarting", "deleting"].contains(&phase.as_str()) {
                return Some(phase);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
}

/// Takes the tenant, wherever it is, one operation further towards its end; false when it is gone.
async fn step(mara: &Person, id: &str, done: &mut BTreeMap<&'static str, u32>) -> bool {
    let Some(phase) = settled(mara, id).await else { return false };
    let mut count = |what: &'static str| {
        let count = done.entry(what).or_default();
        *count += 1;
        *count
    };
    let has_machine = !record(mara, id).await["fly_machine_id"].is_null();
    match phase.as_str() {
        "failed_infra" => drop(mara.post(&at(id, "/retry-provision"), Value::Null).await),
        "awaiting_deploy" => {
            mara.push(id, "one").await;
            drop(mara.deploy(id).await);
        }
        "failed_deploy" if has_machine => drop(mara.post(&at(id, "/restart"), Value::Null).await),
        "failed_deploy" => drop(mara.deploy(id).await),
        "running" if count("deploy") == 1 => {
            mara.push(id, "two").await;
            drop(mara.deploy(id).await);
        }
        "running" if count("restart") == 1 => drop(mara.post(&at(id, "/restart"), Value::Null).await),
        "running" => drop(mara.delete(&at(id, "")).await),
        other => panic!("{other}"),
    }
    true
}

/// What exists belongs to tenants that are not gone, and is theirs by their row or by the journal.
async fn assert_everything_is_owned(house: &House, place: &str) {
    let store = crate::store::open(&house.settings).await;
    let mut db = store.read().await.expect("a reader");
    let rows = tenants::all(&mut db).await.expect("tenants");
    for holding in house.provider.world().holdings() {
        let row = rows.iter().find(|row| row.app == holding.app);
        let row = row.unwrap_or_else(|| panic!("{place}: {holding:?} has no owner"));
        let noted = journal::of(&mut db, row.id().as_str()).await.expect("the journal");
        let is_begun = |step: &str| {
            let last = noted.iter().rev().find(|entry| entry.step == step);
            last.is_some_and(|entry| entry.state != "undone")
        };
        if holding.volume.is_some() {
            assert!(row.volume_id.is_some() || is_begun("volume_created"), "{place}: {holding:?} {noted:?}");
        }
        assert!(is_begun("app_created"), "{place}: {holding:?} {noted:?}");
        for machine in &holding.machines {
            let is_noted = is_begun("machine") || is_begun("machine_retired") || is_begun("machine_removed");
            assert!(row.machine_id.as_ref() == Some(machine) || is_noted, "{place}: {machine} {noted:?}");
        }
    }
    drop(db);
    store.close().await;
}

/// Every point that the life of a tenant passes, with a phase 1 that fails once.
async fn points() -> BTreeSet<String> {
    let house = House::start().await;
    house.settings.faults.fail("certificate_added", 1);
    let id = failed_infra(&house.mara).await;
    let mut done = BTreeMap::new();
    while step(&house.mara, &id, &mut done).await {}
    let passed = house.settings.faults.points.passed();
    assert!(passed.len() > 35, "{passed:?}");
    passed
}

async fn lesson_5_a_failure_at_any_point_leaves_nothing_that_is_not_noted() {
    let points = points().await;
    let house = House::start().await;
    let mara = &house.mara;
    for point in points {
        house.settings.faults.fail("certificate_added", 1);
        house.settings.faults.points.fail(&point);
        let id = failed_infra(mara).await;
        let mut done = BTreeMap::new();
        loop {
            assert_everything_is_owned(&house, &point).await;
            if !step(mara, &id, &mut done).await {
                break;
            }
        }
        house.settings.faults.disarm();
        let world = house.provider.world();
        assert_eq!(world.holdings(), [], "{point}");
    }
}

async fn lesson_5_a_crash_at_any_point_leaves_nothing_that_is_not_noted() {
    let points = points().await;
    let mut house = House::start_mortal(|settings| settings.ports = own_ports()).await;
    // Postgres takes seconds to notice that a server is dead, and the work is the same: a few points are enough there.
    let every = if house.settings.database_url.is_some() { 5 } else { 1 };
    for point in points.into_iter().step_by(every) {
        house.settings.faults.fail("certificate_added", 1);
        house.settings.faults.points.freeze(&point);
        let faults = house.settings.faults.points.clone();
        let person = house.mara.clone();
        let session = person.checkout().await;
        let mut done = BTreeMap::new();
        let life = async {
            person.pay(&session).await;
            let id = id_of(&person).await;
            while step(&person, &id, &mut done).await {}
        };
        let came = tokio::select! {
            () = within(&point, faults.frozen()) => true,
            () = life => false,
        };
        assert!(came, "{point} was not come to");
        // The server is dead at this moment: what exists is named already.
        assert_everything_is_owned(&house, &point).await;
        house = house.crash().await;
        assert_everything_is_owned(&house, &point).await;
        house.settings.faults.disarm();
        let left = house.mara.get("/api/v1/tenants").await.ok()["data"].clone();
        for row in left.as_array().expect("a list") {
            let id = text(&row["id"]);
            settled(&house.mara, &id).await;
            assert_eq!(machines_beside(&house, &id).await, [] as [String; 0], "{point}");
            while step(&house.mara, &id, &mut done).await {}
        }
        assert_eq!(house.provider.world().holdings(), [], "{point}");
    }
}

/// The tenant that there is.
async fn id_of(person: &Person) -> String {
    let list = person.get("/api/v1/tenants").await.ok();
    text(&list["data"][0]["id"])
}

/// Machines of the tenant's app that are not the tenant's machine.
async fn machines_beside(house: &House, id: &str) -> Vec<String> {
    let answer = house.mara.get(&at(id, "")).await;
    if answer.status == 404 {
        return Vec::new();
    }
    let row = answer.ok()["data"].clone();
    let own = row["fly_machine_id"].as_str().map(str::to_owned);
    let app = row["fly_app_name"].as_str().unwrap_or_default();
    let held = house.provider.world().holdings().into_iter().filter(|holding| holding.app == app);
    held.flat_map(|holding| holding.machines).filter(|machine| Some(machine) != own.as_ref()).collect()
}

async fn lesson_5_what_was_there_before_is_not_undone() {
    let house = House::start_with(|settings| settings.ports = own_ports()).await;
    let points = &house.settings.faults.points;
    points.freeze("provisioning:begun");
    let session = house.mara.checkout().await;
    house.mara.pay(&session).await;
    within("the point", points.frozen()).await;
    let id = id_of(&house.mara).await;
    let app = format!("sp-{}", TenantId::new(id.clone()).expect("valid").short());
    house.provider.plant_volume(&app);
    let house = house.restart().await;
    house.settings.faults.fail("certificate_added", 1);
    let mara = &house.mara;
    assert_eq!(settled(mara, &id).await.as_deref(), Some("failed_infra"));
    // Found, not made: neither this run's failure nor the retry removes it.
    mara.post(&at(&id, "/retry-provision"), Value::Null).await.ok();
    assert_eq!(settled(mara, &id).await.as_deref(), Some("failed_infra"));
    mara.post(&at(&id, "/retry-provision"), Value::Null).await.ok();
    assert_eq!(settled(mara, &id).await.as_deref(), Some("awaiting_deploy"));
    let calls = house.provider.world().calls;
    assert!(!calls.iter().any(|call| call == &format!("destroy_app {app}")), "{calls:?}");
    // The tenant's end is the volume's end all the same.
    assert_eq!(mara.delete(&at(&id, "")).await.status, 204);
    assert_eq!(house.provider.world().holdings(), []);
}

async fn lesson_6_fifty_checkouts_at_once_get_fifty_ports_and_freed_ports_come_back() {
    // A range of its own, so that no other test's server takes the port that is freed.
    let house = House::start_with(|settings| settings.ports = 3940..=3999).await;
    let mara = &house.mara;
    let tenants = join_all((0..50).map(|_| mara.tenant())).await;
    let list = mara.get("/api/v1/tenants").await.ok();
    let ports: BTreeSet<String> =
        list["data"].as_array().expect("a list").iter().map(|row| text(&row["direct_url"])).collect();
    assert_eq!((tenants.len(), ports.len()), (50, 50));
    let gone = mara.get(&format!("/api/v1/tenants/{}", tenants[7])).await.ok()["data"]["direct_url"].clone();
    assert_eq!(mara.delete(&format!("/api/v1/tenants/{}", tenants[7])).await.status, 204);
    let next = mara.tenant().await;
    let url = mara.get(&format!("/api/v1/tenants/{next}")).await.ok()["data"]["direct_url"].clone();
    assert_eq!(url, gone);
}

//! The project's list of tenants follows what is done to them: the platform's own program works on the same file.

use crate::support::{text, within};
use crate::world::World;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

/// The entry of this id; null where there is none.
fn entry(world: &World, id: &str) -> Value {
    let Ok(bytes) = std::fs::read(world.project().join(".systemprompt/tenants.json")) else { return Value::Null };
    let list: Value = serde_json::from_slice(&bytes).expect("JSON");
    let found = list["tenants"].as_array().expect("a list").iter().find(|entry| entry["id"] == id).cloned();
    found.unwrap_or_default()
}

fn list(world: &World) -> std::path::PathBuf {
    world.project().join(".systemprompt/tenants.json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_tenants_brings_the_file_up_to_date_and_writes_it_only_then() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    let local = json!({"id": "local_1", "name": "barn", "tenant_type": "local", "database_url": "postgres://u:p@h/d"});
    std::fs::write(list(&world), json!({"tenants": [local], "mine": 1}).to_string()).expect("written");
    world.run(&["tenant", "list", "--json"]).await.done();
    let record = world.record(&id).await;
    let known = entry(&world, &id);
    assert_eq!((&known["name"], &known["tenant_type"]), (&record["name"], &json!("cloud")));
    assert_eq!((&known["hostname"], &known["region"]), (&record["hostname"], &record["region"]));
    assert_eq!(entry(&world, "local_1"), local);
    let state = || {
        let changed = std::fs::metadata(list(&world)).and_then(|meta| meta.modified()).expect("there");
        (std::fs::read(list(&world)).expect("read"), changed)
    };
    let before = state();
    for command in [&["tenant", "list"][..], &["status", "--json"]] {
        world.run(command).await.done();
    }
    assert_eq!(before, state(), "nothing changed");
    // Whoever wants nothing changed gets nothing changed.
    world.configure("[ui]\nread_only = true\n");
    let second = world.house.mara.tenant().await;
    world.run(&["tenant", "list"]).await.done();
    assert!(entry(&world, &second).is_null());
    world.configure("");
    // The screen, the same.
    let screen = world.terminal(&[]);
    let two = |world: &World| {
        let read: Value = serde_json::from_slice(&std::fs::read(list(world)).expect("read")).expect("JSON");
        read["tenants"].as_array().map(Vec::len) == Some(3)
    };
    within("the second one in the file", async {
        while !two(&world) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    drop(screen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_a_new_password_and_an_open_door_are_in_the_file() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    world.run(&["tenant", "edit", &id, "--name", "orchard"]).await.done();
    assert_eq!(entry(&world, &id)["name"], "orchard");
    world.run(&["tenant", "credentials", &id, "--yes"]).await.done();
    let first = text(&entry(&world, &id)["internal_database_url"]);
    world.run(&["rotate", "--tenant", &id, "--yes"]).await.done();
    let second = text(&entry(&world, &id)["internal_database_url"]);
    assert!(first != second && url::Url::parse(&second).expect("an address").password().is_some(), "{second}");
    assert!(entry(&world, &id).get("database_url").is_none(), "nobody reaches it from here");
    world.run(&["tenant", "external-access", "on", &id, "--yes"]).await.done();
    let open = entry(&world, &id);
    let password = |url: &str| url::Url::parse(url).expect("an address").password().expect("a password").to_owned();
    assert_eq!(open["external_db_access"], true);
    assert_eq!(password(&text(&open["database_url"])), password(&second));
    world.run(&["tenant", "external-access", "off", &id, "--yes"]).await.done();
    let closed = entry(&world, &id);
    assert_eq!((&closed["external_db_access"], closed.get("database_url")), (&json!(false), None));
    assert_eq!(closed["internal_database_url"], json!(second));
    // Only here is the address known: a profile takes it over.
    std::fs::remove_dir_all(world.path("state/credentials")).expect("removed");
    world.run(&["profile", "create", "prod", "--tenant", &id]).await.done();
    assert_eq!(world.profile_secrets()["internal_database_url"], json!(second));
    assert_eq!(std::fs::metadata(list(&world)).expect("there").permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_gone_takes_its_entry_and_its_credentials_along() {
    let world = World::new().await;
    let (one, two, three) =
        (world.house.mara.tenant().await, world.house.mara.tenant().await, world.house.mara.tenant().await);
    let kept = |id: &str| world.path(&format!("state/credentials/{id}.json"));
    for id in [&one, &two, &three] {
        world.run(&["tenant", "credentials", id, "--yes"]).await.done();
        assert!(kept(id).exists() && entry(&world, id).is_object());
    }
    world.run(&["tenant", "delete", &one, "--yes"]).await.done();
    world.run(&["tenant", "delete", &two, "--yes", "--keep-credentials"]).await.done();
    world.run(&["tenant", "cancel", &three, "--yes"]).await.done();
    for id in [&one, &two, &three] {
        assert!(entry(&world, id).is_null(), "{id}");
    }
    assert_eq!([kept(&one).exists(), kept(&two).exists(), kept(&three).exists()], [false, true, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_stays_and_hinders_nothing() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    std::fs::write(list(&world), "[ damaged").expect("written");
    world.run(&["status", "--json"]).await.done();
    world.run(&["rotate", "--tenant", &id, "--yes"]).await.done();
    world.run(&["tenant", "list"]).await.refused(1, "--renew-tenants");
    assert_eq!(std::fs::read_to_string(list(&world)).ok().as_deref(), Some("[ damaged"));
}

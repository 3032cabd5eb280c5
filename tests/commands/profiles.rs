//! `tenantry profile create` for a tenant of the cloud, and `tenantry db` by the tenant's name.

use crate::world::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_gets_the_address_of_its_database_once() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let name = world.name(&id).await;
    let made = world.run(&["profile", "create", "prod", "--tenant", &name, "--json"]).await.done().json();
    assert_eq!(
        (&made["tenant_id"], &made["tenant_type"], &made["database"]),
        (&json!(id), &json!("cloud"), &json!("known"))
    );
    let secrets = world.profile_secrets();
    let address = secrets["internal_database_url"].as_str().expect("an address").to_owned();
    assert!(address.starts_with("postgres://") && !made.to_string().contains(&address), "{address}");
    let listed = world.run(&["profile", "list", "--json"]).await.done().json();
    assert_eq!((&listed["profiles"][0]["tenant_id"], &listed["profiles"][0]["target"]), (&json!(id), &json!("cloud")));

    // They can be fetched once: another profile has them from the first.
    let made = world.run(&["profile", "create", "second", "--tenant", &id, "--json"]).await.done().json();
    assert_eq!(made["database"], "known");
    for profile in ["prod", "second"] {
        world.run(&["profile", "delete", profile, "--yes"]).await.done();
    }
    // So does the project's list of tenants.
    std::fs::remove_file(world.project().join(".systemprompt/tenants.json")).expect("it is there");
    let said = world.run(&["profile", "create", "third", "--tenant", &id, "--json"]).await.done().json();
    assert_eq!(
        (&said["database"], &said["warning"]["title"]),
        (&json!("missing"), &json!("There are no credentials to fetch."))
    );
    world.run(&["db", "status", "--tenant", &name]).await.refused(1, "is not known here");
    world.run(&["db", "status", "--profile", "third"]).await.refused(1, "--set-database-url");
    world.run(&["profile", "create", "fourth", "--tenant", "nobody"]).await.refused(1, "nobody");
}

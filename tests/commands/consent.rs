//! Whether something may be changed: protected contexts, a read-only configuration, and questions at a terminal.

use crate::world::World;

fn configuration(world: &World, more: &str) -> String {
    let base = &world.house.mara.base;
    format!("[context.production]\napi = \"{base}\"\nprotected = true\n\n[context.staging]\napi = \"{base}\"\n\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_context_wants_its_own_name() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    world.configure(&configuration(&world, ""));
    let before = world.changes().await;
    for arguments in [
        &["restart", "--context", "production", "--yes"][..],
        &["secrets", "set", "A=1", "--context", "production"],
        &["tenant", "suspend", "--context", "production", "--yes"],
        &["tenant", "delete", &id, "--context", "production", "--yes"],
        &["tenant", "cancel", &id, "--context", "production", "--yes"],
        &["tenant", "edit", &id, "--name", "x", "--context", "production"],
        &["rotate", "--context", "production", "--yes"],
        &["domain", "set", "a.example", "--context", "production"],
        &["subscription", "change", "x", "--context", "production"],
        &["tenant", "create", "--plan", "pri_sbx_basic", "--context", "production"],
        &["deploy", "--context", "production"],
        &["rollback", "--context", "production"],
    ] {
        world.run(arguments).await.refused(2, "production is protected");
    }
    let wrong = ["restart", "--context", "production", "--unlock", "staging", "--yes"];
    world.run(&wrong).await.refused(2, "--unlock names staging");
    assert_eq!(world.changes().await, before, "nothing was changed");
    // Looking is free.
    world.run(&["status", "--context", "production"]).await.done();
    world.run(&["restart", "--context", "production", "--unlock", "production", "--yes"]).await.done();
    world.run(&["watch", "--context", "staging"]).await.done();
    world.run(&["restart", "--context", "staging", "--yes"]).await.done();
    let restarts = world.changes().await.iter().filter(|call| call.ends_with("/restart")).count();
    assert_eq!(restarts, 2);
    world.run(&["status", "--context", "nowhere"]).await.refused(1, "There is no context");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_configuration_allows_nothing() {
    let world = World::new().await;
    world.house.mara.running("one").await;
    world.configure("[ui]\nread_only = true\n");
    let before = world.changes().await;
    world.run(&["restart", "--yes"]).await.refused(1, "read-only");
    world.run(&["secrets", "set", "A=1"]).await.refused(1, "read-only");
    world.run(&["tenant", "create", "--database-url", "@/dev/null"]).await.refused(1, "read-only");
    assert_eq!(world.changes().await, before);
    world.run(&["status"]).await.done();
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_somebody_is_asked() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let name = world.name(&id).await;
    tokio::task::block_in_place(|| {
        for (keys, status) in [("\r", 1), ("no\r", 1), ("\u{3}", 1), ("y\r", 0)] {
            let mut terminal = world.terminal(&["restart"]);
            terminal.wait_for("[y/N]");
            let before = tokio::runtime::Handle::current().block_on(world.changes());
            assert!(!before.iter().any(|call| call.ends_with("/restart")), "before the answer");
            terminal.type_keys(keys);
            assert_eq!(terminal.wait_for_whole_end(), status, "{keys:?}: {}", terminal.text());
        }
    });
    assert!(world.changes().await.iter().any(|call| call.ends_with("/restart")));
    world.run(&["watch"]).await.done();
    tokio::task::block_in_place(|| {
        let mut wrong = world.terminal(&["tenant", "delete", &name]);
        wrong.wait_for("Type ");
        wrong.type_keys("y\r");
        assert_eq!(wrong.wait_for_whole_end(), 1);
        let mut right = world.terminal(&["tenant", "delete", &name]);
        right.wait_for("Type ");
        right.type_keys(&format!("{name}\r"));
        assert_eq!(right.wait_for_whole_end(), 0);
    });
    world.house.mara.get(&format!("/api/v1/tenants/{id}")).await.refused(404, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_a_tenant_is_chosen() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let name = world.name(&id).await;
    for command in ["show", "delete", "cancel"] {
        world.run(&["tenant", command]).await.refused(2, "It is not said which tenant is meant.");
    }
    tokio::task::block_in_place(|| {
        let mut shown = world.terminal(&["tenant", "show"]);
        shown.wait_for(&format!("1  {name}, running"));
        shown.type_keys("1\r");
        assert_eq!(shown.wait_for_whole_end(), 0);
        assert!(shown.text().contains(&id), "{}", shown.text());
        let mut none = world.terminal(&["tenant", "cancel"]);
        none.wait_for("Which one?");
        none.type_keys("\r");
        none.wait_for("Nobody said which tenant.");
        assert_eq!(none.wait_for_whole_end(), 1);
        // Unasked nothing is chosen.
        let mut unasked = world.terminal(&["tenant", "delete", "--yes"]);
        unasked.wait_for("It is not said which tenant is meant.");
        assert_eq!(unasked.wait_for_whole_end(), 2);
    });
    assert_eq!(world.house.mara.phase(&id).await, "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_tells_what_is_missing_and_stops_with_a_signal() {
    let world = World::new().await;
    std::fs::remove_dir_all(world.project().join("services")).expect("removed");
    let said = world.run(&["init", "--json"]).await;
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.json()["problem"]["hint"].as_str().is_some_and(|hint| hint.contains("--yes")), "{said:?}");
    tokio::task::block_in_place(|| {
        let mut asked = world.terminal(&["init"]);
        asked.wait_for("[y/N]");
        asked.type_keys("\u{3}");
        assert_eq!(asked.wait_for_whole_end(), 1, "{}", asked.text());
    });
    assert!(!world.project().join("services").exists());
}

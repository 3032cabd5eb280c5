//! Whether something may be changed: protected contexts, a read-only configuration, and questions at a terminal.

use crate::common::terminal::Terminal;
use crate::world::World;
use std::path::Path;

fn configuration(world: &World, more: &str) -> String {
    let base = &world.house.mara.base;
    format!("[context.production]\napi = \"{base}\"\nprotected = true\n\n[context.staging]\napi = \"{base}\"\n\n{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_context_wants_its_own_name() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    world.configure(&configuration(&world, ""));
    let before = world.changes();
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
    assert_eq!(world.changes(), before, "nothing was changed");
    // Looking is free.
    world.run(&["status", "--context", "production"]).await.done();
    world.run(&["restart", "--context", "production", "--unlock", "production", "--yes"]).await.done();
    world.run(&["watch", "--context", "staging"]).await.done();
    world.run(&["restart", "--context", "staging", "--yes"]).await.done();
    let restarts = world.changes().iter().filter(|call| call.ends_with("/restart")).count();
    assert_eq!(restarts, 2);
    world.run(&["status", "--context", "nowhere"]).await.refused(1, "There is no context");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_configuration_allows_nothing() {
    let world = World::new().await;
    world.house.mara.running("one").await;
    world.configure("[ui]\nread_only = true\n");
    let before = world.changes();
    world.run(&["restart", "--yes"]).await.refused(1, "read-only");
    world.run(&["secrets", "set", "A=1"]).await.refused(1, "read-only");
    world.run(&["tenant", "create", "--database-url", "@/dev/null"]).await.refused(1, "read-only");
    assert_eq!(world.changes(), before);
    world.run(&["status"]).await.done();
}

fn terminal(world: &World, arguments: &[&str]) -> Terminal {
    let environment = world.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let folder = world.project();
    let program = Path::new(env!("CARGO_BIN_EXE_tenantry"));
    Terminal::start_program(program, arguments, &folder, &environment, 120, 30)
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_somebody_is_asked() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let name = world.name(&id).await;
    tokio::task::block_in_place(|| {
        for (keys, status) in [("\r", 1), ("no\r", 1), ("\u{3}", 1), ("y\r", 0)] {
            let mut terminal = terminal(&world, &["restart"]);
            terminal.wait_for("[y/N]");
            assert!(!world.changes().iter().any(|call| call.ends_with("/restart")), "before the answer");
            terminal.type_keys(keys);
            assert_eq!(terminal.wait_for_whole_end(), status, "{keys:?}: {}", terminal.text());
        }
    });
    assert!(world.changes().iter().any(|call| call.ends_with("/restart")));
    world.run(&["watch"]).await.done();
    tokio::task::block_in_place(|| {
        let mut wrong = terminal(&world, &["tenant", "delete", &name]);
        wrong.wait_for("Type ");
        wrong.type_keys("y\r");
        assert_eq!(wrong.wait_for_whole_end(), 1);
        let mut right = terminal(&world, &["tenant", "delete", &name]);
        right.wait_for("Type ");
        right.type_keys(&format!("{name}\r"));
        assert_eq!(right.wait_for_whole_end(), 0);
    });
    world.house.mara.get(&format!("/api/v1/tenants/{id}")).await.refused(404, None);
}

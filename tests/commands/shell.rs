//! Completions and manual pages, and what is printed for people who ask.

use crate::world::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_is_told_commands_tenants_and_contexts() {
    let world = World::new().await;
    let list = json!({"tenants": [{"id": "local_1", "name": "barn", "tenant_type": "local"}]});
    std::fs::write(world.project().join(".systemprompt/tenants.json"), list.to_string()).expect("written");
    world.configure("[context.production]\napi = \"https://api.example\"\n");
    let script = world.run(&["completions", "bash"]).await.done();
    assert!(script.out.contains("complete") && script.out.contains("tenantry"), "{script:?}");
    world.run(&["completions", "tcsh"]).await.refused(2, "zsh");
    // As the script for fish asks.
    for (words, wanted) in [
        (&["tenantry", "resta"][..], "restart"),
        (&["tenantry", "restart", "--tenant", ""], "barn"),
        (&["tenantry", "tenant", "show", "b"], "barn"),
        (&["tenantry", "status", "--context", "p"], "production"),
    ] {
        let mut command = world.command(&[]);
        command.arg("--").args(words).env("COMPLETE", "fish");
        let said = world.end(command.spawn().expect("it starts")).await.done();
        assert!(said.out.lines().any(|line| line.starts_with(wanted)), "{words:?}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_pages_are_printed_and_written() {
    let world = World::new().await;
    let page = world.run(&["man", "secrets", "set"]).await.done();
    assert!(page.out.contains(".TH"), "{page:?}");
    world.run(&["man", "nothing"]).await.refused(2, "There is no command nothing.");
    let folder = world.path("man");
    world.run(&["man", "--out", folder.to_str().expect("text")]).await.done();
    assert!(folder.join("tenantry.1").exists() && folder.join("tenantry-tenant-scale.1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_help() {
    let world = World::new().await;
    for command in [
        "status",
        "restart",
        "logs",
        "watch",
        "open",
        "secrets set",
        "rotate",
        "domain set",
        "metrics",
        "env",
        "subscription change",
        "plans",
        "deployments",
        "tenant create",
        "tenant suspend",
        "tenant activate",
        "tenant scale",
        "tenant retry",
        "tenant cancel",
        "tenant external-access",
        "tenant credentials",
        "tenant rotate-credentials",
        "completions",
        "man",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let said = world.run(&words).await.done();
        assert!(said.out.contains("Example"), "{command}: {}", said.out);
    }
}

//! Completions and manual pages, and what is printed for people who ask.

use crate::world::World;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_is_told_commands_tenants_and_contexts() {
    let world = World::new().await;
    let list = json!({"tenants": [
        {"id": "local_1", "name": "barn", "tenant_type": "local"}, {"id": "ten_9", "name": "meadow", "tenant_type": "cloud"},
    ]});
    std::fs::write(world.project().join(".systemprompt/tenants.json"), list.to_string()).expect("written");
    world.profile("ten_9", &json!({}));
    world.configure("[context.production]\napi = \"https://api.example\"\n");
    let script = world.run(&["completions", "bash"]).await.done();
    assert!(script.out.contains("complete") && script.out.contains("tenantry"), "{script:?}");
    world.run(&["completions", "tcsh"]).await.refused(2, "zsh");
    // As the script for fish asks.
    for (words, wanted) in [
        (&["tenantry", "resta"][..], "restart"),
        (&["tenantry", "restart", "--tenant", ""], "barn"),
        (&["tenantry", "tenant", "show", "b"], "barn"),
        (&["tenantry", "restart", "--tenant", "m"], "meadow"),
        (&["tenantry", "status", "--context", "p"], "production"),
        (&["tenantry", "deploy", "--profile", ""], "prod"),
        (&["tenantry", "doctor", "-p", ""], "prod"),
        (&["tenantry", "tenant", "create", "--region", "f"], "fra"),
        (&["tenantry", "metrics", "--range", "2"], "24h"),
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
async fn help_has_an_example_and_no_colours_in_a_pipe() {
    let world = World::new().await;
    for command in ["login", "deploy", "tenant show", "secrets set"] {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let said = world.run(&words).await.done();
        assert!(said.out.contains("Example"), "{command}: {}", said.out);
    }
}

/// Where nobody can be asked, what is wrong with a command is told with its own usage.
#[tokio::test(flavor = "multi_thread")]
async fn usage_is_that_of_the_command() {
    let world = World::new().await;
    world.run(&["tenant", "create", "--json"]).await.refused(2, "Usage: tenantry tenant create");
    world.run(&["deploy", "--build-arg", "=x"]).await.refused(2, "Usage: tenantry deploy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_colours_unless_nobody_wants_them() {
    let world = World::new().await;
    world.house.mara.running("one").await;
    let raw = |more: &[(&str, &str)], arguments: &[&str]| {
        let mut environment = world.environment();
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut terminal = crate::common::terminal::Terminal::start(arguments, &world.project(), &environment, 120, 36);
        terminal.wait_for_whole_end();
        String::from_utf8_lossy(&terminal.raw()).into_owned()
    };
    tokio::task::block_in_place(|| {
        for (arguments, wanted) in [
            (&["status"][..], "\u{1b}[32mrunning\u{1b}[0m"),
            (&["tenant", "list"], "\u{1b}[32mrunning\u{1b}[0m"),
            (&["doctor"], "\u{1b}[31m✕\u{1b}[0m"),
            (&["tenant", "show", "nobody"], "\u{1b}[31mtenantry:\u{1b}[0m"),
        ] {
            let coloured = raw(&[], arguments);
            assert!(coloured.contains(wanted), "{arguments:?}: {coloured:?}");
            for more in [("NO_COLOR", "1"), ("TERM", "dumb")] {
                let plain = raw(&[more], arguments);
                assert!(!plain.contains("\u{1b}["), "{more:?} {arguments:?}: {plain:?}");
            }
        }
    });
}

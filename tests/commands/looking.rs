//! What only looks: status, logs, metrics, the environment, what is paid, what can be bought, what was deployed.

use crate::world::{World, check_lines, interrupt};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_how_everything_stands() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    world.house.mara.tenant().await;
    world.profile(&id, &json!({}));
    let document = world.run(&["status", "--json"]).await.done().json();
    assert_eq!(document["credentials"]["user_email"], crate::support::MARA);
    let of = |wanted: bool| {
        let tenants = document["tenants"].as_array().expect("tenants").iter();
        tenants
            .filter(|tenant| tenant["configured_in_profile"] == wanted)
            .map(|tenant| tenant["state"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!((of(true), of(false)), (vec![json!("running")], vec![json!("to deploy")]));
    let told = world.run(&["status"]).await.done();
    assert!(told.out.contains("profile prod") && told.out.contains("login   mara@"), "{told:?}");
    assert!(!told.out.contains("/credentials/"), "the one-time link is nobody's: {told:?}");

    std::fs::remove_file(world.project().join(".systemprompt/credentials.json")).expect("removed");
    let without = world.run(&["status", "--json"]).await;
    let credentials = without.json()["credentials"].clone();
    assert_eq!((without.code, &credentials["authenticated"]), (Some(3), &json!(false)));
    assert_eq!(credentials["token_expired"], json!(false), "there is none");
    let quiet = world.run(&["status", "--quiet"]).await.refused(3, "Not logged in.");
    assert!(quiet.out.is_empty(), "{quiet:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_lines_and_end_where_nobody_reads() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let said = world.run(&["logs", "-n", "2"]).await.done();
    assert_eq!(said.out, "2026-01-09T10:09:32Z line 2\n2026-01-09T10:09:32Z line 3\n");
    let events = world.run(&["logs", "--since", "2026-01-09T10:09:32Z", "--events"]).await.done();
    let since = world.run(&["logs", "--since", "2026-01-09T10:09:32Z", "--json"]).await.done();
    assert_eq!(since.out, events.out);
    let since = since.objects();
    assert_eq!(since.len(), 2);
    assert_eq!(
        (&since[0]["tenant_id"], &since[0]["message"], &since[0]["level"]),
        (&json!(id), &json!("line 2"), &json!("info"))
    );
    assert!(world.run(&["logs", "--since", "1h"]).await.done().out.is_empty());
    world.run(&["logs", "--since", "yesterday"]).await.refused(2, "10m");

    let other = world.house.mara.running("two").await;
    let (one, two) = (world.name(&id).await, world.name(&other).await);
    let both = world.run(&["logs", "--tenant", &id, "--tenant", &other]).await.done();
    let times: Vec<_> = both.out.lines().map(|line| line.split(' ').nth(1).expect("a time").to_owned()).collect();
    assert!(times.is_sorted() && times.len() == 6, "{both:?}");
    assert!(both.out.contains(&format!("[{one}]")) && both.out.contains(&format!("[{two}]")), "{both:?}");

    let following = ["logs", "-f", "--tenant", &id, "--tenant", &other, "--json"];
    let mut child = world.start(&following);
    let mut lines = BufReader::new(child.stdout.take().expect("its words")).lines();
    for _ in 0..6 {
        let line = crate::support::within("a line", lines.next_line()).await.expect("text").expect("a line");
        assert!(line.contains("\"message\":\"line "), "{line}");
        check_lines(&following, &line);
    }
    interrupt(&child);
    assert_eq!(world.end(child).await.code, Some(0), "Ctrl-C is the way to end it");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_environment_payment_and_deploys_are_shown() {
    let world = World::new().await;
    let waiting = world.house.mara.tenant().await;
    world.run(&["metrics"]).await.refused(1, "deploy");
    world.house.mara.delete(&format!("/api/v1/tenants/{waiting}")).await;
    let id = world.house.mara.running("one").await;
    let metrics = world.run(&["metrics", "--json"]).await.done().json();
    assert_eq!(metrics["metrics"]["machine_state"], "started");
    let told = world.run(&["metrics"]).await.done();
    assert!(told.out.contains("memory     100 of 1024 MB"), "{told:?}");
    let curve = world.run(&["metrics", "--range", "1h", "--json"]).await.done().json();
    assert!(curve["range"] == "1h" && curve["points"].is_array(), "{curve}");
    world.run(&["metrics", "--range", "1y"]).await.refused(2, "24h");

    let environment = world.run(&["env"]).await.done();
    assert!(environment.out.contains("DATABASE_URL") && environment.out.contains("platform"), "{environment:?}");
    let paid = world.run(&["subscription", "show", "--tenant", &id, "--json"]).await.done().json();
    assert_eq!(paid["subscription"]["status"], "active");
    let plans = world.run(&["plans", "--json"]).await.done().json();
    let all = plans["plans"].as_array().expect("plans");
    assert!(all.len() > 1 && plans["regions"][0]["code"] == "iad", "{plans}");
    let bought = &paid["subscription"]["plan"]["name"];
    let another = all.iter().find(|plan| &plan["name"] != bought).expect("another plan")["name"].clone();
    let change =
        world.run(&["subscription", "change", another.as_str().expect("a name"), "--json"]).await.done().json();
    assert!(change["checkout_url"].as_str().is_some_and(|url| url.starts_with(&world.house.mara.base)), "{change}");
    let changes = world.changes().await;
    assert!(changes.iter().any(|call| call == "POST /api/v1/tenants/{id}/subscription"), "{changes:?}");
    world.run(&["subscription", "change", "gold", "--tenant", &id]).await.refused(1, "There is no plan gold.");

    let deployments = world.run(&["deployments", "--tenant", &id, "--json"]).await.done().json();
    assert_eq!((deployments["deployments"].as_array().map(Vec::len), &deployments["tenant_id"]), (Some(1), &json!(id)));
    assert_eq!(deployments["deployments"][0]["status"], "succeeded");
    let record = world.record(&id).await;
    let open = world.run(&["open", "--print"]).await.done();
    assert_eq!(open.out, format!("{}\n", record["app_url"].as_str().expect("an address")));
    let history = world.run(&["history"]).await.done();
    assert!(history.out.contains("remembers no deploy"), "{history:?}");
    let history = world.run(&["history", "--tenant", &id, "--json"]).await.done().json();
    assert_eq!((&history["tenant_id"], history["tenant_name"].as_str()), (&json!(id), Some(&*world.name(&id).await)));
}

/// The browser is a script that notes what it is given.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_opened_in_the_browser() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let (script, noted) = (world.path("browser"), world.path("noted"));
    std::fs::write(&script, format!("#!/bin/sh\necho \"$1\" > '{}'\n", noted.display())).expect("written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("changed");
    let mut command = world.command(&["open", "--tenant", &id, "--json"]);
    command.env("BROWSER", &script);
    let said = world.end(command.spawn().expect("it starts")).await.done().json();
    let url = world.record(&id).await["app_url"].clone();
    assert_eq!((&said["url"], &said["opened"]), (&url, &json!(true)));
    let read = crate::support::within("the browser", async {
        loop {
            match std::fs::read_to_string(&noted) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        }
    })
    .await;
    assert_eq!(read.trim().trim_end_matches('/'), url.as_str().expect("an address"));
    let printed = world.run(&["open", "--print", "--json"]).await.done().json();
    assert_eq!(printed["opened"], json!(false));
}

/// A full disk, or whatever else takes no answer, is no success.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_printed_is_a_failure() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    world.profile(&id, &json!({}));
    std::fs::write(world.project().join("Cargo.toml"), "").expect("written");
    for arguments in [&["status", "--json"][..], &["dockerfile", "generate"], &["dockerfile", "generate", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let mut command = world.command(arguments);
        command.stdout(full);
        world.end(command.spawn().expect("it starts")).await.refused(1, "could not be printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn following_events_ends_with_a_signal() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let watching = ["watch", "--follow", "--tenant", &id, "--events"];
    let mut child = world.start(&watching);
    let mut lines = BufReader::new(child.stdout.take().expect("its words")).lines();
    // The snapshot says that the stream is open.
    crate::support::within("the first event", lines.next_line()).await.expect("text").expect("a line");
    world.house.mara.post(&format!("/api/v1/tenants/{id}/restart"), json!({})).await.ok();
    loop {
        let line = crate::support::within("an event", lines.next_line()).await.expect("text").expect("a line");
        check_lines(&watching, &line);
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        if event["step"] == "machine_started" {
            break;
        }
    }
    interrupt(&child);
    assert_eq!(world.end(child).await.code, Some(0));
}

/// A machine that says nothing: that nobody reads any more is noticed all the same.
#[tokio::test(flavor = "multi_thread")]
async fn following_ends_where_nobody_reads_any_more() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    for arguments in [&["watch", "--follow", "--json"][..], &["logs", "--follow", "--tenant", &id]] {
        let mut child = world.start(arguments);
        let mut lines = BufReader::new(child.stdout.take().expect("its words")).lines();
        crate::support::within("a line", lines.next_line()).await.expect("text").expect("a line");
        drop(lines);
        assert_eq!(world.end(child).await.code, Some(0), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_is_named_and_the_others_are_shown() {
    let world = World::new().await;
    let (id, waiting) = (world.house.mara.running("one").await, world.house.mara.tenant().await);
    let name = world.name(&waiting).await;
    let said = world.run(&["logs", "--tenant", &waiting, "--tenant", &id]).await.refused(1, "The log of");
    assert!(said.err.contains(&name) && said.out.contains("line 3"), "{said:?}");
    // Followed, too: it is told, the other goes on, and the end does not forget it.
    let mut child = world.start(&["logs", "-f", "--tenant", &waiting, "--tenant", &id]);
    let mut told = BufReader::new(child.stderr.take().expect("its words")).lines();
    let line = crate::support::within("a word", told.next_line()).await.expect("text").expect("a line");
    assert!(line.contains("The log of") && line.contains(&name), "{line}");
    let mut lines = BufReader::new(child.stdout.take().expect("its words")).lines();
    crate::support::within("a line", lines.next_line()).await.expect("text").expect("a line");
    interrupt(&child);
    assert_eq!(world.end(child).await.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_refused_or_missing_is_said() {
    let world = World::new().await;
    let credentials = world.project().join(".systemprompt/credentials.json");
    let login = json!({"api_token": "eyJ.no.x", "api_url": world.house.mara.base, "user_email": "x@h.example"});
    std::fs::write(&credentials, login.to_string()).expect("written");
    let said = world.run(&["tenant", "list"]).await.refused(3, "not all listed");
    assert!(!said.out.contains("buys one"), "{said:?}");
    let document = world.run(&["tenant", "list", "--json"]).await.refused(3, "warning").json();
    assert_eq!((&document["total"], &document["warning"]["requires_login"]), (&json!(0), &json!(true)));

    std::fs::remove_file(&credentials).expect("removed");
    // At a terminal nobody is told that there are no tenants where nothing is known of them.
    let mut terminal = world.terminal(&["tenant", "show"]);
    terminal.wait_for("Log in and go on?");
    assert!(!terminal.text().contains("There is no tenant"), "{}", terminal.text());
    terminal.type_keys("\r");
    assert_eq!(terminal.wait_for_whole_end(), 3, "no is what Enter says");
    for arguments in [
        &["tenant", "show", "meadow"][..],
        &["tenant", "edit", "meadow", "--name", "x"],
        &["tenant", "delete", "meadow"],
        &["profile", "create", "p", "--tenant", "meadow"],
    ] {
        let said = world.run(arguments).await.refused(3, "Not logged in.");
        assert!(said.err.contains("No local tenant is called meadow."), "{said:?}");
    }
    // Of somebody who never logged in the list is no failure.
    let said = world.run(&["tenant", "list"]).await.done();
    assert!(said.err.contains("Not logged in.") && !said.out.contains("buys one"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_no_project_needs_none() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let elsewhere = world.path("elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("made");
    let run = async |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.current_dir(&elsewhere).stdin(std::process::Stdio::null());
        command.env("TENANTRY_TOKEN", &world.house.mara.token).env("TENANTRY_API_URL", &world.house.mara.base);
        world.end(command.spawn().expect("it starts")).await
    };
    let listed = run(&["tenant", "list", "--json"]).await.done().json();
    assert_eq!((&listed["total"], &listed["tenants"][0]["id"]), (&json!(1), &json!(id)));
    let status = run(&["status", "--json"]).await.done().json();
    assert_eq!((&status["profiles"], &status["tenants"][0]["id"]), (&json!([]), &json!(id)));
    for arguments in [
        &["plans"][..],
        &["tenant", "show", &id],
        &["tenant", "edit", &id, "--name", "shop"],
        &["secrets", "list"],
        &["logs", "--tenant", "shop"],
        &["restart", "--yes"],
        &["watch"],
        &["history"],
    ] {
        run(arguments).await.done();
    }
    for arguments in [
        &["deploy"][..],
        &["rollback"],
        &["doctor"],
        &["secrets", "sync"],
        &["profile", "list"],
        &["tenant", "list", "--local"],
    ] {
        run(arguments).await.refused(1, "No project found");
    }
    assert_eq!(std::fs::read_dir(&elsewhere).expect("a folder").count(), 0, "nothing is left there");
}

/// What is on this machine no cloud is asked about.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_profile_is_looked_at_without_the_cloud() {
    let world = World::new().await;
    let folder = world.project().join(".systemprompt/profiles/dev");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("profile.yaml"), "target: local\ncloud: {tenant_id: local_1}\n").expect("written");
    let said = world.run(&["doctor", "-p", "dev", "--json"]).await;
    let document = said.json();
    let checks = document["checks"].as_array().expect("checks");
    let of = |name: &str| checks.iter().find(|check| check["name"] == name);
    assert_eq!(of("tenant"), None, "{said:?}");
    assert_eq!(of("login").expect("asked")["result"], "pass");
}

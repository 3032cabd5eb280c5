//! What is done to a tenant: its machine, its name, its memory, its database, its domain, its subscription, its end.

use crate::support::text;
use crate::world::World;
use serde_json::json;
use tenantry::server::provider::fake::Fault;

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_started_again_only_with_a_yes() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    world.run(&["restart"]).await.refused(2, "--yes");
    world.run(&["restart", "--non-interactive"]).await.refused(2, "--yes");
    assert!(!world.changes().await.iter().any(|call| call.ends_with("/restart")), "nothing was asked for");
    let said = world.run(&["restart", "--tenant", &id[..8], "--yes", "--json"]).await.done().json();
    assert_eq!((&said["tenant_id"], &said["status"]), (&json!(id), &json!("restarting")));
    assert!(world.changes().await.iter().any(|call| call == "POST /api/v1/tenants/{id}/restart"));
    let watched = world.run(&["watch"]).await.done();
    assert!(watched.out.contains("is running"), "{watched:?}");
    assert_eq!(world.house.mara.phase(&id).await, "running");
    let quiet = world.run(&["restart", "-y", "--quiet"]).await.done();
    assert!(quiet.out.is_empty() && quiet.err.is_empty(), "{quiet:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_suspended_activated_scaled_and_renamed() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    let name = world.name(&id).await;
    world.run(&["tenant", "suspend", &name]).await.refused(2, "--yes");
    let said = world.run(&["tenant", "suspend", &name, "--yes", "--json"]).await.done().json();
    assert_eq!((&said["status"], &said["already"]), (&json!("suspended"), &json!(false)));
    assert_eq!(world.house.mara.phase(&id).await, "suspended");
    let again = world.run(&["tenant", "suspend", "--yes"]).await.done();
    assert!(again.out.contains("already"), "{again:?}");
    world.run(&["tenant", "activate", &id, "--yes"]).await.done();
    world.run(&["watch", "--tenant", &id]).await.done();
    assert_eq!(world.house.mara.phase(&id).await, "running");
    world.run(&["tenant", "scale", "--memory", "300", "--yes"]).await.refused(2, "256, 512, 1024 or 2048");
    world.run(&["tenant", "scale", "--memory", "256", "--yes"]).await.done();
    world.run(&["watch"]).await.done();
    assert_eq!(world.record(&id).await["memory_mb"], 256);
    world.run(&["tenant", "edit", &name, "--name", "shop"]).await.done();
    assert_eq!(world.name(&id).await, "shop");
    let shown = world.run(&["tenant", "show", "shop", "--json"]).await.done().json();
    assert_eq!(
        (&shown["tenant_id"], &shown["tenant_name"], &shown["state"]),
        (&json!(id), &json!("shop"), &json!("running"))
    );
    let listed = world.run(&["tenant", "list", "--json"]).await.done().json();
    assert_eq!((&listed["total"], &listed["tenants"][0]["name"]), (&json!(1), &json!("shop")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_stored_and_not_shown() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    world.profile(&id, &json!({"openai": "sk-x"}));
    let said = world.run(&["tenant", "credentials", "--yes", "--json"]).await.done().json();
    assert_eq!(said["stored"]["profile"], "prod");
    let first = text(&world.profile_secrets()["internal_database_url"]);
    let password = |url: &str| url::Url::parse(url).expect("an address").password().expect("a password").to_owned();
    assert!(!said.to_string().contains(&password(&first)), "{said}");
    world.run(&["tenant", "credentials", "--yes", "--reveal"]).await.refused(1, "There are no credentials to fetch.");

    world.run(&["rotate"]).await.refused(2, "--yes");
    let said = world.run(&["rotate", "--yes"]).await.done();
    let second = text(&world.profile_secrets()["internal_database_url"]);
    assert_ne!(password(&first), password(&second));
    assert!(said.out.contains("****") && !said.out.contains(&password(&second)), "{said:?}");
    let said = world.run(&["tenant", "rotate-credentials", &id, "-y", "--reveal", "--json"]).await.done().json();
    let third = text(&world.profile_secrets()["internal_database_url"]);
    assert_eq!(said["internal_database_url"], json!(third));

    let shown = world.run(&["rotate", "--yes", "--reveal"]).await.done();
    let third = text(&world.profile_secrets()["internal_database_url"]);
    assert!(shown.out.contains(&password(&third)), "{shown:?}");

    let said = world.run(&["tenant", "external-access", "on", "--yes", "--json"]).await.done().json();
    assert_eq!(
        (&said["external_db_access"], &world.record(&id).await["external_db_access"]),
        (&json!(true), &json!(true))
    );
    assert!(!said.to_string().contains(&password(&third)), "{said}");
    let masked = said["database_url"].as_str().expect("an address").to_owned();
    assert!(masked.contains(":****@") && !masked.contains("*****"), "{masked}");
    let told = world.run(&["tenant", "external-access", "on", "--yes"]).await.done();
    assert!(told.out.contains(":****@") && !told.out.contains("psql"), "nobody can use that: {told:?}");
    world.run(&["tenant", "external-access", "off", &id, "--yes"]).await.done();
    assert_eq!(world.record(&id).await["external_db_access"], json!(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_set_shown_and_removed() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    let path = format!("/api/v1/tenants/{id}/custom-domain");
    let none = world.run(&["domain", "status", "--json"]).await.done().json();
    assert!(none["domain"].is_null(), "{none}");
    let set = world.run(&["domain", "set", "https://app.orchard.example/"]).await.done();
    assert!(set.out.contains("CNAME") && set.out.contains("tenantry domain status"), "{set:?}");
    assert_eq!(world.house.mara.get(&path).await.ok()["data"]["domain"], "app.orchard.example");
    let shown = world.run(&["domain", "status", "--json"]).await.done().json();
    assert_eq!(
        (&shown["domain"]["domain"], &shown["domain"]["verified"]),
        (&json!("app.orchard.example"), &json!(false))
    );
    world.run(&["domain", "set", "127.0.0.1"]).await.refused(1, "domain");
    world.run(&["domain", "remove"]).await.refused(2, "--yes");
    world.run(&["domain", "remove", "-y"]).await.done();
    world.house.mara.get(&path).await.refused(404, Some("domain_missing"));
    let again = world.run(&["domain", "remove", "-y"]).await.done();
    assert!(again.out.contains("There was no domain."), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_and_watching_says_how_it_ended() {
    let world = World::new().await;
    let mara = &world.house.mara;
    world.house.provider.fail("create_volume", Fault::Before);
    let session = mara.checkout().await;
    mara.pay(&session).await;
    mara.stream(&crate::support::Person::session_events(&session), None).await.rest().await;
    let listed = mara.get("/api/v1/tenants").await.ok();
    let id = text(&listed["data"][0]["id"]);
    let failed = world.run(&["watch", "--json"]).await;
    assert_eq!((failed.code, &failed.json()["state"]), (Some(1), &json!("failed")));
    let said = world.run(&["tenant", "retry", "--yes", "--json"]).await.done().json();
    assert_eq!(said["status"], "provisioning");
    let watched = world.run(&["watch", "--json"]).await.done();
    assert_eq!(watched.objects().last().expect("an end")["state"], "to deploy");
    assert_eq!(mara.phase(&id).await, "awaiting_deploy");
    world.run(&["tenant", "retry", "--yes"]).await.refused(1, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_wants_the_whole_name() {
    let world = World::new().await;
    let (one, two) = (world.house.mara.tenant().await, world.house.mara.tenant().await);
    let (first, second) = (world.name(&one).await, world.name(&two).await);
    world.run(&["tenant", "cancel", &one[..10], "--yes"]).await.refused(2, "only the beginning");
    world.run(&["tenant", "cancel", &first]).await.refused(2, "--yes");
    assert_eq!(world.record(&one).await["subscription_status"], "active");
    let said = world.run(&["tenant", "cancel", &first, "--yes", "--json"]).await.done().json();
    assert_eq!(said["tenant_id"], json!(one));
    world.house.mara.get(&format!("/api/v1/tenants/{one}")).await.refused(404, None);
    world.run(&["tenant", "delete", &second]).await.refused(2, "--yes");
    world.run(&["tenant", "delete", &second, "--yes"]).await.done();
    world.house.mara.get(&format!("/api/v1/tenants/{two}")).await.refused(404, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_profiles_of_a_tenant_one_is_named() {
    let world = World::new().await;
    let id = world.house.mara.tenant().await;
    world.profile(&id, &json!({"openai": "sk-x"}));
    world.other_profile(&id, "other");
    for arguments in [&["secrets", "sync"][..], &["tenant", "credentials", "--yes"], &["rotate", "--yes"]] {
        world.run(arguments).await.refused(1, "More than one profile names this tenant.");
    }
    let said = world.run(&["tenant", "credentials", "--yes", "--profile", "prod", "--json"]).await.done().json();
    assert_eq!(said["stored"]["profile"], "prod");
    let first = text(&world.profile_secrets()["internal_database_url"]);
    let said = world.run(&["rotate", "--yes", "--profile", "prod", "--json"]).await.done().json();
    assert_eq!(said["stored"]["profile"], "prod");
    assert_ne!(text(&world.profile_secrets()["internal_database_url"]), first);
    world.run(&["secrets", "sync", "--profile", "prod"]).await.done();
    let on = ["tenant", "external-access", "on", "--yes", "-p", "prod", "--json"];
    assert_eq!(world.run(&on).await.done().json()["stored"]["profile"], "prod");
    // The environment names it, too.
    let mut command = world.command(&["secrets", "sync"]);
    let child = command.env("SYSTEMPROMPT_PROFILE", "prod").spawn().expect("it starts");
    world.end(child).await.done();

    let other = world.house.mara.tenant().await;
    let said = world.run(&["rotate", "--yes", "-p", "prod", "--tenant", &other]).await;
    said.refused(1, "Profile prod belongs to another tenant.");
    world.run(&["rotate", "--yes", "-p", "nobody"]).await.refused(1, "No profile nobody.");
    // Where it is a word of the command, that is said.
    std::fs::remove_dir_all(world.project().join(".systemprompt/profiles")).expect("removed");
    let said = world.run(&["tenant", "suspend", "--yes"]).await.refused(1, "as a word of the command");
    assert!(!said.err.contains("--tenant"), "{said:?}");
    world.run(&["restart", "--yes"]).await.refused(1, "--tenant <id or name>");
}

/// What the environment says is no less said than `--profile`: the account's only tenant is not meant instead.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_the_environment_that_means_nothing_falls_to_no_other_tenant() {
    let world = World::new().await;
    let id = world.house.mara.running("one").await;
    world.profile(&id, &json!({"openai": "sk-x"}));
    world.other_profile("ten_of_others", "stray");
    world.other_profile("local_1", "local");
    let run = async |set: &str, arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("SYSTEMPROMPT_PROFILE", set).stdin(std::process::Stdio::null());
        world.end(command.spawn().expect("it starts")).await
    };
    let inside = world.project().join(".systemprompt/profiles/stray/profile.yaml");
    for (set, words) in [
        ("nope", "No profile nope."),
        ("/", "No profile /."),
        ("stray", "The tenant of profile stray is not there."),
        (inside.to_str().expect("a plain path"), "The tenant of profile stray is not there."),
        ("local", "Profile local is for no tenant of the cloud."),
    ] {
        let said = run(set, &["tenant", "suspend", "--yes"]).await.refused(1, words);
        assert!(said.err.contains("SYSTEMPROMPT_PROFILE names it."), "{said:?}");
        run(set, &["logs"]).await.refused(1, words);
        // What says otherwise who is meant is not held up by it.
        run(set, &["logs", "--tenant", &id]).await.done();
        run(set, &["secrets", "sync", "--profile", "prod"]).await.done();
    }
    assert_eq!(world.changes().await.iter().filter(|change| change.contains("suspend")).count(), 0);
    // One that names no tenant leaves it open, as with --profile; empty is as not set.
    std::fs::write(world.project().join(".systemprompt/profiles/stray/profile.yaml"), "cloud: {}").expect("written");
    run("stray", &["logs"]).await.done();
    run(" ", &["logs"]).await.done();
    run("prod", &["logs"]).await.done();
}

const WORDS: &str = "A tenant of the account cannot be read.";

/// A list of which something cannot be read is not taken for a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn tenants_that_cannot_be_read_are_not_left_out_silently() {
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    let world = World::new().await;
    let server = MockServer::start().await;
    let ok = |body: serde_json::Value| ResponseTemplate::new(200).set_body_json(body);
    let torn = json!({"data": [{"id": "ten_1", "name": "orchard"}, {"name": "meadow"}]});
    let me = json!({"data": {"user": {"id": "u1", "email": "mara@orchard.example"}}});
    for (place, answer) in [
        ("/api/v1/tenants", torn),
        ("/api/v1/auth/me", me),
        ("/api/v1/tenants/ten_1/status", json!({"data": {"status": "ready"}})),
    ] {
        Mock::given(path(place)).respond_with(ok(answer)).mount(&server).await;
    }
    let run = async |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("TENANTRY_TOKEN", "a.b.c").env("TENANTRY_API_URL", server.uri());
        world.end(command.stdin(std::process::Stdio::null()).spawn().expect("it starts")).await
    };
    let listed = run(&["tenant", "list", "--json"]).await.refused(1, WORDS).json();
    assert_eq!((&listed["total"], &listed["warning"]["title"]), (&json!(1), &json!(WORDS)));
    let status = run(&["status", "--json"]).await.refused(1, WORDS).json();
    assert_eq!((&status["tenants"][0]["id"], &status["warning"]["title"]), (&json!("ten_1"), &json!(WORDS)));
    run(&["status"]).await.refused(1, WORDS);
    run(&["tenant", "show", "meadow"]).await.refused(1, WORDS);
    run(&["restart", "--yes"]).await.refused(1, WORDS);
    run(&["deploy", "--all"]).await.refused(1, WORDS);
}

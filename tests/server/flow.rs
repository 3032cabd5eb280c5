//! The main job over real HTTP: buy, watch, push, deploy, look at the logs, remove; and what the event
//! streams promise on the way.

use crate::support::{Frame, House, Person, text, within, words};
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tenantry::server::provider::Provider;
use tenantry::server::provider::fake::{FakeProvider, Fault};
use tenantry::server::{Settings, serve_with};
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

/// Every test, on every store.
pub fn trials() -> Vec<Trial> {
    on_both_stores![
        from_checkout_to_a_running_tenant_and_back_to_nothing,
        a_stream_that_is_cut_after_every_event_loses_none_and_repeats_none,
        a_quiet_tenant_answers_with_one_snapshot,
        a_strict_server_waits_between_the_phases,
        of_two_deploys_at_once_one_is_refused,
        a_deploy_goes_on_when_the_client_leaves,
        a_failed_update_leaves_the_old_version_running,
        a_failed_first_deploy_can_be_repeated,
        without_a_provider_everything_but_the_deploy_works,
        a_restart_keeps_what_runs_and_ends_what_was_interrupted,
        a_deploy_that_the_end_of_the_server_cuts_off_leaves_no_machine,
        a_restart_removes_machines_that_nobody_uses,
        the_tenants_address_follows_a_machine_that_starts_again_elsewhere,
        a_throw_away_server_leaves_nothing,
        a_throw_away_server_that_cannot_start_leaves_nothing,
        an_engine_that_hangs_does_not_hold_up_the_end_of_the_server,
        without_an_engine_a_throw_away_server_ends_well_and_its_log_has_no_token,
    ]
}

const PHASE_ONE: [&str; 10] = [
    "subscription_created/payment",
    "tenant_created/tenant",
    "database_created/database",
    "secrets_stored/secrets_stored",
    "vm_provisioning_started/provisioning_started",
    "vm_provisioning_progress/app_created",
    "vm_provisioning_progress/volume_created",
    "vm_provisioning_progress/ip_allocated",
    "vm_provisioning_progress/certificate_added",
    "infrastructure_ready/",
];
const FIRST_DEPLOY: [&str; 4] = [
    "vm_provisioning_started/machine_create",
    "vm_provisioned/machine_started",
    "secrets_configured/secrets_configured",
    "tenant_ready/",
];

fn ids(frames: &[Frame]) -> Vec<u32> {
    frames.iter().map(|frame| frame.id.as_deref().expect("an id").parse().expect("a number")).collect()
}

async fn from_checkout_to_a_running_tenant_and_back_to_nothing() {
    let house = House::start().await;
    let mara = &house.mara;
    let session = mara.checkout().await;
    // The stream is opened before the payment, and waits for it.
    let mut stream = mara.stream(&Person::session_events(&session), None).await;
    mara.pay(&session).await;
    let mut events = Vec::new();
    while let Some(frame) = stream.next().await {
        events.push(frame);
    }
    assert_eq!(words(&events), PHASE_ONE);
    assert_eq!(ids(&events), (1..=10).collect::<Vec<_>>());
    assert!(events.iter().all(|frame| frame.event == "provisioning" && frame.data["at"].is_string()));
    let last = &events[9].data;
    let id = text(&last["tenant_id"]);
    assert_eq!(last["status"], "awaiting_deploy");
    assert_eq!(last["checkout_session_id"], session["checkout_session_id"]);

    // Mirrored from the second event on, under the same keys.
    let mirrored = mara.stream(&format!("/api/v1/tenants/{id}/events"), None).await.rest().await;
    assert_eq!(words(&mirrored), PHASE_ONE[1..]);
    for (tenant, checkout) in mirrored.iter().zip(&events[1..]) {
        assert_eq!(tenant.data["event_key"], checkout.data["event_key"]);
    }

    let status = mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok()["data"].clone();
    assert_eq!((text(&status["status"]), text(&status["phase"])), ("ready".into(), "awaiting_deploy".into()));
    assert!(text(&status["secrets_url"]).starts_with(&format!("{}/api/v1/tenants/{id}/credentials/", mara.base)));

    let path = format!("/api/v1/tenants/{id}/deploy");
    let image = mara.image(&id).await;
    mara.post(&path, json!({ "image": image })).await.refused(400, Some("image_not_pushed"));
    mara.get(&format!("/api/v1/tenants/{id}/logs")).await.refused(400, Some("no_machine"));
    let digest = mara.push(&id, "one").await;
    let mut live = mara.stream(&format!("/api/v1/tenants/{id}/events?follow=true"), None).await;
    assert_eq!(live.next().await.expect("the snapshot").data["snapshot"], true);
    let deployed = mara.post(&path, json!({ "image": image })).await.ok()["data"].clone();
    assert_eq!(deployed["status"], "deployed");
    assert_eq!(deployed["app_url"], deployed["url"]);
    let mut phase_two = Vec::new();
    for _ in FIRST_DEPLOY {
        phase_two.push(live.next().await.expect("an event"));
    }
    assert_eq!(words(&phase_two), FIRST_DEPLOY);
    assert_eq!(phase_two[3].data["app_url"], deployed["app_url"]);
    assert_eq!(phase_two[3].data["status"], "running");

    let world = house.provider.world();
    let machine = text(&deployed["machine_id"]);
    assert!(world.machines[&machine].1.ends_with(&format!("/systemprompt-images@{digest}")), "{world:?}");
    let environment: BTreeSet<&str> = world.environments[&machine].iter().map(|(key, _)| key.as_str()).collect();
    for key in ["DATABASE_URL", "JWT_SECRET", "PORT", "APP_URL", "TENANT_ID", "SYSTEMPROMPT_SERVICES_PATH"] {
        assert!(environment.contains(key), "{key}");
    }

    // The same again with another image: beside the old machine, at the same address.
    let second = mara.push(&id, "two").await;
    let again = mara.post(&path, json!({ "image": image })).await.ok()["data"].clone();
    assert_eq!(again["app_url"], deployed["app_url"]);
    // The replaced machine goes after the answer's event, before the answer itself.
    let world = house.provider.world();
    assert_eq!(world.machines.keys().collect::<Vec<_>>(), [again["machine_id"].as_str().expect("an id")]);
    assert_eq!(live.next().await.expect("an event").data["step"], "machine_update");
    let tenant = mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    assert_eq!((text(&tenant["phase"]), text(&tenant["image_digest"])), ("running".into(), second));

    let logs = mara.get(&format!("/api/v1/tenants/{id}/logs?lines=2")).await.ok();
    assert_eq!(logs["logs"].as_array().map(Vec::len), Some(2));
    let mut following = mara.stream(&format!("/api/v1/tenants/{id}/logs?follow=true"), None).await;
    let entry = following.next().await.expect("a line");
    assert_eq!((entry.event.as_str(), text(&entry.data["message"])), ("log", "line 1".into()));

    assert_eq!(mara.delete(&format!("/api/v1/tenants/{id}")).await.status, 204);
    mara.delete(&format!("/api/v1/tenants/{id}")).await.refused(404, None);
    let world = house.provider.world();
    assert!(world.apps.is_empty() && world.volumes.is_empty() && world.machines.is_empty(), "{world:?}");
    within("the end of the stream", async { while live.next().await.is_some() {} }).await;
    assert_eq!(mara.get("/api/v1/tenants").await.ok()["data"], json!([]));
}

async fn a_stream_that_is_cut_after_every_event_loses_none_and_repeats_none() {
    let house = House::start().await;
    let session = house.mara.checkout().await;
    let path = Person::session_events(&session);
    let mut first = house.mara.stream(&path, None).await;
    house.mara.pay(&session).await;
    let mut seen = vec![first.next().await.expect("the first event")];
    drop(first);
    while seen.len() < PHASE_ONE.len() {
        let last = seen.last().and_then(|frame| frame.id.clone());
        let mut stream = house.mara.stream(&path, last.as_deref()).await;
        seen.push(stream.next().await.expect("the next event"));
    }
    assert_eq!(words(&seen), PHASE_ONE);
    // Nothing is left to say; an id that never was is answered with a reset.
    assert_eq!(house.mara.stream(&path, Some("10")).await.rest().await, []);
    assert_eq!(house.mara.stream(&path, Some("99")).await.rest().await[0].event, "reset");
}

async fn a_quiet_tenant_answers_with_one_snapshot() {
    let house = House::start().await;
    let id = house.mara.running("one").await;
    let frames = house.mara.stream(&format!("/api/v1/tenants/{id}/events"), None).await.rest().await;
    assert_eq!(words(&frames), ["tenant_ready/"]);
    assert_eq!(frames[0].data["snapshot"], true);
    // Someone who had that event already is told nothing.
    let id_of_last = frames[0].id.clone();
    let path = format!("/api/v1/tenants/{id}/events");
    assert_eq!(house.mara.stream(&path, id_of_last.as_deref()).await.rest().await, []);
    // And someone who was cut off before the deploy hears all of it.
    let missed = house.mara.stream(&path, Some("9")).await.rest().await;
    assert_eq!(words(&missed), FIRST_DEPLOY);
}

async fn a_strict_server_waits_between_the_phases() {
    let house = House::start_with(|settings| settings.compat = false).await;
    let id = house.mara.tenant().await;
    let status = house.mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok();
    assert_eq!(status["data"]["status"], "awaiting_deploy");
    let mut stream = house.mara.stream(&format!("/api/v1/tenants/{id}/events"), None).await;
    for _ in 1..PHASE_ONE.len() {
        stream.next().await.expect("a replayed event");
    }
    house.mara.push(&id, "one").await;
    house.mara.deploy(&id).await.ok();
    assert_eq!(words(&stream.rest().await), FIRST_DEPLOY);
}

async fn of_two_deploys_at_once_one_is_refused() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    house.mara.push(&id, "one").await;
    house.provider.hold();
    let deploy = || {
        let (mara, id) = (house.mara.clone(), id.clone());
        tokio::spawn(async move { mara.deploy(&id).await })
    };
    let (mut one, mut two) = (deploy(), deploy());
    // One of them holds the tenant until the machine is released, so the other ends first.
    let (loser, winner) = within("the refusal", async {
        tokio::select! { answer = &mut one => (answer, two), answer = &mut two => (answer, one) }
    })
    .await;
    loser.expect("no panic").refused(409, Some("operation_running"));
    house.mara.delete(&format!("/api/v1/tenants/{id}")).await.refused(409, Some("operation_running"));
    house.provider.release();
    assert_eq!(winner.await.expect("no panic").ok()["data"]["status"], "deployed");
    assert_eq!(house.provider.world().machines.len(), 1);
}

async fn a_deploy_goes_on_when_the_client_leaves() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    house.mara.push(&id, "one").await;
    house.provider.hold();
    let (mara, tenant) = (house.mara.clone(), id.clone());
    let client = tokio::spawn(async move { mara.deploy(&tenant).await });
    house.mara.wait_for_phase(&id, "deploying").await;
    client.abort();
    assert!(client.await.is_err_and(|error| error.is_cancelled()));
    house.provider.release();
    house.mara.wait_for_phase(&id, "running").await;
}

async fn a_failed_update_leaves_the_old_version_running() {
    let house = House::start().await;
    let id = house.mara.running("one").await;
    let before = house.provider.world().machines;
    house.mara.push(&id, "two").await;
    house.provider.fail("create_machine", Fault::Before);
    house.mara.deploy(&id).await.refused(500, None);
    let tenant = house.mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"].clone();
    assert_eq!(tenant["phase"], "running");
    assert!(text(&tenant["last_error"]).starts_with("machine: "), "{tenant}");
    assert_eq!(house.provider.world().machines, before);
    let last = house.mara.stream(&format!("/api/v1/tenants/{id}/events"), None).await.rest().await;
    assert_eq!(words(&last), ["provisioning_failed/machine"]);
    house.mara.deploy(&id).await.ok();
    assert!(house.mara.get(&format!("/api/v1/tenants/{id}")).await.ok()["data"]["last_error"].is_null());
}

async fn a_failed_first_deploy_can_be_repeated() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    house.mara.push(&id, "one").await;
    house.provider.fail("create_machine", Fault::Before);
    house.mara.deploy(&id).await.refused(500, None);
    assert_eq!(house.mara.phase(&id).await, "failed_deploy");
    house.mara.deploy(&id).await.ok();
    assert_eq!(house.mara.phase(&id).await, "running");
}

async fn without_a_provider_everything_but_the_deploy_works() {
    let house = House::start().await;
    house.provider.go_away();
    let id = house.mara.tenant().await;
    let image = house.mara.image(&id).await;
    house.mara.push(&id, "one").await;
    let refused = house.mara.post(&format!("/api/v1/tenants/{id}/deploy"), json!({ "image": image })).await;
    let body = refused.refused(503, None);
    assert_eq!(body["error"]["code"], "service_unavailable");
    assert_eq!(body["error"]["message"], "the provider does not answer");
    assert_eq!(house.mara.phase(&id).await, "awaiting_deploy");
}

async fn a_restart_keeps_what_runs_and_ends_what_was_interrupted() {
    // A range of its own, so that no other test's server takes a port while this one is down.
    let house = House::start_with(|settings| settings.ports = 3920..=3939).await;
    let runs = house.mara.running("one").await;
    let deploying = house.mara.running("two").await;
    house.provider.hold();
    let (mara, tenant) = (house.mara.clone(), deploying.clone());
    let client = tokio::spawn(async move {
        let image = mara.image(&tenant).await;
        let call = mara.request(Method::POST, &format!("/api/v1/tenants/{tenant}/deploy"));
        call.json(&json!({ "image": image })).send().await.map(|answer| answer.status().as_u16())
    });
    house.mara.wait_for_phase(&deploying, "deploying").await;
    let house = house.restart().await;
    house.provider.release();
    // Told to come back later, or cut off; never told that it worked.
    assert!(!matches!(client.await.expect("no panic"), Ok(200)));
    assert_eq!(house.mara.phase(&runs).await, "running");
    assert_eq!(house.mara.phase(&deploying).await, "failed_deploy");
    let tenant = house.mara.get(&format!("/api/v1/tenants/{deploying}")).await.ok()["data"].clone();
    assert!(text(&tenant["last_error"]).starts_with("interrupted"), "{tenant}");
    house.mara.push(&deploying, "three").await;
    house.mara.deploy(&deploying).await.ok();
    assert_eq!(house.mara.phase(&deploying).await, "running");
    assert_eq!(house.provider.world().machines.len(), 2);
}

async fn a_deploy_that_the_end_of_the_server_cuts_off_leaves_no_machine() {
    let house = House::start().await;
    let id = house.mara.running("one").await;
    let before = house.provider.world().machines;
    house.mara.push(&id, "two").await;
    house.provider.hang();
    let (mara, tenant) = (house.mara.clone(), id.clone());
    let client = tokio::spawn(async move { mara.deploy(&tenant).await.status.as_u16() });
    within("the second machine", async {
        while house.provider.world().machines.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let provider = house.provider.clone();
    let (ended, _dir) = house.stop().await;
    ended.expect("a clean end");
    assert_eq!(client.await.expect("no panic"), 503);
    assert_eq!(provider.world().machines, before);
}

async fn a_restart_removes_machines_that_nobody_uses() {
    // A range of its own, so that no other test's server takes a port while this one is down.
    let house = House::start_with(|settings| settings.ports = 3940..=3949).await;
    let id = house.mara.running("one").await;
    house.provider.fail("destroy_machine", Fault::Before);
    house.mara.push(&id, "two").await;
    let machine = text(&house.mara.deploy(&id).await.ok()["data"]["machine_id"]);
    let house = house.restart().await;
    assert_eq!(house.provider.world().machines.keys().collect::<Vec<_>>(), [&machine]);
    assert_eq!(house.mara.phase(&id).await, "running");
}

async fn the_tenants_address_follows_a_machine_that_starts_again_elsewhere() {
    let house = House::start().await;
    let id = house.mara.tenant().await;
    house.mara.push(&id, "one").await;
    let deployed = house.mara.deploy(&id).await.ok()["data"].clone();
    let (machine, address) = (text(&deployed["machine_id"]), text(&deployed["app_url"]));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let place = listener.local_addr().expect("an address");
    let app = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let program = tokio::spawn(async move { axum::serve(listener, app).await });
    let says = |what: &'static str| {
        let (http, address) = (house.mara.http.clone(), address.clone());
        within(what, async move {
            loop {
                let answer = http.get(&address).header("connection", "close").send().await.expect("an answer");
                if answer.text().await.expect("text").contains(what) {
                    return;
                }
            }
        })
    };
    house.provider.move_to(&machine, place);
    says("here").await;
    house.provider.kill(&machine);
    says("no running machine").await;
    program.abort();
}

async fn a_throw_away_server_leaves_nothing() {
    let house = House::start_with(|settings| settings.throw_away = true).await;
    let id = house.mara.running("one").await;
    let ready = house.settings.ready_file.clone().expect("a ready file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&ready), mode(&house.data())), (0o600, 0o700));
    }
    // An open stream does not hold the server up.
    let stream = house.mara.stream(&format!("/api/v1/tenants/{id}/events?follow=true"), None).await;
    let (provider, data) = (house.provider.clone(), house.data());
    let (ended, _dir) = house.stop().await;
    ended.expect("a clean end");
    stream.rest().await;
    let world = provider.world();
    assert!(world.apps.is_empty() && world.machines.is_empty() && world.volumes.is_empty(), "{world:?}");
    assert!(!data.exists() && !ready.exists());
}

async fn a_throw_away_server_that_cannot_start_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let mut nobody = Settings::new(dir.path().join("nobody"));
    nobody.users.clear();
    let mut elsewhere = Settings::new(dir.path().join("elsewhere"));
    elsewhere.listen = taken.local_addr().expect("an address");
    for mut settings in [nobody, elsewhere] {
        settings.throw_away = true;
        let data = settings.data.clone();
        let provider = |_, _| -> Arc<dyn Provider> { Arc::new(FakeProvider::default()) };
        serve_with(settings, provider, CancellationToken::new()).await.expect_err("it cannot start");
        assert!(!data.exists(), "{}", data.display());
    }
}

/// The program itself as a throw-away server, with an engine at `socket`: its process, its input, its log as it comes,
/// and what its ready file says.
async fn program(
    dir: &Path,
    socket: &Path,
) -> (tokio::process::Child, tokio::process::ChildStdin, tokio::task::JoinHandle<String>, serde_json::Value) {
    let ready = dir.join("ready.json");
    let mut server = tokio::process::Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args(["serve", "--listen", "127.0.0.1:0", "--throw-away", "--until-input-closes", "--data"])
        .arg(dir.join("data"))
        .arg("--ready-file")
        .arg(&ready)
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .env("TENANTRY_LOG", "trace")
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let input = server.stdin.take().expect("its input");
    // Read all the while: a full pipe would hold the server up.
    let log = tokio::spawn(server.stderr.take().map(read_all).expect("its log"));
    let said = within("the ready file", async {
        loop {
            if let Ok(json) = tokio::fs::read(&ready).await {
                return serde_json::from_slice::<serde_json::Value>(&json).expect("JSON");
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    (server, input, log, said)
}

async fn an_engine_that_hangs_does_not_hold_up_the_end_of_the_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("docker.sock");
    // Connections are accepted by the system, and nobody ever answers.
    let _silent = std::os::unix::net::UnixListener::bind(&socket).expect("binds");
    let (mut server, input, log, _) = program(dir.path(), &socket).await;
    drop(input);
    let status = within("its end", server.wait()).await.expect("waited for");
    assert!(status.success(), "{}", log.await.expect("no panic"));
}

async fn without_an_engine_a_throw_away_server_ends_well_and_its_log_has_no_token() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("docker.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("binds"));
    let (mut server, input, log, said) = program(dir.path(), &socket).await;
    let mara = Person::new(text(&said["api_url"]), text(&said["token"]));
    let id = mara.tenant().await;
    let token = mara.get(&format!("/api/v1/tenants/{id}/registry-token")).await.ok()["data"]["token"].clone();
    let link = mara.get(&format!("/api/v1/tenants/{id}/status")).await.ok()["data"]["secrets_url"].clone();
    let link_token = text(&link).rsplit_once('/').expect("a path").1.to_owned();
    mara.push(&id, "one").await;
    mara.deploy(&id).await.refused(503, None);
    drop(input);
    let status = within("its end", server.wait()).await.expect("waited for");
    let log = log.await.expect("no panic");
    assert!(status.success(), "{log}");
    assert!(!dir.path().join("data").exists());
    assert!(!log.is_empty());
    for secret in [mara.token, text(&token), link_token] {
        assert!(!log.contains(&secret), "{log}");
    }
}

async fn read_all(mut pipe: tokio::process::ChildStderr) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).await.expect("text");
    text
}

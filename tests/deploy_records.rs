//! What is remembered of deploys, across programs: two that write at once, one that is killed, and the command that lists it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use serde_json::json;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tenantry::api::{BaseUrl, Client};
use tenantry::model::progress::{Builder, DeployProgress, DeployStep};
use tenantry::model::{DeployEnd, DeployRecord, Digest, GitRevision, Secret, TenantId};
use tenantry::ops::deploy_lock::{self, Held};
use tenantry::ops::record::{Origin, Recorder};
use tenantry::ops::{Session, history, resume, tenants};
use tenantry::workspace::{Project, StateDirectory};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Names the part that another process of this test plays.
const PART: &str = "TENANTRY_TEST_PART";
/// And the state directory that it plays in.
const PLACE: &str = "TENANTRY_TEST_PLACE";

const WRITERS: usize = 3;
const EACH: usize = 12;

fn tenant() -> TenantId {
    TenantId::new("3f6c1b8e-52d4-4c0a").expect("an id")
}

fn digest(number: u8) -> Digest {
    Digest::new(&format!("sha256:{}", format!("{number:02x}").repeat(32))).expect("a digest")
}

fn record(id: &str, number: u8, outcome: DeployEnd) -> DeployRecord {
    DeployRecord {
        id: id.into(),
        tenant_id: tenant(),
        tenant_name: "orchard".into(),
        by: Some("mara@orchard.example".into()),
        began_at: "2026-11-20T10:00:00Z".into(),
        took_ms: 12_300,
        image: "127.0.0.1:5000/images:tenant-x".into(),
        image_id: Some(digest(number).to_string()),
        digest: Some(digest(number)),
        git: Some(GitRevision { commit: "8124739a".repeat(5), dirty: true }),
        builder: None,
        rollback_of: None,
        steps: Vec::new(),
        outcome,
    }
}

/// This program once more, in another part.
fn another(part: &str, place: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "plays_its_part", "--nocapture"])
        .envs([(PART, part.as_ref()), (PLACE, place.as_os_str())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// A session in `folder` whose server is at `api_url`.
fn session(folder: &Path, api_url: &str) -> Session {
    let client = Client::new(BaseUrl::parse(api_url).expect("an address"), Secret::new("t0ken")).expect("a client");
    let state = StateDirectory::at(folder.join("state"));
    Session::new(client, Project { root: folder.to_owned() }, Some(state))
}

/// Not a test by itself: what the other processes of the tests below do.
#[tokio::test]
async fn plays_its_part() {
    let (Ok(part), Some(place)) = (std::env::var(PART), std::env::var_os(PLACE)) else { return };
    let place = Path::new(&place);
    if part == "deployer" {
        return deploy_until_killed(place).await;
    }
    let state = StateDirectory::at(place);
    // All begin when their input closes.
    std::io::stdin().read_to_end(&mut Vec::new()).expect("closed");
    for number in 0..EACH {
        state.save_record(&record(&format!("{part}-{number}"), 1, DeployEnd::Open)).expect("saved");
    }
}

/// A deploy that has built its image when the machine takes its power away.
async fn deploy_until_killed(place: &Path) {
    let session = session(place, "http://127.0.0.1:1");
    let Ok(Held::Locked(_lock)) = deploy_lock::take(&session, &tenant(), "deploy of orchard").await else {
        panic!("no lock")
    };
    let recorder = Recorder::begin(&session, &tenant(), Origin::Elsewhere);
    for step in [DeployStep::Preflight, DeployStep::Project, DeployStep::Build] {
        recorder.hear(&DeployProgress::Finished { step, summary: "done".into(), took: Duration::from_millis(5) });
    }
    recorder.made(digest(1).as_str(), Some(Builder::Classic));
    while history::records(&session, &tenant()).await.expect("readable").iter().all(|known| known.image_id.is_none()) {
        tokio::task::yield_now().await;
    }
    println!("built");
    std::future::pending::<()>().await;
}

#[test]
fn programs_that_write_at_once_lose_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writers: Vec<Child> = (0..WRITERS).map(|writer| another(&writer.to_string(), folder.path())).collect();
    for writer in &mut writers {
        drop(writer.stdin.take());
    }
    for writer in writers {
        let output = writer.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let state = StateDirectory::at(folder.path());
    let mut ids: Vec<_> = state.records(&tenant()).expect("readable").into_iter().map(|record| record.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), WRITERS * EACH);
}

#[tokio::test]
async fn a_killed_deploy_leaves_no_lock_and_can_be_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let session = session(folder.path(), "http://127.0.0.1:1");
    let mut deployer = another("deployer", folder.path());
    let mut said = BufReader::new(deployer.stdout.take().expect("its output"));
    let mut line = String::new();
    while !line.ends_with("built\n") {
        assert_ne!(said.read_line(&mut line).expect("readable"), 0, "{line}");
    }
    let problem = deploy_lock::take(&session, &tenant(), "deploy of orchard").await.expect_err("it is at work");
    assert_eq!(problem.title, "Another deploy of orchard is running.");
    assert!(problem.detail.is_some_and(|detail| detail.contains(&format!("process {}", deployer.id()))));
    deployer.kill().expect("killed");
    deployer.wait().expect("ended");
    let held = deploy_lock::take(&session, &tenant(), "deploy of orchard").await.expect("free");
    assert!(matches!(held, Held::Locked(_)), "{held:?}");
    let records = history::records(&session, &tenant()).await.expect("readable");
    let resume = resume::resumable(&records).expect("an image");
    assert_eq!((resume.from, resume.record.image_id), (DeployStep::Push, Some(digest(1).to_string())));
}

#[tokio::test]
async fn without_a_place_for_it_a_deploy_goes_on_without_a_lock_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("state"), "a file").expect("written");
    let held = deploy_lock::take(&session(folder.path(), "http://127.0.0.1:1"), &tenant(), "deploy of orchard").await;
    let Ok(Held::Unlocked(problem)) = held else { panic!("{held:?}") };
    assert_eq!(problem.title, "The deploy goes on without a lock.");
    assert!(problem.detail.is_some_and(|detail| detail.contains("state/locks")));
}

async fn answer(server: &MockServer, at: &str, body: serde_json::Value) {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

/// A server with two tenants, of which the first runs image 2.
async fn api() -> MockServer {
    let server = MockServer::start().await;
    let two = json!({"data": [{"id": tenant(), "name": "orchard"}, {"id": "9a0c55d1", "name": "meadow"}]});
    answer(&server, "/api/v1/tenants", two).await;
    let status = json!({"data": {"status": "ready", "image": format!("127.0.0.1:5000/images@{}", digest(2))}});
    answer(&server, &format!("/api/v1/tenants/{}/status", tenant()), status).await;
    server
}

/// The built program with `arguments`, in a project whose stored login names `api_url`.
async fn tenantry(folder: &Path, api_url: &str, arguments: &[&str]) -> Output {
    for part in [".systemprompt", "services"] {
        std::fs::create_dir_all(folder.join(part)).expect("made");
    }
    let login = json!({"api_token": "t0p-s3cret", "api_url": api_url, "user_email": "mara@orchard.example"});
    std::fs::write(folder.join(".systemprompt/credentials.json"), login.to_string()).expect("written");
    tokio::process::Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args(arguments)
        .current_dir(folder)
        .env("TENANTRY_STATE", folder.join("state"))
        .env("XDG_STATE_HOME", folder.join("logs"))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("it runs")
}

fn remember(folder: &Path) {
    let state = StateDirectory::at(folder.join("state"));
    let failed = DeployEnd::Failed { step: DeployStep::Push, title: "Push failed.".into() };
    for record in [
        record("11111111-a", 1, DeployEnd::Succeeded),
        record("22222222-b", 2, DeployEnd::Succeeded),
        record("33333333-c", 3, failed),
    ] {
        state.save_record(&record).expect("saved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_lists_a_tenants_deploys_for_people_and_for_scripts() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), api().await);
    remember(folder.path());
    let output = tenantry(folder.path(), &server.uri(), &["history", "--tenant", "orch"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].contains("33333333") && lines[1].contains("failed at push"), "{text}");
    assert!(lines[2].starts_with('*') && lines[2].contains("22222222") && lines[2].contains("8124739a+"), "{text}");
    assert!(lines[3].contains("11111111") && !lines[3].starts_with('*'), "{text}");

    let output = tenantry(folder.path(), &server.uri(), &["history", "--tenant", "orchard", "--json"]).await;
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!(document["running"], json!(digest(2)));
    let marks: Vec<_> = document["deploys"].as_array().expect("a list").iter().map(|one| &one["runs_now"]).collect();
    assert_eq!(marks, [&json!(false), &json!(true), &json!(false)]);
    assert_eq!(document["deploys"][1]["compared"], json!({"with": "11111111-a", "took_ms": 0, "steps": []}));
    assert_eq!(document["deploys"][0]["outcome"], json!({"is": "failed", "step": "push", "title": "Push failed."}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_to_choose_from_and_survives_a_silent_server() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), api().await);
    remember(folder.path());
    let output = tenantry(folder.path(), &server.uri(), &["history"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("orchard (3f6c1b8e52d4), meadow (9a0c55d1)") && said.contains("--tenant"), "{said}");
    // A tenant whose status nobody tells.
    let output = tenantry(folder.path(), &server.uri(), &["history", "--tenant", "meadow"]).await;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "This machine remembers no deploy of meadow.\n");

    server.reset().await;
    answer(&server, "/api/v1/tenants", json!({"data": [{"id": tenant(), "name": "orchard"}]})).await;
    let output = tenantry(folder.path(), &server.uri(), &["history"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("22222222") && text.contains("Which one runs is not known: "), "{text}");
}

#[tokio::test]
async fn a_tenant_is_the_one_that_a_profile_is_for() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), api().await);
    let session = session(folder.path(), &server.uri());
    let problem = tenants::resolve(&session, None).await.expect_err("two");
    assert_eq!(problem.title, "It is not clear which tenant is meant.");
    let profile = folder.path().join(".systemprompt/profiles/cloud");
    std::fs::create_dir_all(&profile).expect("made");
    std::fs::write(profile.join("profile.yaml"), "name: cloud\ncloud:\n  tenant_id: 9a0c55d1\n").expect("written");
    assert_eq!(tenants::resolve(&session, None).await.expect("meadow").name, "meadow");
    assert_eq!(tenants::resolve(&session, Some("orchard")).await.expect("orchard").id, tenant());
}

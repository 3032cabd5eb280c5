//! `tenantry deploy` and `tenantry rollback` where something is missing: what is said, where, and with which exit code.
//! None of it needs a Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::login::{TOKEN, project};
use std::path::Path;
use std::process::{Command, Stdio};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    command.env("TENANTRY_STATE", folder.join("state")).env("XDG_STATE_HOME", folder.join("state"));
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    assert!(!said.out.contains(TOKEN) && !said.err.contains(TOKEN), "the token was shown");
    assert!(!said.out.contains('\u{1b}'), "no terminal, no escape sequence: {:?}", said.out);
    said
}

fn document(said: &Said) -> serde_json::Value {
    assert_eq!(said.out.lines().count(), 1, "one document: {}", said.out);
    serde_json::from_str(&said.out).expect("JSON")
}

#[test]
fn outside_of_a_project_and_without_a_login() {
    let folder = tempfile::tempdir().expect("a folder");
    for arguments in [&["deploy"][..], &["rollback"]] {
        let said = run(folder.path(), arguments);
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(said.err.contains("No project found") && said.out.is_empty(), "{}", said.err);
    }
    std::fs::create_dir_all(folder.path().join(".systemprompt")).expect("made");
    std::fs::create_dir_all(folder.path().join("services")).expect("made");
    for arguments in [&["deploy"][..], &["rollback", "2"]] {
        let said = run(folder.path(), arguments);
        assert_eq!(said.code, Some(3), "{}", said.err);
        assert!(said.err.contains("Not logged in."), "{}", said.err);
    }
    let said = run(folder.path(), &["deploy", "--json"]);
    assert_eq!(said.code, Some(3));
    assert_eq!(document(&said)["problem"]["title"], "Not logged in.");
}

#[test]
fn wrong_usage_is_told_apart_and_no_secret_is_repeated() {
    let folder = project("http://127.0.0.1:9");
    for arguments in [
        &["deploy", "--no-such-flag"][..],
        &["deploy", "--all", "--tenant", "a"],
        &["deploy", "--tag", "a", "--skip-push"],
        &["deploy", "--json", "--plain"],
        &["deploy", "--build-secret", "npm=hunter2"],
        &["rollback", "1", "2"],
    ] {
        let said = run(folder.path(), arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.err);
        assert!(said.out.is_empty() && said.err.contains("error:") && !said.err.contains("hunter2"), "{}", said.err);
    }
}

#[test]
fn a_build_secret_that_is_not_there_is_named() {
    let folder = project("http://127.0.0.1:9");
    let said = run(folder.path(), &["deploy", "--build-secret", "npm=env:TENANTRY_NO_SUCH_VARIABLE"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("npm") && said.err.contains("TENANTRY_NO_SUCH_VARIABLE"), "{}", said.err);
}

async fn api() -> MockServer {
    let server = MockServer::start().await;
    let orchard = serde_json::json!({"id": "good-1", "name": "orchard", "phase": "running"});
    let tenants = serde_json::json!({"data": [orchard, {"id": "good-2", "name": "meadow", "phase": "running"}]});
    for (at, body) in [("/api/v1/tenants", tenants), ("/api/v1/tenants/good-1", orchard)] {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(&server).await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_tenant_is_told_with_the_known_ones() {
    let server = api().await;
    let folder = project(&server.uri());
    for (arguments, title) in [
        (&["deploy", "--tenant", "no-such"][..], "No tenant is called no-such."),
        (&["rollback", "--tenant", "no-such"], "No tenant is called no-such."),
        (&["deploy"], "It is not clear which tenant is meant."),
    ] {
        let said = run(folder.path(), arguments);
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(
            said.err.contains(title) && said.err.contains("orchard") && said.err.contains("meadow"),
            "{}",
            said.err
        );
    }
    assert!(server.received_requests().await.expect("recorded").iter().all(|request| request.method == "GET"));
}

/// Flags that scripts say, none of which stands in the way of the checks.
#[tokio::test(flavor = "multi_thread")]
async fn what_every_command_takes_a_deploy_takes_too() {
    let server = api().await;
    let folder = project(&server.uri());
    for arguments in [
        &["deploy", "--tenant", "orchard", "--yes", "--check", "--non-interactive", "--no-secrets"][..],
        &["deploy", "--tenant", "orchard", "-y", "--force", "--rollback-on-failure"],
        &["deploy", "--tenant", "orchard", "-p", "nobody", "--check"],
    ] {
        let said = run(folder.path(), arguments);
        assert_eq!(said.code, Some(4), "{arguments:?}: {} {}", said.out, said.err);
    }
    let said = run(folder.path(), &["deploy", "--tenant", "orchard", "--resume", "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("Deploy without --resume."), "{}", said.err);
    let said = run(folder.path(), &["rollback", "--tenant", "orchard", "--yes", "--non-interactive", "--json"]);
    assert!(said.code == Some(1) && document(&said)["problem"]["title"].is_string(), "{} {}", said.out, said.err);
    assert!(server.received_requests().await.expect("recorded").iter().all(|request| request.method == "GET"));
}

/// Beside every answer but where a script wants nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_ends_within_the_hour_is_told_once() {
    use base64::Engine as _;
    let server = api().await;
    let folder = project(&server.uri());
    let end = jiff::Timestamp::now().as_second() + 1800;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{{\"exp\": {end}}}"));
    let token = format!("e30.{claims}.c2ln");
    let login = serde_json::json!({"api_token": token, "api_url": server.uri(), "user_email": "mara@orchard.example"});
    std::fs::write(folder.path().join(".systemprompt/credentials.json"), login.to_string()).expect("written");
    let me = serde_json::json!({"data": {"user": {"id": "u1", "email": "mara@orchard.example"}}});
    let answer = ResponseTemplate::new(200).set_body_json(me);
    Mock::given(method("GET")).and(path("/api/v1/auth/me")).respond_with(answer).mount(&server).await;
    for (arguments, times) in [
        (&["tenant", "list"][..], 1),
        (&["tenant", "show", "orchard"], 1),
        (&["status"], 1),
        (&["status", "--json"], 0),
        (&["tenant", "list", "--quiet"], 0),
        (&["tenant", "list", "--json"], 0),
        (&["logs", "--tenant", "orchard", "--events"], 0),
    ] {
        let said = run(folder.path(), arguments);
        assert_eq!(said.err.matches("your login ends in").count(), times, "{arguments:?}: {}", said.err);
        assert!(!said.err.contains(&token) && !said.out.contains(&token), "the token was shown");
    }
}

/// What a script would go on with is not lost without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told() {
    let server = api().await;
    let folder = project(&server.uri());
    for flag in ["--json", "--events"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command
            .args(["deploy", "--tenant", "orchard", flag])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(full);
        command
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .env("TENANTRY_STATE", folder.path().join("state"));
        let output = command.output().expect("it runs");
        let err = String::from_utf8_lossy(&output.stderr);
        // The deploy failed by itself, and its code is worth more.
        assert!(output.status.code() == Some(4) && err.contains("could not be printed"), "{flag}: {err}");
    }
}

/// Without a Dockerfile and without an engine, whatever is looked at first.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_has_an_exit_code_of_its_own_in_every_mode() {
    let server = api().await;
    let folder = project(&server.uri());
    for flag in ["--plain", "--quiet", "--json", "--events", "--check"] {
        let said = run(folder.path(), &["deploy", "--tenant", "orchard", flag]);
        assert_eq!(said.code, Some(4), "{flag}: {} {}", said.out, said.err);
        match flag {
            "--json" => {
                let document = document(&said);
                assert_eq!((&document["tenant_id"], &document["tenant_name"]), (&"good-1".into(), &"orchard".into()));
            }
            "--events" => {
                let lines: Vec<serde_json::Value> =
                    said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
                assert_eq!(lines[0]["event"], "started");
                let last = lines.last().expect("lines");
                assert!(last["event"] == "ended" && last["problem"]["title"].is_string(), "{last}");
                assert!(lines.iter().all(|line| line["tenant_id"] == "good-1"));
            }
            "--quiet" => assert!(said.out.is_empty() && !said.err.is_empty(), "{}", said.out),
            _ => assert!(said.out.contains("preflight") && said.out.contains('✕'), "{}", said.out),
        }
    }
    assert!(server.received_requests().await.expect("recorded").iter().all(|request| request.method == "GET"));
}

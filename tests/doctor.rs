//! The whole diagnosis: the sample project, a server that refuses, and what stops a deploy.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Value, json};
use tenantry::api::{BaseUrl, Client, Pace};
use tenantry::demo::sample;
use tenantry::model::{Check, CheckResult, Secret, TenantId};
use tenantry::ops::Session;
use tenantry::ops::doctor::{Diagnosis, Options, diagnose};
use tenantry::workspace::Project;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "hunter2.token.value";

/// What each of the three questions is answered with.
struct Answers {
    me: ResponseTemplate,
    tenant: ResponseTemplate,
    token: ResponseTemplate,
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn refused(status: u16, reason: &str) -> ResponseTemplate {
    let error = json!({"code": "c", "message": "no", "details": {"reason": reason}});
    ResponseTemplate::new(status).set_body_json(json!({"error": error}))
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            me: ok(&json!({"user": {"id": "u", "email": "mara@orchard.example"}})),
            tenant: ok(&json!({"data": {"id": "ten_1", "name": "orchard", "phase": "running"}})),
            token: ok(&json!({"data": {"registry": "127.0.0.1:5000", "username": "x", "token": "hunter2",
                "repository": "systemprompt-images", "tag": "tenant-ten_1"}})),
        }
    }
}

impl Answers {
    async fn serve(self) -> MockServer {
        let server = MockServer::start().await;
        for (route, answer) in
            [("auth/me", self.me), ("tenants/ten_1", self.tenant), ("tenants/ten_1/registry-token", self.token)]
        {
            let route = path(format!("/api/v1/{route}"));
            Mock::given(method("GET")).and(route).respond_with(answer).mount(&server).await;
        }
        server
    }
}

async fn sample_project() -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().expect("a folder");
    sample::write(folder.path(), "127.0.0.1:5000").await.expect("written");
    let project = Project { root: folder.path().to_owned() };
    (folder, project)
}

fn session(server: &MockServer, project: Project) -> Session {
    let base = BaseUrl::parse(&server.uri()).expect("a base");
    Session::new(Client::with_pace(base, Secret::new(TOKEN), Pace::quick()).expect("a client"), project, None)
}

async fn of(answers: Answers, project: Project, options: &Options) -> (Diagnosis, Vec<Check>) {
    let server = answers.serve().await;
    let tenant = TenantId::new("ten_1").expect("an id");
    let mut told = Vec::new();
    let diagnosis =
        diagnose(&session(&server, project), Some(&tenant), options, |check| told.push(check.clone())).await;
    assert_eq!(told, diagnosis.checks, "what is told is what is found");
    assert!(!format!("{diagnosis:?}").contains("hunter2"), "{diagnosis:?}");
    (diagnosis, told)
}

fn deploying() -> Options {
    Options { profile: None, project_build: true, for_deploy: true, ..Options::default() }
}

/// The checks that need no Docker Engine, and how they stand.
fn standing(checks: &[Check]) -> Vec<(&str, CheckResult)> {
    let without_engine = checks.iter().filter(|check| !matches!(check.name, "docker" | "disk"));
    without_engine.map(|check| (check.name, check.result)).collect()
}

#[tokio::test]
async fn the_sample_project_passes_everything() {
    let (_folder, project) = sample_project().await;
    let (diagnosis, checks) = of(Answers::default(), project, &deploying()).await;
    let names = ["project", "build", "dockerfile", "web", "services-config", "login", "tenant", "registry"];
    assert_eq!(standing(&checks), names.map(|name| (name, CheckResult::Pass)), "{checks:?}");
    if let Ok(cleared) = diagnosis.cleared {
        assert_eq!(cleared.dockerfile, ".systemprompt/Dockerfile");
        assert_eq!(cleared.tenant.name, "orchard");
        assert!(cleared.registry_token.is_some() && cleared.build_command.is_some() && cleared.profile.is_none());
    } else {
        let failed: Vec<_> = checks.iter().filter(|check| check.result == CheckResult::Fail).collect();
        assert!(failed.iter().all(|check| matches!(check.name, "docker" | "disk")), "{failed:?}");
    }
}

#[tokio::test]
async fn a_refused_login_is_said_once_and_needs_a_login() {
    let (_folder, project) = sample_project().await;
    let no = || refused(401, "expired");
    let (diagnosis, checks) = of(Answers { me: no(), tenant: no(), token: no() }, project, &deploying()).await;
    let failed: Vec<_> = standing(&checks).into_iter().filter(|(_, result)| *result == CheckResult::Fail).collect();
    assert_eq!(failed, [("login", CheckResult::Fail)]);
    // Where there is no engine either, that is the first failure.
    let problem = diagnosis.cleared.expect_err("refused");
    assert!(problem.requires_login || problem.detail.is_some_and(|detail| detail.contains("login")));
}

#[tokio::test]
async fn a_tenant_that_cannot_be_deployed_to_stops_it() {
    for (answers, name, words) in [
        (
            Answers {
                tenant: ok(&json!({"data": {"id": "ten_1", "name": "orchard", "phase": "suspended"}})),
                token: refused(409, "suspended"),
                ..Answers::default()
            },
            "tenant",
            "while suspended",
        ),
        (Answers { tenant: refused(403, "not_owner"), ..Answers::default() }, "tenant", "another account"),
        (Answers { token: refused(403, "subscription_inactive"), ..Answers::default() }, "registry", "not active"),
    ] {
        let (_folder, project) = sample_project().await;
        let (diagnosis, checks) = of(answers, project, &deploying()).await;
        let failed: Vec<_> = standing(&checks).into_iter().filter(|(_, result)| *result == CheckResult::Fail).collect();
        assert_eq!(failed, [(name, CheckResult::Fail)], "{checks:?}");
        assert!(checks.iter().any(|check| check.name == name && check.detail.contains(words)), "{checks:?}");
        assert!(diagnosis.cleared.is_err());
    }
}

#[tokio::test]
async fn without_a_tenant_the_profile_names_it_or_nothing_is_cleared() {
    let (folder, project) = sample_project().await;
    let profile = folder.path().join(".systemprompt/profiles/prod/profile.yaml");
    std::fs::create_dir_all(profile.parent().expect("a parent")).expect("a folder");
    std::fs::write(profile, "cloud: {tenant_id: ten_1}").expect("written");
    let server = Answers::default().serve().await;
    let session = session(&server, project);
    let bare = diagnose(&session, None, &Options::default(), |_| {}).await;
    assert!(bare.checks.iter().all(|check| !matches!(check.name, "tenant" | "registry" | "profile")));
    assert!(bare.cleared.is_err());
    let options = Options { profile: Some("prod".into()), ..Options::default() };
    let named = diagnose(&session, None, &options, |_| {}).await;
    for name in ["tenant", "registry", "profile"] {
        assert!(named.checks.iter().any(|check| check.name == name), "{name}: {named:?}");
    }
}

/// A database that swallows connections holds a deploy up for less than what the doctor waits.
#[tokio::test]
async fn a_silent_database_does_not_hold_a_deploy_up() {
    let (folder, project) = sample_project().await;
    let place = folder.path().join(".systemprompt/profiles/prod");
    std::fs::create_dir_all(&place).expect("a folder");
    std::fs::write(place.join("profile.yaml"), "cloud: {tenant_id: ten_1}").expect("written");
    // A documentation address: packets to it go nowhere, or are refused at once.
    std::fs::write(place.join("secrets.json"), r#"{"database_url": "postgres://u:hunter2@192.0.2.1/x"}"#)
        .expect("written");
    let begun = std::time::Instant::now();
    let (_, checks) = of(Answers::default(), project, &deploying()).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "{:?}", begun.elapsed());
    let check = checks.iter().find(|check| check.name == "database").expect("a check");
    assert!(check.result == CheckResult::Warn && check.detail.contains("192.0.2.1:5432"), "{check:?}");
}

/// `tenantry doctor` in a folder; its exit code and what it prints.
fn doctor(folder: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tenantry"));
    let output = command.arg("doctor").args(arguments).current_dir(folder).output().expect("it runs");
    let all = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&all).contains("hunter2"), "{}", String::from_utf8_lossy(&all));
    (output.status.code(), String::from_utf8_lossy(&all).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_tells_by_its_exit_code() {
    let (folder, project) = sample_project().await;
    // What needs no login is checked without one.
    let (code, said) = doctor(folder.path(), &[]);
    assert!(said.contains("✕ login             Not logged in.") && said.contains("✓ dockerfile"), "{said}");
    assert!(code == Some(3) || said.contains("✕ docker"), "{code:?} {said}");
    let (_, said) = doctor(folder.path(), &["--quiet"]);
    assert!(said.contains("✕ login") && !said.contains('✓'), "{said}");
    let (code, said) = doctor(folder.path(), &["-p", "nobody", "--json"]);
    assert!(code != Some(0) && said.contains("nobody"), "{code:?} {said}");

    let login = |server: &MockServer| {
        let credentials = json!({"api_token": TOKEN, "api_url": server.uri(), "user_email": "mara@orchard.example"});
        std::fs::write(folder.path().join(".systemprompt/credentials.json"), credentials.to_string()).expect("written");
    };
    let server = Answers::default().serve().await;
    login(&server);
    let (code, said) = doctor(folder.path(), &["--tenant", "ten_1", "--json"]);
    let document: Value = serde_json::from_str(&said).expect("one document");
    // Without an engine the check of it fails, and everything else passes.
    let failed = document["failed"].as_u64().expect("a number");
    assert_eq!(code, Some(if failed == 0 { 0 } else { 4 }), "{said}");
    assert!(document["passed"].as_u64().is_some_and(|passed| passed >= 8), "{said}");
    let (_, said) = doctor(folder.path(), &["--tenant", "ten_1"]);
    assert!(said.contains("✓ tenant            orchard is running\n"), "{said}");

    // Where there is a list, a name that is not in it is not taken for an id.
    let list = json!({"data": [{"id": "ten_1", "name": "orchard"}, {"id": "ten_2", "name": "orchid"}]});
    Mock::given(method("GET")).and(path("/api/v1/tenants")).respond_with(ok(&list)).mount(&server).await;
    for (wanted, words) in [("orch", "More than one tenant is meant by orch."), ("x", "No tenant is called x.")] {
        let (code, said) = doctor(folder.path(), &["--tenant", wanted]);
        assert!(code == Some(1) && said.contains(words) && !said.contains("no longer exists"), "{code:?} {said}");
    }

    std::fs::remove_file(project.root.join(".systemprompt/Dockerfile")).expect("removed");
    let (code, said) = doctor(folder.path(), &["--tenant", "ten_1"]);
    assert!(code == Some(4) && said.contains("✕ dockerfile"), "{code:?} {said}");
    assert!(said.contains("Add one there"), "{said}");

    std::fs::write(project.root.join("Dockerfile"), "FROM scratch\n").expect("written");
    let server = Answers { me: refused(401, "expired"), ..Answers::default() }.serve().await;
    login(&server);
    let (code, said) = doctor(folder.path(), &["--tenant", "ten_1"]);
    assert!(code == Some(3) || said.contains("✕ docker"), "{code:?} {said}");
}

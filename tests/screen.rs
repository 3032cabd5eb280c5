//! The built program in a pseudo-terminal where something is missing or hostile: no Docker, no API, an API that
//! answers nonsense. None of it needs a Docker Engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::login::{TOKEN, project};
use common::terminal::Terminal;
use std::path::Path;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const NO_ENGINE: (&str, &str) = ("DOCKER_HOST", "unix:///nonexistent/docker.sock");

fn open(folder: &Path) -> Terminal {
    let state = folder.join("state");
    let environment = [NO_ENGINE, ("XDG_STATE_HOME", state.to_str().expect("a plain path"))];
    Terminal::start(&[], folder, &environment, 120, 36)
}

/// Leaves; the token must never have been on the screen.
fn leave(mut terminal: Terminal) {
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!raw.contains(TOKEN));
}

async fn api() -> MockServer {
    let server = MockServer::start().await;
    let me = serde_json::json!({"user": {"id": "u1", "email": "mara@orchard.example"}, "tenants": []});
    answer(&server, "/api/v1/auth/me", ResponseTemplate::new(200).set_body_json(me)).await;
    answer(&server, "/health", ResponseTemplate::new(200)).await;
    server
}

async fn answer(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_answers_500_is_said_and_the_program_lives_on() {
    let server = MockServer::start().await;
    Mock::given(path_regex(".*")).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let folder = project(&server.uri());
    tokio::task::spawn_blocking(move || {
        let mut terminal = open(folder.path());
        terminal.wait_for("500");
        terminal.type_keys("?");
        terminal.wait_for("Keys");
        terminal.type_keys("\u{1b}");
        terminal.wait_gone("Keys");
        leave(terminal);
    })
    .await
    .expect("no panic");
}

#[test]
fn an_api_that_does_not_answer_is_said_with_its_address() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let folder = project(&format!("http://127.0.0.1:{port}"));
    let terminal = open(folder.path());
    // The pane is narrower than the sentence.
    let address = format!("http://127.0.0.1:{port}/api/v1/tenants");
    terminal.wait_until("what is not reachable", |text| {
        text.contains("Server not reachable at") && text.contains(&address)
    });
    leave(terminal);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_ids_and_names_reach_neither_a_path_nor_the_terminal() {
    let server = api().await;
    let tenants = serde_json::json!({"data": [
        {"id": "../../etc/passwd", "name": "climber"},
        {"id": "good-1", "name": "or\u{1b}]0;pwned\u{7}chard\u{1b}[2J\r\n", "phase": "running"},
        {"id": "evil\u{1b}[31m", "name": "painter"},
    ]});
    answer(&server, "/api/v1/tenants", ResponseTemplate::new(200).set_body_json(tenants)).await;
    let folder = project(&server.uri());
    tokio::task::spawn_blocking(move || {
        let terminal = open(folder.path());
        terminal.wait_for("orchard");
        terminal.wait_until("what was left out", |text| text.contains("etc/passwd"));
        let raw = terminal.raw();
        let holds = |needle: &[u8]| raw.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(b"pwned"), "the title was set");
        assert!(!holds(b"\x1b]0;"), "an OSC sequence came through");
        leave(terminal);
    })
    .await
    .expect("no panic");
    let asked = server.received_requests().await.expect("recorded");
    assert!(asked.iter().all(|request| !request.url.path().contains("etc")), "{asked:?}");
}

#[test]
fn without_docker_the_demo_opens_and_everything_but_the_deploy_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let environment = [NO_ENGINE, ("TMPDIR", folder.path().to_str().expect("a plain path"))];
    let mut terminal = Terminal::start(&["demo", "--auto-pay"], folder.path(), &environment, 120, 36);
    terminal.wait_until("no Docker", |text| text.contains("No tenants yet") && text.contains("✕ Docker"));
    terminal.type_keys("n");
    terminal.wait_for("Basic");
    terminal.type_keys("\r");
    terminal.wait_for("Frankfurt");
    terminal.type_keys("\r");
    terminal.wait_for("begin the purchase");
    terminal.type_keys("\r");
    terminal.wait_until("what comes next", |text| text.contains("to deploy") && text.contains("Deploy now"));
    terminal.type_keys("d");
    terminal.wait_until("what to do", |text| text.contains("Docker") && text.contains("/nonexistent/docker.sock"));
    terminal.type_keys("\u{1b}");
    terminal.wait_gone("Deploy now");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|it| it.path()).collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_terminal_of_20_by_5_is_told_and_works_when_it_grows() {
    let folder = project("http://127.0.0.1:9");
    let environment = [NO_ENGINE];
    let mut terminal = Terminal::start(&[], folder.path(), &environment, 20, 5);
    terminal.wait_until("the size it should have", |text| text.contains("60") && text.contains("16"));
    terminal.resize(120, 36);
    terminal.wait_for("Tenants");
    leave(terminal);
}

#[test]
fn outside_of_a_project_and_without_a_login_it_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    // No API of anybody is asked meanwhile.
    let api = ("TENANTRY_API_URL", "http://127.0.0.1:9");
    let state = folder.path().join("state");
    let environment = [NO_ENGINE, api, ("XDG_STATE_HOME", state.to_str().expect("a plain path"))];
    let mut terminal = Terminal::start(&[], folder.path(), &environment, 120, 36);
    terminal.wait_for("Look around without a project");
    terminal.type_keys("\r");
    terminal.wait_until("who is not logged in", |text| text.contains("not logged in") && !text.contains("Look around"));
    leave(terminal);

    std::fs::create_dir_all(folder.path().join(".systemprompt")).expect("made");
    std::fs::create_dir_all(folder.path().join("services")).expect("made");
    // It opens all the same, and asks who it is.
    let mut terminal = Terminal::start(&[], folder.path(), &[NO_ENGINE, api], 120, 36);
    terminal.wait_until("the ways in", |text| text.contains("Log in ·") && text.contains("✕ not logged in"));
    terminal.type_keys("\u{1b}");
    terminal.wait_gone("Log in ·");
    leave(terminal);
}

/// Root may open any socket, so the program then runs as somebody who may not.
#[test]
fn a_docker_socket_without_permission_is_said_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().expect("a folder");
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(folder.path(), open).expect("anybody may look into it");
    let socket = folder.path().join("docker.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).expect("nobody may open it");

    // Where the program lies, somebody else may not look.
    let program = folder.path().join("tenantry");
    let built = env!("CARGO_BIN_EXE_tenantry");
    std::fs::hard_link(built, &program).or_else(|_| std::fs::copy(built, &program).map(drop)).expect("the program");
    let mut command = std::process::Command::new(&program);
    command.args(["demo", "--headless"]).env("TMPDIR", folder.path()).env("HOME", folder.path());
    command.env("DOCKER_HOST", format!("unix://{}", socket.display())).current_dir(folder.path());
    // This one's cargo may lie where somebody else may not look either.
    let cargo = folder.path().join("cargo");
    std::fs::write(&cargo, "#!/bin/sh\n").expect("a program");
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("anybody may start it");
    command.env("PATH", folder.path());
    if rustix::process::getuid().is_root() {
        const NOBODY: u32 = 65534;
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ermission") && said.contains("docker.sock") && said.contains("usermod"), "{said}");
    let left = std::fs::read_dir(folder.path()).expect("the folder").flatten();
    let left: Vec<_> = left.filter(|it| it.file_name().to_string_lossy().starts_with("tenantry-demo-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

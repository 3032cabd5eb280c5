//! The built program where a home is empty, cannot be written to, or is not there at all, and in folders with names that have
//! blanks, quotes and letters of other alphabets in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::server::Server;
use common::terminal::Terminal;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tenantry::api::{BaseUrl, Client, Page};
use tenantry::model::{CheckoutRequest, TenantId, TenantState};

/// Nobody whom this machine knows.
const STRANGER: u32 = 47_113;

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A command in `folder`, without anything of whoever runs the tests.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.args(arguments).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").expect("a path"));
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").stdin(Stdio::null());
    command
}

fn ended(mut command: Command) -> Said {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    assert!(!said.err.contains("panicked") && !said.out.contains("panicked"), "{}", said.err);
    said
}

/// What a person does in a new folder, up to a profile with its secrets: each with the exit code that is right.
const FLOW: [(&[&str], i32); 9] = [
    (&["--version"], 0),
    (&["whoami"], 3),
    (&["init", "--yes"], 0),
    (&["profile", "list"], 0),
    (&["profile", "edit", "production", "--set-port", "9000"], 0),
    (&["profile", "show", "production", "--filter", "settings", "--json"], 0),
    (&["tenant", "list", "--local", "--json"], 0),
    (&["doctor", "--json"], 4),
    (&["profile", "delete", "production", "--yes"], 0),
];

fn play(folder: &Path, told: &str, home: impl Fn(&mut Command)) {
    for (arguments, code) in FLOW {
        let mut command = command(folder, arguments);
        home(&mut command);
        let said = ended(command);
        let is_right = said.code == Some(code) || (arguments[0] == "doctor" && matches!(said.code, Some(1 | 3 | 4)));
        assert!(is_right, "{told}, {arguments:?}: {:?} {} {}", said.code, said.out, said.err);
    }
    assert!(folder.join(".systemprompt/.gitignore").is_file(), "{told}");
}

#[test]
fn from_an_empty_home() {
    let home = tempfile::tempdir().expect("a folder");
    let project = tempfile::tempdir().expect("a folder");
    play(project.path(), "an empty home", |command| {
        command.env("HOME", home.path());
    });
    // What it leaves there is its own.
    for entry in fs::read_dir(home.path()).expect("readable").flatten() {
        assert!(entry.file_name() == ".local" || entry.file_name() == ".config", "{entry:?}");
    }
}

#[test]
fn from_a_home_that_cannot_be_written_to() {
    let home = tempfile::tempdir().expect("a folder");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o555)).expect("changed");
    let project = tempfile::tempdir().expect("a folder");
    play(project.path(), "a home to read alone", |command| {
        command.env("HOME", home.path());
    });
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("changed");
    // Whoever runs the tests may be allowed everything; into a file nobody can put a folder.
    let file = home.path().join("file");
    fs::write(&file, "mine").expect("written");
    let project = tempfile::tempdir().expect("a folder");
    play(project.path(), "a home that is a file", |command| {
        command.env("HOME", &file).env("TENANTRY_STATE", file.join("state"));
    });
    assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some("mine"));
}

#[test]
fn without_any_home() {
    let project = tempfile::tempdir().expect("a folder");
    let state = tempfile::tempdir().expect("a folder");
    // The system knows a home all the same: what is remembered goes elsewhere, so that nothing of it is touched.
    play(project.path(), "no home", |command| {
        command.env("TENANTRY_STATE", state.path()).env("XDG_CONFIG_HOME", state.path());
    });
    let project = tempfile::tempdir().expect("a folder");
    play(project.path(), "a home that is nowhere", |command| {
        command.env("HOME", "/nonexistent/home").env("XDG_RUNTIME_DIR", "/nonexistent/run");
    });
}

#[test]
fn in_folders_with_any_name() {
    for name in [
        "with two blanks",
        "Übung größer",
        "果樹園 🌳",
        "it's \"quoted\" $HOME `x`",
        "-leading; dash & more",
        "a%20b#c?d",
    ] {
        let all = tempfile::tempdir().expect("a folder");
        let (home, project) = (all.path().join(format!("home {name}")), all.path().join(name));
        fs::create_dir_all(&home).expect("made");
        fs::create_dir_all(&project).expect("made");
        play(&project, name, |command| {
            command.env("HOME", &home);
        });
        let list = r#"{"tenants": [{"id": "local_1", "name": "barn", "tenant_type": "local", "database_url": "postgres://u:p@127.0.0.1:9/d"}]}"#;
        fs::write(project.join(".systemprompt/tenants.json"), list).expect("written");
        let mut wanted = command(&project, &["profile", "create", "dev", "--tenant", "barn", "--json"]);
        wanted.env("HOME", &home);
        let said = ended(wanted);
        assert_eq!(said.code, Some(0), "{name}: {}", said.err);
        let made: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        assert!(made["directory"].as_str().is_some_and(|path| path.contains(name)), "{name}: {made}");
        let mut wanted = command(&project, &["profile", "show", "dev", "-f", "settings", "--json"]);
        wanted.env("HOME", &home);
        let shown: serde_json::Value = serde_json::from_str(&ended(wanted).out).expect("JSON");
        let services = shown["settings"]["paths"]["services"].as_str().expect("a path");
        assert!(Path::new(services).is_dir(), "{name}: {services}");
    }
}

/// Buys a tenant, and waits until its credentials can be fetched.
fn tenant(server: &Server) -> TenantId {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bought = async {
        let base = BaseUrl::parse(&server.api_url).expect("a base");
        let client = Client::new(base, server.token.clone()).expect("a client");
        let plans = client.plans().await.expect("plans");
        let order = CheckoutRequest {
            price_id: plans[0].paddle_price_id.clone(),
            region: "fra".to_owned(),
            redirect_uri: None,
        };
        let checkout = client.checkout(&order).await.expect("a checkout");
        Page::get(&checkout.checkout_url).await.expect("the page").submit("pay").await.expect("paid");
        loop {
            let all = client.tenants().await.expect("tenants").tenants;
            if let Some(one) = all.into_iter().find(|tenant| tenant.state() == TenantState::ToDeploy) {
                return one.id;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    runtime.block_on(async { tokio::time::timeout(std::time::Duration::from_mins(1), bought).await.expect("in time") })
}

/// A project that is no more than one.
fn project() -> tempfile::TempDir {
    let project = tempfile::tempdir().expect("a folder");
    for name in [".systemprompt", "services"] {
        fs::create_dir(project.path().join(name)).expect("made");
    }
    project
}

/// Works in the cloud with a login in the project's file; the commands run as `surroundings` says, where nothing can be kept
/// but in the project.
fn works_in_the_cloud(server: &Server, project: &Path, told: &str, surroundings: &dyn Fn(&mut Command)) {
    let id = tenant(server).to_string();
    let run = |arguments: &[&str], input: &str, state: Option<&Path>| {
        let mut command = command(project, arguments);
        command.env("TENANTRY_KEYRING", "none");
        surroundings(&mut command);
        if let Some(state) = state {
            command.env("TENANTRY_STATE", state);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!said.err.contains("panicked"), "{told}, {arguments:?}: {}", said.err);
        said
    };
    let done = |said: Said, what: &str, code: i32| {
        assert_eq!(said.code, Some(code), "{told}, {what}: {} {}", said.out, said.err);
        said
    };
    let login = ["login", "--base-url", &server.api_url, "--token-stdin", "--store", "file"];
    done(run(&login, server.token.reveal(), None), "login", 0);
    done(run(&["whoami"], "", None), "whoami", 0);
    let listed = done(run(&["tenant", "list", "--json"], "", None), "list", 0);
    assert!(listed.out.contains(&id), "{told}: {}", listed.out);
    // What is handed out once is not asked for where it has no place.
    for arguments in [&["tenant", "credentials", &id, "--yes"][..], &["rotate", "--tenant", &id, "--yes"]] {
        let said = done(run(arguments, "", None), "without a place", 1);
        assert!(
            said.err.contains("The credentials cannot be stored.") && said.err.contains("TENANTRY_STATE"),
            "{}",
            said.err
        );
    }
    let state = project.join("state");
    let fetched = done(run(&["tenant", "credentials", &id, "--yes", "--json"], "", Some(&state)), "credentials", 0);
    assert!(fetched.out.contains("state/credentials"), "{told}: {}", fetched.out);
    done(run(&["rotate", "--tenant", &id, "--yes"], "", Some(&state)), "rotate", 0);
    fs::remove_dir_all(&state).expect("removed");
    done(run(&["logout"], "", None), "logout", 0);
}

#[test]
fn the_cloud_from_a_home_that_is_a_file() {
    let server = Server::start();
    let home = tempfile::tempdir().expect("a folder");
    let file: PathBuf = home.path().join("file");
    fs::write(&file, "mine").expect("written");
    let project = project();
    works_in_the_cloud(&server, project.path(), "a home that is a file", &|command| {
        command.env("HOME", &file).env("TENANTRY_STATE", file.join("state"));
    });
    // And the screen.
    let stored = serde_json::json!({
        "api_token": server.token.reveal(), "api_url": server.api_url, "user_email": "mara@orchard.example",
    });
    fs::write(project.path().join(".systemprompt/credentials.json"), stored.to_string()).expect("written");
    let (home, state) = (file.display().to_string(), file.join("state").display().to_string());
    let environment = [
        ("HOME", home.as_str()),
        ("TENANTRY_STATE", state.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
        ("TENANTRY_KEYRING", "none"),
        ("DOCKER_HOST", "unix:///nonexistent/docker.sock"),
    ];
    let screen = Terminal::start(&[], project.path(), &environment, 120, 36);
    screen.wait_for("to deploy");
    drop(screen);
    assert_eq!(fs::read_to_string(&file).ok().as_deref(), Some("mine"));
}

/// Root may write everywhere: where the tests run as root, the program runs as somebody else, whom this machine does not know.
#[test]
fn the_cloud_where_only_the_project_can_be_written_to() {
    let is_root = rustix::process::geteuid().is_root();
    let server = Server::start();
    let home = tempfile::tempdir().expect("a folder");
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o555)).expect("changed");
    let stranger = |command: &mut Command| {
        if is_root {
            command.uid(STRANGER).gid(STRANGER);
        }
    };
    let of_stranger = || {
        let project = project();
        for path in ["", ".systemprompt", "services"].map(|name| project.path().join(name)).iter().filter(|_| is_root) {
            chown(path, Some(STRANGER), Some(STRANGER)).expect("given away");
        }
        project
    };
    let first = of_stranger();
    works_in_the_cloud(&server, first.path(), "a home to read alone", &|command| {
        stranger(command);
        command.env("HOME", home.path());
    });
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("changed");
    if is_root {
        // Nor has the system a home for them.
        let (server, second) = (Server::start(), of_stranger());
        works_in_the_cloud(&server, second.path(), "no home at all", &stranger);
    }
}

//! The built program where a home is empty, cannot be written to, or is not there at all, and in folders with names that have
//! blanks, quotes and letters of other alphabets in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

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
    use std::os::unix::fs::PermissionsExt as _;
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

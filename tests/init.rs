//! Setting a folder up, with the built program: from the command line and with keys, in folders as people have them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::login::{TOKEN, project};
use common::terminal::Terminal;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use tenantry::workspace::Project;

const NO_ENGINE: (&str, &str) = ("DOCKER_HOST", "unix:///nonexistent/docker.sock");
/// No API of anybody is asked meanwhile.
const NO_API: (&str, &str) = ("TENANTRY_API_URL", "http://127.0.0.1:9");
/// Nobody but root may do what root may.
const NOBODY: u32 = 65534;

/// An empty folder with a name as people give it, beside one for what the program keeps.
fn garden() -> (TempDir, PathBuf) {
    let guard = tempfile::tempdir().expect("a folder");
    let root = guard.path().canonicalize().expect("a path").join("Mara's Ünter 果樹 garten");
    std::fs::create_dir(&root).expect("made");
    (guard, root)
}

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).env(NO_ENGINE.0, NO_ENGINE.1);
    let kept = folder.with_file_name("kept");
    command.env("XDG_STATE_HOME", &kept).env("XDG_CONFIG_HOME", &kept);
    command
}

fn said(mut command: Command) -> Said {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    assert!(!said.out.contains('\u{1b}') && !said.out.contains(TOKEN), "{}", said.out);
    said
}

fn run(folder: &Path, arguments: &[&str]) -> Said {
    said(command(Path::new(env!("CARGO_BIN_EXE_tenantry")), folder, arguments))
}

fn open(folder: &Path) -> Terminal {
    let kept = folder.with_file_name("kept");
    let kept = kept.to_str().expect("a plain path");
    let environment = [NO_ENGINE, NO_API, ("XDG_STATE_HOME", kept), ("XDG_CONFIG_HOME", kept)];
    Terminal::start(&[], folder, &environment, 120, 40)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_folder_is_set_up_once_and_nothing_more_is_to_do() {
    let (_guard, root) = garden();
    std::fs::write(root.join("Cargo.toml"), "[package]\n").expect("written");

    let dry = run(&root, &["init", "--dry-run"]);
    assert_eq!((dry.code, names(&root)), (Some(0), vec!["Cargo.toml".to_owned()]), "{}", dry.err);
    assert!(dry.out.contains("  write  .systemprompt/Dockerfile"), "{}", dry.out);

    let unasked = run(&root, &["init"]);
    assert!(unasked.code == Some(2) && unasked.err.contains("--yes"), "{}", unasked.err);
    assert_eq!(names(&root), ["Cargo.toml"]);

    let done = run(&root, &["init", "--yes"]);
    assert_eq!(done.code, Some(0), "{} {}", done.out, done.err);
    assert!(done.out.contains("Next:"), "{}", done.out);
    assert_eq!(names(&root), [".systemprompt", "Cargo.toml", "justfile", "services"]);
    let profile = root.join(".systemprompt/profiles/production");
    assert_eq!((mode(&profile), mode(&profile.join("secrets.json"))), (0o700, 0o600));
    assert_eq!(Project::discover(&root).map(|project| project.root).ok(), Some(root.clone()));

    let again = run(&root, &["init", "--json", "--yes"]);
    let document: serde_json::Value = serde_json::from_str(&again.out).expect("one document");
    assert_eq!((again.code, &document["done"]), (Some(0), &serde_json::json!(true)));
    assert_eq!(again.out.lines().count(), 1, "{}", again.out);
    let files = document["files"].as_array().expect("files");
    assert!(files.iter().all(|file| file["result"] == "kept" || file["path"].as_str() == Some(KEY)), "{document}");

    let valid = run(&root, &["dockerfile", "validate"]);
    assert!(valid.code == Some(0) && valid.out.contains("✓ dockerfile"), "{} {}", valid.out, valid.err);
    let generated = run(&root, &["dockerfile", "generate"]);
    let written = std::fs::read_to_string(root.join(".systemprompt/Dockerfile")).expect("a Dockerfile");
    assert_eq!((generated.code, &generated.out), (Some(0), &written));
    let generated = run(&root, &["dockerfile", "generate", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&generated.out).expect("one document");
    assert_eq!((generated.out.lines().count(), &document["content"]), (1, &written.into()));

    // Another one, by its path; and what is wrong is told also where nothing else is.
    std::fs::write(root.join("other"), "FROM scratch\n").expect("written");
    let other = run(&root, &["dockerfile", "validate", "other", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&other.out).expect("one document");
    assert_eq!((other.code, &document["valid"]), (Some(0), &true.into()), "{document}");
    assert!(document["checks"][0]["detail"].as_str().is_some_and(|words| words.starts_with("other: ")), "{document}");
    let missing = run(&root, &["dockerfile", "validate", "nowhere", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&missing.out).expect("one document");
    assert_eq!((missing.code, &document["valid"]), (Some(4), &false.into()), "{document}");
    let quiet = run(&root, &["dockerfile", "validate", "nowhere", "--quiet"]);
    assert!(quiet.code == Some(4) && quiet.out.is_empty() && quiet.err.contains("nowhere"), "{}", quiet.err);
}

/// The one file that a machine without openssl does not get.
const KEY: &str = ".systemprompt/profiles/production/signing_key.pem";

#[test]
fn without_openssl_and_just_it_is_said_how_to_make_the_key_and_no_build_is_wanted() {
    let (_guard, root) = garden();
    let without = |arguments: &[&str]| {
        let mut command = command(Path::new(env!("CARGO_BIN_EXE_tenantry")), &root, arguments);
        command.env("PATH", root.with_file_name("no-programs"));
        said(command)
    };
    let done = without(&["init", "--yes", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&done.out).expect("one document");
    let files = document["files"].as_array().expect("files");
    let key = files.iter().find(|file| file["path"].as_str() == Some(KEY)).expect("the key is told");
    assert_eq!(key["result"], "left_out");
    let why = key["why"].as_str().expect("a reason");
    assert!(why.contains("openssl genpkey") && why.contains(&format!("-out {KEY}")), "{why}");
    assert!(!root.join(KEY).exists());
    // What the folder lacks for a deploy is a binary, and not a program that would build nothing.
    let open = document["open"].as_array().expect("checks").iter().map(ToString::to_string).collect::<String>();
    assert!(!open.contains("program just") && open.contains("Release binary not found"), "{open}");
    // Once there is something to build it is.
    std::fs::write(root.join("Cargo.toml"), "[package]\n").expect("written");
    let command = Project { root: root.clone() }.build_command().expect("read").expect("a command");
    assert_eq!(command.shown, "cargo build --release");
}

#[test]
fn a_project_with_a_login_keeps_it_and_other_commands_name_the_way() {
    let folder = project("http://127.0.0.1:9");
    let login = std::fs::read(folder.path().join(".systemprompt/credentials.json")).expect("a login");
    let done = run(folder.path(), &["init", "--yes"]);
    assert!(done.code == Some(0) && !done.out.contains("log in"), "{} {}", done.out, done.err);
    assert_eq!(std::fs::read(folder.path().join(".systemprompt/credentials.json")).ok(), Some(login));
    let ignored = std::fs::read_to_string(folder.path().join(".systemprompt/.gitignore")).expect("written");
    assert!(ignored.lines().any(|line| line == "credentials.json"), "{ignored}");

    let (_guard, root) = garden();
    for arguments in [&["deploy"][..], &["doctor"], &["dockerfile", "validate"]] {
        let refused = run(&root, arguments);
        assert_eq!(refused.code, Some(1), "{arguments:?}");
        assert!(refused.err.contains("tenantry init"), "{arguments:?}: {}", refused.err);
    }
    // Every command that is named is one.
    assert_eq!(run(&root, &["init", "--help"]).code, Some(0));
}

/// Root may write anywhere, so the program then runs as somebody who may not.
#[test]
fn a_folder_that_is_not_ours_is_left_alone_and_said() {
    let (guard, root) = garden();
    for place in [guard.path(), &root] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o555)).expect("a mode");
    }
    let place = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let program = place.path().join("tenantry");
    let built = env!("CARGO_BIN_EXE_tenantry");
    std::fs::hard_link(built, &program).or_else(|_| std::fs::copy(built, &program).map(drop)).expect("the program");
    let mut command = command(&program, &root, &["init", "--yes"]);
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let refused = said(command);
    assert_eq!(refused.code, Some(1), "{} {}", refused.out, refused.err);
    assert!(refused.err.contains("cannot be written to") && refused.err.contains("Make it yours"), "{}", refused.err);
    assert!(refused.err.contains("ermission denied"), "{}", refused.err);
    assert_eq!(names(&root), [""; 0]);
    for place in [guard.path(), &root] {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
}

#[test]
fn with_keys_an_empty_folder_becomes_a_project() {
    let (_guard, root) = garden();
    let mut terminal = open(&root);
    let text = terminal.wait_for("Look around without a project");
    assert!(text.contains("No project here") && text.contains("Ünter"), "{text}");
    terminal.type_keys("j\r");
    let text = terminal.wait_for("Yes, set it up");
    assert!(text.contains(".systemprompt/Dockerfile") && text.contains("write"), "{text}");
    assert_eq!(names(&root), [""; 0], "nothing before yes");
    terminal.type_keys("y");
    let whole = |text: &str| text.contains("written") && text.contains("justfile");
    terminal.wait_until("the whole list", |text| text.contains("This folder is set up") && whole(text));
    terminal.type_keys("\r");
    // The new project has no login yet, and the screen begins with that.
    terminal.wait_for("Log in ·");
    terminal.type_keys("\u{1b}");
    terminal.wait_gone("Log in ·");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    assert_eq!(names(&root), [".systemprompt", "justfile", "services"]);
    assert_eq!(Project::discover(&root).map(|project| project.root).ok(), Some(root.clone()));
    assert_eq!(run(&root, &["dockerfile", "validate"]).code, Some(0));
}

#[test]
fn whoever_says_no_leaves_the_folder_as_it_was() {
    let (_guard, root) = garden();
    let mut terminal = open(&root);
    terminal.wait_for("Look around without a project");
    terminal.type_keys("y");
    terminal.wait_for("Yes, set it up");
    terminal.type_keys("\r");
    terminal.wait_gone("Yes, set it up");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    assert_eq!(names(&root), [""; 0]);
}

/// Typed on a terminal, without keys of the screen.
#[test]
fn the_command_asks_on_a_terminal_and_takes_anything_but_yes_for_no() {
    let (_guard, root) = garden();
    let kept = root.with_file_name("kept");
    let environment = [("XDG_STATE_HOME", kept.to_str().expect("a plain path"))];
    let mut terminal = Terminal::start(&["init"], &root, &environment, 120, 40);
    terminal.wait_for("Set this folder up? [y/N]");
    terminal.type_keys("\n");
    terminal.wait_for("Nothing was done.");
    assert_eq!(terminal.wait_for_whole_end(), 1);
    assert_eq!(names(&root), [""; 0]);
    let mut terminal = Terminal::start(&["init"], &root, &environment, 120, 40);
    terminal.wait_for("Set this folder up? [y/N]");
    terminal.type_keys("y\n");
    terminal.wait_for("Next:");
    assert_eq!(terminal.wait_for_whole_end(), 0);
    assert!(root.join(".systemprompt/Dockerfile").exists());
}

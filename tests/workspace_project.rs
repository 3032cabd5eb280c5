//! The project folder as it is found on real disks: deep, oddly named, half there, damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tenantry::model::Secret;
use tenantry::workspace::{Credentials, Project, WorkspaceError};

fn put(root: &Path, place: &str, content: &str) {
    let path = root.join(place);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, content).expect("a file");
}

/// A temporary directory under its real name, so that paths compare.
fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().canonicalize().expect("a path");
    (directory, path)
}

fn project(files: &[(&str, &str)]) -> (TempDir, Project) {
    let (directory, root) = directory();
    fs::create_dir_all(root.join(".systemprompt")).expect("a directory");
    put(&root, "services/keep", "");
    for (place, content) in files {
        put(&root, place, content);
    }
    (directory, Project::discover(&root).expect("a project"))
}

#[test]
fn a_project_needs_its_directory_and_one_companion() {
    for (files, is_project) in [
        (&["x"][..], false),
        (&["Cargo.toml"], false),
        (&[".systemprompt/x"], false),
        (&[".systemprompt"], false),
        (&[".systemprompt", "Cargo.toml"], false),
        (&[".systemprompt/x", "Cargo.toml"], true),
        (&[".systemprompt/x", "services/x"], true),
        (&[".systemprompt/x", "storage/x"], true),
    ] {
        let (_guard, root) = directory();
        for file in files {
            put(&root, file, "");
        }
        fs::create_dir_all(root.join("a/b")).expect("a directory");
        let found = Project::discover(&root.join("a/b"));
        assert_eq!(found.is_ok(), is_project, "{files:?}");
        match found {
            Ok(project) => assert_eq!(project.root, root),
            Err(error) => {
                assert!(matches!(error, WorkspaceError::NoProject { .. }), "{error}");
                assert_eq!(error.problem().title, "No project found from here upwards.");
            }
        }
    }
}

#[test]
fn the_nearest_project_wins_and_dots_do_not_confuse() {
    let (_guard, root) = directory();
    for place in ["outer", "outer/inner"] {
        put(&root.join(place), ".systemprompt/x", "");
        put(&root.join(place), "Cargo.toml", "");
    }
    put(&root, "outer/inner/deep/x", "");
    for (from, wanted) in [
        ("outer/inner/deep", "outer/inner"),
        ("outer/inner/deep/../..", "outer"),
        ("outer/./inner/.", "outer/inner"),
        ("outer/inner/does/not/exist", "outer/inner"),
    ] {
        assert_eq!(
            Project::discover(&root.join(from)).map(|project| project.root).ok(),
            Some(root.join(wanted)),
            "{from}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_place_below_finds_the_same_root(depth in 0usize..6, at in 0usize..6) {
        let (_guard, top) = directory();
        let names = ["a", "b b", "ü", ".hidden", "services", "target"];
        let chain: Vec<PathBuf> = (0..=depth).map(|n| top.join(names[..n].join("/"))).collect();
        fs::create_dir_all(chain.last().expect("one")).expect("directories");
        let root = &chain[at.min(depth)];
        put(root, ".systemprompt/x", "");
        put(root, "Cargo.toml", "");
        for place in &chain {
            let found = Project::discover(place).map(|project| project.root).ok();
            prop_assert_eq!(found.as_ref(), place.starts_with(root).then_some(root));
        }
    }
}

#[test]
#[cfg(unix)]
fn folder_names_are_shown_harmlessly() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for (name, shown) in [
        (&b"orchard"[..], "orchard"),
        (b"or\x1b]0;pwned\x07chard\n", "orchard"),
        (b"\x1b[2J", "project"),
        (b"or\xffchard", "or\u{fffd}chard"),
    ] {
        let (_guard, root) = directory();
        let root = root.join(OsStr::from_bytes(name));
        put(&root, ".systemprompt/x", "");
        put(&root, "Cargo.toml", "");
        let project = Project::discover(&root).expect("a project");
        assert_eq!(project.name(), shown);
        for error in [project.dockerfile().expect_err("none"), project.binary().expect_err("none")] {
            let text = format!("{error} {}", error.problem());
            assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
        }
    }
    assert_eq!(Project { root: "/".into() }.name(), "project");
}

#[test]
fn dockerfile_and_binary_are_found_where_they_may_be() {
    let (_guard, empty) = project(&[]);
    let missing = empty.dockerfile().expect_err("none");
    assert_eq!(
        missing.problem().title,
        format!("No Dockerfile at {}.", empty.root.join(".systemprompt/Dockerfile").display())
    );
    assert!(empty.binary().expect_err("none").problem().title.starts_with("Release binary not found at "));

    let (_guard, fallback) = project(&[("Dockerfile", ""), ("core/target/release/systemprompt", "")]);
    assert_eq!(fallback.dockerfile().ok().as_deref(), Some("Dockerfile"));
    assert_eq!(fallback.binary().ok().as_deref(), Some("core/target/release/systemprompt"));

    put(&fallback.root, ".systemprompt/Dockerfile", "");
    put(&fallback.root, "target/release/systemprompt", "");
    assert_eq!(fallback.dockerfile().ok().as_deref(), Some(".systemprompt/Dockerfile"));
    assert_eq!(fallback.binary().ok().as_deref(), Some("target/release/systemprompt"));
}

#[test]
fn the_build_command_is_the_first_that_the_project_has() {
    for (files, shown) in [
        (&[][..], None),
        (&[("Cargo.toml", "")][..], Some("cargo build --release")),
        (&[("Cargo.toml", ""), ("justfile", "test:\n")], Some("cargo build --release")),
        (&[("Cargo.toml", ""), ("Justfile", "build *flags:\n")], Some("just build --release")),
        (&[("Cargo.toml", ""), (".justfile", "build:\nbuild-all: build\n")], Some("just build-all")),
        (&[("justfile", "build-all := 'x'\nbuild:\n")], Some("just build --release")),
        (
            &[("justfile", "build-all:\n"), (".systemprompt/build.json", r#"{"command":["sh","-c","make 'it'"]}"#)],
            Some(r"sh -c 'make '\''it'\'''"),
        ),
    ] {
        let (_guard, project) = project(files);
        let command = project.build_command().expect("readable");
        assert_eq!(command.as_ref().map(|command| command.shown.as_str()), shown, "{files:?}");
    }
    let (_guard, project) = project(&[(".systemprompt/build.json", r#"{"command":["a b","c\u001b[2J"]}"#)]);
    let command = project.build_command().expect("readable").expect("one");
    assert_eq!((command.program.as_str(), command.arguments), ("a b", vec!["c\u{1b}[2J".to_owned()]));
    assert_eq!(command.shown, "'a b' 'c'");
}

#[test]
fn damaged_build_settings_are_said_and_never_passed_over() {
    for content in ["", "{}", "[]", r#"{"command":"cargo build"}"#, r#"{"command":[]}"#, r#"{"command":["\u0000"]}"#] {
        let (_guard, project) = project(&[("Cargo.toml", ""), (".systemprompt/build.json", content)]);
        let error = project.build_command().expect_err(content);
        assert!(matches!(error, WorkspaceError::DamagedBuildSettings { .. }), "{error}");
        assert!(error.problem().to_string().contains("build.json"), "{error}");
    }
    let (_guard, project) = project(&[("Cargo.toml", ""), (".systemprompt/build.json/x", "")]);
    assert!(matches!(project.build_command(), Err(WorkspaceError::Read { .. })));
}

fn login() -> Credentials {
    Credentials {
        token: Secret::new("hunter2"),
        api_url: "http://127.0.0.1:9400".into(),
        authenticated_at: Some("2026-01-09T09:58:00Z".into()),
        email: "mara@orchard.example".into(),
        user_id: Some("7b0a5d34".into()),
        context: None,
    }
}

#[test]
fn a_login_is_read_back_and_its_file_belongs_to_its_owner() {
    let (_guard, project) = project(&[]);
    assert!(Credentials::read(&project).expect("readable").is_none());
    login().write(&project).expect("written");
    let read = Credentials::read(&project).expect("readable").expect("a login");
    assert_eq!(read.token.reveal(), "hunter2");
    assert_eq!((read.api_url, read.email), (login().api_url, login().email));
    assert_eq!((read.user_id, read.authenticated_at), (login().user_id, login().authenticated_at));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let meta = fs::metadata(Credentials::path(&project)).expect("a file");
        assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    }
    Credentials::remove(&project).expect("removed");
    Credentials::remove(&project).expect("nothing to remove is no error");
    assert!(Credentials::read(&project).expect("readable").is_none());
}

#[test]
fn older_spellings_of_a_login_are_read() {
    for (content, api) in [
        (r#"{"token":"hunter2","user_id":"u","email":"mara@orchard.example"}"#, "https://api.systemprompt.io"),
        (
            r#"{"api_token":"hunter2","api_endpoint":"https://h.example","user_email":"mara@orchard.example","tenant_id":"t"}"#,
            "https://h.example",
        ),
        (
            r#"{"api_token":"hunter2","token":"old","user_email":"mara@orchard.example","email":null,"api_url":""}"#,
            "https://api.systemprompt.io",
        ),
    ] {
        let (_guard, project) = project(&[(".systemprompt/credentials.json", content)]);
        let login = Credentials::read(&project).expect(content).expect("a login");
        assert_eq!((login.token.reveal(), login.email.as_str()), ("hunter2", "mara@orchard.example"));
        assert_eq!(login.api_url, api);
    }
}

#[test]
fn a_damaged_login_asks_for_a_new_one_and_tells_nothing_of_the_old() {
    for content in [
        "",
        "{",
        "[]",
        "\u{0}",
        r#"{"api_token":"","user_email":"a@b.example"}"#,
        r#"{"api_token":"  ","user_email":"a@b.example"}"#,
        r#"{"api_token":"hunter2","user_email":""}"#,
        r#"{"api_token":"hunter2"}"#,
        r#"{"api_token":"hunter2","user_email":["hunter2"]}"#,
        r#"{"api_token":424242,"user_email":"a@b.example"}"#,
        r#"{"user_email":"a@b.example"} "hunter2"#,
    ] {
        let (_guard, project) = project(&[(".systemprompt/credentials.json", content)]);
        let error = Credentials::read(&project).expect_err(content);
        let problem = error.problem();
        assert!(problem.requires_login, "{content}");
        let shown = format!("{error} {error:?} {problem} {problem:?}");
        assert!(shown.contains("credentials.json"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("4242"), "{shown}");
    }
    let (_guard, project) = project(&[(".systemprompt/credentials.json/x", "")]);
    assert!(matches!(Credentials::read(&project), Err(WorkspaceError::Read { .. })));
}

#[test]
fn a_failed_write_keeps_the_old_login() {
    let (_guard, project) = project(&[(".systemprompt/.gitignore/x", "")]);
    put(&project.root, ".systemprompt/credentials.json", "old");
    assert!(login().write(&project).is_err(), "the ignore file cannot be read");
    assert_eq!(fs::read_to_string(Credentials::path(&project)).ok().as_deref(), Some("old"));
}

#[test]
fn the_ignore_file_is_completed_and_never_replaced() {
    let all = "credentials.json\ntenants.json\n**/secrets.json\n**/*.pem\n**/.writing-*\n*.bak\n*.bak.*\n";
    for (before, after) in [
        (None, all.to_owned()),
        (Some("*"), "*".to_owned()),
        (Some("mine\n"), format!("mine\n{all}")),
        (Some("mine"), format!("mine\n{all}")),
        (
            Some("tenants.json\r\n#credentials.json\n"),
            "tenants.json\r\n#credentials.json\ncredentials.json\n**/secrets.json\n**/*.pem\n**/.writing-*\n*.bak\n*.bak.*\n"
                .to_owned(),
        ),
    ] {
        let (_guard, project) = project(&[]);
        if let Some(before) = before {
            put(&project.root, ".systemprompt/.gitignore", before);
        }
        for _ in 0..2 {
            login().write(&project).expect("written");
            let now = fs::read_to_string(project.root.join(".systemprompt/.gitignore")).expect("a file");
            assert_eq!(now, after, "{before:?}");
        }
    }
}

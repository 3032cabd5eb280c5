//! More than a hundred ways in which each file of a project can be damaged: what reads it says which file it is and what to do,
//! never a value from it, and what writes it loses nothing of it. The first tests call the rooms, the last one the program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod variants;

use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tenantry::model::{LocalTenant, Problem, Secret, TenantId};
use tenantry::ops::doctor::offline;
use tenantry::ops::init;
use tenantry::workspace::compose_file::ComposeFile;
use tenantry::workspace::profile_change::{self, Change};
use tenantry::workspace::{
    Credentials, Project, SecretsDraft, SecretsFile, WorkspaceError, profile, secrets, services, tenants_change,
    tenants_file,
};
use variants::{Damaged, HUGE, is_kept, put, variants};

/// Stands in every file where a value does: it must be told to nobody.
const VALUE: &str = "hunter2";

const CREDENTIALS: &str = r#"{
  "api_token": "hunter2.token.hunter2",
  "api_url": "https://api.example",
  "user_email": "mara@orchard.example",
  "authenticated_at": "2026-11-20T12:00:00Z",
  "note": "größer hunter2"
}
"#;
const TENANTS: &str = r#"{
  "tenants": [
    {"id": "3f6c", "name": "orchard", "tenant_type": "cloud", "internal_database_url": "postgres://t:hunter2@h/d"},
    {"id": "local_1", "name": "barn", "tenant_type": "local", "database_url": "postgres://u:hunter2@127.0.0.1:9/barn"}
  ],
  "synced_at": "2026-11-20T12:00:00Z",
  "note": "größer"
}
"#;
const PROFILE: &str = "# größer hunter2\nname: prod\ntarget: local\nserver:\n  host: 127.0.0.1 # hunter2\n  port: 8080\n\
                       own_token: hunter2\ncloud: {tenant_id: local_1}\nsecrets: {secrets_path: ./secrets.json, source: file}\n";
const SECRETS: &str = r#"{
  "jwt_secret": "hunter2-hunter2",
  "database_url": "postgres://u:hunter2@127.0.0.1:9/barn",
  "anthropic": "sk-hunter2",
  "own": "größer hunter2"
}
"#;
const COMPOSE: &str = "services:\n  postgres:\n    image: postgres:18-alpine\n    environment:\n      POSTGRES_PASSWORD: \"hunter2\"\n\
                       \x20   ports:\n      - \"127.0.0.1:5433:5432\"\n# größer\n";
const CONFIG: &str = "# größer\nagents: {one: {card: hunter2}}\nai:\n  default_provider: anthropic\n  providers:\n    anthropic:\n\
                      \x20     api_key: hunter2\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nhunter2größerhunter2\n-----END PRIVATE KEY-----\n";

/// A project whose files are all whole.
fn project() -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().expect("a folder");
    let project = Project { root: folder.path().to_owned() };
    for (path, content) in [
        (".systemprompt/credentials.json", CREDENTIALS),
        (".systemprompt/tenants.json", TENANTS),
        (".systemprompt/profiles/prod/profile.yaml", PROFILE),
        (".systemprompt/profiles/prod/secrets.json", SECRETS),
        (".systemprompt/profiles/prod/signing_key.pem", KEY),
        (".systemprompt/docker/barn_1.yaml", COMPOSE),
        ("services/config/config.yaml", CONFIG),
    ] {
        let path = project.root.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }
    (folder, project)
}

fn assert_told(problem: &Problem, path: &Path, what: &str) {
    let told = format!("{problem} {problem:?}");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(told.contains(name), "{what}: it does not say which file: {told}");
    assert!(!told.contains(VALUE), "{what}: it tells a value: {told}");
    assert!(problem.hint.is_some() && !problem.to_string().contains(char::is_control), "{what}: {told}");
    assert!(told.len() < 2_000, "{what}: {}", told.len());
}

/// Every member of an object but those that are written is as it was; in lists too, entry by entry.
fn members_stay(before: &Value, after: &Value, written: &[&str]) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before.iter().all(|(key, value)| {
            written.contains(&key.as_str()) || after.get(key).is_some_and(|now| members_stay(value, now, written))
        }),
        (Value::Array(before), Value::Array(after)) => {
            before.iter().all(|value| after.iter().any(|now| members_stay(value, now, written)))
        }
        _ => before == after,
    }
}

/// The same for a whole file of JSON.
fn json_stays(written: &'static [&'static str]) -> impl Fn(&[u8], &[u8]) -> bool {
    move |before, after| match (serde_json::from_slice(before), serde_json::from_slice(after)) {
        (Ok(before), Ok(after)) => members_stay(&before, &after, written),
        _ => false,
    }
}

/// Every line of before is there after, in its order, but the ones that begin with `written`.
fn lines_stay(written: &str, before: &[u8], after: &[u8]) -> bool {
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect()
    };
    let mut after = lines(after).into_iter();
    let is_written = |line: &[u8]| String::from_utf8_lossy(line).trim_start().starts_with(written);
    lines(before).iter().filter(|line| !is_written(line) && !line.is_empty()).all(|line| after.any(|now| now == *line))
}

/// For every variant of a file: reads it, and writes it, too. What cannot be read is there afterwards as it was, or as `.bak`;
/// of what can be read everything stays that is not written, as `stays` compares it.
fn check<T>(
    place: &str,
    whole: &str,
    read: impl Fn(&Project) -> Result<T, WorkspaceError>,
    write: impl Fn(&Project) -> Result<(), WorkspaceError>,
    stays: impl Fn(&[u8], &[u8]) -> bool,
) {
    let (_folder, project) = project();
    let path = project.root.join(place);
    assert!(read(&project).is_ok(), "a whole {place} can be read");
    let mut refused = 0;
    for (what, damaged) in variants(whole) {
        put(&path, &damaged);
        let aside = PathBuf::from(format!("{}.bak", path.display()));
        if aside.is_dir() { fs::remove_dir_all(&aside) } else { fs::remove_file(&aside) }.ok();
        let Err(error) = read(&project) else {
            let before = fs::read(&path).expect("readable");
            if let Err(error) = write(&project) {
                assert_told(&error.problem(), &path, &what);
            } else {
                let after = fs::read(&path).expect("readable");
                assert!(is_kept(&path, &damaged) || stays(&before, &after), "{what}: writing it lost a part of it");
            }
            continue;
        };
        refused += 1;
        assert_told(&error.problem(), &path, &what);
        assert!(is_kept(&path, &damaged), "{what}: reading it lost it");
        if let Err(error) = write(&project) {
            assert_told(&error.problem(), &path, &what);
        }
        assert!(is_kept(&path, &damaged), "{what}: writing it lost it");
    }
    // Some of them still say all that matters.
    assert!(refused > 50, "{place}: only {refused} were refused");
    let left: Vec<_> = fs::read_dir(path.parent().expect("a parent")).expect("readable").flatten().collect();
    assert!(!left.iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".writing-")), "{left:?}");
}

#[test]
fn a_damaged_login_is_kept_when_another_takes_its_place() {
    let login = || Credentials {
        token: Secret::new("new.token.value"),
        api_url: "https://api.example".into(),
        authenticated_at: None,
        email: "mara@orchard.example".into(),
        user_id: None,
        context: None,
    };
    check(
        ".systemprompt/credentials.json",
        CREDENTIALS,
        Credentials::read,
        |project| {
            login().write(project)?;
            assert_eq!(Credentials::read(project)?.map(|read| read.email).as_deref(), Some("mara@orchard.example"));
            let ignored = fs::read_to_string(project.directory().join(".gitignore")).expect("read");
            assert!(["*.bak", "*.bak.*"].iter().all(|copies| ignored.lines().any(|line| line == *copies)), "{ignored}");
            Ok(())
        },
        |before, after| {
            // Of another account's login nothing stays.
            let of = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map(|read| read["user_email"].clone()).ok();
            let own = ["api_token", "token", "api_url", "user_email", "authenticated_at", "user_id"];
            of(before) != of(after) || {
                let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
                read(before)["api_url"] != read(after)["api_url"] || members_stay(&read(before), &read(after), &own)
            }
        },
    );
}

#[test]
fn a_damaged_list_of_tenants_stays_as_it_is() {
    let tenant = LocalTenant {
        id: TenantId::new("local_2").expect("an id"),
        name: "second".into(),
        database_url: Some(Secret::new("postgres://u:hunter2@h/d")),
        docker_project: None,
        created_at: None,
        unfinished: false,
    };
    check(
        ".systemprompt/tenants.json",
        TENANTS,
        tenants_file::local_tenants,
        |project| {
            tenants_change::change(project, |entries| {
                entries.put(&tenant);
                Ok(())
            })
        },
        json_stays(&[]),
    );
}

#[test]
fn a_damaged_profile_stays_as_it_is() {
    let named = |project: &Project| profile::named(project, "prod");
    check(
        ".systemprompt/profiles/prod/profile.yaml",
        PROFILE,
        named,
        |project| {
            let whole = Project { root: project.root.clone() };
            let directory = profile::place(project).join("prod");
            let profile =
                tenantry::workspace::Profile { name: "prod".into(), directory, settings: profile::Settings::default() };
            profile_change::change(&whole, &profile, &[Change::Port(9000)])
        },
        |before, after| lines_stay("port:", before, after),
    );
}

#[test]
fn damaged_secrets_stay_as_they_are() {
    let profile = |project: &Project| profile::named(project, "prod").expect("the profile is whole");
    check(
        ".systemprompt/profiles/prod/secrets.json",
        SECRETS,
        |project| SecretsFile::read(&profile(project)),
        |project| {
            let mut draft = SecretsDraft::open(profile(project).secrets_file())?;
            draft.set("openai", &Secret::new("hunter2"));
            draft.write()
        },
        json_stays(&["openai"]),
    );
    // Nothing writes over a key: a new profile gets its own folder, and `init` makes what is not there.
    check(
        ".systemprompt/profiles/prod/signing_key.pem",
        KEY,
        |project| secrets::signing_key(&profile(project)),
        |project| {
            set_up(project);
            Ok(())
        },
        |before, after| before == after,
    );
}

#[test]
fn a_damaged_compose_file_and_configuration_are_named() {
    // An unfinished tenant's is written again.
    let compose = ComposeFile {
        project: "barn_1".into(),
        id: TenantId::new("local_1").expect("an id"),
        image: "postgres:18-alpine".into(),
        port: 5433,
        password: Secret::new("hunter2"),
    };
    check(
        ".systemprompt/docker/barn_1.yaml",
        COMPOSE,
        |project| ComposeFile::image(project, "barn_1"),
        |project| compose.write(project).map(drop),
        |_, _| false,
    );
    check(
        "services/config/config.yaml",
        CONFIG,
        services::whole,
        |project| {
            set_up(project);
            Ok(())
        },
        |before, after| before == after,
    );
    let (_folder, project) = project();
    let path = project.root.join("services/config/config.yaml");
    for (what, damaged) in variants(CONFIG) {
        put(&path, &damaged);
        if let Err(error) = services::read(&project) {
            assert_told(&error.problem(), &path, &what);
        }
    }
}

/// Sets the project up again, as `tenantry init` does.
fn set_up(project: &Project) {
    let told = told_of_set_up(project);
    assert!(!told.contains(VALUE), "it tells a value: {told}");
}

/// The same where a line that is told may be one of the file's: a rule of an ignore file is no secret.
fn told_of_set_up(project: &Project) -> String {
    let plan = init::of_folder(&project.root).expect("a plan");
    let done = init::perform(&plan);
    assert_eq!(done.problem, None);
    format!("{done:?}")
}

#[test]
fn the_files_that_keep_secrets_out_grow_and_lose_nothing() {
    const IGNORED: &str = "# größer\n/hunter2\nnode_modules\n";
    let (_folder, project) = project();
    let path = project.directory().join(".gitignore");
    let login = Credentials {
        token: Secret::new("new.token.value"),
        api_url: "https://api.example".into(),
        authenticated_at: None,
        email: "mara@orchard.example".into(),
        user_id: None,
        context: None,
    };
    for (what, damaged) in variants(IGNORED) {
        put(&path, &damaged);
        for who in ["a login", "a list of tenants", "init"] {
            let attempt = match who {
                "a login" => login.write(&project).map(drop),
                "a list of tenants" => tenants_change::change(&project, |entries| {
                    entries.synced();
                    Ok(())
                }),
                _ => {
                    set_up(&project);
                    Ok(())
                }
            };
            if let Err(error) = attempt {
                assert_told(&error.problem(), &path, &what);
            }
            match &damaged {
                Damaged::Bytes(bytes) => {
                    let now = fs::read(&path).expect("readable");
                    assert!(now.starts_with(bytes), "{who}, {what}: its beginning is lost");
                    let has = |line: &str| String::from_utf8_lossy(&now).lines().any(|found| found == line);
                    let is_whole = ["credentials.json", "**/secrets.json", "*"].iter().any(|line| has(line));
                    assert!(bytes.len() > HUGE / 2 || is_whole, "{who}, {what}: secrets could be committed");
                }
                _ => assert!(is_kept(&path, &damaged), "{who}, {what}"),
            }
        }
    }
}

/// What is only ever read here, or made where it is missing.
#[test]
fn damaged_files_of_the_image_and_of_services_are_told_and_stay() {
    let dockerfile = "# größer\nFROM debian:bookworm-slim\nENV KEY=hunter2\nCOPY services /app/services\nUSER app\n";
    for (place, whole) in [
        (".systemprompt/Dockerfile", dockerfile),
        (".systemprompt/Dockerfile.dockerignore", "# größer\n.git\n**/secrets.json\nhunter2\n"),
        (".dockerignore", "# größer\n.git\n**/secrets.json\nhunter2\n"),
        (".systemprompt/profiles/prod/docker/Dockerfile", dockerfile),
        (".systemprompt/profiles/prod/docker/Dockerfile.dockerignore", "# größer\nhunter2\n"),
        (".systemprompt/entrypoint.sh", "#!/bin/sh\n# größer\nexport KEY=hunter2\nexec \"$@\"\n"),
        ("extensions/mail/manifest.yaml", "# größer\nbinary: systemprompt-mail\nkey: hunter2\n"),
        ("services/ai/config.yaml", "# größer\ndefault_provider: a\nproviders: {a: {api_key: hunter2}}\n"),
    ] {
        let (_folder, project) = project();
        let path = project.root.join(place);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        let tenant = TenantId::new("local_1").expect("an id");
        for (what, damaged) in variants(whole) {
            put(&path, &damaged);
            assert!(!told_of_set_up(&project).contains("KEY="), "{place}, {what}");
            for check in offline::files(&project).iter().chain(&offline::first_deploy(&project, &tenant, true)) {
                let told = format!("{check:?}");
                assert!(
                    !told.contains("KEY=") && !told.contains("api_key") && told.len() < 4_000,
                    "{place}, {what}: {told}"
                );
                assert!(!check.detail.contains(char::is_control), "{place}, {what}: {told}");
            }
            assert!(is_kept(&path, &damaged), "{place}, {what}: it is lost");
        }
    }
}

/// The built program, in the project.
fn run(project: &Project, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.args(arguments).current_dir(&project.root).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    for name in ["TENANTRY_CONFIG", "TENANTRY_TOKEN", "SYSTEMPROMPT_PROFILE", "DBUS_SESSION_BUS_ADDRESS"] {
        command.env_remove(name);
    }
    command.env("TENANTRY_STATE", project.root.join("state")).env("XDG_CONFIG_HOME", project.root.join("config"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let _ = child.stdin.take().expect("its input").write_all(b"sk-new");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn the_program_names_the_file_and_loses_nothing() {
    // One of each sort: the rooms below were asked for all of them.
    let wanted = [
        "cut after 12/25",
        "1000 random bytes",
        "nothing",
        "a list",
        "UTF-16 with its mark",
        "huge",
        "deep lists",
        "a conflict of git",
    ];
    for (place, whole, commands) in [
        (
            ".systemprompt/tenants.json",
            TENANTS,
            &[&["tenant", "list", "--local"][..], &["tenant", "edit", "barn", "--name", "shed"]][..],
        ),
        (
            ".systemprompt/profiles/prod/profile.yaml",
            PROFILE,
            &[&["profile", "show", "prod"], &["profile", "edit", "prod", "--set-port", "1", "--set-openai-key", "-"]],
        ),
        (
            ".systemprompt/profiles/prod/secrets.json",
            SECRETS,
            &[
                &["profile", "show", "prod", "-f", "env"],
                &["profile", "edit", "prod", "--set-port", "1", "--set-openai-key", "-"],
            ],
        ),
        (".systemprompt/credentials.json", CREDENTIALS, &[&["whoami"], &["env"]]),
    ] {
        let mut refused = 0;
        for (what, damaged) in variants(whole) {
            if !wanted.contains(&what.as_str()) {
                continue;
            }
            let (_folder, project) = project();
            let path = project.root.join(place);
            put(&path, &damaged);
            for command in commands {
                let (code, said) = run(&project, command);
                if code == Some(0) {
                    // A part of a YAML file may be a whole one.
                    break;
                }
                refused += 1;
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                assert!(matches!(code, Some(1 | 3)), "{place}, {what}, {command:?}: {code:?} {said}");
                assert!(said.contains(name) && !said.contains(VALUE), "{place}, {what}, {command:?}: {said}");
                assert!(is_kept(&path, &damaged), "{place}, {what}, {command:?} lost it");
            }
            let other = if place.ends_with("secrets.json") {
                ".systemprompt/profiles/prod/profile.yaml"
            } else {
                ".systemprompt/profiles/prod/secrets.json"
            };
            let untouched = if other.ends_with("profile.yaml") { PROFILE } else { SECRETS };
            assert_eq!(
                fs::read_to_string(project.root.join(other)).ok().as_deref(),
                Some(untouched),
                "{place}, {what}"
            );
        }
        assert!(refused >= 12, "{place}: only {refused}");
    }
}

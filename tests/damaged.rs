//! More than a hundred ways in which each file of a project can be damaged: what reads it says which file it is and what to do,
//! never a value from it, and what writes it loses nothing of it. The first tests call the rooms, the last one the program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tenantry::model::{LocalTenant, Problem, Secret, TenantId};
use tenantry::workspace::compose_file::ComposeFile;
use tenantry::workspace::profile_change::{self, Change};
use tenantry::workspace::{
    Credentials, Project, SecretsDraft, SecretsFile, WorkspaceError, profile, secrets, services, tenants_change,
    tenants_file,
};

/// Stands in every file where a value does: it must be told to nobody.
const VALUE: &str = "hunter2";
/// More than any file of settings may hold, bytes.
const HUGE: usize = 3 * 1024 * 1024;

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

/// A damaged file, or something in its place.
enum Damaged {
    Bytes(Vec<u8>),
    Folder,
    LinkToItself,
}

/// More than a hundred of them, each with a name.
fn variants(whole: &str) -> Vec<(String, Damaged)> {
    let bytes = whole.as_bytes();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: String, content: Vec<u8>| all.push((name, content));
    for part in 0..25 {
        add(format!("cut after {part}/25"), bytes[..bytes.len() * part / 25].to_vec());
        add(format!("without the first {part}/25"), bytes[bytes.len() * (part + 1) / 25..].to_vec());
    }
    // The same numbers every time.
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).expect("64 bits")
    };
    for number in 0..25 {
        let mut content = bytes.to_vec();
        for _ in 0..=number / 3 {
            let at = random() % content.len();
            content[at] = u8::try_from(random() % 256).expect("a byte");
        }
        add(format!("bytes changed {number}"), content);
    }
    for size in [1, 7, 64, 1000, 50_000] {
        add(format!("{size} random bytes"), (0..size).map(|_| u8::try_from(random() % 256).expect("a byte")).collect());
        add(format!("{size} zeros"), vec![0; size]);
    }
    for (name, content) in [
        ("nothing", ""),
        ("blanks", "  \n\t\n "),
        ("null", "null"),
        ("a number", "42"),
        ("a text", "\"hunter2\""),
        ("a list", "[\"hunter2\"]"),
        ("a list of lists", "[[[\"hunter2\"]]]"),
        ("another object", "{\"hunter2\": {\"hunter2\": [\"hunter2\"]}}"),
        (
            "wrong types",
            "{\"tenants\": {\"id\": \"hunter2\"}, \"api_token\": 7, \"user_email\": [], \"server\": 5, \"services\": \"hunter2\"}",
        ),
        (
            "other wrong types",
            "{\"tenants\": [{\"id\": 5, \"type\": \"local\", \"name\": \"hunter2\"}], \"api_token\": {\"a\": \"hunter2\"}, \"server\": [\"hunter2\"], \"services\": [1], \"ai\": \"hunter2\"}",
        ),
        ("a conflict of git", "<<<<<<< HEAD\n{\"a\": \"hunter2\"}\n=======\n{\"a\": \"b\"}\n>>>>>>> other\n"),
        ("a page", "<!DOCTYPE html><html><body>hunter2</body></html>"),
        ("a key twice", "{\"a\": \"hunter2\", \"a\": \"hunter2\"}"),
        ("two documents", "--- hunter2\n--- hunter2\n"),
        ("tabs", "a:\n\tb: hunter2\n"),
        ("an alias of nothing", "a: *hunter2\n"),
        ("a tag", "a: !!python/object:hunter2 {}\n"),
        ("escapes", "\u{1b}]0;hunter2\u{7}\u{1b}[2J: [\u{202e}"),
    ] {
        add(name.to_owned(), content.as_bytes().to_vec());
    }
    let utf16 = |big: bool| -> Vec<u8> {
        whole.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let latin: Vec<u8> = whole.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    for (name, content) in [
        ("UTF-16, little end first", utf16(false)),
        ("UTF-16, big end first", utf16(true)),
        ("UTF-16 with its mark", [&[0xff, 0xfe][..], &utf16(false)].concat()),
        ("UTF-16 with the other mark", [&[0xfe, 0xff][..], &utf16(true)].concat()),
        ("UTF-32", whole.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()),
        ("Latin-1", latin),
        ("UTF-8 with its mark", [&[0xef, 0xbb, 0xbf][..], bytes].concat()),
        ("half a character at the end", [bytes, &[0xe2, 0x82]].concat()),
        ("twice", [bytes, bytes].concat()),
        ("zeros behind it", [bytes, &[0; 512]].concat()),
        ("huge blanks behind it", [bytes, vec![b' '; HUGE].as_slice()].concat()),
        ("huge", vec![b'a'; HUGE]),
        ("deep lists", vec![b'['; 200_000]),
        ("deep objects", "{\"a\":".repeat(100_000).into_bytes()),
        ("compressed", [&[0x1f, 0x8b, 8][..], bytes].concat()),
        ("a program", [b"\x7fELF\x02\x01\x01\0", bytes].concat()),
    ] {
        add(name.to_owned(), content);
    }
    let bombs = (1..10).fold("a0: &a0 [hunter2]\n".to_owned(), |all, level| {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("{all}a{level}: &a{level} [{aliases}]\n")
    });
    add("a bomb".to_owned(), bombs.into_bytes());
    let mut all: Vec<(String, Damaged)> =
        all.into_iter().map(|(name, content)| (name, Damaged::Bytes(content))).collect();
    all.push(("a folder".to_owned(), Damaged::Folder));
    all.push(("a link to itself".to_owned(), Damaged::LinkToItself));
    assert!(all.len() > 100, "{}", all.len());
    all
}

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

fn put(path: &Path, damaged: &Damaged) {
    if path.is_dir() {
        fs::remove_dir_all(path).expect("removed");
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(path).expect("removed");
    }
    match damaged {
        Damaged::Bytes(bytes) => fs::write(path, bytes).expect("written"),
        Damaged::Folder => fs::create_dir(path).expect("made"),
        Damaged::LinkToItself => std::os::unix::fs::symlink(path, path).expect("linked"),
    }
}

/// True where what was put there is still there, or beside it as `.bak`.
fn is_kept(path: &Path, damaged: &Damaged) -> bool {
    let aside = PathBuf::from(format!("{}.bak", path.display()));
    [path, &aside].into_iter().any(|path| match damaged {
        Damaged::Bytes(bytes) => fs::read(path).is_ok_and(|read| read == *bytes),
        Damaged::Folder => path.is_dir(),
        Damaged::LinkToItself => path.symlink_metadata().is_ok_and(|meta| meta.is_symlink()),
    })
}

fn assert_told(problem: &Problem, path: &Path, what: &str) {
    let told = format!("{problem} {problem:?}");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(told.contains(name), "{what}: it does not say which file: {told}");
    assert!(!told.contains(VALUE), "{what}: it tells a value: {told}");
    assert!(problem.hint.is_some() && !problem.to_string().contains(char::is_control), "{what}: {told}");
    assert!(told.len() < 2_000, "{what}: {}", told.len());
}

/// For every variant of a file: reads it, and where that fails writes it, too.
fn check<T>(
    place: &str,
    whole: &str,
    read: impl Fn(&Project) -> Result<T, WorkspaceError>,
    write: impl Fn(&Project) -> Result<(), WorkspaceError>,
) {
    let (_folder, project) = project();
    let path = project.root.join(place);
    assert!(read(&project).is_ok(), "a whole {place} can be read");
    let mut refused = 0;
    for (what, damaged) in variants(whole) {
        put(&path, &damaged);
        let aside = PathBuf::from(format!("{}.bak", path.display()));
        if aside.is_dir() { fs::remove_dir_all(&aside) } else { fs::remove_file(&aside) }.ok();
        let Err(error) = read(&project) else { continue };
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
    };
    check(".systemprompt/credentials.json", CREDENTIALS, Credentials::read, |project| {
        login().write(project)?;
        assert_eq!(Credentials::read(project)?.map(|read| read.email).as_deref(), Some("mara@orchard.example"));
        let ignored = fs::read_to_string(project.directory().join(".gitignore")).expect("read");
        assert!(ignored.lines().any(|line| line == "credentials.json.bak"), "{ignored}");
        Ok(())
    });
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
    check(".systemprompt/tenants.json", TENANTS, tenants_file::local_tenants, |project| {
        tenants_change::change(project, |entries| {
            entries.put(&tenant);
            Ok(())
        })
    });
}

#[test]
fn a_damaged_profile_stays_as_it_is() {
    let named = |project: &Project| profile::named(project, "prod");
    check(".systemprompt/profiles/prod/profile.yaml", PROFILE, named, |project| {
        let whole = Project { root: project.root.clone() };
        let directory = profile::place(project).join("prod");
        let profile =
            tenantry::workspace::Profile { name: "prod".into(), directory, settings: profile::Settings::default() };
        profile_change::change(&whole, &profile, &[Change::Port(9000)])
    });
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
    );
    check(
        ".systemprompt/profiles/prod/signing_key.pem",
        KEY,
        |project| secrets::signing_key(&profile(project)),
        |_| Ok(()),
    );
}

#[test]
fn a_damaged_compose_file_and_configuration_are_named() {
    check(".systemprompt/docker/barn_1.yaml", COMPOSE, |project| ComposeFile::image(project, "barn_1"), |_| Ok(()));
    check("services/config/config.yaml", CONFIG, services::whole, |_| Ok(()));
    let (_folder, project) = project();
    let path = project.root.join("services/config/config.yaml");
    for (what, damaged) in variants(CONFIG) {
        put(&path, &damaged);
        if let Err(error) = services::read(&project) {
            assert_told(&error.problem(), &path, &what);
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

//! Profiles and their secrets as they are found on real disks: named, ambiguous, damaged, hostile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tenantry::model::TenantId;
use tenantry::workspace::profile::{named, names, of_tenant};
use tenantry::workspace::{Profile, Project, SecretsFile, WorkspaceError, secrets};

fn put(root: &Path, place: &str, content: impl AsRef<[u8]>) {
    let path = root.join(".systemprompt/profiles").join(place);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, content).expect("a file");
}

fn project(files: &[(&str, &str)]) -> (TempDir, Project) {
    let folder = tempfile::tempdir().expect("a directory");
    for (place, content) in files {
        put(folder.path(), place, content);
    }
    let project = Project { root: folder.path().to_owned() };
    (folder, project)
}

fn tenant() -> TenantId {
    TenantId::new("ten_1").expect("an id")
}

fn found(project: &Project, name: Option<&str>) -> Result<Option<String>, WorkspaceError> {
    of_tenant(project, &tenant(), name).map(|profile| profile.map(|profile| profile.name))
}

fn assert_harmless(error: &WorkspaceError) {
    let shown = format!("{error} {error:?} {} {:?}", error.problem(), error.problem());
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!error.problem().to_string().contains(char::is_control), "{shown}");
    assert!(error.problem().hint.is_some(), "{shown}");
}

const OURS: &str = "cloud: {tenant_id: ten_1}";
const THEIRS: &str = "cloud: {tenant_id: ten_2}";

#[test]
fn by_name_or_by_the_tenant_that_it_names() {
    let (_folder, project) = project(&[
        ("a/profile.yaml", THEIRS),
        ("b/profile.yaml", OURS),
        ("c/profile.yaml", "name: without tenant"),
        ("d/profile.yaml", "cloud: {tenant_id: '${TENANT}'}"),
        ("e/secrets.json", "{}"),
        (".hidden/profile.yaml", OURS),
        ("odd name/profile.yaml", OURS),
        ("file", ""),
    ]);
    assert_eq!(names(&project).expect("names"), ["a", "b", "c", "d"]);
    assert_eq!(found(&project, None).expect("found").as_deref(), Some("b"));
    assert_eq!(found(&project, Some("a")).expect("found").as_deref(), Some("a"));
    for name in ["e", "nobody", "", ".", "..", "../profiles/a", "a/../b", ".hidden", "odd name", "a\u{1b}[2J"] {
        let error = found(&project, Some(name)).expect_err(name);
        assert!(matches!(&error, WorkspaceError::NoProfile { known, .. } if known.len() == 4), "{error}");
        assert_harmless(&error);
    }
    let (_folder, empty) = self::project(&[]);
    assert_eq!(found(&empty, None).expect("none"), None);
    assert_harmless(&found(&empty, Some("a")).expect_err("none"));
}

#[test]
fn two_profiles_of_one_tenant_are_not_guessed_between() {
    let (_folder, project) = project(&[("a/profile.yaml", OURS), ("b/profile.yaml", OURS)]);
    let error = found(&project, None).expect_err("two");
    assert!(error.problem().to_string().contains("a, b"), "{error}");
    assert_eq!(found(&project, Some("b")).expect("found").as_deref(), Some("b"));
}

#[test]
fn a_damaged_profile_stands_in_the_way_only_where_it_may_be_the_tenants() {
    for (content, stands) in [
        (&b"cloud: {tenant_id: ten_1"[..], true),
        (b"cloud: {tenant_id: ten_2", false),
        (b"server: {port: [hunter2]}\ncloud: {tenant_id: ten_1}", true),
        (b"server: hunter2\ncloud: {tenant_id: ten_1}", true),
        (b"cloud: {tenant_id: [ten_1]}", true),
        (b"cloud: ten_1", true),
        (b"ten_1", true),
        (b"- ten_1", true),
        (b"name: a\n\tcloud: ten_1", true),
        (b"cloud: {tenant_id: ten_1}\ncloud: {tenant_id: ten_2}", true),
        (b"\xff\xfec\0l\0o\0u\0d\0:\0", true),
        (b"c\0l\0o\0u\0d\0:\0", true),
        (b"\x7fELF\x02\x01\x01\0\0\xff\xfe", true),
        (b"name: \xff\n", true),
    ] {
        let (folder, project) = project(&[]);
        put(folder.path(), "broken/profile.yaml", content);
        match found(&project, None) {
            Err(error) if stands => {
                assert!(error.problem().to_string().contains("line "), "{error}");
                assert_harmless(&error);
            }
            Ok(None) if !stands => {}
            other => panic!("{}: {other:?}", String::from_utf8_lossy(content)),
        }
        put(folder.path(), "whole/profile.yaml", OURS);
        assert_eq!(found(&project, None).expect("the whole one").as_deref(), Some("whole"));
    }
}

#[test]
fn files_that_are_none_and_files_without_end_are_refused_at_once() {
    let (folder, project) = project(&[]);
    put(folder.path(), "huge/profile.yaml", format!("{OURS}\nx: {}\n", "hunter2 ".repeat(300_000)));
    fs::create_dir_all(folder.path().join(".systemprompt/profiles/folder/profile.yaml")).expect("a folder");
    let pipe = folder.path().join(".systemprompt/profiles/pipe/profile.yaml");
    fs::create_dir_all(pipe.parent().expect("a parent")).expect("a folder");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    std::os::unix::fs::symlink("/dev/zero", folder.path().join(".systemprompt/profiles/pipe/zero")).expect("a link");
    let mut laughs = format!("{OURS}\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs = format!("{laughs}a{level}: &a{level} [{aliases}]\n");
    }
    put(folder.path(), "laughs/profile.yaml", &laughs);
    put(folder.path(), "deep/profile.yaml", format!("{OURS}\nx: {}\n", "[".repeat(10_000)));
    let begun = Instant::now();
    for name in ["huge", "folder", "pipe", "laughs", "deep"] {
        assert_harmless(&named(&project, name).expect_err(name));
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn placeholders_and_unknown_keys_stay_as_they_are() {
    let content = "name: ${NAME}\nserver: {port: 8080, host: '${HOST:-0.0.0.0}', later: {a: [1]}}\nlater: true\n";
    let (_folder, project) = project(&[("p/profile.yaml", content)]);
    let profile = named(&project, "p").expect("read");
    assert_eq!(profile.settings.name.as_deref(), Some("${NAME}"));
    let server = profile.settings.server.as_ref().expect("a server");
    assert_eq!(server.host.as_deref(), Some("${HOST:-0.0.0.0}"));
    assert_eq!(profile.tenant(), None);
}

#[test]
fn the_files_beside_a_profile() {
    let (folder, project) = project(&[
        ("p/profile.yaml", OURS),
        ("q/profile.yaml", "secrets: {secrets_path: ./keys/s.json}\nsecurity: {signing_key_path: k.pem}"),
    ]);
    let (p, q) = (named(&project, "p").expect("p"), named(&project, "q").expect("q"));
    assert_eq!(p.path_in_image(), "/app/services/profiles/p/profile.yaml");
    assert!(p.secrets_file().ends_with("profiles/p/secrets.json"));
    assert!(p.signing_key_file().ends_with("profiles/p/signing_key.pem"));
    assert!(q.secrets_file().ends_with("profiles/q/keys/s.json") && q.signing_key_file().ends_with("q/k.pem"));
    assert_eq!(p.dockerfile(), None);
    put(folder.path(), "p/docker/Dockerfile", "FROM scratch");
    assert_eq!(p.dockerfile().as_deref(), Some(".systemprompt/profiles/p/docker/Dockerfile"));
}

fn with_secrets(content: impl AsRef<[u8]>) -> (TempDir, Profile) {
    let (folder, project) = project(&[("p/profile.yaml", OURS)]);
    put(folder.path(), "p/secrets.json", content);
    (folder, named(&project, "p").expect("a profile"))
}

#[test]
fn no_value_of_a_secret_is_told_whatever_happens() {
    for content in [
        &br#"{"a": "hunter2""#[..],
        br#"{"a": hunter2}"#,
        br#""hunter2""#,
        br#"["hunter2"]"#,
        br#"{"a": "hunter2\q"}"#,
        b"{\"a\": \"hunter2\xff\"}",
        b"hunter2",
        b"\xff\xfe{\0\"\0",
        b"",
        b"null",
        b"42",
    ] {
        let (_folder, profile) = with_secrets(content);
        let error = SecretsFile::read(&profile).expect_err(&String::from_utf8_lossy(content));
        assert!(error.problem().to_string().contains("line "), "{error}");
        assert_harmless(&error);
        assert_harmless(&secrets::environment(&profile).expect_err("the same"));
    }
    let (_folder, profile) = with_secrets(r#"{"a": "hunter2", "b": {"c": "hunter2"}, "openai": "hunter2"}"#);
    let file = SecretsFile::read(&profile).expect("read").expect("a file");
    let environment = secrets::environment(&profile).expect("read");
    assert_eq!(environment.secrets, 2);
    assert!(!format!("{file:?} {environment:?} {profile:?} {:#?}", environment.variables).contains("hunter2"));
}

#[test]
fn huge_secrets_are_refused_and_none_are_none() {
    let (_folder, profile) = with_secrets(format!("{{\"a\": \"{}\"}}", "hunter2".repeat(200_000)));
    assert_harmless(&SecretsFile::read(&profile).expect_err("too long"));
    let (_folder, project) = project(&[("p/profile.yaml", OURS)]);
    let profile = named(&project, "p").expect("a profile");
    let environment = secrets::environment(&profile).expect("nothing");
    assert!(!environment.has_file && environment.variables.is_empty() && environment.secrets == 0);
}

#[test]
fn the_signing_key_goes_along_unless_the_secrets_have_it() {
    let key = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    let (folder, profile) = with_secrets("{}");
    put(folder.path(), "p/signing_key.pem", key);
    let environment = secrets::environment(&profile).expect("read");
    let sent = environment.variables.get("SIGNING_KEY_PEM").expect("the key").reveal().to_owned();
    assert!(sent.starts_with("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t") && !sent.contains('\n'));
    assert_eq!((environment.secrets, environment.variables.len()), (1, 1));

    put(folder.path(), "p/secrets.json", r#"{"signing_key_pem": "own"}"#);
    let environment = secrets::environment(&profile).expect("read");
    assert_eq!(environment.variables.get("SIGNING_KEY_PEM").expect("the key").reveal(), "own");

    put(folder.path(), "p/secrets.json", "{}");
    put(folder.path(), "p/signing_key.pem", "hunter2");
    assert_harmless(&secrets::environment(&profile).expect_err("no key"));
}

//! Plans and what becomes of them, on folders as they are found.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

use super::*;
use crate::model::CheckResult;
use crate::ops::doctor::offline;

/// A folder of these files, under its real name.
pub(super) fn folder(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let guard = tempfile::tempdir().expect("a folder");
    let root = guard.path().canonicalize().expect("a path");
    for (path, content) in files {
        put(&root, path, content);
    }
    (guard, root)
}

fn put(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, content).expect("a file");
}

/// Every file below, with what is in it and who may read it.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, u32)> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(place) = waiting.pop() {
        for entry in fs::read_dir(&place).expect("a folder").flatten() {
            let meta = fs::symlink_metadata(entry.path()).expect("it is there");
            let bytes = if meta.is_file() { fs::read(entry.path()).expect("readable") } else { Vec::new() };
            if meta.is_dir() {
                waiting.push(entry.path());
            }
            all.insert(entry.path(), (bytes, meta.permissions().mode() & 0o777));
        }
    }
    all
}

fn set_up_at(root: &Path) -> (Plan, Done) {
    let plan = of_folder(root).expect("a plan");
    let before = snapshot(root);
    let done = perform(&plan);
    let after = snapshot(root);
    for (path, (bytes, mode)) in &before {
        let (now, mode_now) = after.get(path).expect("nothing is deleted");
        assert_eq!(mode, mode_now, "{path:?}");
        let grows = ["justfile", "Justfile", ".justfile", ".gitignore"].iter().any(|name| path.ends_with(name));
        assert!(if grows { now.starts_with(bytes) } else { now == bytes }, "{path:?} was touched");
    }
    // A plan tells of everything.
    let told: Vec<PathBuf> = done.files.iter().map(|made| root.join(&made.path)).collect();
    for (path, (bytes, _)) in after.iter().filter(|(path, _)| path.is_file()) {
        let is_new = before.get(path).is_none_or(|(old, _)| old != bytes);
        assert!(!is_new || told.contains(path), "{path:?} was not told");
    }
    (plan, done)
}

fn outcomes(done: &Done) -> Vec<(&str, Outcome)> {
    done.files.iter().map(|made| (made.path.as_str(), made.outcome)).collect()
}

fn mode(root: &Path, path: &str) -> u32 {
    fs::metadata(root.join(path)).expect(path).permissions().mode() & 0o777
}

#[test]
fn an_empty_folder_becomes_a_project_that_the_checks_know() {
    let (_guard, root) = folder(&[]);
    let (plan, done) = set_up_at(&root);
    assert!(plan.has_work() && done.problem.is_none() && !done.has_login);
    assert!(
        done.files.iter().all(|made| made.outcome == Outcome::Written
            || Path::new(&made.path).extension().is_some_and(|extension| extension == "pem")),
        "{done:?}"
    );
    assert_eq!(Project::discover(&root).map(|project| project.root).ok(), Some(root.clone()));
    for (path, expected) in [
        (".systemprompt/profiles/production", 0o700),
        (".systemprompt/profiles/production/secrets.json", 0o600),
        (".systemprompt/entrypoint.sh", 0o755),
        (".systemprompt/Dockerfile", 0o644),
    ] {
        assert_eq!(mode(&root, path), expected, "{path}");
    }
    let key = root.join(".systemprompt/profiles/production/signing_key.pem");
    if key.exists() {
        assert_eq!(fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    }
    let shown = format!("{plan:?} {done:?}");
    let secrets = fs::read_to_string(root.join(".systemprompt/profiles/production/secrets.json")).expect("secrets");
    let pepper = secrets.split('"').find(|word| word.len() == 64).expect("one that was made");
    assert!(!shown.contains(pepper), "a secret is in no plan");
}

/// What can be right without a build and a login is.
#[test]
fn the_generated_dockerfile_passes_the_checks() {
    let cargo = ("Cargo.toml", "");
    for files in [
        &[cargo][..],
        &[cargo, ("web/package.json", "{}"), ("storage/files/x", "")],
        &[cargo, ("web/index.html", ""), (".dockerignore", "**\n!src")],
        &[cargo, ("extensions/a/manifest.yaml", "binary: systemprompt-a"), (".dockerignore", "target/")],
        &[cargo, ("extensions/mcp/mail/package.json", "{}"), ("extensions/chat room/package.json", "{}")],
        &[("core/Cargo.toml", ""), ("core/web/package.json", "{}"), ("services/config/config.yaml", "a: 1")],
    ] {
        let (_guard, root) = folder(files);
        let (_, done) = set_up_at(&root);
        assert_eq!(done.problem, None, "{files:?}");
        let project = Project { root: root.clone() };
        let checks = offline::dockerfile_of(&project, None);
        let bad: Vec<_> = checks.iter().filter(|check| check.result != CheckResult::Pass).collect();
        assert!(bad.is_empty(), "{files:?}: {bad:?}\n{}", dockerfile(&project).expect("generated"));
        // Where this machine lacks `just`, its absence is all that is left to say.
        let left = offline::files(&project).into_iter().filter(|check| check.result == CheckResult::Fail);
        let left: Vec<_> = left.filter(|check| check.name != "build" || !check.detail.contains("just")).collect();
        assert!(left.is_empty(), "{files:?}: {left:?}");
        let written = fs::read_to_string(root.join(".systemprompt/Dockerfile")).expect("a Dockerfile");
        assert_eq!(written, dockerfile(&project).expect("generated"), "both come from one generator");
    }
}

#[test]
fn a_project_that_is_whole_stays_byte_for_byte() {
    let justfile = RECIPES.map(|name| format!("{name}:\n    true\n")).concat();
    let (_guard, root) = folder(&[
        ("Cargo.toml", "[workspace]\n"),
        ("justfile", &justfile),
        ("services/config/config.yaml", "agents: {}"),
        (".dockerignore", "target/debug\n"),
        (".systemprompt/.gitignore", "*\n"),
        (".systemprompt/.dockerignore", "x\n"),
        (".systemprompt/Dockerfile", "FROM debian\nCOPY target/release/systemprompt /\n"),
        (".systemprompt/entrypoint.sh", "#!/bin/bash\n"),
        (".systemprompt/profiles/prod/profile.yaml", "cloud: {tenant_id: ten_1}"),
        (".systemprompt/profiles/prod/docker/Dockerfile", "FROM x"),
        (".systemprompt/credentials.json", r#"{"api_token": "t", "user_email": "m@o.example"}"#),
        (".systemprompt/tenants.json", r#"{"tenants": []}"#),
    ]);
    let before = snapshot(&root);
    let command = Project { root: root.clone() }.build_command().expect("a command");
    let (plan, done) = set_up_at(&root);
    assert!(!plan.has_work() && done.has_login, "{plan:?}");
    assert_eq!(snapshot(&root), before);
    assert_eq!(Project { root }.build_command().expect("a command"), command);
    let differs = done.files.iter().filter(|made| made.outcome == Outcome::WouldDiffer);
    let differs: Vec<_> = differs.map(|made| made.path.as_str()).collect();
    assert_eq!(differs, [".systemprompt/entrypoint.sh", ".systemprompt/Dockerfile"]);
}

#[test]
fn an_old_dockerfile_goes_on_with_the_rules_that_it_has() {
    let docker = (".systemprompt/Dockerfile", "FROM x\nCOPY docs /docs\n");
    for (files, expected) in [
        (&[docker, ("docs/a", "")][..], Some(".systemprompt/Dockerfile.dockerignore")),
        (&[docker, (".dockerignore", "")], None),
        (&[docker, (".systemprompt/Dockerfile.dockerignore", "")], None),
        (&[("Dockerfile", "FROM x\n")], Some("Dockerfile.dockerignore")),
    ] {
        let (_guard, root) = folder(files);
        let (_, done) = set_up_at(&root);
        let made: Vec<_> = outcomes(&done)
            .into_iter()
            .filter(|(path, outcome)| *outcome == Outcome::Written && path.contains("ockerfile"))
            .map(|(path, _)| path)
            .collect();
        assert_eq!(made, expected.into_iter().collect::<Vec<_>>(), "{files:?}");
    }
}

#[test]
fn ignore_files_and_justfiles_grow_at_their_end() {
    let (_guard, root) = folder(&[
        (".systemprompt/.gitignore", "credentials.json\ntenants.json\n**/secrets.json\ndocker/"),
        ("Justfile", "build:\n    make"),
    ]);
    let (_, done) = set_up_at(&root);
    assert!(outcomes(&done).contains(&("Justfile", Outcome::Added)), "{done:?}");
    let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
    assert!(read(".systemprompt/.gitignore").ends_with("docker/\n**/*.pem\n**/.writing-*\n*.bak\n*.bak.*\n"));
    let justfile = read("Justfile");
    assert!(justfile.starts_with("build:\n    make\n\n# Added") && justfile.contains("    just build\n"), "{justfile}");
    assert!(!root.join("justfile").exists());
}

#[test]
fn a_link_stays_one_and_what_it_leads_to_keeps_its_mode() {
    let (_guard, root) = folder(&[("shared/just", "x:\n")]);
    symlink("shared/just", root.join("justfile")).expect("a link");
    symlink("nowhere", root.join(".dockerignore")).expect("a link");
    fs::create_dir_all(root.join(".systemprompt")).expect("made");
    symlink("nowhere", root.join(".systemprompt/Dockerfile")).expect("a link");
    let mode = fs::Permissions::from_mode(0o664);
    fs::set_permissions(root.join("shared/just"), mode).expect("a mode");
    let plan = of_folder(&root).expect("a plan");
    let done = perform(&plan);
    assert_eq!(done.problem, None);
    assert!(outcomes(&done).contains(&(".systemprompt/Dockerfile", Outcome::LeftOut)), "{done:?}");
    assert!(fs::symlink_metadata(root.join("justfile")).expect("a link").is_symlink());
    assert!(!root.join("nowhere").exists() && !root.join(".systemprompt/nowhere").exists());
    let shared = fs::metadata(root.join("shared/just")).expect("it is there");
    assert!(shared.len() > 3 && shared.permissions().mode() & 0o777 == 0o664);
}

#[test]
fn what_comes_between_plan_and_deed_is_left_alone() {
    let (_guard, root) = folder(&[("justfile", "x:\n")]);
    let plan = of_folder(&root).expect("a plan");
    put(&root, "justfile", "y:\n");
    put(&root, ".systemprompt/Dockerfile", "FROM mine\n");
    let done = perform(&plan);
    let (made, problem) = (outcomes(&done), &done.problem);
    assert!(problem.is_none() && made.contains(&(".systemprompt/Dockerfile", Outcome::Kept)), "{made:?}");
    assert!(made.contains(&("justfile", Outcome::LeftOut)), "{made:?}");
    assert_eq!(fs::read_to_string(root.join("justfile")).ok().as_deref(), Some("y:\n"));
    assert_eq!(fs::read_to_string(root.join(".systemprompt/Dockerfile")).ok().as_deref(), Some("FROM mine\n"));
}

#[test]
fn what_stands_in_the_way_is_said_and_the_next_call_goes_on() {
    let (_guard, root) = folder(&[(".systemprompt", "")]);
    let problem = of_folder(&root).expect_err("a file is in the way");
    assert!(problem.hint.is_some(), "{problem}");
    assert!(of_folder(&root.join("nowhere")).is_err());

    let (_guard, root) = folder(&[(".systemprompt/profiles", "a file")]);
    let (_, done) = set_up_at(&root);
    let left: Vec<_> = done.files.iter().filter(|made| made.outcome == Outcome::LeftOut).collect();
    assert!(done.problem.is_none() && left.len() == 3, "{done:?}");
    assert!(left.iter().all(|made| made.why.contains("cannot be read")), "{left:?}");
    fs::remove_file(root.join(".systemprompt/profiles")).expect("removed");
    let (_, done) = set_up_at(&root);
    assert!(done.problem.is_none() && root.join(".systemprompt/profiles/production/secrets.json").exists());
}

#[test]
fn what_stops_it_midway_is_said_with_what_was_not_begun() {
    let (_guard, root) = folder(&[("Cargo.toml", "")]);
    let plan = of_folder(&root).expect("a plan");
    put(&root, ".systemprompt", "a file, since the plan was made");
    let done = perform(&plan);
    let problem = done.problem.as_ref().expect("a folder is needed there");
    assert!(problem.detail.is_some() && problem.hint.is_some(), "{problem}");
    assert!(done.files.iter().all(|made| made.outcome == Outcome::LeftOut), "{done:?}");
    assert_eq!(done.files.last().map(|made| made.why.as_str()), Some("not begun"));
    fs::remove_file(root.join(".systemprompt")).expect("removed");
    assert_eq!(set_up_at(&root).1.problem, None);
}

#[test]
fn a_folder_inside_a_project_is_told() {
    let (_guard, root) = folder(&[(".systemprompt/x", ""), ("services/x", ""), ("deep/er/x", "")]);
    let notes = |place: &str| of_folder(&root.join(place)).expect("a plan").notes;
    assert!(notes("deep/er").iter().any(|note| note.title.contains("inside another project")));
    assert_eq!(notes(""), []);
}

fn names() -> impl Strategy<Value = String> {
    let places = vec![
        ".systemprompt/.gitignore",
        ".systemprompt/Dockerfile",
        ".systemprompt/Dockerfile.dockerignore",
        ".systemprompt/entrypoint.sh",
        ".systemprompt/build.json",
        ".systemprompt/profiles/prod/profile.yaml",
        ".systemprompt/profiles/production/profile.yaml",
        ".systemprompt/profiles/production/secrets.json",
        ".dockerignore",
        "Dockerfile",
        "Dockerfile.dockerignore",
        "justfile",
        ".justfile",
        "Cargo.toml",
        "core/Cargo.toml",
        "services/config/config.yaml",
        "storage/files/a",
        "web/package.json",
        "web/dist/index.html",
        "extensions/a b/package.json",
        "extensions/mcp/ü/package.json",
        "extensions/x/manifest.yaml",
    ];
    prop::sample::select(places).prop_map(str::to_owned)
}

fn contents() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("*\n".to_owned()),
        Just("target\nservices/*\n!x".to_owned()),
        Just("deploy:\n    x\nbuild a:\n".to_owned()),
        Just("import 'nowhere'\n".to_owned()),
        Just("{binary: systemprompt-x}".to_owned()),
        Just("FROM x\nCOPY . /app\n".to_owned()),
        "\\PC{0,30}\n?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn whatever_is_there_stays_and_a_second_time_does_nothing(
        files in prop::collection::btree_map(names(), contents(), 0..9)
    ) {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
        let (_guard, root) = folder(&files);
        let (_, done) = set_up_at(&root);
        prop_assert_eq!(&done.problem, &None);
        let before = snapshot(&root);
        let again = of_folder(&root).expect("a plan");
        let missing_key = |step: &Step| matches!(step.action, Action::Write(Content::SigningKey));
        prop_assert!(again.steps.iter().all(|step| !step.action.changes() || missing_key(step)), "{:?}", again);
        if !again.steps.iter().any(missing_key) {
            let _ = perform(&again);
            prop_assert_eq!(snapshot(&root), before);
        }
    }
}

//! `tenantry profile` with the built program: made, listed, shown, changed and deleted, without any server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/terminal.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod terminal;

use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use terminal::Terminal;

const TENANTS: &str = r#"{"tenants": [{"id": "local_1", "name": "barn", "tenant_type": "local",
    "database_url": "postgres://u:h8T-barn@127.0.0.1:9/barn"}], "synced_at": "2026-01-09T10:03:00Z"}"#;

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join(".systemprompt")).expect("made");
    fs::create_dir_all(folder.path().join("services")).expect("made");
    fs::write(folder.path().join(".systemprompt/tenants.json"), TENANTS).expect("written");
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.arg("profile").args(arguments).current_dir(folder);
    // The person's own settings and keys are nobody's business here.
    for name in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GITHUB_TOKEN", "TENANTRY_CONFIG"] {
        command.env_remove(name);
    }
    command.env_remove("SYSTEMPROMPT_TENANT_ID").env_remove("SYSTEMPROMPT_PROFILE").env_remove("TENANTRY_TOKEN");
    command.env("TENANTRY_STATE", folder.join("state")).env("XDG_CONFIG_HOME", folder.join("config"));
    command
}

fn ended(mut command: Command, input: &str) -> Said {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // Whoever does not read it has ended already.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    for secret in ["hunter2", "h8T"] {
        assert!(!said.err.contains(secret), "a secret was shown: {}", said.err);
    }
    said
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> Said {
    ended(command(folder, arguments), input)
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(".systemprompt/profiles").join(name)).expect(name)
}

fn mode(folder: &Path, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(folder.join(".systemprompt/profiles").join(name)).expect(name).permissions().mode() & 0o777
}

#[test]
fn a_profile_lives_from_its_making_to_its_end() {
    let folder = project();
    let here = folder.path();
    let said = run(here, &["create", "dev", "--tenant", "barn", "--anthropic-key", "-", "--json"], "sk-hunter2\n");
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
    let made = said.document();
    assert_eq!((&made["tenant_id"], &made["tenant_type"]), (&json!("local_1"), &json!("local")));
    assert_eq!((&made["database"], &made["keys"]), (&json!("silent"), &json!(["anthropic"])));
    assert!(!said.out.contains("hunter2") && !said.out.contains("h8T"), "{}", said.out);
    let secrets: Value = serde_json::from_str(&read(here, "dev/secrets.json")).expect("JSON");
    assert_eq!((&secrets["anthropic"], &secrets["openai"]), (&json!("sk-hunter2"), &Value::Null));
    assert_eq!(secrets["database_url"], "postgres://u:h8T-barn@127.0.0.1:9/barn");
    assert_eq!(
        (mode(here, "dev"), mode(here, "dev/secrets.json"), mode(here, "dev/profile.yaml")),
        (0o700, 0o600, 0o644)
    );
    let ignored = fs::read_to_string(here.join(".systemprompt/.gitignore")).expect("read");
    assert!(ignored.contains("**/secrets.json\n") && ignored.contains("**/*.pem\n"), "{ignored}");

    let before = (read(here, "dev/profile.yaml"), read(here, "dev/secrets.json"));
    let said = run(here, &["create", "dev"], "");
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.err.contains("There is a profile dev already."), "{}", said.err);
    assert_eq!(before, (read(here, "dev/profile.yaml"), read(here, "dev/secrets.json")));

    let listed = run(here, &["list", "--json"], "").document();
    assert_eq!(listed["total"], 1);
    assert_eq!(
        listed["profiles"][0],
        json!({"name": "dev", "has_secrets": true, "is_active": true, "target": "local", "tenant_id": "local_1"})
    );
    let said = run(here, &["ls"], "");
    assert!(said.out.contains("*  dev   local   yes      local_1"), "{}", said.out);

    fs::write(here.join("url"), "postgres://me:h8T@127.0.0.1:9/other\n").expect("written");
    let edits = [
        "edit",
        "dev",
        "--set-port",
        "9000",
        "--set-host",
        "0.0.0.0",
        "--set-openai-key",
        "-",
        "--set-database-url",
        "@url",
    ];
    let said = run(here, &edits, "sk-hunter2-2");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(said.out, "✓ dev: openai, database_url, server.host, server.port changed\n");
    let after = read(here, "dev/profile.yaml");
    assert_eq!(after, before.0.replace("  host: 127.0.0.1\n  port: 8080\n", "  host: 0.0.0.0\n  port: 9000\n"));
    let secrets: Value = serde_json::from_str(&read(here, "dev/secrets.json")).expect("JSON");
    assert_eq!((&secrets["openai"], &secrets["anthropic"]), (&json!("sk-hunter2-2"), &json!("sk-hunter2")));
    assert_eq!(secrets["database_url"], "postgres://me:h8T@127.0.0.1:9/other");
    assert_eq!(mode(here, "dev/secrets.json"), 0o600);

    let said = run(here, &["show", "--filter", "env", "--json"], "");
    assert_eq!(said.document()["env"]["ANTHROPIC_API_KEY"], "****");
    assert!(!said.out.contains("hunter2") && said.out.contains("me:****@"), "{}", said.out);
    assert_eq!(
        run(here, &["show", "-f", "env", "--reveal", "--json"], "").document()["env"]["OPENAI_API_KEY"],
        "sk-hunter2-2"
    );
    let said = run(here, &["show", "dev"], "");
    assert!(said.out.contains("port: 9000") && said.out.contains("OPENAI_API_KEY: ****"), "{}", said.out);

    fs::write(here.join(".systemprompt/profiles/dev/notes.txt"), "mine").expect("written");
    let said = run(here, &["delete", "dev"], "dev\n");
    assert_eq!(said.code, Some(2), "nobody can be asked here: {}", said.err);
    let first = said.err.find("notes.txt  (not a profile's)").expect("what is not a profile's is told");
    assert!(first < said.err.find("profile.yaml").expect("told"), "{}", said.err);
    assert!(here.join(".systemprompt/profiles/dev/notes.txt").exists());
    assert_eq!(run(here, &["delete", "dev", "--yes"], "").code, Some(0));
    assert_eq!(fs::read_dir(here.join(".systemprompt/profiles")).expect("readable").count(), 0);
    assert_eq!(fs::read_to_string(here.join(".systemprompt/tenants.json")).ok().as_deref(), Some(TENANTS));
}

#[test]
fn keys_come_from_where_it_is_said() {
    let folder = project();
    let here = folder.path();
    fs::write(here.join("key"), "sk-file\n").expect("written");
    let mut wanted = command(here, &["create", "one", "--openai-key", "@key", "--json"]);
    wanted.env("OPENAI_API_KEY", "sk-environment").env("GITHUB_TOKEN", "gh-environment");
    wanted.env("ANTHROPIC_API_KEY", "sk-a").env("GEMINI_API_KEY", " g-environment ");
    wanted.env("SYSTEMPROMPT_TENANT_ID", "local_1");
    let said = ended(wanted, "");
    assert_eq!(said.document()["keys"], json!(["anthropic", "gemini", "github", "openai"]));
    let secrets: Value = serde_json::from_str(&read(here, "one/secrets.json")).expect("JSON");
    assert_eq!((&secrets["openai"], &secrets["github"]), (&json!("sk-file"), &json!("gh-environment")));
    assert_eq!((&secrets["anthropic"], &secrets["gemini"]), (&json!("sk-a"), &json!("g-environment")));
    let more = ["create", "more", "--tenant-id", "barn", "--gemini-key", "-", "--github-token", "@key", "--json"];
    assert_eq!(run(here, &more, "g-input\n").document()["keys"], json!(["gemini", "github"]));
    let secrets: Value = serde_json::from_str(&read(here, "more/secrets.json")).expect("JSON");
    assert_eq!((&secrets["gemini"], &secrets["github"]), (&json!("g-input"), &json!("sk-file")));
    for (arguments, key) in [
        (["edit", "more", "--set-anthropic-key", "-", "--yes"], "anthropic"),
        (["edit", "more", "--set-github-token", "-", "--yes"], "github"),
    ] {
        assert_eq!(run(here, &arguments, "sk-other").code, Some(0));
        let secrets: Value = serde_json::from_str(&read(here, "more/secrets.json")).expect("JSON");
        assert_eq!((&secrets[key], &secrets["gemini"]), (&json!("sk-other"), &json!("g-input")), "{key}");
    }
    assert_eq!(run(here, &["delete", "more", "-y"], "").code, Some(0));

    let said = run(here, &["create", "two", "--openai-key", "sk-plain"], "");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("can be read by every process"), "{}", said.err);

    for (arguments, words) in [
        (&["create", "three", "--openai-key", "-", "--gemini-key", "-"][..], "more than one is to come from there"),
        (&["create", "three", "--openai-key", "two words"], "The openai key cannot be used."),
        (&["create", "../three"], "cannot be the name of a profile"),
        (&["edit", "one", "--set-database-url", "postgres://u:***@h/d"], "cannot be used"),
        (&["edit", "one", "--set-external-url", "ftp://x"], "server.api_external_url cannot be that."),
        (&["edit", "nobody", "--set-port", "1"], "No profile nobody."),
        (&["show", "nobody"], "No profile nobody."),
        (&["delete", "nobody", "--yes"], "No profile nobody."),
    ] {
        let said = run(here, arguments, "hunter2");
        assert_eq!(said.code, Some(1), "{arguments:?}: {} {}", said.out, said.err);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    }
    let said = run(here, &["create", "three", "--tenant", "nobody"], "");
    assert!(said.code == Some(3) && said.err.contains("No local tenant is called nobody."), "{}", said.err);
    for arguments in
        [&["edit", "one"][..], &["show"], &["edit", "one", "--set-port", "0"], &["delete", "one", "--non-interactive"]]
    {
        assert_eq!(run(here, arguments, "").code, Some(2), "{arguments:?}");
    }
    let mut names: Vec<_> = fs::read_dir(here.join(".systemprompt/profiles"))
        .expect("readable")
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(run(here, &["list", "--json"], "").document()["active_profile"], Value::Null);
    let mut wanted = command(here, &["list", "--json"]);
    wanted.env("SYSTEMPROMPT_PROFILE", here.join(".systemprompt/profiles/two/profile.yaml"));
    assert_eq!(ended(wanted, "").document()["active_profile"], "two");
}

#[test]
fn each_part_is_shown_by_itself_and_as_yaml() {
    let folder = project();
    let here = folder.path();
    assert_eq!(run(here, &["create", "dev", "--tenant-id", "barn", "--tenant-type", "local"], "").code, Some(0));
    // One of the cloud is meant, and nobody is logged in there.
    assert_eq!(run(here, &["create", "other", "--tenant", "barn", "--tenant-type", "cloud"], "").code, Some(3));
    let services = "agents: {gardener: {port: 9001}}\nmcp_servers: {tools: {port: 5}}\nskills: {prune: {id: prune}}\n\
                    ai: {default_provider: anthropic}\nweb: {name: Orchard}\ncontent: {blog: {path: blog}}\n";
    fs::create_dir_all(here.join("services/config")).expect("made");
    fs::write(here.join("services/config/config.yaml"), services).expect("written");
    for part in ["agents", "mcp", "skills", "ai", "web", "content", "env", "settings"] {
        let document = run(here, &["show", "dev", "-f", part, "--json"], "").document();
        let keys: Vec<_> = document.as_object().expect("an object").keys().cloned().collect();
        assert!(keys.iter().any(|key| key == part) && keys.len() == 2, "{part}: {document}");
        assert!(!document[part].is_null(), "{part}: {document}");
    }
    let said = run(here, &["show", "dev", "--filter", "agents", "--yaml"], "");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("\"agents\":\n") && said.out.contains("\"gardener\""), "{}", said.out);
}

#[test]
fn comments_and_what_nobody_knows_stay() {
    let folder = project();
    let here = folder.path();
    let place = here.join(".systemprompt/profiles/own");
    fs::create_dir_all(&place).expect("made");
    let yaml = "# made by hand\nname: own\nserver: # where it listens\n  port: \"${PORT}\" # from outside\n  host: a.example\n\
                brand_new: {kept: [1, 2]}\n";
    fs::write(place.join("profile.yaml"), yaml).expect("written");
    fs::write(place.join("secrets.json"), r#"{"zeta": "z", "nested": {"a": [true]}, "gemini": null}"#)
        .expect("written");
    let said = run(
        here,
        &["edit", "--set-port", "81", "--set-external-url", "https://own.example", "--set-gemini-key", "-"],
        "g",
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(
        read(here, "own/profile.yaml"),
        "# made by hand\nname: own\nserver: # where it listens\n  api_external_url: https://own.example\n  port: 81 # from \
         outside\n  host: a.example\nbrand_new: {kept: [1, 2]}\n"
    );
    let secrets: Value = serde_json::from_str(&read(here, "own/secrets.json")).expect("JSON");
    assert_eq!(secrets, json!({"zeta": "z", "nested": {"a": [true]}, "gemini": "g"}));

    // What only its author can change is left alone, and said.
    let yaml = "server: &s {port: 1}\nother: *s\n";
    fs::write(place.join("profile.yaml"), yaml).expect("written");
    let said = run(here, &["edit", "own", "--set-port", "82", "--set-gemini-key", "-"], "other");
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.err.contains("server.port") && said.err.contains("profile.yaml"), "{}", said.err);
    assert_eq!(read(here, "own/profile.yaml"), yaml);
    assert!(read(here, "own/secrets.json").contains("\"g\""));
}

#[test]
fn somebody_at_a_terminal_is_asked_and_what_is_typed_for_a_secret_is_not_shown() {
    let folder = project();
    let here = folder.path();
    assert_eq!(run(here, &["create", "dev"], "").code, Some(0));
    let state = here.join("state");
    let environment =
        [("TENANTRY_STATE", state.to_str().expect("plain")), ("XDG_CONFIG_HOME", here.to_str().expect("plain"))];
    let start = |arguments: &[&str]| Terminal::start(&[&["profile"], arguments].concat(), here, &environment, 140, 30);
    let mut terminal = start(&["edit", "dev", "--set-openai-key", "-"]);
    terminal.wait_for("Key of OpenAI (it is not shown):");
    terminal.type_keys("sk-hunter2\r");
    terminal.wait_for("openai changed");
    assert!(!String::from_utf8_lossy(&terminal.raw()).contains("hunter2"));
    assert!(read(here, "dev/secrets.json").contains("sk-hunter2"));

    let mut terminal = start(&["delete", "dev"]);
    terminal.wait_for("secrets.json");
    terminal.wait_for("Type dev to do it:");
    terminal.type_keys("yes\r");
    terminal.wait_for("Nothing was done.");
    assert!(here.join(".systemprompt/profiles/dev/profile.yaml").exists());
    let mut terminal = start(&["delete", "dev"]);
    terminal.wait_for("Type dev to do it:");
    terminal.type_keys("dev\r");
    terminal.wait_for("the profile dev is deleted");
    assert!(!here.join(".systemprompt/profiles/dev").exists());
}

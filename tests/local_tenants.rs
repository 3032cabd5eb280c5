//! `tenantry tenant` for databases that are there already, and where something is missing: without Docker, without a
//! login. What needs an engine is in `tests/engine/local.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "common/postgres.rs"]
mod postgres;

use postgres::Postgres;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join(".systemprompt")).expect("made");
    std::fs::create_dir_all(folder.path().join("services")).expect("made");
    folder
}

fn run(folder: &Path, arguments: &[&str], input: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.arg("tenant").args(arguments).current_dir(folder);
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    command.env("TENANTRY_STATE", folder.join("state"));
    // The person's own configuration is nobody's business here.
    command.env_remove("TENANTRY_CONFIG").env("XDG_CONFIG_HOME", folder);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // Whoever does not read it has ended already.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    for password in ["only-for-tests", "hunter2"] {
        assert!(!said.err.contains(password), "the password was shown: {}", said.err);
    }
    said
}

fn document(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {} {}", said.out, said.err))
}

fn stored(folder: &Path) -> serde_json::Value {
    let bytes = std::fs::read(folder.join(".systemprompt/tenants.json")).expect("read");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn an_existing_database_is_taken_named_shown_and_left() {
    let Some(server) = Postgres::start() else {
        eprintln!("SKIPPED: no Postgres is installed");
        return;
    };
    let folder = project();
    let url = server.fresh_database();
    let said = run(folder.path(), &["create", "--database-url", "-", "--name", "mine", "--json"], &format!("{url}\n"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    let made = document(&said);
    assert_eq!(
        (&made["tenant_name"], &made["tenant_type"], &made["state"]),
        (&"mine".into(), &"local".into(), &"running".into())
    );
    assert!(!said.out.contains("only-for-tests") && made["database_url"].as_str().expect("a URL").contains(":****@"));
    assert_eq!(stored(folder.path())["tenants"][0]["database_url"], url.as_str());
    assert!(stored(folder.path())["tenants"][0].get("docker_project").is_none());

    // By a file, with a name of its own; and on the command line with a warning.
    let file = folder.path().join("url");
    std::fs::write(&file, &url).expect("written");
    let from_file = format!("@{}", file.display());
    let said = run(folder.path(), &["create", "--database-url", &from_file], "");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("✓ database") && said.out.contains("local answers at"), "{}", said.out);
    let said = run(folder.path(), &["create", "--database-url", &url], "");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.err.contains("can be read by every process"), "{}", said.err);

    let listed = document(&run(folder.path(), &["list", "--json"], ""));
    assert_eq!(listed["total"], 3);
    assert!(listed["tenants"].as_array().expect("a list").iter().all(|tenant| tenant["state"] == "running"));
    assert_eq!(listed["warning"]["title"], "Not logged in.", "that the cloud is missing is said");
    let said = run(folder.path(), &["list", "--local"], "");
    assert!(said.out.contains("local-2") && said.err.is_empty(), "{} {}", said.out, said.err);

    for (arguments, words) in [
        (&["create", "--database-url", "-", "--name", "mine"][..], "is called mine already"),
        (&["stop", "mine"], "was there before"),
        (&["start", "mine"], "was there before"),
        (&["edit", "mine", "--name", "local"], "is called local already"),
    ] {
        let said = run(folder.path(), arguments, &url);
        assert_eq!(said.code, Some(1), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    }
    // Without a login nobody knows whether the cloud has it.
    let said = run(folder.path(), &["show", "nobody"], "");
    assert!(said.code == Some(3) && said.err.contains("No local tenant is called nobody."), "{}", said.err);
    let said = run(folder.path(), &["delete", "mine"], "");
    assert!(said.code == Some(2) && said.err.contains("--yes"), "{}", said.err);
    assert_eq!(
        document(&run(folder.path(), &["edit", "mine", "--name", "yours", "--json"], ""))["tenant_name"],
        "yours"
    );
    let shown = document(&run(folder.path(), &["show", "yours", "--reveal", "--json"], ""));
    assert_eq!((&shown["tenant_name"], &shown["database_url"]), (&"yours".into(), &url.as_str().into()));
    // Another address of the same database, once it answers there.
    let other = server.fresh_database();
    let silent = "postgres://u:h@127.0.0.1:9/x";
    let said = run(folder.path(), &["edit", "yours", "--database-url", "-"], silent);
    assert!(
        said.code == Some(1) && stored(folder.path())["tenants"][0]["database_url"] == url.as_str(),
        "{}",
        said.err
    );
    // A name that cannot be given leaves the address as it was, too.
    let said = run(folder.path(), &["edit", "yours", "--database-url", "-", "--name", "local"], &other);
    assert!(said.code == Some(1) && said.err.contains("is called local already"), "{}", said.err);
    assert_eq!(stored(folder.path())["tenants"][0]["database_url"], url.as_str());
    let both = ["edit", "yours", "--database-url", "-", "--name", "theirs", "--json"];
    assert_eq!(document(&run(folder.path(), &both, &url))["tenant_name"], "theirs");
    let said = run(folder.path(), &["edit", "theirs", "--database-url", "-", "--name", "yours"], &url);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = run(folder.path(), &["edit", "yours", "--database-url", "-", "--json"], &other);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!said.out.contains("only-for-tests"), "{}", said.out);
    assert_eq!(stored(folder.path())["tenants"][0]["database_url"], other.as_str());
    let deleted = document(&run(folder.path(), &["delete", "yours", "--yes", "--json"], ""));
    assert!(deleted["message"].as_str().expect("a message").contains("its database is as it was"), "{deleted}");
    assert_eq!(stored(folder.path())["tenants"].as_array().map(Vec::len), Some(2));
    assert_eq!(run(folder.path(), &["create", "--database-url", "-", "--name", "again"], &url).code, Some(0));
}

#[test]
fn what_does_not_answer_is_not_written_down() {
    let Some(server) = Postgres::start() else {
        eprintln!("SKIPPED: no Postgres is installed");
        return;
    };
    let folder = project();
    let url = server.fresh_database();
    let wrong = url.replace("only-for-tests", "hunter2");
    let missing = server.url("no_such_database");
    let nobody = "postgres://u:hunter2@127.0.0.1:1/d";
    for (url, title) in [
        (wrong.as_str(), "The database does not let us in."),
        (&missing, "The database does not let us in."),
        (nobody, "The database does not answer."),
        ("mysql://u:hunter2@127.0.0.1/d", "The address of the database cannot be used."),
        ("postgres://u:****@127.0.0.1/d", "The address of the database cannot be used."),
        ("", "The address of the database cannot be used."),
    ] {
        let said = run(folder.path(), &["create", "--database-url", "-", "--json"], url);
        assert_eq!(said.code, Some(1), "{}", said.err);
        let problem = &document(&said)["problem"];
        assert_eq!(problem["title"], title, "{problem}");
        assert!(problem["hint"].is_string() && !said.out.contains("hunter2"), "{}", said.out);
    }
    assert!(!folder.path().join(".systemprompt/tenants.json").exists(), "nothing was written");
}

#[test]
fn without_docker_a_container_is_refused_and_says_what_to_do() {
    let folder = project();
    let said = run(folder.path(), &["create", "--local"], "");
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.err.contains("/nonexistent/docker.sock") && said.out.contains("✕ check"), "{} {}", said.out, said.err);
    assert!(!folder.path().join(".systemprompt/tenants.json").exists());
    let said = run(folder.path(), &["list"], "");
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("There are no tenants on this machine."), "{}", said.out);
}

#[test]
fn wrong_usage_is_told_apart() {
    let folder = project();
    for arguments in [
        &["create"][..],
        &["create", "--local", "--database-url", "-"],
        &["create", "--local", "--port", "0"],
        &["create", "--database-url", "-", "--image", "postgres"],
        &["edit", "x"],
        &["frobnicate"],
    ] {
        let said = run(folder.path(), arguments, "");
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.err);
        assert!(said.out.is_empty() && said.err.contains("error:"), "{}", said.err);
    }
    // At a terminal it would be asked for.
    let said = run(folder.path(), &["show"], "");
    assert!(said.code == Some(2) && said.err.contains("It is not said which tenant is meant."), "{}", said.err);
    let said = run(folder.path(), &["create", "--local", "--image", "a b"], "");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("That is no name of an image."), "{}", said.err);
}

#[test]
fn a_damaged_list_is_left_as_it_is() {
    let folder = project();
    let path = folder.path().join(".systemprompt/tenants.json");
    std::fs::write(&path, r#"{"tenants": [{"id": "local_1", "database_url": "hunter2""#).expect("written");
    let before = std::fs::read(&path).expect("read");
    for arguments in [&["list"][..], &["show", "x"], &["create", "--database-url", "-"], &["delete", "x", "--yes"]] {
        let said = run(folder.path(), arguments, "postgres://u:hunter2@127.0.0.1:1/d");
        assert_eq!(said.code, Some(1), "{arguments:?}: {}", said.out);
        assert!(said.err.contains("The list of tenants cannot be read."), "{arguments:?}: {}", said.err);
    }
    assert_eq!(std::fs::read(&path).expect("read"), before);
}

/// A login for an API where nobody answers, and two tenants on this machine.
fn with_a_silent_cloud() -> tempfile::TempDir {
    let folder = project();
    let own = folder.path().join(".systemprompt");
    let login =
        serde_json::json!({"api_token": "sp_test", "api_url": "http://127.0.0.1:9", "user_email": "a@b.example"});
    std::fs::write(own.join("credentials.json"), login.to_string()).expect("written");
    let entry = |id: &str, name: &str| {
        serde_json::json!({
            "id": id, "name": name, "tenant_type": "local", "database_url": "postgres://u:hunter2@127.0.0.1:9/d",
        })
    };
    let list = serde_json::json!({ "tenants": [entry("local_1", "shop-2"), entry("local_2", "barn")] });
    std::fs::write(own.join("tenants.json"), list.to_string()).expect("written");
    folder
}

#[test]
fn a_cloud_that_does_not_answer_makes_no_other_tenant_of_a_beginning() {
    let folder = with_a_silent_cloud();
    let said = run(folder.path(), &["delete", "shop", "--yes", "--data"], "");
    assert_eq!(said.code, Some(1), "{} {}", said.out, said.err);
    assert!(stored(folder.path()).to_string().contains("shop-2"), "it is still listed");
    // A whole name needs no cloud, and without a question nothing less will do.
    let said = run(folder.path(), &["delete", "shop-2", "--yes"], "");
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(!stored(folder.path()).to_string().contains("shop-2"));
    std::fs::remove_file(folder.path().join(".systemprompt/credentials.json")).expect("logged out");
    let said = run(folder.path(), &["delete", "ba", "--yes"], "");
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("only the beginning of a name"), "{}", said.err);
    assert!(stored(folder.path()).to_string().contains("barn"));
}

//! `tenantry db` with the built program, on a Postgres of the tests' own. Where Postgres is not installed they are skipped
//! aloud; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "common/postgres.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod postgres;

use postgres::Postgres;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PASSWORD: &str = "only-for-tests";

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

/// `None` where there is no Postgres.
fn server() -> Option<Postgres> {
    let server = Postgres::start();
    if server.is_none() {
        assert!(std::env::var("CI").is_err(), "Postgres is not installed, and CI=true");
        eprintln!("SKIPPED: no Postgres is installed");
    }
    server
}

/// A project whose one profile `dev` has this database.
fn project(url: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join(".systemprompt/profiles/dev");
    fs::create_dir_all(&place).expect("made");
    fs::create_dir_all(folder.path().join("services")).expect("made");
    fs::write(place.join("profile.yaml"), "name: dev\ntarget: local\n").expect("written");
    fs::write(place.join("secrets.json"), json!({ "database_url": url }).to_string()).expect("written");
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.arg("db").args(arguments).current_dir(folder).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    command.env_remove("TENANTRY_CONFIG").env_remove("SYSTEMPROMPT_PROFILE").env_remove("TENANTRY_TOKEN");
    command.env("TENANTRY_STATE", folder.join("state")).env("XDG_CONFIG_HOME", folder.join("config"));
    // What leads other programs to other databases does not lead these.
    command.env("PGHOST", "nowhere.invalid").env("PGDATABASE", "wrong").env("PGPASSWORD", "hunter2");
    command.env("PGPORT", "1").env("PGUSER", "nobody").env("PGHOSTADDR", "192.0.2.1");
    command
}

fn ended(mut command: Command, input: &str) -> Said {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
    for secret in [PASSWORD, "hunter2"] {
        assert!(!said.err.contains(secret) && !said.out.contains(secret), "shown: {} {}", said.out, said.err);
    }
    said
}

fn run(folder: &Path, arguments: &[&str]) -> Said {
    ended(command(folder, arguments), "")
}

/// As an administrator.
fn sql(url: &str, statements: &str) {
    let psql = postgres::installed().expect("installed").join("psql");
    let ran = Command::new(psql).arg(url).args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", statements]).status();
    assert!(ran.expect("psql").success(), "{statements}");
}

/// What the database answers its administrator.
fn told(url: &str, question: &str) -> String {
    let psql = postgres::installed().expect("installed").join("psql");
    let output = Command::new(psql).arg(url).args(["-X", "-A", "-t", "-c", question]).output().expect("psql");
    assert!(output.status.success(), "{question}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Waits until the database answers that.
fn wait_until(url: &str, question: &str, answer: &str) {
    let begun = Instant::now();
    while told(url, question) != answer {
        assert!(begun.elapsed() < Duration::from_mins(1), "{question} is never {answer}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a command, and sends it Ctrl-C once the database sleeps for it.
fn interrupted(folder: &Path, arguments: &[&str], url: &str) -> (Option<i32>, String) {
    let mut command = command(folder, arguments);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    wait_until(url, ASLEEP, "1");
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("an id");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it can be signalled");
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const ASLEEP: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

const TREES: &str = "CREATE TABLE trees (id bigint PRIMARY KEY, name text, ripe boolean, more jsonb);
    INSERT INTO trees VALUES (1, E'ap\\tple\\x1b[2J', true, '{\"a\": [1]}'), (2, NULL, false, NULL), (3, 'pear', true, '1')";

#[test]
fn its_state_is_told_and_questions_are_answered() {
    let Some(server) = server() else { return };
    let url = server.fresh_database();
    sql(&url, TREES);
    let folder = project(&url);
    let here = folder.path();
    let said = run(here, &["status", "--json"]);
    let status = said.document();
    assert_eq!((&status["answers"], &status["tables"], &status["user"]), (&json!(true), &json!(1), &json!("tests")));
    assert!(status["size_bytes"].as_u64().is_some_and(|size| size > 1_000_000), "{status}");
    assert!(run(here, &["status"]).out.contains("tables     1"));

    let question = "SELECT * FROM trees ORDER BY id";
    let answer = run(here, &["query", question, "--limit", "2", "--json"]).document();
    assert_eq!(answer["columns"][3], json!({"name": "more", "type": "JSONB"}));
    assert_eq!(answer["rows"], json!([[1, "ap\tple\u{1b}[2J", true, {"a": [1]}], [2, null, false, null]]));
    assert_eq!((&answer["row_count"], &answer["has_more"]), (&json!(2), &json!(true)));
    let answer = run(here, &["query", question, "--limit", "2", "--offset", "2", "--json"]).document();
    assert_eq!((&answer["rows"], &answer["has_more"]), (&json!([[3, "pear", true, 1]]), &json!(false)));
    let said = run(here, &["query", question, "--limit", "2"]);
    assert_eq!(said.out, "id\tname\tripe\tmore\n1\tap\\tple\\x1b[2J\tt\t{\"a\": [1]}\n2\t\\N\tf\t\\N\n");
    assert!(said.err.contains("--offset 2"), "{}", said.err);
    let said = ended(command(here, &["query", "-"]), "-- how many\n(SELECT count(*) FROM trees);\n");
    assert_eq!(said.out, "count\n3\n", "{}", said.err);
    for (question, answer) in [
        ("SHOW server_encoding", "server_encoding\nUTF8\n"),
        (
            "VALUES (1.50, 'a'::char(3), '2026-01-01'::date, ARRAY[1,2], '\\x00ff'::bytea)",
            "column1\tcolumn2\tcolumn3\tcolumn4\tcolumn5\n1.50\ta  \t2026-01-01\t{1,2}\t\\\\x00ff\n",
        ),
        ("WITH a AS (SELECT 1 AS b) SELECT b, b FROM a", "b\tb\n1\t1\n"),
        ("TABLE trees LIMIT 0", "id\tname\tripe\tmore\n"),
    ] {
        let said = run(here, &["query", question]);
        assert_eq!(said.out, answer, "{question}: {}", said.err);
    }
    assert!(run(here, &["query", "EXPLAIN SELECT 1"]).out.starts_with("QUERY PLAN\nResult"));
}

#[test]
fn nothing_can_be_changed_by_a_question() {
    let Some(server) = server() else { return };
    let url = server.fresh_database();
    sql(&url, TREES);
    sql(
        &url,
        "CREATE SEQUENCE counted; CREATE FUNCTION chop() RETURNS int LANGUAGE sql AS 'DELETE FROM trees RETURNING 1'",
    );
    let folder = project(&url);
    let here = folder.path();
    for question in [
        "DELETE FROM trees",
        "SELECT 1; DELETE FROM trees",
        "SELECT 1; COMMIT; DELETE FROM trees",
        "COMMIT",
        "WITH gone AS (DELETE FROM trees RETURNING *) SELECT * FROM gone",
        "SELECT chop()",
        "SELECT nextval('counted')",
        "SELECT set_config('transaction_read_only', 'off', true), chop()",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT * INTO other FROM trees",
        "EXPLAIN ANALYZE DELETE FROM trees",
        "DO $$ BEGIN DELETE FROM trees; END $$",
        "COPY trees TO '/tmp/out'",
        "SELECT $1::int",
        "SELECT nothing FROM nowhere",
        "SELECT (",
        "",
    ] {
        let said = run(here, &["query", question, "--json"]);
        assert_eq!(said.code, Some(1), "{question}: {}", said.out);
        assert!(said.document()["problem"]["hint"].is_string(), "{question}: {}", said.out);
    }
    assert_eq!(run(here, &["query", "SELECT count(*) FROM trees"]).out, "count\n3\n");
    assert_eq!(run(here, &["query", "SELECT is_called FROM counted"]).out, "is_called\nf\n");
}

#[test]
fn a_copy_is_made_for_its_owner_alone_and_put_back() {
    let Some(server) = server() else { return };
    let url = server.fresh_database();
    sql(&url, TREES);
    let folder = project(&url);
    let here = folder.path();
    let said = run(here, &["backup", "--json"]);
    assert_eq!(said.code, Some(0), "{} {}", said.out, said.err);
    let made = said.document();
    let path = Path::new(made["path"].as_str().expect("a path")).to_owned();
    let mut name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    assert!(name.starts_with("dev-20"), "{name}");
    assert_eq!(name.split_off("dev-2026-11-30-090807".len()), ".dump");
    assert_eq!((mode(&path), mode(&here.join("backups"))), (0o600, 0o700));
    assert_eq!(made["size_bytes"], fs::metadata(&path).expect("there").len());
    assert_eq!(fs::read_to_string(here.join("backups/.gitignore")).ok().as_deref(), Some("*\n"));

    let dump = path.to_str().expect("plain").to_owned();
    let folder_copy = here.join("copy.dir");
    for (format, output) in [("sql", "copy.sql"), ("directory", "copy.dir")] {
        let said = run(here, &["backup", "--format", format, "--output", output, "--profile", "dev"]);
        assert_eq!(said.code, Some(0), "{format}: {}", said.err);
        assert!(said.out.contains(output) && said.out.contains("pg_dump"), "{}", said.out);
        let again = run(here, &["backup", "--format", format, "--output", output]);
        assert!(again.code == Some(1) && again.err.contains("is there already"), "{}", again.err);
    }
    assert_eq!((mode(&here.join("copy.sql")), mode(&folder_copy)), (0o600, 0o700));
    assert!(fs::read_dir(&folder_copy).expect("readable").flatten().all(|entry| mode(&entry.path()) == 0o600));
    let left =
        fs::read_dir(here).expect("readable").flatten().map(|entry| entry.file_name().into_string().expect("plain"));
    assert!(
        !left
            .chain(
                fs::read_dir(here.join("backups"))
                    .expect("readable")
                    .flatten()
                    .map(|entry| entry.file_name().into_string().expect("plain"))
            )
            .any(|name| name.starts_with(".writing-"))
    );

    for copy in [dump.as_str(), "copy.sql", "copy.dir"] {
        sql(&url, "DELETE FROM trees; INSERT INTO trees VALUES (9, 'weed', false, NULL)");
        let said = run(here, &["restore", copy]);
        assert_eq!(said.code, Some(2), "nobody can be asked here: {}", said.err);
        assert_eq!(run(here, &["query", "SELECT id FROM trees"]).out, "id\n9\n");
        let said = run(here, &["restore", copy, "--profile", "dev", "--yes", "--json"]);
        assert_eq!(said.code, Some(0), "{copy}: {} {}", said.out, said.err);
        assert_eq!((&said.document()["tables"], &said.document()["warnings"]), (&json!(1), &json!([])), "{copy}");
        assert_eq!(run(here, &["query", "SELECT id FROM trees ORDER BY id"]).out, "id\n1\n2\n3\n", "{copy}");
    }

    let said = run(here, &["restore", &dump, "-y"]);
    assert!(said.code == Some(2) && said.err.contains("--profile"), "nobody said which database: {}", said.err);

    // What stands in the way of a part of it stands in the way of all of it.
    sql(&url, "CREATE VIEW leaning AS SELECT name FROM trees GROUP BY id; INSERT INTO trees VALUES (4)");
    for copy in [dump.as_str(), "copy.sql", "copy.dir"] {
        let said = run(here, &["restore", copy, "--profile", "dev", "--yes"]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{copy}: {}", said.err);
        assert!(said.err.contains("cannot be put back") && said.err.contains("leaning"), "{copy}: {}", said.err);
        assert!(said.err.contains("The database is as it was."), "{copy}: {}", said.err);
        assert_eq!(told(&url, "SELECT count(*), count(DISTINCT id) FROM trees"), "4|4", "{copy}");
    }
    sql(&url, "DROP VIEW leaning; DELETE FROM trees WHERE id = 4");

    let canary = here.join("canary");
    fs::write(here.join("README.md"), "# Orchard\n\nTrees and more.\n").expect("written");
    fs::write(here.join("evil.sql"), format!("DELETE FROM trees;\n\\! touch {}\n", canary.display())).expect("written");
    fs::write(here.join("own.sql"), "DELETE FROM trees;\nCOMMIT;\nSELECT nothing;\n").expect("written");
    fs::write(here.join("wrong.sql"), "DELETE FROM trees;\nSELECT nothing;\nSELECT 1;\n").expect("written");
    fs::write(here.join("empty.dump"), "").expect("written");
    let statements = fs::read(here.join("copy.sql")).expect("read");
    fs::write(here.join("half.sql"), &statements[..statements.len() / 2]).expect("written");
    fs::write(here.join("half.dump"), &fs::read(&path).expect("read")[..200]).expect("written");
    for (copy, words) in [
        ("README.md", "cannot be put back"),
        ("evil.sql", "Line 2: "),
        ("own.sql", "a transaction of its own"),
        ("wrong.sql", "The database is as it was."),
        ("empty.dump", "is no copy of a database"),
        ("none", "cannot be read"),
        ("half.dump", "The copy is not whole."),
        ("half.sql", "only the beginning"),
    ] {
        let said = run(here, &["restore", copy, "--profile", "dev", "--yes"]);
        assert!(said.code == Some(1) && said.err.contains(words), "{copy}: {} {}", said.out, said.err);
        assert_eq!(run(here, &["query", "SELECT count(*) FROM trees"]).out, "count\n3\n", "{copy} left it as it was");
    }
    assert!(!canary.exists(), "a program was run");
}

#[test]
fn ctrl_c_leaves_everything_as_it_was_and_nobody_at_work() {
    let Some(server) = server() else { return };
    let url = server.fresh_database();
    sql(&url, TREES);
    let folder = project(&url);
    let here = folder.path();
    fs::write(here.join("slow.sql"), "DELETE FROM trees;\nSELECT pg_sleep(600);\n").expect("written");
    let (code, err) = interrupted(here, &["restore", "slow.sql", "--profile", "dev", "--yes"], &url);
    assert!(code == Some(1) && err.contains("broken off") && err.contains("nothing was changed"), "{err}");
    assert_eq!(told(&url, "SELECT count(*) FROM trees"), "3");
    // Its server may sleep on: nobody asks it to look.
    sql(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    wait_until(&url, ASLEEP, "0");

    let (code, err) = interrupted(here, &["query", "SELECT pg_sleep(600)"], &url);
    assert!(code == Some(1) && err.contains("Stopped."), "{err}");
    // The server sees that nobody waits for the answer.
    wait_until(&url, ASLEEP, "0");
    for too_many in ["2147483647", "4294967296", "-1"] {
        for option in ["--limit", "--offset"] {
            assert_eq!(run(here, &["query", "SELECT 1", &format!("{option}={too_many}")]).code, Some(2), "{too_many}");
        }
    }
    let said = run(here, &["query", "SELECT 1 AS a", "--limit", "2147483646"]);
    assert_eq!(said.out, "a\n1\n", "{}", said.err);
}

#[test]
fn nobody_is_overwritten_unasked_by_half_a_name_or_in_a_protected_context() {
    let Some(server) = server() else { return };
    let url = server.fresh_database();
    sql(&url, TREES);
    let folder = project(&url);
    let here = folder.path();
    fs::write(here.join("copy.sql"), "DELETE FROM trees;\n").expect("written");
    let list = json!({"tenants": [{"id": "local_1", "name": "barn", "tenant_type": "local", "database_url": url}]});
    fs::write(here.join(".systemprompt/tenants.json"), list.to_string()).expect("written");
    let profile = here.join(".systemprompt/profiles/prod");
    fs::create_dir_all(&profile).expect("made");
    fs::write(profile.join("profile.yaml"), "name: prod\ntarget: cloud\ncloud:\n  tenant_id: ten_1\n")
        .expect("written");
    fs::write(profile.join("secrets.json"), json!({ "database_url": url }).to_string()).expect("written");
    fs::create_dir_all(here.join("config/tenantry")).expect("made");
    let config = "[context.production]\napi = \"http://127.0.0.1:9\"\nprotected = true\n";
    fs::write(here.join("config/tenantry/config.toml"), config).expect("written");

    let restore = |more: &[&str]| run(here, &[&["restore", "copy.sql", "--yes"], more].concat());
    let said = restore(&["--tenant", "ba"]);
    assert!(said.code == Some(2) && said.err.contains("only the beginning of a name"), "{}", said.err);
    let protected = ["--profile", "prod", "--context", "production"];
    let said = restore(&protected);
    assert!(said.code == Some(2) && said.err.contains("production is protected"), "{}", said.err);
    assert_eq!(told(&url, "SELECT count(*) FROM trees"), "3");

    let said = restore(&[&protected[..], &["--unlock", "production"]].concat());
    assert!(said.code == Some(0) && said.out.contains("tests:****@127.0.0.1"), "{} {}", said.out, said.err);
    assert_eq!(told(&url, "SELECT count(*) FROM trees"), "0");
    let said = restore(&["--tenant", "barn"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
}

#[test]
fn a_missing_program_is_named_with_what_brings_it() {
    let Some(server) = server() else { return };
    // A version that no program of this machine is for cannot be had, so the programs are hidden instead.
    let folder = project(&server.fresh_database());
    let here = folder.path();
    let elsewhere = tempfile::tempdir().expect("a folder");
    let mut wanted = command(here, &["backup"]);
    wanted.env("PATH", elsewhere.path());
    let said = ended(wanted, "");
    if Path::new("/usr/lib/postgresql").exists() {
        assert_eq!(said.code, Some(0), "it is found beside the path: {}", said.err);
    } else {
        assert!(said.code == Some(1) && said.err.contains("pg_dump is not installed"), "{}", said.err);
    }
}

#[test]
fn whoever_does_not_answer_or_is_not_known_is_told() {
    let folder = project("postgres://u:only-for-tests@127.0.0.1:9/d");
    let here = folder.path();
    for arguments in [&["status"][..], &["query", "SELECT 1"], &["backup"], &["status", "--profile", "dev"]] {
        let said = run(here, arguments);
        assert_eq!(said.code, Some(1), "{arguments:?}: {}", said.err);
        assert!(said.err.contains("The database does not answer.") && said.err.contains("u:****@"), "{}", said.err);
    }
    assert!(run(here, &["status", "--profile", "nobody"]).err.contains("No profile nobody."));
    assert!(run(here, &["status", "--tenant", "nobody"]).err.contains("No local tenant is called nobody."));
    assert!(run(here, &["query", "SELECT 1", "--profile", "nobody"]).err.contains("No profile nobody."));
    assert!(run(here, &["query", "SELECT 1", "--tenant", "nobody"]).err.contains("No local tenant is called nobody."));
    assert_eq!(run(here, &["status", "--tenant", "a", "--profile", "b"]).code, Some(2));
    let list = json!({"tenants": [{"id": "local_1", "name": "barn", "tenant_type": "local", "database_url": "postgres://u:****@h/d"}]});
    fs::write(here.join(".systemprompt/tenants.json"), list.to_string()).expect("written");
    assert!(run(here, &["status", "--tenant", "barn"]).err.contains("no whole address"));
    fs::write(here.join(".systemprompt/profiles/dev/secrets.json"), "{}").expect("written");
    assert!(run(here, &["status"]).err.contains("--set-database-url"));
}

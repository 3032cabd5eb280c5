//! The built program making local tenants on the real engine: its commands, its screen, and what is left where it is
//! broken off.

use libtest_mimic::Trial;
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tenantry::engine::Engine;
use tenantry::model::{LocalTenant, Secret};
use tenantry::ops::local;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio_util::sync::CancellationToken;

use crate::common::terminal::Terminal;
use crate::local::{Here, Place, free_port, in_place, sql};
use crate::postgres_image;
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    if postgres_image::found().is_none() {
        return Vec::new();
    }
    vec![
        trial("local_program::the_commands_do_the_same", || in_place(commands)),
        trial("local_program::the_screen_does_the_same", || in_place(screen)),
        trial("local_program::a_copy_is_made_and_read_in_its_container", || in_place(inside)),
        trial("local_program::broken_off_it_leaves_what_can_be_told_and_gone_on_with", || in_place(broken_off)),
    ]
}

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.arg("tenant").args(arguments).current_dir(&place.project.root).stdin(Stdio::null());
    let state = place.project.root.join("state");
    command.env("TENANTRY_STATE", &state).env_remove("TENANTRY_CONFIG").env("XDG_CONFIG_HOME", &state);
    command
}

/// What a command prints and how it ends.
fn run(place: &Place, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(place, arguments).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

async fn commands(place: Here) -> Outcome {
    let image = place.postgres().await?;
    let name = place.mark.clone();
    let played = Arc::clone(&place);
    let play = move || {
        let place = played;
        let json = |arguments: &[&str]| {
            let (code, out, err) = run(&place, arguments);
            assert_eq!(code, Some(0), "{arguments:?}: {out} {err}");
            serde_json::from_str::<serde_json::Value>(&out).expect("one document")
        };
        // Its own: while it is stopped, a test beside this one takes the usual one.
        let port = free_port().to_string();
        let (code, out, err) = run(&place, &["create", "--local", "--name", &name, "--image", &image, "--port", &port]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("✓ database") && out.contains("systemprompt:****@localhost"), "{out}");
        let listed = json(&["list", "--json"]);
        assert_eq!((&listed["total"], &listed["tenants"][0]["state"]), (&1.into(), &"running".into()));
        let shown = json(&["show", &name, "--json"]);
        assert!(shown["database_url"].as_str().is_some_and(|url| url.contains(":****@")), "{shown}");
        let revealed = json(&["show", &name, "--json", "--reveal"]);
        assert!(revealed["database_url"].as_str().is_some_and(|url| !url.contains('*')), "{revealed}");
        assert_eq!(json(&["stop", &name, "--json"])["state"], "stopped");
        assert_eq!(json(&["show", &name, "--json"])["state"], "stopped");
        assert_eq!(json(&["start", &name, "--json"])["state"], "running");
        assert_eq!(json(&["edit", &name, "--name", "renamed", "--json"])["tenant_name"], "renamed");
        let (code, out, err) = run(&place, &["delete", "renamed", "--data"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "nobody was asked");
        assert!(err.contains("--yes"), "{err}");
        let deleted = json(&["delete", "renamed", "--data", "--yes", "--json"]);
        assert_eq!(deleted["kept_volumes"], serde_json::json!([]));
        let (code, out, _) = run(&place, &["create", "--local", "--image", "127.0.0.1:1/no:such", "--json"]);
        let document: serde_json::Value = serde_json::from_str(&out).expect("one document");
        assert_eq!(code, Some(1));
        assert!(document["problem"]["title"].as_str().is_some_and(|title| title.contains("cannot be pulled")));
    };
    tokio::task::spawn_blocking(play).await?;
    place.assert_nothing().await
}

/// What a copy is made with where this machine has no programs of Postgres: a file comes out of the container byte for byte,
/// and goes in again to its end.
async fn inside(place: Here) -> Outcome {
    let image = place.postgres().await?;
    let played = Arc::clone(&place);
    let create = move || {
        let (code, _, err) = run(&played, &["create", "--local", "--name", &played.mark, "--image", &image]);
        assert_eq!(code, Some(0), "{err}");
    };
    tokio::task::spawn_blocking(create).await?;
    let tenant = place.listed().await?.remove(0);
    let statement = "CREATE TABLE trees AS SELECT g AS id, md5(g::text) AS name FROM generate_series(1, 20000) g";
    let made = tenant.clone();
    tokio::task::spawn_blocking(move || sql(&made, statement)).await?;
    let url = tenant.database_url.as_ref().and_then(|url| url::Url::parse(url.reveal()).ok()).expect("an address");
    let password = Secret::new(url.password().expect("a password"));
    let engine = Engine::connect()?;
    let container = place.containers(&place.label()).await?.remove(0);
    let login = ["--host", "127.0.0.1", "--username", "systemprompt", "--dbname", "systemprompt", "--no-password"];

    let never = CancellationToken::new();
    let dump = [&["pg_dump", "--format=custom", "--compress=0"], &login[..]].concat();
    let mut copy = Vec::new();
    let environment = [("PGPASSWORD", &password)];
    let done = engine.run_inside(&container, &dump, &environment, None::<tokio::io::Empty>, &mut copy, &never).await?;
    assert_eq!((done.code, done.errors.as_str()), (0, ""));
    assert!(copy.starts_with(b"PGDMP") && copy.len() > 500_000, "{} bytes", copy.len());

    let mut contents = Vec::new();
    let list = ["pg_restore", "--data-only", "--file=-"];
    let done = engine.run_inside(&container, &list, &[], Some(copy.as_slice()), &mut contents, &never).await?;
    assert_eq!((done.code, done.errors.as_str()), (0, ""));
    let contents = String::from_utf8(contents).expect("statements");
    assert_eq!(contents.lines().filter(|line| line.contains('\t')).count(), 20_000);

    let mut nothing = Vec::new();
    let half = Some(copy.get(..copy.len() / 2).expect("half of it"));
    let done = engine.run_inside(&container, &list, &[], half, &mut nothing, &never).await?;
    assert!(done.code != 0 && done.errors.contains("pg_restore"), "{done:?}");
    let done = engine.run_inside(&container, &dump, &[], None::<tokio::io::Empty>, &mut nothing, &never).await?;
    assert!(done.code != 0 && done.errors.contains("password"), "without it nobody is let in: {done:?}");

    let psql = [&["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--file", "-"], &login[..]].concat();
    let count = |tenant: LocalTenant| tokio::task::spawn_blocking(move || sql(&tenant, "SELECT count(*) FROM trees"));
    let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    // What cannot be read to its end is not taken for a whole, though a transaction would end well where its input does.
    let broken = AsyncReadExt::chain(&b"DELETE FROM trees;\n"[..], Broken);
    let done = engine.run_inside(&container, &psql, &environment, Some(broken), &mut nothing, &never).await;
    assert!(done.is_err_and(|error| error.to_string().contains("a bad block")));
    gone(&engine, &container).await?;
    assert_eq!(count(tenant.clone()).await?, "20000");
    // Neither is what is stopped.
    let stop = CancellationToken::new();
    let input = Some(&b"DELETE FROM trees;\nSELECT pg_sleep(600);\n"[..]);
    let stopped = async {
        loop {
            let tenant = tenant.clone();
            if tokio::task::spawn_blocking(move || sql(&tenant, sleeps)).await? == "1" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
        Ok::<_, tokio::task::JoinError>(())
    };
    let run = engine.run_inside(&container, &psql, &environment, input, &mut nothing, &stop);
    let (done, seen) = tokio::join!(run, stopped);
    seen?;
    assert!(done.is_err_and(|error| error.to_string().contains("it was stopped")));
    gone(&engine, &container).await?;
    assert_eq!(count(tenant.clone()).await?, "20000");
    local::delete(&place.project, &tenant.id, true).await?;
    place.assert_nothing().await
}

/// An input that cannot be read.
struct Broken;

impl AsyncRead for Broken {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Err(std::io::Error::other("a bad block")))
    }
}

/// Waits until no psql runs in the container any more.
async fn gone(engine: &Engine, container: &str) -> Outcome {
    let look = ["sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null; true"];
    let begun = Instant::now();
    loop {
        let (mut names, never) = (Vec::new(), CancellationToken::new());
        engine.run_inside(container, &look, &[], None::<tokio::io::Empty>, &mut names, &never).await?;
        let names = String::from_utf8_lossy(&names).into_owned();
        assert!(names.contains("postgres"), "{names}");
        if !names.lines().any(|name| name == "psql") {
            return Ok(());
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it runs on: {names}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// By keys, with an API that nobody answers at: a local tenant needs none.
async fn screen(place: Here) -> Outcome {
    let image = place.postgres().await?;
    let root = place.project.root.clone();
    let login =
        serde_json::json!({"api_token": "t0p", "api_url": "http://127.0.0.1:9", "user_email": "mara@orchard.example"});
    std::fs::write(root.join(".systemprompt/credentials.json"), login.to_string())?;
    let config = root.join("config.toml");
    std::fs::write(&config, format!("[local]\nimage = \"{image}\"\n"))?;
    let (name, played) = (place.mark.clone(), root.clone());
    let play = move || {
        let state = played.join("state");
        let environment =
            [("TENANTRY_CONFIG", config.to_str().expect("plain")), ("TENANTRY_STATE", state.to_str().expect("plain"))];
        let mut terminal = Terminal::start(&[], &played, &environment, 120, 36);
        terminal.wait_for("Tenants");
        terminal.type_keys("n");
        terminal.wait_for("local container");
        terminal.type_keys("j\r");
        // The form is whole once a name is suggested.
        terminal.wait_until("the form", |text| text.contains("creates it") && text.contains("name      local"));
        terminal.type_keys(&format!("\u{15}{name}\r"));
        let text = terminal.wait_for("answers and is in the list of tenants.");
        assert!(text.contains("systemprompt:****@localhost"), "{text}");
        let list = std::fs::read_to_string(played.join(".systemprompt/tenants.json")).expect("the list");
        let behind = list.split("systemprompt:").nth(1).expect("an address");
        let password = behind.split('@').next().expect("a password").to_owned();
        assert_eq!(password.len(), 32);
        terminal.type_keys("\r");
        terminal.wait_until("it runs", |text| text.contains("running") && text.contains(&name));
        terminal.type_keys("ts");
        terminal.wait_for("Stop its database?");
        terminal.type_keys("y");
        terminal.wait_until("it is stopped", |text| text.contains("◌ stopped"));
        terminal.type_keys("ta");
        terminal.wait_until("it runs again", |text| text.contains("● running"));
        terminal.type_keys("td");
        terminal.wait_for("delete the data too");
        terminal.type_keys("jj\r");
        terminal.wait_for("to confirm");
        terminal.type_keys(&format!("{name}\r"));
        terminal.wait_gone("● running");
        terminal.type_keys("q");
        assert_eq!(terminal.wait_for_whole_end(), 0);
        assert!(!String::from_utf8_lossy(&terminal.raw()).contains(&password), "the password was shown");
    };
    tokio::task::spawn_blocking(play).await?;
    place.assert_nothing().await
}

/// Runs a command until it has printed `until`, and sends it a signal; its exit code.
fn signalled(place: &Place, arguments: &[&str], until: &str, signal: Signal) -> Option<i32> {
    let mut child = command(place, arguments).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let seen = lines.any(|line| line.expect("text").contains(until));
    assert!(seen, "it never said {until}");
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("an id");
    rustix::process::kill_process(id, signal).expect("it can be signalled");
    // Its pipe stays open: a command that cannot print is another matter.
    let code = child.wait().expect("it ends").code();
    drop(lines);
    code
}

async fn broken_off(place: Here) -> Outcome {
    let image = place.postgres().await?;
    let played = Arc::clone(&place);
    let create = move |until: &'static str, signal| {
        let (place, image) = (Arc::clone(&played), image.clone());
        tokio::task::spawn_blocking(move || {
            let arguments = ["create", "--local", "--name", &place.mark, "--image", &image];
            match signal {
                Some(signal) => signalled(&place, &arguments, until, signal),
                None => run(&place, &arguments).0,
            }
        })
    };
    // Ctrl-C: everything is taken back.
    assert_eq!(create("✓ container", Some(Signal::INT)).await?, Some(1));
    place.assert_nothing().await?;

    // Killed: the list has it, and the same command goes on with it.
    assert_eq!(create("✓ container", Some(Signal::KILL)).await?, None);
    let left = place.listed().await?;
    assert!(left.len() == 1 && left[0].unfinished, "{left:?}");
    assert_eq!(create("", None).await?, Some(0));
    let tenant = place.listed().await?.remove(0);
    assert_eq!((&tenant.id, tenant.unfinished), (&left[0].id, false));
    assert_eq!(place.containers(&place.label()).await?.len(), 1);
    assert_eq!(sql(&tenant, "SELECT 1"), "1");

    // Killed, and nobody wants it any more: its volume had never been anybody's.
    local::delete(&place.project, &tenant.id, true).await?;
    assert_eq!(create("✓ check", Some(Signal::KILL)).await?, None);
    let left = place.listed().await?.remove(0);
    local::delete(&place.project, &left.id, false).await?;
    place.assert_nothing().await
}

//! Pictures of the secrets pane, and what its keys do.

mod flows;
mod once;
mod twice;

use crate::model::{OneTimeCredentials, Problem, Tenant};
use crate::ops::call::Reply;
use crate::ops::credentials::Fetched;
use crate::ops::rotate::Rotated;
use crate::ops::stored::Stored;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::panes::Pane;
use crate::tui::testing::{Play, at, tenant, tenant_id, tenants};

const PASSWORD: &str = "hunter2Qm4h8T";

fn at_each_size(name: &str, make: impl Fn(u16, u16) -> Play) {
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), make(width, height).picture());
    }
}

fn slot(topic: &'static str) -> Slot {
    Slot::Pane(Pane::Secrets, topic)
}

fn reply(play: &mut Play, topic: &'static str, reply: Reply) {
    play.answer(slot(topic), Answer::Reply(Ok(reply)));
}

fn ended(play: &mut Play, action: &'static str, result: Result<Reply, Problem>) {
    play.answer(Slot::Action(action, tenant_id(1)), Answer::Reply(result));
}

fn record() -> Tenant {
    let mut tenant = tenant(1, "orchard", "running");
    tenant.database = Some("postgres".to_owned());
    tenant.database_name = Some("site_3f6c1b8e52d4".to_owned());
    tenant.user_name = Some("tenant_3f6c1b8e52d4".to_owned());
    tenant.external_db_access = Some(false);
    tenant
}

fn status(waits: bool, restart: bool) -> Reply {
    let url = waits.then_some("https://api.example/api/v1/tenants/ten_1/credentials/sct_hunter2Qm4h8T");
    let json = serde_json::json!({"status": "ready", "secrets_url": url, "restart_required": restart});
    Reply::Status(Box::new(serde_json::from_value(json).unwrap()))
}

fn names(names: &[&str]) -> Reply {
    Reply::Secrets(names.iter().map(|name| (*name).to_owned()).collect())
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('4')]);
    play
}

fn filled_with(width: u16, height: u16, waits: bool, restart: bool) -> Play {
    let mut play = opened(width, height);
    reply(&mut play, "names", names(&["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "SMTP_PASSWORD"]));
    reply(&mut play, "status", status(waits, restart));
    reply(&mut play, "record", Reply::Tenant(Box::new(record())));
    play
}

fn filled(width: u16, height: u16) -> Play {
    filled_with(width, height, false, false)
}

fn address() -> String {
    format!("postgres://tenant_3f6c1b8e52d4:{PASSWORD}@sp-postgres.internal:5432/site_3f6c1b8e52d4?sslmode=disable")
}

fn profile() -> Stored {
    Stored::Profile {
        name: "prod".to_owned(),
        path: "/home/mara/orchard/.systemprompt/profiles/prod/secrets.json".to_owned(),
    }
}

fn fetched(stored: Stored) -> Reply {
    let json = serde_json::json!({"database_url": address(), "jwt_secret": format!("jwt-{PASSWORD}")});
    let credentials: OneTimeCredentials = serde_json::from_value(json).unwrap();
    Reply::OneTimeCredentials(Box::new(Fetched { credentials, stored, external_database_url: None }))
}

fn rotated(stored: Stored) -> Reply {
    Reply::Rotated(Box::new(Rotated {
        rotated_at: at(9),
        previous_at: Some("2026-11-02T09:14:00Z".to_owned()),
        message: None,
        restarts: true,
        database_url: crate::model::Secret::new(address()),
        external_database_url: None,
        stored,
    }))
}

/// The credentials of the first tenant, fetched with the keys.
fn with_credentials(width: u16, height: u16, stored: Stored) -> Play {
    let mut play = filled_with(width, height, true, false);
    play.keys(&[Key::Char('c'), Key::Char('y')]);
    ended(&mut play, "credentials", Ok(fetched(stored)));
    play
}

/// The credentials of the first tenant were rotated.
pub(in crate::tui) fn rotated_now(width: u16, height: u16) -> Play {
    let mut play = filled(width, height);
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    play.tick(4);
    ended(&mut play, "rotate", Ok(rotated(profile())));
    play
}

/// Nothing of the value is anywhere: not on the screen, and in no `Debug`.
fn assert_hidden(play: &Play) {
    for text in [play.picture(), format!("{:?}", play.app), format!("{:?}", play.effects)] {
        assert!(!text.replace('\n', "").contains(PASSWORD), "{text}");
    }
}

fn refused() -> Problem {
    Problem::new("The Management API is not reachable.")
        .detail("http://127.0.0.1:8765/api/v1/tenants: connection refused")
        .hint("Check the network and the address, then press R.")
}

#[test]
fn no_secrets_yet() {
    at_each_size("empty", |width, height| {
        let mut play = opened(width, height);
        reply(&mut play, "names", names(&[]));
        reply(&mut play, "status", status(false, false));
        play
    });
}

#[test]
fn nobody_selected() {
    let mut play = Play::ready(80, 24, Vec::new());
    play.keys(&[Key::Char('4')]);
    insta::assert_snapshot!("nobody_80x24", play.picture());
}

#[test]
fn loading() {
    at_each_size("loading", opened);
}

#[test]
fn names_and_a_changed_one() {
    at_each_size("filled", |width, height| filled_with(width, height, true, true));
}

#[test]
fn an_error_in_place() {
    at_each_size("error", |width, height| {
        let mut play = opened(width, height);
        for topic in ["names", "status", "record"] {
            play.answer(slot(topic), Answer::Reply(Err(refused())));
        }
        play
    });
}

#[test]
fn read_only() {
    at_each_size("read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
}

#[test]
fn credentials_that_came_once() {
    at_each_size("credentials", |width, height| with_credentials(width, height, profile()));
}

#[test]
fn a_rotation_is_told() {
    at_each_size("rotated", |width, height| {
        let mut play = filled(width, height);
        play.tick(9);
        play.keys(&[Key::Char('r'), Key::Char('y')]);
        ended(&mut play, "rotate", Ok(rotated(profile())));
        assert!(play.text().contains("restarting"), "{}", play.text());
        play.tick(13);
        assert_hidden(&play);
        play
    });
}

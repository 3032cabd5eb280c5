//! What the overview shows and asks for.

use crate::model::{Problem, Tenant, TenantStatus};
use crate::ops::call::{Call, Reply};
use crate::ops::external_access::Access;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::Pane;
use crate::tui::panes::pictures::at_each_size;
use crate::tui::testing::{Play, at, tenant, tenant_id, tenants};

const RECORD: Slot = Slot::Pane(Pane::Overview, "record");
const STATUS: Slot = Slot::Pane(Pane::Overview, "status");

fn record() -> Tenant {
    Tenant {
        status: Some("active".into()),
        fly_app_name: Some("sp-3f6c1b8e52d4".into()),
        fly_machine_id: Some("d8e0b7a91c2f58".into()),
        fly_volume_id: Some("vol_4o9x7k2p1m".into()),
        hostname: Some("3f6c1b8e52d4.systemprompt.io".into()),
        internal_hostname: Some("sp-3f6c1b8e52d4.internal".into()),
        custom_domain: Some("app.orchard.example".into()),
        memory_mb: Some(512),
        subscription_id: Some("sub_01hsamplep4".into()),
        subscription_status: Some("active".into()),
        external_db_access: Some(false),
        database: Some("postgres".into()),
        database_name: Some("site_3f6c1b8e52d4".into()),
        user_name: Some("tenant_3f6c1b8e52d4".into()),
        image: Some("registry.fly.io/systemprompt-images:tenant-3f6c1b8e-52d4-4c0a-9e77-a41d0c2b9f01".into()),
        created_at: Some(at(-86_400 * 40)),
        updated_at: Some(at(-180)),
        deployed_at: Some(at(-180)),
        ..tenant(1, "orchard", "running")
    }
}

fn status() -> TenantStatus {
    serde_json::from_value(serde_json::json!({
        "status": "ready", "phase": "running", "machine_state": "started", "restart_required": true,
    }))
    .unwrap()
}

fn reply(tenant: Tenant) -> Answer {
    Answer::Reply(Ok(Reply::Tenant(Box::new(tenant))))
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('2')]);
    play
}

fn filled(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    play.answer(RECORD, reply(record()));
    play.answer(STATUS, Answer::Reply(Ok(Reply::Status(Box::new(status())))));
    play
}

#[test]
fn nobody_is_selected() {
    at_each_size("overview_empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('2')]);
        play
    });
}

#[test]
fn it_loads() {
    at_each_size("overview_loading", opened);
}

#[test]
fn everything_is_known() {
    at_each_size("overview_filled", filled);
}

#[test]
fn it_cannot_be_loaded() {
    at_each_size("overview_error", |width, height| {
        let mut play = opened(width, height);
        let problem = Problem::new("The tenant cannot be loaded.")
            .detail("GET /api/v1/tenants: 500 internal")
            .hint("Try again in a moment.");
        play.answer(RECORD, Answer::Reply(Err(problem.clone())));
        play.answer(STATUS, Answer::Reply(Err(problem)));
        play
    });
}

#[test]
fn nothing_may_be_changed() {
    at_each_size("overview_read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
}

#[test]
fn one_that_failed_says_why_and_what_is_left() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Down, Key::Down, Key::Down, Key::Char('2')]);
    play.tick(1);
    let mut failed = tenants().swap_remove(3);
    failed.database_name = Some("site_labs".into());
    play.answer(RECORD, reply(failed));
    insta::assert_snapshot!("overview_failed_120x36", play.picture());
}

#[test]
fn it_asks_when_it_is_seen_and_again_after_an_action() {
    let mut play = Play::ready(120, 36, tenants());
    let calls = |play: &mut Play| {
        let call = |effect| match effect {
            Effect::Start(Ticket { slot: Slot::Pane(..), .. }, Request::Call(call)) => Some(call),
            _ => None,
        };
        play.take_effects().into_iter().filter_map(call).collect::<Vec<_>>()
    };
    assert_eq!(calls(&mut play), [], "nobody looks");
    play.keys(&[Key::Char('2')]);
    let effects = play.effects.clone();
    let both = [Call::Tenant(tenant_id(1)), Call::Status(tenant_id(1))];
    assert_eq!(calls(&mut play), both);
    play.effects = effects;
    play.answer(RECORD, reply(record()));
    play.answer(STATUS, Answer::Reply(Ok(Reply::Status(Box::new(status())))));
    play.take_effects();
    play.keys(&[Key::Char('t'), Key::Char('x'), Key::Down, Key::Enter]);
    let access = Access {
        enabled: true,
        masked_url: "postgres://tenant_3f6c:***@db.systemprompt.io:5432/site_3f6c".into(),
        database_url: None,
        stored: None,
    };
    let reply = Answer::Reply(Ok(Reply::ExternalAccess(Box::new(access))));
    play.answer(Slot::Action("access-on", tenant_id(1)), reply);
    assert_eq!(calls(&mut play).iter().filter(|call| both.contains(call)).count(), 2);
}

#[test]
fn a_late_answer_is_not_shown_at_the_next_tenant() {
    let mut play = opened(120, 36);
    play.keys(&[Key::BackTab, Key::Down]);
    play.answer(RECORD, reply(record()));
    assert!(!play.text().contains("sp-3f6c1b8e52d4"), "{}", play.text());
    play.tick(1);
    assert!(!play.text().contains("sp-3f6c1b8e52d4"), "{}", play.text());
}

#[test]
fn it_scrolls_to_its_end_and_no_further() {
    let mut play = filled(80, 24);
    play.keys(&[Key::End]);
    assert!(play.text().contains("orchard has not failed."), "{}", play.text());
    play.keys(&[Key::Home]);
    assert!(play.text().contains("── tenant ──"), "{}", play.text());
}

#[test]
fn every_small_size_can_be_drawn() {
    let mut play = filled(120, 36);
    play.keys(&[Key::End]);
    for width in (60..75).chain([99, 100, 101]) {
        for height in [16, 17, 30] {
            play.send(Msg::Resized { width, height });
            play.text();
        }
    }
}

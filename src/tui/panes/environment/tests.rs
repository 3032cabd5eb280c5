//! What the environment shows, and what may be copied of it.

use crate::model::{Environment, Problem, Variable};
use crate::ops::call::{Call, Reply};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::Pane;
use crate::tui::panes::pictures::at_each_size;
use crate::tui::testing::{Play, tenant_id, tenants, typed};

const VARIABLES: Slot = Slot::Pane(Pane::Environment, "variables");

fn variable(key: &str, value: &str, secret: bool, managed: bool) -> Variable {
    Variable { key: key.into(), value: value.into(), secret, managed }
}

fn environment() -> Answer {
    let variables = vec![
        variable("ANTHROPIC_API_KEY", "********", true, false),
        variable("API_EXTERNAL_URL", "https://3f6c1b8e52d4.systemprompt.io", false, true),
        variable("DATABASE_TYPE", "postgres", false, true),
        variable("DATABASE_URL", "********", true, true),
        variable("HOST", "0.0.0.0", false, true),
        variable("JWT_SECRET", "********", true, true),
        variable("LONG_LIST", &"one,two,three,four,five,six,seven,".repeat(6), false, false),
        variable("PORT", "8080", false, true),
        variable("RUST_LOG", "info", false, true),
        variable("SYSTEMPROMPT_SERVICES_PATH", "/app/services", false, true),
        variable("TENANT_ID", tenant_id(1).as_str(), false, true),
        variable("TENANT_NAME", "果樹園", false, true),
    ];
    Answer::Reply(Ok(Reply::Environment(Environment { variables })))
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, tenants());
    play.keys(&[Key::Char('6')]);
    play
}

fn filled(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    play.answer(VARIABLES, environment());
    play
}

#[test]
fn nobody_is_selected() {
    at_each_size("environment_empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('6')]);
        play
    });
}

#[test]
fn it_loads() {
    at_each_size("environment_loading", opened);
}

#[test]
fn everything_is_known() {
    at_each_size("environment_filled", |width, height| {
        let mut play = filled(width, height);
        play.keys(&[Key::Down, Key::Down, Key::Down, Key::Down, Key::Down, Key::Down]);
        play
    });
}

#[test]
fn it_cannot_be_loaded() {
    at_each_size("environment_error", |width, height| {
        let mut play = opened(width, height);
        let problem = Problem::new("The environment cannot be shown.")
            .detail("GET /api/v1/tenants: 404 not_found")
            .hint("A newer server can tell it.");
        play.answer(VARIABLES, Answer::Reply(Err(problem)));
        play
    });
}

#[test]
fn nothing_may_be_changed() {
    at_each_size("environment_read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
}

#[test]
fn the_filter_looks_at_names_and_at_values_that_are_known() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('/')]);
    typed(&mut play, "postgres");
    play.keys(&[Key::Enter]);
    let text = play.text();
    assert!(text.contains("DATABASE_TYPE") && !text.contains("DATABASE_URL"), "{text}");
    assert!(text.contains("1 of 12") && text.contains("/postgres"), "{text}");
    play.keys(&[Key::Char('/'), Key::Ctrl('u')]);
    typed(&mut play, "****");
    assert!(play.text().contains("Nothing fits the filter."), "a mask is not looked for");
    play.keys(&[Key::Esc]);
    assert!(play.text().contains("DATABASE_TYPE"), "leaving puts back what was there");
}

#[test]
fn a_secret_is_not_copied() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('y')]);
    assert!(play.text().contains("The value of ANTHROPIC_API_KEY is a secret."), "{}", play.text());
    play.keys(&[Key::Down, Key::Char('y')]);
    assert!(play.copied().is_some_and(|(text, secret)| text.starts_with("http") && !secret), "{:?}", play.copied());
}

#[test]
fn it_asks_once_and_again_after_a_change() {
    let mut play = filled(120, 36);
    let asked = |play: &mut Play| {
        let wanted = Request::Call(Call::Environment(tenant_id(1)));
        let is = |effect: &Effect| matches!(effect, Effect::Start(_, request) if *request == wanted);
        play.take_effects().iter().filter(|effect| is(effect)).count()
    };
    assert_eq!(asked(&mut play), 1);
    play.tick(10);
    assert_eq!(asked(&mut play), 0);
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    let rotated = Err(Problem::new("No."));
    play.answer(Slot::Action("rotate", tenant_id(1)), Answer::Reply(rotated));
    assert_eq!(asked(&mut play), 1);
}

#[test]
fn a_late_answer_is_not_shown_at_the_next_tenant() {
    let mut play = opened(120, 36);
    play.keys(&[Key::BackTab, Key::Down]);
    play.answer(VARIABLES, environment());
    assert!(!play.text().contains("RUST_LOG"), "{}", play.text());
    play.tick(1);
    assert!(!play.text().contains("RUST_LOG"), "{}", play.text());
}

#[test]
fn every_small_size_can_be_drawn() {
    let mut play = filled(120, 36);
    play.keys(&[Key::End]);
    for width in (60..70).chain([99, 100, 101]) {
        for height in [16, 17, 30] {
            play.send(Msg::Resized { width, height });
            play.text();
        }
    }
}

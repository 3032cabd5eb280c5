//! What the history shows, and how it goes back.

use super::samples::{deployment, digest, entry};
use crate::model::progress::DeployStep;
use crate::model::{DeployEnd, Digest, Problem, Tenant};
use crate::ops::call::Reply;
use crate::ops::history::{Comparison, Entry, History, StepComparison};
use crate::tui::app::Health;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::Pane;
use crate::tui::panes::pictures::at_each_size;
use crate::tui::testing::{Play, tenant_id, tenants};

const LOCAL: Slot = Slot::Pane(Pane::History, "local");
const SERVER: Slot = Slot::Pane(Pane::History, "server");

fn list() -> Vec<Tenant> {
    let mut list = tenants();
    list[0].image_digest = Some(digest(1));
    list
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, list());
    play.keys(&[Key::Char('5')]);
    play
}

fn local() -> Vec<Entry> {
    let failed = DeployEnd::Failed { step: DeployStep::Build, title: "The image could not be built.".into() };
    let mut newest = entry("c0000000-new", 1, -180, DeployEnd::Succeeded);
    newest.runs_now = true;
    newest.compared = Some(Comparison {
        with: "a".into(),
        took_ms: -400,
        steps: vec![
            StepComparison { step: DeployStep::Build, took_ms: -1400 },
            StepComparison { step: DeployStep::Push, took_ms: 320 },
        ],
    });
    vec![
        newest,
        entry("b0000000-failed", 4, -4000, failed),
        entry("a0000000-old", 2, -9000, DeployEnd::Succeeded),
        entry("90000000-left", 5, -200_000, DeployEnd::Cancelled { step: DeployStep::Push }),
    ]
}

fn history(deploys: Vec<Entry>) -> Answer {
    let running = Digest::new(&digest(1)).ok();
    Answer::Reply(Ok(Reply::LocalHistory(Box::new(History {
        tenant_id: tenant_id(1),
        running,
        unanswered: None,
        deploys,
    }))))
}

fn server() -> Answer {
    Answer::Reply(Ok(Reply::Deployments(vec![
        deployment("dep_4", 1, -175, "succeeded"),
        deployment("dep_3", 2, -8995, "succeeded"),
        deployment("dep_2", 3, -300_000, "succeeded"),
        deployment("dep_1", 6, -400_000, "failed"),
    ])))
}

fn filled(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    play.answer(LOCAL, history(local()));
    play.answer(SERVER, server());
    play
}

fn detailed(width: u16, height: u16) -> Play {
    let mut play = filled(width, height);
    play.keys(&[Key::Enter]);
    play
}

#[test]
fn nobody_is_selected() {
    at_each_size("history_empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('5')]);
        play
    });
}

#[test]
fn it_loads() {
    at_each_size("history_loading", opened);
}

#[test]
fn nothing_was_deployed() {
    let mut play = opened(120, 36);
    play.answer(LOCAL, history(Vec::new()));
    play.answer(SERVER, Answer::Reply(Ok(Reply::Deployments(Vec::new()))));
    assert!(play.text().contains("Nothing was deployed yet."), "{}", play.text());
}

#[test]
fn both_sides_are_one_table() {
    at_each_size("history_filled", filled);
}

#[test]
fn one_deploy_in_full() {
    at_each_size("history_details", detailed);
}

#[test]
fn it_cannot_be_loaded() {
    at_each_size("history_error", |width, height| {
        let mut play = opened(width, height);
        let problem =
            Problem::new("The deploys cannot be listed.").detail("500 internal").hint("Try again in a moment.");
        play.answer(LOCAL, Answer::Reply(Err(Problem::new("The history cannot be read."))));
        play.answer(SERVER, Answer::Reply(Err(problem)));
        play
    });
}

#[test]
fn one_side_alone_says_so() {
    let mut play = opened(120, 36);
    play.answer(LOCAL, history(local()));
    play.answer(SERVER, Answer::Reply(Err(Problem::new("This server keeps no list."))));
    let text = play.text();
    assert!(text.contains("Only what this machine remembers: This server") && text.contains("● now"), "{text}");
}

#[test]
fn nothing_may_be_changed() {
    at_each_size("history_read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play.keys(&[Key::Down, Key::Down, Key::Char('b')]);
        assert!(play.app.dialog.is_none());
        play
    });
}

#[test]
fn going_back_names_both_images_and_is_a_deploy() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Down, Key::Down, Key::Char('b')]);
    insta::assert_snapshot!("history_question_120x36", play.picture());
    play.take_effects();
    play.keys(&[Key::Char('n')]);
    assert_eq!(play.take_effects(), []);
    play.keys(&[Key::Char('b'), Key::Char('y')]);
    let back = Request::RollBack { tenant: tenant_id(1), wanted: Some("a0000000-old".into()) };
    let effects = play.take_effects();
    assert!(
        effects.iter().any(|effect| matches!(effect,
            Effect::Start(ticket, request) if ticket.slot == Slot::Deploy(tenant_id(1)) && *request == back)),
        "{effects:?}"
    );
    assert_eq!(play.app.focus, Pane::Deploy);
    assert!(play.app.shared.deploys.running(&tenant_id(1)).is_some());
}

#[test]
fn what_cannot_come_back_says_why() {
    let refused = |play: &mut Play, words: &str| {
        play.keys(&[Key::Char('b')]);
        assert!(play.app.dialog.is_none() && play.text().contains(words), "{words}: {}", play.text());
    };
    let mut play = filled(120, 36);
    refused(&mut play, "That is what runs now.");
    play.keys(&[Key::Down]);
    refused(&mut play, "That deploy did not succeed.");
    play.keys(&[Key::End]);
    refused(&mut play, "was not made from this machine");
    play.keys(&[Key::Home, Key::Down, Key::Down]);
    play.app.shared.engine = Health::Down(Problem::new("No socket."));
    refused(&mut play, "Docker does not answer");
    play.app.shared.engine = Health::Up("default".into());
    // Another one is marked: which is meant is not clear.
    play.keys(&[Key::Char('0'), Key::Down, Key::Char(' '), Key::Up, Key::Up, Key::Char('5')]);
    refused(&mut play, "Other tenants are marked.");
    // A list that is empty has nothing to go back to.
    let mut play = opened(120, 36);
    refused(&mut play, "No deploy is selected.");
}

#[test]
fn the_selection_stays_on_its_deploy_when_a_newer_one_arrives() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Down, Key::Down, Key::Char('R')]);
    let mut more = local();
    more.insert(0, entry("d0000000-newer", 7, -10, DeployEnd::Succeeded));
    play.answer(LOCAL, history(more));
    let row = |play: &Play| play.app.panes.history.row(&play.app.shared).map(|row| row.key().to_owned());
    assert_eq!(row(&play).as_deref(), Some("a0000000-old"));
    // One that is gone is not replaced by its neighbour: a key would mean another image.
    play.keys(&[Key::Char('R')]);
    play.answer(LOCAL, history(Vec::new()));
    play.answer(SERVER, Answer::Reply(Ok(Reply::Deployments(vec![deployment("dep_9", 9, -5, "succeeded")]))));
    assert_eq!(row(&play), None);
    play.keys(&[Key::Down]);
    assert_eq!(row(&play).as_deref(), Some("dep_9"));
}

#[test]
fn a_click_selects() {
    let mut play = filled(120, 36);
    let press = |play: &mut Play, y| {
        play.send(Msg::Mouse(crate::tui::mouse::Mouse { act: crate::tui::mouse::Act::Press, x: 60, y }));
        play.app.panes.history.place()
    };
    assert_eq!(press(&mut play, 6), Some(2));
    assert_eq!(press(&mut play, 4), Some(0));
    assert_eq!(press(&mut play, 3), Some(0), "the heading is no deploy");
    assert_eq!(press(&mut play, 20), Some(0));
}

#[test]
fn a_late_answer_is_not_shown_at_the_next_tenant() {
    let mut play = opened(120, 36);
    play.keys(&[Key::BackTab, Key::Down]);
    play.answer(LOCAL, history(local()));
    assert!(!play.text().contains("succeeded"), "{}", play.text());
    play.tick(1);
    assert!(!play.text().contains("succeeded"), "{}", play.text());
    assert!(play.app.panes.history.row(&play.app.shared).is_none());
}

#[test]
fn a_deploy_that_ended_here_is_asked_for() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.app.shared.deploys.begin(tenant_id(1), "orchard".into(), tenant_id(1), crate::tui::testing::moment(1));
    let failed = Err(Problem::new("The image could not be built."));
    play.app.shared.deploys.end(&tenant_id(1), failed, crate::tui::testing::moment(2));
    play.tick(2);
    let asked = play.effects.iter().any(|effect| matches!(effect, Effect::Start(ticket, _) if ticket.slot == LOCAL));
    assert!(asked, "{:?}", play.effects);
}

#[test]
fn every_small_size_can_be_drawn() {
    let mut play = detailed(120, 36);
    for width in (60..80).chain([99, 100, 101, 160, 170]) {
        for height in [16, 17, 18, 30] {
            play.send(Msg::Resized { width, height });
            play.text();
        }
    }
}

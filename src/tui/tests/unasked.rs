//! What must not happen although every single key was allowed: something else is done than was asked about, twice, or too
//! late.

use crate::model::Problem;
use crate::model::progress::DeployProgress;
use crate::ops::call::Call;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::Question;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::testing::{Play, tenant, tenant_id};

fn two() -> Play {
    Play::ready(120, 36, vec![tenant(1, "orchard", "running"), tenant(2, "docs", "running")])
}

fn started(play: &mut Play, wanted: impl Fn(&Request) -> bool) -> usize {
    let effects = play.take_effects();
    effects.iter().filter(|effect| matches!(effect, Effect::Start(_, request) if wanted(request))).count()
}

fn is_deploy(request: &Request) -> bool {
    matches!(request, Request::Deploy(_))
}

#[test]
fn a_second_deploy_does_not_end_the_others_of_its_group() {
    let mut play = two();
    play.keys(&[Key::Char('a'), Key::Char('d'), Key::Char('y')]);
    let ticket = play.effects.iter().find_map(|effect| match effect {
        Effect::Start(ticket, request) if is_deploy(request) => Some(ticket.clone()),
        _ => None,
    });
    play.take_effects();
    let ended = Answer::Deployed(tenant_id(1), Err(Problem::new("No room.")));
    let ticket = ticket.expect("the deploy");
    play.send(crate::tui::msg::Msg::Answer(ticket.clone(), ended));
    play.keys(&[Key::Char('d')]);
    assert_eq!(started(&mut play, is_deploy), 0);
    assert!(play.text().contains("still runs for others"), "{}", play.text());
    assert!(play.app.shared.jobs.is_current(&ticket), "the other one still has its job");
    let moved = Answer::DeployProgress(
        tenant_id(2),
        DeployProgress::Started { step: crate::model::progress::DeployStep::Push },
    );
    play.send(crate::tui::msg::Msg::Answer(ticket, moved));
    assert!(play.app.shared.deploys.running(&tenant_id(2)).is_some());
}

#[test]
fn yes_is_about_what_was_asked_and_about_nothing_else() {
    let mut play = two();
    play.keys(&[Key::Char('r')]);
    assert!(matches!(play.app.dialog, Some(Dialog::Confirm(_))));
    // As where a selection moved meanwhile: the command would ask something else by now.
    play.app.ask("rotate", Question::new("Rotate the credentials of somebody?", "Yes"));
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    assert_eq!(started(&mut play, |request| matches!(request, Request::Call(Call::Rotate(_)))), 0);
    assert!(play.text().contains("has changed since"), "{}", play.text());
}

#[test]
fn the_same_is_not_begun_twice() {
    let mut play = two();
    let is_rotation = |request: &Request| matches!(request, Request::Call(Call::Rotate(_)));
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    assert_eq!(started(&mut play, is_rotation), 1);
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    assert_eq!(started(&mut play, is_rotation), 0);
}

#[test]
fn nothing_is_bought_once_the_unlock_has_ended() {
    let mut play = two();
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(super::pictures::plans())));
    play.keys(&[Key::Enter, Key::Enter]);
    play.app.shared.lock = Lock::Protected;
    play.keys(&[Key::Enter]);
    assert_eq!(started(&mut play, |request| matches!(request, Request::Checkout { .. })), 0);
    play.app.shared.lock = Lock::Open;
    play.keys(&[Key::Enter]);
    assert_eq!(started(&mut play, |request| matches!(request, Request::Checkout { .. })), 1);
}

#[test]
fn a_tenant_without_a_name_is_not_deleted_by_typing_nothing() {
    let mut play = Play::ready(120, 36, vec![tenant(1, " ", "running")]);
    play.keys(&[Key::Char('t'), Key::Char('d'), Key::Enter]);
    assert_eq!(started(&mut play, |request| matches!(request, Request::Call(Call::Delete { .. }))), 0);
}

#[test]
fn a_broken_off_rollback_is_not_gone_on_with_as_a_deploy() {
    for is_rollback in [false, true] {
        let mut play = two();
        play.keys(&[Key::Char('d')]);
        if is_rollback {
            play.app.shared.deploys.mark_rollback(&tenant_id(1));
        }
        let over = Problem::new("The login is over.").needs_login();
        play.answer(Slot::Deploy(tenant_id(1)), Answer::Deployed(tenant_id(1), Err(over)));
        let again = play.app.shared.again.clone().map(|again| again.command);
        assert_eq!(again, (!is_rollback).then_some("deploy"));
        play.keys(&[Key::Esc]);
        play.tick(20);
        play.answer(Slot::Api, Answer::Api(Ok(std::time::Duration::from_millis(3))));
        assert_eq!(play.app.dialog, None, "nobody is logged in, so nothing is gone on with");
    }
}

#[test]
fn a_local_tenant_leaves_the_screen_idle_on_every_page() {
    let mut play = Play::ready(120, 36, Vec::new());
    let local = crate::tui::testing::local("local_1", "here", crate::model::LocalState::Running);
    let reply = crate::ops::call::Reply::LocalStatuses(vec![local]);
    play.answer(Slot::LocalTenants, Answer::Reply(Ok(reply)));
    play.tick(1);
    assert!(play.app.selected().is_some_and(crate::model::Tenant::is_local));
    for page in '1'..='8' {
        play.keys(&[Key::Char(page)]);
        play.tick(20);
        assert!(!play.app.is_moving(), "page {page} turns a spinner:\n{}", play.text());
        assert!(!play.text().contains("loading"), "page {page}:\n{}", play.text());
    }
}

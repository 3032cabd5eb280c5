//! What is under way while somebody looks at it, leaves it, logs out of it or opens it again: jobs keep their places, and
//! nothing is broken off without a word.

use std::time::Duration;

use crate::model::progress::{LocalProgress, LocalStep};
use crate::model::{LocalDefaults, LocalTenant, Problem, Secret, TenantId};
use crate::ops::call::Reply;
use crate::ops::local::Order;
use crate::tui::app::ContextChoice;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, tenant, tenant_id, typed};

fn two() -> Play {
    Play::ready(120, 36, vec![tenant(1, "orchard", "running"), tenant(2, "docs", "running")])
}

fn deploying_both() -> Play {
    let mut play = two();
    play.keys(&[Key::Char('d'), Key::Down, Key::Char('d')]);
    play.take_effects();
    play
}

/// Moves the selection of the list of jobs to a line with these words.
fn select(play: &mut Play, words: &str) {
    for _ in 0..20 {
        if play.text().lines().any(|line| line.contains('▌') && line.contains(words)) {
            return;
        }
        play.keys(&[Key::Down]);
    }
    panic!("{words} is not in the list:\n{}", play.text());
}

fn stops(play: &Play) -> Vec<Slot> {
    let stop = |effect: &Effect| match effect {
        Effect::Stop(slot) => Some(slot.clone()),
        _ => None,
    };
    play.effects.iter().filter_map(stop).collect()
}

fn end_deploy(play: &mut Play, number: u8) {
    let job = play.app.shared.deploys.job_of(&tenant_id(number)).cloned();
    let ticket = play.ticket(Slot::Deploy(job.expect("it is deployed")));
    let ended = Answer::Deployed(tenant_id(number), Err(Problem::new("No room.")));
    play.send(Msg::Answer(ticket, ended));
}

#[test]
fn a_job_that_ends_between_look_and_key_hands_its_place_to_nobody() {
    let mut play = deploying_both();
    play.keys(&[Key::Char('J')]);
    select(&mut play, "deploy of orchard");
    end_deploy(&mut play, 1);
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert_eq!(stops(&play), [], "another job was stopped");
    select(&mut play, "deploy of docs");
    play.keys(&[Key::Enter]);
    assert_eq!(stops(&play), [Slot::Deploy(tenant_id(2))]);
}

#[test]
fn a_job_before_the_selected_one_ends_and_the_selection_stays_with_its_job() {
    let mut play = deploying_both();
    play.keys(&[Key::Char('J')]);
    select(&mut play, "deploy of docs");
    end_deploy(&mut play, 1);
    play.take_effects();
    assert!(play.text().lines().any(|line| line.contains('▌') && line.contains("deploy of docs")), "{}", play.text());
    play.keys(&[Key::Enter]);
    assert_eq!(stops(&play), [Slot::Deploy(tenant_id(2))]);
}

#[test]
fn a_group_of_deploys_is_called_after_one_that_still_runs() {
    let mut play = two();
    play.keys(&[Key::Char('a'), Key::Char('d'), Key::Char('y')]);
    play.keys(&[Key::Char('J')]);
    assert!(play.text().contains("deploy of orchard and 1 more"), "{}", play.text());
    end_deploy(&mut play, 1);
    assert!(play.text().contains("deploy of docs "), "{}", play.text());
}

fn exits(play: &Play) -> bool {
    play.effects.iter().any(|effect| matches!(effect, Effect::Exit))
}

fn rotating() -> Play {
    let mut play = two();
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    play
}

fn rotated(play: &mut Play) {
    let answer = Answer::Reply(Err(Problem::new("No.")));
    play.answer(Slot::Action("rotate", tenant_id(1)), answer);
}

#[test]
fn leaving_asks_while_anything_is_being_done() {
    let mut play = rotating();
    play.keys(&[Key::Char('q')]);
    assert!(!exits(&play), "a rotation was left without a word");
    assert!(play.text().contains("otating the credentials of orchard"), "{}", play.text());
    play.keys(&[Key::Char('n')]);
    assert_eq!(play.app.dialog, None);
    play.keys(&[Key::Ctrl('c')]);
    assert!(!exits(&play));
    play.keys(&[Key::Ctrl('c')]);
    assert!(exits(&play), "the second time it leads out");
}

#[test]
fn the_question_goes_when_there_is_nothing_left_to_lose() {
    let mut play = rotating();
    play.keys(&[Key::Char('q')]);
    assert!(play.app.dialog.is_some());
    rotated(&mut play);
    assert_eq!(play.app.dialog, None);
    play.keys(&[Key::Char('q')]);
    assert!(exits(&play));
}

#[test]
fn nobody_logs_in_or_out_while_something_is_being_done_with_the_login() {
    for keys in [[Key::Char('u'), Key::Char('o')], [Key::Char('u'), Key::Char('i')]] {
        let mut play = rotating();
        play.keys(&keys);
        assert_eq!(play.app.dialog, None, "{}", play.text());
        assert!(play.text().contains("otating the credentials of orchard"), "{}", play.text());
        rotated(&mut play);
        play.keys(&keys);
        assert!(play.app.dialog.is_some());
    }
}

#[test]
fn no_other_context_while_something_is_being_done_in_this_one() {
    let context =
        |name: &str| ContextChoice { name: name.to_owned(), api: format!("{name}.example"), protected: false };
    let mut play = rotating();
    play.app.shared.options.contexts = vec![context("sandbox"), context("production")];
    let switched = |play: &Play| play.effects.iter().any(|effect| matches!(effect, Effect::Switch(_)));
    play.keys(&[Key::Char('C'), Key::Down, Key::Enter]);
    assert!(!switched(&play), "the rotation was broken off");
    play.keys(&[Key::Esc]);
    rotated(&mut play);
    play.keys(&[Key::Char('C'), Key::Down, Key::Enter]);
    assert!(switched(&play));
}

#[test]
fn a_login_that_is_over_does_not_take_the_place_of_what_is_being_done() {
    let mut play = rotating();
    let over = Problem::new("The login is over.").needs_login();
    play.keys(&[Key::Char('R')]);
    play.answer(Slot::Tenants, Answer::Tenants(Err(over.clone())));
    assert_eq!(play.app.dialog, None, "{}", play.text());
    let answer = Answer::Reply(Err(over));
    play.answer(Slot::Action("rotate", tenant_id(1)), answer);
    assert!(play.app.dialog.is_some(), "now there is nothing to break off");
}

/// A local tenant that is being made, its wizard in sight.
fn making() -> Play {
    let mut play = Play::ready(100, 30, vec![tenant(1, "orchard", "running")]);
    play.keys(&[Key::Char('n'), Key::Down, Key::Enter]);
    let defaults = LocalDefaults { name: "local-2".into(), port: 5433 };
    play.answer(Slot::NewLocal, Answer::Reply(Ok(Reply::LocalDefaults(defaults))));
    play.keys(&[Key::Enter]);
    play.answer(Slot::NewLocal, Answer::LocalProgress(LocalProgress::Started { step: LocalStep::Image }));
    let text = "pulling postgres".into();
    play.answer(Slot::NewLocal, Answer::LocalProgress(LocalProgress::Moved { step: LocalStep::Image, text }));
    assert!(play.text().contains("pulling postgres"), "{}", play.text());
    play
}

fn made() -> LocalTenant {
    LocalTenant {
        id: TenantId::new("local_1").unwrap(),
        name: "local-2".to_owned(),
        database_url: Some(Secret::new("postgres://a:b@localhost:5433/c")),
        docker_project: None,
        created_at: None,
        unfinished: false,
    }
}

fn orders(play: &Play) -> Vec<Order> {
    let order = |effect: &Effect| match effect {
        Effect::Start(_, Request::NewLocal(order)) => Some(order.clone()),
        _ => None,
    };
    play.effects.iter().filter_map(order).collect()
}

#[test]
fn whoever_stays_sees_again_what_is_being_made() {
    let mut play = making();
    play.keys(&[Key::Ctrl('c')]);
    assert!(!exits(&play), "what was being made was broken off without a word");
    play.answer(
        Slot::NewLocal,
        Answer::LocalProgress(LocalProgress::Moved { step: LocalStep::Image, text: "unpacking postgres".into() }),
    );
    play.keys(&[Key::Char('n')]);
    assert!(play.text().contains("unpacking postgres"), "{}", play.text());
    play.answer(Slot::NewLocal, Answer::LocalMade(Ok(made())));
    assert!(play.text().contains("local-2 answers"), "{}", play.text());
}

#[test]
fn it_can_also_end_behind_the_question() {
    let mut play = making();
    play.keys(&[Key::Ctrl('c')]);
    play.answer(Slot::NewLocal, Answer::LocalMade(Ok(made())));
    assert!(matches!(play.app.dialog, Some(Dialog::NewLocal(_))), "nothing is left to be asked: {}", play.text());
    assert!(play.text().contains("local-2 answers"), "{}", play.text());
}

#[test]
fn opening_again_shows_the_one_that_is_being_made() {
    for id in ["local.new", "local.add", "new"] {
        let mut play = making();
        play.keys(&[Key::Char('h')]);
        assert_eq!(play.app.dialog, None, "{}", play.text());
        assert_eq!(stops(&play), [], "it goes on out of sight");
        if id == "new" {
            play.keys(&[Key::Char('n')]);
        } else {
            play.keys(&[Key::Ctrl('p')]);
            typed(&mut play, id);
            play.keys(&[Key::Enter]);
        }
        assert!(play.text().contains("pulling postgres"), "{id}: {}", play.text());
        assert_eq!(orders(&play).len(), 1);
        let answer = Answer::LocalMade(Ok(made()));
        play.send(Msg::Answer(play.ticket(Slot::NewLocal), answer));
        assert!(play.text().contains("local-2 answers"), "{id}: {}", play.text());
    }
}

#[test]
fn the_jobs_can_stop_what_is_being_made_out_of_sight() {
    let mut play = making();
    play.keys(&[Key::Char('h'), Key::Char('J')]);
    select(&mut play, "making a local tenant");
    play.keys(&[Key::Enter]);
    assert_eq!(stops(&play), [Slot::NewLocal]);
    assert!(play.text().contains("taking back"), "{}", play.text());
    play.keys(&[Key::Esc]);
    play.answer(Slot::NewLocal, Answer::LocalMade(Err(Problem::new("Stopped."))));
    assert!(play.text().contains("Stopped: nothing was made."), "{}", play.text());
    play.keys(&[Key::Char('q')]);
    assert!(exits(&play), "nothing is under way any more");
}

#[test]
fn what_ends_out_of_sight_is_said() {
    for (result, words) in [
        (Ok(made()), "local-2 is made and answers."),
        (Err(Problem::new("Port 5433 is taken.")), "Port 5433 is taken."),
    ] {
        let mut play = making();
        play.keys(&[Key::Char('h')]);
        play.answer(Slot::NewLocal, Answer::LocalMade(result));
        assert!(play.text().contains(words), "{}", play.text());
        assert_eq!(play.app.dialog, None);
    }
}

#[test]
fn what_fails_out_of_sight_is_there_again_with_what_was_typed() {
    let mut play = making();
    play.keys(&[Key::Char('h')]);
    play.answer(Slot::NewLocal, Answer::LocalMade(Err(Problem::new("Port 5433 is taken.").hint("Choose another."))));
    assert!(play.text().contains("Press n to put it right"), "{}", play.text());
    play.keys(&[Key::Char('q')]);
    assert!(exits(&play), "nothing is under way any more");
    play.keys(&[Key::Char('n')]);
    let words = play.text();
    assert!(words.contains("Port 5433 is taken.") && words.contains("pulling postgres"), "{words}");
    play.keys(&[Key::Backspace]);
    let words = play.text();
    assert!(words.contains("local-2") && words.contains("5433"), "{words}");
    play.keys(&[Key::Enter]);
    assert_eq!(orders(&play).len(), 2, "the same once more");
    // What was closed in sight does not come back.
    play.answer(Slot::NewLocal, Answer::LocalMade(Err(Problem::new("Port 5433 is taken."))));
    play.keys(&[Key::Esc, Key::Char('n')]);
    assert!(play.text().contains("Where should it live?"), "{}", play.text());
}

#[test]
fn the_notice_of_a_rotation_says_how_long_it_took() {
    let mut play = two();
    play.tick(10);
    play.keys(&[Key::Char('r'), Key::Char('y')]);
    play.tick(52);
    rotated(&mut play);
    let took = play.effects.iter().find_map(|effect| match effect {
        Effect::Errand(_, crate::tui::outside::Errand::Notify { took, .. }) => Some(*took),
        _ => None,
    });
    assert_eq!(took, Some(Duration::from_secs(42)));
}

#[test]
fn what_comes_behind_the_question_reaches_the_dialog_below_it() {
    let mut play = deploying_both();
    play.keys(&[Key::Char('n'), Key::Enter, Key::Ctrl('c')]);
    assert!(matches!(play.app.dialog, Some(Dialog::Confirm(_))), "{}", play.text());
    play.answer(Slot::Plans, Answer::Plans(Ok(super::pictures::plans())));
    play.keys(&[Key::Char('n')]);
    assert!(matches!(&play.app.dialog, Some(Dialog::NewTenant(wizard)) if !wizard.plans.is_empty()), "{}", play.text());
}

#[test]
fn the_question_stays_over_a_dialog_whose_enter_would_change_something() {
    let mut play = deploying_both();
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(super::pictures::plans())));
    play.keys(&[Key::Ctrl('c')]);
    end_deploy(&mut play, 1);
    end_deploy(&mut play, 2);
    assert!(matches!(play.app.dialog, Some(Dialog::Confirm(_))), "{}", play.text());
}

#[test]
fn whoever_leaves_while_logging_out_is_asked() {
    let mut play = two();
    play.keys(&[Key::Char('u'), Key::Char('o'), Key::Char('y'), Key::Char('q')]);
    assert!(play.text().contains("The login may stay."), "{}", play.text());
}

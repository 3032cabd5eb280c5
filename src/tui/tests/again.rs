//! What is gone on with after a login is begun like the first time, and what was typed for it is kept no longer than it can
//! be used.

use super::login::{again_with, over, requests};
use crate::model::{CheckoutSession, Plan, Problem};
use crate::ops::call::{Call, Reply};
use crate::tui::again::Again;
use crate::tui::bought::{Bought, Choice};
use crate::tui::dialogs::Dialog;
use crate::tui::effect::Request;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use crate::tui::panes::Pane;
use crate::tui::testing::{Play, tenant_id, tenants, typed};

/// A screen on which a name was typed that is on its way.
fn renaming() -> Play {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('t'), Key::Char('n')]);
    typed(&mut play, "x");
    play.keys(&[Key::Enter]);
    assert_eq!(play.app.shared.asked.len(), 1);
    play
}

/// What the login that is over hands to the next screen.
fn broken_off(play: &mut Play, action: &'static str) -> Again {
    play.answer(Slot::Action(action, tenant_id(1)), Answer::Reply(Err(over())));
    assert!(play.text().contains("What was broken off"), "{}", play.text());
    play.app.shared.again.clone().expect("kept")
}

#[test]
fn a_plan_keeps_its_page_to_pay_on() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('7')]);
    let plans = [("free", "Free"), ("pro", "Pro")].map(|(id, name)| Plan {
        id: id.into(),
        name: name.into(),
        paddle_price_id: format!("pri_{name}"),
        ..Plan::default()
    });
    play.answer(Slot::Pane(Pane::Plan, "plans"), Answer::Reply(Ok(Reply::Plans(plans.to_vec()))));
    play.keys(&[Key::Char('p'), Key::Down, Key::Enter]);
    let kept = broken_off(&mut play, "plan");

    let mut play = again_with(kept, 120, 36);
    assert!(play.text().contains("Go on with orchard: change to the plan Pro?"), "{}", play.text());
    play.app.shared.options.auto_pay = true;
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    let call = Request::Call(Call::ChangePlan { id: tenant_id(1), price_id: "pri_Pro".into() });
    assert!(requests(&play).contains(&call), "{:?}", requests(&play));
    let url = "http://127.0.0.1:8765/sandbox/pay/txn_1";
    let session = CheckoutSession { checkout_url: url.into(), transaction_id: None, checkout_session_id: None };
    play.answer(Slot::Action("plan", tenant_id(1)), Answer::Reply(Ok(Reply::Checkout(session))));
    assert!(requests(&play).contains(&Request::Pay(url.into())), "{:?}", requests(&play));
    assert!(play.text().contains(url), "{}", play.text());
    play.keys(&[Key::Char('o')]);
    assert!(requests(&play).contains(&Request::Open(url.into())));
}

#[test]
fn a_plan_that_is_broken_off_twice_is_still_the_same() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('7')]);
    let pro = Plan { id: "pro".into(), name: "Pro".into(), paddle_price_id: "pri_Pro".into(), ..Plan::default() };
    play.answer(Slot::Pane(Pane::Plan, "plans"), Answer::Reply(Ok(Reply::Plans(vec![pro]))));
    play.keys(&[Key::Char('p'), Key::Enter]);
    let first = broken_off(&mut play, "plan");
    let mut play = again_with(first.clone(), 120, 36);
    play.keys(&[Key::Char('y')]);
    assert_eq!(broken_off(&mut play, "plan"), first);
    assert!(again_with(first, 120, 36).text().contains("change to the plan Pro?"));
}

#[test]
fn the_question_says_which_way_a_database_goes() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('t'), Key::Char('x'), Key::Down, Key::Enter]);
    let play = again_with(broken_off(&mut play, "access-on"), 120, 36);
    assert!(play.text().contains("open the database to the outside?"), "{}", play.text());
}

#[test]
fn what_is_not_possible_any_more_is_not_sent() {
    let kept = broken_off(&mut renaming(), "rename");
    let mut play = again_with(kept, 120, 36);
    play.keys(&[Key::Char('R')]);
    let question = play.app.dialog.clone();
    assert!(matches!(question, Some(Dialog::Confirm(_))));
    // It is being deleted by somebody else while the question stands.
    let mut list = tenants();
    list[0].phase = Some("deleting".to_owned());
    play.app.shared.tenants.take(crate::tui::TenantList { tenants: list, rejected: Vec::new() });
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    assert!(!requests(&play).iter().any(|request| matches!(request, Request::Call(Call::Rename { .. }))));
    assert!(play.text().contains("orchard is deleting now."), "{}", play.text());
}

#[test]
fn one_of_a_kind_at_a_time() {
    let kept = broken_off(&mut renaming(), "rename");
    let mut play = again_with(kept, 120, 36);
    let slot = Slot::Action("rename", tenant_id(1));
    let other = Call::Rename { id: tenant_id(1), name: "other".into() };
    play.app.shared.start(slot, Request::Call(other));
    play.take_effects();
    play.keys(&[Key::Char('y')]);
    assert_eq!(requests(&play), []);
    assert!(play.text().contains("Already renaming orchard."), "{}", play.text());
}

#[test]
fn a_wish_of_the_purchase_is_done_by_hand() {
    let kept = broken_off(&mut renaming(), "rename");
    let mut play = again_with(kept, 120, 36);
    let choice = Choice { name: "shop".into(), is_open: true };
    // It waits: nothing tells yet that its infrastructure is there.
    let mut list = tenants();
    list[0].phase = Some("provisioning".to_owned());
    play.app.shared.tenants.take(crate::tui::TenantList { tenants: list, rejected: Vec::new() });
    play.app.shared.bought.push(Bought::new(tenant_id(1), String::new(), choice));
    play.keys(&[Key::Char('y')]);
    let wishes: Vec<_> = play.app.shared.bought[0].wishes.iter().map(|wish| wish.what.action()).collect();
    assert_eq!(wishes, ["access-on"]);
}

#[test]
fn whoever_leaves_the_login_does_not_go_on() {
    // On the choice, on the line for a token, and while the browser is away.
    for way in [&[][..], &[Key::Down, Key::Down, Key::Enter], &[Key::Enter]] {
        let mut play = renaming();
        let _ = broken_off(&mut play, "rename");
        play.keys(way);
        assert!(play.app.shared.again.is_some(), "{way:?}");
        play.keys(&[Key::Esc]);
        assert_eq!(play.app.dialog, None, "{way:?}");
        assert_eq!(play.app.shared.again, None, "{way:?}");
    }
    // A question that stands over it is not the way out.
    let mut play = renaming();
    play.keys(&[Key::Ctrl('c')]);
    assert!(matches!(play.app.dialog, Some(Dialog::Confirm(_))));
    play.keys(&[Key::Char('n')]);
    assert_eq!(play.app.shared.asked.len(), 1);
}

#[test]
fn a_no_lets_go_at_once() {
    let mut play = again_with(broken_off(&mut renaming(), "rename"), 120, 36);
    play.tick(1);
    assert!(play.app.shared.go_on.is_some(), "the question stands");
    play.keys(&[Key::Char('n')]);
    assert_eq!(play.app.shared.go_on, None);
}

#[test]
fn what_ends_without_an_answer_keeps_nothing() {
    let mut play = renaming();
    play.app.shared.stop(Slot::Action("rename", tenant_id(1)));
    play.tick(1);
    assert_eq!(play.app.shared.asked, []);
    // One that is answered neither.
    let mut play = renaming();
    play.answer(Slot::Action("rename", tenant_id(1)), Answer::Reply(Err(Problem::new("Not this one."))));
    assert_eq!(play.app.shared.asked, []);
}

#[test]
fn what_is_locked_or_logged_out_keeps_nothing() {
    let unlocked = || {
        let mut play = renaming();
        let until = play.app.shared.now.running + std::time::Duration::from_mins(1);
        play.app.shared.lock = Lock::Unlocked(until);
        play.app.shared.timers.lock = Some(until);
        play
    };
    let mut play = unlocked();
    play.keys(&[Key::Char('L')]);
    assert_eq!(play.app.shared.asked, []);
    let mut play = unlocked();
    let _ = broken_off(&mut play, "rename");
    play.tick(61);
    assert_eq!((play.app.shared.again.as_ref(), play.app.shared.asked.len()), (None, 0));
    let mut play = renaming();
    crate::tui::update::login::log_out(&mut play.app);
    assert_eq!(play.app.shared.asked, []);
}

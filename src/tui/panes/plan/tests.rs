//! What the plan pane shows, and how plan and memory are changed there.

use std::time::Duration;

use crate::model::{CheckoutSession, Plan, PlanInfo, Problem, Subscription, Tenant};
use crate::ops::call::{Call, Reply};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::pictures::at_each_size;
use crate::tui::panes::{Pane, PaneView};
use crate::tui::testing::{Play, at, tenant_id, tenants};

const SUBSCRIPTION: Slot = Slot::Pane(Pane::Plan, "subscription");
const PLANS: Slot = Slot::Pane(Pane::Plan, "plans");

fn list() -> Vec<Tenant> {
    let mut list = tenants();
    list[0].memory_mb = Some(512);
    list
}

fn subscription(plan: &str, status: &str) -> Answer {
    let plan = PlanInfo { id: Some(plan.to_lowercase()), name: plan.into(), memory_mb: 1024, volume_gb: 10 };
    Answer::Reply(Ok(Reply::Subscription(Box::new(Subscription {
        id: "5a0c7d1e".into(),
        customer_id: Some("ctm_01".into()),
        paddle_subscription_id: Some("sub_01hsamplep4".into()),
        status: status.into(),
        plan: Some(plan),
        current_period_start: Some(at(-86_400 * 10)),
        current_period_end: Some(at(86_400 * 20)),
        cancel_at_period_end: false,
        management_url: Some("https://buyer.paddle.example/sub_01hsamplep4".into()),
    }))))
}

fn plans() -> Answer {
    let plans = [("Free", 256, 1), ("Basic", 1024, 10), ("Pro", 2048, 20)].map(|(name, memory, volume)| Plan {
        id: name.to_lowercase(),
        name: name.into(),
        paddle_price_id: format!("pri_{name}"),
        memory_mb_default: memory,
        volume_gb: volume,
        max_tenants: (name == "Free").then_some(1),
        ..Plan::default()
    });
    Answer::Reply(Ok(Reply::Plans(plans.to_vec())))
}

fn opened(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, list());
    play.keys(&[Key::Char('7')]);
    play
}

fn filled(width: u16, height: u16) -> Play {
    let mut play = opened(width, height);
    play.answer(SUBSCRIPTION, subscription("Basic", "active"));
    play.answer(PLANS, plans());
    play
}

fn paying(width: u16, height: u16) -> Play {
    let mut play = filled(width, height);
    play.keys(&[Key::Char('p'), Key::Down, Key::Down, Key::Enter]);
    let session = CheckoutSession {
        checkout_url: "http://127.0.0.1:8765/sandbox/pay/txn_01k9x7h2".into(),
        transaction_id: None,
        checkout_session_id: None,
    };
    play.answer(Slot::Action("plan", tenant_id(1)), Answer::Reply(Ok(Reply::Checkout(session))));
    play.answer(SUBSCRIPTION, subscription("Basic", "active"));
    play
}

fn calls(play: &mut Play) -> Vec<Call> {
    let call = |effect| match effect {
        Effect::Start(_, Request::Call(call)) => Some(call),
        _ => None,
    };
    play.take_effects().into_iter().filter_map(call).collect()
}

#[test]
fn nobody_is_selected() {
    at_each_size("plan_empty", |width, height| {
        let mut play = Play::ready(width, height, Vec::new());
        play.keys(&[Key::Char('7')]);
        play
    });
}

#[test]
fn it_loads() {
    at_each_size("plan_loading", opened);
}

#[test]
fn everything_is_known() {
    at_each_size("plan_filled", filled);
}

#[test]
fn it_cannot_be_loaded() {
    at_each_size("plan_error", |width, height| {
        let mut play = opened(width, height);
        let problem = Problem::new("The subscription cannot be shown.")
            .detail("GET /api/v1/tenants: 500 internal")
            .hint("Try again in a moment.");
        play.answer(SUBSCRIPTION, Answer::Reply(Err(problem)));
        play.answer(PLANS, Answer::Reply(Err(Problem::new("The plans cannot be listed."))));
        play
    });
}

#[test]
fn nothing_may_be_changed() {
    at_each_size("plan_read_only", |width, height| {
        let mut play = filled(width, height);
        play.app.shared.lock = Lock::ReadOnly;
        play
    });
}

#[test]
fn every_key_that_changes_is_refused_where_nothing_may_be_changed() {
    let mut play = filled(120, 36);
    play.app.shared.lock = Lock::ReadOnly;
    play.take_effects();
    for key in ['m', 'p', 'C'] {
        play.keys(&[Key::Char(key)]);
        assert!(play.app.dialog.is_none() && play.text().contains("read-only"), "{key}");
        assert_eq!(calls(&mut play), []);
    }
}

#[test]
fn another_plan_waits_for_its_payment() {
    at_each_size("plan_payment", paying);
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('p')]);
    insta::assert_snapshot!("plan_pick_120x36", play.picture());
    play.keys(&[Key::Down, Key::Enter]);
    assert!(play.app.dialog.is_some(), "the plan it has is no choice");
    play.keys(&[Key::Down, Key::Enter]);
    assert_eq!(calls(&mut play), [Call::ChangePlan { id: tenant_id(1), price_id: "pri_Pro".into() }]);
}

#[test]
fn the_page_is_opened_and_the_payment_noticed() {
    let mut play = paying(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('o')]);
    let opened = Request::Open("http://127.0.0.1:8765/sandbox/pay/txn_01k9x7h2".into());
    assert!(play.effects.iter().any(|effect| matches!(effect, Effect::Start(_, request) if *request == opened)));
    play.take_effects();
    assert_eq!(play.app.panes.plan.wake(), Some(Duration::from_secs(15)));
    play.tick(15);
    assert_eq!(calls(&mut play.clone_for_look()), [Call::Subscription(tenant_id(1))]);
    assert_eq!(play.app.panes.plan.wake(), None, "nothing is due while the answer is on its way");
    play.answer(SUBSCRIPTION, subscription("Pro", "active"));
    assert!(play.text().contains("orchard is on the plan Pro."), "{}", play.text());
    assert_eq!(play.app.panes.plan.wake(), None);
}

impl Play {
    /// The same once more, to look at its effects without taking them.
    fn clone_for_look(&self) -> Self {
        Self { app: self.app.clone(), effects: self.effects.clone() }
    }
}

#[test]
fn paying_without_a_browser_is_done_for_a_plan_too() {
    let mut play = filled(120, 36);
    play.app.shared.options.auto_pay = true;
    play.keys(&[Key::Char('p'), Key::Down, Key::Down, Key::Enter]);
    let session =
        CheckoutSession { checkout_url: "http://h/pay/1".into(), transaction_id: None, checkout_session_id: None };
    play.answer(Slot::Action("plan", tenant_id(1)), Answer::Reply(Ok(Reply::Checkout(session))));
    let paid = Request::Pay("http://h/pay/1".into());
    assert!(play.effects.iter().any(|effect| matches!(effect, Effect::Start(_, request) if *request == paid)));
}

#[test]
fn a_plan_that_was_refused_is_no_wish() {
    let mut play = filled(120, 36);
    play.keys(&[Key::Char('p'), Key::Down, Key::Down, Key::Enter]);
    play.answer(Slot::Action("plan", tenant_id(1)), Answer::Reply(Err(Problem::new("Not this one."))));
    assert!(play.app.panes.plan.wish.is_none() && play.text().contains("Not this one."), "{}", play.text());
}

#[test]
fn what_ended_can_be_bought_once_more() {
    let mut play = opened(120, 36);
    play.answer(SUBSCRIPTION, subscription("Basic", "canceled"));
    play.answer(PLANS, plans());
    play.take_effects();
    play.keys(&[Key::Char('p'), Key::Down, Key::Enter]);
    assert_eq!(calls(&mut play), [Call::ChangePlan { id: tenant_id(1), price_id: "pri_Basic".into() }]);
}

#[test]
fn memory_and_cancelling_are_the_commands_that_the_tenant_has() {
    let mut play = filled(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('m'), Key::Down, Key::Enter]);
    assert!(play.app.dialog.is_some(), "what it has is no choice");
    play.keys(&[Key::Down, Key::Enter]);
    assert_eq!(calls(&mut play), [Call::ScaleMemory { id: tenant_id(1), memory_mb: 1024 }]);
    play.keys(&[Key::Char('C')]);
    assert!(play.text().contains("Type orchard to confirm."), "{}", play.text());
}

#[test]
fn plans_that_did_not_come_are_no_choice() {
    let mut play = opened(120, 36);
    play.keys(&[Key::Char('p')]);
    assert!(play.text().contains("The plans are not known yet."), "{}", play.text());
    play.answer(PLANS, Answer::Reply(Err(Problem::new("The plans cannot be listed."))));
    play.keys(&[Key::Esc, Key::Char('p')]);
    assert!(play.app.dialog.is_none());
    play.take_effects();
    play.keys(&[Key::Char('R')]);
    assert!(calls(&mut play).contains(&Call::Plans), "asked again with everything else");
}

#[test]
fn a_late_answer_is_not_shown_at_the_next_tenant() {
    let mut play = opened(120, 36);
    play.keys(&[Key::BackTab, Key::Down]);
    play.answer(SUBSCRIPTION, subscription("Basic", "active"));
    assert!(!play.text().contains("sub_01hsamplep4"), "{}", play.text());
    play.tick(1);
    assert!(!play.text().contains("sub_01hsamplep4"), "{}", play.text());
}

#[test]
fn every_small_size_can_be_drawn() {
    let mut play = paying(120, 36);
    play.keys(&[Key::End]);
    for width in (60..70).chain([99, 100, 101]) {
        for height in [16, 17, 30] {
            play.send(Msg::Resized { width, height });
            play.text();
        }
    }
}

//! No size, key or answer makes the screen panic.

use proptest::prelude::*;

use super::pictures::{building, filled, plans, pushing};
use crate::model::{Check, CheckoutSession, Problem, SessionId};
use crate::ops::call::Reply;
use crate::tui::backend::Live;
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{
    Play, deploy_job, deployed_answer, event, event_answer, log, log_answer, log_feed, moment, tenant, tenant_id,
    tenants,
};

#[test]
fn every_small_size_can_be_drawn() {
    for make in [filled, building, pushing, Play::new] {
        let mut play = make(120, 36);
        for width in 0..=40 {
            for height in 0..=12 {
                play.send(Msg::Resized { width, height });
                play.text();
            }
        }
    }
}

#[test]
fn every_size_around_the_borders_can_be_drawn_with_a_dialog() {
    for key in ['n', '?', 'e'] {
        let mut play = pushing(120, 36);
        play.app.shared.problem = Some(Problem::new("x".repeat(300)).detail("漢".repeat(200)).hint("y"));
        play.keys(&[Key::Char(key)]);
        for width in [59, 60, 61, 99, 100, 101, 300] {
            for height in [15, 16, 17, 29, 30, 31, 80] {
                play.send(Msg::Resized { width, height });
                play.text();
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Press(Key),
    Resize(u16, u16),
    Wait(u64),
    Tenants(usize),
    Log(String),
    Event(u8),
    Lost,
    Down,
    Shop(bool),
    Made,
}

fn keys() -> impl Strategy<Value = Key> {
    let special = prop::sample::select(vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::PageUp,
        Key::PageDown,
        Key::Home,
        Key::End,
    ]);
    prop_oneof![special, prop::sample::select("dcnoerjkgGq?ybtfs".chars().collect::<Vec<_>>()).prop_map(Key::Char)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => keys().prop_map(Step::Press),
        2 => (0u16..140, 0u16..50).prop_map(|(width, height)| Step::Resize(width, height)),
        2 => (0u64..90).prop_map(Step::Wait),
        1 => (0usize..7).prop_map(Step::Tenants),
        2 => "\\PC{0,60}".prop_map(Step::Log),
        2 => any::<u8>().prop_map(Step::Event),
        1 => Just(Step::Lost),
        1 => Just(Step::Down),
        3 => any::<bool>().prop_map(Step::Shop),
        2 => Just(Step::Made),
    ];
    prop::collection::vec(step, 0..60)
}

/// The newest job of a kind, where there is one.
#[allow(clippy::needless_pass_by_value, reason = "a slot is written where it is asked for")]
fn current(play: &Play, slot: Slot) -> Option<Ticket> {
    (1..500)
        .map(|sequence| Ticket { slot: slot.clone(), sequence })
        .find(|ticket| play.app.shared.jobs.is_current(ticket))
}

fn answer(play: &mut Play, slot: Slot, answer: Answer) {
    if let Some(ticket) = current(play, slot) {
        play.send(Msg::Answer(ticket, answer));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn random_play_never_panics(steps in steps()) {
        let mut play = Play::ready(120, 36, tenants());
        let mut now = 0;
        for step in steps {
            match step {
                Step::Press(key) => play.keys(&[key]),
                Step::Resize(width, height) => play.send(Msg::Resized { width, height }),
                Step::Wait(seconds) => {
                    now += seconds;
                    play.send(Msg::Tick(moment(now)));
                }
                Step::Tenants(count) => {
                    let names = ["a", "b", "", "漢字", "e", "f"];
                    let phase = ["running", "awaiting_deploy"][count % 2];
                    let list = (1u8..).zip(names).take(count).map(|(n, name)| tenant(n, name, phase)).collect();
                    let list = crate::tui::TenantList { tenants: list, rejected: vec!["an entry".to_owned()] };
                    answer(&mut play, Slot::Tenants, Answer::Tenants(Ok(list)));
                }
                Step::Log(text) => {
                    answer(&mut play, log_feed(), log_answer(Live::Item(log(3, "warn", &text))));
                }
                Step::Event(number) => {
                    let kind = ["tenant_created", "tenant_ready", "provisioning_failed", "new_word"][usize::from(number % 4)];
                    let live = Live::Item(event(&number.to_string(), kind, i64::from(number)));
                    answer(&mut play, Slot::EventFeed, event_answer(live.clone()));
                    answer(&mut play, Slot::CheckoutFeed, Answer::CheckoutEvent(live));
                }
                Step::Lost => {
                    let problem = Problem::new("Lost.").detail("z".repeat(500));
                    answer(&mut play, Slot::EventFeed, event_answer(Live::Failed(problem.clone())));
                    answer(&mut play, deploy_job(), deployed_answer(Err(problem)));
                }
                Step::Shop(is_sold) => {
                    let session = CheckoutSession {
                        checkout_url: "https://pay.example/cs_1".to_owned(),
                        transaction_id: None,
                        checkout_session_id: is_sold.then(|| SessionId::new("cs_1").unwrap()),
                    };
                    answer(&mut play, Slot::Plans, Answer::Plans(Ok(plans())));
                    answer(&mut play, Slot::Checkout, Answer::Checkout(Ok(session)));
                }
                Step::Made => {
                    answer(&mut play, Slot::CheckoutFeed, Answer::CheckoutEvent(Live::Item(event("k", "tenant_created", 1))));
                    let done = Live::Item(event("made", "infrastructure_ready", 2));
                    answer(&mut play, Slot::CheckoutFeed, Answer::CheckoutEvent(done));
                    let checks = vec![Check::fail("build", "z".repeat(300), "漢".repeat(90))];
                    answer(&mut play, Slot::FirstDeploy, Answer::Reply(Ok(Reply::FirstDeploy(checks))));
                    let taken = || Answer::Reply(Err(Problem::new("x".repeat(90)).hint("z".repeat(300))));
                    answer(&mut play, Slot::Action("rename", tenant_id(1)), taken());
                    answer(&mut play, Slot::Action("access-on", tenant_id(1)), taken());
                }
                Step::Down => answer(&mut play, Slot::Api, Answer::Api(Err(Problem::new("Down.")))),
            }
            play.text();
        }
    }
}

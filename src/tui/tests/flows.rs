//! What the keys and the answers do, through `update` alone.

use std::time::Duration;

use super::pictures::{building, filled};
use crate::model::progress::{BuildProgress, DeployOutcome, DeployProgress, DeployStep};
use crate::model::{CheckoutSession, Digest, Plan, Problem, SessionId};
use crate::tui::app::Health;
use crate::tui::backend::Live;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::Key;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::Pane;
use crate::tui::panes::feed::Feed;
use crate::tui::testing::{
    Play, deploy_job, deployed_answer, event, event_answer, log, log_answer, log_feed, moment, phase_one,
    progress_answer, tenant, tenant_id, tenants,
};

fn requests(effects: &[Effect]) -> Vec<&Request> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Start(_, request) => Some(request),
            _ => None,
        })
        .collect()
}

#[test]
fn it_begins_with_what_the_first_picture_needs() {
    let play = Play::new(120, 36);
    assert_eq!(
        requests(&play.effects),
        [
            &Request::Account,
            &Request::PingApi,
            &Request::PingEngine,
            &Request::Tenants,
            &Request::Call(crate::ops::call::Call::LocalTenants)
        ]
    );
}

#[test]
fn a_stale_answer_is_dropped() {
    let mut play = Play::ready(120, 36, tenants());
    let stale = Ticket { slot: Slot::Tenants, sequence: 0 };
    play.app.shared.dirty = false;
    play.send(Msg::Answer(stale, Answer::Tenants(Ok(crate::tui::TenantList::default()))));
    assert_eq!(play.app.shared.tenants.list().len(), 6);
    assert!(!play.app.shared.dirty);
}

#[test]
fn the_feeds_follow_the_selection_once_it_rests() {
    let mut play = Play::ready(120, 36, tenants());
    let first = play.take_effects();
    assert!(requests(&first).contains(&&Request::WatchTenant(tenant_id(1))));
    play.keys(&[Key::Down, Key::Char('j'), Key::Down]);
    assert_eq!(play.take_effects(), [], "a moving selection starts nothing");
    play.tick(1);
    let effects = play.take_effects();
    assert_eq!(effects[0], Effect::Stop(Slot::EventFeed));
    let asked = requests(&effects);
    assert!(asked.contains(&&Request::WatchTenant(tenant_id(4))));
    assert!(asked.contains(&&Request::FollowLogs(tenant_id(4))));
    assert!(!asked.contains(&&Request::WatchTenant(tenant_id(2))));
}

#[test]
fn answers_of_the_tenant_before_do_not_reach_the_next_ones_panes() {
    let mut play = filled(120, 36);
    let Some(Effect::Start(old, _)) = play
        .effects
        .iter()
        .rev()
        .find(|effect| matches!(effect, Effect::Start(ticket, _) if ticket.slot == log_feed()))
    else {
        panic!("no log feed was started");
    };
    let old = old.clone();
    play.keys(&[Key::End]);
    play.tick(2);
    play.send(Msg::Answer(old, log_answer(Live::Item(log(50, "info", "late")))));
    assert_eq!(play.app.panes.logs.seen(), 0);
}

#[test]
fn a_tenant_without_a_machine_has_no_log_to_follow_until_it_runs() {
    let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", "awaiting_deploy")]);
    assert!(!requests(&play.take_effects()).contains(&&Request::FollowLogs(tenant_id(1))));
    play.keys(&[Key::Char('R')]);
    play.list(vec![tenant(1, "orchard", "running")]);
    assert!(requests(&play.take_effects()).contains(&&Request::FollowLogs(tenant_id(1))));
}

fn plan() -> Plan {
    Plan {
        id: "basic".to_owned(),
        name: "Basic".to_owned(),
        paddle_price_id: "pri_basic".to_owned(),
        memory_mb_default: 1024,
        volume_gb: 10,
        max_tenants: None,
        ..Plan::default()
    }
}

fn bought(auto_pay: bool) -> Play {
    let mut play = Play::ready(120, 36, Vec::new());
    play.app.shared.options.auto_pay = auto_pay;
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(vec![plan()])));
    play.keys(&[Key::Enter, Key::Down, Key::Down, Key::Enter, Key::Enter]);
    play.answer(
        Slot::Checkout,
        Answer::Checkout(Ok(CheckoutSession {
            checkout_url: "http://127.0.0.1:8765/pay/1".to_owned(),
            transaction_id: None,
            checkout_session_id: Some(SessionId::new("cs_1").unwrap()),
        })),
    );
    play
}

#[test]
fn buying_asks_for_the_chosen_plan_and_region() {
    let play = bought(true);
    let asked = requests(&play.effects);
    let checkout = Request::Checkout { price_id: "pri_basic".to_owned(), region: "fra".to_owned() };
    assert!(asked.contains(&&checkout));
    assert!(asked.contains(&&Request::WatchCheckout(SessionId::new("cs_1").unwrap())));
    assert!(asked.contains(&&Request::Pay("http://127.0.0.1:8765/pay/1".to_owned())));
    assert!(!requests(&bought(false).effects).iter().any(|request| matches!(request, Request::Pay(_))));
}

#[test]
fn the_first_event_closes_the_dialog_and_the_new_tenant_is_selected() {
    let mut play = bought(false);
    assert!(play.app.dialog.is_some());
    let events = phase_one();
    play.answer(Slot::CheckoutFeed, Answer::CheckoutEvent(Live::Item(events[0].clone())));
    assert!(play.app.dialog.is_none());
    assert_eq!(play.app.focus, Pane::Events);
    assert!(play.text().contains("payment confirmed"));
    for event in &events[1..] {
        play.answer(Slot::CheckoutFeed, Answer::CheckoutEvent(Live::Item(event.clone())));
    }
    play.tick(1);
    play.list(vec![tenant(2, "other", "running"), tenant(1, "orchard", "awaiting_deploy")]);
    assert_eq!(play.app.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(1)));
    // The tenant's stream repeats what the purchase's stream said.
    for event in &events {
        play.answer(Slot::EventFeed, event_answer(Live::Item(event.clone())));
    }
    assert_eq!(play.app.panes.events.of(&tenant_id(1)).map(|list| list.events().count()), Some(10));
    play.answer(Slot::CheckoutFeed, Answer::CheckoutEvent(Live::Ended));
    assert!(play.app.shared.purchase.is_none());
}

#[test]
fn escape_leaves_the_dialog_and_not_the_purchase() {
    let mut play = bought(false);
    play.keys(&[Key::Esc]);
    assert!(play.app.dialog.is_none());
    play.keys(&[Key::Char('n')]);
    assert!(matches!(&play.app.dialog, Some(Dialog::NewTenant(_))));
    play.take_effects();
    play.keys(&[Key::Char('o')]);
    assert_eq!(requests(&play.effects), [&Request::Open("http://127.0.0.1:8765/pay/1".to_owned())]);
}

#[test]
fn a_deploy_is_refused_with_its_reason() {
    for (phase, words) in [
        ("provisioning", "orchard is still being provisioned"),
        ("deploying", "is deploying now"),
        ("suspended", "orchard is suspended"),
        ("failed_infra", "its provisioning failed"),
    ] {
        let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", phase)]);
        play.take_effects();
        play.keys(&[Key::Char('d')]);
        assert_eq!(play.take_effects(), []);
        assert!(play.text().contains(words), "{phase}: {}", play.text());
        play.keys(&[Key::Esc]);
        assert!(!play.text().contains(words));
    }
    let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", "running")]);
    play.app.shared.engine = Health::Down(Problem::new("No socket."));
    play.take_effects();
    play.keys(&[Key::Char('d')]);
    assert!(play.text().contains("Docker does not answer"));
    assert!(requests(&play.effects).contains(&&Request::PingEngine), "it may have been started since");
    play.answer(Slot::Engine, Answer::Engine(Ok("default".to_owned())));
    assert!(!play.text().contains("Docker does not answer"), "a refusal goes away with its reason");
    let mut play = building(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('d')]);
    assert!(play.text().contains("A deploy of orchard is running"));
    assert_eq!(play.take_effects(), []);
}

#[test]
fn an_address_where_nothing_answers_yet_is_not_opened() {
    let mut promised = tenant(1, "orchard", "awaiting_deploy");
    promised.app_url = Some("http://127.0.0.1:49151".to_owned());
    let mut play = Play::ready(120, 36, vec![promised]);
    assert!(!play.text().contains("o open"), "{}", play.text());
    play.take_effects();
    play.keys(&[Key::Char('o')]);
    assert_eq!(requests(&play.take_effects()), [] as [&Request; 0]);
    assert!(play.text().contains("orchard has no address yet."));
}

#[test]
fn where_one_pane_fills_the_screen_the_key_shows_what_it_did() {
    let mut play = Play::ready(80, 24, vec![tenant(1, "orchard", "running")]);
    play.app.shared.engine = Health::Down(Problem::new("No socket."));
    play.keys(&[Key::Char('d')]);
    assert!(play.text().contains("Docker does not answer"), "{}", play.text());

    let mut play = building(80, 24);
    assert!(play.text().contains("preflight"), "{}", play.text());
    play.keys(&[Key::Tab]);
    play.answer(deploy_job(), deployed_answer(Err(Problem::new("The image could not be built."))));
    assert!(play.text().contains("did not finish: The image could not be built."), "{}", play.text());
}

#[test]
fn the_full_text_is_of_the_problem_that_the_screen_shows() {
    let mut play = building(120, 36);
    let printed = "  291 |   fn broken( {";
    let output = BuildProgress::Output { vertex: 0, line: printed.to_owned() };
    play.answer(deploy_job(), progress_answer(DeployProgress::Build { progress: output }));
    play.answer(deploy_job(), deployed_answer(Err(Problem::new("The image could not be built."))));
    // Something else fails afterwards, elsewhere.
    play.tick(20);
    play.answer(Slot::Api, Answer::Api(Err(Problem::new("Server not reachable."))));
    play.keys(&[Key::Char('e')]);
    let text = play.text();
    let dialog = text.lines().skip_while(|line| !line.contains("What went wrong")).collect::<Vec<_>>().join("\n");
    assert!(dialog.contains("The image could not be built."), "{text}");
    assert!(dialog.contains(printed), "{text}");
    assert!(!dialog.contains("Server not reachable."), "{text}");
}

#[test]
fn a_running_deploy_is_stopped_once() {
    let mut play = building(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('c'), Key::Char('c')]);
    assert_eq!(play.take_effects(), [Effect::Stop(deploy_job())]);
    play.answer_deployed_with(Err(Problem::new("The deploy was stopped.")));
    assert!(play.app.shared.deploys.all_running().next().is_none());
    assert!(play.text().contains("The deploy was stopped."));
}

impl Play {
    /// The end of the deploy that was started before the effects were taken.
    fn answer_deployed_with(&mut self, result: Result<DeployOutcome, Problem>) {
        let sequence = (1..100)
            .find(|sequence| self.app.shared.jobs.is_current(&Ticket { slot: deploy_job(), sequence: *sequence }))
            .expect("a deploy runs");
        self.send(Msg::Answer(Ticket { slot: deploy_job(), sequence }, deployed_answer(result)));
    }
}

#[test]
fn a_deploy_goes_on_while_another_tenant_is_looked_at() {
    let mut play = building(120, 36);
    play.keys(&[Key::Down]);
    play.tick(10);
    play.answer(deploy_job(), progress_answer(DeployProgress::Started { step: DeployStep::Push }));
    let digest = Digest::new(&format!("sha256:{}", "a".repeat(64))).unwrap();
    let outcome = DeployOutcome { app_url: None, digest, image_id: None, took: Duration::from_secs(4) };
    play.answer(deploy_job(), deployed_answer(Ok(outcome)));
    assert!(play.text().contains("orchard is deployed."));
    assert!(play.app.shared.deploys.of(&tenant_id(1)).is_some_and(|run| run.result().is_some()));
}

#[test]
fn leaving_asks_while_a_deploy_runs_and_no_is_the_answer_of_enter() {
    let mut play = Play::ready(120, 36, tenants());
    play.take_effects();
    play.keys(&[Key::Char('q')]);
    assert_eq!(play.take_effects(), [Effect::Exit]);

    let mut play = building(120, 36);
    play.take_effects();
    play.keys(&[Key::Char('q'), Key::Enter]);
    assert!(play.app.dialog.is_none());
    assert_eq!(play.take_effects(), []);
    play.keys(&[Key::Char('q'), Key::Tab, Key::Enter]);
    assert_eq!(play.take_effects(), [Effect::Exit]);
    play.app.dialog = None;
    play.keys(&[Key::Ctrl('c')]);
    assert_eq!(play.take_effects(), []);
    play.keys(&[Key::Ctrl('c')]);
    assert_eq!(play.take_effects(), [Effect::Exit]);

    let mut play = building(120, 36);
    play.answer(deploy_job(), progress_answer(DeployProgress::Started { step: DeployStep::Deploy }));
    play.keys(&[Key::Char('q')]);
    assert!(play.text().contains("goes on by itself"), "{}", play.text());
}

#[test]
fn where_nothing_can_be_seen_only_the_way_out_works() {
    let mut play = building(120, 36);
    play.send(Msg::Resized { width: 20, height: 5 });
    play.take_effects();
    play.keys(&[Key::Char('c'), Key::Char('n'), Key::Char('R')]);
    assert_eq!(play.take_effects(), []);
    assert!(play.app.dialog.is_none());
    play.keys(&[Key::Char('q')]);
    assert!(play.text().starts_with("Leave? y n"), "{}", play.text());
    play.keys(&[Key::Char('n')]);
    assert!(play.text().starts_with("needs 60×16"));
    play.keys(&[Key::Char('q'), Key::Char('y')]);
    assert_eq!(play.take_effects(), [Effect::Exit]);
}

#[test]
fn the_question_goes_away_with_its_deploy() {
    let mut play = building(120, 36);
    play.keys(&[Key::Char('q')]);
    assert!(play.app.dialog.is_some());
    play.answer_deployed_with(Err(Problem::new("The image could not be built.")));
    assert!(play.app.dialog.is_none());
}

#[test]
fn an_idle_screen_wakes_rarely_and_draws_nothing() {
    let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", "running")]);
    play.answer(Slot::EventFeed, event_answer(Live::Connected));
    play.answer(log_feed(), log_answer(Live::Connected));
    play.take_effects();
    play.app.shared.dirty = false;
    let mut wakes = 0;
    while let Some(due) = play.app.next_wake().filter(|due| *due <= Duration::from_mins(1)) {
        wakes += 1;
        play.tick(due.as_secs());
        let effects = play.take_effects();
        for request in requests(&effects).into_iter().cloned().collect::<Vec<_>>() {
            play.effects.clone_from(&effects);
            match request {
                Request::PingApi => play.answer(Slot::Api, Answer::Api(Ok(Duration::from_millis(9)))),
                Request::PingEngine => play.answer(Slot::Engine, Answer::Engine(Ok("default".to_owned()))),
                Request::Tenants => play.list(vec![tenant(1, "orchard", "running")]),
                other => panic!("an idle screen asked for {other:?}"),
            }
        }
        play.take_effects();
        assert!(!play.app.shared.dirty, "at {due:?}");
    }
    assert!((4..=6).contains(&wakes), "woke {wakes} times in a minute");
}

#[test]
fn the_spinner_turns_only_while_something_moves() {
    let mut play = Play::ready(120, 36, vec![tenant(1, "orchard", "deploying")]);
    assert!(play.app.shared.timers.spinner.is_some());
    play.app.shared.api = Health::Down(Problem::new("Gone."));
    play.tick(1);
    assert!(play.app.shared.timers.spinner.is_none(), "nobody knows whether it still moves");
}

#[test]
fn a_lost_list_keeps_what_was_known() {
    let mut play = Play::ready(120, 36, tenants());
    play.keys(&[Key::Char('R')]);
    play.answer(Slot::Tenants, Answer::Tenants(Err(Problem::new("The API answers 500."))));
    assert_eq!(play.app.shared.tenants.list().len(), 6);
    assert!(play.text().contains("List not up to date: The API"));
}

#[test]
fn streams_come_back_with_the_api_and_not_at_their_own_next_attempt() {
    let mut play = filled(120, 36);
    let lost = || Problem::new("Live updates interrupted.").detail("Connection refused.");
    let interrupted = Live::Interrupted { attempt: 5, retry_in: Duration::from_secs(30), problem: lost() };
    play.answer(Slot::EventFeed, event_answer(interrupted));
    play.answer(log_feed(), log_answer(Live::Failed(lost())));
    play.tick(20);
    play.answer(Slot::Api, Answer::Api(Err(Problem::new("Server not reachable."))));
    play.take_effects();
    play.tick(40);
    play.answer(Slot::Api, Answer::Api(Ok(Duration::from_millis(3))));
    let asked = requests(&play.effects);
    for request in [Request::WatchTenant(tenant_id(1)), Request::FollowLogs(tenant_id(1))] {
        assert!(asked.contains(&&request), "{request:?} is not among {asked:?}");
    }
}

#[test]
fn scrolling_up_stays_and_the_end_follows_again() {
    let mut play = filled(120, 36);
    for second in 100..200 {
        play.answer(log_feed(), log_answer(Live::Item(log(second, "info", &format!("line {second}")))));
    }
    play.keys(&[Key::BackTab, Key::PageUp]);
    let before = play.text();
    assert!(before.contains("G follows again"));
    play.answer(log_feed(), log_answer(Live::Item(log(300, "info", "newest"))));
    assert!(!play.text().contains("newest"));
    play.keys(&[Key::Char('G')]);
    assert!(play.text().contains("newest"));
}

#[test]
fn a_machine_that_was_replaced_is_followed_again() {
    let mut play = filled(120, 36);
    play.answer(log_feed(), log_answer(Live::Ended));
    assert_eq!(*play.app.panes.logs.feed(), Feed::Ended);
    play.take_effects();
    play.send(Msg::Tick(moment(2)));
    let sequence = (1..100)
        .find(|sequence| play.app.shared.jobs.is_current(&Ticket { slot: Slot::EventFeed, sequence: *sequence }))
        .expect("a feed runs");
    let ready = event("ready", "tenant_ready", 60);
    play.send(Msg::Answer(Ticket { slot: Slot::EventFeed, sequence }, event_answer(Live::Item(ready))));
    assert!(requests(&play.effects).contains(&&Request::FollowLogs(tenant_id(1))));
}

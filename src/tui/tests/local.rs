//! Local tenants on the screen: the wizard from its choice to its end, how they stand in the list, and what is done with
//! them. No password is in any picture.

use std::time::Duration;

use super::sheets::sheets;
use crate::model::progress::{LocalProgress, LocalStep};
use crate::model::{LocalDefaults, LocalState, LocalStatus, Problem, Remedy, Secret, TenantId};
use crate::ops::call::{Call, Reply};
use crate::ops::local::{Deleted, Order, Source};
use crate::tui::app::Options;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, local, tenant, typed};

const PASSWORD: &str = "0f9c1b2a3d4e";

fn play() -> Play {
    let mut play = Play::ready(100, 30, vec![tenant(1, "orchard", "running")]);
    play.take_effects();
    play
}

/// A wizard with what it is told to begin with.
fn form(kind: &[Key]) -> Play {
    let mut play = play();
    play.keys(&[Key::Char('n')]);
    play.keys(kind);
    play.keys(&[Key::Enter]);
    let defaults = LocalDefaults { name: "local-2".into(), port: 5433 };
    play.answer(Slot::NewLocal, Answer::Reply(Ok(Reply::LocalDefaults(defaults))));
    play
}

fn orders(play: &Play) -> Vec<Order> {
    let order = |effect: &Effect| match effect {
        Effect::Start(_, Request::NewLocal(order)) => Some(order.clone()),
        _ => None,
    };
    play.effects.iter().filter_map(order).collect()
}

fn calls(play: &Play) -> Vec<Call> {
    let call = |effect: &Effect| match effect {
        Effect::Start(_, Request::Call(call)) => Some(call.clone()),
        _ => None,
    };
    play.effects.iter().filter_map(call).filter(Call::changes).collect()
}

fn said(play: &mut Play, said: LocalProgress) {
    play.answer(Slot::NewLocal, Answer::LocalProgress(said));
}

fn finished(step: LocalStep, summary: &str, took: u64) -> LocalProgress {
    LocalProgress::Finished { step, summary: summary.into(), took: Duration::from_millis(took) }
}

/// A wizard whose container is being made.
fn making() -> Play {
    let mut play = form(&[Key::Down]);
    play.keys(&[Key::Enter]);
    said(&mut play, LocalProgress::Started { step: LocalStep::Check });
    said(&mut play, finished(LocalStep::Check, "local-2, new, port 5433", 40));
    said(&mut play, LocalProgress::Started { step: LocalStep::Image });
    let text = "pulling postgres:18-alpine, 41/112 MB".into();
    said(&mut play, LocalProgress::Moved { step: LocalStep::Image, text });
    play
}

fn picture(play: &Play) -> String {
    let picture = play.picture();
    assert!(!picture.contains(PASSWORD) && !picture.contains("hunter2"), "{picture}");
    picture
}

#[test]
fn which_kind_is_asked_first_and_the_cloud_is_the_first_answer() {
    let mut play = play();
    play.keys(&[Key::Char('n')]);
    insta::assert_snapshot!("kind_100x30", picture(&play));
    play.keys(&[Key::Enter]);
    assert!(matches!(&play.app.dialog, Some(Dialog::NewTenant(_))));
}

#[test]
fn where_everything_is_thrown_away_nothing_local_is_made() {
    let mut play = play();
    play.app.shared.options = Options { throw_away: true, ..Options::default() };
    play.keys(&[Key::Char('n')]);
    assert!(matches!(&play.app.dialog, Some(Dialog::NewTenant(_))));
    play.keys(&[Key::Esc, Key::Ctrl('p')]);
    typed(&mut play, "new local");
    assert!(play.text().contains("throws everything away"), "{}", play.text());
}

#[test]
fn a_container_is_ordered_as_it_was_typed() {
    let mut play = form(&[Key::Down]);
    insta::assert_snapshot!("container_100x30", picture(&play));
    play.keys(&[Key::Ctrl('u')]);
    typed(&mut play, "shop");
    play.keys(&[Key::Tab, Key::Ctrl('u')]);
    typed(&mut play, "80800");
    play.keys(&[Key::Enter]);
    insta::assert_snapshot!("container_complaint_100x30", picture(&play));
    assert_eq!(orders(&play), []);
    play.keys(&[Key::Backspace, Key::Tab, Key::Ctrl('u')]);
    typed(&mut play, "postgres:17");
    play.keys(&[Key::BackTab, Key::Down, Key::Enter]);
    let source = Source::Container { image: "postgres:17".into(), port: Some(8080) };
    assert_eq!(orders(&play), [Order { name: Some("shop".into()), source }]);
}

#[test]
fn what_is_suggested_does_not_replace_what_was_typed() {
    let mut play = play();
    play.keys(&[Key::Char('n'), Key::Down, Key::Enter]);
    typed(&mut play, "own");
    let defaults = LocalDefaults { name: "local".into(), port: 5432 };
    play.answer(Slot::NewLocal, Answer::Reply(Ok(Reply::LocalDefaults(defaults))));
    play.keys(&[Key::Enter]);
    assert_eq!(orders(&play)[0].name.as_deref(), Some("own"));
}

#[test]
fn an_existing_database_is_taken_by_an_address_that_is_not_shown() {
    let mut play = form(&[Key::Down, Key::Down]);
    play.keys(&[Key::Tab]);
    play.send(Msg::Pasted("postgres://u:hunter2@db.example:5432/shop\n".into()));
    insta::assert_snapshot!("existing_100x30", picture(&play));
    assert!(!format!("{:?}", play.app.dialog).contains("hunter2"));
    play.keys(&[Key::Enter]);
    let url = Secret::new("postgres://u:hunter2@db.example:5432/shop");
    assert_eq!(orders(&play), [Order { name: Some("local-2".into()), source: Source::Existing(url) }]);
    let mut play = form(&[Key::Down, Key::Down]);
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("Type or paste the address"), "{}", play.text());
}

#[test]
fn the_steps_are_told_up_to_an_address_that_can_be_copied() {
    let mut play = making();
    assert!(play.app.is_moving());
    insta::assert_snapshot!("making_100x30", picture(&play));
    let made = local("local_2", "local-2", LocalState::Running).tenant;
    play.answer(Slot::NewLocal, Answer::LocalMade(Ok(made.clone())));
    insta::assert_snapshot!("made_100x30", picture(&play));
    play.keys(&[Key::Char('y')]);
    let url = made.database_url.as_ref().map(|url| url.reveal().to_owned());
    assert_eq!(play.copied(), url.map(|url| (url, true)));
    play.keys(&[Key::Enter]);
    assert!(play.app.dialog.is_none());
    // The new one is selected once it is listed.
    play.answer(Slot::LocalTenants, Answer::Reply(Ok(Reply::LocalTenants(vec![made]))));
    assert_eq!(play.app.selected().map(|tenant| tenant.name.as_str()), Some("local-2"));
}

#[test]
fn a_failure_says_what_to_do_and_what_was_typed_is_still_there() {
    let mut play = making();
    said(&mut play, LocalProgress::Failed { step: LocalStep::Image });
    let problem = Problem::new("The image postgres:18-alpine cannot be pulled.")
        .detail("the image postgres:18-alpine cannot be pulled: no such host")
        .hint("Check its name and the network, or name an image that this machine has.")
        .remedy(Remedy::Retry);
    play.answer(Slot::NewLocal, Answer::LocalMade(Err(problem)));
    insta::assert_snapshot!("failed_100x30", picture(&play));
    play.take_effects();
    play.keys(&[Key::Backspace]);
    assert!(play.text().contains("local-2") && play.text().contains("5433"), "{}", play.text());
    play.keys(&[Key::Enter]);
    assert_eq!(orders(&play).len(), 1);
}

#[test]
fn a_making_that_is_stopped_takes_back_what_it_made() {
    let mut play = making();
    play.take_effects();
    play.keys(&[Key::Esc]);
    assert_eq!(play.take_effects(), [Effect::Stop(Slot::NewLocal)]);
    insta::assert_snapshot!("stopping_100x30", picture(&play));
    play.keys(&[Key::Esc, Key::Enter]);
    assert!(play.app.dialog.is_some(), "it is not over before it is over");
    let ticket = making_ticket(&play);
    play.send(Msg::Answer(ticket, Answer::LocalMade(Err(Problem::new("Cancelled.")))));
    assert!(play.app.dialog.is_none());
    assert!(play.text().contains("Stopped: nothing was made."), "{}", play.text());
}

/// The ticket of the making that runs.
fn making_ticket(play: &Play) -> crate::tui::jobs::Ticket {
    let tickets = (1..).map(|sequence| crate::tui::jobs::Ticket { slot: Slot::NewLocal, sequence });
    let mut current = tickets.filter(|ticket| play.app.shared.jobs.is_current(ticket));
    current.next().expect("it runs")
}

/// A list with these local tenants.
fn listed(statuses: Vec<LocalStatus>) -> Play {
    let mut play = play();
    play.keys(&[Key::Char('R')]);
    play.answer(Slot::LocalTenants, Answer::Reply(Ok(Reply::LocalStatuses(statuses))));
    play.keys(&[Key::Char('G')]);
    play.take_effects();
    play
}

#[test]
fn how_they_are_stands_in_the_list() {
    let states = [
        ("here", LocalState::Running),
        ("begins", LocalState::Starting),
        ("sleeps", LocalState::Stopped),
        ("lost", LocalState::Gone),
        ("mute", LocalState::Silent),
        ("who", LocalState::Unknown),
    ];
    let of = |(number, (name, state)): (usize, (&str, LocalState))| local(&format!("local_{number}"), name, state);
    let mut all: Vec<LocalStatus> = states.into_iter().enumerate().map(of).collect();
    all[4].detail = Some("connection refused (os error 111)".into());
    let mut play = listed(all);
    play.send(Msg::Resized { width: 140, height: 36 });
    play.keys(&[Key::Home, Key::Down, Key::Down, Key::Down, Key::Down, Key::Down]);
    insta::assert_snapshot!("list_140x36", picture(&play));
}

#[test]
fn the_list_is_read_first_and_then_everybody_is_asked() {
    let mut play = play();
    play.keys(&[Key::Char('R')]);
    let tenant = local("local_1", "here", LocalState::Running).tenant;
    play.answer(Slot::LocalTenants, Answer::Reply(Ok(Reply::LocalTenants(vec![tenant.clone()]))));
    assert!(play.text().contains("unknown"), "{}", play.text());
    let status = LocalStatus { tenant: tenant.clone(), state: LocalState::Stopped, detail: None };
    play.answer(Slot::LocalTenants, Answer::Reply(Ok(Reply::LocalStatuses(vec![status]))));
    assert!(play.text().contains("stopped"), "{}", play.text());
    // What is known stays until something newer is.
    play.keys(&[Key::Char('R')]);
    play.answer(Slot::LocalTenants, Answer::Reply(Ok(Reply::LocalTenants(vec![tenant]))));
    assert!(play.text().contains("stopped"), "{}", play.text());
}

fn select_local(play: &mut Play) {
    let id = TenantId::new("local_1").unwrap();
    assert!(play.app.shared.tenants.select(&id));
    play.tick(1);
    play.take_effects();
}

#[test]
fn the_keys_of_the_clouds_tenants_mean_the_same_here() {
    let id = TenantId::new("local_1").unwrap();
    let mut play = listed(vec![local("local_1", "here", LocalState::Running)]);
    select_local(&mut play);
    play.keys(&[Key::Char('t'), Key::Char('s')]);
    insta::assert_snapshot!("stop_100x30", picture(&play));
    play.keys(&[Key::Char('y')]);
    assert_eq!(calls(&play), [Call::StopLocal(id.clone())]);
    let stopped = local("local_1", "here", LocalState::Stopped);
    let reply = Reply::LocalStopped(Box::new(stopped.tenant.clone()));
    play.answer(Slot::Action("local-stop", id.clone()), Answer::Reply(Ok(reply)));
    assert!(play.text().contains("here is stopped; its data stays."), "{}", play.text());

    let mut play = listed(vec![stopped]);
    select_local(&mut play);
    play.keys(&[Key::Char('t'), Key::Char('s')]);
    assert!(play.text().contains("here is stopped already."), "{}", play.text());
    play.keys(&[Key::Char('t'), Key::Char('a')]);
    assert_eq!(calls(&play), [Call::StartLocal(id.clone())]);
    play.take_effects();
    play.keys(&[Key::Char('t'), Key::Char('n')]);
    play.send(Msg::Pasted("-2".into()));
    play.keys(&[Key::Enter]);
    assert_eq!(calls(&play), [Call::RenameLocal { id: id.clone(), name: "here-2".into() }]);
    play.keys(&[Key::Char('t'), Key::Char('u')]);
    assert!(play.copied().is_some_and(|(url, is_secret)| url.contains(PASSWORD) && is_secret));
    // What only the cloud has says so.
    play.take_effects();
    play.keys(&[Key::Char('t'), Key::Char('r')]);
    assert!(play.text().contains("is a database on this machine"), "{}", play.text());
    assert_eq!(calls(&play), []);
}

#[test]
fn deleting_asks_what_becomes_of_the_data_and_losing_it_wants_the_name() {
    let id = TenantId::new("local_1").unwrap();
    let mut play = listed(vec![local("local_1", "here", LocalState::Running)]);
    select_local(&mut play);
    play.keys(&[Key::Char('t'), Key::Char('d')]);
    insta::assert_snapshot!("delete_100x30", picture(&play));
    play.keys(&[Key::Enter]);
    assert_eq!(calls(&play), [], "the first answer is to leave it");
    play.keys(&[Key::Char('t'), Key::Char('d'), Key::Down, Key::Enter]);
    assert_eq!(calls(&play), [Call::DeleteLocal { id: id.clone(), data: false }]);
    let deleted = Deleted {
        name: "here".into(),
        kept: vec!["local_19b9f3a2c41_data".into()],
        bring_back: Some("docker compose".into()),
        is_untouched: false,
        was_elsewhere: false,
    };
    play.answer(Slot::Action("local-delete", id.clone()), Answer::Reply(Ok(Reply::LocalDeleted(deleted))));
    assert!(play.text().contains("stays in the volume local_19b9f3a2c41_data"), "{}", play.text());
    play.take_effects();
    play.keys(&[Key::Char('t'), Key::Char('d'), Key::Down, Key::Down, Key::Enter]);
    insta::assert_snapshot!("delete_data_100x30", picture(&play));
    typed(&mut play, "her");
    play.keys(&[Key::Enter]);
    assert_eq!(calls(&play), []);
    play.keys(&[Key::Char('t'), Key::Char('d'), Key::Down, Key::Down, Key::Enter]);
    typed(&mut play, "here");
    play.keys(&[Key::Enter]);
    assert_eq!(calls(&play), [Call::DeleteLocal { id, data: true }]);
}

#[test]
fn a_read_only_screen_makes_and_changes_nothing_here_either() {
    let mut play = listed(vec![local("local_1", "here", LocalState::Running)]);
    select_local(&mut play);
    play.app.shared.lock = Lock::ReadOnly;
    for keys in [['t', 's'], ['t', 'n'], ['t', 'd'], ['t', 'a']] {
        play.keys(&keys.map(Key::Char));
        assert!(play.app.dialog.is_none(), "{keys:?}");
    }
    play.keys(&[Key::Char('n')]);
    assert!(play.app.dialog.is_none());
    assert_eq!(calls(&play), []);
    // A form that was open before it was locked.
    play.app.shared.lock = Lock::Open;
    play.keys(&[Key::Char('n'), Key::Down, Key::Enter]);
    play.app.shared.lock = Lock::ReadOnly;
    play.keys(&[Key::Enter]);
    assert_eq!(orders(&play), []);
}

/// The same at another size.
fn sized(mut play: Play, width: u16, height: u16) -> Play {
    play.send(Msg::Resized { width, height });
    play
}

#[test]
fn sheets_of_its_states() {
    let container = &[Key::Down][..];
    let existing = &[Key::Down, Key::Down][..];
    sheets(
        "new_local",
        &[
            ("kind", &|width, height| {
                let mut play = sized(play(), width, height);
                play.keys(&[Key::Char('n')]);
                play
            }),
            ("container, before anything is suggested", &|width, height| {
                let mut play = sized(play(), width, height);
                play.keys(&[Key::Char('n'), Key::Down, Key::Enter]);
                play
            }),
            ("container", &|width, height| sized(form(container), width, height)),
            ("container, wrong port", &|width, height| {
                let mut play = sized(form(container), width, height);
                play.keys(&[Key::Tab, Key::Ctrl('u')]);
                typed(&mut play, "80800");
                play.keys(&[Key::Enter]);
                play
            }),
            ("existing, empty", &|width, height| {
                let mut play = sized(form(existing), width, height);
                play.keys(&[Key::Enter]);
                play
            }),
            ("existing", &|width, height| {
                let mut play = sized(form(existing), width, height);
                play.keys(&[Key::Tab]);
                play.send(Msg::Pasted("postgres://u:hunter2@db.example:5432/shop\n".into()));
                play
            }),
            ("read-only", &|width, height| {
                let mut play = sized(form(container), width, height);
                play.app.shared.lock = Lock::ReadOnly;
                play.keys(&[Key::Enter]);
                play
            }),
            ("making", &|width, height| sized(making(), width, height)),
            ("stopping", &|width, height| {
                let mut play = sized(making(), width, height);
                play.keys(&[Key::Esc]);
                play
            }),
            ("made", &|width, height| {
                let mut play = sized(making(), width, height);
                let made = local("local_2", "local-2", LocalState::Running).tenant;
                play.answer(Slot::NewLocal, Answer::LocalMade(Ok(made)));
                play
            }),
            ("failed", &|width, height| {
                let mut play = sized(making(), width, height);
                said(&mut play, LocalProgress::Failed { step: LocalStep::Image });
                let problem = Problem::new("The image postgres:18-alpine cannot be pulled.")
                    .detail("the image postgres:18-alpine cannot be pulled: no such host")
                    .hint("Check its name and the network, or name an image that this machine has.");
                play.answer(Slot::NewLocal, Answer::LocalMade(Err(problem)));
                play
            }),
        ],
    );
}

//! What was chosen for a tenant before it was bought: done once it is there, each thing once and whatever is open by then;
//! and what comes next.

use super::pictures::{begin_purchase, plans};
use crate::model::{Check, EventKind, Problem, ProvisioningEvent, Tenant};
use crate::ops::call::{Call, Reply};
use crate::ops::external_access::Access;
use crate::tui::app::BareFolder;
use crate::tui::backend::Live;
use crate::tui::bought::WishState;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::Key;
use crate::tui::lock::Lock;
use crate::tui::msg::{Answer, Msg};
use crate::tui::panes::Pane;
use crate::tui::testing::{Play, event, phase_one, tenant, tenant_id, typed};
use crate::tui::update::keys::invoke_id;

const OPEN: &[Key] = &[Key::Down, Key::Enter, Key::Up];

/// A wizard at its options.
pub fn options(width: u16, height: u16) -> Play {
    let mut play = Play::ready(width, height, vec![tenant(2, "other", "running")]);
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(plans())));
    play.keys(&[Key::Down, Key::Enter, Key::Enter]);
    play
}

/// Types a name, and comes back to the options.
fn call_it(play: &mut Play, name: &str) {
    play.keys(&[Key::Down, Key::Down, Key::Enter]);
    typed(play, name);
    play.keys(&[Key::Enter]);
}

/// One with a name and an open database.
pub fn chosen(width: u16, height: u16) -> Play {
    let mut play = options(width, height);
    play.keys(OPEN);
    call_it(&mut play, "shop");
    play
}

/// Buys what is chosen, up to the payment.
pub fn buy(play: &mut Play) {
    play.keys(&[Key::Enter]);
    begin_purchase(play);
}

pub fn happens(play: &mut Play, event: ProvisioningEvent) {
    play.answer(Slot::CheckoutFeed, Answer::CheckoutEvent(Live::Item(event)));
}

/// The events of its first phase, without the last.
pub fn provision(play: &mut Play) {
    for event in phase_one().into_iter().take(9) {
        happens(play, event);
    }
    reload(play, tenant(1, "orchard", "provisioning"));
}

/// A fresh list with the new tenant in it.
pub fn reload(play: &mut Play, new: Tenant) {
    play.app.shared.jobs.end(&Slot::Tenants);
    let running = play.app.shared.now.running.as_secs();
    play.tick(running + 6);
    play.list(vec![tenant(2, "other", "running"), new]);
}

/// The last event, and the list that has it.
pub fn is_there(play: &mut Play) {
    happens(play, phase_one().remove(9));
    reload(play, tenant(1, "orchard", "awaiting_deploy"));
}

/// The same under another name.
fn happens_last(play: &mut Play, name: &str) {
    happens(play, phase_one().remove(9));
    reload(play, tenant(1, name, "awaiting_deploy"));
}

/// A tenant whose infrastructure has just been made.
pub fn ready(mut play: Play) -> Play {
    buy(&mut play);
    provision(&mut play);
    is_there(&mut play);
    play
}

pub fn renamed(play: &mut Play, result: Result<(), Problem>) {
    let reply = result.map(|()| Reply::Tenant(Box::new(tenant(1, "shop", "awaiting_deploy"))));
    play.answer(Slot::Action("rename", tenant_id(1)), Answer::Reply(reply));
}

pub fn opened(play: &mut Play, result: Result<(), Problem>) {
    let access = Access { enabled: true, masked_url: String::new(), database_url: None, stored: None };
    let reply = result.map(|()| Reply::ExternalAccess(Box::new(access)));
    play.answer(Slot::Action("access-on", tenant_id(1)), Answer::Reply(reply));
}

pub fn looked(play: &mut Play, lacks: Vec<Check>) {
    play.answer(Slot::FirstDeploy, Answer::Reply(Ok(Reply::FirstDeploy(lacks))));
}

/// What was asked for that changes something, since the effects were taken the last time.
fn changes(play: &Play) -> Vec<Call> {
    let call = |effect: &Effect| match effect {
        Effect::Start(_, Request::Call(call)) if call.changes() => Some(call.clone()),
        _ => None,
    };
    play.effects.iter().filter_map(call).collect()
}

fn rename() -> Call {
    Call::Rename { id: tenant_id(1), name: "shop".into() }
}

fn open_database() -> Call {
    Call::ExternalAccess { id: tenant_id(1), enabled: true }
}

fn deploys(play: &Play) -> usize {
    play.effects.iter().filter(|effect| matches!(effect, Effect::Start(_, Request::Deploy(_)))).count()
}

#[test]
fn what_is_ordinary_is_safe_and_asks_for_nothing() {
    let mut play = ready(options(120, 36));
    assert_eq!(changes(&play), []);
    assert!(matches!(play.app.dialog, Some(Dialog::Ready(_))), "{}", play.text());
    assert!(play.text().contains("Deploy now") && play.text().contains("to deploy"), "{}", play.text());
    play.keys(&[Key::Esc]);
    reload(&mut play, tenant(1, "orchard", "awaiting_deploy"));
    assert_eq!(play.app.dialog, None, "it is told once");
}

#[test]
fn what_was_chosen_is_done_once_and_one_after_the_other() {
    let mut play = chosen(120, 36);
    assert!(play.text().contains("shop"), "{}", play.text());
    buy(&mut play);
    provision(&mut play);
    assert_eq!(changes(&play), [], "there is no database yet");
    is_there(&mut play);
    assert_eq!(changes(&play), [rename()]);
    reload(&mut play, tenant(1, "orchard", "awaiting_deploy"));
    assert_eq!(changes(&play), [rename()], "it is under way");
    renamed(&mut play, Ok(()));
    assert_eq!(changes(&play), [rename(), open_database()]);
    assert_eq!(play.app.dialog, None, "nothing comes next before that");
    opened(&mut play, Ok(()));
    assert!(play.text().contains("shop has a database that can be reached"), "{}", play.text());
    reload(&mut play, tenant(1, "shop", "awaiting_deploy"));
    reload(&mut play, tenant(1, "shop", "running"));
    assert_eq!(changes(&play), [rename(), open_database()]);
    assert!(play.text().contains("✓ called shop") && play.text().contains("✓ its database"), "{}", play.text());
}

#[test]
fn it_is_done_whatever_was_closed_meanwhile() {
    // The dialog is closed before the purchase has begun, and the person goes elsewhere.
    let mut play = chosen(120, 36);
    play.keys(&[Key::Enter, Key::Esc]);
    begin_purchase(&mut play);
    play.keys(&[Key::Char('3')]);
    provision(&mut play);
    play.keys(&[Key::Char('3')]);
    is_there(&mut play);
    renamed(&mut play, Ok(()));
    opened(&mut play, Ok(()));
    assert_eq!(changes(&play), [rename(), open_database()]);
    assert_eq!(play.app.dialog, None, "nothing opens over what is looked at");
    assert!(play.text().contains("waits for its first deploy: t f shows what comes next"), "{}", play.text());
    play.keys(&[Key::Char('t'), Key::Char('f')]);
    assert!(play.text().contains("✓ called shop"), "{}", play.text());
}

#[test]
fn it_is_done_although_the_stream_was_lost() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    provision(&mut play);
    play.answer(Slot::CheckoutFeed, Answer::CheckoutEvent(Live::Failed(Problem::new("Lost."))));
    reload(&mut play, tenant(1, "orchard", "awaiting_deploy"));
    assert_eq!(changes(&play), [rename()]);
}

#[test]
fn a_failure_is_told_and_the_rest_is_done_all_the_same() {
    let mut play = ready(chosen(120, 36));
    renamed(&mut play, Err(Problem::new("Another tenant has this name.")));
    assert!(play.text().contains("orchard is not called shop."), "{}", play.text());
    assert_eq!(changes(&play), [rename(), open_database()]);
    opened(&mut play, Err(Problem::new("The API answers 500.").hint("Try again later.")));
    let text = play.text();
    assert!(text.contains("is not open to the outside") && text.contains("t x does it by hand"), "{text}");
    assert!(text.contains("Another tenant has this name.") && text.contains("Deploy now"), "{text}");
    for _ in 0..3 {
        reload(&mut play, tenant(1, "orchard", "awaiting_deploy"));
    }
    assert_eq!(changes(&play).len(), 2, "nothing is tried again by itself");
}

#[test]
fn what_somebody_did_by_hand_meanwhile_is_not_done_again() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    provision(&mut play);
    let by_hand = Tenant { external_db_access: Some(true), ..tenant(1, "shop", "awaiting_deploy") };
    reload(&mut play, by_hand);
    assert_eq!(changes(&play), []);
    assert!(matches!(play.app.dialog, Some(Dialog::Ready(_))));
}

#[test]
fn another_name_that_somebody_gives_by_hand_stays() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    provision(&mut play);
    play.keys(&[Key::Esc, Key::Esc]);
    assert!(play.app.shared.tenants.select(&tenant_id(1)));
    play.keys(&[Key::Char('t'), Key::Char('n')]);
    for _ in 0..7 {
        play.keys(&[Key::Backspace]);
    }
    typed(&mut play, "store");
    play.keys(&[Key::Enter]);
    assert!(matches!(&changes(&play)[..], [Call::Rename { name, .. }] if name == "store"), "{:?}", changes(&play));
    let renamed = Tenant { name: "store".to_owned(), ..tenant(1, "store", "provisioning") };
    play.answer(Slot::Action("rename", tenant_id(1)), Answer::Reply(Ok(Reply::Tenant(Box::new(renamed)))));
    happens_last(&mut play, "store");
    let done = changes(&play);
    assert!(matches!(&done[..], [Call::Rename { .. }, Call::ExternalAccess { .. }]), "only the rest: {done:?}");
}

#[test]
fn nobody_leaves_a_purchase_with_choices_without_being_asked() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    play.keys(&[Key::Esc, Key::Char('q')]);
    assert!(play.text().contains("A purchase is under way."), "{}", play.text());
}

#[test]
fn one_is_bought_after_the_other() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    happens(&mut play, phase_one().remove(0));
    let before = play.effects.len();
    play.keys(&[Key::Char('n'), Key::Enter]);
    assert!(play.text().contains("that was just paid is not there yet"), "{}", play.text());
    assert_eq!((play.effects.len(), &play.app.dialog), (before, &None), "no second one begins");
    provision(&mut play);
    play.keys(&[Key::Char('n'), Key::Enter]);
    assert!(matches!(play.app.dialog, Some(Dialog::NewTenant(_))), "{}", play.text());
}

#[test]
fn a_purchase_that_nobody_watches_any_more_says_so() {
    let mut play = options(120, 36);
    buy(&mut play);
    assert!(play.text().contains("waiting for the payment"), "{}", play.text());
    play.keys(&[Key::Esc]);
    for id in ["jobs", "choice.take", "choice.close", "new", "choice.take"] {
        let effects = invoke_id(&mut play.app, id);
        play.effects.extend(effects);
    }
    assert!(play.effects.contains(&Effect::Stop(Slot::CheckoutFeed)));
    let text = play.text();
    assert!(text.contains("Nobody watches whether it is paid: press Esc, then press R"), "{text}");
    assert!(!text.contains("waiting for") && !text.contains("keeps waiting"), "what does not wait says so: {text}");
}

#[test]
fn where_nothing_may_be_changed_any_more_nothing_is() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    provision(&mut play);
    play.app.shared.lock = Lock::Protected;
    is_there(&mut play);
    play.app.shared.lock = Lock::Open;
    reload(&mut play, tenant(1, "orchard", "awaiting_deploy"));
    assert_eq!(changes(&play), []);
    let failed = |state: &WishState| matches!(state, WishState::Failed(problem) if problem.hint.is_some());
    assert!(play.app.shared.bought[0].wishes.iter().all(|wish| failed(&wish.state)), "{:?}", play.app.shared.bought);
}

#[test]
fn two_purchases_keep_what_was_chosen_for_each() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    provision(&mut play);
    // The next one is bought while the first is being made.
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(plans())));
    play.keys(&[Key::Enter, Key::Enter]);
    buy(&mut play);
    let second = |kind: &str, second| ProvisioningEvent { tenant_id: Some(tenant_id(3)), ..event(kind, kind, second) };
    happens(&mut play, second("tenant_created", 20));
    happens(&mut play, second("infrastructure_ready", 21));
    play.app.shared.jobs.end(&Slot::Tenants);
    play.tick(60);
    play.list(vec![tenant(1, "orchard", "awaiting_deploy"), tenant(3, "plain", "awaiting_deploy")]);
    assert_eq!(changes(&play), [rename()]);
    assert_eq!(second("infrastructure_ready", 1).event_type, EventKind::InfrastructureReady);
}

#[test]
fn a_name_is_looked_at_before_anything_is_paid() {
    let mut play = options(120, 36);
    play.keys(&[Key::Down, Key::Down, Key::Enter]);
    play.send(Msg::Pasted("other\n".into()));
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("Another tenant is called other."), "{}", play.text());
    play.keys(&[Key::Ctrl('u')]);
    assert!(!play.text().contains("Another tenant"), "{}", play.text());
    typed(&mut play, " q d ");
    play.keys(&[Key::Enter]);
    assert!(play.text().contains("q d") && play.text().contains("begin the purchase"), "{}", play.text());
    // Leaving the line leaves the name, and going back keeps everything.
    play.keys(&[Key::Down, Key::Down, Key::Enter, Key::Char('x'), Key::Esc, Key::Backspace, Key::Enter]);
    assert!(play.text().contains("q d") && !play.text().contains("q dx"), "{}", play.text());
}

#[test]
fn leaving_with_something_undone_asks_first() {
    let mut play = chosen(120, 36);
    buy(&mut play);
    play.keys(&[Key::Esc]);
    provision(&mut play);
    play.take_effects();
    play.keys(&[Key::Char('q')]);
    assert!(play.text().contains("orchard is not provisioned yet."), "{}", play.text());
    assert_eq!(play.take_effects(), []);
    play.keys(&[Key::Char('y')]);
    assert!(play.effects.contains(&Effect::Exit));
    let mut play = options(120, 36);
    buy(&mut play);
    play.keys(&[Key::Esc]);
    provision(&mut play);
    play.keys(&[Key::Char('q')]);
    assert!(play.effects.contains(&Effect::Exit), "nothing was chosen that would be lost");
}

#[test]
fn the_first_deploy_is_one_key_and_of_the_new_tenant_alone() {
    for keys in [&[Key::Char('d')][..], &[Key::Up, Key::Up, Key::Up, Key::Enter]] {
        let mut play = ready(options(120, 36));
        play.app.shared.tenants.select(&tenant_id(2));
        play.app.shared.tenants.toggle_mark();
        play.take_effects();
        play.keys(keys);
        let asked = play
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Start(_, Request::Deploy(tenants)) if *tenants == [tenant_id(1)]));
        assert!(asked && deploys(&play) == 1, "{:?}", play.effects);
        assert_eq!(play.app.dialog, None);
        assert_eq!(play.app.selected().map(|tenant| tenant.id.clone()), Some(tenant_id(1)));
    }
}

#[test]
fn whoever_does_not_look_begins_nothing() {
    let mut play = ready(options(120, 36));
    play.take_effects();
    play.keys(&[Key::Enter]);
    assert!(play.app.dialog.is_none() && deploys(&play) == 0 && changes(&play).is_empty(), "{:?}", play.effects);
}

#[test]
fn a_first_deploy_that_is_not_possible_says_why() {
    let mut play = ready(options(120, 36));
    play.app.shared.options.bare_folder = Some(BareFolder { shown: "/home/mara".into(), asks: false });
    assert!(play.text().contains("There is no project here, and a deploy needs one."), "{}", play.text());
    play.keys(&[Key::Char('d'), Key::Up, Key::Up, Key::Up, Key::Enter]);
    assert_eq!(deploys(&play), 0);
    assert!(play.app.dialog.is_some() && play.app.shared.toast.as_ref().is_some_and(|toast| toast.bad));

    let mut play = ready(options(120, 36));
    play.app.shared.lock = Lock::ReadOnly;
    play.keys(&[Key::Char('d'), Key::Up, Key::Up, Key::Up, Key::Enter]);
    assert_eq!(deploys(&play), 0);
    assert!(play.text().contains("read-only: nothing is changed"), "{}", play.text());

    let mut play = ready(options(120, 36));
    play.keys(&[Key::Char('o'), Key::Up, Key::Enter]);
    assert!(!play.effects.iter().any(|effect| matches!(effect, Effect::Start(_, Request::Open(_)))));
    assert!(play.text().contains("orchard has no address yet."), "{}", play.text());
}

#[test]
fn what_the_project_lacks_is_looked_for_and_told() {
    let mut play = ready(options(120, 36));
    assert!(play.app.is_moving() && play.text().contains("looking at the project"), "{}", play.text());
    let hint = "Write ten_1 as cloud.tenant_id into .systemprompt/profiles/production/profile.yaml.";
    looked(&mut play, vec![Check::warn("profile", "No profile names this tenant.", hint)]);
    let words = play.text().split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    assert!(words.contains("No profile names this tenant.") && words.contains("cloud.tenant_id"), "{words}");
    play.keys(&[Key::Char('y')]);
    assert_eq!(play.copied(), Some((tenant_id(1).to_string(), false)));
    // A late answer to a dialog that is closed is nobody's.
    let mut play = ready(options(120, 36));
    let asked = play.effects.iter().rev().find_map(|effect| match effect {
        Effect::Start(ticket, Request::Call(Call::FirstDeploy(_))) => Some(ticket.clone()),
        _ => None,
    });
    play.keys(&[Key::Esc]);
    let ticket: Ticket = asked.expect("it was asked for");
    play.send(Msg::Answer(ticket, Answer::Reply(Ok(Reply::FirstDeploy(Vec::new())))));
    assert_eq!(play.app.dialog, None);
}

#[test]
fn the_credentials_are_fetched_where_they_always_are() {
    let mut play = ready(options(120, 36));
    play.take_effects();
    play.keys(&[Key::Up, Key::Up, Key::Enter]);
    assert!(play.app.dialog.is_none() && play.app.focus == Pane::Secrets);
    assert_eq!(changes(&play), [], "that is asked there");
}

#[test]
fn every_size_can_be_drawn() {
    for make in [options, chosen, |width, height| ready(options(width, height))] {
        let mut play = make(120, 36);
        for width in [0, 20, 59, 60, 61, 100, 300] {
            for height in [0, 5, 15, 16, 17, 30, 80] {
                play.send(Msg::Resized { width, height });
                play.text();
            }
        }
    }
}

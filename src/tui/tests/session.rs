//! A long session of random keys over a fake API: the screen never panics, every picture can be drawn, and nothing is done
//! to a tenant without the question that belongs to it, whatever is pressed in whatever order.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use std::time::Duration;

use crate::model::progress::{LocalProgress, LocalStep};
use crate::model::{CheckoutSession, LocalState, Problem, ProvisioningEvent, SessionId, Tenant};
use crate::ops;
use crate::ops::call::{Call, Reply};
use crate::tui::TenantList;
use crate::tui::backend::Live;
use crate::tui::commands::table;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::new_tenant::Stage;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::{Chord, Key};
use crate::tui::lock::Lock;
use crate::tui::mouse::{Act, Mouse};
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, event, log, me, moment_at, tenant, tenant_id};

/// The tenant that is bought: one that waits for its first deploy.
const BOUGHT: u8 = 2;
/// Keys of one session. More than asked for in all: several sessions are played.
const KEYS: usize = 4_000;

fn tenants() -> Vec<Tenant> {
    let phases =
        ["running", "awaiting_deploy", "suspended", "failed_infra", "failed_deploy", "provisioning", "deploying"];
    let names = ["orchard", "docs", "labs", "漢字", "a", "b", "c"];
    (1u8..).zip(names).zip(phases).map(|((number, name), phase)| tenant(number, name, phase)).collect()
}

/// Every key that means something by default, and some that mean nothing.
fn alphabet() -> Vec<Vec<Key>> {
    let chords = table().flat_map(|command| command.keys.iter()).filter_map(|keys| keys.parse::<Chord>().ok());
    let mut all: Vec<Vec<Key>> = chords.map(|chord| chord.keys().to_vec()).collect();
    all.extend("xyZ9é漢".chars().map(|c| vec![Key::Char(c)]));
    // What answers questions, often enough to get behind them.
    for _ in 0..12 {
        all.extend([
            vec![Key::Enter],
            vec![Key::Char('y')],
            vec![Key::Tab, Key::Enter],
            vec![Key::Esc],
            vec![Key::Esc],
        ]);
    }
    all
}

/// What the next step is.
fn step(rng: &mut TestRng, alphabet: &[Vec<Key>], play: &Play) -> Vec<Msg> {
    let any = |rng: &mut TestRng, below: usize| usize::try_from(rng.next_u32()).unwrap() % below;
    match any(rng, 40) {
        0 => vec![Msg::Resized {
            width: u16::try_from(any(rng, 150)).unwrap(),
            height: u16::try_from(any(rng, 50)).unwrap(),
        }],
        1 => vec![Msg::Resized { width: 120, height: 36 }],
        2 | 3 => {
            let act = [Act::Press, Act::Drag, Act::Release, Act::Wheel(3), Act::Wheel(-3)][any(rng, 5)];
            let (x, y) = (u16::try_from(any(rng, 130)).unwrap(), u16::try_from(any(rng, 40)).unwrap());
            vec![Msg::Mouse(Mouse { act, x, y })]
        }
        4 => vec![Msg::Pasted("漢 orchard\n".to_owned())],
        // The next step of a purchase: only so its end is reached often enough.
        7..=10 => match &play.app.dialog {
            Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Options => {
                let way: &[Key] = match (any(rng, 4), dialog.choice.is_open, dialog.choice.name.is_empty()) {
                    (1..=2, false, _) => &[Key::Up, Key::Up, Key::Down, Key::Enter],
                    (1..=3, _, true) => &[Key::Down, Key::Down, Key::Enter],
                    _ => &[Key::Up, Key::Up, Key::Enter],
                };
                way.iter().map(|key| Msg::Key(*key)).collect()
            }
            Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Naming => {
                [Key::Char('q'), Key::Char('漢'), Key::Enter].map(Msg::Key).to_vec()
            }
            Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Payment => vec![Msg::Key(Key::Esc)],
            Some(_) => vec![Msg::Key(Key::Enter)],
            None => vec![Msg::Key(Key::Char('n'))],
        },
        11 if play.app.dialog.is_none() => [Key::Char('t'), Key::Char('f')].map(Msg::Key).to_vec(),
        // The name that a question wants: only so the worst can be reached at all.
        5 | 6 => {
            let name = play.app.selected().map_or_else(String::new, |tenant| tenant.name.clone());
            let typed = name.chars().map(|c| Msg::Key(Key::Char(c)));
            [Key::Char('t'), Key::Char('d')]
                .map(Msg::Key)
                .into_iter()
                .chain(typed)
                .chain([Msg::Key(Key::Enter)])
                .collect()
        }
        _ => alphabet[any(rng, alphabet.len())].iter().map(|key| Msg::Key(*key)).collect(),
    }
}

/// What the fake API answers.
fn answer(request: &Request) -> Vec<Answer> {
    match request {
        Request::Account => vec![Answer::Account(Ok(me()))],
        Request::PingApi => vec![Answer::Api(Ok(Duration::from_millis(4)))],
        Request::PingEngine => vec![Answer::Engine(Ok("default".to_owned()))],
        Request::Plans => vec![Answer::Plans(Ok(super::pictures::plans()))],
        Request::Tenants => vec![Answer::Tenants(Ok(TenantList { tenants: tenants(), rejected: Vec::new() }))],
        Request::Checkout { .. } => vec![Answer::Checkout(Ok(CheckoutSession {
            checkout_url: "https://pay.example/cs_1".to_owned(),
            transaction_id: None,
            checkout_session_id: SessionId::new("cs_1").ok(),
        }))],
        Request::WatchCheckout(_) => {
            let of = |event| ProvisioningEvent { tenant_id: Some(tenant_id(BOUGHT)), ..event };
            let all = [event("a", "tenant_created", 1), event("b", "infrastructure_ready", 2)].map(of);
            let all = all.into_iter().map(Live::Item).chain([Live::Ended]);
            all.map(Answer::CheckoutEvent).collect()
        }
        Request::WatchTenant(_) => {
            vec![Answer::TenantEvents(vec![Live::Connected, Live::Item(event("k", "tenant_created", 1))])]
        }
        Request::FollowLogs(id) => {
            let lines = (0..40).map(|n| Live::Item(log(n, "warn", "\u{1b}[31m漢字 a\tlonger line\u{1b}[0m of a log")));
            vec![Answer::Logs(id.clone(), std::iter::once(Live::Connected).chain(lines).collect())]
        }
        Request::Deploy(tenants) => {
            let stopped = |id: &crate::model::TenantId| Answer::Deployed(id.clone(), Err(Problem::new("Stopped.")));
            tenants.iter().map(stopped).collect()
        }
        Request::RollBack { tenant, .. } => vec![Answer::Deployed(tenant.clone(), Err(Problem::new("Stopped.")))],
        Request::NewLocal(_) => vec![
            Answer::LocalProgress(LocalProgress::Started { step: LocalStep::Check }),
            Answer::LocalMade(Err(Problem::new("Port 5432 is taken.").hint("Use another one."))),
        ],
        Request::Call(Call::LocalTenants | Call::LocalStatuses) => {
            let of = |(id, state)| crate::tui::testing::local(id, "here", state);
            let statuses = [("local_1", LocalState::Running), ("local_2", LocalState::Stopped)].map(of);
            vec![Answer::Reply(Ok(Reply::LocalStatuses(statuses.to_vec())))]
        }
        Request::Open(_) => vec![Answer::Opened(Ok(()))],
        Request::Pay(_) => vec![Answer::Paid(Ok(()))],
        Request::LogIn { .. } => {
            let news = ops::login::News::Address("https://h.example/sign-in".to_owned());
            vec![Answer::LogIn(news), Answer::LoggedIn(Err(Problem::new("Nobody signed in.").into()))]
        }
        Request::LogOut => vec![Answer::LoggedOut(Err(Problem::new("The keyring is locked.")))],
        Request::Call(Call::Secrets(_)) => {
            vec![Answer::Reply(Ok(Reply::Secrets(vec!["A".to_owned(), "B".to_owned()])))]
        }
        Request::Call(_) => vec![Answer::Reply(Err(Problem::new("The API answers 500.").hint("Try again later.")))],
    }
}

/// What was bought, and what was done for it without a key.
#[derive(Debug, Default)]
struct Purchases {
    begun: usize,
    named: usize,
    opened: usize,
    /// Pictures of the last stage.
    ready: usize,
}

impl Purchases {
    /// True where this was chosen before a purchase. Every purchase is of the same tenant here, so that it is done once
    /// whatever is bought afterwards.
    fn wanted(&mut self, request: &Request, before: Option<&Dialog>) -> bool {
        let done = match request {
            Request::Call(Call::Rename { id, name }) if *id == tenant_id(BOUGHT) && name.ends_with("q漢") => {
                &mut self.named
            }
            Request::Call(Call::ExternalAccess { id, enabled: true }) if *id == tenant_id(BOUGHT) => &mut self.opened,
            _ => return false,
        };
        // What is asked for in a dialog of its own is somebody's.
        let is_own = !matches!(before, Some(Dialog::Line(_) | Dialog::Pick(_)));
        *done += usize::from(is_own);
        is_own && *done <= usize::from(self.begun > 0)
    }
}

/// Whether what was asked for was allowed: `before` is the dialog that the key was pressed in.
fn judge(request: &Request, before: Option<&Dialog>, lock: Lock, bought: &mut Purchases) -> Result<(), String> {
    let changes = match request {
        Request::Call(call) => call.changes(),
        Request::Deploy(_)
        | Request::RollBack { .. }
        | Request::Checkout { .. }
        | Request::Pay(_)
        | Request::NewLocal(_) => true,
        _ => false,
    };
    if !changes {
        return Ok(());
    }
    if !lock.allows() {
        return Err(format!("{request:?} although nothing may be changed"));
    }
    bought.begun += usize::from(matches!(request, Request::Checkout { .. }));
    if bought.wanted(request, before) {
        return Ok(());
    }
    let asked = matches!(before, Some(Dialog::Confirm(_)));
    let named = matches!(before, Some(Dialog::Confirm(confirm)) if confirm.is_typing());
    match request {
        Request::Call(Call::Delete { .. } | Call::CancelSubscription(_)) if !named => {
            Err(format!("{request:?} without the name"))
        }
        Request::Call(
            Call::Rotate(_)
            | Call::Restart(_)
            | Call::Suspend(_)
            | Call::Activate(_)
            | Call::RetryProvision(_)
            | Call::UnsetSecret { .. }
            | Call::RemoveDomain(_)
            | Call::SyncSecrets(_)
            | Call::OneTimeCredentials(_),
        )
        | Request::RollBack { .. }
            if !asked =>
        {
            Err(format!("{request:?} without its question"))
        }
        Request::NewLocal(_) if !matches!(before, Some(Dialog::NewLocal(_))) => {
            Err(format!("{request:?} without its form"))
        }
        Request::Call(Call::StopLocal(_)) if !asked => Err(format!("{request:?} without its question")),
        Request::Call(Call::DeleteLocal { data: false, .. }) if !matches!(before, Some(Dialog::Pick(_))) => {
            Err(format!("{request:?} without its question"))
        }
        Request::Call(Call::DeleteLocal { data: true, .. }) if !matches!(before, Some(Dialog::Line(_))) => {
            Err(format!("{request:?} without the name"))
        }
        // Takes nothing away.
        Request::Call(Call::StartLocal(_)) => Ok(()),
        Request::Deploy(tenants) if tenants.len() > 1 && !asked => Err(format!("{request:?} without its question")),
        Request::Call(_) if before.is_none() => Err(format!("{request:?} at one key")),
        _ => Ok(()),
    }
}

/// A purchase with everything that can be chosen, up to its payment. How it goes on is the session's.
fn buy(play: &mut Play, bought: &mut Purchases) -> Vec<(Ticket, Vec<Answer>)> {
    play.keys(&[Key::Char('n'), Key::Enter]);
    play.answer(Slot::Plans, Answer::Plans(Ok(super::pictures::plans())));
    play.keys(&[Key::Enter, Key::Enter, Key::Down, Key::Enter, Key::Down, Key::Enter]);
    play.keys(&[Key::Char('q'), Key::Char('漢'), Key::Enter]);
    play.take_effects();
    play.keys(&[Key::Enter]);
    let effects = play.take_effects().into_iter();
    let started = |effect| if let Effect::Start(ticket, request) = effect { Some((ticket, request)) } else { None };
    let started: Vec<_> = effects.filter_map(started).collect();
    bought.begun += started.iter().filter(|(_, request)| matches!(request, Request::Checkout { .. })).count();
    started.into_iter().map(|(ticket, request)| (ticket, answer(&request))).collect()
}

/// Plays a session, and counts what was done to tenants.
fn play(rng: &mut TestRng, lock: Lock, bought: &mut Purchases) -> Result<usize, TestCaseError> {
    let alphabet = alphabet();
    let mut play = Play::ready(120, 36, tenants());
    play.app.shared.lock = lock;
    play.take_effects();
    let mut open = if lock == Lock::Open { buy(&mut play, bought) } else { Vec::new() };
    let mut done = 0;
    let mut now = 0;
    for number in 0..KEYS {
        now += u64::from(rng.next_u32() % 400);
        play.send(Msg::Tick(moment_at(now)));
        for msg in step(rng, &alphabet, &play) {
            let before = play.app.dialog.clone();
            let lock = play.app.shared.lock;
            play.take_effects();
            play.send(msg);
            for effect in play.take_effects() {
                if let Effect::Start(ticket, request) = effect {
                    judge(&request, before.as_ref(), lock, bought).map_err(TestCaseError::fail)?;
                    done += usize::from(matches!(&request, Request::Call(call) if call.changes()));
                    open.push((ticket, answer(&request)));
                }
            }
        }
        // Answers come late, and not in order.
        while open.len() > 3 || (!open.is_empty() && rng.next_u32().is_multiple_of(3)) {
            let place = usize::try_from(rng.next_u32()).unwrap() % open.len();
            let (ticket, answers) = open.swap_remove(place);
            for answer in answers {
                play.send(Msg::Answer(ticket.clone(), answer));
            }
            for effect in play.take_effects() {
                if let Effect::Start(ticket, request) = effect {
                    // Nobody pressed a key: what changes something was chosen before.
                    let changes = matches!(&request, Request::Call(call) if call.changes());
                    let lock = if changes { play.app.shared.lock } else { Lock::ReadOnly };
                    judge(&request, None, lock, bought).map_err(TestCaseError::fail)?;
                    open.push((ticket, answer(&request)));
                }
            }
        }
        bought.ready += usize::from(matches!(play.app.dialog, Some(Dialog::Ready(_))));
        // A picture costs more than everything else together.
        if number % 8 == 0 {
            play.text();
        }
    }
    Ok(done)
}

#[test]
fn ten_thousand_random_keys_do_nothing_unasked() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let (mut done, mut all) = (0, Purchases::default());
    for _ in 0..3 {
        let mut bought = Purchases::default();
        done += play(runner.rng(), Lock::Open, &mut bought).unwrap();
        all.begun += bought.begun;
        all.named += bought.named;
        all.opened += bought.opened;
        all.ready += bought.ready;
    }
    let Purchases { begun, named, opened, ready } = all;
    assert!(begun > 3 && named > 0 && opened > 0 && ready > 0, "{all:?}: no purchase comes to its end");
    assert!(done > 20, "only {done} things were done: the session does not get behind the questions");
}

#[test]
fn with_read_only_nothing_is_changed_whatever_is_pressed() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    assert_eq!(play(runner.rng(), Lock::ReadOnly, &mut Purchases::default()).unwrap(), 0);
    assert_eq!(
        play(runner.rng(), Lock::Protected, &mut Purchases::default()).unwrap(),
        0,
        "the unlock wants the context's name"
    );
}

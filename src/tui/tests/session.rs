//! A long session of random keys over a fake API: the screen never panics, every picture can be drawn, and nothing is done
//! to a tenant without the question that belongs to it, whatever is pressed in whatever order.

mod fake;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use std::collections::VecDeque;

use crate::ops::call::Call;
use crate::tui::commands::table;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::key::{Chord, Key};
use crate::tui::lock::Lock;
use crate::tui::mouse::{Act, Mouse};
use crate::tui::msg::{Answer, Msg};
use crate::tui::testing::{Play, moment_at, tenant_id};
use fake::{BOUGHT, Fake, Met};

/// Keys of one session. More than asked for in all: several sessions are played.
const KEYS: usize = 4_000;

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
fn step(rng: &mut TestRng, alphabet: &[Vec<Key>], play: &Play, unlocks: bool) -> Vec<Msg> {
    let any = |rng: &mut TestRng, below: usize| usize::try_from(rng.next_u32()).unwrap() % below;
    match any(rng, 44) {
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
        // The same for the unlock of a context.
        7 if unlocks => {
            let typed = "sandbox".chars().map(|c| Msg::Key(Key::Char(c)));
            [Msg::Key(Key::Esc), Msg::Key(Key::Esc), Msg::Key(Key::Char('U'))]
                .into_iter()
                .chain(typed)
                .chain([Msg::Key(Key::Enter)])
                .collect()
        }
        // A secret with its value, and several tenants deployed to at once: at random they would take for ever.
        8 => [Key::Esc, Key::Esc, Key::Char('4'), Key::Char('a')]
            .into_iter()
            .chain("K1".chars().map(Key::Char))
            .chain([Key::Enter, Key::Char('v'), Key::Enter])
            .map(Msg::Key)
            .collect(),
        // Whatever was typed, marked, filtered or zoomed before is put away first.
        9 => std::iter::repeat_n(Key::Esc, 7)
            .chain("0gg".chars().map(Key::Char))
            .chain([Key::Char(' '), Key::Char(' '), Key::Char('d'), Key::Char('y')])
            .map(Msg::Key)
            .collect(),
        11 if play.app.dialog.is_none() => [Key::Char('t'), Key::Char('f')].map(Msg::Key).to_vec(),
        10 => [Key::Esc, Key::Char('n'), Key::Enter].map(Msg::Key).to_vec(),
        _ => alphabet[any(rng, alphabet.len())].iter().map(|key| Msg::Key(*key)).collect(),
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
        Request::Checkout { .. } if !matches!(before, Some(Dialog::NewTenant(_))) => {
            Err(format!("{request:?} without its dialog"))
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

/// The same where nobody pressed a key: nothing is changed but what was chosen before.
fn unasked(request: &Request, lock: Lock, bought: &mut Purchases) -> Result<(), String> {
    if lock.allows() && bought.wanted(request, None) {
        return Ok(());
    }
    judge(request, None, Lock::ReadOnly, bought)
}

/// What is on its way: of each its answers, one after the other.
type Open = Vec<(Ticket, VecDeque<Answer>)>;

/// A session under way.
struct Session {
    play: Play,
    fake: Fake,
    open: Open,
    bought: Purchases,
    /// What was done to tenants.
    done: usize,
    /// How often an unlock ended by itself.
    relocked: usize,
}

impl Session {
    fn new(lock: Lock) -> Self {
        let mut session = Self {
            play: Play::new(120, 36),
            fake: Fake::default(),
            open: Vec::new(),
            bought: Purchases::default(),
            done: 0,
            relocked: 0,
        };
        session.play.app.shared.lock = lock;
        session
    }

    /// What was asked for goes to the API; whether it was allowed to says who asks.
    fn perform(
        &mut self,
        rng: &mut TestRng,
        allowed: impl Fn(&Request, &mut Purchases) -> Result<(), String>,
    ) -> Result<(), String> {
        for effect in self.play.take_effects() {
            match effect {
                Effect::Start(ticket, request) => {
                    allowed(&request, &mut self.bought)?;
                    self.done += usize::from(matches!(&request, Request::Call(call) if call.changes()));
                    let answers = self.fake.answer(rng, &request);
                    self.open.push((ticket, answers));
                }
                Effect::Errand(ticket, errand) => {
                    let answers = Fake::errand(rng, &errand).into_iter().collect();
                    self.open.push((ticket, answers));
                }
                Effect::Reopen => self.reopen(),
                Effect::Stop(_) | Effect::Switch(_) | Effect::Exit => {}
            }
        }
        Ok(())
    }

    /// As the program does after a login: another screen, which knows only what was broken off.
    fn reopen(&mut self) {
        let (lock, now) = (self.play.app.shared.lock, self.play.app.shared.now);
        let mut fresh = Play::new(120, 36);
        fresh.app.shared.lock = lock;
        fresh.app.shared.timers.lock = lock.ends();
        fresh.app.shared.now = now;
        fresh.app.shared.again = self.play.app.shared.again.take();
        fresh.app.shared.is_again_due = fresh.app.shared.again.is_some();
        self.open.clear();
        self.play = fresh;
    }

    /// One answer of whatever is on its way. Answers come late, and not in order; those to one question do.
    fn hear(&mut self, rng: &mut TestRng) -> Result<(), String> {
        let place = usize::try_from(rng.next_u32()).unwrap() % self.open.len();
        let (ticket, answers) = &mut self.open[place];
        let Some(answer) = answers.pop_front() else {
            self.open.swap_remove(place);
            return Ok(());
        };
        let lock = self.play.app.shared.lock;
        self.play.send(Msg::Answer(ticket.clone(), answer));
        self.perform(rng, |request, bought| unasked(request, lock, bought))
    }

    /// A purchase with everything that can be chosen, up to its payment. How it goes on is the session's.
    fn buy(&mut self, rng: &mut TestRng) -> Result<(), String> {
        let play = &mut self.play;
        play.keys(&[Key::Char('n'), Key::Enter]);
        play.answer(Slot::Plans, Answer::Plans(Ok(super::pictures::plans())));
        play.keys(&[Key::Enter, Key::Enter, Key::Down, Key::Enter, Key::Down, Key::Enter]);
        play.keys(&[Key::Char('q'), Key::Char('漢'), Key::Enter]);
        play.take_effects();
        let (before, lock) = (play.app.dialog.clone(), play.app.shared.lock);
        play.keys(&[Key::Enter]);
        self.perform(rng, |request, bought| judge(request, before.as_ref(), lock, bought))
    }
}

/// Plays a session, and says what it came to.
fn play(rng: &mut TestRng, lock: Lock, unlocks: bool) -> Result<Session, TestCaseError> {
    let alphabet = alphabet();
    let mut session = Session::new(lock);
    session.perform(rng, |_, _| Ok(())).map_err(TestCaseError::fail)?;
    while !session.open.is_empty() {
        session.hear(rng).map_err(TestCaseError::fail)?;
    }
    if lock == Lock::Open {
        session.buy(rng).map_err(TestCaseError::fail)?;
    }
    let mut now = 0;
    for number in 0..KEYS {
        // Now and then somebody goes away for a while.
        now += if rng.next_u32().is_multiple_of(200) { 700_000 } else { u64::from(rng.next_u32() % 400) };
        let was_unlocked = matches!(session.play.app.shared.lock, Lock::Unlocked(_));
        session.play.send(Msg::Tick(moment_at(now)));
        session.relocked += usize::from(was_unlocked && session.play.app.shared.lock == Lock::Protected);
        let lock = session.play.app.shared.lock;
        session.perform(rng, |request, bought| unasked(request, lock, bought)).map_err(TestCaseError::fail)?;
        for msg in step(rng, &alphabet, &session.play, unlocks) {
            let before = session.play.app.dialog.clone();
            let lock = session.play.app.shared.lock;
            session.play.send(msg);
            let allowed = |request: &Request, bought: &mut Purchases| judge(request, before.as_ref(), lock, bought);
            session.perform(rng, allowed).map_err(TestCaseError::fail)?;
        }
        while session.open.len() > 6 || (!session.open.is_empty() && !rng.next_u32().is_multiple_of(3)) {
            session.hear(rng).map_err(TestCaseError::fail)?;
        }
        session.bought.ready += usize::from(matches!(session.play.app.dialog, Some(Dialog::Ready(_))));
        // A picture costs more than everything else together.
        if number % 8 == 0 {
            session.play.text();
        }
    }
    Ok(session)
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha))
}

#[test]
fn ten_thousand_random_keys_do_nothing_unasked() {
    let mut runner = runner();
    let mut done = 0;
    let mut met = Met::default();
    let mut all = Purchases::default();
    for _ in 0..3 {
        let session = play(runner.rng(), Lock::Open, false).unwrap();
        done += session.done;
        let Purchases { begun, named, opened, ready } = session.bought;
        all.begun += begun;
        all.named += named;
        all.opened += opened;
        all.ready += ready;
        let Met { over, set, of_several, bought, logged_in } = session.fake.met;
        met.over += over;
        met.set += set;
        met.of_several += of_several;
        met.bought += bought;
        met.logged_in += logged_in;
    }
    assert!(done > 20, "only {done} things were done: the session does not get behind the questions");
    let Met { over, set, of_several, bought, logged_in } = met;
    let least = [over, set, of_several, bought, logged_in].into_iter().min().unwrap_or(0);
    assert!(least > 0, "the session does not meet everything: {met:?}");
    let least = [all.begun, all.named, all.opened, all.ready].into_iter().min().unwrap_or(0);
    assert!(least > 0, "no purchase comes to its end: {all:?}");
}

#[test]
fn with_read_only_nothing_is_changed_whatever_is_pressed() {
    let mut runner = runner();
    assert_eq!(play(runner.rng(), Lock::ReadOnly, true).unwrap().done, 0);
    assert_eq!(play(runner.rng(), Lock::Protected, false).unwrap().done, 0, "the unlock wants the context's name");
}

#[test]
fn once_an_unlock_has_ended_nothing_is_changed_any_more() {
    let mut runner = runner();
    let session = play(runner.rng(), Lock::Protected, true).unwrap();
    assert!(session.done > 0 && session.relocked > 0, "{} done, {} times locked", session.done, session.relocked);
}

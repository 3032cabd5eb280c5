//! The loop: it sleeps until something happened, takes everything that is waiting, and draws once, at most
//! every 16 ms. Nothing happens: no wake-up, no byte written.

use crossterm::event::Event;
use jiff::{Timestamp, tz::TimeZone};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::TuiError;
use super::again::Again;
use super::app::{App, Moment, Options};
use super::backend::Backend;
use super::effect::Effect;
use super::jobs::Slot;
use super::key::Key;
use super::memory;
use super::mouse::Mouse;
use super::msg::{Answer, Msg};
use super::outside::desk::{Begun, Desk};
use super::outside::surroundings::{self, Surroundings};
use super::runner::Runner;
use super::stage::Stage;
use super::terminal::screen::{Happened, Screen};
use super::theme::{Environment, Theme};
use super::update::update;
use crate::settings::{LastTenants, ScreenState};

/// The least time between two pictures.
const FRAME: Duration = Duration::from_millis(16);
/// The same at the very start: the first picture is one of nothing, and what the first answers bring must not wait for it.
const FIRST_FRAME: Duration = Duration::from_millis(2);
/// How long the start lasts.
const START: Duration = Duration::from_millis(200);
/// Messages that may wait, and that are taken at once.
const WAITING: usize = 1024;

/// Which way the program was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// For good.
    Out,
    /// To go on in the context of this name.
    Switch(String),
    /// To go on with the login that is kept now.
    Reopen,
}

/// How the program was left, and what it should know again when it is opened the next time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which way.
    pub way: Way,
    /// What to remember.
    pub state: ScreenState,
    /// The tenants as they are now, where the API said so.
    pub tenants: Option<LastTenants>,
    /// What a login that was over broke off.
    pub again: Option<Again>,
}

/// Runs the full-screen program until the person leaves, `stop` fires, or the terminal is lost.
pub async fn run(backend: Arc<dyn Backend>, options: Options, stop: CancellationToken) -> Result<Left, TuiError> {
    // Reads the system's files, and has time for it until the screen is there.
    let zone = tokio::task::spawn_blocking(surroundings::zone);
    let mut environment = Environment::of_process();
    environment.no_color |= options.no_color;
    let theme = Theme::of(&options.look, &environment);
    let screen = Screen::enter(options.outside.mouse).map_err(TuiError::Terminal)?;
    let size = crossterm::terminal::size().map_err(TuiError::Terminal)?;
    let clock = Clock::start();
    let desk = Desk::new(options.outside.clone(), Surroundings::of_process());
    let zone = zone.await.unwrap_or(TimeZone::UTC);
    let app = App::new(options, theme, zone, clock.now(), size);
    Box::pin(play(app, clock, backend, screen, desk, stop, update)).await
}

/// The loop on a real screen, which is given back at its end, whoever has it then; a panic of any thread ends it.
async fn play(
    app: App,
    clock: Clock,
    backend: Arc<dyn Backend>,
    mut screen: Screen,
    desk: Desk,
    stop: CancellationToken,
    update: impl FnMut(&mut App, Msg) -> Vec<Effect>,
) -> Result<Left, TuiError> {
    let panicked = screen.guard().panicked();
    let result = tokio::select! {
        biased;
        () = panicked.cancelled() => Err(TuiError::Panicked),
        result = drive(app, clock, backend, &mut screen, desk, stop, update) => result,
    };
    screen.leave().await;
    result
}

/// Reads the time for the messages.
#[derive(Debug, Clone, Copy)]
struct Clock {
    started: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { started: Instant::now() }
    }

    fn now(self) -> Moment {
        Moment { wall: Timestamp::now(), running: self.started.elapsed() }
    }

    fn at(self, running: Duration) -> tokio::time::Instant {
        (self.started + running).into()
    }
}

/// The loop itself, with the terminal from outside so that it runs in a test.
async fn drive(
    mut app: App,
    clock: Clock,
    backend: Arc<dyn Backend>,
    stage: &mut impl Stage,
    mut desk: Desk,
    stop: CancellationToken,
    mut update: impl FnMut(&mut App, Msg) -> Vec<Effect>,
) -> Result<Left, TuiError> {
    let (sender, mut messages) = mpsc::channel(WAITING);
    let mut runner = Runner::new(backend, sender);
    let mut batch = Vec::new();
    // The first picture shows what is known already; it does not wait for what is begun with it.
    let mut begun = update(&mut app, Msg::Tick(clock.now()));
    begun.extend(update(&mut app, Msg::Started));
    app.shared.dirty = false;
    let first = stage.draw(&app).map_err(TuiError::Terminal);
    let mut drawn = clock.now().running;
    let result = match first.map(|()| perform(begun, &mut runner, &mut desk, stage)) {
        Err(error) => Err(error),
        Ok(Some(way)) => Ok(way),
        Ok(None) => loop {
            if let Some(way) = take(&mut app, &clock, &mut batch, &mut runner, &mut desk, stage, &mut update) {
                break Ok(way);
            }
            let now = clock.now().running;
            let frame_due = drawn + if drawn < START { FIRST_FRAME } else { FRAME };
            // While somebody else has the terminal everything goes on, unseen.
            let seen = stage.is_ours();
            if app.shared.dirty && seen && frame_due <= now {
                app.shared.dirty = false;
                if let Err(error) = stage.draw(&app) {
                    break Err(TuiError::Terminal(error));
                }
                drawn = now;
            }
            let frame = (app.shared.dirty && seen).then_some(frame_due);
            let wake = frame.into_iter().chain(app.next_wake()).min();
            tokio::select! {
                () = stop.cancelled() => break Ok(Way::Out),
                happened = stage.next() => match happened {
                    Ok(Happened::Event(event)) => batch.extend(message(&event, &mut desk)),
                    Ok(Happened::Back((width, height), ended)) => {
                        if let Some((ticket, work)) = ended.and_then(|ended| desk.returned(ended)) {
                            runner.answer(ticket, outside(work));
                        }
                        batch.extend([Msg::Resized { width, height }, Msg::Resumed]);
                    }
                    Ok(Happened::Leave | Happened::Gone) => break Ok(Way::Out),
                    Err(error) => break Err(TuiError::Terminal(error)),
                },
                _ = messages.recv_many(&mut batch, WAITING) => {}
                () = tokio::time::sleep_until(clock.at(wake.unwrap_or_default())), if wake.is_some() => {}
            }
        },
    };
    desk.leave(stage).await;
    // First the receiver: a task that waits for room in it would wait for ever.
    drop(messages);
    runner.shut_down().await;
    // Whoever was logging out leaves nothing behind.
    let listed = app.shared.listed_at.filter(|_| !app.shared.jobs.is_running(&Slot::LogOut));
    let tenants = listed.zip(app.shared.tenants.to_remember()).map(|(at, tenants)| LastTenants::new(at, tenants));
    result.map(|way| Left { way, state: memory::remembered(&app), tenants, again: app.shared.again.clone() })
}

/// Feeds everything that is waiting to `update`, the time first, and performs what it asks for.
fn take(
    app: &mut App,
    clock: &Clock,
    batch: &mut Vec<Msg>,
    runner: &mut Runner,
    desk: &mut Desk,
    stage: &mut impl Stage,
    update: &mut impl FnMut(&mut App, Msg) -> Vec<Effect>,
) -> Option<Way> {
    let tick = Msg::Tick(clock.now());
    let mut messages = std::iter::once(tick).chain(batch.drain(..));
    messages.find_map(|msg| perform(update(app, msg), runner, desk, stage))
}

/// Performs what `update` asked for, in its order.
fn perform(effects: Vec<Effect>, runner: &mut Runner, desk: &mut Desk, stage: &mut impl Stage) -> Option<Way> {
    let mut done = Vec::new();
    for effect in effects {
        match effect {
            Effect::Start(ticket, request) => runner.start(ticket, request),
            Effect::Stop(slot) => runner.stop(&slot),
            Effect::Errand(ticket, errand) => match desk.begin(ticket.clone(), errand, stage) {
                Begun::Done(answer) => done.push((ticket, answer)),
                Begun::Going(work) => runner.answer(ticket, outside(work)),
                Begun::Lent => {}
            },
            Effect::Reopen => return Some(Way::Reopen),
            Effect::Switch(name) => return Some(Way::Switch(name)),
            Effect::Exit => return Some(Way::Out),
        }
    }
    // At once, and after what was before it. None of these answers asks for another errand.
    for (ticket, answer) in done {
        runner.answer(ticket, std::future::ready(Answer::Outside(answer)));
    }
    None
}

/// The answer of an errand as a job's.
async fn outside(work: impl Future<Output = super::outside::Answer>) -> Answer {
    Answer::Outside(work.await)
}

/// What a terminal's event means, if anything.
fn message(event: &Event, desk: &mut Desk) -> Option<Msg> {
    match event {
        Event::Key(key) => {
            // Whoever types is here; what the terminal said while another program had it was not heard.
            desk.note_key();
            Key::from_event(key).map(Msg::Key)
        }
        Event::Resize(width, height) => Some(Msg::Resized { width: *width, height: *height }),
        Event::Mouse(event) => Mouse::from_event(*event).map(Msg::Mouse),
        Event::Paste(text) => Some(Msg::Pasted(text.clone())),
        Event::FocusGained | Event::FocusLost => {
            desk.note_focus(matches!(event, Event::FocusGained));
            None
        }
    }
}

#[cfg(test)]
pub mod testing {
    //! The loop for tests: a fixed size, the real clock, everything else from outside.

    use futures_util::{Stream, StreamExt};
    use std::io;
    use tokio::process::Command;

    use super::*;
    use crate::tui::outside::Settings;
    use crate::tui::stage::Wire;
    use crate::tui::terminal::screen::NotStopped;
    use crate::tui::theme::Depth;

    /// What a test may set.
    pub struct Loop {
        /// Columns and rows.
        pub size: (u16, u16),
    }

    impl Default for Loop {
        fn default() -> Self {
            Self { size: (120, 36) }
        }
    }

    /// A terminal of a script.
    struct Script<I, D> {
        input: I,
        draw: D,
    }

    impl<I, D> Stage for Script<I, D>
    where
        I: Stream<Item = io::Result<Event>> + Unpin,
        D: FnMut(&App) -> io::Result<()>,
    {
        fn draw(&mut self, app: &App) -> io::Result<()> {
            (self.draw)(app)
        }
        async fn next(&mut self) -> io::Result<Happened> {
            self.input.next().await.map_or(Ok(Happened::Gone), |event| event.map(Happened::Event))
        }
        fn suspend(&mut self) -> Result<(), NotStopped> {
            Err(NotStopped::NoShell)
        }
        fn lend(&mut self, _: &mut Command) -> io::Result<()> {
            Err(io::ErrorKind::NotFound.into())
        }
        fn set_mouse(&mut self, _: bool) -> io::Result<()> {
            Ok(())
        }
        fn wire(&self) -> Wire {
            Wire::new(|_| false)
        }
    }

    /// The loop on a script.
    pub async fn drive(
        setup: Loop,
        backend: Arc<dyn Backend>,
        input: impl Stream<Item = io::Result<Event>> + Unpin,
        stop: CancellationToken,
        draw: impl FnMut(&App) -> io::Result<()>,
    ) -> Result<(), TuiError> {
        let clock = Clock::start();
        let desk = Desk::new(Settings::default(), Surroundings::default());
        let mut script = Script { input, draw };
        Box::pin(super::drive(app(clock, &setup), clock, backend, &mut script, desk, stop, update)).await.map(drop)
    }

    /// The loop on the real terminal, with a mouse; `update` stands in front of the real one.
    pub async fn drive_here(
        backend: Arc<dyn Backend>,
        surroundings: Surroundings,
        stop: CancellationToken,
        update: impl FnMut(&mut App, Msg) -> Vec<Effect>,
    ) -> Result<(), TuiError> {
        let screen = Screen::enter(true).map_err(TuiError::Terminal)?;
        let clock = Clock::start();
        let desk = Desk::new(Settings::default(), surroundings);
        let size = crossterm::terminal::size().map_err(TuiError::Terminal)?;
        let app = app(clock, &Loop { size });
        play(app, clock, backend, screen, desk, stop, update).await.map(drop)
    }

    fn app(clock: Clock, setup: &Loop) -> App {
        App::new(Options::default(), Theme::new(Depth::Plain), TimeZone::UTC, clock.now(), setup.size)
    }
}

//! The loop: it sleeps until something happened, takes everything that is waiting, and draws once, at most
//! every 16 ms. Nothing happens: no wake-up, no byte written.

use crossterm::event::{Event, EventStream};
use crossterm::execute;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use futures_util::{Stream, StreamExt};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::Terminal;
use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};
use std::io::{self, BufWriter};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::TuiError;
use super::app::{App, Moment, Options};
use super::backend::Backend;
use super::effect::Effect;
use super::key::Key;
use super::mouse::Mouse;
use super::msg::Msg;
use super::runner::Runner;
use super::terminal::{Guard, Output};
use super::theme::{Environment, Theme};
use super::update::update;
use super::view::view;

/// The least time between two pictures.
const FRAME: Duration = Duration::from_millis(16);
/// Messages that may wait, and that are taken at once.
const WAITING: usize = 1024;

/// Runs the full-screen program until the person leaves, `stop` fires, or the terminal is lost.
pub async fn run(backend: Arc<dyn Backend>, options: Options, stop: CancellationToken) -> Result<(), TuiError> {
    let mut environment = Environment::of_process();
    environment.no_color |= options.no_color;
    let theme = Theme::of(&options.look, &environment);
    let guard = Guard::enter().map_err(TuiError::Terminal)?;
    let mut screen = Screen::new().map_err(TuiError::Terminal)?;
    let size = crossterm::terminal::size().map_err(TuiError::Terminal)?;
    let clock = Clock::start();
    let app = App::new(options, theme, TimeZone::system(), clock.now(), size);
    let panicked = guard.panicked();
    let input = EventStream::new();
    let result = tokio::select! {
        biased;
        () = panicked.cancelled() => Err(TuiError::Panicked),
        result = drive(app, clock, backend, input, stop, |app| screen.draw(app)) => result,
    };
    drop(guard);
    result
}

/// The real screen. Every picture is one write, between the marks of a synchronised update.
struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Output>>>,
}

impl Screen {
    fn new() -> io::Result<Self> {
        let out = BufWriter::with_capacity(64 * 1024, Output::new());
        let mut backend = CrosstermBackend::new(out);
        // Not `Terminal::clear`: it asks the terminal where the cursor is and waits for the answer, and some never give it.
        backend.clear_region(ClearType::All)?;
        Ok(Self { terminal: Terminal::new(backend)? })
    }

    fn draw(&mut self, app: &App) -> io::Result<()> {
        crossterm::queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view(app, frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }
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

/// The loop itself, with input and picture from outside so that it runs in a test.
async fn drive(
    mut app: App,
    clock: Clock,
    backend: Arc<dyn Backend>,
    mut input: impl Stream<Item = io::Result<Event>> + Unpin,
    stop: CancellationToken,
    mut draw: impl FnMut(&App) -> io::Result<()>,
) -> Result<(), TuiError> {
    let (sender, mut messages) = mpsc::channel(WAITING);
    let mut runner = Runner::new(backend, sender);
    let mut batch = vec![Msg::Started];
    let mut drawn: Option<Duration> = None;
    let result = loop {
        if take(&mut app, &clock, &mut batch, &mut runner) == Next::Leave {
            break Ok(());
        }
        let now = clock.now().running;
        let frame_due = drawn.map_or(now, |drawn| drawn + FRAME);
        if app.shared.dirty && frame_due <= now {
            app.shared.dirty = false;
            if let Err(error) = draw(&app) {
                break Err(TuiError::Terminal(error));
            }
            drawn = Some(now);
        }
        let frame = app.shared.dirty.then_some(frame_due);
        let wake = frame.into_iter().chain(app.next_wake()).min();
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            // One at a time, and only from here: the stream keeps the waker of whoever asked it first.
            event = input.next() => match event {
                Some(Ok(event)) => batch.extend(message(&event)),
                Some(Err(error)) => break Err(TuiError::Terminal(error)),
                // The terminal is gone, and nobody is there to be told.
                None => break Ok(()),
            },
            _ = messages.recv_many(&mut batch, WAITING) => {}
            () = tokio::time::sleep_until(clock.at(wake.unwrap_or_default())), if wake.is_some() => {}
        }
    };
    // First the receiver: a task that waits for room in it would wait for ever.
    drop(messages);
    runner.shut_down().await;
    result
}

#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Leave,
}

/// Feeds everything that is waiting to `update`, the time first, and performs what it asks for.
fn take(app: &mut App, clock: &Clock, batch: &mut Vec<Msg>, runner: &mut Runner) -> Next {
    let tick = Msg::Tick(clock.now());
    for msg in std::iter::once(tick).chain(batch.drain(..)) {
        for effect in update(app, msg) {
            match effect {
                Effect::Start(ticket, request) => runner.start(ticket, request),
                Effect::Stop(slot) => runner.stop(&slot),
                Effect::Switch(_) => {}
                Effect::Exit => return Next::Leave,
            }
        }
    }
    Next::GoOn
}

/// What a terminal's event means, if anything.
fn message(event: &Event) -> Option<Msg> {
    match event {
        Event::Key(key) => Key::from_event(key).map(Msg::Key),
        Event::Resize(width, height) => Some(Msg::Resized { width: *width, height: *height }),
        Event::Mouse(event) => Mouse::from_event(event).map(Msg::Mouse),
        Event::Paste(text) => Some(Msg::Pasted(text.clone())),
        Event::FocusGained | Event::FocusLost => None,
    }
}

#[cfg(test)]
pub mod testing {
    //! The loop for tests: a fixed size, the real clock, everything else from outside.

    use super::*;
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

    /// The loop itself.
    pub async fn drive(
        setup: Loop,
        backend: Arc<dyn Backend>,
        input: impl Stream<Item = io::Result<Event>> + Unpin,
        stop: CancellationToken,
        draw: impl FnMut(&App) -> io::Result<()>,
    ) -> Result<(), TuiError> {
        let clock = Clock::start();
        let theme = Theme::new(Depth::Plain);
        let app = App::new(Options::default(), theme, TimeZone::UTC, clock.now(), setup.size);
        super::drive(app, clock, backend, input, stop, draw).await
    }
}

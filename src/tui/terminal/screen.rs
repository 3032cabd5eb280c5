//! The terminal as the loop uses it: pictures go to it, events come from it, and now and then somebody else has it.
//! Must not know the state behind the pictures.

use crossterm::event::Event;
use crossterm::execute;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend as _, ClearType, CrosstermBackend};
use ratatui::{Frame, Terminal};
use std::io::{self, BufWriter};
use std::process::ExitStatus;
use tokio::process::Command;

use super::child::Lent;
use super::input::Input;
use super::job::{self, Asked, Job};
use super::output::Output;
use super::{Guard, is_ours};

/// What the terminal says.
#[derive(Debug)]
pub enum Happened {
    /// The person did something.
    Event(Event),
    /// The terminal is ours again, at this size (columns, rows), and empty; the other program ended like that, where
    /// it was one.
    Back((u16, u16), Option<io::Result<ExitStatus>>),
    /// The person wants to leave.
    Leave,
    /// The terminal is gone, and nobody is there to be told.
    Gone,
}

/// Why the program cannot stop.
#[derive(Debug, thiserror::Error)]
pub enum NotStopped {
    /// Nobody would wake it up.
    #[error("no shell is there that would let it go on")]
    NoShell,
    /// The system refuses.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// The real screen. Every picture is one write, between the marks of a synchronised update.
pub struct Screen {
    guard: Guard,
    terminal: Terminal<CrosstermBackend<BufWriter<Output>>>,
    job: Job,
    place: Place,
}

/// Who has the terminal. Two readers of one terminal would share what is typed, so ours is closed before it is
/// anybody else's.
enum Place {
    Here(Input),
    /// Another program.
    Lent(Lent),
    /// The shell, or nobody for a moment.
    Away,
}

impl Screen {
    /// Takes the terminal. Must be called on the runtime.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let guard = Guard::enter(mouse)?;
        Ok(Self { guard, terminal: empty()?, job: Job::listen()?, place: Place::Here(Input::open()) })
    }

    /// What undoes all this.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Draws a picture.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        crossterm::queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(picture)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// True while pictures can be seen.
    #[must_use]
    #[allow(clippy::unused_self, reason = "only whoever holds the terminal may")]
    pub fn is_ours(&self) -> bool {
        is_ours()
    }

    /// The next thing that happens. May be dropped and asked again without missing one.
    pub async fn next(&mut self) -> io::Result<Happened> {
        loop {
            let asked = match &mut self.place {
                Place::Here(input) => tokio::select! {
                    event = input.next() => return match event {
                        Some(event) => Ok(Happened::Event(event?)),
                        None => Ok(Happened::Gone),
                    },
                    asked = self.job.next() => asked,
                },
                Place::Lent(lent) => tokio::select! {
                    ended = lent.ended() => {
                        self.place = Place::Away;
                        return self.back(Some(ended));
                    }
                    asked = self.job.next() => asked,
                },
                Place::Away => self.job.next().await,
            };
            match (asked, &self.place) {
                // The system would not stop a program that nobody lets go on; so this one does not stop either.
                (Asked::Stop, Place::Away) if !job::has_shell() => return self.back(None),
                (Asked::Stop, _) if !job::has_shell() => {}
                (Asked::Stop, _) => {
                    self.give_back();
                    self.job.stop()?;
                }
                (Asked::GoOn, Place::Here(_) | Place::Away) => return self.back(None),
                (Asked::Leave, Place::Here(_) | Place::Away) => return Ok(Happened::Leave),
                (Asked::Child, Place::Lent(lent)) if lent.is_stopped() => {
                    if job::has_shell() {
                        job::ask_group_to_stop()?;
                    } else {
                        lent.go_on();
                    }
                }
                // Meant for the other program, or told by its end.
                (Asked::GoOn | Asked::Leave | Asked::Child, _) => {}
            }
        }
    }

    /// Gives the terminal back and stops the program, with all that was started with it, until the shell lets it
    /// go on: then the screen is [`Happened::Back`].
    pub fn suspend(&mut self) -> Result<(), NotStopped> {
        if !job::has_shell() {
            return Err(NotStopped::NoShell);
        }
        self.give_back();
        if let Err(error) = job::ask_group_to_stop() {
            self.retake()?;
            return Err(error.into());
        }
        Ok(())
    }

    /// Gives the terminal to `command` until it ends: then the screen is [`Happened::Back`]. Where the command does not
    /// start, the screen is empty and has to be drawn again.
    pub fn lend(&mut self, command: &mut Command) -> io::Result<()> {
        self.give_back();
        match Lent::start(command) {
            Ok(lent) => {
                self.place = Place::Lent(lent);
                Ok(())
            }
            Err(error) => {
                self.retake()?;
                Err(error)
            }
        }
    }

    /// Whether the mouse speaks to the program.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.guard.set_mouse(on)
    }

    /// Ends the other program, where one has the terminal, and gives the terminal back.
    pub async fn leave(mut self) {
        match std::mem::replace(&mut self.place, Place::Away) {
            Place::Lent(lent) => lent.end().await,
            // First, so that nobody else takes a part of what is thrown away next.
            Place::Here(input) => input.close(),
            Place::Away => {}
        }
    }

    /// Gives the terminal back where it is ours. What is typed from now on is for somebody else.
    fn give_back(&mut self) {
        if matches!(self.place, Place::Here(_))
            && let Place::Here(input) = std::mem::replace(&mut self.place, Place::Away)
        {
            input.close();
        }
        self.guard.give_back();
    }

    fn back(&mut self, ended: Option<io::Result<ExitStatus>>) -> io::Result<Happened> {
        self.retake()?;
        Ok(Happened::Back(crossterm::terminal::size()?, ended))
    }

    fn retake(&mut self) -> io::Result<()> {
        self.guard.take()?;
        self.terminal = empty()?;
        if matches!(self.place, Place::Away) {
            self.place = Place::Here(Input::open());
        }
        Ok(())
    }
}

/// A screen with nothing on it.
fn empty() -> io::Result<Terminal<CrosstermBackend<BufWriter<Output>>>> {
    let out = BufWriter::with_capacity(64 * 1024, Output::new());
    let mut backend = CrosstermBackend::new(out);
    // Not `Terminal::clear`: it asks the terminal where the cursor is and waits for the answer, and some never give it.
    backend.clear_region(ClearType::All)?;
    Terminal::new(backend)
}

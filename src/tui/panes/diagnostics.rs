//! The diagnostics pane: for whoever wants to know why something does not work. It is about the program, not about the
//! selected tenant. How it looks is in `diagnostics/draw.rs`.

mod draw;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::time::Duration;

use super::parts::moved;
use super::{Pane, PaneView};
use crate::model::Problem;
use crate::ops::call::{Call, Reply};
use crate::ops::diagnostics::Diagnostics;
use crate::tui::actions::done;
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use crate::tui::pace::Pace;
use crate::tui::update::copy;

/// The rows.
pub const COMMANDS: &[Command] = &[command(
    "diagnostics.copy",
    Scope::Pane(Pane::Diagnostics),
    &["y"],
    "copy all",
    "Copy all of it, for a report to whoever mends the program. Nothing in it is secret.",
    copy_all,
)
.hinted()
.when(|app| known(app).map(drop))];

const FACTS: &str = "facts";
/// How old an answer may be while somebody looks.
const EVERY: Duration = Duration::from_secs(15);

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    known: Option<Known>,
    /// Why there is nothing, or nothing newer.
    problem: Option<Problem>,
    /// When it was asked last, since the start of the program; `None` asks anew.
    asked: Option<Duration>,
    /// The answer has not come.
    waiting: bool,
    /// The first line in sight.
    scroll: usize,
}

/// An answer, and how fast the API was in words that do not change with every answer.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    facts: Diagnostics,
    pace: Option<Pace>,
}

fn known(app: &App) -> Result<&Known, Problem> {
    app.panes.diagnostics.known.as_ref().ok_or_else(|| Problem::new("Nothing is known yet."))
}

fn copy_all(app: &mut App) -> Vec<Effect> {
    let Ok(known) = known(app) else { return done() };
    let text = draw::report(known);
    copy(&mut app.shared, text, "the diagnostics")
}

impl State {
    fn take(&mut self, facts: Diagnostics) {
        let before = self.known.as_ref().and_then(|known| known.pace);
        let pace = match (&facts.api_answer, before) {
            (Ok(took), Some(before)) => Some(before.then(*took)),
            (Ok(took), None) => Some(Pace::of(*took)),
            (Err(_), before) => before,
        };
        self.known = Some(Known { facts, pace });
        self.problem = None;
    }

    fn is_asking(shared: &Shared) -> bool {
        shared.jobs.is_running(&Slot::Pane(Pane::Diagnostics, FACTS))
    }
}

impl PaneView for State {
    fn subject(&self, _shared: &Shared) -> String {
        String::new()
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        draw::note(self, shared)
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        self.scroll = moved(self.scroll, delta, draw::count(self, shared).saturating_sub(rows));
        done()
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let is_old = self.asked.is_none_or(|asked| shared.now.running >= asked + EVERY);
        if !is_old || Self::is_asking(shared) {
            return done();
        }
        self.asked = Some(shared.now.running);
        self.waiting = true;
        vec![shared.start(Slot::Pane(Pane::Diagnostics, FACTS), Request::Call(Call::Diagnostics))]
    }

    fn wake(&self) -> Option<Duration> {
        // While the answer is on its way nothing is due, however long that takes.
        self.asked.filter(|_| !self.waiting).map(|asked| asked + EVERY)
    }

    fn answer(&mut self, _shared: &mut Shared, _topic: &'static str, answer: Answer) -> Vec<Effect> {
        self.waiting = false;
        match answer {
            Answer::Reply(Ok(Reply::Diagnostics(facts))) => self.take(*facts),
            Answer::Reply(Err(problem)) => self.problem = Some(problem),
            _ => {}
        }
        done()
    }

    fn is_moving(&self, _shared: &Shared) -> bool {
        self.known.is_none() && self.problem.is_none()
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.asked = None;
        done()
    }
}

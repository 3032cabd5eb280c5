//! The metrics pane: what the tenant's machine uses now, and what it used over the last hours or days. How it looks is in
//! `metrics/draw.rs`; curves, scales and dots are beside it.

mod canvas;
mod charts;
mod draw;
mod scale;
mod series;
#[cfg(test)]
pub(in crate::tui) mod tests;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::time::Duration;

use super::{Pane, PaneView};
use crate::model::{Metrics, MetricsHistory, MetricsRange, Problem, Tenant, TenantId, TenantState};
use crate::ops::call::{Call, Reply};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("metrics.longer", Scope::Pane(Pane::Metrics), &["+", ">"], "longer", "Look further back.", |app| {
        step(app, 1)
    })
    .hinted(),
    command("metrics.shorter", Scope::Pane(Pane::Metrics), &["-", "<"], "shorter", "Look less far back.", |app| {
        step(app, -1)
    })
    .hinted(),
];

/// Between two questions what is used now.
const NOW: Duration = Duration::from_secs(15);
/// Between two questions what was used.
const CURVE: Duration = Duration::from_mins(1);
/// Where the answers to both come from.
const TOPICS: [&str; 2] = ["now", "curve"];

fn step(app: &mut App, by: isize) -> Vec<Effect> {
    let all = MetricsRange::ALL;
    let place = all.iter().position(|range| *range == app.panes.metrics.range).unwrap_or(0);
    let next = place.saturating_add_signed(by).min(all.len() - 1);
    app.panes.metrics.look(&mut app.shared, all[next])
}

/// A curve and when it came.
#[derive(Debug, Clone, PartialEq)]
struct Curve {
    history: MetricsHistory,
    came: Timestamp,
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Whom all of it is about.
    of: Option<TenantId>,
    range: MetricsRange,
    now: Option<Metrics>,
    /// The figures before those, for rates.
    before: Option<Metrics>,
    curve: Option<Curve>,
    /// Why there are no newer figures.
    problem: Option<Problem>,
    /// Why there is no newer curve.
    curve_problem: Option<Problem>,
    /// When the figures are old, since the start of the program; `None` where they have to be asked for.
    due: Option<Duration>,
    /// The same for the curve.
    curve_due: Option<Duration>,
}

impl State {
    fn is_current(&self, shared: &Shared) -> bool {
        self.of.is_some() && self.of.as_ref() == shared.selected().map(|tenant| &tenant.id)
    }

    fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref().or(self.curve_problem.as_ref())
    }

    /// Looks as far back as this.
    fn look(&mut self, shared: &mut Shared, range: MetricsRange) -> Vec<Effect> {
        if range == self.range {
            return Vec::new();
        }
        self.range = range;
        (self.curve, self.curve_problem, self.curve_due) = (None, None, None);
        shared.stop(Slot::Pane(Pane::Metrics, "curve")).into_iter().collect()
    }
}

/// True where there is a machine that could be measured, or was one.
fn has_machine(tenant: &Tenant) -> bool {
    match tenant.state() {
        TenantState::Provisioning | TenantState::ToDeploy | TenantState::Local(_) => false,
        TenantState::Deploying => tenant.deployed_at.is_some(),
        TenantState::Failed => tenant.phase.as_deref() != Some("failed_infra"),
        TenantState::Running
        | TenantState::Restarting
        | TenantState::Suspended
        | TenantState::Deleting
        | TenantState::Unknown => true,
    }
}

/// Starts `call` where it is due, and says when it will be again.
fn ask(
    shared: &mut Shared,
    due: &mut Option<Duration>,
    topic: &'static str,
    every: Duration,
    call: Call,
) -> Option<Effect> {
    let now = shared.now.running;
    if due.is_some_and(|due| now < due) {
        return None;
    }
    *due = Some(now + every);
    let slot = Slot::Pane(Pane::Metrics, topic);
    (!shared.jobs.is_running(&slot)).then(|| shared.start(slot, Request::Call(call)))
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        if self.is_current(shared) { draw::note(self, shared) } else { Vec::new() }
    }

    fn foot(&self, shared: &Shared) -> Vec<Span<'static>> {
        draw::foot(self, shared)
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, _shared: &mut Shared, _delta: i64, _rows: usize) -> Vec<Effect> {
        Vec::new()
    }

    fn tenant_changed(&mut self, shared: &mut Shared) -> Vec<Effect> {
        *self = Self { of: shared.followed.clone(), range: self.range, ..Self::default() };
        TOPICS.into_iter().filter_map(|topic| shared.stop(Slot::Pane(Pane::Metrics, topic))).collect()
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let measurable = shared.selected().is_some_and(has_machine);
        let Some(id) = self.of.clone().filter(|_| self.is_current(shared) && measurable) else {
            (self.due, self.curve_due) = (None, None);
            return Vec::new();
        };
        let now = ask(shared, &mut self.due, "now", NOW, Call::Metrics(id.clone()));
        let call = Call::MetricsHistory { id, range: self.range };
        now.into_iter().chain(ask(shared, &mut self.curve_due, "curve", CURVE, call)).collect()
    }

    fn wake(&self) -> Option<Duration> {
        self.due.into_iter().chain(self.curve_due).min()
    }

    fn answer(&mut self, shared: &mut Shared, topic: &'static str, answer: Answer) -> Vec<Effect> {
        match answer {
            Answer::Reply(Ok(Reply::Metrics(metrics))) => {
                self.before = self.now.replace(metrics);
                self.problem = None;
            }
            Answer::Reply(Ok(Reply::MetricsHistory(history))) => {
                self.curve = Some(Curve { history, came: shared.now.wall });
                self.curve_problem = None;
            }
            Answer::Reply(Err(problem)) if topic == "curve" => self.curve_problem = Some(problem),
            Answer::Reply(Err(problem)) => self.problem = Some(problem),
            _ => {}
        }
        Vec::new()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.is_current(shared) && draw::is_loading(self, shared)
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        (self.due, self.curve_due) = (None, None);
        Vec::new()
    }
}

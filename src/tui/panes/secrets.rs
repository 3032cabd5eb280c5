//! The secrets pane: the tenant's database and its credentials, and the names of its secrets. A name is always shown, the
//! value of a secret never, and a credential only while somebody asks for it.
//!
//! What the keys do is in `secrets/commands.rs`, how it looks in `secrets/draw.rs`, how long a value lives in
//! `secrets/values.rs`.

mod commands;
mod draw;
mod ended;
#[cfg(test)]
pub(in crate::tui) mod tests;
mod values;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::collections::BTreeMap;
use std::time::Duration;

pub use commands::{COMMANDS, edited, waits_for_editor};

use super::{Pane, PaneView};
use crate::model::{Problem, Tenant, TenantId};
use crate::ops::call::{Call, Reply};
use crate::ops::stored::Stored;
use crate::tui::app::Shared;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::lock::Lock;
use crate::tui::msg::Answer;
use values::Values;

/// How long after a rotation the list of tenants may still tell of the machine as it was before.
const SETTLES: Duration = Duration::from_secs(3);

/// Something that is loaded: what is known of it, and whether it is to be asked for.
#[derive(Debug, Clone, PartialEq)]
struct Part<T> {
    wanted: bool,
    value: Option<T>,
    problem: Option<Problem>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { wanted: true, value: None, problem: None }
    }
}

impl<T> Part<T> {
    fn take(&mut self, result: Result<T, Problem>) {
        match result {
            Ok(value) => (self.value, self.problem) = (Some(value), None),
            Err(problem) => self.problem = Some(problem),
        }
    }

    fn is_loading(&self) -> bool {
        self.value.is_none() && self.problem.is_none()
    }
}

/// What the status says that matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Status {
    /// One-time credentials can be fetched.
    waits: bool,
    /// What is set takes effect only when the machine is started again.
    restart: bool,
}

/// What happened to a tenant's database since the program started. No password is in it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Facts {
    /// As machines reach the database, the password masked.
    inside: Option<String>,
    /// As people outside reach it, the password masked.
    outside: Option<String>,
    rotated: Option<Rotation>,
}

/// A rotation, as it is told afterwards.
#[derive(Debug, Clone, PartialEq)]
struct Rotation {
    /// When, RFC 3339.
    at: String,
    /// When the one before was stored, RFC 3339.
    before: Option<String>,
    /// The machine is started again.
    restarts: bool,
    stored: Stored,
    /// Until then, since the start of the program, the machine is believed to restart whatever the list says.
    settles: Option<Duration>,
}

/// A row that can be selected. By its name, so that a list that was loaded again moves no selection to another secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    /// A value that came once, by its place.
    Value(usize),
    /// A secret, by its name.
    Name(String),
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Whom all of it is about.
    of: Option<TenantId>,
    names: Part<Vec<String>>,
    status: Part<Status>,
    record: Part<Box<Tenant>>,
    facts: BTreeMap<TenantId, Facts>,
    values: Values,
    selected: Option<Choice>,
    filter: String,
    /// The tenant and the name whose value is in the person's editor.
    editing: Option<String>,
}

impl State {
    /// True where what the pane knows is about the selected tenant.
    fn is_current(&self, shared: &Shared) -> bool {
        self.of.is_some() && self.of.as_ref() == shared.selected().map(|tenant| &tenant.id)
    }

    fn names(&self) -> &[String] {
        self.names.value.as_deref().unwrap_or_default()
    }

    /// The names that the filter lets through.
    fn shown_names(&self) -> impl Iterator<Item = &String> {
        let wanted = self.filter.to_ascii_uppercase();
        self.names().iter().filter(move |name| name.to_ascii_uppercase().contains(&wanted))
    }

    fn held(&self) -> Option<&values::Held> {
        self.of.as_ref().and_then(|id| self.values.of(id))
    }

    fn facts(&self) -> Option<&Facts> {
        self.of.as_ref().and_then(|id| self.facts.get(id))
    }

    fn facts_mut(&mut self) -> Option<&mut Facts> {
        self.of.as_ref().and_then(|id| self.facts.get_mut(id))
    }

    /// Everything that can be selected, in the order of the screen.
    fn choices(&self) -> Vec<Choice> {
        let values = (0..self.held().map_or(0, |held| held.values.len())).map(Choice::Value);
        values.chain(self.shown_names().cloned().map(Choice::Name)).collect()
    }

    /// The selected row, as long as it is there.
    fn choice(&self) -> Option<Choice> {
        let choice = self.selected.as_ref()?;
        self.choices().contains(choice).then(|| choice.clone())
    }

    fn name(&self) -> Option<String> {
        match self.choice()? {
            Choice::Name(name) => Some(name),
            Choice::Value(_) => None,
        }
    }

    fn value(&self) -> Option<(usize, &values::Value)> {
        match self.choice()? {
            Choice::Value(place) => Some((place, self.held()?.values.get(place)?)),
            Choice::Name(_) => None,
        }
    }

    fn select_first(&mut self) {
        self.selected = self.choices().into_iter().next();
    }

    fn filter_by(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
        if self.choice().is_none() {
            let first = self.shown_names().next().cloned();
            self.selected = first.map(Choice::Name);
        }
    }

    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let Some(id) = self.of.clone() else { return Vec::new() };
        let mut effects = Vec::new();
        let mut ask = |wanted: &mut bool, topic, call| {
            if std::mem::take(wanted) {
                effects.push(shared.start(Slot::Pane(Pane::Secrets, topic), Request::Call(call)));
            }
        };
        ask(&mut self.names.wanted, "names", Call::Secrets(id.clone()));
        ask(&mut self.status.wanted, "status", Call::Status(id.clone()));
        ask(&mut self.record.wanted, "record", Call::Tenant(id));
        effects
    }

    fn took_names(&mut self, result: Result<Vec<String>, Problem>) {
        let was_empty = self.names().is_empty();
        self.names.take(result.map(|mut names| {
            names.sort();
            names
        }));
        if was_empty && self.choice().is_none() {
            self.select_first();
        }
    }
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        let theme = &shared.theme;
        match &self.status.value {
            Some(Status { waits: true, .. }) if self.is_current(shared) => {
                vec![Span::styled("○ one-time credentials wait", theme.info)]
            }
            _ => Vec::new(),
        }
    }

    fn foot(&self, shared: &Shared) -> Vec<Span<'static>> {
        let theme = &shared.theme;
        if !self.filter.is_empty() {
            return vec![Span::styled(format!("/{}", self.filter), theme.warn)];
        }
        match shared.lock {
            Lock::ReadOnly => vec![Span::styled("read-only: nothing is set or removed", theme.dim)],
            Lock::Protected => vec![Span::styled("protected: nothing is set or removed", theme.dim)],
            Lock::Open | Lock::Unlocked(_) => Vec::new(),
        }
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, _shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        let choices = self.choices();
        let last = i64::try_from(choices.len()).unwrap_or(0) - 1;
        let here = self.selected.as_ref().and_then(|choice| choices.iter().position(|other| other == choice));
        let next = here.map_or(0, |here| i64::try_from(here).unwrap_or(0).saturating_add(delta).clamp(0, last.max(0)));
        self.selected = usize::try_from(next).ok().and_then(|next| choices.into_iter().nth(next));
        Vec::new()
    }

    fn click(&mut self, shared: &mut Shared, row: u16, _column: u16, size: (u16, u16)) -> Vec<Effect> {
        if let Some(choice) = draw::choice_at(self, shared, usize::from(row), size) {
            self.selected = Some(choice);
        }
        Vec::new()
    }

    fn tenant_changed(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.values.leave();
        self.of.clone_from(&shared.followed);
        (self.names, self.status, self.record) = (Part::default(), Part::default(), Part::default());
        self.selected = None;
        self.filter.clear();
        // What was asked about the tenant before is not waited for.
        ["names", "status", "record"]
            .into_iter()
            .filter_map(|topic| shared.stop(Slot::Pane(Pane::Secrets, topic)))
            .collect()
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let expired = self.values.expire(shared.now.running);
        let left = !self.is_current(shared) && self.values.leave();
        let settled = self
            .facts_mut()
            .and_then(|facts| facts.rotated.as_mut()?.settles.take_if(|due| *due <= shared.now.running));
        shared.dirty |= expired || left || settled.is_some();
        self.ask(shared)
    }

    fn left(&mut self, shared: &mut Shared, seen: bool) {
        let expired = self.values.expire(shared.now.running);
        let hid = if seen { self.values.hide() } else { self.values.leave() };
        shared.dirty |= expired || hid;
    }

    fn wake(&self) -> Option<Duration> {
        let settles = self.facts().and_then(|facts| facts.rotated.as_ref()?.settles);
        self.values.due().into_iter().chain(settles).min()
    }

    fn answer(&mut self, _shared: &mut Shared, topic: &'static str, answer: Answer) -> Vec<Effect> {
        let Answer::Reply(result) = answer else { return Vec::new() };
        match (topic, result) {
            ("names", Ok(Reply::Secrets(names))) => self.took_names(Ok(names)),
            ("names", Err(problem)) => self.took_names(Err(problem)),
            ("status", Ok(Reply::Status(status))) => {
                let status = Status { waits: status.secrets_url.is_some(), restart: status.restart_required };
                self.status.take(Ok(status));
            }
            ("status", Err(problem)) => self.status.take(Err(problem)),
            // An answer about somebody else is none.
            ("record", Ok(Reply::Tenant(tenant))) if Some(&tenant.id) == self.of.as_ref() => {
                self.record.take(Ok(tenant));
            }
            ("record", Err(problem)) => self.record.take(Err(problem)),
            _ => {}
        }
        Vec::new()
    }

    fn action_ended(
        &mut self,
        shared: &mut Shared,
        action: &'static str,
        tenant: &TenantId,
        result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        ended::take(self, shared, action, tenant, result);
        Vec::new()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.is_current(shared) && self.names.is_loading()
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        (self.names.wanted, self.status.wanted, self.record.wanted) = (true, true, true);
        Vec::new()
    }

    fn forget(&mut self, gone: &dyn Fn(&TenantId) -> bool) {
        self.values.forget(gone);
        self.facts.retain(|id, _| !gone(id));
    }
}

//! The environment pane: what the selected tenant's machine is started with. The values of secrets are not known here. How
//! it looks is in `environment/draw.rs`.

mod draw;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::fetch::Fetch;
use super::parts::moved;
use super::{Pane, PaneView};
use crate::model::{Environment, Problem, TenantId, Variable};
use crate::ops::call::{Call, Reply};
use crate::tui::actions::{done, selected};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::line::Line;
use crate::tui::effect::Effect;
use crate::tui::msg::Answer;
use crate::tui::update::copy;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "environment.filter",
        Scope::Pane(Pane::Environment),
        &["/"],
        "filter",
        "Show the variables whose name or value holds a text.",
        |app| {
            let text = app.panes.environment.filter.clone();
            app.dialog =
                Some(Dialog::Line(Line::live("filter", &text, |app, text| app.panes.environment.look_for(text))));
            done()
        },
    )
    .hinted(),
    command(
        "environment.copy",
        Scope::Pane(Pane::Environment),
        &["y"],
        "copy value",
        "Copy the value of the selected variable.",
        copy_value,
    )
    .hinted()
    .when(|app| plain(app).map(drop)),
];

/// The selected variable where it has a value that is known.
fn plain(app: &App) -> Result<&Variable, Problem> {
    selected(app)?;
    let state = &app.panes.environment;
    let variable = state.variable(&app.shared).ok_or_else(|| Problem::new("No variable is selected."))?;
    if variable.secret {
        let title = format!("The value of {} is a secret.", variable.key);
        return Err(Problem::new(title).hint("The server does not tell it to anybody."));
    }
    Ok(variable)
}

fn copy_value(app: &mut App) -> Vec<Effect> {
    let Ok(variable) = plain(app).cloned() else { return done() };
    copy(&mut app.shared, variable.value, &format!("the value of {}", variable.key))
}

const VARIABLES: &str = "variables";

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    variables: Fetch<Environment>,
    /// What a name or a value has to hold.
    filter: String,
    /// The name of the selected variable; the first one where nothing is said.
    chosen: Option<String>,
    /// The room inside of the border, columns and rows.
    room: (u16, u16),
    /// The first row in sight.
    top: usize,
}

impl State {
    fn look_for(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
        self.chosen = None;
    }

    /// The variables of the selected tenant that fit the filter.
    fn fitting(&self, shared: &Shared) -> Vec<&Variable> {
        let wanted = self.filter.trim().to_lowercase();
        // A mask says nothing that could be looked for.
        let fits = |variable: &&Variable| {
            let holds = |text: &str| text.to_lowercase().contains(&wanted);
            holds(&variable.key) || (!variable.secret && holds(&variable.value))
        };
        self.variables.of(shared).map_or_else(Vec::new, |known| known.variables.iter().filter(fits).collect())
    }

    fn place(&self, shown: &[&Variable]) -> usize {
        self.chosen.as_ref().and_then(|key| shown.iter().position(|variable| variable.key == *key)).unwrap_or(0)
    }

    fn variable(&self, shared: &Shared) -> Option<&Variable> {
        let shown = self.fitting(shared);
        shown.get(self.place(&shown)).copied()
    }
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        let all = self.variables.of(shared).map_or(0, |known| known.variables.len());
        match (all, self.fitting(shared).len()) {
            (0, _) => Vec::new(),
            (all, shown) if all == shown => vec![Span::styled(all.to_string(), shared.theme.dim)],
            (all, shown) => vec![Span::styled(format!("{shown} of {all}"), shared.theme.warn)],
        }
    }

    fn foot(&self, shared: &Shared) -> Vec<Span<'static>> {
        if self.filter.is_empty() {
            return Vec::new();
        }
        vec![Span::styled(format!("/{}", self.filter), shared.theme.warn)]
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        let shown = self.fitting(shared);
        let place = moved(self.place(&shown), delta, shown.len().saturating_sub(1));
        self.chosen = shown.get(place).map(|variable| variable.key.clone());
        done()
    }

    fn click(&mut self, shared: &mut Shared, row: u16, _column: u16, size: (u16, u16)) -> Vec<Effect> {
        if let Some(key) = draw::key_at(self, shared, row, size) {
            self.chosen = Some(key);
        }
        done()
    }

    fn room(&mut self, columns: u16, rows: u16) {
        self.room = (columns, rows);
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.top = draw::top(self, shared, self.room);
        self.variables.attend(shared, Pane::Environment, VARIABLES, Call::Environment).into_iter().collect()
    }

    fn answer(&mut self, _shared: &mut Shared, _topic: &'static str, answer: Answer) -> Vec<Effect> {
        self.variables.take(answer, |reply| match reply {
            Reply::Environment(environment) => Some(environment),
            _ => None,
        });
        done()
    }

    fn action_ended(
        &mut self,
        _shared: &mut Shared,
        _action: &'static str,
        tenant: &TenantId,
        _result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        self.variables.age_of(tenant);
        done()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.variables.is_loading(shared)
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.variables.age();
        done()
    }
}

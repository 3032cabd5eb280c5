//! The history pane: the selected tenant's deploys, newest first, and the way back to one of them. How both sides' memories
//! become one list is in `history/rows.rs`, how it looks in `history/draw.rs`.

mod draw;
mod rows;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::fetch::Fetch;
use super::parts::{ago, moved};
use super::{Pane, PaneView};
use crate::model::{DeployEnd, Deployment, Problem, TenantId};
use crate::ops::call::{Call, Reply};
use crate::ops::history::History;
use crate::tui::actions::tenant::shown;
use crate::tui::actions::{deploy, done};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::effect::{Effect, Request};
use crate::tui::format;
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use rows::Row;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "history.details",
        Scope::Pane(Pane::History),
        &["enter"],
        "details",
        "Show the steps and the image of the selected deploy, or hide them.",
        |app| {
            app.panes.history.details = !app.panes.history.details;
            done()
        },
    )
    .hinted(),
    command(
        "history.roll-back",
        Scope::Pane(Pane::History),
        &["b"],
        "roll back",
        "Deploy the image of the selected deploy again.",
        roll_back,
    )
    .hinted()
    .changes()
    .when(|app| wanted(app).map(drop))
    .asking(ask),
];

const LOCAL: &str = "local";
const SERVER: &str = "server";

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    local: Fetch<Box<History>>,
    server: Fetch<Vec<Deployment>>,
    /// What both know, as one list.
    rows: Vec<Row>,
    /// Of whom that is.
    of: Option<TenantId>,
    /// The key of the selected row; the selection stays on its deploy when others arrive.
    chosen: Option<String>,
    /// A row was selected before: one that is gone is not replaced by another silently.
    was_chosen: bool,
    /// The selected deploy is shown in full.
    details: bool,
    /// When the tenant's last deploy from here ended, as it was at the last question.
    ended: Option<Timestamp>,
    /// The room inside of the border, columns and rows.
    room: (u16, u16),
    /// The first row in sight.
    top: usize,
}

impl State {
    /// Works out the list anew.
    fn arrange(&mut self, shared: &Shared) {
        let of = self.local.asked().cloned();
        if self.of != of {
            (self.chosen, self.was_chosen) = (None, false);
            self.of = of;
        }
        let local = self.local.value();
        let listed = self.of.as_ref().and_then(|id| shared.tenants.get(id));
        let running = local
            .and_then(|history| history.running.as_ref().map(crate::model::Digest::as_str))
            .or_else(|| listed.and_then(|tenant| tenant.image_digest.as_deref()));
        let server = self.server.value().map_or(&[] as &[_], Vec::as_slice);
        self.rows = rows::rows(local.map_or(&[], |history| &history.deploys), server, running);
        let is_there = |key: &String| self.rows.iter().any(|row| row.is(key));
        self.chosen = self.chosen.take().filter(is_there);
        if !self.was_chosen {
            self.select(0);
        }
    }

    fn select(&mut self, place: usize) {
        self.chosen = self.rows.get(place).map(|row| row.key().to_owned());
        self.was_chosen |= self.chosen.is_some();
    }

    /// The rows of the selected tenant.
    fn shown(&self, shared: &Shared) -> &[Row] {
        let is_of = shared.selected().is_some_and(|tenant| self.of.as_ref() == Some(&tenant.id));
        if is_of { &self.rows } else { &[] }
    }

    fn place(&self) -> Option<usize> {
        let key = self.chosen.as_ref()?;
        self.rows.iter().position(|row| row.is(key))
    }

    fn row(&self, shared: &Shared) -> Option<&Row> {
        self.shown(shared).get(self.place()?)
    }
}

/// The deploy that a rollback would bring back, or why there is none.
fn wanted(app: &App) -> Result<&Row, Problem> {
    let tenant = shown(app)?;
    let row = app.panes.history.row(&app.shared).ok_or_else(|| Problem::new("No deploy is selected."))?;
    let refuse = |title: &str, hint: &str| Err(Problem::new(title).hint(hint));
    if row.runs_now || (row.digest.is_some() && row.digest == tenant.image_digest) {
        return refuse("That is what runs now.", "Select an older deploy to go back to it.");
    }
    let Some(entry) = &row.local else {
        return refuse(
            "That deploy was not made from this machine.",
            "Only an image that this machine remembers comes back.",
        );
    };
    let record = &entry.record;
    if record.outcome != DeployEnd::Succeeded {
        return refuse("That deploy did not succeed.", "Only an image that has run is brought back.");
    }
    if record.digest.is_none() && record.image_id.is_none() {
        return refuse("Nobody wrote down which image that was.", "Select another deploy.");
    }
    deploy::check(&app.shared, tenant)?;
    Ok(row)
}

fn short(digest: Option<&str>) -> &str {
    digest.and_then(format::digest).unwrap_or("an image of which no digest is known")
}

fn ask(app: &App) -> Option<Question> {
    let (tenant, row) = (shown(app).ok()?, wanted(app).ok()?);
    let now = short(tenant.image_digest.as_deref());
    let then = short(row.digest.as_deref());
    let when = row.began.map_or_else(String::new, |at| format!(" ({})", ago(&app.shared, at)));
    let text = format!(
        "{} runs {now} now. The image {then}{when} is pushed and deployed in its place; data and secrets stay as they are.",
        tenant.name
    );
    Some(Question::new(format!("Roll {} back?", tenant.name), "Yes, roll back").text(text).about([tenant.id.clone()]))
}

fn roll_back(app: &mut App) -> Vec<Effect> {
    let (Ok(tenant), Ok(row)) = (shown(app).cloned(), wanted(app)) else { return done() };
    let wanted = Some(row.key().to_owned());
    let id = tenant.id.clone();
    deploy::begin(app, &[tenant], &id);
    app.shared.tenants.clear_marks();
    app.shared.deploys.mark_rollback(&id);
    vec![app.shared.start(Slot::Deploy(id.clone()), Request::RollBack { tenant: id, wanted })]
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        match self.shown(shared).len() {
            0 => Vec::new(),
            count => vec![Span::styled(count.to_string(), shared.theme.dim)],
        }
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, _shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        let last = self.rows.len().saturating_sub(1);
        // Where nothing is selected the first step selects the newest.
        let place = self.place().map_or(0, |place| moved(place, delta, last));
        self.select(place);
        done()
    }

    fn click(&mut self, shared: &mut Shared, row: u16, column: u16, size: (u16, u16)) -> Vec<Effect> {
        if let Some(place) = draw::place_at(self, shared, row, column, size) {
            self.select(place);
        }
        done()
    }

    fn room(&mut self, columns: u16, rows: u16) {
        self.room = (columns, rows);
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let ended = shared.followed.as_ref().and_then(|id| shared.deploys.ended(id));
        if self.ended != ended {
            // A deploy that never reached the server changes nothing there, and is remembered here.
            self.local.age();
            self.ended = ended;
        }
        let local = self.local.attend(shared, Pane::History, LOCAL, Call::LocalHistory);
        let server = self.server.attend(shared, Pane::History, SERVER, Call::Deployments);
        let effects: Vec<Effect> = local.into_iter().chain(server).collect();
        if !effects.is_empty() || self.of.as_ref() != self.local.asked() {
            self.arrange(shared);
        }
        self.top = draw::top(self, shared, self.room);
        effects
    }

    fn answer(&mut self, shared: &mut Shared, topic: &'static str, answer: Answer) -> Vec<Effect> {
        match topic {
            LOCAL => self.local.take(answer, |reply| match reply {
                Reply::LocalHistory(history) => Some(history),
                _ => None,
            }),
            _ => self.server.take(answer, |reply| match reply {
                Reply::Deployments(deployments) => Some(deployments),
                _ => None,
            }),
        }
        self.arrange(shared);
        done()
    }

    fn action_ended(
        &mut self,
        _shared: &mut Shared,
        _action: &'static str,
        tenant: &TenantId,
        _result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        self.local.age_of(tenant);
        self.server.age_of(tenant);
        done()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.shown(shared).is_empty() && (self.local.is_loading(shared) || self.server.is_loading(shared))
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.local.age();
        self.server.age();
        done()
    }
}

//! The logs pane: what the selected tenant logs, or several tenants together, following its end unless somebody looks at
//! something older. The lines are kept, filtered and searched by the log engine; where the view stands and what is chosen
//! in it is in `logs/looking.rs`, the streams in `logs/feeds.rs`, the picture in `logs/draw.rs`, the keys in
//! `logs/commands.rs`. Must not know how lines are kept.

mod commands;
mod draw;
mod feeds;
mod looking;
mod saving;
#[cfg(test)]
pub(in crate::tui) mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::time::Duration;

pub use saving::wrote;

use super::PaneView;
use crate::model::TenantId;
use crate::tui::app::Shared;
use crate::tui::commands::Command;
use crate::tui::effect::Effect;
use crate::tui::log::{CAP, Direction, Key, Log, Room, Since, Times, View};
use crate::tui::msg::Answer;
use feeds::Stream;
use saving::Saving;

/// The rows.
pub const COMMANDS: &[Command] = commands::COMMANDS;

/// Bytes of lines that are looked at before the next message gets its turn: a few milliseconds.
const SLICE: usize = 256 * 1024;
/// Rows in one movement that mean all the way: the start or the end.
const ALL_THE_WAY: u64 = 1 << 40;

/// What the pane knows.
#[derive(Debug, Clone)]
pub struct State {
    log: Log,
    view: View,
    /// The room for lines, as it was after the last message.
    room: Room,
    streams: Vec<Stream>,
    /// Several tenants are shown together, whoever is selected.
    merged: bool,
    /// Just behind the line that was the last one when the view stopped to follow.
    paused: Option<Key>,
    /// What is searched for, as it was typed.
    searched: String,
    /// What the lines are filtered by, as it was typed.
    filtered: String,
    /// How far back lines are shown.
    since: Since,
    /// Why what is being typed is no pattern.
    mistake: Option<String>,
    /// How times are shown, once somebody has chosen.
    times: Option<Times>,
    /// A step of the search that waits until enough lines were looked at.
    step: Option<Direction>,
    /// Lines are left to be looked at: since when.
    working: Option<Duration>,
    /// What was to be written to a file, until that is done.
    saving: Option<Saving>,
    /// Nobody can see the pane.
    unseen: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            log: Log::new(CAP, ""),
            view: View::default(),
            room: Room { columns: 0, rows: 0 },
            streams: Vec::new(),
            merged: false,
            paused: None,
            searched: String::new(),
            filtered: String::new(),
            since: Since::All,
            mistake: None,
            times: None,
            step: None,
            working: None,
            saving: None,
            unseen: false,
        }
    }
}

impl State {
    /// How many lines came so far, also those that are kept no more.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.log.dropped() + self.log.len()
    }
}

impl PaneView for State {
    fn subject(&self, shared: &Shared) -> String {
        if self.merged {
            return self.names();
        }
        shared.selected().map_or_else(String::new, |tenant| tenant.name.clone())
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        draw::note(self, shared)
    }

    fn foot(&self, shared: &Shared) -> Vec<Span<'static>> {
        draw::foot(self, shared)
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, _shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        if self.view.selection.is_some() {
            self.extend(delta);
        } else {
            self.scroll(delta);
        }
        Vec::new()
    }

    fn shift_by(&mut self, _shared: &mut Shared, delta: i64) -> Vec<Effect> {
        self.look(|log, view, room| log.sideways(view, delta, room));
        Vec::new()
    }

    fn wheel(&mut self, _shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        self.scroll(delta);
        Vec::new()
    }

    fn click(&mut self, _shared: &mut Shared, row: u16, _column: u16, _size: (u16, u16)) -> Vec<Effect> {
        self.select_row(usize::from(row));
        Vec::new()
    }

    fn drag(&mut self, _shared: &mut Shared, row: u16, _column: u16, _size: (u16, u16)) -> Vec<Effect> {
        self.extend_to_row(usize::from(row));
        Vec::new()
    }

    fn room(&mut self, columns: u16, rows: u16) {
        let columns = usize::from(columns);
        let rows = usize::from(rows).saturating_sub(draw::below(self, columns).len());
        self.room = Room { columns, rows };
    }

    fn tenant_changed(&mut self, shared: &mut Shared) -> Vec<Effect> {
        // Several tenants were chosen on purpose: they stay until that is taken back.
        if self.merged {
            return Vec::new();
        }
        let followed: Vec<TenantId> = shared.followed.clone().into_iter().collect();
        self.begin(shared, followed)
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.unseen = false;
        let left = self.log.work(SLICE);
        // What was looked at meanwhile is a change of the picture.
        shared.dirty |= self.working.is_some();
        self.working = left.then_some(shared.now.running);
        if let Some(direction) = self.step.take() {
            self.step_on(shared, direction);
        }
        Vec::new()
    }

    fn left(&mut self, _shared: &mut Shared, seen: bool) {
        self.unseen = !seen;
    }

    fn wake(&self) -> Option<Duration> {
        self.working
    }

    fn answer(&mut self, shared: &mut Shared, _topic: &'static str, answer: Answer) -> Vec<Effect> {
        if let Answer::Logs(id, news) = answer {
            self.hear(shared, &id, news);
        }
        Vec::new()
    }

    fn refresh(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.reopen(shared)
    }
}

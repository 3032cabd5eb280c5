//! The overview pane: everything about the selected tenant, and what can be done with it now. How it looks is in
//! `overview/draw.rs`.

mod draw;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::fetch::Fetch;
use super::parts::moved;
use super::{Pane, PaneView};
use crate::model::{Problem, Tenant, TenantId, TenantStatus};
use crate::ops::call::{Call, Reply};
use crate::tui::actions::{address, can_open, done, selected};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::Effect;
use crate::tui::msg::Answer;
use crate::tui::update::copy;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "overview.copy",
        Scope::Pane(Pane::Overview),
        &["y"],
        "copy address",
        "Copy the tenant's address.",
        |app| {
            let Some(address) = app.selected().and_then(address) else { return done() };
            copy(&mut app.shared, address, "the address")
        },
    )
    .hinted()
    .when(|app| selected(app).and_then(can_open)),
    command("overview.copy-id", Scope::Pane(Pane::Overview), &["Y"], "copy id", "Copy the tenant's id.", copy_id)
        .when(|app| selected(app).map(drop)),
];

fn copy_id(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.selected().map(|tenant| tenant.id.to_string()) else { return done() };
    copy(&mut app.shared, id, "the id")
}

const RECORD: &str = "record";
const STATUS: &str = "status";

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    record: Fetch<Box<Tenant>>,
    status: Fetch<Box<TenantStatus>>,
    /// The address of a tenant's database for people outside, its password masked, as its switch said it.
    outside: Option<(TenantId, String)>,
    /// The first line in sight.
    scroll: usize,
}

impl PaneView for State {
    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        let Some(tenant) = shared.selected() else { return Vec::new() };
        let (glyph, style) = shared.theme.tenant(tenant.state(), shared.frame);
        vec![Span::styled(format!("{glyph} {}", tenant.state().word()), style)]
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        self.scroll = moved(self.scroll, delta, draw::count(self, shared).saturating_sub(rows));
        done()
    }

    fn tenant_changed(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.scroll = 0;
        done()
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let record = self.record.attend(shared, Pane::Overview, RECORD, Call::Tenant);
        let status = self.status.attend(shared, Pane::Overview, STATUS, Call::Status);
        record.into_iter().chain(status).collect()
    }

    fn answer(&mut self, _shared: &mut Shared, topic: &'static str, answer: Answer) -> Vec<Effect> {
        match topic {
            RECORD => self.record.take(answer, |reply| match reply {
                Reply::Tenant(tenant) => Some(tenant),
                _ => None,
            }),
            _ => self.status.take(answer, |reply| match reply {
                Reply::Status(status) => Some(status),
                _ => None,
            }),
        }
        done()
    }

    fn action_ended(
        &mut self,
        _shared: &mut Shared,
        _action: &'static str,
        tenant: &TenantId,
        result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        match result {
            Ok(Reply::Tenant(record)) => self.record.put(tenant, record.clone()),
            Ok(Reply::ExternalAccess(access)) => {
                let is_told = access.enabled && !access.masked_url.is_empty();
                self.outside = is_told.then(|| (tenant.clone(), access.masked_url.clone()));
            }
            _ => {}
        }
        self.record.age_of(tenant);
        self.status.age_of(tenant);
        done()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.record.is_loading(shared)
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.record.age();
        self.status.age();
        done()
    }

    fn forget(&mut self, gone: &dyn Fn(&TenantId) -> bool) {
        if self.outside.as_ref().is_some_and(|(id, _)| gone(id)) {
            self.outside = None;
        }
    }
}

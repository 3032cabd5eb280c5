//! What follows the selected tenant: once the selection has come to rest, every pane is told; and while nobody presses
//! keys, at once.

use super::timers;
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::panes::Pane;

/// Does what a person asked for, and notes where that moved the selection: the panes follow when it rests.
pub(super) fn watching_selection(app: &mut App, work: impl FnOnce(&mut App) -> Vec<Effect>) -> Vec<Effect> {
    let before = app.selected().map(|tenant| tenant.id.clone());
    let effects = work(app);
    if app.selected().map(|tenant| &tenant.id) != before.as_ref() {
        app.shared.timers.feeds = Some(app.shared.now.running + timers::REST);
        app.panes.events.leave_purchase();
        app.panes.deploy.refusal = None;
        app.panes.deploy.scroll = 0;
    }
    effects
}

/// Tells every pane that another tenant is selected, where that is so.
pub(super) fn switch(app: &mut App) -> Vec<Effect> {
    // A database on this machine has no events, no log and no record at the API.
    let selected = app.selected().filter(|tenant| !tenant.is_local()).map(|tenant| tenant.id.clone());
    if app.shared.followed == selected {
        return Vec::new();
    }
    app.shared.followed = selected;
    app.shared.dirty = true;
    let mut effects = Vec::new();
    for pane in Pane::ALL {
        effects.extend(app.panes.get_mut(pane).tenant_changed(&mut app.shared));
    }
    effects
}

/// Called after every message: the list changed under the selection, or arrived.
pub(super) fn follow_state(app: &mut App) -> Vec<Effect> {
    if app.shared.timers.feeds.is_some() {
        return Vec::new();
    }
    let mut effects = switch(app);
    effects.extend(app.panes.logs.follow_state(&mut app.shared));
    effects
}

/// Opens both streams again where they are not open.
pub(super) fn reopen(app: &mut App) -> Vec<Effect> {
    let mut effects = app.panes.events.reopen(&mut app.shared);
    effects.extend(app.panes.logs.reopen(&mut app.shared));
    effects
}

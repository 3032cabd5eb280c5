//! Time: what is due when a tick comes, and which timers have to be armed. An idle screen has only the
//! rare ones armed, and a tick that changes nothing draws nothing.

use std::time::Duration;

use super::{feeds, load_tenants, start};
use crate::tui::app::{App, Moment, is_due};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;

/// A turn of the spinner.
const TURN: Duration = Duration::from_millis(100);
/// How long a sentence stays.
pub(super) const TOAST: Duration = Duration::from_secs(6);
/// How long the selection rests before the feeds follow it.
pub(super) const REST: Duration = Duration::from_millis(150);
/// Between two questions to API and engine.
const HEALTH: Duration = Duration::from_secs(15);
/// Between two loads of the list while a tenant moves: what a lost stream would have said.
const LIST_MOVING: Duration = Duration::from_secs(5);
/// Between two loads of the list otherwise.
const LIST: Duration = Duration::from_mins(1);
/// Between an event and the load that shows what it changed; several events share one.
const LIST_SOON: Duration = Duration::from_millis(250);
/// Between two pictures of ages that only grow.
const AGES: Duration = Duration::from_mins(5);

/// Time has passed.
pub(super) fn tick(app: &mut App, now: Moment) -> Vec<Effect> {
    app.now = now;
    let running = now.running;
    let mut effects = Vec::new();
    if is_due(&mut app.timers.spinner, running) {
        app.frame = app.frame.wrapping_add(1);
        app.dirty = true;
    }
    if is_due(&mut app.timers.toast, running) {
        app.toast = None;
        app.dirty = true;
    }
    if is_due(&mut app.timers.ages, running) {
        app.dirty = true;
    }
    if is_due(&mut app.timers.feeds, running) {
        effects.extend(feeds::switch(app));
    }
    if is_due(&mut app.timers.health, running) {
        effects.extend(ask_health(app));
    }
    if is_due(&mut app.timers.list, running) && !app.jobs.is_running(Slot::Tenants) {
        effects.push(load_tenants(app));
    }
    effects
}

/// Asks API and engine whether they answer, unless an older question is still open.
pub(super) fn ask_health(app: &mut App) -> Vec<Effect> {
    app.timers.health = Some(app.now.running + HEALTH);
    let mut effects = Vec::new();
    for (slot, request) in [(Slot::Api, Request::PingApi), (Slot::Engine, Request::PingEngine)] {
        if !app.jobs.is_running(slot) {
            effects.push(start(app, slot, request));
        }
    }
    effects
}

/// The list changed on the server: load it soon.
pub(super) fn list_soon(app: &mut App) {
    let due = app.now.running + LIST_SOON;
    app.timers.list = Some(app.timers.list.map_or(due, |armed| armed.min(due)));
}

/// Arms what the state needs, and disarms what it does not.
pub(super) fn arm(app: &mut App) {
    let now = app.now.running;
    let timers = app.timers;
    app.timers.spinner = app.is_moving().then(|| timers.spinner.unwrap_or(now + TURN));
    app.timers.ages = app.shows_ages().then(|| timers.ages.unwrap_or(now + AGES));
    let wait = if app.tenants.any_moving() { LIST_MOVING } else { LIST };
    app.timers.list = Some(timers.list.unwrap_or(now + wait).min(now + wait));
}

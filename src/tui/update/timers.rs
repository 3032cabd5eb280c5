//! Time: what is due when a tick comes, and which timers have to be armed. An idle screen has only the
//! rare ones armed, and a tick that changes nothing draws nothing.

use std::time::Duration;

use super::{clipboard, feeds, load_tenants, local, login};
use crate::tui::again;
use crate::tui::app::{App, Moment, Shared, is_due};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;

/// A turn of the spinner.
const TURN: Duration = Duration::from_millis(100);
/// How long a sentence stays.
pub const TOAST: Duration = Duration::from_secs(6);
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
    app.shared.now = now;
    let running = now.running;
    let mut effects = Vec::new();
    if is_due(&mut app.shared.timers.spinner, running) {
        app.shared.frame = app.shared.frame.wrapping_add(1);
        app.shared.dirty = true;
    }
    if is_due(&mut app.shared.timers.toast, running) {
        app.shared.toast = None;
        app.shared.dirty = true;
    }
    if is_due(&mut app.shared.timers.ages, running) {
        app.shared.dirty = true;
    }
    if is_due(&mut app.shared.timers.lock, running) && app.shared.lock.tick(running) {
        again::forget(&mut app.shared);
        app.shared.say("The unlock has ended: nothing can be changed.");
    }
    if is_due(&mut app.shared.timers.login, running) {
        login::watch_end(&mut app.shared);
    }
    effects.extend(clipboard::tick(&mut app.shared));
    if is_due(&mut app.shared.timers.feeds, running) {
        effects.extend(feeds::switch(app));
    }
    if is_due(&mut app.shared.timers.health, running) {
        effects.extend(ask_health(app));
        effects.extend(local::look(app));
    }
    if is_due(&mut app.shared.timers.list, running) && !app.shared.jobs.is_running(&Slot::Tenants) {
        effects.push(load_tenants(app));
        effects.extend(local::look(app));
    }
    effects
}

/// Asks API and engine whether they answer, unless an older question is still open.
pub fn ask_health(app: &mut App) -> Vec<Effect> {
    app.shared.timers.health = Some(app.shared.now.running + HEALTH);
    let mut effects = Vec::new();
    for (slot, request) in [(Slot::Api, Request::PingApi), (Slot::Engine, Request::PingEngine)] {
        if !app.shared.jobs.is_running(&slot) {
            effects.push(app.shared.start(slot, request));
        }
    }
    effects
}

/// The list changed on the server: load it soon.
pub fn list_soon(shared: &mut Shared) {
    let due = shared.now.running + LIST_SOON;
    shared.timers.list = Some(shared.timers.list.map_or(due, |armed| armed.min(due)));
}

/// Arms what the state needs, and disarms what it does not.
pub(super) fn arm(app: &mut App) {
    let now = app.shared.now.running;
    let timers = app.shared.timers;
    app.shared.timers.spinner = app.is_moving().then(|| timers.spinner.unwrap_or(now + TURN));
    app.shared.timers.ages = app.shared.tenants.any_deployed().then(|| timers.ages.unwrap_or(now + AGES));
    let wait = if app.shared.tenants.any_moving() { LIST_MOVING } else { LIST };
    app.shared.timers.list = Some(timers.list.unwrap_or(now + wait).min(now + wait));
}

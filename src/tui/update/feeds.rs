//! Events and logs follow the selected tenant: once the selection has come to rest, and again when a
//! stream that should be open is not.

use super::{start, timers};
use crate::model::TenantState;
use crate::tui::app::App;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::panes::feed::Feed;

/// The selection moved: the feeds follow when it rests.
pub(super) fn selection_moved(app: &mut App) {
    app.timers.feeds = Some(app.now.running + timers::REST);
    app.events.shows_purchase = false;
    app.events.scroll.follow();
    app.deploy.refusal = None;
    app.deploy.scroll = 0;
}

/// Follows the selected tenant, and lets go of the one before.
pub(super) fn switch(app: &mut App) -> Vec<Effect> {
    let selected = app.selected().map(|tenant| tenant.id.clone());
    let mut effects = Vec::new();
    if app.events.feed_of != selected {
        effects.extend(stop(app, Slot::EventFeed));
        app.events.feed_of.clone_from(&selected);
        app.events.feed = Feed::Off;
        effects.extend(follow_events(app));
        app.dirty = true;
    }
    if app.logs.feed_of != selected {
        effects.extend(stop(app, Slot::LogFeed));
        app.logs.begin(selected);
        effects.extend(follow_logs(app));
        app.dirty = true;
    }
    effects
}

/// Opens what the state of the followed tenant asks for; called after every message.
pub(super) fn follow_state(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if app.timers.feeds.is_some() {
        return effects;
    }
    let selected = app.selected().map(|tenant| &tenant.id);
    if app.events.feed_of.as_ref() != selected || app.logs.feed_of.as_ref() != selected {
        // The list changed under the selection, or arrived: nobody is pressing arrows.
        return switch(app);
    }
    if app.logs.feed == Feed::Off && logs(app) {
        effects.extend(follow_logs(app));
    }
    effects
}

/// Opens both streams again where they are not open.
pub(super) fn reopen(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    if !matches!(app.events.feed, Feed::Live | Feed::Connecting) {
        effects.extend(follow_events(app));
    }
    effects.extend(reopen_logs(app));
    effects
}

/// Opens the log again where it is not open: after a deploy there is a new machine.
pub(super) fn reopen_logs(app: &mut App) -> Vec<Effect> {
    if matches!(app.logs.feed, Feed::Live | Feed::Connecting) { Vec::new() } else { follow_logs(app) }
}

fn follow_events(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.events.feed_of.clone() else { return Vec::new() };
    app.events.feed = Feed::Connecting;
    vec![start(app, Slot::EventFeed, Request::WatchTenant(id))]
}

fn follow_logs(app: &mut App) -> Vec<Effect> {
    let Some(id) = app.logs.feed_of.clone().filter(|_| logs(app)) else { return Vec::new() };
    app.logs.feed = Feed::Connecting;
    app.logs.expect_replay();
    vec![start(app, Slot::LogFeed, Request::FollowLogs(id))]
}

/// True where the selected tenant has a machine that can log.
fn logs(app: &App) -> bool {
    app.selected().is_some_and(|tenant| match tenant.state() {
        TenantState::Running | TenantState::Restarting | TenantState::Unknown => true,
        TenantState::Failed => tenant.phase.as_deref() != Some("failed_infra"),
        // An update has an old machine that still logs; a first deploy has none yet.
        TenantState::Deploying => tenant.deployed_at.is_some(),
        TenantState::Provisioning | TenantState::ToDeploy | TenantState::Suspended | TenantState::Deleting => false,
    })
}

fn stop(app: &mut App, slot: Slot) -> Option<Effect> {
    let running = app.jobs.is_running(slot);
    app.jobs.end(slot);
    running.then_some(Effect::Stop(slot))
}

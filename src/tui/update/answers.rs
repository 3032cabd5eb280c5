//! What the jobs answer: what everybody needs to know is noted here, the rest goes to the pane that asked.

use std::time::Duration;

use super::{bought, checkout, clipboard, feeds, local, note_health, notices, timers};
use crate::model::progress::{DeployOutcome, DeployProgress, DeployStep};
use crate::model::{Problem, TenantId};
use crate::ops::call::Reply;
use crate::tui::actions::tenant::words;
use crate::tui::app::{App, Health};
use crate::tui::backend::TenantList;
use crate::tui::dialogs::{first_start, ready};
use crate::tui::effect::Effect;
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::msg::Answer;
use crate::tui::outside;
use crate::tui::pace::Pace;
use crate::tui::panes::{Pane, PaneView, logs, secrets};
use crate::tui::view::layout;

/// Takes a current answer.
pub(super) fn take(app: &mut App, ticket: Ticket, answer: Answer) -> Vec<Effect> {
    let began = app.shared.jobs.since(&ticket.slot);
    // Streams and progress go on; everything else has said all it had to say.
    if !answer.goes_on() {
        app.shared.jobs.end(&ticket.slot);
    }
    match (ticket.slot, answer) {
        (Slot::Pane(pane, topic), answer) => {
            app.shared.dirty = true;
            app.panes.get_mut(pane).answer(&mut app.shared, topic, answer)
        }
        (Slot::Action(action, tenant), Answer::Reply(result)) => {
            let took = app.shared.now.running.saturating_sub(began.unwrap_or(app.shared.now.running));
            action_ended(app, action, &tenant, &result, took)
        }
        (Slot::LocalTenants, Answer::Reply(result)) => local::listed(app, result),
        (Slot::NewLocal, Answer::Reply(result)) => {
            app.shared.dirty = true;
            local::defaults(app, result);
            Vec::new()
        }
        (Slot::SetUp, Answer::Reply(result)) => first_start::answered(app, result),
        (Slot::FirstDeploy, Answer::Reply(result)) => {
            ready::looked(app, result);
            Vec::new()
        }
        (_, Answer::LocalProgress(said)) => {
            app.shared.dirty = true;
            local::progress(app, said);
            Vec::new()
        }
        (_, Answer::LocalMade(result)) => {
            app.shared.dirty = true;
            local::made(app, result)
        }
        (_, Answer::Api(result)) => api(app, result),
        (_, Answer::Engine(result)) => {
            note_health(app, &Slot::Engine, result.map_or_else(Health::Down, Health::Up));
            Vec::new()
        }
        (_, Answer::Tenants(result)) => tenants(app, result),
        (_, answer @ Answer::TenantEvents(_)) => {
            let ready = app.panes.events.hear(&mut app.shared, answer);
            if ready { app.panes.logs.reopen(&mut app.shared) } else { Vec::new() }
        }
        (_, answer @ Answer::Logs(..)) => app.panes.logs.answer(&mut app.shared, "feed", answer),
        (slot, answer) => {
            app.shared.dirty = true;
            others(app, &slot, answer)
        }
    }
}

fn others(app: &mut App, slot: &Slot, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Account(result) => {
            if let Err(problem) = &result {
                app.shared.problem = Some(problem.clone());
            }
            app.shared.account = Some(result);
        }
        Answer::Plans(result) => checkout::plans(app, result),
        Answer::Checkout(result) => return checkout::began(app, result),
        Answer::CheckoutEvent(live) => checkout::event(app, live),
        Answer::DeployProgress(id, progress) => return deploy_progress(app, &id, progress),
        Answer::Deployed(id, result) => return deployed(app, slot, &id, result),
        Answer::Opened(Err(problem)) => app.shared.tell(&problem),
        Answer::Paid(result) => checkout::paid(app, result),
        Answer::Outside(answer @ outside::Answer::Saved(_)) => {
            if let outside::Answer::Saved(result) = &answer
                && !logs::wrote(app, result)
            {
                tell(app, &answer);
            }
        }
        Answer::Outside(outside::Answer::Copied(result)) => clipboard::copied(&mut app.shared, result),
        Answer::Outside(outside::Answer::Edited(result)) if secrets::waits_for_editor(app) => {
            return secrets::edited(app, result);
        }
        Answer::Outside(answer) => tell(app, &answer),
        _ => {}
    }
    Vec::new()
}

fn tell(app: &mut App, answer: &outside::Answer) {
    match answer.told() {
        Some(Ok(words)) => app.shared.say(words),
        Some(Err(problem)) => app.shared.tell(problem),
        None => {}
    }
}

fn api(app: &mut App, result: Result<Duration, Problem>) -> Vec<Effect> {
    let was_down = matches!(app.shared.api, Health::Down(_));
    let fresh = result.map_or_else(Health::Down, |took| {
        let pace = app.shared.pace.map_or_else(|| Pace::of(took), |pace| pace.then(took));
        app.shared.pace = Some(pace);
        Health::Up(pace.words())
    });
    let is_up = matches!(fresh, Health::Up(_));
    note_health(app, &Slot::Api, fresh);
    if !(was_down && is_up) {
        return Vec::new();
    }
    timers::list_soon(&mut app.shared);
    // Their own next attempt may be half a minute away.
    let mut effects = feeds::reopen(app);
    effects.extend(checkout::watch_again(app));
    effects
}

fn tenants(app: &mut App, result: Result<TenantList, Problem>) -> Vec<Effect> {
    let before = app.shared.tenants.clone();
    match result {
        Ok(list) => {
            app.shared.listed_at = Some(app.shared.now.wall);
            app.shared.tenants.take(list);
            let bought = app.shared.purchase.as_ref().and_then(|purchase| purchase.tenant.clone());
            let listed: std::collections::HashSet<&TenantId> =
                app.shared.tenants.list().iter().map(|tenant| &tenant.id).collect();
            let gone = |id: &TenantId| Some(id) != bought.as_ref() && !listed.contains(id);
            for pane in Pane::ALL {
                app.panes.get_mut(pane).forget(&gone);
            }
        }
        Err(problem) => {
            if app.shared.tenants.problem() != Some(&problem) {
                app.shared.problem = Some(problem.clone());
            }
            app.shared.tenants.fail(problem);
        }
    }
    // The same list again is no reason to draw.
    app.shared.dirty |= app.shared.tenants != before;
    let selected = app.selected().map(|tenant| &tenant.id);
    if selected != before.selected().map(|tenant| &tenant.id) {
        let bought = app.shared.purchase.as_ref().and_then(|purchase| purchase.tenant.as_ref());
        if selected != bought {
            app.panes.events.shows_purchase = false;
        }
        app.panes.events.scroll.follow();
    }
    Vec::new()
}

fn deploy_progress(app: &mut App, id: &TenantId, progress: DeployProgress) -> Vec<Effect> {
    let reached_server = matches!(&progress, DeployProgress::Started { step } if *step == DeployStep::Deploy);
    let now = app.shared.now;
    app.shared.deploys.take(id, progress, now);
    if !reached_server {
        return Vec::new();
    }
    timers::list_soon(&mut app.shared);
    // From here on the server tells; its stream may have ended with the operation before.
    if app.shared.followed.as_ref() == Some(id) && !app.panes.events.feed.is_open() {
        return feeds::reopen(app);
    }
    Vec::new()
}

fn deployed(app: &mut App, slot: &Slot, id: &TenantId, result: Result<DeployOutcome, Problem>) -> Vec<Effect> {
    let now = app.shared.now;
    let failed = result.as_ref().err().cloned();
    let Some(name) = app.shared.deploys.end(id, result, now) else { return Vec::new() };
    let took = app.shared.deploys.of(id).map_or_else(Default::default, |run| run.lasts(now.running));
    let mut effects = vec![notices::deploy(&mut app.shared, &name, failed.as_ref(), took)];
    if let Slot::Deploy(job) = slot
        && !app.shared.deploys.all_running().any(|(other, _)| app.shared.deploys.job_of(other) == Some(job))
    {
        app.shared.jobs.end(slot);
    }
    timers::list_soon(&mut app.shared);
    let selected = app.selected().is_some_and(|tenant| tenant.id == *id);
    let Some(problem) = failed else {
        app.shared.say(format!("{name} is deployed."));
        if selected {
            effects.extend(app.panes.logs.reopen(&mut app.shared));
        }
        return effects;
    };
    if !selected || !layout::shows(app, Pane::Deploy) {
        app.shared.warn(format!("The deploy of {name} did not finish: {}", problem.title));
    }
    app.shared.problem = Some(problem);
    effects
}

fn action_ended(
    app: &mut App,
    action: &'static str,
    id: &TenantId,
    result: &Result<Reply, Problem>,
    took: Duration,
) -> Vec<Effect> {
    timers::list_soon(&mut app.shared);
    app.shared.dirty = true;
    let name = app.shared.tenants.get(id).map_or_else(|| id.to_string(), |tenant| tenant.name.clone());
    let mut effects = Vec::new();
    let wished = bought::ended(&mut app.shared, action, id, result);
    match result {
        Ok(Reply::LocalDeleted(deleted)) => app.shared.say(format!("{name} {}", deleted.brief())),
        Ok(_) => app.shared.say(format!("{name} {}.", words(action).1)),
        // What was chosen before the purchase says what it was about.
        Err(problem) => {
            let told = wished.unwrap_or_else(|| problem.clone());
            app.shared.tell(&told);
        }
    }
    if action == "rotate" {
        effects.push(notices::rotation(&mut app.shared, &name, result.as_ref().err(), took));
    }
    if let ("rename", Ok(Reply::Tenant(record))) = (action, result) {
        // What is said next of it is said of its new name.
        app.shared.tenants.rename(id, &record.name);
    }
    for pane in Pane::ALL {
        effects.extend(app.panes.get_mut(pane).action_ended(&mut app.shared, action, id, result));
    }
    if app.shared.followed.as_ref() == Some(id) && !app.panes.events.feed.is_open() {
        effects.extend(app.panes.events.reopen(&mut app.shared));
    }
    effects
}

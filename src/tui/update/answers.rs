//! What the jobs answer.

use super::{checkout, feeds, note_health, tell, timers, toast};
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{EventKind, LogEntry, Problem, ProvisioningEvent};
use crate::tui::app::{App, Health, Pane};
use crate::tui::backend::{Live, TenantList};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::{Confirm, Question};
use crate::tui::effect::Effect;
use crate::tui::jobs::{Slot, Ticket};
use crate::tui::msg::Answer;
use crate::tui::view::layout;

/// Takes a current answer.
pub(super) fn take(app: &mut App, ticket: Ticket, answer: Answer) -> Vec<Effect> {
    // Streams and progress go on; everything else has said all it had to say.
    let goes_on = matches!(
        answer,
        Answer::CheckoutEvent(_) | Answer::TenantEvent(_) | Answer::Log(_) | Answer::DeployProgress(_)
    );
    if !goes_on {
        app.jobs.end(ticket.slot);
    }
    match answer {
        Answer::Api(result) => {
            let was_down = matches!(app.api, Health::Down(_));
            let fresh = result.map_or_else(Health::Down, |_| Health::Up(String::new()));
            let is_up = matches!(fresh, Health::Up(_));
            note_health(app, Slot::Api, fresh);
            if was_down && is_up {
                timers::list_soon(app);
                // Their own next attempt may be half a minute away.
                let mut effects = feeds::reopen(app);
                effects.extend(checkout::watch_again(app));
                return effects;
            }
            return Vec::new();
        }
        Answer::Engine(result) => {
            note_health(app, Slot::Engine, result.map_or_else(Health::Down, Health::Up));
            return Vec::new();
        }
        Answer::Tenants(result) => return tenants(app, result),
        _ => app.dirty = true,
    }
    match answer {
        Answer::Account(result) => {
            if let Err(problem) = &result {
                app.problem = Some(problem.clone());
            }
            app.account = Some(result);
        }
        Answer::Plans(result) => checkout::plans(app, result),
        Answer::Checkout(result) => return checkout::began(app, result),
        Answer::CheckoutEvent(live) => checkout::event(app, live),
        Answer::TenantEvent(live) => return tenant_event(app, live),
        Answer::Log(live) => log(app, live),
        Answer::DeployProgress(progress) => return deploy_progress(app, progress),
        Answer::Deployed(result) => return deployed(app, result),
        Answer::Opened(Err(problem)) => tell(app, &problem),
        Answer::Paid(result) => checkout::paid(app, result),
        Answer::Outside(answer) => match answer.told() {
            Some(Ok(words)) => toast(app, words, false),
            Some(Err(problem)) => tell(app, problem),
            None => {}
        },
        Answer::Opened(Ok(())) | Answer::Api(_) | Answer::Engine(_) | Answer::Tenants(_) => {}
    }
    Vec::new()
}

fn tenants(app: &mut App, result: Result<TenantList, Problem>) -> Vec<Effect> {
    let before = (app.tenants.clone(), app.selected().map(|tenant| tenant.id.clone()));
    match result {
        Ok(list) => {
            app.tenants.take(list);
            let state = &app.tenants;
            let bought = app.purchase.as_ref().and_then(|purchase| purchase.tenant.clone());
            app.events.retain(|id| Some(id) == bought.as_ref() || state.list().iter().any(|tenant| tenant.id == *id));
        }
        Err(problem) => {
            if app.tenants.problem() != Some(&problem) {
                app.problem = Some(problem.clone());
            }
            app.tenants.fail(problem);
        }
    }
    // The same list again is no reason to draw.
    app.dirty |= app.tenants != before.0;
    let bought = app.purchase.as_ref().and_then(|purchase| purchase.tenant.as_ref());
    if app.selected().map(|tenant| &tenant.id) != before.1.as_ref() {
        if app.selected().map(|tenant| &tenant.id) != bought {
            app.events.shows_purchase = false;
        }
        app.events.scroll.follow();
    }
    Vec::new()
}

fn tenant_event(app: &mut App, live: Live<ProvisioningEvent>) -> Vec<Effect> {
    match &live {
        Live::Failed(problem) => {
            app.problem = Some(problem.clone());
            app.jobs.end(Slot::EventFeed);
        }
        Live::Ended => app.jobs.end(Slot::EventFeed),
        Live::Connected | Live::Item(_) | Live::Interrupted { .. } => {}
    }
    let Some(event) = app.events.feed.note(live) else { return Vec::new() };
    let Some(id) = app.events.feed_of.clone() else { return Vec::new() };
    let ready = event.event_type == EventKind::TenantReady;
    if !app.events.add(&id, event) {
        return Vec::new();
    }
    timers::list_soon(app);
    if ready { feeds::reopen_logs(app) } else { Vec::new() }
}

fn log(app: &mut App, live: Live<LogEntry>) {
    match &live {
        Live::Failed(_) | Live::Ended => app.jobs.end(Slot::LogFeed),
        Live::Connected => app.logs.expect_replay(),
        Live::Interrupted { .. } | Live::Item(_) => {}
    }
    if let Some(entry) = app.logs.feed.note(live) {
        app.logs.add(entry);
    }
}

fn deploy_progress(app: &mut App, progress: DeployProgress) -> Vec<Effect> {
    let reached_server =
        matches!(&progress, DeployProgress::Started { step } if *step == crate::model::progress::DeployStep::Deploy);
    let now = app.now;
    app.deploy.take(progress, now);
    if !reached_server {
        return Vec::new();
    }
    timers::list_soon(app);
    // From here on the server tells; its stream may have ended with the operation before.
    if app.deploy.running_id() == app.events.feed_of.as_ref() && !app.events.feed.is_open() {
        return feeds::reopen(app);
    }
    Vec::new()
}

fn deployed(app: &mut App, result: Result<DeployOutcome, Problem>) -> Vec<Effect> {
    let now = app.now;
    let failed = result.as_ref().err().cloned();
    let Some((id, name)) = app.deploy.end(result, now) else { return Vec::new() };
    timers::list_soon(app);
    if matches!(app.dialog, Some(Dialog::Confirm(Confirm { question: Question::Quit, .. }))) {
        // There is nothing left to lose, and nothing left to ask.
        app.dialog = None;
    }
    let selected = app.selected().is_some_and(|tenant| tenant.id == id);
    let Some(problem) = failed else {
        toast(app, format!("{name} is deployed."), false);
        return if selected { feeds::reopen_logs(app) } else { Vec::new() };
    };
    if !selected || !layout::shows(app, Pane::Deploy) {
        toast(app, format!("The deploy of {name} did not finish: {}", problem.title), true);
    }
    app.problem = Some(problem);
    Vec::new()
}

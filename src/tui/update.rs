//! The only thing that changes the state: a message comes in, effects go out. It reads no clock and does
//! no I/O. One file for each kind of message below it.

mod answers;
mod checkout;
mod feeds;
mod keys;
mod timers;

use super::app::{App, Health, Toast};
use super::availability;
use super::commands::Action;
use super::effect::{Effect, Request};
use super::jobs::Slot;
use super::msg::Msg;
use super::outside::Errand;
use crate::model::Problem;

/// Takes one message.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Started => {
            app.dirty = true;
            let mut effects = vec![start(app, Slot::Account, Request::Account)];
            effects.extend(timers::ask_health(app));
            effects.push(load_tenants(app));
            effects
        }
        Msg::Tick(now) => timers::tick(app, now),
        Msg::Key(key) => {
            app.dirty = true;
            keys::press(app, key)
        }
        Msg::Resized { width, height } => {
            app.size = (width, height);
            app.dirty = true;
            Vec::new()
        }
        Msg::Resumed => {
            app.dirty = true;
            Vec::new()
        }
        // A stale answer: somebody asked again, or gave up.
        Msg::Answer(ticket, _) if !app.jobs.is_current(ticket) => Vec::new(),
        Msg::Answer(ticket, answer) => answers::take(app, ticket, answer),
    };
    effects.extend(feeds::follow_state(app));
    review_refusal(app);
    timers::arm(app);
    effects
}

/// A refusal goes away with its reason.
fn review_refusal(app: &mut App) {
    if app.deploy.refusal.is_none() {
        return;
    }
    let now = availability::check(app, Action::Deploy).err();
    if app.deploy.refusal != now {
        app.deploy.refusal = now;
        app.dirty = true;
    }
}

/// Starts a job; an older one of its kind becomes stale.
fn start(app: &mut App, slot: Slot, request: Request) -> Effect {
    Effect::Start(app.jobs.start(slot), request)
}

/// Sends somebody on an errand; an older one of its kind becomes stale.
fn errand(app: &mut App, errand: Errand) -> Effect {
    Effect::Errand(app.jobs.start(errand.slot()), errand)
}

fn load_tenants(app: &mut App) -> Effect {
    start(app, Slot::Tenants, Request::Tenants)
}

/// Says a sentence at the bottom for a while.
fn toast(app: &mut App, text: impl Into<String>, bad: bool) {
    app.toast = Some(Toast { text: text.into(), bad });
    app.timers.toast = Some(app.now.running + timers::TOAST);
    app.dirty = true;
}

/// Keeps a problem for its full text, and says its title at the bottom.
fn tell(app: &mut App, problem: &Problem) {
    let words = match &problem.hint {
        Some(hint) => format!("{} {hint}", problem.title),
        None => problem.title.clone(),
    };
    app.problem = Some(problem.clone());
    toast(app, words, true);
}

/// Notes whether something answers; only a change is drawn.
fn note_health(app: &mut App, slot: Slot, fresh: Health) {
    if let Health::Down(problem) = &fresh {
        let known =
            matches!(if slot == Slot::Api { &app.api } else { &app.engine }, Health::Down(old) if old == problem);
        if !known {
            app.problem = Some(problem.clone());
        }
    }
    let place = if slot == Slot::Api { &mut app.api } else { &mut app.engine };
    if *place != fresh {
        *place = fresh;
        app.dirty = true;
    }
}

//! The only thing that changes the state: a message comes in, effects go out. It reads no clock and does
//! no I/O. One file for each kind of message below it.

mod answers;
pub mod bought;
pub mod checkout;
pub mod clipboard;
mod feeds;
pub mod keys;
pub mod local;
pub mod login;
mod mouse;
mod notices;
pub mod timers;

pub use clipboard::{copy, copy_secret, copy_text};
pub use timers::TOAST;

use super::actions::deploy_selected;
use super::again;
use super::app::{App, Health, Shared};
use super::dialogs::confirm;
use super::effect::{Effect, Request};
use super::jobs::Slot;
use super::msg::Msg;
use super::outside::Errand;
use super::pages::Page;
use super::panes::Pane;
use super::view::layout;
use crate::ops::call::Call;

/// Takes one message.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let mut effects = match msg {
        Msg::Started => {
            app.shared.dirty = true;
            login::watch_end(&mut app.shared);
            let mut effects = vec![app.shared.start(Slot::Account, Request::Account)];
            effects.extend(timers::ask_health(app));
            effects.push(load_tenants(app));
            effects.push(load_local(app));
            effects
        }
        Msg::Tick(now) => timers::tick(app, now),
        Msg::Key(key) => feeds::watching_selection(app, |app| keys::press(app, key)),
        Msg::Pasted(text) => keys::paste(app, &text),
        Msg::Mouse(event) => feeds::watching_selection(app, |app| mouse::take(app, event)),
        Msg::Resized { width, height } => {
            app.shared.size = (width, height);
            app.shared.dirty = true;
            Vec::new()
        }
        Msg::Resumed => {
            app.shared.dirty = true;
            Vec::new()
        }
        // A stale answer: somebody asked again, or gave up.
        Msg::Answer(ticket, _) if !app.shared.jobs.is_current(&ticket) => Vec::new(),
        Msg::Answer(ticket, answer) => login::take(app, ticket, answer),
    };
    effects.extend(bought::review(app));
    effects.extend(feeds::follow_state(app));
    let visible = layout::rooms(app);
    for pane in Pane::ALL {
        let seen = visible.iter().any(|(shown, _)| *shown == pane);
        if !seen || app.focus != pane {
            app.panes.get_mut(pane).left(&mut app.shared, seen);
        }
    }
    for (pane, room) in visible {
        let pane = app.panes.get_mut(pane);
        pane.room(room.width, room.height);
        effects.extend(pane.attend(&mut app.shared));
    }
    review_refusal(app);
    confirm::review(app);
    again::review(app);
    timers::arm(app);
    effects
}

/// A refusal goes away with its reason.
fn review_refusal(app: &mut App) {
    if app.panes.deploy.refusal.is_none() {
        return;
    }
    let now = deploy_selected(app).err();
    if app.panes.deploy.refusal != now {
        app.panes.deploy.refusal = now;
        app.shared.dirty = true;
    }
}

impl Shared {
    /// Starts a job; an older one of its kind becomes stale.
    pub fn start(&mut self, slot: Slot, request: Request) -> Effect {
        Effect::Start(self.jobs.start(slot, self.now.running), request)
    }

    /// Sends somebody on an errand; an older one of its kind becomes stale.
    pub fn errand(&mut self, errand: Errand) -> Effect {
        Effect::Errand(self.jobs.start(errand.slot(), self.now.running), errand)
    }

    /// Ends a job where it runs: what it still says is stale.
    pub fn stop(&mut self, slot: Slot) -> Option<Effect> {
        let running = self.jobs.is_running(&slot);
        self.jobs.end(&slot);
        running.then_some(Effect::Stop(slot))
    }
}

impl App {
    /// Brings a pane into sight and gives it the focus.
    pub fn show(&mut self, pane: Pane) {
        if let Some(page) = Page::with(pane) {
            self.page = page;
        }
        self.focus = pane;
        self.shared.dirty = true;
    }

    /// Moves the focus by `steps` among the list and the panes of the page.
    pub fn step_focus(&mut self, steps: isize) {
        let panes: Vec<Pane> = std::iter::once(Pane::Tenants).chain(self.page.panes().iter().copied()).collect();
        let place = panes.iter().position(|pane| *pane == self.focus).unwrap_or(0);
        let count = isize::try_from(panes.len()).unwrap_or(1);
        let next = (isize::try_from(place).unwrap_or(0) + steps).rem_euclid(count);
        self.focus = usize::try_from(next).ok().and_then(|next| panes.get(next)).copied().unwrap_or(Pane::Tenants);
    }
}

/// Loads the list of tenants.
pub fn load_tenants(app: &mut App) -> Effect {
    app.shared.start(Slot::Tenants, Request::Tenants)
}

/// Loads the databases on this machine.
pub fn load_local(app: &mut App) -> Effect {
    app.shared.start(Slot::LocalTenants, Request::Call(Call::LocalTenants))
}

/// Notes whether something answers; only a change is drawn.
fn note_health(app: &mut App, slot: &Slot, fresh: Health) {
    let shared = &mut app.shared;
    let place = if *slot == Slot::Api { &mut shared.api } else { &mut shared.engine };
    if let Health::Down(problem) = &fresh
        && !matches!(place, Health::Down(old) if old == problem)
    {
        shared.problem = Some(problem.clone());
    }
    if *place != fresh {
        *place = fresh;
        shared.dirty = true;
    }
}

//! What was chosen for a tenant before it was bought is done once it is there, each thing once, whatever is open on the
//! screen by then; and afterwards the way to its first deploy is shown.

use crate::model::{EventKind, Problem, ProvisioningEvent, TenantId, TenantState};
use crate::ops::call::Reply;
use crate::tui::actions::context::is_open;
use crate::tui::app::{App, Shared};
use crate::tui::bought::{Bought, Choice, What, Wish, WishState};
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::dialogs::ready;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::panes::Pane;
use crate::tui::view::layout;

/// The tenant of a purchase has an id.
pub(super) fn adopt(shared: &mut Shared, id: &TenantId, words: String, choice: Choice) {
    if shared.bought.iter().all(|bought| bought.id != *id) {
        shared.bought.push(Bought::new(id.clone(), words, choice));
    }
}

/// Its events tell how far it is.
pub(super) fn note(shared: &mut Shared, id: &TenantId, event: &ProvisioningEvent) {
    let is_there = matches!(event.event_type, EventKind::InfrastructureReady | EventKind::TenantReady);
    if let Some(bought) = shared.bought.iter_mut().find(|bought| bought.id == *id && is_there) {
        bought.is_provisioned = true;
    }
}

/// Called after every message: begins what is due, and tells what comes next once there is nothing left to do.
pub(super) fn review(app: &mut App) -> Vec<Effect> {
    let mut effects = Vec::new();
    for place in 0..app.shared.bought.len() {
        // What needs nothing done makes way for the next at once.
        while let Some(step) = begin(&mut app.shared, place) {
            if let Step::Started(effect) = step {
                effects.push(effect);
            }
        }
        effects.extend(tell(app, place));
    }
    effects
}

/// What became of a wish that was due.
enum Step {
    /// The server is asked.
    Started(Effect),
    /// Nothing has to be done for it, or may be.
    PassedBy,
}

/// The next wish of one tenant, where nothing else is being done for it; `None` where nothing is due.
fn begin(shared: &mut Shared, place: usize) -> Option<Step> {
    let bought = shared.bought.get(place)?;
    let tenant = shared.tenants.get(&bought.id).filter(|tenant| bought.is_ready(tenant))?;
    let number = bought.wishes.iter().position(|wish| matches!(wish.state, WishState::Waits | WishState::Runs))?;
    let Wish { what, state: WishState::Waits } = bought.wishes.get(number)?.clone() else { return None };
    let slot = Slot::Action(what.action(), bought.id.clone());
    let request = Request::Call(what.call(&bought.id));
    let state = if what.is_so(tenant) || shared.jobs.is_running(&slot) {
        // Somebody has done it by hand, or is doing it.
        WishState::Done
    } else if let Err(locked) = is_open(shared) {
        let key = shared.key_of(what.command());
        let hint = format!("{} Then {key} does it.", locked.hint.as_deref().unwrap_or_default());
        let problem = Problem::new(what.failure(&tenant.name)).detail(locked.title).hint(hint.trim_start());
        shared.tell(&problem);
        WishState::Failed(problem)
    } else {
        WishState::Runs
    };
    let step = if state == WishState::Runs { Step::Started(shared.start(slot, request)) } else { Step::PassedBy };
    shared.bought.get_mut(place)?.wishes.get_mut(number)?.state = state;
    shared.dirty = true;
    Some(step)
}

/// Somebody does by hand, or undoes, what was wished: the wish is over.
pub fn by_hand(shared: &mut Shared, action: &str, id: &TenantId) {
    let is_over = |wish: &Wish| {
        let of_action = match &wish.what {
            What::Name(_) => action == "rename",
            What::OpenDatabase => matches!(action, "access-on" | "access-off"),
        };
        of_action && wish.state == WishState::Waits
    };
    for bought in shared.bought.iter_mut().filter(|bought| bought.id == *id) {
        bought.wishes.retain(|wish| !is_over(wish));
    }
}

/// An action on a tenant has come to its end: it may have been a wish. What is told of it is told here.
pub(super) fn ended(
    shared: &mut Shared,
    action: &'static str,
    id: &TenantId,
    result: &Result<Reply, Problem>,
) -> Option<Problem> {
    let wishes = shared.bought.iter_mut().filter(|bought| bought.id == *id).flat_map(|bought| &mut bought.wishes);
    let mut running = wishes.filter(|wish| wish.what.action() == action && wish.state == WishState::Runs);
    let wish = running.next()?;
    let Err(problem) = result else {
        wish.state = WishState::Done;
        return None;
    };
    let what = wish.what.clone();
    let name = shared.tenants.get(id).map_or_else(|| id.to_string(), |tenant| tenant.name.clone());
    let detail =
        problem.detail.as_deref().map_or_else(|| problem.title.clone(), |more| format!("{} {more}", problem.title));
    let hint = problem.hint.clone();
    let by_hand = format!("{} does it by hand.", shared.key_of(what.command()));
    let hint = hint.map_or_else(|| by_hand.clone(), |hint| format!("{hint} {by_hand}"));
    let told = Problem {
        requires_login: problem.requires_login,
        ..Problem::new(what.failure(&name)).detail(detail).hint(hint)
    };
    let wishes = shared.bought.iter_mut().filter(|bought| bought.id == *id).flat_map(|bought| &mut bought.wishes);
    for wish in wishes.filter(|wish| wish.what == what) {
        wish.state = WishState::Failed(told.clone());
    }
    Some(told)
}

/// The last stage of the wizard: opens where somebody still watches the purchase, and is said in a line elsewhere.
fn tell(app: &mut App, place: usize) -> Option<Effect> {
    let bought = app.shared.bought.get(place).filter(|bought| !bought.is_told && !bought.has_open_wishes())?;
    let id = bought.id.clone();
    let tenant = app.shared.tenants.get(&id).filter(|tenant| bought.is_ready(tenant))?;
    let (name, state) = (tenant.name.clone(), tenant.state());
    let has_failed = bought.wishes.iter().any(|wish| matches!(wish.state, WishState::Failed(_)));
    app.shared.bought.get_mut(place)?.is_told = true;
    if !matches!(state, TenantState::ToDeploy | TenantState::Unknown) {
        // Whoever has deployed it knows what comes next.
        return None;
    }
    app.shared.dirty = true;
    let is_watched = app.dialog.is_none()
        && app.pending.is_empty()
        && app.focus == Pane::Events
        && app.selected().is_some_and(|selected| selected.id == id)
        && !layout::is_too_small(app);
    if is_watched {
        return ready::open_unasked(app, id);
    }
    // A failure that is being told is not talked over: the dialog has it, too.
    if !has_failed {
        let key = app.shared.key_of("tenant.first");
        app.shared.say(format!("{name} waits for its first deploy: {key} shows what comes next."));
    }
    None
}

/// Words for the question before leaving: what would not be done any more.
#[must_use]
pub fn left_undone(shared: &Shared) -> Option<String> {
    let is_waited_for = |purchase: &Purchase| purchase.tenant.is_none() && !purchase.choice.is_plain();
    if shared.purchase.as_ref().is_some_and(is_waited_for) {
        return Some(
            "A purchase is under way. What was chosen for its tenant is done only while this program runs.".to_owned(),
        );
    }
    let is_coming = |id: &TenantId| match shared.tenants.get(id) {
        Some(tenant) => tenant.state() != TenantState::Deleting,
        None => shared.purchase.as_ref().is_some_and(|purchase| purchase.tenant.as_ref() == Some(id)),
    };
    let bought = shared.bought.iter().find(|bought| bought.has_open_wishes() && is_coming(&bought.id))?;
    let name = shared.tenants.get(&bought.id).map_or("The new tenant", |tenant| tenant.name.as_str());
    Some(format!("{name} is not provisioned yet. What was chosen for it is done only while this program runs."))
}

//! Buying: the dialog's steps, the purchase, and its events up to the tenant in the list.

use super::{bought, timers};
use crate::model::{CheckoutSession, EventKind, Plan, Problem, ProvisioningEvent, REGIONS};
use crate::tui::actions::context::may_change;
use crate::tui::app::App;
use crate::tui::backend::Live;
use crate::tui::bought::Ordered;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::beneath;
use crate::tui::dialogs::field::Field;
use crate::tui::dialogs::new_tenant::{NewTenant, Purchase, Row, Stage, name, words};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::pages::Page;
use crate::tui::panes::Pane;
use crate::tui::panes::feed::Feed;

/// Opens the dialog: at the purchase that waits, or at the plans. One after the other: what was chosen for a tenant is kept
/// with its purchase until it has an id.
pub fn open(app: &mut App) -> Vec<Effect> {
    if let Some(purchase) = &app.shared.purchase {
        if purchase.waits_for_payment() {
            app.dialog = Some(Dialog::NewTenant(NewTenant::at(Stage::Payment)));
            return Vec::new();
        }
        if purchase.tenant.is_none() && purchase.feed.is_open() {
            app.shared.say("The tenant that was just paid is not there yet: wait a moment, then buy the next.");
            return Vec::new();
        }
    }
    if app.shared.jobs.is_running(&Slot::Checkout) {
        app.dialog = Some(Dialog::NewTenant(NewTenant::at(Stage::Starting)));
        return Vec::new();
    }
    load_plans(app)
}

fn load_plans(app: &mut App) -> Vec<Effect> {
    app.dialog = Some(Dialog::NewTenant(NewTenant::at(Stage::Loading)));
    vec![app.shared.start(Slot::Plans, Request::Plans)]
}

/// Leaves the purchase unpaid and begins with the plans.
pub fn start_over(app: &mut App) -> Vec<Effect> {
    app.shared.jobs.end(&Slot::CheckoutFeed);
    app.shared.jobs.end(&Slot::Pay);
    app.shared.purchase = None;
    app.panes.events.shows_purchase = false;
    let mut effects = vec![Effect::Stop(Slot::CheckoutFeed), Effect::Stop(Slot::Pay)];
    effects.extend(load_plans(app));
    effects
}

/// Enter in the dialog.
pub fn choose(app: &mut App) -> Vec<Effect> {
    // An unlock may have ended since the dialog was opened.
    if let (Err(problem), Some(Dialog::NewTenant(NewTenant { stage: Stage::Options, .. }))) =
        (may_change(app), &app.dialog)
    {
        app.shared.tell(&problem);
        return Vec::new();
    }
    let Some(Dialog::NewTenant(dialog)) = &mut app.dialog else { return Vec::new() };
    match dialog.stage {
        Stage::Plan => {
            dialog.stage = Stage::Region;
            Vec::new()
        }
        Stage::Region => {
            dialog.stage = Stage::Options;
            dialog.option = 0;
            Vec::new()
        }
        Stage::Options => match Row::ALL.get(dialog.option) {
            Some(Row::Database) => {
                dialog.choice.is_open = !dialog.choice.is_open;
                Vec::new()
            }
            Some(Row::Name) => {
                dialog.field = Field::with(&dialog.choice.name);
                dialog.complaint = None;
                dialog.stage = Stage::Naming;
                Vec::new()
            }
            Some(Row::Buy) | None => begin(app),
        },
        // Not at once with the same choice: whether the first purchase began is not known.
        Stage::Failed(_) => load_plans(app),
        Stage::Naming | Stage::Loading | Stage::Starting | Stage::Payment => Vec::new(),
    }
}

/// Everything is chosen.
fn begin(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::NewTenant(dialog)) = &mut app.dialog else { return Vec::new() };
    let plan = dialog.plans.get(dialog.plan).map(|plan| plan.paddle_price_id.clone());
    let region = REGIONS.get(dialog.region).map(|region| region.code.to_owned());
    let (Some(price_id), Some(region)) = (plan, region) else { return Vec::new() };
    app.shared.ordered = Some(Ordered { words: words(dialog), choice: dialog.choice.clone() });
    dialog.stage = Stage::Starting;
    vec![app.shared.start(Slot::Checkout, Request::Checkout { price_id, region })]
}

/// The name was typed.
pub fn named(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::NewTenant(dialog)) = &mut app.dialog else { return Vec::new() };
    let others = app.shared.tenants.list().iter().filter(|tenant| !tenant.is_local());
    match name(dialog.field.text(), others.map(|tenant| tenant.name.as_str())) {
        Ok(name) => {
            dialog.choice.name = name;
            dialog.option = 0;
            dialog.stage = Stage::Options;
        }
        Err(complaint) => dialog.complaint = Some(complaint),
    }
    Vec::new()
}

/// One step back in the dialog.
pub fn back(app: &mut App) {
    match &mut app.dialog {
        Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Region => dialog.stage = Stage::Plan,
        Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Options => dialog.stage = Stage::Region,
        Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Naming => dialog.stage = Stage::Options,
        Some(Dialog::NewTenant(dialog)) if !matches!(dialog.stage, Stage::Starting) => app.dialog = None,
        _ => {}
    }
}

/// The plans came.
pub fn plans(app: &mut App, result: Result<Vec<Plan>, Problem>) {
    let Some(Dialog::NewTenant(dialog)) = beneath(&mut app.dialog) else { return };
    if dialog.stage != Stage::Loading {
        return;
    }
    match result {
        Ok(plans) if plans.is_empty() => {
            let problem = Problem::new("No plan is offered.").hint("Ask whoever runs this Management API.");
            dialog.stage = Stage::Failed(problem);
        }
        Ok(plans) => {
            dialog.plans = plans;
            dialog.stage = Stage::Plan;
        }
        Err(problem) => {
            app.shared.problem = Some(problem.clone());
            dialog.stage = Stage::Failed(problem);
        }
    }
}

/// The purchase began, or did not.
pub fn began(app: &mut App, result: Result<CheckoutSession, Problem>) -> Vec<Effect> {
    let ordered = app.shared.ordered.take().unwrap_or_default();
    let dialog = match beneath(&mut app.dialog) {
        Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Starting => Some(dialog),
        _ => None,
    };
    let session = match (result, dialog) {
        (Ok(session), dialog) => {
            if let Some(dialog) = dialog {
                dialog.stage = Stage::Payment;
            } else {
                let press = app.shared.press("new");
                app.shared.say(format!("The purchase has begun: {press} to see its payment page."));
            }
            app.shared.purchase = Some(Purchase::new(session.clone(), ordered));
            session
        }
        (Err(problem), Some(dialog)) => {
            app.shared.problem = Some(problem.clone());
            dialog.stage = Stage::Failed(problem);
            return Vec::new();
        }
        (Err(problem), None) => {
            app.shared.tell(&problem);
            return Vec::new();
        }
    };
    app.panes.events.begin_purchase();
    let mut effects = Vec::new();
    if let Some(id) = session.checkout_session_id {
        effects.push(app.shared.start(Slot::CheckoutFeed, Request::WatchCheckout(id)));
    }
    if app.shared.options.auto_pay {
        effects.push(app.shared.start(Slot::Pay, Request::Pay(session.checkout_url)));
    }
    effects
}

/// Goes on watching a purchase whose stream was lost.
pub fn watch_again(app: &mut App) -> Option<Effect> {
    let purchase =
        app.shared.purchase.as_mut().filter(|purchase| !matches!(purchase.feed, Feed::Live | Feed::Connecting))?;
    let session = purchase.session.clone()?;
    purchase.feed = Feed::Connecting;
    app.shared.dirty = true;
    Some(app.shared.start(Slot::CheckoutFeed, Request::WatchCheckout(session)))
}

/// The payment without a browser came to an end.
pub fn paid(app: &mut App, result: Result<(), Problem>) {
    let Err(problem) = result else { return };
    match &mut app.shared.purchase {
        Some(purchase) => {
            app.shared.problem = Some(problem.clone());
            purchase.problem = Some(problem);
        }
        // Another plan was to be paid: there is no dialog that could say it.
        None => app.shared.tell(&problem),
    }
}

/// The purchase's stream says something.
pub fn event(app: &mut App, live: Live<ProvisioningEvent>) {
    let Some(purchase) = &mut app.shared.purchase else { return };
    let ended = matches!(live, Live::Ended | Live::Failed(_));
    if let Live::Failed(problem) = &live {
        app.shared.problem = Some(problem.clone());
    }
    if let Some(event) = purchase.feed.note(live) {
        happened(app, event);
    } else if ended {
        app.shared.jobs.end(&Slot::CheckoutFeed);
        if app.shared.purchase.as_ref().is_some_and(|purchase| purchase.paid) {
            // From here on the tenant's own stream tells.
            app.panes.events.shows_purchase = false;
            app.shared.purchase = None;
            timers::list_soon(&mut app.shared);
        }
    }
}

fn happened(app: &mut App, event: ProvisioningEvent) {
    let Some(purchase) = &mut app.shared.purchase else { return };
    purchase.problem = None;
    if !purchase.paid {
        purchase.paid = true;
        app.panes.events.shows_purchase = true;
        app.panes.events.scroll.follow();
        // The dialog gives way to what the person waits for.
        if matches!(&app.dialog, Some(Dialog::NewTenant(dialog)) if dialog.stage == Stage::Payment) {
            app.dialog = None;
            (app.page, app.focus) = (Page::with(Pane::Events).unwrap_or_default(), Pane::Events);
        }
    }
    if let Some(name) = &event.tenant_name {
        purchase.tenant_name = Some(name.clone());
    }
    if let (None, Some(id)) = (&purchase.tenant, &event.tenant_id) {
        purchase.tenant = Some(id.clone());
        let (words, choice) = (purchase.words.clone(), std::mem::take(&mut purchase.choice));
        app.shared.tenants.wanted = Some(id.clone());
        app.panes.events.adopt(id);
        bought::adopt(&mut app.shared, id, words, choice);
    }
    let failed = event.event_type == EventKind::ProvisioningFailed;
    let id = app.shared.purchase.as_ref().and_then(|purchase| purchase.tenant.clone());
    if let Some(id) = &id {
        bought::note(&mut app.shared, id, &event);
    }
    let fresh = match &id {
        Some(id) => app.panes.events.add(id, event),
        None => app.panes.events.add_to_purchase(event),
    };
    if fresh && id.is_some() {
        timers::list_soon(&mut app.shared);
    }
    if fresh && failed {
        app.shared.warn("The provisioning failed; the events say at which step.");
    }
}

//! The plan pane: what is paid for the selected tenant, its memory, and the plans there are. How it looks is in
//! `plan/draw.rs`.

mod draw;
#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::time::Duration;

use super::fetch::Fetch;
use super::parts::moved;
use super::{Pane, PaneView};
use crate::model::{Plan, Problem, Subscription, TenantId, text};
use crate::ops::call::{Call, Reply};
use crate::tui::actions::tenant::{begin_asked, can_change, can_delete, can_scale, one, shown};
use crate::tui::actions::{done, pick_memory};
use crate::tui::again::Asked;
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::msg::Answer;
use crate::tui::update::keys::invoke;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("plan.memory", Scope::Pane(Pane::Plan), &["m"], "memory", "Give the machine other memory.", |app| {
        let Ok(tenant) = shown(app).cloned() else { return done() };
        pick_memory(app, &tenant)
    })
    .hinted()
    .changes()
    .when(|app| shown(app).and_then(can_scale))
    .by_key_only(),
    command(
        "plan.change",
        Scope::Pane(Pane::Plan),
        &["p"],
        "change plan",
        "Choose another plan, and pay for it on a page in the browser.",
        pick_plan,
    )
    .hinted()
    .changes()
    .when(|app| offered(app).map(drop)),
    command(
        "plan.open",
        Scope::Pane(Pane::Plan),
        &["o"],
        "open page",
        "Open the payment page, or the one where the subscription is managed.",
        |app| {
            let Ok(url) = page(app) else { return done() };
            app.shared.say(format!("Opening {url}"));
            vec![app.shared.start(Slot::Open, Request::Open(url))]
        },
    )
    .hinted()
    .when(|app| page(app).map(drop)),
    command(
        "plan.cancel",
        Scope::Pane(Pane::Plan),
        &["C"],
        "cancel subscription",
        "End the subscription at once; machine, database and code are destroyed.",
        |app| match table().find(|command| command.id == "tenant.cancel") {
            Some(command) => invoke(app, command),
            None => done(),
        },
    )
    .changes()
    .when(|app| one(app).and_then(can_delete))
    .by_key_only(),
];

const SUBSCRIPTION: &str = "subscription";
const PLANS: &str = "plans";
/// Between two looks at whether a plan was paid.
const PAID: Duration = Duration::from_secs(15);

/// A plan that was chosen and not paid yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    tenant: TenantId,
    /// The plan's id and name.
    plan: (String, String),
    /// The page to pay on, once the server has made it.
    url: Option<String>,
}

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    subscription: Fetch<Box<Subscription>>,
    /// What can be bought; the same for every tenant.
    plans: Option<Result<Vec<Plan>, Problem>>,
    wish: Option<Wish>,
    /// The first line in sight.
    scroll: usize,
}

impl State {
    /// The wish for the selected tenant.
    fn wish(&self, shared: &Shared) -> Option<&Wish> {
        self.wish.as_ref().filter(|wish| shared.selected().is_some_and(|tenant| tenant.id == wish.tenant))
    }

    /// True while a page waits to be paid for the tenant that the newest question was about.
    fn waits(&self) -> bool {
        let is_of = |wish: &Wish| wish.url.is_some() && self.subscription.is_about(&wish.tenant);
        self.wish.as_ref().is_some_and(is_of)
    }

    /// Notices that the plan of the wish is the one that is paid for.
    fn review_wish(&mut self, shared: &mut Shared) {
        let (Some(wish), Some(subscription)) = (&self.wish, self.subscription.value()) else { return };
        let (id, name) = &wish.plan;
        let is_plan = subscription.plan.as_ref().is_some_and(|plan| plan.id.as_ref() == Some(id) || plan.name == *name);
        let is_paid = matches!(subscription.status.as_str(), "active" | "trialing");
        if is_plan && is_paid && self.waits() {
            let who = shared.tenants.get(&wish.tenant).map_or_else(String::new, |tenant| tenant.name.clone());
            shared.say(format!("{who} is on the plan {name}."));
            self.wish = None;
        }
    }
}

fn is_over(subscription: Option<&Subscription>) -> bool {
    subscription.is_some_and(|subscription| subscription.status == "canceled")
}

/// The plans, where one can be chosen.
fn offered(app: &App) -> Result<&[Plan], Problem> {
    let tenant = shown(app)?;
    can_change(tenant)?;
    match &app.panes.plan.plans {
        Some(Ok(plans)) if !plans.is_empty() => Ok(plans),
        Some(Ok(_)) => Err(Problem::new("There are no plans to choose from.")),
        Some(Err(problem)) => Err(problem.clone()),
        None => Err(Problem::new("The plans are not known yet.").hint("They are being loaded.")),
    }
}

/// The page that can be opened: to pay on, else to manage what is paid.
fn page(app: &App) -> Result<String, Problem> {
    let state = &app.panes.plan;
    let paying = state.wish(&app.shared).and_then(|wish| wish.url.clone());
    let managed = || state.subscription.of(&app.shared)?.management_url.clone();
    paying.or_else(managed).ok_or_else(|| Problem::new("The payment provider names no page for this subscription."))
}

fn pick_plan(app: &mut App) -> Vec<Effect> {
    let (Ok(tenant), Ok(plans)) = (shown(app), offered(app)) else { return done() };
    let subscription = app.panes.plan.subscription.of(&app.shared).map(AsRef::as_ref);
    let now = subscription.and_then(|known| known.plan.as_ref()).or(tenant.plan.as_ref());
    let entry = |plan: &Plan| {
        let is_now = now.is_some_and(|now| now.id.as_ref() == Some(&plan.id) || now.name == plan.name);
        // What ended can be bought once more.
        let refused = (is_now && !is_over(subscription)).then(|| "the plan it has".to_owned());
        Entry::new(format!("{} {}", tenant.id, plan.paddle_price_id), plan.name.clone(), draw::about(plan))
            .refused(refused)
    };
    let about = "The server makes a page to pay on. Nothing changes before it is paid.";
    let entries = plans.iter().map(entry).collect();
    let pick = Pick::new(format!("Plan of {}", tenant.name), about, entries, change_plan);
    app.dialog = Some(Dialog::Pick(pick));
    done()
}

fn change_plan(app: &mut App, value: &str) -> Vec<Effect> {
    let Some((id, price_id)) = value.split_once(' ') else { return done() };
    let Ok(id) = TenantId::new(id) else { return done() };
    let plans = app.panes.plan.plans.as_ref().and_then(|plans| plans.as_ref().ok());
    let plan = plans.and_then(|plans| plans.iter().find(|plan| plan.paddle_price_id == price_id));
    let Some(plan) = plan.map(|plan| (plan.id.clone(), plan.name.clone())) else { return done() };
    let call = Call::ChangePlan { id: id.clone(), price_id: price_id.to_owned() };
    ask_for(app, &id, Asked { plan: Some(plan), ..Asked::new("plan", can_change, call) })
}

/// Asks for another plan, and waits for the page to pay on.
pub fn ask_for(app: &mut App, id: &TenantId, asked: Asked) -> Vec<Effect> {
    let plan = asked.plan.clone();
    let effects = begin_asked(app, id, asked);
    if let (Some(plan), false) = (plan, effects.is_empty()) {
        app.panes.plan.wish = Some(Wish { tenant: id.clone(), plan, url: None });
    }
    effects
}

impl PaneView for State {
    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        draw::note(self, shared)
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        self.scroll = moved(self.scroll, delta, draw::count(self, shared).saturating_sub(rows));
        done()
    }

    fn tenant_changed(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.scroll = 0;
        done()
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.wake().is_some_and(|due| due <= shared.now.running) {
            self.subscription.age();
        }
        let mut effects: Vec<Effect> =
            self.subscription.attend(shared, Pane::Plan, SUBSCRIPTION, Call::Subscription).into_iter().collect();
        let slot = Slot::Pane(Pane::Plan, PLANS);
        if shared.followed.is_some() && self.plans.is_none() && !shared.jobs.is_running(&slot) {
            effects.push(shared.start(slot, Request::Call(Call::Plans)));
        }
        effects
    }

    fn wake(&self) -> Option<Duration> {
        if self.waits() { self.subscription.due(PAID) } else { None }
    }

    fn answer(&mut self, shared: &mut Shared, topic: &'static str, answer: Answer) -> Vec<Effect> {
        match (topic, answer) {
            (PLANS, Answer::Reply(Ok(Reply::Plans(plans)))) => self.plans = Some(Ok(plans)),
            (PLANS, Answer::Reply(Err(problem))) => self.plans = Some(Err(problem)),
            (PLANS, _) => {}
            (_, answer) => {
                self.subscription.take(answer, |reply| match reply {
                    Reply::Subscription(subscription) => Some(subscription),
                    _ => None,
                });
                self.review_wish(shared);
            }
        }
        done()
    }

    fn action_ended(
        &mut self,
        shared: &mut Shared,
        action: &'static str,
        tenant: &TenantId,
        result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        self.subscription.age_of(tenant);
        let wish = self.wish.as_mut().filter(|wish| wish.tenant == *tenant);
        match (action, result, wish) {
            ("plan", Ok(Reply::Checkout(session)), Some(wish)) => {
                let url = text::line(&session.checkout_url);
                wish.url = Some(url.clone());
                if shared.options.auto_pay {
                    return vec![shared.start(Slot::Pay, Request::Pay(url))];
                }
            }
            // What cannot be paid is no wish; what is gone has none.
            ("plan" | "delete" | "cancel", _, Some(_)) => self.wish = None,
            _ => {}
        }
        done()
    }

    fn is_moving(&self, shared: &Shared) -> bool {
        self.subscription.is_loading(shared)
    }

    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        self.subscription.age();
        self.plans = self.plans.take().and_then(Result::ok).map(Ok);
        done()
    }

    fn forget(&mut self, gone: &dyn Fn(&TenantId) -> bool) {
        self.wish = self.wish.take().filter(|wish| !gone(&wish.tenant));
    }
}

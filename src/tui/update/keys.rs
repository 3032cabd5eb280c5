//! Keys: the table says which command, this file does it.

use super::{checkout, errand, feeds, load_tenants, start, tell, timers, toast};
use crate::tui::app::{App, Health, Pane};
use crate::tui::availability::{self, address};
use crate::tui::commands::{self, Action, Command, Scope};
use crate::tui::dialogs::confirm::{Confirm, Question};
use crate::tui::dialogs::{self, Dialog};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::outside::Errand;
use crate::tui::panes::events;
use crate::tui::view::layout;

/// A key was pressed.
pub(super) fn press(app: &mut App, key: Key) -> Vec<Effect> {
    let Some(command) = commands::find(app.scope(), key) else { return Vec::new() };
    if layout::is_too_small(app) && !works_unseen(command) {
        return Vec::new();
    }
    if command.action == Action::Suspend {
        return vec![errand(app, Errand::Suspend)];
    }
    if app.dialog.is_some() { in_dialog(app, command.action) } else { in_panes(app, command.action) }
}

/// Where nothing can be seen, only the way out works: nobody should buy or deploy without seeing what.
fn works_unseen(command: &Command) -> bool {
    command.scope == Scope::Question
        || matches!(command.action, Action::Quit | Action::Interrupt | Action::Suspend | Action::Close)
}

fn in_panes(app: &mut App, action: Action) -> Vec<Effect> {
    if let Err(problem) = availability::check(app, action) {
        if action == Action::Deploy {
            // In place, where the deploy would have been.
            app.problem = Some(problem.clone());
            app.deploy.refusal = Some(problem);
            show_deploy(app);
            if matches!(app.engine, Health::Down(_)) {
                // It may have been started since; the next press must not wait for the next round of questions.
                return timers::ask_health(app);
            }
        } else {
            toast(app, availability_words(&problem), true);
        }
        return Vec::new();
    }
    match action {
        Action::Deploy => return deploy(app),
        Action::CancelDeploy => {
            app.deploy.cancel();
            return vec![Effect::Stop(Slot::Deploy)];
        }
        Action::NewTenant => return checkout::open(app),
        Action::Open => {
            if let Some(url) = app.selected().and_then(address) {
                toast(app, format!("Opening {url}"), false);
                return vec![start(app, Slot::Open, Request::Open(url))];
            }
        }
        Action::Refresh => return refresh(app),
        Action::Details => details(app),
        Action::Help => app.dialog = Some(Dialog::Help(0)),
        Action::NextPane => app.focus = app.focus.step(1),
        Action::PreviousPane => app.focus = app.focus.step(Pane::ALL.len() - 1),
        Action::Up => move_by(app, -1),
        Action::Down => move_by(app, 1),
        Action::PageUp => move_by(app, -page(app)),
        Action::PageDown => move_by(app, page(app)),
        Action::First => move_by(app, i64::MIN / 4),
        Action::Last => move_by(app, i64::MAX / 4),
        Action::Close => {
            app.toast = None;
            app.deploy.refusal = None;
        }
        Action::Quit | Action::Interrupt => return leave(app),
        Action::Choose
        | Action::Suspend
        | Action::Back
        | Action::OpenPayment
        | Action::StartOver
        | Action::Yes
        | Action::No
        | Action::Switch => {}
    }
    Vec::new()
}

fn availability_words(problem: &crate::model::Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{} {hint}", problem.title),
        None => problem.title.clone(),
    }
}

fn in_dialog(app: &mut App, action: Action) -> Vec<Effect> {
    if action == Action::Interrupt {
        // The second time, or nothing to lose: at once.
        let asked = matches!(app.dialog, Some(Dialog::Confirm(Confirm { question: Question::Quit, .. })));
        return if asked { vec![Effect::Exit] } else { leave(app) };
    }
    match (&mut app.dialog, action) {
        (Some(Dialog::Confirm(confirm)), Action::Switch) => confirm.yes = !confirm.yes,
        (Some(Dialog::Confirm(confirm)), Action::Choose) => {
            let yes = confirm.yes;
            return answer(app, yes);
        }
        (Some(Dialog::Confirm(_)), Action::Yes) => return answer(app, true),
        (Some(Dialog::Confirm(_)), Action::No) => return answer(app, false),
        (Some(Dialog::NewTenant(dialog)), Action::Up | Action::Down) => dialog.step(action == Action::Down),
        (Some(Dialog::NewTenant(_)), Action::Choose) => return checkout::choose(app),
        (Some(Dialog::NewTenant(_)), Action::Back) => checkout::back(app),
        (Some(Dialog::NewTenant(_)), Action::StartOver) => return checkout::start_over(app),
        (Some(Dialog::NewTenant(_)), Action::OpenPayment) => {
            if let Some(url) = app.purchase.as_ref().map(|purchase| purchase.url.clone()) {
                return vec![start(app, Slot::Open, Request::Open(url))];
            }
        }
        (Some(Dialog::Help(_) | Dialog::Problem(_)), Action::Up) => scroll_text(app, -1),
        (Some(Dialog::Help(_) | Dialog::Problem(_)), Action::Down) => scroll_text(app, 1),
        (Some(Dialog::Help(_) | Dialog::Problem(_)), Action::PageUp) => scroll_text(app, -10),
        (Some(Dialog::Help(_) | Dialog::Problem(_)), Action::PageDown) => scroll_text(app, 10),
        (_, Action::Close) => app.dialog = None,
        _ => {}
    }
    Vec::new()
}

fn answer(app: &mut App, yes: bool) -> Vec<Effect> {
    app.dialog = None;
    if yes { vec![Effect::Exit] } else { Vec::new() }
}

fn leave(app: &mut App) -> Vec<Effect> {
    if app.deploy.running().is_none() {
        return vec![Effect::Exit];
    }
    app.dialog = Some(Dialog::Confirm(Confirm::new(Question::Quit)));
    Vec::new()
}

fn deploy(app: &mut App) -> Vec<Effect> {
    let Some((id, name)) = app.selected().map(|tenant| (tenant.id.clone(), tenant.name.clone())) else {
        return Vec::new();
    };
    let now = app.now;
    app.deploy.begin(id.clone(), name, now);
    show_deploy(app);
    vec![start(app, Slot::Deploy, Request::Deploy(id))]
}

/// Opens the problem that the screen shows with this key, else the newest.
fn details(app: &mut App) {
    let failed = || app.deploy.of(&app.selected()?.id)?.result()?.as_ref().err();
    let told = app.toast.as_ref().is_some_and(|toast| toast.bad);
    if let Some(problem) = app.deploy.refusal.as_ref().or_else(failed).filter(|_| !told).cloned() {
        app.problem = Some(problem);
    }
    app.dialog = Some(Dialog::Problem(0));
}

/// Where one pane fills the screen, the deploy's is the one to look at now.
fn show_deploy(app: &mut App) {
    if !layout::shows(app, Pane::Deploy) {
        app.focus = Pane::Deploy;
    }
}

fn refresh(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![load_tenants(app)];
    effects.extend(timers::ask_health(app));
    if !matches!(app.account, Some(Ok(_))) {
        effects.push(start(app, Slot::Account, Request::Account));
    }
    effects.extend(feeds::reopen(app));
    effects.extend(checkout::watch_again(app));
    if let Some(Err(problem)) = app.account.clone()
        && problem.requires_login
    {
        tell(app, &problem);
    }
    effects
}

fn page(app: &App) -> i64 {
    i64::try_from(layout::page(app, app.focus)).unwrap_or(1).max(1)
}

fn move_by(app: &mut App, delta: i64) {
    let page = layout::page(app, app.focus);
    match app.focus {
        Pane::Tenants => {
            let before = app.selected().map(|tenant| tenant.id.clone());
            app.tenants.step(delta);
            if app.selected().map(|tenant| &tenant.id) != before.as_ref() {
                feeds::selection_moved(app);
            }
        }
        Pane::Events => events::scroll(app, delta, page),
        Pane::Logs => app.logs.scroll(delta, page),
        Pane::Deploy => {
            // Never more than a screen of lines to leave behind.
            app.deploy.scroll = shifted(app.deploy.scroll, delta).min(40);
        }
    }
}

fn scroll_text(app: &mut App, delta: i64) {
    let area = layout::whole(app);
    let (lines, first) = match &app.dialog {
        Some(Dialog::Help(first)) => (dialogs::help::lines(app, dialogs::text_columns(area, 84)).len(), *first),
        Some(Dialog::Problem(first)) => (dialogs::problem::lines(app, dialogs::text_columns(area, 90)).len(), *first),
        _ => return,
    };
    let last = lines.saturating_sub(dialogs::text_rows(area).max(1));
    let place = shifted(first.min(last), delta).min(last);
    if let Some(Dialog::Help(first) | Dialog::Problem(first)) = &mut app.dialog {
        *first = place;
    }
}

fn shifted(place: usize, delta: i64) -> usize {
    let moved = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(delta).max(0);
    usize::try_from(moved).unwrap_or(usize::MAX)
}

//! Local tenants: which kind of new tenant is wanted, the wizard's steps, and what is known of those that there are.

use super::super::actions::context::may_change;
use super::{copy_secret, load_local};
use crate::model::progress::LocalProgress;
use crate::model::{LocalTenant, Problem};
use crate::ops::call::{Call, Reply};
use crate::tui::app::App;
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::new_local::{Kind, NewLocal, Stage};
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::tenants::local::unasked;
use crate::tui::under_way::capital;
use crate::tui::update::checkout;

/// Asks which kind of tenant is wanted, where that is a question.
pub fn choose_kind(app: &mut App) -> Vec<Effect> {
    if show_making(app) {
        return Vec::new();
    }
    let shared = &app.shared;
    let buys =
        shared.purchase.as_ref().is_some_and(Purchase::waits_for_payment) || shared.jobs.is_running(&Slot::Checkout);
    if buys || shared.options.throw_away {
        return checkout::open(app);
    }
    let entries = vec![
        Entry::new("cloud", "cloud", "buy one: plan, region, options, payment"),
        Entry::new("container", "local container", "a Postgres in a container on this machine"),
        Entry::new("existing", "local database", "a Postgres that is there already"),
    ];
    let about = "Where should it live? A local tenant is a database for developing; it costs nothing.";
    let pick = Pick::new("New tenant", about, entries, |app, value| match value {
        "container" => open(app, Kind::Container),
        "existing" => open(app, Kind::Existing),
        _ => checkout::open(app),
    });
    app.dialog = Some(Dialog::Pick(pick));
    Vec::new()
}

/// Opens the wizard, or shows the one that is at work: a second one would end what the first makes.
pub fn open(app: &mut App, kind: Kind) -> Vec<Effect> {
    if show_making(app) {
        return Vec::new();
    }
    app.dialog = Some(Dialog::NewLocal(Box::new(NewLocal::new(kind, app.shared.options.local_image.as_deref()))));
    vec![app.shared.start(Slot::NewLocal, Request::Call(Call::LocalDefaults))]
}

/// What is becoming of a local tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// It is being made.
    Forth,
    /// What was made is being taken back.
    Back,
}

/// Whether a local tenant is being made, in sight or out of it.
#[must_use]
pub fn making(app: &App) -> Option<Making> {
    if !app.shared.jobs.is_running(&Slot::NewLocal) {
        return None;
    }
    let in_sight = match &app.dialog {
        Some(Dialog::NewLocal(dialog)) => Some(dialog),
        Some(Dialog::Confirm(confirm)) => match confirm.stands_over() {
            Some(Dialog::NewLocal(dialog)) => Some(dialog),
            _ => None,
        },
        _ => None,
    };
    match &in_sight.or(app.making.as_ref())?.stage {
        Stage::Running(_) => Some(Making::Forth),
        Stage::Stopping(_) => Some(Making::Back),
        Stage::Form | Stage::Done(_) | Stage::Failed(..) => None,
    }
}

/// The wizard in sight, also below a question.
fn in_sight(dialog: &mut Option<Dialog>) -> Option<&mut NewLocal> {
    match dialog {
        Some(Dialog::NewLocal(dialog)) => Some(dialog),
        Some(Dialog::Confirm(confirm)) => match confirm.over() {
            Some(Dialog::NewLocal(dialog)) => Some(dialog),
            _ => None,
        },
        _ => None,
    }
}

/// The wizard, wherever it is.
fn dialog(app: &mut App) -> Option<&mut NewLocal> {
    in_sight(&mut app.dialog).or(app.making.as_deref_mut())
}

/// Brings the wizard back that is at work out of sight, or failed there.
fn show_making(app: &mut App) -> bool {
    let Some(making) = app.making.take() else { return false };
    app.dialog = Some(Dialog::NewLocal(making));
    true
}

/// Lets the making go on out of sight.
pub fn hide(app: &mut App) -> Vec<Effect> {
    match app.dialog.take() {
        Some(Dialog::NewLocal(making)) if making.is_moving() => {
            app.making = Some(making);
            let again = app.shared.press("new");
            app.shared.say(format!("It goes on: {again} to see it again."));
        }
        other => app.dialog = other,
    }
    Vec::new()
}

/// Stops the making, wherever it is seen.
pub fn stop_making(app: &mut App) -> Vec<Effect> {
    let Some(dialog) = dialog(app) else { return Vec::new() };
    let Stage::Running(run) = &dialog.stage else { return Vec::new() };
    dialog.stage = Stage::Stopping(run.clone());
    vec![Effect::Stop(Slot::NewLocal)]
}

/// Closes the wizard, wherever it is; what stands over it stays.
fn put_away(app: &mut App) {
    app.making = None;
    match &mut app.dialog {
        Some(Dialog::NewLocal(_)) => app.dialog = None,
        Some(Dialog::Confirm(confirm)) if matches!(confirm.stands_over(), Some(Dialog::NewLocal(_))) => {
            confirm.take_over();
        }
        _ => {}
    }
}

/// Goes to another field.
pub fn step(app: &mut App, down: bool) -> Vec<Effect> {
    if let Some(dialog) = dialog(app) {
        dialog.step(down);
    }
    Vec::new()
}

/// Enter in the form.
pub fn create(app: &mut App) -> Vec<Effect> {
    // Also what could be changed when the form opened may be locked now.
    if let Err(problem) = may_change(app) {
        app.shared.tell(&problem);
        return Vec::new();
    }
    let Some(dialog) = dialog(app) else { return Vec::new() };
    match dialog.order() {
        Ok(order) => {
            dialog.stage = Stage::Running(dialog.run());
            vec![app.shared.start(Slot::NewLocal, Request::NewLocal(order))]
        }
        Err((at, words)) => {
            dialog.complain(at, words);
            Vec::new()
        }
    }
}

/// Closes the form.
pub fn close(app: &mut App) -> Vec<Effect> {
    app.dialog = None;
    app.shared.stop(Slot::NewLocal).into_iter().collect()
}

/// Enter beside the steps.
pub fn go_on(app: &mut App) -> Vec<Effect> {
    match dialog(app).map(|dialog| &dialog.stage) {
        Some(Stage::Done(_)) => {
            app.dialog = None;
            Vec::new()
        }
        Some(Stage::Failed(..)) => create(app),
        _ => Vec::new(),
    }
}

/// Back to the form after a failure.
pub fn edit(app: &mut App) -> Vec<Effect> {
    if let Some(dialog) = dialog(app).filter(|dialog| matches!(dialog.stage, Stage::Failed(..))) {
        dialog.stage = Stage::Form;
    }
    Vec::new()
}

/// Stops the making; closes what has ended.
pub fn stop(app: &mut App) -> Vec<Effect> {
    let Some(dialog) = dialog(app) else { return Vec::new() };
    match &dialog.stage {
        Stage::Running(_) => stop_making(app),
        Stage::Stopping(_) | Stage::Form => Vec::new(),
        Stage::Done(_) | Stage::Failed(..) => {
            app.dialog = None;
            Vec::new()
        }
    }
}

/// Copies the address of what was made.
pub fn copy_made(app: &mut App) -> Vec<Effect> {
    let Some(Stage::Done(tenant)) = dialog(app).map(|dialog| &dialog.stage) else { return Vec::new() };
    let Some(url) = tenant.database_url.clone() else { return Vec::new() };
    copy_secret(&mut app.shared, url, "the database's address")
}

/// What a new one would begin with.
pub(super) fn defaults(app: &mut App, result: Result<Reply, Problem>) {
    let Some(dialog) = dialog(app) else { return };
    // Where there are none nothing is suggested, and the making says why.
    if let Ok(Reply::LocalDefaults(found)) = result {
        dialog.suggest("name", &found.name);
        dialog.suggest("port", &found.port.to_string());
    }
}

/// The making says something.
pub(super) fn progress(app: &mut App, said: LocalProgress) {
    if let Some(NewLocal { stage: Stage::Running(run) | Stage::Stopping(run), .. }) = dialog(app) {
        run.take(said);
    }
}

/// The making has ended. What cannot be seen in the wizard is said.
pub(super) fn made(app: &mut App, result: Result<LocalTenant, Problem>) -> Vec<Effect> {
    let stopping = dialog(app).is_some_and(|dialog| matches!(dialog.stage, Stage::Stopping(_)));
    let unseen = app.making.take();
    match result {
        Ok(tenant) => {
            app.shared.tenants.wanted = Some(tenant.id.clone());
            match in_sight(&mut app.dialog) {
                Some(dialog) => dialog.stage = Stage::Done(Box::new(tenant)),
                None => app.shared.say(format!("{} is made and answers.", tenant.name)),
            }
        }
        // What could not be taken back is told.
        Err(problem) if stopping => {
            put_away(app);
            if problem.detail.is_none() {
                app.shared.say("Stopped: nothing was made.");
            } else {
                app.shared.tell(&problem);
            }
        }
        Err(problem) => match in_sight(&mut app.dialog) {
            Some(dialog) if dialog.is_moving() => {
                app.shared.problem = Some(problem.clone());
                if let Stage::Running(run) = &dialog.stage {
                    dialog.stage = Stage::Failed(run.clone(), problem);
                }
            }
            None if unseen.is_some() => {
                let way = format!("{} to put it right.", capital(&app.shared.press("new")));
                let hint = problem.hint.as_ref().map_or_else(|| way.clone(), |hint| format!("{hint} {way}"));
                app.shared.tell(&problem.clone().hint(hint));
                app.making = unseen.map(|dialog| failed(dialog, problem));
            }
            _ => {
                put_away(app);
                app.shared.tell(&problem);
            }
        },
    }
    vec![load_local(app)]
}

/// The wizard that nobody sees, for whoever comes back: what was typed, how far it came, and why no further.
fn failed(mut dialog: Box<NewLocal>, problem: Problem) -> Box<NewLocal> {
    if let Stage::Running(run) = &dialog.stage {
        dialog.stage = Stage::Failed(run.clone(), problem);
    }
    dialog
}

/// What the project's list says, and what is asked next.
pub(super) fn listed(app: &mut App, result: Result<Reply, Problem>) -> Vec<Effect> {
    let before = app.shared.tenants.clone();
    let mut effects = Vec::new();
    match result {
        Ok(Reply::LocalTenants(tenants)) => {
            let known = |tenant: LocalTenant| match app.shared.tenants.local(&tenant.id).cloned() {
                Some(mut known) => {
                    known.tenant = tenant;
                    known
                }
                None => unasked(tenant),
            };
            let statuses: Vec<_> = tenants.into_iter().map(known).collect();
            app.shared.tenants.take_statuses(statuses);
            effects.extend(look(app));
        }
        Ok(Reply::LocalStatuses(statuses)) => app.shared.tenants.take_statuses(statuses),
        Ok(_) => {}
        // The file is damaged: the cloud's tenants are shown all the same.
        Err(problem) => app.shared.tell(&problem),
    }
    app.shared.dirty |= app.shared.tenants != before;
    effects
}

/// Asks how the local tenants are, where there are any and nobody asks already.
pub(super) fn look(app: &mut App) -> Option<Effect> {
    let wanted = app.shared.tenants.any_local() && !app.shared.jobs.is_running(&Slot::LocalTenants);
    wanted.then(|| app.shared.start(Slot::LocalTenants, Request::Call(Call::LocalStatuses)))
}

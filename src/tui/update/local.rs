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
use crate::tui::update::checkout;

/// Asks which kind of tenant is wanted, where that is a question.
pub fn choose_kind(app: &mut App) -> Vec<Effect> {
    let shared = &app.shared;
    if shared.jobs.is_running(&Slot::NewLocal) {
        app.shared.say("A local tenant is being made.");
        return Vec::new();
    }
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

/// Opens the wizard.
pub fn open(app: &mut App, kind: Kind) -> Vec<Effect> {
    app.dialog = Some(Dialog::NewLocal(Box::new(NewLocal::new(kind, app.shared.options.local_image.as_deref()))));
    vec![app.shared.start(Slot::NewLocal, Request::Call(Call::LocalDefaults))]
}

fn dialog(app: &mut App) -> Option<&mut NewLocal> {
    match &mut app.dialog {
        Some(Dialog::NewLocal(dialog)) => Some(dialog),
        _ => None,
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
        Stage::Running(run) => {
            dialog.stage = Stage::Stopping(run.clone());
            vec![Effect::Stop(Slot::NewLocal)]
        }
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

/// The making has ended.
pub(super) fn made(app: &mut App, result: Result<LocalTenant, Problem>) -> Vec<Effect> {
    let stage = dialog(app).map(|dialog| dialog.stage.clone());
    match (result, stage) {
        (Ok(tenant), stage) => {
            app.shared.tenants.wanted = Some(tenant.id.clone());
            match dialog(app).filter(|_| stage.is_some()) {
                Some(dialog) => dialog.stage = Stage::Done(Box::new(tenant)),
                None => app.shared.say(format!("{} is made and answers.", tenant.name)),
            }
        }
        (Err(problem), Some(Stage::Running(run))) => {
            app.shared.problem = Some(problem.clone());
            if let Some(dialog) = dialog(app) {
                dialog.stage = Stage::Failed(run, problem);
            }
        }
        // What could not be taken back is told.
        (Err(problem), Some(Stage::Stopping(_))) if problem.detail.is_none() => {
            app.dialog = None;
            app.shared.say("Stopped: nothing was made.");
        }
        (Err(problem), stage) => {
            if stage.is_some() {
                app.dialog = None;
            }
            app.shared.tell(&problem);
        }
    }
    vec![load_local(app)]
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

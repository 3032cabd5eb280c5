//! What can be done with a local tenant. The keys are those of the cloud's tenants where they mean the same: activate
//! starts, suspend stops; rename and delete are what they are called.

use super::change::LONGEST;
use super::tenant::begin;
use super::{done, no_tenant};
use crate::model::{LocalState, Problem, Tenant, TenantId, TenantState, text};
use crate::ops::call::Call;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::confirm::Question;
use crate::tui::dialogs::line::Line;
use crate::tui::dialogs::new_local::Kind;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::Effect;
use crate::tui::update::{copy_secret, local};
use Scope::Main;

/// The rows that only local tenants have.
pub const COMMANDS: &[Command] = &[
    command(
        "local.new",
        Main,
        &[],
        "new local tenant",
        "Make a database for developing: a Postgres in a container on this machine.",
        |app| local::open(app, Kind::Container),
    )
    .changes()
    .when(keeps),
    command(
        "local.add",
        Main,
        &[],
        "add a local database",
        "Take a Postgres that is there already into the list, by its address.",
        |app| local::open(app, Kind::Existing),
    )
    .changes()
    .when(keeps),
    command(
        "local.copy-address",
        Main,
        &["t u"],
        "copy database address",
        "Copy the address of a local tenant's database, with its password, for a while.",
        |app| {
            let Some(url) = meant(app).and_then(|tenant| address(app, tenant)) else { return done() };
            copy_secret(&mut app.shared, url, "the database's address")
        },
    )
    .when(|app| {
        let tenant = meant(app).ok_or_else(not_local)?;
        match address(app, tenant) {
            Some(_) => Ok(()),
            None => Err(Problem::new(format!("The list has no address for {}.", tenant.name))),
        }
    }),
];

/// Where everything goes at the end, nothing of one's own belongs.
fn keeps(app: &App) -> Result<(), Problem> {
    if app.shared.options.throw_away {
        return Err(Problem::new("The demo throws everything away at its end.")
            .hint("Start tenantry in a project of your own for local tenants."));
    }
    Ok(())
}

fn not_local() -> Problem {
    Problem::new("No local tenant is selected.").hint("This is for databases on this machine.")
}

fn address(app: &App, tenant: &Tenant) -> Option<crate::model::Secret> {
    app.shared.tenants.local(&tenant.id)?.tenant.database_url.clone()
}

/// The local tenant that is meant, where it is the only one meant.
#[must_use]
pub fn meant(app: &App) -> Option<&Tenant> {
    match app.shared.tenants.targets().as_slice() {
        [only] if only.is_local() => Some(only),
        _ => None,
    }
}

/// Whether it is possible with the local tenant that is meant; `None` where none is.
#[must_use]
pub fn check(app: &App, check: fn(&Tenant) -> Result<(), Problem>) -> Option<Result<(), Problem>> {
    meant(app).map(check)
}

fn state(tenant: &Tenant) -> LocalState {
    match tenant.state() {
        TenantState::Local(state) => state,
        _ => LocalState::Unknown,
    }
}

/// Whether it can be started.
pub fn can_start(tenant: &Tenant) -> Result<(), Problem> {
    match state(tenant) {
        LocalState::Running => Err(Problem::new(format!("{} runs already.", tenant.name))),
        LocalState::Starting => Err(Problem::new(format!("{} is starting.", tenant.name)).hint("Wait a moment.")),
        LocalState::Stopped | LocalState::Gone | LocalState::Silent | LocalState::Unknown => Ok(()),
    }
}

/// Whether it can be stopped.
pub fn can_stop(tenant: &Tenant) -> Result<(), Problem> {
    match state(tenant) {
        LocalState::Stopped => Err(Problem::new(format!("{} is stopped already.", tenant.name))),
        LocalState::Gone => {
            Err(Problem::new(format!("{} has no container.", tenant.name)).hint("Activate it to make one again."))
        }
        LocalState::Running | LocalState::Starting | LocalState::Silent | LocalState::Unknown => Ok(()),
    }
}

/// What can be done with any of them.
#[allow(clippy::unnecessary_wraps, reason = "a check like the others")]
pub fn always(_: &Tenant) -> Result<(), Problem> {
    Ok(())
}

fn id(app: &App) -> Option<TenantId> {
    meant(app).map(|tenant| tenant.id.clone())
}

/// Starts it; `None` where no local tenant is meant.
pub fn start(app: &mut App) -> Option<Vec<Effect>> {
    let id = id(app)?;
    app.shared.tenants.clear_marks();
    Some(begin(app, "local-start", &id, can_start, Call::StartLocal(id.clone())))
}

/// Stops it; `None` where no local tenant is meant.
pub fn stop(app: &mut App) -> Option<Vec<Effect>> {
    let id = id(app)?;
    app.shared.tenants.clear_marks();
    Some(begin(app, "local-stop", &id, can_stop, Call::StopLocal(id.clone())))
}

/// What is asked before it is stopped.
#[must_use]
pub fn ask_stop(tenant: &Tenant) -> Question {
    Question::new("Stop its database?", "Yes, stop")
        .text(format!("{} answers nobody until it is started again. Its data stays.", tenant.name))
        .about([tenant.id.clone()])
}

/// Asks for another name; `None` where no local tenant is meant.
pub fn ask_name(app: &mut App) -> Option<Vec<Effect>> {
    let tenant = meant(app)?;
    let about = "Another name for people and lists. Its database, its container and its data stay as they are.";
    let line = Line::ask(format!("Rename {}", tenant.name), about, rename).with(&tenant.name).about(tenant.id.as_str());
    app.dialog = Some(Dialog::Line(line));
    Some(done())
}

fn rename(app: &mut App, line: &Line) -> Vec<Effect> {
    let Ok(id) = TenantId::new(line.subject()) else { return done() };
    let name = text::line(line.text().trim());
    if app.shared.tenants.get(&id).is_some_and(|tenant| tenant.name == name) {
        return done();
    }
    if name.is_empty() || name.chars().count() > LONGEST {
        app.shared.tell(&Problem::new(format!("A name has 1 to {LONGEST} characters.")).hint("Nothing was changed."));
        return done();
    }
    begin(app, "rename", &id, always, Call::RenameLocal { id: id.clone(), name })
}

/// Asks what becomes of its data; `None` where no local tenant is meant.
pub fn ask_delete(app: &mut App) -> Option<Vec<Effect>> {
    let tenant = meant(app)?;
    let status = app.shared.tenants.local(&tenant.id)?;
    let entry = |word: &str, name, about| Entry::new(format!("{word} {}", tenant.id), name, about);
    let (about, entries) = if status.tenant.docker_project.is_some() {
        (
            format!("The container of {} goes, and it leaves the list. Its data is in a volume.", tenant.name),
            vec![
                Entry::new("", "leave it", "nothing is changed"),
                entry("keep", "keep the data", "the volume and its Compose file stay"),
                entry("data", "delete the data too", "nothing brings it back"),
            ],
        )
    } else {
        (
            format!("{} leaves the list. Its database was there before, and stays as it is.", tenant.name),
            vec![
                Entry::new("", "leave it", "nothing is changed"),
                entry("keep", "take it out", "its address is forgotten here"),
            ],
        )
    };
    app.dialog = Some(Dialog::Pick(Pick::new(format!("Delete {}", tenant.name), about, entries, delete)));
    Some(done())
}

fn delete(app: &mut App, value: &str) -> Vec<Effect> {
    let Some((word, id)) = value.split_once(' ') else { return done() };
    let Ok(id) = TenantId::new(id) else { return done() };
    if word != "data" {
        return begin(app, "local-delete", &id, always, Call::DeleteLocal { id: id.clone(), data: false });
    }
    let Some(tenant) = app.shared.tenants.get(&id) else {
        app.shared.tell(&no_tenant());
        return done();
    };
    let about = format!("Everything in the database of {0} is lost. Type {0} to confirm.", tenant.name);
    let line = Line::ask(format!("Delete {} with its data", tenant.name), about, delete_data).about(id.as_str());
    app.dialog = Some(Dialog::Line(line));
    done()
}

fn delete_data(app: &mut App, line: &Line) -> Vec<Effect> {
    let Ok(id) = TenantId::new(line.subject()) else { return done() };
    let is_typed = app.shared.tenants.get(&id).is_some_and(|tenant| tenant.name == line.text().trim());
    if !is_typed {
        app.shared.warn("That is not its name: nothing was deleted.");
        return done();
    }
    begin(app, "local-delete", &id, always, Call::DeleteLocal { id: id.clone(), data: true })
}

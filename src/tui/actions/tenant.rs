//! What can be done with a tenant besides deploying it: each a row, with the phases in which the server takes it. The
//! overview shows the same rows, and says of each that is not possible why not.

use super::context::may_change;
use super::{done, in_the_cloud, local, no_tenant, selected};
use crate::model::{Phase, Problem, Tenant, TenantId};
use crate::ops::call::Call;
use crate::tui::again::{self, Asked, Check};
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::under_way::capital;
use crate::tui::update::bought;
use crate::tui::update::keys::is_fresh;
use Scope::Main;

/// The rows. What cannot be taken back wants the tenant's name.
pub const COMMANDS: &[Command] = &[
    command(
        "rotate",
        Main,
        &["r"],
        "rotate",
        "Give the tenant's database a new password; the old one ends at once and the machine restarts.",
        |app| act(app, "rotate", Call::Rotate),
    )
    .hinted()
    .changes()
    .when(|app| each(app, can_rotate))
    .asking(|app| {
        ask(app, "Rotate the credentials", "Yes, rotate", |tenant| {
            format!("{} gets a new database password. The old one ends at once, and the machine restarts.", tenant.name)
        })
    }),
    command("tenant.restart", Main, &["t r"], "restart", "Start the tenant's machine again; it is away for a moment.", |app| {
        act(app, "restart", Call::Restart)
    })
    .changes()
    .when(|app| each(app, can_restart))
    .asking(|app| {
        ask(app, "Restart", "Yes, restart", |tenant| {
            format!("{} does not answer for a moment while its machine starts again.", tenant.name)
        })
    }),
    command("tenant.suspend", Main, &["t s"], "suspend", "Stop the tenant's machine (billing pauses), or a local one's database; the data stays.", |app| {
        local::stop(app).unwrap_or_else(|| act(app, "suspend", Call::Suspend))
    })
    .changes()
    .when(|app| local::check(app, local::can_stop).unwrap_or_else(|| each(app, can_suspend)))
    .asking(|app| {
        if let Some(tenant) = local::meant(app) {
            return Some(local::ask_stop(tenant));
        }
        ask(app, "Suspend", "Yes, suspend", |tenant| {
            format!("{} stops and answers nobody until it is activated. Its data stays; billing pauses.", tenant.name)
        })
    }),
    command("tenant.activate", Main, &["t a"], "activate", "Start a suspended tenant again (billing goes on), or a local one's database.", |app| {
        local::start(app).unwrap_or_else(|| act(app, "activate", Call::Activate))
    })
    .changes()
    .when(|app| local::check(app, local::can_start).unwrap_or_else(|| each(app, can_activate)))
    .asking(|app| {
        // To start a database again takes nothing away.
        if local::meant(app).is_some() {
            return None;
        }
        ask(app, "Activate", "Yes, activate", |tenant| format!("{} starts again, and billing goes on.", tenant.name))
    }),
    command(
        "tenant.retry",
        Main,
        &["t y"],
        "retry",
        "Provision a failed tenant anew; it keeps its id, database and subscription.",
        |app| act(app, "retry", Call::RetryProvision),
    )
    .changes()
    .when(|app| each(app, can_retry))
    .asking(|app| {
        ask(app, "Retry the provisioning", "Yes, retry", |tenant| {
            format!("What was half made for {} is removed and made again. Its data and subscription stay.", tenant.name)
        })
    }),
    command(
        "tenant.delete",
        Main,
        &["t d"],
        "delete",
        "Delete the tenant with its machine, volume and database for good; of a local one the data can stay.",
        |app| local::ask_delete(app).unwrap_or_else(|| act(app, "delete", |id| Call::Delete { id })),
    )
    .changes()
    .when(|app| local::check(app, local::always).unwrap_or_else(|| one(app).and_then(can_delete)))
    .asking(|app| {
        // What becomes of the data is a question of its own.
        if local::meant(app).is_some() {
            return None;
        }
        ask_name(app, "Delete", "Delete", |tenant| {
            format!("{} is removed for good: machine, volume, database and secrets. Nothing brings them back.", tenant.name)
        })
    }),
    command(
        "tenant.cancel",
        Main,
        &["t c"],
        "cancel subscription",
        "End the tenant's subscription at once; machine, database and code are destroyed.",
        |app| act(app, "cancel", Call::CancelSubscription),
    )
    .changes()
    .when(|app| one(app).and_then(can_delete))
    .asking(|app| {
        ask_name(app, "Cancel the subscription", "Cancel it", |tenant| {
            format!(
                "The subscription of {} ends now. Its machine stops and is destroyed, its database and code are deleted.",
                tenant.name
            )
        })
    }),
];

/// What the words of an action's end say, by the word it was started with: while it is done, and when it is done.
#[must_use]
pub fn words(action: &str) -> (&'static str, &'static str) {
    match action {
        "rotate" => ("rotating the credentials of", "has new credentials"),
        "restart" => ("restarting", "is restarting"),
        "suspend" => ("suspending", "is suspended"),
        "activate" => ("activating", "is activated"),
        "retry" => ("retrying the provisioning of", "is being provisioned again"),
        "delete" | "local-delete" => ("deleting", "is deleted"),
        "cancel" => ("cancelling the subscription of", "has no subscription any more"),
        "rename" => ("renaming", "has its new name"),
        "scale" => ("scaling", "gets its new memory"),
        "secret" => ("setting a secret of", "has its secret"),
        "unset" => ("removing a secret of", "has lost the secret"),
        "sync" => ("sending the profile's secrets to", "has the profile's secrets"),
        "credentials" => ("fetching the credentials of", "has given its credentials"),
        "plan" => ("asking for another plan for", "gets its new plan once it is paid on its page"),
        "access-on" => ("opening the database of", "has a database that can be reached from outside"),
        "access-off" => ("closing the database of", "has a database that only its own machine reaches"),
        "local-start" => ("starting the database of", "has its database: it answers"),
        "local-stop" => ("stopping the database of", "is stopped; its data stays"),
        "domain" => ("setting the domain of", "has a domain: its DNS record comes next"),
        "domain-off" => ("removing the domain of", "has no domain of its own"),
        _ => ("working on", "is done"),
    }
}

/// Starts a call for every tenant that is meant.
fn act(app: &mut App, action: &'static str, call: impl Fn(TenantId) -> Call) -> Vec<Effect> {
    let targets = app.shared.tenants.targets();
    // What is on its way is not begun again: its answer would be taken for an old one.
    let is_free = |tenant: &&Tenant| !app.shared.jobs.is_running(&Slot::Action(action, tenant.id.clone()));
    let free: Vec<(TenantId, String)> =
        targets.iter().copied().filter(is_free).map(|tenant| (tenant.id.clone(), tenant.name.clone())).collect();
    if let (true, Some(first)) = (free.is_empty(), targets.first()) {
        let words = format!("Already {} {}.", words(action).0, first.name);
        app.shared.warn(words);
        return done();
    }
    let targets = free;
    let mut effects = Vec::new();
    for (id, _) in &targets {
        effects.push(app.shared.start(Slot::Action(action, id.clone()), Request::Call(call(id.clone()))));
    }
    app.shared.tenants.clear_marks();
    match targets.as_slice() {
        [] => return done(),
        [(_, name)] => app.shared.say(format!("{} {name}", capital(words(action).0))),
        several => app.shared.say(format!("{} {} tenants", capital(words(action).0), several.len())),
    }
    effects
}

/// Starts a call about one tenant, after something was typed or chosen for it. What was possible when it was asked may not
/// be now, so everything is looked at again.
pub fn begin(app: &mut App, action: &'static str, id: &TenantId, check: Check, call: Call) -> Vec<Effect> {
    begin_asked(app, id, Asked::new(action, check, call))
}

/// The same with more to remember of it.
pub fn begin_asked(app: &mut App, id: &TenantId, asked: Asked) -> Vec<Effect> {
    let (action, check) = (asked.action, asked.check);
    let Some(tenant) = app.shared.tenants.get(id) else {
        app.shared.warn("The list has changed since the question: nothing was done.");
        return done();
    };
    let name = tenant.name.clone();
    let slot = Slot::Action(action, id.clone());
    let fresh = if tenant.is_local() { Ok(()) } else { is_fresh(app) };
    let allowed = may_change(app).and(fresh).and_then(|()| check(tenant)).and_then(|()| {
        let is_running = app.shared.jobs.is_running(&slot);
        if is_running { Err(Problem::new(format!("Already {} {name}.", words(action).0))) } else { Ok(()) }
    });
    if let Err(problem) = allowed {
        app.shared.tell(&problem);
        return done();
    }
    bought::by_hand(&mut app.shared, action, id);
    app.shared.say(format!("{} {name}", capital(words(action).0)));
    vec![again::start(&mut app.shared, id, asked)]
}

/// Every tenant that is meant can have it done.
fn each(app: &App, check: Check) -> Result<(), Problem> {
    let targets = app.shared.tenants.targets();
    if targets.is_empty() {
        return Err(no_tenant());
    }
    targets.into_iter().try_for_each(|tenant| in_the_cloud(tenant).and_then(|()| check(tenant)))
}

/// What cannot be taken back is done to one tenant at a time.
pub fn one(app: &App) -> Result<&Tenant, Problem> {
    if app.shared.tenants.marked().len() > 1 {
        return Err(Problem::new("Several tenants are marked.")
            .hint(format!("This is done to one at a time: {} to take the marks away.", app.shared.press("dismiss"))));
    }
    let tenant = match app.shared.tenants.targets().first() {
        Some(tenant) => *tenant,
        None => selected(app)?,
    };
    in_the_cloud(tenant).map(|()| tenant)
}

/// The tenant that the pages show, where it alone is meant.
pub fn shown(app: &App) -> Result<&Tenant, Problem> {
    let tenant = selected(app)?;
    match app.shared.tenants.targets().as_slice() {
        [only] if only.id == tenant.id => Ok(tenant),
        _ => Err(Problem::new("Other tenants are marked.").hint(format!(
            "This is done to the one that is shown: {} to take the marks away.",
            app.shared.press("dismiss")
        ))),
    }
}

fn question(app: &App, what: &str, yes: &'static str, consequence: impl Fn(&Tenant) -> String) -> Option<Question> {
    let targets = app.shared.tenants.targets();
    let first = targets.first()?;
    let (title, text) = match targets.len() {
        1 => (format!("{what}?"), consequence(first)),
        count => {
            let names: Vec<&str> = targets.iter().map(|tenant| tenant.name.as_str()).collect();
            (
                format!("{what} of {count} tenants?"),
                format!("{} This is done to {}.", consequence(first), names.join(", ")),
            )
        }
    };
    Some(Question::new(title, yes).text(text).about(targets.iter().map(|tenant| tenant.id.clone())))
}

fn ask(app: &App, what: &str, yes: &'static str, consequence: impl Fn(&Tenant) -> String) -> Option<Question> {
    question(app, what, yes, consequence)
}

fn ask_name(app: &App, what: &str, yes: &'static str, consequence: impl Fn(&Tenant) -> String) -> Option<Question> {
    let name = one(app).ok()?.name.clone();
    question(app, what, yes, consequence).map(|question| question.typed(name))
}

/// The phase, from servers that say it, else what comes closest.
fn phase(tenant: &Tenant) -> Option<Phase> {
    use crate::model::TenantState as S;
    tenant.phase.as_deref().and_then(Phase::from_word).or_else(|| match tenant.state() {
        S::Provisioning => Some(Phase::Provisioning),
        S::ToDeploy => Some(Phase::AwaitingDeploy),
        S::Deploying => Some(Phase::Deploying),
        S::Running => Some(Phase::Running),
        S::Restarting => Some(Phase::Restarting),
        S::Suspended => Some(Phase::Suspended),
        S::Failed => Some(Phase::FailedDeploy),
        S::Deleting => Some(Phase::Deleting),
        S::Unknown | S::Local(_) => None,
    })
}

fn refuse(tenant: &Tenant, why: &str, hint: &str) -> Result<(), Problem> {
    Err(Problem::new(format!("{} {why}.", tenant.name)).hint(hint))
}

/// What the server answers while an operation runs (its 409), said before it is asked.
fn busy(tenant: &Tenant) -> Result<(), Problem> {
    refuse(tenant, &format!("is {} now", tenant.state().word()), "Wait until that has ended; its events tell.")
}

fn not_provisioned(tenant: &Tenant) -> Result<(), Problem> {
    refuse(tenant, "has no infrastructure yet", "Its events say how far its provisioning is.")
}

/// Whether a restart is possible.
pub fn can_restart(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Created | Phase::Provisioning | Phase::FailedInfra) => not_provisioned(tenant),
        Some(Phase::AwaitingDeploy) => refuse(tenant, "was never deployed", "Deploy it first."),
        Some(Phase::Deploying | Phase::Restarting | Phase::Deleting | Phase::Deleted) => busy(tenant),
        Some(Phase::Suspended) => refuse(tenant, "is suspended", "Activate it instead."),
        Some(Phase::Running | Phase::FailedDeploy) | None => Ok(()),
    }
}

/// Whether it can be suspended.
pub fn can_suspend(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Created | Phase::FailedInfra) => not_provisioned(tenant),
        Some(Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting | Phase::Deleted) => {
            busy(tenant)
        }
        Some(Phase::Suspended) => refuse(tenant, "is suspended already", "Activate it to start it again."),
        Some(Phase::AwaitingDeploy | Phase::Running | Phase::FailedDeploy) | None => Ok(()),
    }
}

/// Whether it can be activated.
pub fn can_activate(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Suspended) | None => Ok(()),
        Some(_) => refuse(tenant, "is not suspended", "Only a suspended tenant can be activated."),
    }
}

/// Whether the provisioning can be tried again.
pub fn can_retry(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::FailedInfra | Phase::FailedDeploy) | None => Ok(()),
        Some(_) => refuse(tenant, "has not failed", "Only a failed tenant can be provisioned again."),
    }
}

/// Whether its credentials can be rotated.
pub fn can_rotate(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Created | Phase::Provisioning | Phase::FailedInfra) => not_provisioned(tenant),
        Some(Phase::Deploying | Phase::Restarting | Phase::Deleting | Phase::Deleted) => busy(tenant),
        Some(Phase::AwaitingDeploy | Phase::Running | Phase::Suspended | Phase::FailedDeploy) | None => Ok(()),
    }
}

/// Whether it can be deleted, or its subscription cancelled.
pub fn can_delete(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting | Phase::Deleted) => {
            busy(tenant)
        }
        _ => Ok(()),
    }
}

/// Whether its memory can be changed.
pub fn can_scale(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Created) => not_provisioned(tenant),
        Some(Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting | Phase::Deleted) => {
            busy(tenant)
        }
        _ => Ok(()),
    }
}

/// Whether anything that is kept about it can be changed: its name, its domain, its plan.
pub fn can_change(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Deleting | Phase::Deleted) => busy(tenant),
        _ => Ok(()),
    }
}

/// Whether its database can be opened and closed to the outside.
pub fn can_open_database(tenant: &Tenant) -> Result<(), Problem> {
    match phase(tenant) {
        Some(Phase::Created | Phase::FailedInfra) => not_provisioned(tenant),
        Some(Phase::Provisioning | Phase::Deleting | Phase::Deleted) => busy(tenant),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::tenant;

    /// What protocol F.3 says of each: created, provisioning, awaiting, deploying, running, restarting, suspended,
    /// `failed_infra`, `failed_deploy`.
    #[test]
    fn what_the_screen_offers_is_what_the_server_takes() {
        type Check = fn(&Tenant) -> Result<(), Problem>;
        let table: [(&str, Check, &str); 5] = [
            ("restart", can_restart, "....+...+"),
            ("retry", can_retry, ".......++"),
            ("suspend", can_suspend, "..+.+...+"),
            ("activate", can_activate, "......+.."),
            ("rotate", can_rotate, "..+.+.+.+"),
        ];
        for (name, check, cells) in table {
            for (phase, cell) in Phase::ALL.iter().zip(cells.chars()) {
                let allowed = check(&tenant(1, "orchard", phase.as_str())).is_ok();
                assert_eq!(allowed, cell == '+', "{name} while {}", phase.as_str());
            }
        }
    }
}

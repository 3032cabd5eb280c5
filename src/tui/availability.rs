//! Which commands make sense now, and why not: one answer for the keys, the hint bar and the help.

use super::app::{App, Health};
use super::commands::Action;
use crate::model::{Problem, Remedy, Tenant, TenantState};

/// `Err` says why the action is not possible now and what to do instead.
pub fn check(app: &App, action: Action) -> Result<(), Problem> {
    match action {
        Action::Deploy => deploy(app),
        Action::CancelDeploy => match app.deploy.running() {
            Some(run) if run.cancelling => Err(Problem::new("The deploy is already being stopped.")),
            Some(_) => Ok(()),
            None => Err(Problem::new("No deploy is running.")),
        },
        Action::Open => match app.selected() {
            None => Err(no_tenant()),
            Some(tenant) if address(tenant).is_some() => Ok(()),
            Some(tenant) => Err(Problem::new(format!("{} has no address yet.", tenant.name))
                .hint("It gets one with its first deploy.")
                .remedy(Remedy::Deploy)),
        },
        Action::Details => match app.problem {
            Some(_) => Ok(()),
            None => Err(Problem::new("There is no problem to show.")),
        },
        _ => Ok(()),
    }
}

/// The tenant's address, with its scheme.
#[must_use]
pub fn address(tenant: &Tenant) -> Option<String> {
    let named = || tenant.hostname.as_ref().map(|host| format!("https://{host}"));
    // Addresses are promised before anything answers there.
    match tenant.state() {
        TenantState::Provisioning | TenantState::ToDeploy => None,
        TenantState::Running => tenant.app_url.clone().or_else(named),
        _ => tenant.app_url.clone(),
    }
}

fn no_tenant() -> Problem {
    Problem::new("No tenant is selected.").hint("Press n to buy one.")
}

fn deploy(app: &App) -> Result<(), Problem> {
    if let Some(run) = app.deploy.running() {
        return Err(Problem::new(format!("A deploy of {} is running.", run.name))
            .hint("Wait until it ends, or stop it with c."));
    }
    let tenant = app.selected().ok_or_else(no_tenant)?;
    let name = &tenant.name;
    let refuse = |title: String, hint: &str| Err(Problem::new(title).hint(hint));
    match tenant.state() {
        TenantState::Provisioning => {
            return refuse(
                format!("{name} is still being provisioned."),
                "Wait until its status says \"to deploy\", then press d.",
            );
        }
        TenantState::Deploying | TenantState::Restarting => {
            return refuse(format!("{name} is {} now.", tenant.state().word()), "Wait until it runs, then press d.");
        }
        TenantState::Suspended => return refuse(format!("{name} is suspended."), "Activate it, then press d."),
        TenantState::Deleting => return refuse(format!("{name} is being deleted."), "Press n to buy another one."),
        TenantState::Failed if tenant.phase.as_deref() == Some("failed_infra") => {
            return refuse(
                format!("{name} has no infrastructure: its provisioning failed."),
                "Its events say at which step. Retry the provisioning before a deploy.",
            );
        }
        TenantState::ToDeploy | TenantState::Running | TenantState::Failed | TenantState::Unknown => {}
    }
    match &app.engine {
        Health::Down(problem) => {
            let told = Problem::new("Docker does not answer, and a deploy builds its image with it.");
            let told = told.detail(problem.detail.as_deref().unwrap_or(&problem.title));
            let hint = problem.hint.as_deref().unwrap_or("Start Docker, then press d again.");
            Err(told.hint(hint).remedy(Remedy::Retry))
        }
        Health::Unknown | Health::Up(_) => Ok(()),
    }
}

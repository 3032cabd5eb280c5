//! What the person can do, apart from what belongs to one pane or one dialog: one file for each kind of thing. A row says
//! what it is called, which key it has, when it is possible and what it does; nothing else has to be touched.

pub mod context;
mod deploy;
mod general;
mod moving;
pub mod tenant;

pub use deploy::deploy_selected;

use super::app::App;
use super::commands::Command;
use super::effect::Effect;
use crate::model::{Problem, Tenant, TenantState};

/// The rows, in the order of the hint bar and the help.
pub const COMMANDS: &[&[Command]] =
    &[deploy::COMMANDS, tenant::COMMANDS, general::COMMANDS, context::COMMANDS, moving::COMMANDS];

/// The selected tenant, or why there is none.
pub fn selected(app: &App) -> Result<&Tenant, Problem> {
    app.selected().ok_or_else(no_tenant)
}

/// What a command without a tenant says.
#[must_use]
pub fn no_tenant() -> Problem {
    Problem::new("No tenant is selected.").hint("Press n to buy one.")
}

/// What a database on this machine says to a command for the cloud.
pub fn in_the_cloud(tenant: &Tenant) -> Result<(), Problem> {
    if tenant.is_local() {
        return Err(Problem::new(format!("{} is a database on this machine.", tenant.name))
            .hint("This is for tenants of the cloud."));
    }
    Ok(())
}

/// Nothing more to do.
#[must_use]
pub fn done() -> Vec<Effect> {
    Vec::new()
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

//! What the person can do, apart from what belongs to one pane or one dialog: one file for each kind of thing. A row says
//! what it is called, which key it has, when it is possible and what it does; nothing else has to be touched.

mod account;
mod change;
pub mod context;
pub mod deploy;
pub mod general;
pub mod local;
mod moving;
mod offers;
pub mod project;
pub mod tenant;

pub use change::{LONGEST as LONGEST_NAME, SIZES, pick_memory};
pub use deploy::deploy_selected;
pub use offers::{Offer, offers};

use super::app::App;
use super::commands::Command;
use super::effect::Effect;
use crate::model::{Problem, Tenant, TenantState};

/// The rows, in the order of the hint bar and the help.
pub const COMMANDS: &[&[Command]] = &[
    deploy::COMMANDS,
    tenant::COMMANDS,
    change::COMMANDS,
    local::COMMANDS,
    general::COMMANDS,
    project::COMMANDS,
    context::COMMANDS,
    account::COMMANDS,
    moving::COMMANDS,
];

/// The selected tenant, or why there is none.
pub fn selected(app: &App) -> Result<&Tenant, Problem> {
    app.selected().ok_or_else(no_tenant)
}

/// What a command without a tenant says.
#[must_use]
pub fn no_tenant() -> Problem {
    Problem::new("No tenant is selected.").hint("Choose one in the list, or make a new one.")
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

/// Why the tenant's address cannot be opened, if it cannot.
pub fn can_open(tenant: &Tenant) -> Result<(), Problem> {
    match address(tenant) {
        Some(_) => Ok(()),
        None => Err(Problem::new(format!("{} has no address yet.", tenant.name))
            .hint("It gets one with its first deploy.")
            .remedy(crate::model::Remedy::Deploy)),
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

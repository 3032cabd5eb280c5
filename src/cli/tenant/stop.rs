//! `tenantry tenant stop`: a local tenant's database; its data stays.

use clap::Args;

use super::local_target;
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Nowhere, Output, Unasked};
use crate::model::{LocalState, LocalStatus};
use crate::ops::local;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The local tenant: its id, its name, or the beginning of one.
    #[arg(add = crate::cli::complete::tenants())]
    tenant: String,
    #[command(flatten)]
    unasked: Unasked,
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    frame::may_change_here().await?;
    let tenant = local_target(&project, &arguments.tenant).await?;
    let tenant = local::stop(&project, &tenant.id).await?;
    let status = LocalStatus { tenant, state: LocalState::Stopped, detail: None };
    let text = format!("{}: its database is stopped; its data stays.\n", status.tenant.name);
    arguments.output.answer(&super::show::LocalDetail::of(&status, false), &text)?;
    Ok(Exit::Done)
}

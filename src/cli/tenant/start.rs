//! `tenantry tenant start`: a local tenant's database, until it answers.

use clap::Args;

use super::{Output, local_target};
use crate::model::{LocalState, LocalStatus, Problem};
use crate::ops::local;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The local tenant: its id, its name, or the beginning of one.
    tenant: String,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Problem> {
    let project = super::project()?;
    let tenant = local_target(&project, &arguments.tenant).await?;
    let tenant = local::start(&project, &tenant.id).await?;
    if arguments.output.json {
        let status = LocalStatus { tenant, state: LocalState::Running, detail: None };
        return super::print_json(&super::show::LocalDetail::of(&status, false));
    }
    super::print(&format!("{}: its database answers.\n", tenant.name))
}

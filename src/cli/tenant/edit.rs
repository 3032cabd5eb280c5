//! `tenantry tenant edit`: another name.

use clap::Args;

use super::{Target, target};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Output, Place, Unlock};
use crate::model::text;
use crate::ops::{Call, Reply, local, perform};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one.
    #[arg(add = crate::cli::complete::tenants())]
    tenant: String,
    /// The new name.
    #[arg(long, value_name = "NAME")]
    name: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    unlock: Unlock,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    let (id, name) = match target(&project, &arguments.place, &arguments.tenant).await? {
        Target::Local(tenant) => {
            frame::may_change_here().await?;
            let renamed = local::rename(&project, &tenant.id, &arguments.name).await?;
            (renamed.id, renamed.name)
        }
        Target::Cloud(session, tenant) => {
            arguments.unlock.may_change(&session, arguments.output).await?;
            let name = text::line(arguments.name.trim());
            match perform(&session, Call::Rename { id: tenant.id.clone(), name: name.clone() }).await? {
                Reply::Tenant(renamed) => (renamed.id, renamed.name),
                _ => (tenant.id, name),
            }
        }
    };
    let text = format!("It is called {name} now.\n");
    arguments.output.answer(&serde_json::json!({ "id": id, "name": name }), &text)?;
    Ok(Exit::Done)
}

//! `tenantry tenant edit`: another name.

use clap::Args;

use super::{Output, Target, target};
use crate::model::{Problem, text};
use crate::ops::local;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one.
    tenant: String,
    /// The new name.
    #[arg(long, value_name = "NAME")]
    name: String,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Problem> {
    let project = super::project()?;
    let (id, name) = match target(&project, &arguments.tenant).await? {
        Target::Local(tenant) => {
            let renamed = local::rename(&project, &tenant.id, &arguments.name).await?;
            (renamed.id, renamed.name)
        }
        Target::Cloud(session, tenant) => {
            let name = text::line(arguments.name.trim());
            let renamed = session.client().rename(&tenant.id, &name).await.map_err(|error| error.problem())?;
            (renamed.id, renamed.name)
        }
    };
    if arguments.output.json {
        return super::print_json(&serde_json::json!({ "id": id, "name": name }));
    }
    super::print(&format!("It is called {name} now.\n"))
}

//! `tenantry env`: what a tenant's machine starts with. The server masks what is secret.

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::frame::{Failure, Output, Whom, table};
use crate::ops::{Call, Reply, perform};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tenantry env --tenant orchard")]
pub(super) struct Arguments {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(Arguments { whom, output }: Arguments) -> Result<Exit, Failure> {
    let (session, tenant) = whom.open().await?;
    let Reply::Environment(found) = perform(&session, Call::Environment(tenant.id.clone())).await? else {
        return Ok(Exit::Done);
    };
    let mut rows = vec![["NAME", "VALUE", "SET BY"].map(str::to_owned)];
    rows.extend(found.variables.iter().map(|variable| {
        let by = if variable.managed { "platform" } else { "you" };
        [variable.key.clone(), variable.value.clone(), by.to_owned()]
    }));
    let document = json!({ "tenant_id": tenant.id, "tenant_name": tenant.name, "variables": found.variables });
    output.answer(&document, &table(&rows))?;
    Ok(Exit::Done)
}

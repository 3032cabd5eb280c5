//! `tenantry tenant delete`: asked for first. A local tenant's data stays unless somebody says otherwise; one of the cloud
//! goes with everything, and wants its name typed.

use clap::Args;

use super::choice::named_or_chosen;
use super::{Target, target};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Output, Place, ask};
use crate::model::{LocalTenant, Tenant};
use crate::ops::{Call, Session, local, perform};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one. At a terminal it may be left out, and is asked for.
    #[arg(value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    /// Delete a local tenant's data, too. Without it the data stays.
    #[arg(long)]
    data: bool,
    /// Keep what this machine has of the credentials of a tenant of the cloud. Without it they go with the tenant.
    #[arg(long)]
    keep_credentials: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project_or_folder()?;
    // What is done unasked is done to what was named.
    let output = if arguments.consent.is_given() { arguments.output.unasked() } else { arguments.output };
    let wanted = named_or_chosen(&project, &arguments.place, arguments.tenant.clone(), output).await?;
    let target = target(&project, &arguments.place, &wanted).await?;
    if arguments.consent.is_given() {
        let (name, id) = match &target {
            Target::Local(tenant) => (&tenant.name, &tenant.id),
            Target::Cloud(_, tenant) => (&tenant.name, &tenant.id),
        };
        // Nobody sees which one it is before it is gone.
        super::whole(&wanted, name, id)?;
    }
    match target {
        Target::Local(tenant) => of_this_machine(&project, &tenant, &arguments).await?,
        Target::Cloud(session, tenant) => of_cloud(&session, &tenant, &arguments).await?,
    }
    Ok(Exit::Done)
}

async fn of_this_machine(project: &Project, tenant: &LocalTenant, arguments: &Arguments) -> Result<(), Failure> {
    frame::may_change_here().await?;
    let mut data = arguments.data;
    let name = &tenant.name;
    let what = match (&tenant.docker_project, data) {
        (None, _) => "it leaves the list, its database stays as it is",
        (Some(_), true) => "its container and all its data go",
        (Some(_), false) => "its container goes",
    };
    let output = arguments.output;
    arguments.consent.ask_here(output, format!("Delete the local tenant {name}: {what}?")).await?;
    if !arguments.consent.is_given() && tenant.docker_project.is_some() && !data {
        data = ask::yes("Delete its data too? Nothing brings it back.".to_owned()).await?;
    }
    let deleted = local::delete(project, &tenant.id, data).await?;
    let document = serde_json::json!({
        "tenant_id": tenant.id, "tenant_name": deleted.name, "message": deleted.sentence(), "kept_volumes": deleted.kept,
        "bring_back": deleted.bring_back,
    });
    Ok(output.answer(&document, &format!("{}: {}\n", deleted.name, deleted.sentence()))?)
}

async fn of_cloud(session: &Session, tenant: &Tenant, arguments: &Arguments) -> Result<(), Failure> {
    let session = &session.clone().keeping_credentials(arguments.keep_credentials);
    let name = &tenant.name;
    let question = format!("{name} goes for good, with machine, volume and database.");
    arguments.consent.ask_name(session, arguments.output, &question, name).await?;
    let reply = Box::pin(perform(session, Call::Delete { id: tenant.id.clone() })).await?;
    let message = reply.sentence().unwrap_or_default();
    let document = serde_json::json!({ "tenant_id": tenant.id, "tenant_name": name, "message": message });
    Ok(arguments.output.answer(&document, &format!("{name}: {message}\n"))?)
}

//! `tenantry tenant edit`: another name, and for a local tenant whose database is its own another address of it.

use clap::Args;

use super::choice::named_or_chosen;
use super::source::{self, Address};
use super::{Target, target};
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Output, Place};
use crate::model::{Problem, text};
use crate::ops::{Call, Reply, local, perform};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one. At a terminal it may be left out, and is asked for.
    #[arg(value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    /// The new name.
    #[arg(long, value_name = "NAME", required_unless_present = "database_url")]
    name: Option<String>,
    /// The new address of a local tenant's database that is no container's: - reads it from standard input, @PATH from a
    /// file.
    #[arg(long, value_name = "-|@FILE")]
    database_url: Option<Address>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project_or_folder()?;
    let url = match &arguments.database_url {
        Some(given) => Some(source::read(given, arguments.output).await?),
        None => None,
    };
    let wanted = named_or_chosen(&project, &arguments.place, arguments.tenant, arguments.output).await?;
    let (id, name) = match target(&project, &arguments.place, &wanted).await? {
        Target::Local(tenant) => {
            frame::may_change_here().await?;
            let tenant = match (&url, &arguments.name) {
                (Some(url), name) => local::readdress(&project, &tenant.id, url, name.as_deref()).await?,
                (None, Some(name)) => local::rename(&project, &tenant.id, name).await?,
                (None, None) => tenant,
            };
            (tenant.id, tenant.name)
        }
        Target::Cloud(_, tenant) if url.is_some() => {
            return Err(Failure::Usage(
                Problem::new("The address of a database of the cloud is not ours to change.")
                    .detail(format!("{} is a tenant of the cloud.", tenant.name))
                    .hint("For a new password: `tenantry rotate`; for a profile alone: `tenantry profile edit --set-database-url -`"),
            ));
        }
        Target::Cloud(session, tenant) => {
            arguments.consent.may_change(&session, arguments.output).await?;
            let name = text::line(arguments.name.as_deref().unwrap_or_default().trim());
            match perform(&session, Call::Rename { id: tenant.id.clone(), name: name.clone() }).await? {
                Reply::Tenant(renamed) => (renamed.id, renamed.name),
                _ => (tenant.id, name),
            }
        }
    };
    let message = match (&arguments.name, &url) {
        (Some(_), None) => format!("It is called {name} now."),
        (None, _) => "Its database has another address now.".to_owned(),
        (Some(_), Some(_)) => format!("It is called {name} now, and its database has another address."),
    };
    let document = serde_json::json!({ "tenant_id": id, "tenant_name": name, "message": message });
    arguments.output.answer(&document, &format!("{message}\n"))?;
    Ok(Exit::Done)
}

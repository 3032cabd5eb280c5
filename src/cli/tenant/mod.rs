//! `tenantry tenant ...`: the project's tenants, those of the cloud and those on this machine, one file per command. What
//! is about local tenants alone needs no login.

mod create;
mod delete;
mod edit;
mod list;
mod show;
mod source;
mod start;
mod stop;

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::{Place, until_stopped};
use crate::model::{LocalTenant, Problem, Tenant, TenantId};
use crate::ops::{Session, local, tenants};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a local tenant: a Postgres in a container on this machine, or one that is there already.
    Create(create::Arguments),
    /// List the tenants of the cloud and those on this machine.
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Show one tenant.
    Show(show::Arguments),
    /// Give a tenant another name.
    Edit(edit::Arguments),
    /// Delete a tenant. It is asked for first.
    Delete(delete::Arguments),
    /// Start a local tenant's database, and wait until it answers.
    Start(start::Arguments),
    /// Stop a local tenant's database; its data stays.
    Stop(stop::Arguments),
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    match arguments.command {
        Command::Create(arguments) => create::run(arguments, stop).await,
        Command::List(arguments) => until_stopped(arguments.output, &stop, list::run(arguments)).await,
        Command::Show(arguments) => until_stopped(arguments.output, &stop, show::run(arguments)).await,
        Command::Edit(arguments) => until_stopped(arguments.output, &stop, edit::run(arguments)).await,
        Command::Delete(arguments) => until_stopped(arguments.output, &stop, Box::pin(delete::run(arguments))).await,
        Command::Start(arguments) => until_stopped(arguments.output, &stop, Box::pin(start::run(arguments))).await,
        Command::Stop(arguments) => until_stopped(arguments.output, &stop, stop::run(arguments)).await,
    }
}

/// The tenant that is meant.
enum Target {
    /// On this machine.
    Local(LocalTenant),
    /// Of the cloud.
    Cloud(Box<Session>, Box<Tenant>),
}

/// The one that `wanted` names, by id, name, or the beginning of either. A local tenant's whole name or id goes before
/// everything else; without a login only local ones are known.
async fn target(project: &Project, place: &Place, wanted: &str) -> Result<Target, Problem> {
    let locals = local::all(project).await?;
    let here = local::found(&locals, wanted)?;
    let is_whole = |tenant: &LocalTenant| tenant.name == wanted || tenant.id.as_str() == wanted;
    if let Some(tenant) = here.filter(|tenant| is_whole(tenant)) {
        return Ok(Target::Local(tenant.clone()));
    }
    let session = match place.open_in(project.clone()).await {
        Ok(session) => session,
        // Whose login is missing is told what is here.
        Err(problem) if problem.requires_login => return local::find(project, wanted).await.map(Target::Local),
        Err(problem) => return Err(problem),
    };
    // A cloud that does not answer, or that has several of them, says nothing about what is meant: a beginning alone must
    // not make another tenant of it.
    match (here, tenants::find(&session, wanted).await?) {
        (Some(tenant), Some(other)) => Err(Problem::new(format!("More than one tenant is meant by {wanted}."))
            .detail(format!("They are {} on this machine and {} of the cloud.", tenant.name, other.name))
            .hint("Give the whole name or the id.")),
        (Some(tenant), None) => Ok(Target::Local(tenant.clone())),
        (None, Some(tenant)) => Ok(Target::Cloud(Box::new(session), Box::new(tenant))),
        (None, None) => tenants::resolve(&session, Some(wanted))
            .await
            .map(|tenant| Target::Cloud(Box::new(session), Box::new(tenant))),
    }
}

/// A local tenant, for what is done to those alone.
async fn local_target(project: &Project, wanted: &str) -> Result<LocalTenant, Problem> {
    local::find(project, wanted).await
}

/// What is done unasked wants the whole name or id: a beginning may be another one's by tomorrow.
fn whole(wanted: &str, name: &str, id: &TenantId) -> Result<(), Problem> {
    if [name, id.as_str()].contains(&wanted) {
        return Ok(());
    }
    Err(Problem::new(format!("{wanted} is only the beginning of a name."))
        .detail(format!("It would be {name}. Without a question nothing is done by that."))
        .hint("Give the whole name or the id, or leave out --yes."))
}

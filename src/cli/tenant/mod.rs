//! `tenantry tenant ...`: the project's tenants, those of the cloud and those on this machine, one file per command. What
//! is about local tenants alone needs no login.

mod access;
mod buy;
mod choice;
mod create;
mod delete;
mod edit;
mod list;
mod show;
mod source;
mod start;
mod stop;
mod switch;

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::{Failure, Named, Place, until_stopped};
use super::rotate;
use crate::model::{LocalTenant, Problem, Tenant, TenantId, text};
use crate::ops::{Session, local, tenants};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a tenant: buy one of the cloud, or take a Postgres on this machine.
    #[command(
        after_help = "Examples:\n  tenantry tenant create --plan Starter --region fra\n  tenantry tenant create --local --name shop\n  tenantry tenant create --database-url - < url.txt"
    )]
    Create(Box<create::Arguments>),
    /// List the tenants of the cloud and those on this machine.
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  tenantry tenant list\n  tenantry tenant list --local --json"
    )]
    List(list::Arguments),
    /// Show one tenant.
    #[command(after_help = "Example:\n  tenantry tenant show orchard")]
    Show(show::Arguments),
    /// Give a tenant another name.
    #[command(
        visible_alias = "rename",
        after_help = "Examples:\n  tenantry tenant edit orchard --name shop\n  tenantry tenant edit local --database-url @url.txt"
    )]
    Edit(edit::Arguments),
    /// Delete a tenant. It is asked for first.
    #[command(after_help = "Examples:\n  tenantry tenant delete orchard\n  tenantry tenant delete local --data --yes")]
    Delete(delete::Arguments),
    /// Start a local tenant's database, and wait until it answers.
    #[command(after_help = "Example:\n  tenantry tenant start local")]
    Start(start::Arguments),
    /// Stop a local tenant's database; its data stays.
    #[command(after_help = "Example:\n  tenantry tenant stop local")]
    Stop(stop::Arguments),
    /// Stop a tenant's machine: billing pauses, the data stays.
    #[command(after_help = "Example:\n  tenantry tenant suspend orchard --yes")]
    Suspend(switch::Asked),
    /// Start a suspended tenant again: billing goes on.
    #[command(after_help = "Example:\n  tenantry tenant activate orchard --yes")]
    Activate(switch::Asked),
    /// Give a tenant's machine other memory.
    #[command(after_help = "Example:\n  tenantry tenant scale orchard --memory 1024 --yes")]
    Scale(switch::Scale),
    /// Try again what failed while a tenant was made.
    #[command(after_help = "Example:\n  tenantry tenant retry orchard --yes && tenantry watch --tenant orchard")]
    Retry(switch::Asked),
    /// End a tenant's subscription at once; machine, database and everything else of it are destroyed.
    #[command(after_help = "Example:\n  tenantry tenant cancel orchard")]
    Cancel(switch::Cancel),
    /// Let a tenant's database be reached from outside, or no longer.
    #[command(after_help = "Example:\n  tenantry tenant external-access on orchard --yes --reveal")]
    ExternalAccess(access::ExternalAccess),
    /// Fetch the credentials that can be read once, and store them.
    #[command(after_help = "Example:\n  tenantry tenant credentials orchard --yes")]
    Credentials(access::Credentials),
    /// Give a tenant's database a new password.
    #[command(visible_alias = "rotate", after_help = "Example:\n  tenantry tenant rotate-credentials orchard --yes")]
    RotateCredentials(Rotate),
}

#[derive(Debug, Args)]
struct Rotate {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    asked: rotate::Asked,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    match arguments.command {
        Command::Create(arguments) => create::run(*arguments, stop).await,
        Command::List(arguments) => until_stopped(arguments.output, &stop, list::run(arguments)).await,
        Command::Show(arguments) => until_stopped(arguments.output, &stop, show::run(arguments)).await,
        Command::Edit(arguments) => until_stopped(arguments.output, &stop, edit::run(arguments)).await,
        Command::Delete(arguments) => until_stopped(arguments.output, &stop, Box::pin(delete::run(arguments))).await,
        Command::Start(arguments) => until_stopped(arguments.output, &stop, Box::pin(start::run(arguments))).await,
        Command::Stop(arguments) => until_stopped(arguments.output, &stop, stop::run(arguments)).await,
        Command::Suspend(asked) => until_stopped(asked.output, &stop, switch::suspend(asked)).await,
        Command::Activate(asked) => until_stopped(asked.output, &stop, switch::activate(asked)).await,
        Command::Scale(scale) => until_stopped(scale.asked.output, &stop, switch::scale(scale)).await,
        Command::Retry(asked) => until_stopped(asked.output, &stop, switch::retry(asked)).await,
        Command::Cancel(cancel) => until_stopped(cancel.output, &stop, switch::cancel(cancel)).await,
        Command::ExternalAccess(wanted) => until_stopped(wanted.output, &stop, access::external(wanted)).await,
        Command::Credentials(wanted) => until_stopped(wanted.output, &stop, access::credentials(wanted)).await,
        Command::RotateCredentials(Rotate { named, asked }) => {
            until_stopped(asked.output, &stop, Box::pin(rotate::named(named, asked))).await
        }
    }
}

/// The tenant that is meant.
pub(in crate::cli) enum Target {
    /// On this machine.
    Local(LocalTenant),
    /// Of the cloud.
    Cloud(Box<Session>, Box<Tenant>),
}

/// The one that `wanted` names, by id, name, or the beginning of either. A local tenant's whole name or id goes before
/// everything else; without a login only local ones are known.
pub(in crate::cli) async fn target(project: &Project, place: &Place, wanted: &str) -> Result<Target, Problem> {
    let locals = local::all(project).await?;
    let here = local::found(&locals, wanted)?;
    let is_whole = |tenant: &LocalTenant| tenant.name == wanted || tenant.id.as_str() == wanted;
    if let Some(tenant) = here.filter(|tenant| is_whole(tenant)) {
        return Ok(Target::Local(tenant.clone()));
    }
    let session = match place.open_in(project.clone()).await {
        Ok(session) => session,
        // Without a login only what is here is known, and what is not here may be there.
        Err(problem) if problem.requires_login => {
            let detail = format!("No local tenant is called {}.", text::short(wanted, 60));
            return here.cloned().map(Target::Local).ok_or_else(|| problem.detail(detail));
        }
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
pub(in crate::cli) fn whole(wanted: &str, name: &str, id: &TenantId) -> Result<(), Failure> {
    if [name, id.as_str()].contains(&wanted) {
        return Ok(());
    }
    let problem = Problem::new(format!("{wanted} is only the beginning of a name."))
        .detail(format!("It would be {name}. Without a question nothing is done by that."))
        .hint("Give the whole name or the id, or leave out --yes.");
    Err(Failure::Usage(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_does_nothing_unasked() {
        let id = TenantId::new("ten_1").expect("an id");
        assert!(whole("orch", "orchard", &id).is_err_and(|failure| failure.exit() == Exit::Usage));
        assert!(whole("orchard", "orchard", &id).is_ok() && whole("ten_1", "orchard", &id).is_ok());
    }
}

//! `tenantry tenant ...`: the project's tenants, those of the cloud and those on this machine, one file per command. What
//! is about local tenants alone needs no login.

mod ask;
mod create;
mod delete;
mod edit;
mod list;
mod show;
mod source;
mod start;
mod stop;

use clap::{Args, Subcommand};
use serde::Serialize;
use std::io::{self, Write};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use crate::model::{LocalTenant, Problem, Tenant};
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

/// How the answer is given, and whether anything may be asked.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Ask nothing: what is missing is an error.
    #[arg(long)]
    non_interactive: bool,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Result<Exit, Problem> {
    match arguments.command {
        Command::Create(arguments) => create::run(arguments, stop).await,
        Command::List(arguments) => told(arguments.output.json, unless_stopped(&stop, list::run(arguments)).await),
        Command::Show(arguments) => told(arguments.output.json, unless_stopped(&stop, show::run(arguments)).await),
        Command::Edit(arguments) => told(arguments.output.json, unless_stopped(&stop, edit::run(arguments)).await),
        Command::Delete(arguments) => {
            told(arguments.output.json, unless_stopped(&stop, Box::pin(delete::run(arguments))).await)
        }
        Command::Start(arguments) => {
            told(arguments.output.json, unless_stopped(&stop, Box::pin(start::run(arguments))).await)
        }
        Command::Stop(arguments) => told(arguments.output.json, unless_stopped(&stop, stop::run(arguments)).await),
    }
}

async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    stop.run_until_cancelled(work).await.unwrap_or_else(|| Err(Problem::new("Stopped.")))
}

/// A problem as the mode wants it: in the one JSON document, or as always.
fn told(json: bool, result: Result<(), Problem>) -> Result<Exit, Problem> {
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(problem) if json => {
            print_json(&serde_json::json!({ "problem": problem }))?;
            Ok(Exit::of(&problem))
        }
        Err(problem) => Err(problem),
    }
}

/// The project of the working directory.
fn project() -> Result<Project, Problem> {
    let here = std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
    Project::discover(&here).map_err(|error| error.problem())
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
async fn target(project: &Project, wanted: &str) -> Result<Target, Problem> {
    let locals = local::all(project).await?;
    let here = local::found(&locals, wanted)?;
    let is_whole = |tenant: &LocalTenant| tenant.name == wanted || tenant.id.as_str() == wanted;
    if let Some(tenant) = here.filter(|tenant| is_whole(tenant)) {
        return Ok(Target::Local(tenant.clone()));
    }
    let session = match Session::open(project.clone()).await {
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

fn print_json(document: &impl Serialize) -> Result<(), Problem> {
    // Plain data: there is nothing in it that JSON cannot say.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    print(&text)
}

fn print(text: &str) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read it has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::new("The answer could not be printed.").detail(error.to_string()))
        }
        _ => Ok(()),
    }
}

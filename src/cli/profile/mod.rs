//! `tenantry profile`: the project's profiles: made for a tenant, listed, shown, changed and deleted. Values of secrets come
//! from standard input or a file, and are shown only where that is asked for.

mod create;
mod delete;
mod edit;
mod list;
mod show;
mod value;
mod yaml;

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::frame::{Failure, Output};
use crate::model::Problem;
use crate::ops::profiles::{self, ACTIVE};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a profile for a tenant, with secrets of its own and a signing key. Replaces nothing.
    #[command(
        after_help = "Examples:\n  tenantry profile create dev --tenant local\n  tenantry profile create prod --tenant orchard --anthropic-key - < key.txt"
    )]
    Create(Box<create::Arguments>),
    /// List the project's profiles.
    #[command(visible_alias = "ls", after_help = "Example:\n  tenantry profile list --json")]
    List(list::Arguments),
    /// Show all that a profile stands for. Secrets have stars.
    #[command(after_help = "Examples:\n  tenantry profile show dev\n  tenantry profile show prod --filter env --json")]
    Show(show::Arguments),
    /// Change a profile's settings and keys; everything else in its files stays as it is.
    #[command(
        after_help = "Examples:\n  tenantry profile edit prod --set-openai-key @key.txt\n  tenantry profile edit dev --set-port 9000 --set-database-url -"
    )]
    Edit(Box<edit::Arguments>),
    /// Delete a profile: its own folder and nothing else. It is asked for first.
    #[command(after_help = "Example:\n  tenantry profile delete old")]
    Delete(delete::Arguments),
}

impl Arguments {
    /// How the answer is given.
    pub(super) fn output(&self) -> Output {
        match &self.command {
            Command::Create(wanted) => wanted.output,
            Command::List(wanted) => wanted.output,
            Command::Show(wanted) => wanted.output,
            Command::Edit(wanted) => wanted.output,
            Command::Delete(wanted) => wanted.output,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Create(wanted) => Box::pin(create::run(*wanted)).await,
        Command::List(wanted) => list::run(wanted).await,
        Command::Show(wanted) => show::run(wanted).await,
        Command::Edit(wanted) => edit::run(*wanted).await,
        Command::Delete(wanted) => delete::run(wanted).await,
    }
}

/// What the environment says of the active profile.
pub(super) fn active() -> Option<String> {
    std::env::var(ACTIVE).ok().filter(|value| !value.trim().is_empty())
}

/// The profile that was named, else the active one.
async fn named(project: &Project, name: Option<String>) -> Result<String, Failure> {
    if let Some(name) = name {
        return Ok(name);
    }
    let known = profiles::list(project, active()).await?;
    if let Some(name) = known.active_profile {
        return Ok(name);
    }
    let names: Vec<String> = known.profiles.into_iter().map(|profile| profile.name).collect();
    let problem = if names.is_empty() {
        Problem::new("The project has no profiles.").hint("Make one: tenantry profile create NAME --tenant TENANT")
    } else {
        Problem::new("It is not clear which profile is meant.")
            .detail(format!("There are: {}.", names.join(", ")))
            .hint(format!("Name one, or set {ACTIVE}."))
    };
    Err(Failure::Usage(problem))
}

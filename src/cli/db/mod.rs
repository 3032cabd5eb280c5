//! `tenantry db`: the database of a profile or of a tenant: how it is, questions to it, a copy, and the copy put back.

mod backup;
mod query;
mod restore;
mod rows;
mod status;

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::frame::{self, Failure, Output, Place};
use super::tenant;
use crate::ops::Session;
use crate::ops::db::{self, Target};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show whether it answers, its version, its size and how many tables it has.
    #[command(after_help = "Example:\n  tenantry db status --profile dev")]
    Status(status::Arguments),
    /// Ask it something; nothing can be changed. A table on a terminal, else columns with tabs between.
    #[command(
        after_help = "Examples:\n  tenantry db query \"SELECT id, name FROM users ORDER BY id\" --profile dev\n  tenantry db query - --limit 1000 --json < question.sql"
    )]
    Query(query::Arguments),
    /// Copy it into a file for you alone.
    #[command(
        after_help = "Examples:\n  tenantry db backup --profile prod\n  tenantry db backup --tenant local --format sql --output before.sql"
    )]
    Backup(backup::Arguments),
    /// Put a copy back: what is there under the same names is replaced. It is asked for first.
    #[command(after_help = "Example:\n  tenantry db restore backups/dev-2026-11-30-090807.dump --profile dev")]
    Restore(restore::Arguments),
}

impl Arguments {
    /// How the answer is given.
    pub(super) fn output(&self) -> Output {
        match &self.command {
            Command::Status(wanted) => wanted.output,
            Command::Query(wanted) => wanted.output,
            Command::Backup(wanted) => wanted.output,
            Command::Restore(wanted) => wanted.output,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Status(wanted) => status::run(wanted).await,
        Command::Query(wanted) => query::run(wanted).await,
        Command::Backup(wanted) => backup::run(wanted).await,
        Command::Restore(wanted) => restore::run(wanted).await,
    }
}

/// Which database.
#[derive(Debug, Clone, Default, Args)]
struct Which {
    /// Profile whose database it is; the active one where nothing is said.
    #[arg(short, long, value_name = "NAME", conflicts_with = "tenant", add = crate::cli::complete::profiles())]
    profile: Option<String>,
    /// Tenant whose database it is, on this machine or of the cloud: its id, its name, or the beginning of one.
    #[arg(long, value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Which {
    /// The database, and who was asked which tenant is meant.
    async fn find(&self) -> Result<(Target, Option<Session>), Failure> {
        let project = frame::project()?;
        Ok(match (&self.profile, &self.tenant) {
            (Some(profile), _) => (db::of_profile(&project, profile).await?, None),
            (None, Some(wanted)) => match tenant::target(&project, &self.place, wanted).await? {
                tenant::Target::Local(tenant) => (db::of_local(&project, tenant)?, None),
                tenant::Target::Cloud(session, tenant) => {
                    let target = db::of_cloud(&project, session.state().cloned(), &tenant).await?;
                    (target, Some(*session))
                }
            },
            (None, None) => (db::usual(&project, super::profile::active()).await?, None),
        })
    }
}

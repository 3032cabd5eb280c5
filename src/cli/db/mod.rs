//! `tenantry db`: the database of a profile or of a tenant: how it is, questions to it, a copy, and the copy put back.

mod backup;
mod query;
mod restore;
mod rows;
mod status;

use clap::{Args, Subcommand};
use std::borrow::Cow;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::{self, Failure, Place, until_stopped};
use super::tenant;
use crate::model::{Problem, TenantId};
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
    /// Ask it something, in a transaction that only reads. A table on a terminal, else columns with tabs between.
    #[command(
        after_help = "Examples:\n  tenantry db query \"SELECT id, name FROM users ORDER BY id\" --profile dev\n  tenantry db query - --limit 1000 --json < question.sql"
    )]
    Query(query::Arguments),
    /// Copy it into a file for you alone.
    #[command(
        after_help = "Examples:\n  tenantry db backup --profile prod\n  tenantry db backup --tenant local --format sql --output before.sql"
    )]
    Backup(backup::Arguments),
    /// Put a copy back, whole or not at all: what is there under the same names is replaced. It is asked for first.
    #[command(
        after_help = "What does not work leaves everything as it was. With --yes the database has to be named.\n\nExample:\n  tenantry db restore backups/dev-2026-11-30-090807.dump --profile dev"
    )]
    Restore(restore::Arguments),
}

pub(super) async fn run(arguments: Arguments, stop: &CancellationToken) -> Exit {
    match arguments.command {
        Command::Status(wanted) => until_stopped(wanted.output, stop, status::run(wanted)).await,
        Command::Query(wanted) => until_stopped(wanted.output, stop, Box::pin(query::run(wanted))).await,
        Command::Backup(wanted) => until_stopped(wanted.output, stop, Box::pin(backup::run(wanted))).await,
        Command::Restore(wanted) => restore::run(wanted, stop).await,
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

/// The database that is meant.
struct Found {
    target: Target,
    /// Whoever was asked which tenant it is.
    session: Option<Box<Session>>,
    /// The tenant's name and id, with what was said for it.
    named: Option<(String, String, TenantId)>,
}

impl Found {
    fn of(target: Target) -> Self {
        Self { target, session: None, named: None }
    }

    /// What is done unasked wants a tenant's whole name.
    fn is_whole(&self) -> Result<(), Failure> {
        match &self.named {
            Some((wanted, name, id)) => tenant::whole(wanted, name, id),
            None => Ok(()),
        }
    }
}

impl Which {
    /// The database, and who was asked which tenant is meant.
    async fn find(&self) -> Result<Found, Failure> {
        let project = frame::project()?;
        Ok(match (&self.profile, &self.tenant) {
            (Some(profile), _) => Found::of(db::of_profile(&project, profile).await?),
            (None, Some(wanted)) => match tenant::target(&project, &self.place, wanted).await? {
                tenant::Target::Local(tenant) => {
                    let named = Some((wanted.clone(), tenant.name.clone(), tenant.id.clone()));
                    Found { named, ..Found::of(db::of_local(&project, tenant)?) }
                }
                tenant::Target::Cloud(session, tenant) => {
                    let target = db::of_cloud(&project, session.state().cloned(), &tenant).await?;
                    let named = Some((wanted.clone(), tenant.name.clone(), tenant.id.clone()));
                    Found { named, session: Some(session), target }
                }
            },
            (None, None) => Found::of(db::usual(&project, super::profile::active()).await?),
        })
    }

    /// What is done unasked is done only where somebody said to which database.
    fn is_named(&self) -> Result<(), Failure> {
        if self.profile.is_some() || self.tenant.is_some() {
            return Ok(());
        }
        Err(Failure::Usage(
            Problem::new("It is not said which database is meant.")
                .detail("With --yes nobody sees which one it would be.")
                .hint("Name it: --profile <name> or --tenant <name>, or leave out --yes."),
        ))
    }

    /// In whose context it would be changed: a profile's tenant of the cloud is protected without a login, too.
    async fn session<'a>(&self, found: &'a Found) -> Result<Option<Cow<'a, Session>>, Problem> {
        match &found.session {
            Some(session) => Ok(Some(Cow::Borrowed(session))),
            None if found.target.is_cloud => {
                let project = frame::project()?;
                let seat = self.place.seat_in(project.clone()).await?;
                Ok(Some(Cow::Owned(Session::nobody(seat, project)?)))
            }
            None => Ok(None),
        }
    }
}

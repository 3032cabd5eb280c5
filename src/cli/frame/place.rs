//! In which context a command works, and which tenant it is about.

use clap::Args;

use super::beside;
use crate::model::{Problem, Tenant};
use crate::ops::login::{Seat, Wanted};
use crate::ops::{Session, tenants};
use crate::workspace::Project;

/// Where a command works.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Place {
    /// Context of the configuration to work in; else what the project used last.
    #[arg(long, value_name = "NAME", add = crate::cli::complete::contexts())]
    context: Option<String>,
}

impl Place {
    /// The session of whoever is logged in there.
    pub(in crate::cli) async fn open(&self) -> Result<Session, Problem> {
        self.open_in(project()?).await
    }

    /// The same, for a project that is known already.
    pub(in crate::cli) async fn open_in(&self, project: Project) -> Result<Session, Problem> {
        let session = Session::at(self.seat_in(project.clone()).await?, project).await?;
        beside::tell_end(session.client().expires_at());
        Ok(session)
    }

    /// Where somebody can be logged in there.
    pub(in crate::cli) async fn seat_in(&self, project: Project) -> Result<Seat, Problem> {
        Seat::of_user(Some(project), Wanted { context: self.context.clone(), base: None }).await
    }
}

/// The tenant that a command is about, as an option.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Whom {
    /// The tenant: its id, its name, or the beginning of one. May be left out where there is only one, or where the
    /// project's profile names it.
    #[arg(long, value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// The same, as an argument: for the commands below `tenant`.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Named {
    /// The tenant: its id, its name, or the beginning of one. May be left out where there is only one, or where the
    /// project's profile names it.
    #[arg(value_name = "TENANT", add = crate::cli::complete::tenants())]
    tenant: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Whom {
    /// The session, and the tenant that is meant.
    pub(in crate::cli) async fn open(&self) -> Result<(Session, Tenant), Problem> {
        open(&self.place, self.tenant.as_deref()).await
    }
}

impl Named {
    /// The session, and the tenant that is meant.
    pub(in crate::cli) async fn open(&self) -> Result<(Session, Tenant), Problem> {
        open(&self.place, self.tenant.as_deref()).await
    }
}

impl From<Named> for Whom {
    fn from(Named { tenant, place }: Named) -> Self {
        Self { tenant, place }
    }
}

async fn open(place: &Place, wanted: Option<&str>) -> Result<(Session, Tenant), Problem> {
    let session = place.open().await?;
    let tenant = tenants::resolve(&session, wanted).await?;
    Ok((session, tenant))
}

/// The project of the working directory.
pub(in crate::cli) fn project() -> Result<Project, Problem> {
    let here = std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))?;
    Project::discover(&here).map_err(|error| error.problem())
}

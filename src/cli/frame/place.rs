//! In which context a command works, and which tenant it is about.

use clap::Args;
use std::path::PathBuf;

use super::beside;
use crate::model::{Problem, Tenant};
use crate::ops::Session;
use crate::ops::login::{Seat, Wanted};
use crate::ops::tenants::{self, Chosen};
use crate::workspace::{Project, WorkspaceError};

/// Where a command works.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Place {
    /// Context of the configuration to work in; else what the project used last.
    #[arg(long, value_name = "NAME", add = crate::cli::complete::contexts())]
    context: Option<String>,
}

impl Place {
    /// The session of whoever is logged in there; needs no project.
    pub(in crate::cli) async fn open(&self) -> Result<Session, Problem> {
        self.open_in(project_or_folder()?).await
    }

    /// The same for what is done with a project.
    pub(in crate::cli) async fn open_project(&self) -> Result<Session, Problem> {
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
        // A folder that is no project keeps no login: it would become half of one by that.
        let project = Project::discover(&project.root).ok().filter(|found| found.root == project.root);
        Seat::of_user(project, Wanted { context: self.context.clone(), base: None }).await
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

/// The profile that a command works with, where several name the same tenant.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct OfProfile {
    /// The profile that is meant, and with it its tenant; may be left out where only one names the tenant.
    #[arg(short, long, value_name = "PROFILE", add = crate::cli::complete::profiles())]
    profile: Option<String>,
}

impl Whom {
    /// The session, and the tenant that is meant.
    pub(in crate::cli) async fn open(&self) -> Result<(Session, Tenant), Problem> {
        open(&self.place, self.tenant.as_deref(), None).await
    }

    /// The same, where a profile may say which tenant is meant; the session works with that profile.
    pub(in crate::cli) async fn open_with(&self, of: &OfProfile) -> Result<(Session, Tenant), Problem> {
        open(&self.place, self.tenant.as_deref(), of.profile.as_deref()).await
    }
}

impl Named {
    /// The session, and the tenant that is meant.
    pub(in crate::cli) async fn open(&self) -> Result<(Session, Tenant), Problem> {
        self.open_with(&OfProfile::default()).await
    }

    /// The same, where a profile may say which tenant is meant; the session works with that profile.
    pub(in crate::cli) async fn open_with(&self, of: &OfProfile) -> Result<(Session, Tenant), Problem> {
        let opened = open(&self.place, self.tenant.as_deref(), of.profile.as_deref()).await;
        opened.map_err(|problem| match problem.hint.as_deref() {
            Some(tenants::WHICH) => problem.hint("Name one, by its id or its name, as a word of the command."),
            _ => problem,
        })
    }
}

async fn open(place: &Place, wanted: Option<&str>, profile: Option<&str>) -> Result<(Session, Tenant), Problem> {
    let session = place.open().await?;
    let Chosen { tenant, profile } = tenants::choose(&session, wanted, profile).await?;
    Ok((session.with_profile(profile), tenant))
}

/// The project of the working directory, and where there is none that directory: there is nothing of a project in it, neither
/// profiles nor tenants on this machine, and no login is kept there.
pub(in crate::cli) fn project_or_folder() -> Result<Project, Problem> {
    let here = here()?;
    match Project::discover(&here) {
        Err(WorkspaceError::NoProject { .. }) => Ok(Project { root: here }),
        found => found.map_err(|error| error.problem()),
    }
}

/// The project of the working directory.
pub(in crate::cli) fn project() -> Result<Project, Problem> {
    Project::discover(&here()?).map_err(|error| error.problem())
}

fn here() -> Result<PathBuf, Problem> {
    std::env::current_dir()
        .map_err(|error| Problem::new("The working directory cannot be read.").detail(error.to_string()))
}

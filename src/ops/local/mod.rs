//! Local tenants (protocol E.11): a Postgres in a container on this machine, or a database that is there already, written
//! down in the project's list of tenants. None of it needs a login or a Compose program.
//!
//! A container, a volume or an image that is not the tenant's is never touched: what is made here carries the tenant's id
//! in a label, what the platform's own command line made is known by its Compose project and file. The list names a
//! tenant from the moment something is made for it, so that whatever happens, it can be seen, gone on with, or removed.

mod change;
pub(in crate::ops) mod container;
mod create;
pub(in crate::ops) mod database;
mod defaults;
mod ensure;
mod find;
mod plan;
mod status;
mod steps;
mod undo;

pub use change::{Deleted, delete, readdress, rename, start, stop};
pub use create::create;
pub use defaults::defaults;
pub use find::{all, find, found};
pub use status::{status, statuses};

use crate::engine::{ContainerError, Engine};
use crate::model::{Problem, Remedy, Secret};
use crate::workspace::WorkspaceError;

/// The label of everything that is made for a local tenant; its value is the tenant's id.
pub const LABEL: &str = "dev.tenantry.local";

/// Which local tenant is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its name; one that is free where nothing is said.
    pub name: Option<String>,
    /// Where its database comes from.
    pub source: Source,
}

/// Where the database comes from. `Debug` shows no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A container that is made for it.
    Container {
        /// The image.
        image: String,
        /// The port of 127.0.0.1; a free one where nothing is said.
        port: Option<u16>,
    },
    /// One that is there already, by its address.
    Existing(Secret),
}

/// The engine, once it answers. It may have been started, or another context chosen, since the last time.
pub(in crate::ops) async fn engine() -> Result<Engine, Problem> {
    let engine = match tokio::task::spawn_blocking(Engine::connect).await {
        Ok(found) => found.map_err(|error| error.problem())?,
        Err(stopped) => {
            return Err(Problem::new("The search for the Docker Engine stopped.").detail(stopped.to_string()));
        }
    };
    engine.ping().await.map_err(|error| error.problem())?;
    Ok(engine)
}

/// Reads and writes files without holding up anybody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => Err(Problem::new("The project's files cannot be read.").detail(stopped.to_string())),
    }
}

impl From<WorkspaceError> for Problem {
    fn from(error: WorkspaceError) -> Self {
        error.problem()
    }
}

/// What the engine refused, as a person is told.
pub(in crate::ops) fn refused(error: &ContainerError) -> Problem {
    let problem = match error {
        ContainerError::Unreachable(_) => Problem::new("Docker does not answer.").hint("Start Docker, then try again."),
        ContainerError::PullDenied { image, .. } => Problem::new(format!("The image {image} cannot be pulled."))
            .hint("Pull it with docker pull, which knows your logins, then try again; or name another image."),
        ContainerError::PullFailed { image, .. } => Problem::new(format!("The image {image} cannot be pulled."))
            .hint("Check its name and the network, or name an image that this machine has."),
        ContainerError::NotFound { .. } | ContainerError::Conflict { .. } | ContainerError::Failed { .. } => {
            Problem::new("Docker refused.").hint("Correct what it says, then try again.")
        }
    };
    problem.detail(error.to_string()).remedy(Remedy::Retry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_engine_refuses_says_what_to_do() {
        let (action, reason) = ("starting the container x", "no");
        let (action, reason) = (action.to_owned(), reason.to_owned());
        for error in [
            ContainerError::Unreachable("reset".into()),
            ContainerError::PullDenied { image: "p:1".into(), reason: reason.clone() },
            ContainerError::PullFailed { image: "p:1".into(), reason: reason.clone() },
            ContainerError::Conflict { action: action.clone(), reason: reason.clone() },
            ContainerError::Failed { action, reason },
        ] {
            let problem = refused(&error);
            assert!(problem.hint.is_some() && problem.detail.is_some(), "{problem:?}");
        }
    }
}

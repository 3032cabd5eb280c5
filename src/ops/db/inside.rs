//! The programs of Postgres in the container of a tenant on this machine: of just the version that its database has.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::Target;
use super::access::Access;
use crate::engine::{Engine, Executed};
use crate::model::Problem;
use crate::ops::local::{self, container};

/// A container that runs the target's database.
pub(super) struct Inside {
    engine: Engine,
    id: String,
}

impl Inside {
    /// The target's; `None` where it has none that runs.
    pub(super) async fn of(target: &Target) -> Result<Option<Self>, Problem> {
        let Some(tenant) = target.local.as_ref().filter(|tenant| tenant.docker_project.is_some()) else {
            return Ok(None);
        };
        let engine = local::engine().await?;
        let states = container::of(&engine, tenant).await.map_err(|error| local::refused(&error))?;
        let running = states.into_iter().find(|state| state.running);
        Ok(running.map(|state| Self { engine, id: state.id }))
    }

    /// Runs a program of Postgres in it that asks no database. What it prints is thrown away.
    pub(super) async fn run_alone(
        &self,
        program: &str,
        arguments: &[&str],
        input: impl AsyncRead + Unpin,
        stop: &CancellationToken,
    ) -> Result<Executed, Problem> {
        let command = [&[program], arguments].concat();
        let done = self.engine.run_inside(&self.id, &command, &[], Some(input), &mut tokio::io::sink(), stop).await;
        done.map_err(|error| local::refused(&error))
    }

    /// Runs a program of Postgres in it, logged in as `access` says.
    pub(super) async fn run(
        &self,
        program: &str,
        access: &Access,
        arguments: &[&str],
        input: Option<impl AsyncRead + Unpin>,
        output: &mut (impl AsyncWrite + Unpin),
        stop: &CancellationToken,
    ) -> Result<Executed, Problem> {
        let mut command =
            vec![program, "--host", "127.0.0.1", "--username", &access.user, "--dbname", &access.database];
        command.extend(arguments);
        let password = access.password().map(|password| ("PGPASSWORD", password));
        let done = self.engine.run_inside(&self.id, &command, password.as_slice(), input, output, stop).await;
        done.map_err(|error| local::refused(&error))
    }
}

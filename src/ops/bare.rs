//! A folder without a login: what can be done there. Everything that a Management API would answer is answered with what is
//! missing. Must not know who asks.

use std::path::PathBuf;

use super::call::{Call, Reply};
use super::init;
use super::session::find_engine;
use crate::model::Problem;

/// A folder, and nobody who is logged in.
#[derive(Debug, Clone)]
pub struct Bare {
    root: PathBuf,
}

impl Bare {
    /// The folder `root`.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The Docker Engine's name, where it answers.
    pub async fn engine(&self) -> Result<String, Problem> {
        let engine = find_engine().await?;
        engine.ping().await.map_err(|error| error.problem())?;
        Ok(engine.name().to_owned())
    }

    /// What concerns the folder alone.
    ///
    /// # Errors
    /// Everything else needs a login.
    pub async fn call(&self, call: Call) -> Result<Reply, Problem> {
        match call {
            Call::PlanSetUp => Ok(Reply::SetUpPlan(Box::new(init::plan(self.root.clone()).await?))),
            Call::SetUp(plan) => Ok(Reply::SetUp(Box::new(init::set_up(*plan).await?))),
            Call::LocalTenants => Ok(Reply::LocalTenants(Vec::new())),
            _ => Err(no_login()),
        }
    }
}

/// What everything says that needs a login.
#[must_use]
pub fn no_login() -> Problem {
    let has_command = init::OF_PROGRAM.contains(&"login");
    let log_in = if has_command { "Log in with `tenantry login`" } else { "Log in" };
    Problem::new("Not logged in.")
        .detail("This folder has no login, and the configuration names no cloud with one.")
        .hint(format!("{log_in}, or try `tenantry demo`, which needs none."))
        .needs_login()
}

//! The deploy lock as an operation takes it: a machine that cannot have one still deploys, and is told so.

use super::Session;
use crate::model::{Problem, TenantId};
use crate::workspace::{DeployLock, LockOwner, WorkspaceError};

/// What stands between two deploys of one tenant on this machine.
#[derive(Debug)]
pub enum Held {
    /// The lock, until this is dropped.
    Locked(DeployLock),
    /// Nothing, and why: to be told, and no reason to stop.
    Unlocked(Problem),
}

/// Takes the lock of `tenant` for `what` (`deploy of orchard`).
///
/// # Errors
/// Only where another program or thread holds it; the problem says who, and since when.
pub async fn take(session: &Session, tenant: &TenantId, what: &str) -> Result<Held, Problem> {
    let Some(state) = session.state().cloned() else {
        return Ok(Held::Unlocked(unlocked("There is no home directory to keep a lock in.")));
    };
    let (tenant, owner) = (tenant.clone(), LockOwner::this_process(what));
    let taken = tokio::task::spawn_blocking(move || DeployLock::acquire(&state, &tenant, &owner)).await;
    match taken {
        Ok(Ok(lock)) => Ok(Held::Locked(lock)),
        Ok(Err(error @ WorkspaceError::DeployLocked { .. })) => Err(error.problem()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the deploy goes on without a lock");
            Ok(Held::Unlocked(unlocked(&format!("{error}."))))
        }
        Err(stopped) => Ok(Held::Unlocked(unlocked(&stopped.to_string()))),
    }
}

fn unlocked(why: &str) -> Problem {
    Problem::new("The deploy goes on without a lock.")
        .detail(why)
        .hint("See that nobody deploys the same tenant from this machine meanwhile.")
}

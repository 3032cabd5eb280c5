//! Stand-in until the calls land.
use super::Session;
use crate::model::{Problem, TenantId};
/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// x
    Restart(TenantId),
    /// x
    Suspend(TenantId),
    /// x
    Activate(TenantId),
    /// x
    RetryProvision(TenantId),
    /// x
    Delete {
        /// x
        id: TenantId,
    },
    /// x
    CancelSubscription(TenantId),
    /// x
    Rotate(TenantId),
}
/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// x
    Deleted {
        /// x
        already: bool,
    },
}
/// Does it.
pub async fn perform(_session: &Session, _call: Call) -> Result<Reply, Problem> {
    Err(Problem::new("Not yet."))
}

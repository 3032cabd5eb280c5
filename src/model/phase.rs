//! The tenant's state machine (protocol F.3): one internal phase; every word that the API shows is
//! derived from it here, so no two places can disagree.

use serde::{Deserialize, Serialize};

/// Where a tenant is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The row exists, nothing else.
    Created,
    /// Infrastructure is being made.
    Provisioning,
    /// Infrastructure is there, nothing runs yet.
    AwaitingDeploy,
    /// A machine is being started or replaced.
    Deploying,
    /// The machine runs.
    Running,
    /// The machine is being restarted.
    Restarting,
    /// Stopped, kept.
    Suspended,
    /// Infrastructure failed.
    FailedInfra,
    /// The first machine, or a restart, failed.
    FailedDeploy,
    /// Being removed.
    Deleting,
    /// Gone; the row stays for the books.
    Deleted,
}

impl Phase {
    /// All phases, in the order of their life.
    pub const ALL: [Self; 11] = [
        Self::Created,
        Self::Provisioning,
        Self::AwaitingDeploy,
        Self::Deploying,
        Self::Running,
        Self::Restarting,
        Self::Suspended,
        Self::FailedInfra,
        Self::FailedDeploy,
        Self::Deleting,
        Self::Deleted,
    ];

    /// The word on the wire and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Provisioning => "provisioning",
            Self::AwaitingDeploy => "awaiting_deploy",
            Self::Deploying => "deploying",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Suspended => "suspended",
            Self::FailedInfra => "failed_infra",
            Self::FailedDeploy => "failed_deploy",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    /// The phase for a word, if it is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == word)
    }

    /// The lifecycle `status` of the record: a closed set upstream (protocol B.2).
    #[must_use]
    pub fn lifecycle(self) -> &'static str {
        match self {
            Self::Created | Self::Provisioning | Self::FailedInfra => "pending",
            Self::AwaitingDeploy
            | Self::Deploying
            | Self::Running
            | Self::Restarting
            | Self::FailedDeploy
            | Self::Deleting => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// `fly_status` of the record; `has_machine` tells a first deploy from an update.
    #[must_use]
    pub fn fly_status(self, has_machine: bool) -> &'static str {
        match self {
            Self::Created | Self::Provisioning => "pending",
            Self::AwaitingDeploy => "awaiting_deploy",
            Self::Deploying if !has_machine => "awaiting_deploy",
            Self::Deploying | Self::Running | Self::Restarting => "running",
            Self::Suspended | Self::Deleting | Self::Deleted => "stopped",
            Self::FailedInfra | Self::FailedDeploy => "failed",
        }
    }

    /// `status` of `GET /status`. With `compat` the published client of the platform does not hang
    /// between the two phases (protocol C.4): it is told `ready`, and `phase` tells the truth.
    #[must_use]
    pub fn status_word(self, compat: bool) -> &'static str {
        match self {
            Self::Created if compat => "provisioning",
            Self::Created => "pending",
            Self::Provisioning => "provisioning",
            Self::AwaitingDeploy if compat => "ready",
            Self::AwaitingDeploy => "awaiting_deploy",
            Self::Deploying => "deploying",
            Self::Running => "ready",
            Self::Restarting => "restarting",
            Self::Suspended => "suspended",
            Self::FailedInfra | Self::FailedDeploy => "failed",
            Self::Deleting | Self::Deleted => "deleting",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from_word(phase.as_str()), Some(phase));
            let json = serde_json::to_string(&phase).expect("a word");
            assert_eq!(json, format!("\"{}\"", phase.as_str()));
        }
        assert_eq!(Phase::from_word("ready"), None);
    }

    #[test]
    fn closed_sets_hold_in_every_phase() {
        for phase in Phase::ALL {
            assert!(["pending", "active", "suspended", "deleted"].contains(&phase.lifecycle()));
            for has_machine in [false, true] {
                let word = phase.fly_status(has_machine);
                assert!(["pending", "awaiting_deploy", "running", "failed", "stopped"].contains(&word));
            }
        }
    }
}

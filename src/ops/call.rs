//! Every operation on a tenant that is asked for and answered once, as plain data: a screen or a command makes a
//! [`Call`], [`perform`] does it, a [`Reply`] comes back.
//!
//! What goes on for longer (deploys, streams, a checkout that is watched) has operations of its own. Must not know who
//! asks.

mod perform;
mod reply;

use std::collections::BTreeMap;

pub use perform::perform;
pub use reply::Reply;

use super::init;
use crate::model::{MetricsRange, Secret, TenantId};

/// What is asked for. `Debug` shows no value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Who is logged in.
    Me,
    /// What can be bought.
    Plans,
    /// The account's tenants.
    Tenants,
    /// The databases on this machine that the project's list of tenants names.
    LocalTenants,
    /// Versions, whether API and engine answer, where the files are, and the newest lines of the program's log.
    Diagnostics,
    /// The same, and how each of them is.
    LocalStatuses,
    /// What a new one would begin with.
    LocalDefaults,
    /// Starts a local tenant's database, and waits until it answers.
    StartLocal(TenantId),
    /// Stops a local tenant's database.
    StopLocal(TenantId),
    /// Gives a local tenant another name.
    RenameLocal {
        /// Which.
        id: TenantId,
        /// The new name.
        name: String,
    },
    /// Removes a local tenant.
    DeleteLocal {
        /// Which.
        id: TenantId,
        /// With the volume that has its data.
        data: bool,
    },
    /// A tenant's full record.
    Tenant(TenantId),
    /// Where it is.
    Status(TenantId),
    /// Starts its machine again.
    Restart(TenantId),
    /// Stops it, and keeps its volume and database.
    Suspend(TenantId),
    /// Starts it again after that.
    Activate(TenantId),
    /// Tries again what failed.
    RetryProvision(TenantId),
    /// Removes it for good, with its data.
    Delete {
        /// Which.
        id: TenantId,
    },
    /// Ends what is paid for it at once, and removes it for good.
    CancelSubscription(TenantId),
    /// Calls it something else.
    Rename {
        /// Which.
        id: TenantId,
        /// The new name.
        name: String,
    },
    /// Gives its machine other memory. One that runs is started again.
    ScaleMemory {
        /// Which.
        id: TenantId,
        /// MB: 256, 512, 1024 or 2048, up to what the plan has.
        memory_mb: u32,
    },
    /// Gives its database a new password. The old one is invalid at once.
    Rotate(TenantId),
    /// Fetches the credentials that can be read once, and stores them.
    OneTimeCredentials(TenantId),
    /// The names of its secrets.
    Secrets(TenantId),
    /// Sets some; those that are not named stay.
    SetSecrets {
        /// Whose.
        id: TenantId,
        /// Names and values. Names are written in capitals, whatever they are given in.
        secrets: BTreeMap<String, Secret>,
        /// Also starts a running machine again, so that it has them.
        restart: bool,
    },
    /// Removes one.
    UnsetSecret {
        /// Whose.
        id: TenantId,
        /// Its name, in any case.
        key: String,
    },
    /// Sends what the tenant's profile holds, as a deploy does.
    SyncSecrets(TenantId),
    /// What its machine starts with.
    Environment(TenantId),
    /// What its machine uses now.
    Metrics(TenantId),
    /// What its machine used.
    MetricsHistory {
        /// Whose.
        id: TenantId,
        /// How far back.
        range: MetricsRange,
    },
    /// What is paid for it.
    Subscription(TenantId),
    /// Opens a checkout for another plan, or for a subscription that ended.
    ChangePlan {
        /// Whose.
        id: TenantId,
        /// The plan's price.
        price_id: String,
    },
    /// Its own domain.
    Domain(TenantId),
    /// Gives it one.
    SetDomain {
        /// Which.
        id: TenantId,
        /// The name, without scheme.
        domain: String,
    },
    /// Takes it away.
    RemoveDomain(TenantId),
    /// Switches whether its database can be reached from outside.
    ExternalAccess {
        /// Whose.
        id: TenantId,
        /// On or off.
        enabled: bool,
    },
    /// The last lines of its log.
    Logs {
        /// Whose.
        id: TenantId,
        /// At most so many.
        lines: u32,
    },
    /// Its deploys as the server remembers them.
    Deployments(TenantId),
    /// Its deploys as this machine remembers them.
    LocalHistory(TenantId),
    /// What the project lacks for a first deploy to this tenant.
    FirstDeploy(TenantId),
    /// What setting the folder up would do.
    PlanSetUp,
    /// Sets the folder up, as this plan says.
    SetUp(Box<init::Plan>),
}

impl Call {
    /// True for everything that changes something outside this program: what a read-only session must not do.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            Self::Me
            | Self::Plans
            | Self::Tenants
            | Self::LocalTenants
            | Self::Diagnostics
            | Self::LocalStatuses
            | Self::LocalDefaults
            | Self::Tenant(_)
            | Self::Status(_)
            | Self::Secrets(_)
            | Self::Environment(_)
            | Self::Metrics(_)
            | Self::MetricsHistory { .. }
            | Self::Subscription(_)
            | Self::Domain(_)
            | Self::Logs { .. }
            | Self::Deployments(_)
            | Self::LocalHistory(_)
            | Self::FirstDeploy(_)
            | Self::PlanSetUp => false,
            // Reading what can be read once takes it away.
            Self::OneTimeCredentials(_)
            | Self::StartLocal(_)
            | Self::StopLocal(_)
            | Self::RenameLocal { .. }
            | Self::DeleteLocal { .. }
            | Self::Restart(_)
            | Self::Suspend(_)
            | Self::Activate(_)
            | Self::RetryProvision(_)
            | Self::Delete { .. }
            | Self::CancelSubscription(_)
            | Self::Rename { .. }
            | Self::ScaleMemory { .. }
            | Self::Rotate(_)
            | Self::SetSecrets { .. }
            | Self::UnsetSecret { .. }
            | Self::SyncSecrets(_)
            | Self::ChangePlan { .. }
            | Self::SetDomain { .. }
            | Self::RemoveDomain(_)
            | Self::ExternalAccess { .. }
            | Self::SetUp(_) => true,
        }
    }

    /// Whom it is about.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Me
            | Self::Plans
            | Self::Tenants
            | Self::LocalTenants
            | Self::LocalStatuses
            | Self::LocalDefaults
            | Self::Diagnostics
            | Self::PlanSetUp
            | Self::SetUp(_) => None,
            Self::Tenant(id)
            | Self::StartLocal(id)
            | Self::StopLocal(id)
            | Self::RenameLocal { id, .. }
            | Self::DeleteLocal { id, .. }
            | Self::Status(id)
            | Self::Restart(id)
            | Self::Suspend(id)
            | Self::Activate(id)
            | Self::RetryProvision(id)
            | Self::Delete { id }
            | Self::CancelSubscription(id)
            | Self::Rename { id, .. }
            | Self::ScaleMemory { id, .. }
            | Self::Rotate(id)
            | Self::OneTimeCredentials(id)
            | Self::Secrets(id)
            | Self::SetSecrets { id, .. }
            | Self::UnsetSecret { id, .. }
            | Self::SyncSecrets(id)
            | Self::Environment(id)
            | Self::Metrics(id)
            | Self::MetricsHistory { id, .. }
            | Self::Subscription(id)
            | Self::ChangePlan { id, .. }
            | Self::Domain(id)
            | Self::SetDomain { id, .. }
            | Self::RemoveDomain(id)
            | Self::ExternalAccess { id, .. }
            | Self::Logs { id, .. }
            | Self::Deployments(id)
            | Self::LocalHistory(id)
            | Self::FirstDeploy(id) => Some(id),
        }
    }

    /// What it is called, as it stands within a sentence: "rotate credentials".
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self {
            Self::Me => "show the account",
            Self::Plans => "list plans",
            Self::Tenants => "list tenants",
            Self::Diagnostics => "look what answers",
            Self::LocalTenants | Self::LocalStatuses => "list local tenants",
            Self::LocalDefaults => "look for a free name and port",
            Self::StartLocal(_) => "start the database",
            Self::StopLocal(_) => "stop the database",
            Self::Tenant(_) => "show the tenant",
            Self::Status(_) => "show the status",
            Self::Restart(_) => "restart",
            Self::Suspend(_) => "suspend",
            Self::Activate(_) => "activate",
            Self::RetryProvision(_) => "retry provisioning",
            Self::Delete { .. } | Self::DeleteLocal { .. } => "delete",
            Self::CancelSubscription(_) => "cancel the subscription",
            Self::Rename { .. } | Self::RenameLocal { .. } => "rename",
            Self::ScaleMemory { .. } => "scale memory",
            Self::Rotate(_) => "rotate credentials",
            Self::OneTimeCredentials(_) => "fetch one-time credentials",
            Self::Secrets(_) => "list secrets",
            Self::SetSecrets { .. } => "set secrets",
            Self::UnsetSecret { .. } => "remove a secret",
            Self::SyncSecrets(_) => "send the profile's secrets",
            Self::Environment(_) => "show the environment",
            Self::Metrics(_) => "show metrics",
            Self::MetricsHistory { .. } => "show the history of metrics",
            Self::Subscription(_) => "show the subscription",
            Self::ChangePlan { .. } => "change the plan",
            Self::Domain(_) => "show the domain",
            Self::SetDomain { .. } => "set a domain",
            Self::RemoveDomain(_) => "remove the domain",
            Self::ExternalAccess { enabled: true, .. } => "open the database to the outside",
            Self::ExternalAccess { enabled: false, .. } => "close the database to the outside",
            Self::Logs { .. } => "read the log",
            Self::Deployments(_) => "list deployments",
            Self::LocalHistory(_) => "show the history",
            Self::FirstDeploy(_) => "look at the project",
            Self::PlanSetUp => "look at the folder",
            Self::SetUp(_) => "set the folder up",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_and_not_shown() {
        let set = |value: &str| Call::SetSecrets {
            id: TenantId::new("ten_1").expect("an id"),
            secrets: BTreeMap::from([("OPENAI_API_KEY".to_owned(), Secret::new(value))]),
            restart: false,
        };
        assert_eq!(set("sk-hunter2"), set("sk-hunter2"));
        assert_ne!(set("sk-hunter2"), set("sk-hunter3"));
        let shown = format!("{:?}", set("sk-hunter2"));
        assert!(shown.contains("OPENAI_API_KEY") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn reading_what_can_be_read_once_is_a_change() {
        let id = || TenantId::new("ten_1").expect("an id");
        assert!(Call::OneTimeCredentials(id()).changes());
        assert!(!Call::Status(id()).changes());
        assert_eq!(Call::Delete { id: id() }.tenant(), Some(&id()));
        assert_eq!(Call::Plans.tenant(), None);
        assert_eq!(Call::Rotate(id()).title(), "rotate credentials");
    }
}

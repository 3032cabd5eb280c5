//! What comes back from a [`super::Call`], and the one sentence that says what happened.

use crate::model::{
    Begun, Check, CheckoutSession, CustomDomain, Deployment, Environment, LocalDefaults, LocalStatus, LocalTenant,
    LogEntry, Me, Metrics, MetricsHistory, Plan, Subscription, Tenant, TenantStatus,
};
use crate::ops::credentials::Fetched;
use crate::ops::diagnostics::Diagnostics;
use crate::ops::external_access::Access;
use crate::ops::history::History;
use crate::ops::init;
use crate::ops::local::Deleted;
use crate::ops::rotate::Rotated;
use crate::ops::stored::Stored;

/// The answer to a call. Every variant belongs to the calls that its description names. `Debug` shows no value of a
/// secret.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// To `Me`.
    Me(Me),
    /// To `Plans`.
    Plans(Vec<Plan>),
    /// To `Tenants`.
    Tenants {
        /// In the server's order.
        tenants: Vec<Tenant>,
        /// One harmless line for every entry that could not be read.
        rejected: Vec<String>,
    },
    /// To `LocalTenants`. Empty also where the project has no list.
    LocalTenants(Vec<LocalTenant>),
    /// To `Diagnostics`.
    Diagnostics(Box<Diagnostics>),
    /// To `LocalStatuses`.
    LocalStatuses(Vec<LocalStatus>),
    /// To `LocalDefaults`.
    LocalDefaults(LocalDefaults),
    /// To `StartLocal`: its database answers.
    LocalStarted(Box<LocalTenant>),
    /// To `StopLocal`.
    LocalStopped(Box<LocalTenant>),
    /// To `RenameLocal`: as it is now.
    LocalRenamed(Box<LocalTenant>),
    /// To `DeleteLocal`.
    LocalDeleted(Deleted),
    /// To `Tenant`, `Rename` and `ScaleMemory`: the record as it is now.
    Tenant(Box<Tenant>),
    /// To `Status`.
    Status(Box<TenantStatus>),
    /// To `Restart`, `Suspend`, `Activate` and `RetryProvision`.
    Begun {
        /// In the server's words.
        begun: Begun,
        /// It was so before: nothing was done.
        already: bool,
    },
    /// To `Delete`.
    Deleted {
        /// It was gone before: nothing was done.
        already: bool,
    },
    /// To `CancelSubscription`: the subscription and the tenant are gone.
    SubscriptionCanceled,
    /// To `Rotate`.
    Rotated(Box<Rotated>),
    /// To `OneTimeCredentials`.
    OneTimeCredentials(Box<Fetched>),
    /// To `Secrets`: their names, sorted.
    Secrets(Vec<String>),
    /// To `SetSecrets`.
    SecretsSet {
        /// The names that were sent.
        set: Vec<String>,
        /// Those of them that the server did not take, because the platform sets them itself.
        ignored: Vec<String>,
        /// All names as they are now; absent where the server did not say afterwards.
        keys: Option<Vec<String>>,
        /// A running machine starts again.
        restarted: bool,
    },
    /// To `UnsetSecret`.
    SecretUnset {
        /// Its name.
        key: String,
        /// There was none of that name: nothing was done.
        already: bool,
    },
    /// To `SyncSecrets`.
    SecretsSynced {
        /// What was sent, `3 secrets, 4 platform variables`.
        summary: String,
        /// The server keeps no secrets: nothing was done.
        was_skipped: bool,
    },
    /// To `Environment`.
    Environment(Environment),
    /// To `Metrics`.
    Metrics(Metrics),
    /// To `MetricsHistory`.
    MetricsHistory(MetricsHistory),
    /// To `Subscription`.
    Subscription(Box<Subscription>),
    /// To `ChangePlan`: a page to pay on, and the stream to watch. Nothing has changed before it is paid.
    Checkout(CheckoutSession),
    /// To `Domain` and `SetDomain`; `None` where the tenant has none.
    Domain(Option<Box<CustomDomain>>),
    /// To `RemoveDomain`.
    DomainRemoved {
        /// There was none: nothing was done.
        already: bool,
    },
    /// To `ExternalAccess`.
    ExternalAccess(Box<Access>),
    /// To `Logs`: oldest first.
    Logs(Vec<LogEntry>),
    /// To `Deployments`: newest first.
    Deployments(Vec<Deployment>),
    /// To `LocalHistory`.
    LocalHistory(Box<History>),
    /// To `FirstDeploy`: checks that warn or fail.
    FirstDeploy(Vec<Check>),
    /// To `PlanSetUp`.
    SetUpPlan(Box<init::Plan>),
    /// To `SetUp`.
    SetUp(Box<init::Done>),
}

impl Reply {
    /// What happened, in one or two short sentences; `None` where the reply is something to look at. No value of a secret,
    /// and no tenant's name: who asked knows it.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let plain = |text: &str| Some(text.to_owned());
        match self {
            Self::Begun { begun, already: true } => Some(format!("It was {} already.", begun.status)),
            Self::Begun { begun, .. } => {
                let words = match begun.status.as_str() {
                    "restarting" => "The machine is being started again.",
                    "provisioning" => "Provisioning has begun again.",
                    "suspended" => "It is suspended.",
                    "active" => "It is active.",
                    other => return Some(format!("The server says {other}.")),
                };
                Some(with(words, begun.message.as_deref()))
            }
            Self::LocalStarted(_) => plain("Its database answers."),
            Self::LocalStopped(_) => plain("Its database is stopped; its data stays."),
            Self::LocalRenamed(tenant) => Some(format!("It is called {} now.", tenant.name)),
            Self::LocalDeleted(deleted) => Some(deleted.sentence()),
            Self::Deleted { already: true } => plain("It was deleted already."),
            Self::Deleted { .. } => plain("It is deleted, with its data."),
            Self::SubscriptionCanceled => plain("The subscription has ended, and everything of it is removed."),
            Self::Rotated(rotated) => {
                let restarts = rotated.restarts.then_some("The machine is being started again.");
                let said = format!("The database has a new password; its addresses {}.", place(&rotated.stored));
                Some(with(&said, restarts))
            }
            Self::OneTimeCredentials(fetched) => {
                Some(with("The credentials were fetched.", Some(&format!("They {}.", place(&fetched.stored)))))
            }
            Self::SecretsSet { set, ignored, restarted, .. } => {
                let count = set.len() - ignored.len();
                let mut said = format!("{count} secret{} set.", if count == 1 { "" } else { "s" });
                if !ignored.is_empty() {
                    said = with(&said, Some(&format!("The platform sets {} itself.", ignored.join(", "))));
                }
                let effect = if *restarted {
                    "A machine that runs is started again."
                } else {
                    "The machine has them from its next start on."
                };
                Some(with(&said, Some(effect)))
            }
            Self::SecretUnset { key, already: true } => Some(format!("There was no {key}.")),
            Self::SecretUnset { key, .. } => {
                Some(format!("{key} is removed. The machine is without it from its next start on."))
            }
            Self::SecretsSynced { summary, was_skipped } => {
                let verb = if *was_skipped { "Nothing was sent" } else { "Sent" };
                Some(format!("{verb}: {summary}."))
            }
            Self::DomainRemoved { already: true } => plain("There was no domain."),
            Self::DomainRemoved { .. } => plain("The domain is removed."),
            Self::ExternalAccess(access) if access.enabled => plain("The database can be reached from outside."),
            Self::ExternalAccess(_) => plain("The database cannot be reached from outside."),
            Self::Checkout(_) => plain("A page to pay on is open. Nothing has changed before it is paid."),
            Self::SetUp(done) if done.problem.is_some() => plain("The folder is not set up as a whole."),
            Self::SetUp(_) => plain("The folder is set up."),
            Self::Me(_)
            | Self::Plans(_)
            | Self::Tenants { .. }
            | Self::LocalTenants(_)
            | Self::Diagnostics(_)
            | Self::LocalStatuses(_)
            | Self::LocalDefaults(_)
            | Self::Tenant(_)
            | Self::Status(_)
            | Self::Secrets(_)
            | Self::Environment(_)
            | Self::Metrics(_)
            | Self::MetricsHistory(_)
            | Self::Subscription(_)
            | Self::Domain(_)
            | Self::Logs(_)
            | Self::Deployments(_)
            | Self::LocalHistory(_)
            | Self::FirstDeploy(_)
            | Self::SetUpPlan(_) => None,
        }
    }
}

fn with(said: &str, more: Option<&str>) -> String {
    match more {
        Some(more) if !more.is_empty() => format!("{said} {more}"),
        _ => said.to_owned(),
    }
}

fn place(stored: &Stored) -> String {
    match stored {
        Stored::Profile { name, .. } => format!("are in the secrets of profile {name}"),
        Stored::Kept { path, .. } => format!("are in {path}"),
        Stored::Nowhere(_) => "are stored nowhere: note them down now".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problem;

    fn begun(status: &str, already: bool) -> Reply {
        let begun = Begun { status: status.into(), message: Some("Volume, database and address are kept.".into()) };
        Reply::Begun { begun, already }
    }

    #[test]
    fn what_happened_is_said_and_what_is_looked_at_is_not() {
        let set = |ignored: &[&str], restarted| Reply::SecretsSet {
            set: vec!["A".into(), "PORT".into()],
            ignored: ignored.iter().map(|key| (*key).to_owned()).collect(),
            keys: None,
            restarted,
        };
        for (reply, said) in [
            (begun("suspended", false), Some("It is suspended. Volume, database and address are kept.")),
            (begun("suspended", true), Some("It was suspended already.")),
            (begun("queued", false), Some("The server says queued.")),
            (Reply::Deleted { already: true }, Some("It was deleted already.")),
            (set(&[], true), Some("2 secrets set. A machine that runs is started again.")),
            (
                set(&["PORT"], false),
                Some("1 secret set. The platform sets PORT itself. The machine has them from its next start on."),
            ),
            (Reply::Secrets(Vec::new()), None),
        ] {
            assert_eq!(reply.sentence().as_deref(), said);
        }
    }

    #[test]
    fn the_place_of_credentials_is_said() {
        let fetched = |stored| {
            let credentials = crate::model::OneTimeCredentials::default();
            Reply::OneTimeCredentials(Box::new(Fetched { credentials, external_database_url: None, stored }))
        };
        let nowhere = fetched(Stored::Nowhere(Problem::new("No."))).sentence().expect("said");
        assert!(nowhere.contains("note them down"), "{nowhere}");
        let profile = Stored::Profile { name: "prod".into(), path: "/p".into() };
        assert!(fetched(profile).sentence().is_some_and(|said| said.contains("profile prod")));
    }
}

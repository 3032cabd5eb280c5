//! What comes back from a [`super::Call`], and the one sentence that says what happened.

use crate::model::{
    Begun, CheckoutSession, CustomDomain, Deployment, Environment, LocalTenant, Me, Metrics, MetricsHistory, Plan,
    Subscription, Tenant, TenantStatus,
};
use crate::ops::credentials::Fetched;
use crate::ops::external_access::Access;
use crate::ops::history::History;
use crate::ops::rotate::Rotated;

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
    /// To `Deployments`: newest first.
    Deployments(Vec<Deployment>),
    /// To `LocalHistory`.
    LocalHistory(Box<History>),
}

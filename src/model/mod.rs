//! Floor 1: what the program talks about. Wire types of the Management API, ids, the tenant's state
//! machine, progress as data, and the one shape of error that reaches a person.
//!
//! This room must not know sockets, files or screens. The client and the server both stand on it,
//! so a type here is serialised by one and read by the other.

pub mod account;
pub mod amount;
pub mod begun;
pub mod check;
pub mod checkout;
pub mod credentials;
pub mod database_url;
pub mod deploy;
pub mod deployment;
pub mod domain;
pub mod envelope;
pub mod environment;
pub mod event;
pub mod hash;
pub mod id;
pub mod lenient;
pub mod local_tenant;
pub mod log;
pub mod nearest;
pub mod phase;
pub mod plan;
pub mod problem;
pub mod progress;
pub mod record;
pub mod secret;
pub mod secret_name;
pub mod subscription;
pub mod tenant;
pub mod text;
pub mod usage;

pub use account::{Customer, Enterprise, Me, User};
pub use begun::Begun;
pub use check::{Check, CheckResult};
pub use checkout::{CheckoutRequest, CheckoutSession};
pub use credentials::{ExternalAccess, OneTimeCredentials, Rotation};
pub use deploy::{DeployAnswer, DeployRequest, Digest, ImageReference, RegistryToken};
pub use deployment::Deployment;
pub use domain::{CustomDomain, DnsRecord, DomainStatus};
pub use environment::{Environment, SecretKeys, SecretMark, Variable};
pub use event::{EventKind, ProvisioningEvent};
pub use hash::Hasher;
pub use id::{InvalidId, SessionId, TenantId};
pub use local_tenant::{LocalDefaults, LocalState, LocalStatus, LocalTenant};
pub use log::LogEntry;
pub use nearest::nearest;
pub use phase::Phase;
pub use plan::{Plan, PlanInfo, Price, REGIONS, Region};
pub use problem::{Problem, Remedy};
pub use record::{DeployEnd, DeployRecord, GitRevision, StepRecord, StepResult};
pub use secret::Secret;
pub use subscription::{Renewal, Subscription};
pub use tenant::{Tenant, TenantState, TenantStatus};
pub use usage::{Metrics, MetricsHistory, MetricsPoint, MetricsRange};

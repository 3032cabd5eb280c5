//! What a server is told when it starts. What belongs to one part of it is in a file of its own.

mod databases;
mod door;
mod login;
mod operations;
mod payment;
mod usage;

pub use databases::DatabaseSettings;
pub use door::DoorSettings;
pub use login::{LoginSettings, OAuthClient};
pub use operations::OperationSettings;
pub use payment::PaymentSettings;
pub use usage::UsageSettings;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::faults::Faults;
use super::store::Database;
use crate::model::Secret;

/// Ports on which tenants answer, unless told otherwise.
pub const PORTS: RangeInclusive<u16> = 3333..=3999;
/// The user of a server whose settings name none.
pub const SANDBOX_USER: &str = "developer@sandbox.localhost";

/// The settings of one server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Database, keys, registry: everything that has to survive a restart.
    pub data: PathBuf,
    /// Where to write address and token once the server answers.
    pub ready_file: Option<PathBuf>,
    /// E-mails of those who may log in; the first one's token is in the ready file.
    pub users: Vec<String>,
    /// Ports for tenants, both ends included.
    pub ports: RangeInclusive<u16>,
    /// Answer so that the platform's published client does not hang (protocol C.4).
    pub compat: bool,
    /// Remove at the end everything that was made, the data directory included.
    pub throw_away: bool,
    /// A pause before each step of phase 1, so that people can watch.
    pub step_delay: Duration,
    /// How often the sweeper looks for what is left.
    pub sweep_every: Duration,
    /// Failures on demand, for tests; none by default.
    pub faults: Faults,
    /// Serve `/_faults`, where failures can be asked for.
    pub serve_faults: bool,
    /// A Postgres database for the server's own tables; a file in `data` where absent.
    pub database_url: Option<Secret>,
    /// A Postgres server, reached as an administrator, on which every tenant gets a database; tenants' databases are
    /// simulated where absent.
    pub tenant_postgres: Option<Secret>,
    /// How tenants' databases are reached.
    pub databases: DatabaseSettings,
    /// Under which addresses tenants answer.
    pub door: DoorSettings,
    /// How people log in.
    pub login: LoginSettings,
    /// How people pay.
    pub payment: PaymentSettings,
    /// Limits, logs and figures.
    pub operations: OperationSettings,
    /// How machines are measured.
    pub usage: UsageSettings,
}

impl Settings {
    /// The defaults, for a server that keeps its state in `data` and listens on a free loopback port.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data,
            ready_file: None,
            users: vec![SANDBOX_USER.to_owned()],
            ports: PORTS,
            compat: true,
            throw_away: false,
            step_delay: Duration::ZERO,
            sweep_every: Duration::from_mins(1),
            faults: Faults::default(),
            serve_faults: false,
            database_url: None,
            tenant_postgres: None,
            databases: DatabaseSettings::default(),
            door: DoorSettings::default(),
            login: LoginSettings::default(),
            payment: PaymentSettings::default(),
            operations: OperationSettings::default(),
            usage: UsageSettings::default(),
        }
    }

    /// How long running operations may take to end when the server has to. A throw-away server has nothing to keep.
    #[must_use]
    pub fn drain(&self) -> Duration {
        let usual = if self.throw_away { Duration::ZERO } else { OperationSettings::DEFAULT_DRAIN };
        self.operations.drain.unwrap_or(usual)
    }

    /// Where the server's own tables are.
    #[must_use]
    pub fn database(&self) -> Database {
        match &self.database_url {
            Some(url) => Database::Postgres(url.clone()),
            None => Database::File(self.data.join("tenantry.db")),
        }
    }
}

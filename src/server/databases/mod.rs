//! Tenants' databases: one each, with a role of its own, on a Postgres server that an administrator's address names;
//! or none at all, with credentials in the same form (`simulated`).
//!
//! A [`Backend`] knows names and passwords and must not know tenants' rows, HTTP or the server's own tables. What puts
//! the two together is beside it: the step of phase 1 ([`step`]), the rotation ([`rotation`]) and the switch for access
//! from outside ([`access`]).

pub mod access;
mod address;
mod postgres;
pub mod rotation;
mod scram;
mod simulated;
pub mod step;

pub use address::{Address, MASK, password_of};

use futures_util::future::BoxFuture;

use super::settings::Settings;
use super::store::tenants::TenantRow;
use crate::model::Secret;
use postgres::PostgresBackend;
use simulated::Simulated;

/// Why a database was not made, changed or removed. Harmless text: no address, no password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DatabaseError {
    /// The database server was not reached; nothing was changed.
    #[error("the tenants' database server does not answer: {0}")]
    Unavailable(String),
    /// The connection broke off in the middle; nobody knows what was changed.
    #[error("the tenants' database server was lost in the middle: {0}")]
    Lost(String),
    /// The database server said no; nothing was changed.
    #[error("the tenants' database server refuses: {0}")]
    Refused(String),
    /// A database or role of that name is there and is not this tenant's.
    #[error("{0} exists already and is not this tenant's")]
    Taken(String),
    /// The tenant has no database (any more).
    #[error("the tenant's role does not exist")]
    Missing,
    /// The administrator's address, or the addresses that are handed out.
    #[error("the address of the tenants' database server cannot be used: {0}")]
    Address(&'static str),
}

/// Where a tenant's database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nowhere: credentials alone.
    Simulated,
    /// On a Postgres server.
    Postgres,
}

impl Kind {
    /// The word of the API and of the tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Postgres => "postgres",
        }
    }

    /// What a tenant's row says; a tenant from before there were databases has a simulated one.
    #[must_use]
    pub fn of(tenant: &TenantRow) -> Self {
        if tenant.database_kind.as_deref() == Some(Self::Postgres.word()) { Self::Postgres } else { Self::Simulated }
    }
}

/// What a tenant's database is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The tenant's id: what is made carries it, so that nothing else is ever touched.
    pub tenant: String,
    /// `site_{short}`.
    pub database: String,
    /// `tenant_{short}`: owns the database, logs in from inside.
    pub role: String,
}

impl Names {
    /// Those that the tenant's row reserved.
    #[must_use]
    pub fn of(tenant: &TenantRow) -> Self {
        Self { tenant: tenant.id().to_string(), database: tenant.database_name.clone(), role: tenant.user_name.clone() }
    }

    /// The role that logs in from outside, when that is switched on.
    #[must_use]
    pub fn outside_role(&self) -> String {
        format!("{}_ext", self.role)
    }
}

/// Where databases are made. Every call is idempotent and touches only what carries the tenant's id.
trait Backend: Send + Sync + std::fmt::Debug {
    /// Which one it is.
    fn kind(&self) -> Kind;

    /// Hosts that are handed out.
    fn address(&self) -> &Address;

    /// Makes role and database, or completes what an earlier call began, and gives the role this password.
    fn create<'a>(&'a self, names: &'a Names, password: &'a Secret) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// True when [`Backend::create`] came to its end.
    fn exists<'a>(&'a self, names: &'a Names) -> BoxFuture<'a, Result<bool, DatabaseError>>;

    /// Replaces the password; whoever is connected with the old one is cut off.
    fn set_password<'a>(&'a self, names: &'a Names, password: &'a Secret) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Lets the tenant in from outside, or cuts off and shuts out whoever came from there.
    fn set_outside<'a>(&'a self, names: &'a Names, open: bool) -> BoxFuture<'a, Result<(), DatabaseError>>;

    /// Cuts everybody off, and removes database and roles. Nothing there is success.
    fn remove<'a>(&'a self, names: &'a Names) -> BoxFuture<'a, Result<(), DatabaseError>>;
}

/// All databases of a server's tenants.
#[derive(Debug)]
pub struct Databases {
    simulated: Simulated,
    postgres: Option<PostgresBackend>,
    /// One switch at a time, so that the row and the role agree.
    switching: tokio::sync::Mutex<()>,
}

impl Databases {
    /// As the settings say. Connects when it is first needed.
    pub fn new(settings: &Settings) -> Result<Self, DatabaseError> {
        let postgres = match &settings.tenant_postgres {
            Some(url) => Some(PostgresBackend::new(url, &settings.databases)?),
            None => None,
        };
        let simulated = Simulated::new(&settings.databases)?;
        Ok(Self { simulated, postgres, switching: tokio::sync::Mutex::new(()) })
    }

    /// Says in the log what would surprise somebody later.
    pub async fn check(&self) {
        if let Some(postgres) = &self.postgres {
            postgres.check().await;
        }
    }

    /// Where new tenants' databases are.
    fn for_new(&self) -> &dyn Backend {
        match &self.postgres {
            Some(postgres) => postgres,
            None => &self.simulated,
        }
    }

    /// Where this tenant's database is.
    fn of(&self, tenant: &TenantRow) -> Result<&dyn Backend, DatabaseError> {
        match (Kind::of(tenant), &self.postgres) {
            (Kind::Simulated, _) => Ok(&self.simulated),
            (Kind::Postgres, Some(postgres)) => Ok(postgres),
            (Kind::Postgres, None) => Err(DatabaseError::Unavailable("this server was started without one".into())),
        }
    }

    /// Removes what a tenant that is gone left. Only a real database can have been left.
    pub async fn remove_left(&self, names: &Names) -> Result<(), DatabaseError> {
        match &self.postgres {
            Some(postgres) => postgres.remove(names).await,
            None => Err(DatabaseError::Unavailable("this server was started without one".into())),
        }
    }

    /// The tenant's address without its password, as machines or as people outside reach it.
    #[must_use]
    pub fn masked_url(&self, tenant: &TenantRow, outside: bool) -> String {
        // A server that was started without the real ones says what they would be called.
        let backend = self.of(tenant).unwrap_or(&self.simulated);
        let (names, mask) = (Names::of(tenant), Secret::new(MASK));
        let url =
            if outside { backend.address().outside(&names, &mask) } else { backend.address().inside(&names, &mask) };
        url.reveal().to_owned()
    }
}

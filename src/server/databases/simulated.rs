//! No database at all: credentials in the right form, for a server without tenants' databases.

use futures_util::future::{BoxFuture, ready};

use super::address::host_and_port;
use super::{Address, Backend, DatabaseError, Kind, Names};
use crate::model::Secret;
use crate::server::settings::DatabaseSettings;

/// See the module.
#[derive(Debug)]
pub(super) struct Simulated(Address);

impl Simulated {
    /// With the sandbox's hosts (protocol A.1), unless the settings name others.
    pub(super) fn new(settings: &DatabaseSettings) -> Result<Self, DatabaseError> {
        let host = |given: &Option<String>, usual: &str| host_and_port(given.as_deref().unwrap_or(usual));
        Ok(Self(Address {
            inside: host(&settings.inside_host, "sp-postgres-sandbox.internal")?,
            inside_ssl: "disable",
            outside: host(&settings.outside_host, "db-sandbox.systemprompt.io")?,
            own_outside_role: false,
        }))
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T, DatabaseError>> {
    Box::pin(ready(Ok(value)))
}

impl Backend for Simulated {
    fn kind(&self) -> Kind {
        Kind::Simulated
    }

    fn address(&self) -> &Address {
        &self.0
    }

    fn create<'a>(&'a self, _: &'a Names, _: &'a Secret) -> BoxFuture<'a, Result<(), DatabaseError>> {
        done(())
    }

    fn exists<'a>(&'a self, _: &'a Names) -> BoxFuture<'a, Result<bool, DatabaseError>> {
        done(true)
    }

    fn set_password<'a>(&'a self, _: &'a Names, _: &'a Secret) -> BoxFuture<'a, Result<(), DatabaseError>> {
        done(())
    }

    fn set_outside<'a>(&'a self, _: &'a Names, _: bool) -> BoxFuture<'a, Result<(), DatabaseError>> {
        done(())
    }

    fn remove<'a>(&'a self, _: &'a Names) -> BoxFuture<'a, Result<(), DatabaseError>> {
        done(())
    }
}

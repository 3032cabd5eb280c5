//! The steps of phase 1, each with what it does, how it is undone, and how to see that it is done.

use super::{StepError, app_of, app_url};
use crate::model::{EventKind, Secret};
use crate::server::provider::ProviderError;
use crate::server::state::Server;
use crate::server::store::credentials::{self, OneTimeRow};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::{databases, keys};

/// A step, in the order of [`Step::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Database and role: names and password.
    Database,
    /// The application's secret, and the credentials that can be read once.
    Secrets,
    /// The app at the provider.
    App,
    /// Its volume.
    Volume,
    /// Its address.
    Address,
    /// Its certificate.
    Certificate,
}

impl Step {
    /// Every step in order.
    pub const ALL: [Self; 6] =
        [Self::Database, Self::Secrets, Self::App, Self::Volume, Self::Address, Self::Certificate];

    /// The word in events and in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Secrets => "secrets_stored",
            Self::App => "app_created",
            Self::Volume => "volume_created",
            Self::Address => "ip_allocated",
            Self::Certificate => "certificate_added",
        }
    }

    /// The step for a word of the journal.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.word() == word)
    }

    /// The kind of its event.
    #[must_use]
    pub fn event(self) -> EventKind {
        match self {
            Self::Database => EventKind::DatabaseCreated,
            Self::Secrets => EventKind::SecretsStored,
            _ => EventKind::VmProvisioningProgress,
        }
    }

    /// True for the steps that touch the provider; a retry keeps what the others made (protocol G.11).
    #[must_use]
    pub fn is_infrastructure(self) -> bool {
        !matches!(self, Self::Database | Self::Secrets)
    }

    /// Does it, and answers what to tell people.
    pub async fn run(self, server: &Server, tenant: &TenantRow) -> Result<String, StepError> {
        match self {
            Self::Database => databases::step::run(server, tenant).await,
            Self::Secrets => store_secrets(server, tenant).await,
            Self::App => {
                let made = server.provider.create_app(&app_of(tenant)).await;
                Ok(or_later(made.map(|()| tenant.app.clone()), &tenant.app)?)
            }
            Self::Volume => {
                let what = format!("services, {} GB, {}", tenant.volume_gb, tenant.region);
                let made = server.provider.create_volume(&app_of(tenant)).await;
                if let Ok(volume) = &made {
                    let mut tx = server.store.write().await?;
                    tenants::set_volume(&mut tx, tenant.id(), Some(volume)).await?;
                    tx.commit().await?;
                }
                Ok(or_later(made.map(|_| what.clone()), &what)?)
            }
            Self::Address => {
                let port = tenant.port().ok_or(StepError::State("the tenant has no port"))?;
                let opened = server.doors.open(tenant.id(), port).await;
                opened.map_err(|error| StepError::Port { port, error })?;
                Ok(format!("{} and 127.0.0.1:{port}", server.front.addresses().hostname(tenant.id())))
            }
            Self::Certificate => {
                let url = app_url(server, tenant).ok_or(StepError::State("the tenant has no port"))?;
                // Certificates are the business of whoever ends TLS in front of this server.
                let tls = server.front.addresses().has_tls();
                Ok(if tls { format!("at the ingress: {url}") } else { format!("not needed without TLS: {url}") })
            }
        }
    }

    /// Takes its effect back. Nothing there is success.
    pub async fn undo(self, server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
        match self {
            Self::Database => databases::step::undo(server, tenant).await?,
            Self::Secrets => {
                let mut tx = server.store.write().await?;
                credentials::forget(&mut tx, tenant.id().as_str()).await?;
                tx.commit().await?;
            }
            // The provider removes an app together with its volume.
            Self::App | Self::Volume => {
                server.provider.destroy_app(&tenant.app).await?;
                let mut tx = server.store.write().await?;
                tenants::set_volume(&mut tx, tenant.id(), None).await?;
                tx.commit().await?;
            }
            // The port stays the tenant's own until the tenant is gone; only what stands behind it goes.
            Self::Address => server.doors.set_target(tenant.id(), None),
            Self::Certificate => {}
        }
        Ok(())
    }

    /// True when its effect is there at the provider before the step did anything. Whether an earlier run made it the
    /// journal knows.
    pub async fn is_there(self, server: &Server, tenant: &TenantRow) -> Result<bool, StepError> {
        if !matches!(self, Self::App | Self::Volume) {
            return Ok(false);
        }
        match server.provider.inventory(Some(&tenant.app)).await {
            Ok(found) if self == Self::Volume => Ok(found.iter().any(|holding| holding.volume.is_some())),
            Ok(found) => Ok(!found.is_empty()),
            // Nothing is made by who does not answer.
            Err(ProviderError::Unavailable(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// True when it was done before and its effect is kept, so that it need not run again.
    pub async fn probe(self, server: &Server, tenant: &TenantRow) -> Result<bool, StepError> {
        let key = match self {
            Self::Database => return databases::step::probe(server, tenant).await,
            Self::Secrets => "JWT_SECRET",
            // These are undone before they are run again, and each is idempotent.
            Self::App | Self::Volume | Self::Address | Self::Certificate => return Ok(false),
        };
        let mut db = server.store.read().await?;
        let values = credentials::all(&mut db, tenant.id().as_str()).await?;
        Ok(values.iter().any(|(name, _)| name == key))
    }
}

/// A server without a provider reserves what it would make; the first deploy, which needs a provider
/// anyway, makes it.
fn or_later(made: Result<String, ProviderError>, what: &str) -> Result<String, ProviderError> {
    match made {
        Err(ProviderError::Unavailable(reason)) => {
            tracing::warn!(%reason, "the provider does not answer; the first deploy makes what is missing");
            Ok(format!("{what} (reserved, made at the first deploy)"))
        }
        made => made,
    }
}

async fn store_secrets(server: &Server, tenant: &TenantRow) -> Result<String, StepError> {
    let id = tenant.id().as_str();
    let token = Secret::new(format!("sct_{}", keys::random_word(32)?));
    let jwt_secret = Secret::new(keys::random_word(64)?);
    let mut tx = server.store.write().await?;
    let values = credentials::all(&mut tx, id).await?;
    let database_url = values.iter().find(|(key, _)| key == "DATABASE_URL").map(|(_, value)| value);
    let database_url = database_url.ok_or(StepError::State("the database has no credentials"))?;
    let database_url = server.sealer.open(id, "DATABASE_URL", database_url)?;
    let row = OneTimeRow {
        token: server.sealer.seal(id, "link", &token)?,
        database_url: server.sealer.seal(id, "link database_url", &database_url)?,
        jwt_secret: server.sealer.seal(id, "link jwt_secret", &jwt_secret)?,
    };
    credentials::put(&mut tx, id, "JWT_SECRET", &server.sealer.seal(id, "JWT_SECRET", &jwt_secret)?).await?;
    credentials::arm(&mut tx, id, &row).await?;
    tx.commit().await?;
    Ok("credentials stored, one-time link armed".into())
}

/// Lower-case hex digits.
pub(in crate::server) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for step in Step::ALL {
            assert_eq!(Step::from_word(step.word()), Some(step));
        }
    }
}

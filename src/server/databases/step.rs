//! The first step of phase 1: the tenant's database and role, and their end.

use sha2::{Digest as _, Sha256};

use super::{Kind, Names, password_of};
use crate::model::Secret;
use crate::server::keys;
use crate::server::provisioner::StepError;
use crate::server::provisioner::steps::hex;
use crate::server::state::Server;
use crate::server::store::credentials;
use crate::server::store::tenants::{self, TenantRow};

/// Where the tenant's address is kept, sealed.
pub const KEY: &str = "DATABASE_URL";
/// Length of a password (protocol G.8).
pub(super) const PASSWORD_LENGTH: usize = 32;

/// Makes it, or completes what an interrupted run began. The password is kept before the role gets it, so that a
/// database without its credentials cannot be.
pub async fn run(server: &Server, tenant: &TenantRow) -> Result<String, StepError> {
    let backend = server.databases.for_new();
    let (names, id) = (Names::of(tenant), tenant.id().as_str());
    let stored = if kind_now(server, tenant).await? == backend.kind() { stored(server, id).await? } else { None };
    let password = if let Some(url) = stored {
        password_of(&url).ok_or(StepError::State("the stored credentials cannot be read"))?
    } else {
        let password = Secret::new(keys::random_word(PASSWORD_LENGTH)?);
        let url = backend.address().inside(&names, &password);
        let sealed = server.sealer.seal(id, KEY, &url)?;
        let mut tx = server.store.write().await?;
        tenants::set_database_kind(&mut tx, tenant.id(), backend.kind().word()).await?;
        tenants::set_password_hash(&mut tx, tenant.id(), &hash(&password)).await?;
        credentials::put(&mut tx, id, KEY, &sealed).await?;
        tx.commit().await?;
        password
    };
    backend.create(&names, &password).await?;
    let word = match backend.kind() {
        Kind::Simulated => "reserved (simulated)",
        Kind::Postgres => "created",
    };
    Ok(format!("{} and role {} {word}", names.database, names.role))
}

/// Takes it back. Nothing there is success.
pub async fn undo(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    remove(server, tenant).await?;
    let mut tx = server.store.write().await?;
    credentials::forget(&mut tx, tenant.id().as_str()).await?;
    tx.commit().await?;
    Ok(())
}

/// True when it was made and is there, so that it need not run again.
pub async fn probe(server: &Server, tenant: &TenantRow) -> Result<bool, StepError> {
    let backend = server.databases.for_new();
    if kind_now(server, tenant).await? != backend.kind() || stored(server, tenant.id().as_str()).await?.is_none() {
        return Ok(false);
    }
    Ok(backend.exists(&Names::of(tenant)).await?)
}

/// Removes database and role; the credentials stay with whoever removes the tenant.
pub async fn remove(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    // Read now: the row at hand may be from before the database was made.
    let now = tenants::get(&mut *server.store.read().await?, tenant.id()).await?;
    let tenant = now.as_ref().unwrap_or(tenant);
    Ok(server.databases.of(tenant)?.remove(&Names::of(tenant)).await?)
}

/// Removes every tenant's, for a server that leaves nothing behind. Every one is tried; answers the first error.
pub async fn remove_all(server: &Server) -> Result<(), StepError> {
    let all = tenants::all(&mut *server.store.read().await?).await?;
    let mut outcome = Ok(());
    for tenant in all {
        if let Err(error) = remove(server, &tenant).await {
            tracing::error!(tenant = %tenant.id(), %error, "its database is left behind");
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}

/// Where the tenant's database is, now.
async fn kind_now(server: &Server, tenant: &TenantRow) -> Result<Kind, StepError> {
    let now = tenants::get(&mut *server.store.read().await?, tenant.id()).await?;
    let now = now.ok_or(StepError::State("the tenant is gone"))?;
    // A tenant from before there was a choice has credentials and no word.
    Ok(Kind::of(&now))
}

/// The tenant's address with its password.
pub(super) async fn stored(server: &Server, id: &str) -> Result<Option<Secret>, StepError> {
    let sealed = credentials::one(&mut *server.store.read().await?, id, KEY).await?;
    Ok(sealed.map(|(sealed, _)| server.sealer.open(id, KEY, &sealed)).transpose()?)
}

/// What is kept of a password. It has 190 random bits: a slow hash would add nothing.
pub(super) fn hash(password: &Secret) -> String {
    hex(&Sha256::digest(password.reveal().as_bytes()))
}

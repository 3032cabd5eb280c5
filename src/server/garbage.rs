//! What the registry has to know of the database: which digests a rollback may still need, so that everything
//! else can go, and which tenants have one owner.

use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::time::Duration;

use super::provisioner::StepError;
use super::registry::{Collected, Owners};
use super::state::Server;
use super::store::{Connection, Store, StoreError, deployments, tenants};
use crate::model::{Digest, TenantId};

/// How often the registry is cleaned.
const INTERVAL: Duration = Duration::from_hours(1);
/// How long a push may take from its first blob to its manifest.
const GRACE: Duration = Duration::from_hours(1);
/// Different digests of a tenant that can be gone back to (protocol B.40).
const KEPT: u32 = 10;

/// Cleans the registry until the server stops.
pub fn start(server: &Server) {
    let worker = server.clone();
    drop(server.background(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            match collect(&worker).await {
                Ok(collected) if collected == Collected::default() => {}
                Ok(Collected { files, bytes, .. }) => tracing::info!(files, bytes, "the registry was cleaned"),
                Err(error) => tracing::error!(%error, "the registry cannot be cleaned; nothing or not all was removed"),
            }
        }
    }));
}

async fn collect(server: &Server) -> Result<Collected, StepError> {
    let keep = kept(&mut *server.store.read().await?).await?;
    let collected = server.registry.collect(keep, GRACE).await;
    collected.map_err(|error| StepError::Provider(super::provider::ProviderError::Failed(error.to_string())))
}

/// What each tenant deployed last, and what it runs however long ago that was deployed.
async fn kept(db: &mut Connection) -> Result<HashMap<TenantId, Vec<Digest>>, StoreError> {
    let running = tenants::all(db).await?;
    let mut kept: HashMap<TenantId, Vec<Digest>> =
        running.iter().map(|tenant| (tenant.id().clone(), Vec::new())).collect();
    let running = running.iter().filter_map(|tenant| Some((tenant.id().to_string(), tenant.image_digest.clone()?)));
    let deployed = deployments::digests(db, KEPT).await?;
    for (tenant, digest) in running.chain(deployed) {
        let tenant = TenantId::new(tenant).map_err(|_| StoreError::Unreadable("tenant id"))?;
        let digest = Digest::new(&digest).map_err(|_| StoreError::Unreadable("digest"))?;
        // A tenant that is gone keeps nothing.
        if let Some(digests) = kept.get_mut(&tenant) {
            digests.push(digest);
        }
    }
    Ok(kept)
}

/// Owners as the database knows them.
#[derive(Debug)]
pub struct Accounts(pub Store);

impl Owners for Accounts {
    fn siblings<'a>(&'a self, tenant: &'a TenantId) -> BoxFuture<'a, Vec<TenantId>> {
        Box::pin(async move {
            let found = async { tenants::siblings(&mut *self.0.read().await?, tenant).await };
            match found.await {
                Ok(ids) => ids.into_iter().filter_map(|id| TenantId::new(id).ok()).collect(),
                Err(error) => {
                    tracing::error!(%tenant, %error, "the tenants of its owner cannot be read");
                    Vec::new()
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::Database;

    #[tokio::test]
    async fn the_last_ten_different_digests_of_each_tenant_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&Database::File(folder.path().join("tenantry.db"))).await.expect("a store");
        let mut tx = store.write().await.expect("a transaction");
        // Never committed, so that there need not be whole tenants.
        sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut *tx).await.expect("deferred");
        let digest = |number: u32| format!("sha256:{number:064x}");
        // 1 to 12, and 3 once more as the newest: ten different ones are 3, 12, 11, ... 5, 4 without 1 and 2.
        for (turn, number) in (1..=12).chain([3]).enumerate() {
            let id = format!("dep_{turn:02}");
            deployments::begin(&mut tx, &id, "a", "image", &digest(number)).await.expect("written");
            let query = sqlx::query("UPDATE deployments SET created_at = $2 WHERE id = $1").bind(&id);
            query.bind(format!("2026-01-01T00:00:{turn:02}.000Z")).execute(&mut *tx).await.expect("dated");
        }
        deployments::begin(&mut tx, "dep_other", "b", "image", &digest(1)).await.expect("written");
        let mut found = deployments::digests(&mut tx, KEPT).await.expect("read");
        found.sort();
        let mut expected: Vec<(String, String)> = (3..=12).map(|number| ("a".to_owned(), digest(number))).collect();
        expected.push(("b".to_owned(), digest(1)));
        assert_eq!(found, expected);
        let listed = deployments::of(&mut tx, "a", 2).await.expect("read");
        assert_eq!(listed.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["dep_12", "dep_11"]);
    }
}

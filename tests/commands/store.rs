//! The store of these tests' servers: a file of its own for each. What the shared support asks for.

use tenantry::model::Secret;
use tenantry::server::Settings;
use tenantry::server::store::{Store, accounts};

/// `None`: a file.
#[allow(clippy::unused_async, reason = "the shared support waits for one")]
pub async fn fresh_database() -> Option<Secret> {
    None
}

/// Makes a user; answers the id.
pub async fn ensure_user(settings: &Settings, email: &str) -> String {
    let store = Store::open(&settings.database()).await.expect("the store");
    let mut tx = store.write().await.expect("a transaction");
    let user = accounts::ensure_user(&mut tx, email).await.expect("a user");
    tx.commit().await.expect("committed");
    store.close().await;
    user.id
}

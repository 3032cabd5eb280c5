//! What a subscription's end or pause does to its tenant (protocol F.3, "subscription lapses" and "cancel"). The database
//! knows the subscription; whoever changed it calls [`heed`], and so does every operation when it is over, for what could
//! not be done while it ran. Must not know webhooks.

use super::{removal, restart};
use crate::model::TenantId;
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::audit;
use crate::server::store::tenants::{self, TenantRow};
use crate::server::transitions::{self, Event};

/// Lets the tenant follow its subscription as it is now: canceled, it is removed; lapsed, it is suspended; good, nothing
/// happens, because people decide when it is activated. What is not possible now happens when the operation that runs is over.
pub async fn heed(server: &Server, id: &TenantId) {
    let followed = async {
        let tenant = tenants::get(&mut *server.store.read().await?, id).await?;
        match tenant {
            Some(tenant) if tenant.subscription_status == "canceled" => {
                removal::start(server, id, removal::BY_PROVIDER).await.map(drop)
            }
            Some(tenant) if has_lapsed(&tenant) => suspend(server, id).await,
            _ => Ok(()),
        }
    };
    if let Err(failure) = followed.await {
        tracing::info!(tenant = %id, ?failure, "its subscription changed; the tenant follows when what runs on it is over");
    }
}

/// True when the subscription pays for nothing now. One that our own suspend paused has not lapsed, nor has one whose last
/// payment is late: it only forbids deploys, scaling and activation (protocol G.2).
fn has_lapsed(tenant: &TenantRow) -> bool {
    match tenant.subscription_status.as_str() {
        "canceled" => true,
        "paused" => tenant.paused_by_suspend == 0,
        _ => false,
    }
}

async fn suspend(server: &Server, id: &TenantId) -> Result<(), Failure> {
    let (worker, id) = (server.clone(), id.clone());
    server.unbroken(async move { accept(&worker, &id).await }).await
}

async fn accept(server: &Server, id: &TenantId) -> Result<(), Failure> {
    let operation = uuid::Uuid::new_v4().to_string();
    let mut tx = server.store.write().await?;
    let Some(tenant) = tenants::get(&mut tx, id).await? else { return Ok(()) };
    // Read again: it may be good again.
    if !has_lapsed(&tenant) || transitions::ask(&tenant, Event::Lapse)?.is_none() {
        return Ok(());
    }
    let spoken = restart::fall_asleep(&mut tx, &tenant, &operation, "suspended: the subscription lapsed").await?;
    audit::record(&mut tx, removal::BY_PROVIDER, Some(id.as_str()), "suspend").await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    server.doors.set_target(id, None);
    // The payment provider does not wait for it. A server that ends meanwhile stops the machine at its next start.
    let worker = server.clone();
    drop(server.background(async move { restart::stop_for_sleep(&worker, &tenant, &operation).await }));
    Ok(())
}

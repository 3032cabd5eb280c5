//! A stream that talks: events that mean nothing, said like every other one, each in a transaction of its own. For load
//! on the streams, and for looking at a client under it.

use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

use crate::model::EventKind;
use crate::server::events::{self, News, Topic};
use crate::server::state::Server;
use crate::server::store::StoreError;
use crate::server::store::tenants::TenantRow;

/// Talks on the tenant's stream until the fault has struck as often as asked, is disarmed, or the server stops.
pub(super) fn start(server: &Server, fault: u64, tenant: &TenantRow, per_second: u32) {
    let topic = Topic::tenant(tenant, &format!("chatter_{fault}"));
    let worker = server.clone();
    drop(server.background(async move {
        let mut clock = interval(Duration::from_secs(1) / per_second.max(1));
        // What a slow moment delayed is made up for: the count per second is what was asked for.
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut count = 0_u64;
        loop {
            clock.tick().await;
            if !worker.settings.faults.strike_by_id(fault) {
                return;
            }
            count += 1;
            if let Err(error) = talk(&worker, &topic, count).await {
                return tracing::error!(%error, "the chatter ends early");
            }
        }
    }));
}

async fn talk(server: &Server, topic: &Topic, count: u64) -> Result<(), StoreError> {
    // With the moment, so that a listener on the same machine can tell how long it took.
    let message = format!("chatter {count} t={}", jiff::Timestamp::now().as_microsecond());
    let mut tx = server.store.write().await?;
    let spoken =
        events::say(&mut tx, topic, &News::step(EventKind::VmProvisioningProgress, "chatter", message)).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

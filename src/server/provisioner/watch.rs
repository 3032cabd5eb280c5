//! Machines that end, or start again by themselves, between two deploys: the tenant's door follows them. A machine
//! that starts again may answer elsewhere, and where it answered before there may be somebody else's.

use futures_util::StreamExt as _;
use std::time::Duration;

use super::StepError;
use crate::model::{Phase, TenantId};
use crate::server::state::Server;
use crate::server::store::tenants;

/// Pause before a provider that did not answer, or was lost, is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Watches until the server stops.
pub fn start(server: &Server) {
    let worker = server.clone();
    drop(server.background(async move {
        loop {
            if let Err(error) = follow(&worker).await {
                tracing::debug!(%error, "the machines cannot be watched now");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }));
}

async fn follow(server: &Server) -> Result<(), StepError> {
    let mut changes = server.provider.changes().await?;
    // What changed while nobody watched.
    let all = tenants::all(&mut *server.store.read().await?).await?;
    for tenant in all {
        look(server, tenant.id()).await?;
    }
    while let Some(machine) = changes.next().await {
        let tenant = tenants::of_machine(&mut *server.store.read().await?, &machine).await?;
        if let Some(tenant) = tenant {
            look(server, tenant.id()).await?;
        }
    }
    Ok(())
}

/// Lets the tenant's door lead to where its machine is now, unless an operation owns the tenant.
async fn look(server: &Server, id: &TenantId) -> Result<(), StepError> {
    // Read first: when a deploy switches the door meanwhile, what is found here is old.
    let before = server.doors.target(id);
    let Some(tenant) = tenants::get(&mut *server.store.read().await?, id).await? else { return Ok(()) };
    let Some(machine) = tenant.machine_id.as_deref() else { return Ok(()) };
    if !matches!(tenant.phase(), Phase::Running | Phase::FailedDeploy) {
        return Ok(());
    }
    let found = server.provider.find_machine(machine).await?.map(|machine| machine.address);
    if found != before && server.doors.replace_target(id, before, found) {
        tracing::info!(tenant = %id, machine, runs = found.is_some(), "the tenant's machine changed by itself");
    }
    Ok(())
}

//! Finishes what could not be finished when it was due: what was left is removed when the provider works again, what
//! nobody owns is found and removed, checkout sessions that nobody paid expire, and old notes are forgotten.
//!
//! Works from the database and from what the provider and the registry say they have. Must not know HTTP.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::databases::Names;
use super::error::Failure;
use super::events::{self, News};
use super::provider::ProviderError;
use super::provisioner::StepError;
use super::purchase;
use super::state::Server;
use super::store::leftovers::{self, Kind, LeftoverRow};
use super::store::tenants::{self, TenantRow};
use super::store::{self, StoreError, sessions};
use super::transitions::{self, CheckoutEvent};
use crate::model::{Phase, SessionId, TenantId};

/// How long notes about what is over are kept, days.
const KEPT_DAYS: i64 = 30;
/// How long it is kept who did what, days.
const AUDITED_DAYS: i64 = 400;

/// Sweeps until the server stops.
pub fn start(server: &Server) {
    let worker = server.clone();
    drop(server.background(async move {
        let mut sweeper = Sweeper::default();
        loop {
            tokio::time::sleep(worker.settings.sweep_every).await;
            sweeper.sweep(&worker).await;
        }
    }));
}

/// What it remembers from one round to the next.
#[derive(Debug, Default)]
struct Sweeper {
    /// Machines that no tenant had in the last round, and since when. One that was replaced has time to end its
    /// connections; one that is still there afterwards is nobody's.
    strays: HashMap<String, Instant>,
}

impl Sweeper {
    async fn sweep(&mut self, server: &Server) {
        // Each part for itself: none holds up the others.
        if let Err(error) = retry_leftovers(server).await {
            tracing::warn!(%error, "what is left cannot be looked at");
        }
        match self.find_strays(server).await {
            Ok(()) | Err(StepError::Provider(ProviderError::Unavailable(_))) => {}
            Err(error) => tracing::warn!(%error, "what nobody owns cannot be looked for"),
        }
        if let Err(error) = forget_images(server).await {
            tracing::warn!(%error, "what deleted tenants pushed cannot be looked for");
        }
        if let Err(failure) = expire_sessions(server).await {
            tracing::warn!(?failure, "checkout sessions cannot be ended");
        }
        if let Err(error) = trim(server).await {
            tracing::warn!(%error, "old notes cannot be forgotten");
        }
    }

    /// Removes what no tenant owns: apps of tenants that are gone, and machines that are not their tenant's.
    async fn find_strays(&mut self, server: &Server) -> Result<(), StepError> {
        // The provider first: a tenant's row is there before anything of it is made.
        let held = server.provider.inventory(None).await?;
        let owners = owners(server).await?;
        let patience = server.settings.door.drain + server.settings.sweep_every / 2;
        let mut strays = HashMap::new();
        for holding in held {
            let Some(owner) = owners.get(holding.app.as_str()) else {
                tracing::warn!(app = holding.app, "an app that nobody owns is removed");
                if let Err(error) = server.provider.destroy_app(&holding.app).await {
                    tracing::warn!(app = holding.app, %error, "it stays for now");
                }
                continue;
            };
            if is_busy(owner.phase()) {
                continue;
            }
            for machine in holding.machines.into_iter().filter(|id| Some(id) != owner.machine_id.as_ref()) {
                let since = self.strays.get(&machine).copied().filter(|since| since.elapsed() > patience);
                let Some(since) = since else {
                    let seen = self.strays.get(&machine).copied().unwrap_or_else(Instant::now);
                    strays.insert(machine, seen);
                    continue;
                };
                tracing::warn!(tenant = %owner.id(), machine, "a machine that nobody uses is removed");
                if let Err(error) = server.provider.destroy_machine(&machine).await {
                    tracing::warn!(machine, %error, "it stays for now");
                    strays.insert(machine, since);
                }
            }
        }
        self.strays = strays;
        Ok(())
    }
}

/// Machines may be being made and removed.
fn is_busy(phase: Phase) -> bool {
    matches!(phase, Phase::Created | Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting)
}

/// Every tenant that is not gone, by its app.
async fn owners(server: &Server) -> Result<HashMap<String, TenantRow>, StoreError> {
    let all = tenants::all(&mut *server.store.read().await?).await?;
    Ok(all.into_iter().map(|tenant| (tenant.app.clone(), tenant)).collect())
}

async fn retry_leftovers(server: &Server) -> Result<(), StepError> {
    for row in leftovers::due(&mut *server.store.read().await?, false).await? {
        let outcome = remove(server, &row).await;
        let mut tx = server.store.write().await?;
        match outcome {
            Ok(()) => {
                tracing::info!(kind = row.word, name = row.name, "what was left is gone");
                leftovers::forget(&mut tx, &row).await?;
            }
            Err(error) => leftovers::put_off(&mut tx, &row, &error.to_string()).await?,
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Removes what was left, unless it belongs to a tenant again.
async fn remove(server: &Server, row: &LeftoverRow) -> Result<(), StepError> {
    let owner = match TenantId::new(&*row.tenant_id) {
        Ok(id) => tenants::get(&mut *server.store.read().await?, &id).await?,
        Err(_) => None,
    };
    let is_current = owner.as_ref().is_some_and(|owner| owner.machine_id.as_ref() == Some(&row.name));
    match row.kind()? {
        Kind::Machine if !is_current => server.provider.destroy_machine(&row.name).await?,
        Kind::Running if is_current && owner.as_ref().is_some_and(|owner| owner.phase() == Phase::Suspended) => {
            server.provider.stop_machine(&row.name).await?;
        }
        Kind::App if owner.is_none() => server.provider.destroy_app(&row.name).await?,
        Kind::Database if owner.is_none() => {
            let (database, role) = row.name.split_once(' ').ok_or(StoreError::Unreadable("leftover"))?;
            let (tenant, database, role) = (row.tenant_id.clone(), database.to_owned(), role.to_owned());
            server.databases.remove_left(&Names { tenant, database, role }).await?;
        }
        Kind::Machine | Kind::Running | Kind::App | Kind::Database => {}
    }
    Ok(())
}

/// Ends the claims of tenants that are gone to what they pushed. The files go with the registry's next collection.
async fn forget_images(server: &Server) -> Result<(), StepError> {
    let holders = server.registry.holders().await;
    let holders = holders.map_err(|error| ProviderError::Failed(format!("the registry: {error}")))?;
    // Only after that: who pushes has a row.
    let owners = owners(server).await?;
    let living: HashSet<&TenantId> = owners.values().map(TenantRow::id).collect();
    for holder in holders.iter().filter(|holder| !living.contains(holder)) {
        tracing::warn!(tenant = %holder, "what a tenant that is gone pushed is forgotten");
        server.registry.forget(holder).await;
    }
    Ok(())
}

/// Ends sessions that were open for too long, and tells who still waits.
async fn expire_sessions(server: &Server) -> Result<(), Failure> {
    for id in sessions::overdue(&mut *server.store.read().await?, &store::now()).await? {
        let session = SessionId::new(&*id).map_err(|_| StoreError::Unreadable("session id"))?;
        let Some(expired) = transitions::checkout("open", CheckoutEvent::Expired) else { continue };
        let mut tx = server.store.write().await?;
        if sessions::advance(&mut tx, &id, "open", expired).await? {
            let topic = purchase::session_topic(&session, &uuid::Uuid::new_v4().to_string());
            let spoken = events::say(&mut tx, &topic, &News::failed("payment", "expired")).await?;
            tx.commit().await?;
            server.events.wake(&spoken);
        }
    }
    Ok(())
}

async fn trim(server: &Server) -> Result<(), StepError> {
    let age = jiff::SignedDuration::from_hours(24 * KEPT_DAYS);
    let Ok(before) = jiff::Timestamp::now().saturating_sub(age) else { return Ok(()) };
    let age = jiff::SignedDuration::from_hours(24 * AUDITED_DAYS);
    let Ok(audited) = jiff::Timestamp::now().saturating_sub(age) else { return Ok(()) };
    let before = store::at(before);
    let mut tx = server.store.write().await?;
    store::journal::trim(&mut tx, &before).await?;
    store::events::trim(&mut tx, &before).await?;
    sessions::trim(&mut tx, &before).await?;
    store::audit::trim(&mut tx, &store::at(audited)).await?;
    tx.commit().await?;
    Ok(())
}

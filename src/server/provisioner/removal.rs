//! Removes a tenant for good (protocol B.13): every step is tried, none stops the next, and what could
//! not be removed is noted.

use std::time::Duration;
use tokio::task::JoinHandle;

use super::{StepError, note, point};
use crate::model::{Phase, TenantId};
use crate::server::databases;
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::leftovers::{self, Kind};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{audit, credentials, domains, subscriptions};
use crate::server::transitions::{self, Event};

/// Who asks for a removal because the subscription ended.
pub const BY_PROVIDER: &str = "payment provider";
/// Pause before a removal that broke off is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// The operation and its steps in the journal.
const OPERATION: &str = "removal";
const MACHINE: &str = "machine_removed";
const APP: &str = "app_removed";
const TAG: &str = "tag_removed";
const DATABASE: &str = "database_removed";

/// Begins to remove a tenant, in one step with the check that nothing else runs, and works it off in the
/// background. `user` is who asked for it.
pub async fn start(server: &Server, id: &TenantId, user: &str) -> Result<JoinHandle<Option<()>>, Failure> {
    let (worker, id, user) = (server.clone(), id.clone(), user.to_owned());
    server.unbroken(async move { accept(&worker, &id, &user).await }).await
}

async fn accept(server: &Server, id: &TenantId, user: &str) -> Result<JoinHandle<Option<()>>, Failure> {
    let mut tx = server.store.write().await?;
    // Read here and not before, so that the machine is the one that runs now.
    let tenant = tenants::get(&mut tx, id).await?.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    transitions::ask(&tenant, Event::Delete)?;
    if !tenants::advance(&mut tx, id, tenant.phase(), Phase::Deleting, None).await? {
        return Err(Failure::operation_running());
    }
    tenants::claim(&mut tx, id, OPERATION).await?;
    audit::record(&mut tx, user, Some(id.as_str()), "delete").await?;
    tx.commit().await?;
    Ok(resume(server, tenant))
}

/// Works off a removal that was begun.
pub fn resume(server: &Server, tenant: TenantRow) -> JoinHandle<Option<()>> {
    let worker = server.clone();
    server.operation(async move {
        // Only the database can hold it up: what the provider refuses is left behind.
        while let Err(error) = remove(&worker, &tenant).await {
            tracing::error!(tenant = %tenant.id(), %error, "the removal broke off and is tried again");
            tokio::time::sleep(PAUSE).await;
        }
    })
}

async fn remove(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    let id = tenant.id();
    let mut left: Vec<(&str, Kind, &str, String)> = Vec::new();
    server.doors.close(id);
    if let Some(machine) = &tenant.machine_id {
        begin(server, id, MACHINE).await?;
        match server.provider.destroy_machine(machine).await {
            Ok(()) => end(server, id, MACHINE).await?,
            Err(error) => left.push((MACHINE, Kind::Machine, machine, error.to_string())),
        }
    }
    begin(server, id, APP).await?;
    match server.provider.destroy_app(&tenant.app).await {
        Ok(()) => end(server, id, APP).await?,
        Err(error) => left.push((APP, Kind::App, &tenant.app, error.to_string())),
    }
    begin(server, id, TAG).await?;
    // What cannot be forgotten now the sweeper finds: nobody owns it any more.
    server.registry.forget(id).await;
    end(server, id, TAG).await?;
    begin(server, id, DATABASE).await?;
    let names = format!("{} {}", tenant.database_name, tenant.user_name);
    match databases::step::remove(server, tenant).await {
        Ok(()) => end(server, id, DATABASE).await?,
        Err(error) => left.push((DATABASE, Kind::Database, &names, error.to_string())),
    }
    let mut tx = server.store.write().await?;
    for (step, kind, name, reason) in left {
        tracing::error!(tenant = %id, step, name, reason, "left behind; it is tried again");
        let detail = format!("{name}: {reason}");
        journal::note(&mut tx, id.as_str(), OPERATION, step, StepState::Left, Some(&detail)).await?;
        leftovers::note(&mut tx, id.as_str(), kind, name, &reason).await?;
    }
    credentials::forget(&mut tx, id.as_str()).await?;
    domains::forget(&mut tx, id).await?;
    subscriptions::cancel(&mut tx, &tenant.subscription_id).await?;
    tenants::bury(&mut tx, id).await?;
    tx.commit().await?;
    server.events.wake_tenant(id);
    Ok(())
}

async fn begin(server: &Server, id: &TenantId, step: &str) -> Result<(), StepError> {
    note(server, id, OPERATION, step, StepState::Begun, None).await?;
    point(server, step, "begun").await
}

async fn end(server: &Server, id: &TenantId, step: &str) -> Result<(), StepError> {
    point(server, step, "done").await?;
    note(server, id, OPERATION, step, StepState::Done, None).await?;
    point(server, step, "noted").await
}

//! What a server does about its tenants when it starts: operations that no task works on any more are
//! over, what they left behind goes, doors open again, and lead to the machines that still run.

use super::{StepError, deploy, lapse, note, removal, watch};
use crate::model::{Phase, SessionId};
use crate::server::events::{self, News, Topic};
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{deployments, sessions};
use crate::server::transitions::{self, Event};

const INTERRUPTED: &str = "interrupted: the server was stopped meanwhile";

/// Brings every tenant back.
pub async fn recover(server: &Server) -> Result<(), StepError> {
    let all = tenants::all(&mut *server.store.read().await?).await?;
    if all.is_empty() {
        return Ok(());
    }
    // Asked once: an engine that hangs must not hold up the start for every tenant.
    let available = server.provider.available().await;
    if let Err(error) = &available {
        tracing::warn!(%error, "no provider; the tenants' machines are looked for when it answers");
    }
    for tenant in all {
        match tenant.phase() {
            Phase::Deleting => {
                drop(removal::resume(server, tenant));
                continue;
            }
            Phase::Created | Phase::Provisioning => {
                interrupt(server, &tenant, Event::InfrastructureError, "provisioning").await?;
            }
            Phase::Deploying | Phase::Restarting => {
                interrupt(server, &tenant, Event::FirstMachineError, "machine").await?;
            }
            _ => {}
        }
        reopen(server, &tenant, available.is_ok()).await?;
        lapse::heed(server, tenant.id()).await;
        if tenant.phase() == Phase::Restarting && available.is_ok() {
            bring_back(server, &tenant);
        }
    }
    Ok(())
}

/// Starts the machine from before a restart that was cut off, in the background. The door follows it.
fn bring_back(server: &Server, tenant: &TenantRow) {
    let (worker, tenant) = (server.clone(), tenant.clone());
    drop(server.background(async move {
        let Some(machine) = &tenant.machine_id else { return };
        let brought = async {
            if !rests(&worker, &tenant).await? {
                worker.provider.start_machine(machine).await?;
            }
            // Suspended while it started.
            if rests(&worker, &tenant).await? {
                worker.provider.stop_machine(machine).await?;
            }
            Ok::<_, StepError>(())
        };
        if let Err(error) = brought.await {
            tracing::warn!(tenant = %tenant.id(), %error, "the machine from before does not come back");
        }
    }));
}

/// True when the tenant's machine is not to run now.
async fn rests(server: &Server, tenant: &TenantRow) -> Result<bool, StepError> {
    let now = tenants::get(&mut *server.store.read().await?, tenant.id()).await?;
    Ok(now.is_none_or(|now| matches!(now.phase(), Phase::Suspended | Phase::Deleting)))
}

async fn interrupt(server: &Server, tenant: &TenantRow, event: Event, at: &'static str) -> Result<(), StepError> {
    let to = transitions::following(tenant.phase(), event, tenant.into());
    let mut topic = Topic::tenant(tenant, &uuid::Uuid::new_v4().to_string());
    let mut tx = server.store.write().await?;
    tenants::advance(&mut tx, tenant.id(), tenant.phase(), to, Some(INTERRUPTED)).await?;
    deployments::interrupt(&mut tx, tenant.id().as_str()).await?;
    if to == Phase::FailedInfra {
        sessions::set_status(&mut tx, &tenant.checkout_session_id, "failed").await?;
        // A retry is told on the tenant's stream alone: the checkout stream said its last word before.
        if let Ok(session) = SessionId::new(&*tenant.checkout_session_id)
            && !events::session_is_over(&mut tx, &session).await?
        {
            topic.session = Some(session);
        }
    }
    let spoken = events::say(&mut tx, &topic, &News::failed(at, INTERRUPTED)).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

async fn reopen(server: &Server, tenant: &TenantRow, available: bool) -> Result<(), StepError> {
    let Some(port) = tenant.port() else { return Ok(()) };
    if let Err(error) = server.doors.open(tenant.id(), port).await {
        // Its name leads to it all the same.
        tracing::warn!(tenant = %tenant.id(), port, %error, "the tenant's own port cannot be opened");
    }
    if !available {
        return Ok(());
    }
    // Before anything can begin on the tenant: machines that nobody uses any more, after a crash for example.
    let swept = server.provider.destroy_others(&tenant.app, tenant.machine_id.as_deref()).await;
    match swept {
        Ok(()) => close_journal(server, tenant).await?,
        // The sweeper finds them.
        Err(error) => tracing::warn!(tenant = %tenant.id(), %error, "machines that nobody uses may be left"),
    }
    let Some(machine) = &tenant.machine_id else { return Ok(()) };
    match server.provider.find_machine(machine).await {
        // It could not be stopped when it was to be, or somebody started it again.
        Ok(Some(machine)) if tenant.phase() == Phase::Suspended => {
            if let Err(error) = server.provider.stop_machine(&machine.id).await {
                tracing::warn!(tenant = %tenant.id(), %error, "a suspended tenant's machine runs");
            }
        }
        Ok(Some(machine)) => server.doors.set_target(tenant.id(), Some(machine.address)),
        Ok(None) if tenant.phase() == Phase::Running => watch::mark_ended(server, tenant).await?,
        Ok(None) => {}
        Err(error) => tracing::warn!(tenant = %tenant.id(), %error, "the tenant's machine cannot be found now"),
    }
    Ok(())
}

/// What the journal says was begun with machines and is not over is over now: all machines but the tenant's own are gone.
async fn close_journal(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    let states = journal::last_states(&mut *server.store.read().await?, tenant.id().as_str()).await?;
    let is_open = |(step, state): &(String, StepState)| {
        matches!(step.as_str(), deploy::STEP | deploy::RETIRED) && matches!(state, StepState::Begun | StepState::Left)
    };
    for (step, _) in states.into_iter().filter(is_open) {
        note(server, tenant.id(), "recovery", &step, StepState::Undone, None).await?;
    }
    Ok(())
}

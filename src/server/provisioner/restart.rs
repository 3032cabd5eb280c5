//! Starting a tenant's machine again with the image that it runs and the environment that is set now; and
//! what stands beside it in the state machine: other memory, suspending, activating (protocol F.3).
//!
//! A machine's environment cannot be changed, so a restart makes a machine. See [`super::deploy`].

use super::deploy::{self, Job, Purpose, STEP};
use crate::model::{Digest, EventKind, Phase, TenantId};
use crate::server::error::Failure;
use crate::server::events::{self, News, Spoken, Topic};
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::leftovers::{self, Kind};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{Connection, StoreError, audit, subscriptions};
use crate::server::transitions::{self, Event};

/// Restarts the machine in the background. Being restarted already is success.
pub async fn restart(server: &Server, id: &TenantId, user: &str) -> Result<(), Failure> {
    server.provider.available().await?;
    let (server, id, user) = (server.clone(), id.clone(), user.to_owned());
    let worker = server.clone();
    server.unbroken(async move { accept_restart(&worker, &id, &user).await }).await
}

async fn accept_restart(server: &Server, id: &TenantId, user: &str) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    let tenant = read(&mut tx, id).await?;
    if transitions::ask(&tenant, Event::Restart)?.is_none() {
        return Ok(());
    }
    let job = begin(&mut tx, &tenant, "restart", user).await?;
    tx.commit().await?;
    drop(deploy::run(server, job));
    Ok(())
}

/// Restarts a running machine whose environment is out of date. Any other tenant is left as it is: its next machine
/// starts with what is set.
pub async fn apply_environment(server: &Server, id: &TenantId, user: &str) -> Result<(), Failure> {
    let tenant = read(&mut *server.store.read().await?, id).await?;
    if tenant.phase() == Phase::Running && tenant.restart_required() {
        restart(server, id, user).await?;
    }
    Ok(())
}

/// Gives the tenant's machines `memory_mb` from now on, and restarts one that runs. The same again does nothing.
pub async fn resize(server: &Server, id: &TenantId, memory_mb: u32, user: &str) -> Result<(), Failure> {
    let (server, id, user) = (server.clone(), id.clone(), user.to_owned());
    let worker = server.clone();
    server.unbroken(async move { accept_resize(&worker, &id, memory_mb, &user).await }).await
}

async fn accept_resize(server: &Server, id: &TenantId, memory_mb: u32, user: &str) -> Result<(), Failure> {
    if read(&mut *server.store.read().await?, id).await?.phase() == Phase::Running {
        server.provider.available().await?;
    }
    let mut tx = server.store.write().await?;
    let mut tenant = read(&mut tx, id).await?;
    let restarts = transitions::ask(&tenant, Event::Resize)?.is_some();
    if tenant.memory_mb == i64::from(memory_mb) {
        return Ok(());
    }
    tenants::set_memory(&mut tx, id, memory_mb).await?;
    tenant.memory_mb = memory_mb.into();
    if restarts {
        let job = begin(&mut tx, &tenant, "scale", user).await?;
        tx.commit().await?;
        drop(deploy::run(server, job));
    } else {
        audit::record(&mut tx, user, Some(id.as_str()), "scale").await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Stops the machine, keeps everything, and pauses the subscription. Answers whether the machine is known to be stopped.
pub async fn suspend(server: &Server, id: &TenantId, user: &str) -> Result<bool, Failure> {
    let (worker, id, user) = (server.clone(), id.clone(), user.to_owned());
    server.unbroken(async move { accept_suspend(&worker, &id, &user).await }).await
}

async fn accept_suspend(server: &Server, id: &TenantId, user: &str) -> Result<bool, Failure> {
    let known = read(&mut *server.store.read().await?, id).await?;
    if known.machine_id.is_some() {
        server.provider.available().await?;
    }
    let operation = uuid::Uuid::new_v4().to_string();
    let mut tx = server.store.write().await?;
    let tenant = read(&mut tx, id).await?;
    transitions::ask(&tenant, Event::Suspend)?;
    subscriptions::pause(&mut tx, &tenant.subscription_id).await?;
    audit::record(&mut tx, user, Some(id.as_str()), "suspend").await?;
    let spoken = fall_asleep(&mut tx, &tenant, &operation, "suspended; everything is kept").await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    // Nobody is let in from here on, also while the machine takes its time to end.
    server.doors.set_target(id, None);
    Ok(stop_for_sleep(server, &tenant, &operation).await)
}

/// Moves the tenant to `suspended` inside the caller's transaction.
pub(super) async fn fall_asleep(
    db: &mut Connection,
    tenant: &TenantRow,
    operation: &str,
    words: &str,
) -> Result<Spoken, Failure> {
    tenants::advance(db, tenant.id(), tenant.phase(), Phase::Suspended, None).await?;
    tenants::claim(db, tenant.id(), operation).await?;
    let mut news = News::new(EventKind::VmProvisioningProgress, "suspended", words);
    news.step = Some("machine_stopped");
    Ok(events::say(db, &Topic::tenant(tenant, operation), &news).await?)
}

/// Stops a suspended tenant's machine; false when it could not be, which is tried again.
pub(super) async fn stop_for_sleep(server: &Server, tenant: &TenantRow, operation: &str) -> bool {
    let id = tenant.id();
    let Some(machine) = &tenant.machine_id else { return true };
    // An activation meanwhile does not have to wait: it makes a machine of its own.
    let Err(error) = server.provider.stop_machine(machine).await else { return true };
    tracing::error!(tenant = %id, machine, %error, "a suspended tenant's machine is not stopped; it is tried again");
    let noted = async {
        let mut tx = server.store.write().await?;
        let detail = format!("{machine}: {error}");
        journal::note(&mut tx, id.as_str(), operation, STEP, StepState::Left, Some(&detail)).await?;
        leftovers::note(&mut tx, id.as_str(), Kind::Running, machine, &error.to_string()).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(())
    };
    if let Err(error) = noted.await {
        tracing::error!(%error, "what is left cannot be written down");
    }
    false
}

/// Takes [`suspend`] back. Answers the phase that follows: a tenant that was never deployed waits for that.
pub async fn activate(server: &Server, id: &TenantId, user: &str) -> Result<Phase, Failure> {
    let (worker, id, user) = (server.clone(), id.clone(), user.to_owned());
    server.unbroken(async move { accept_activate(&worker, &id, &user).await }).await
}

async fn accept_activate(server: &Server, id: &TenantId, user: &str) -> Result<Phase, Failure> {
    let known = read(&mut *server.store.read().await?, id).await?;
    if known.machine_id.is_some() {
        server.provider.available().await?;
    }
    let mut tx = server.store.write().await?;
    let tenant = read(&mut tx, id).await?;
    transitions::ask(&tenant, Event::Activate)?;
    subscriptions::resume(&mut tx, &tenant.subscription_id).await?;
    if tenant.machine_id.is_some() {
        let job = begin(&mut tx, &tenant, "activate", user).await?;
        tx.commit().await?;
        drop(deploy::run(server, job));
        return Ok(Phase::Restarting);
    }
    tenants::advance(&mut tx, id, Phase::Suspended, Phase::AwaitingDeploy, None).await?;
    audit::record(&mut tx, user, Some(id.as_str()), "activate").await?;
    tx.commit().await?;
    server.events.wake_tenant(id);
    Ok(Phase::AwaitingDeploy)
}

async fn read(db: &mut Connection, id: &TenantId) -> Result<TenantRow, Failure> {
    tenants::get(db, id).await?.ok_or_else(|| Failure::not_found("there is no such tenant"))
}

/// Takes the tenant for a restart, inside the caller's transaction.
pub async fn begin(db: &mut Connection, tenant: &TenantRow, action: &str, user: &str) -> Result<Job, Failure> {
    let digest = tenant.image_digest.as_deref().ok_or_else(Failure::no_machine)?;
    let digest = Digest::new(digest).map_err(|error| Failure::internal(error.to_string()))?;
    let id = format!("res_{}", uuid::Uuid::new_v4().simple());
    if !tenants::advance(db, tenant.id(), tenant.phase(), Phase::Restarting, None).await? {
        return Err(Failure::operation_running());
    }
    tenants::claim(db, tenant.id(), &id).await?;
    journal::note(db, tenant.id().as_str(), &id, STEP, StepState::Begun, None).await?;
    audit::record(db, user, Some(tenant.id().as_str()), action).await?;
    Ok(Job { topic: Topic::tenant(tenant, &id), id, before: tenant.clone(), digest, purpose: Purpose::Restart })
}

/// Gives back, inside the caller's transaction, a running tenant that was taken for a restart which is not to be.
pub async fn cancel(db: &mut Connection, job: &Job) -> Result<(), Failure> {
    let id = job.before.id();
    journal::note(db, id.as_str(), &job.id, STEP, StepState::Undone, None).await?;
    let now = tenants::get(db, id).await?;
    if now.is_none_or(|now| now.operation.as_ref() != Some(&job.id)) {
        // Somebody else took it meanwhile.
        return Ok(());
    }
    tenants::advance(db, id, Phase::Restarting, Phase::Running, None).await?;
    Ok(())
}

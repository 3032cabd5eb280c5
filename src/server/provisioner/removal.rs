//! Removes a tenant for good (protocol B.13): every step is tried, none stops the next, and what could
//! not be removed is noted.

use tokio::task::JoinHandle;

use super::StepError;
use super::steps::Step;
use crate::model::{Phase, TenantId};
use crate::server::error::Failure;
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{audit, credentials, domains, subscriptions};

/// Who asks for a removal because the subscription ended.
pub const BY_PROVIDER: &str = "payment provider";

/// True in the phases from which a tenant can be removed now.
fn is_allowed(phase: Phase) -> bool {
    !matches!(phase, Phase::Provisioning | Phase::Deploying | Phase::Restarting | Phase::Deleting)
}

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
    let free = is_allowed(tenant.phase());
    if !free || !tenants::advance(&mut tx, id, tenant.phase(), Phase::Deleting, None).await? {
        return Err(Failure::operation_running());
    }
    audit::record(&mut tx, user, Some(id.as_str()), "delete").await?;
    tx.commit().await?;
    Ok(resume(server, tenant))
}

/// Begins to remove a tenant whose subscription ended while another operation owned it. Called when one is over.
pub async fn start_if_canceled(server: &Server, id: &TenantId) {
    let is_canceled = async {
        let tenant = tenants::get(&mut *server.store.read().await?, id).await?;
        Ok::<_, StepError>(tenant.is_some_and(|tenant| tenant.subscription_status == "canceled"))
    };
    let begun = match is_canceled.await {
        Ok(false) => return,
        Ok(true) => start(server, id, BY_PROVIDER).await.map(drop).map_err(|failure| format!("{failure:?}")),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = begun {
        tracing::warn!(tenant = %id, error, "its subscription may have ended, and it cannot be removed now");
    }
}

/// Works off a removal that was begun.
pub fn resume(server: &Server, tenant: TenantRow) -> JoinHandle<Option<()>> {
    let worker = server.clone();
    server.background(async move {
        if let Err(error) = remove(&worker, &tenant).await {
            tracing::error!(tenant = %tenant.id(), %error, "the removal stays unfinished until the next start");
        }
    })
}

async fn remove(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    let id = tenant.id();
    let mut left: Vec<(&str, String)> = Vec::new();
    server.doors.close(id);
    if let Some(machine) = &tenant.machine_id
        && let Err(error) = server.provider.destroy_machine(machine).await
    {
        left.push(("machine", format!("{machine}: {error}")));
    }
    if let Err(error) = server.provider.destroy_app(&tenant.app).await {
        left.push((Step::App.word(), format!("{}: {error}", tenant.app)));
    }
    server.registry.forget(id).await;
    let mut tx = server.store.write().await?;
    for (step, detail) in left {
        tracing::error!(tenant = %id, step, %detail, "left behind");
        journal::note(&mut tx, id.as_str(), "removal", step, StepState::Begun, None).await?;
        journal::note(&mut tx, id.as_str(), "removal", step, StepState::Left, Some(&detail)).await?;
    }
    credentials::forget(&mut tx, id.as_str()).await?;
    domains::forget(&mut tx, id).await?;
    subscriptions::cancel(&mut tx, &tenant.subscription_id).await?;
    tenants::bury(&mut tx, id).await?;
    tx.commit().await?;
    server.events.wake_tenant(id);
    Ok(())
}

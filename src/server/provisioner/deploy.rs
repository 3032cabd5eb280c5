//! Phase 2: one image, pinned by digest, becomes the machine that the tenant's address leads to. A new
//! machine is started beside the old one; only when it is healthy does the door lead to it. When it is
//! not, the old one goes on as if nothing had been asked.

use std::time::Duration;
use tokio::task::JoinHandle;

use super::{StepError, announce, app_of, app_url, environment, removal};
use crate::model::{Digest, EventKind, Phase, TenantId};
use crate::server::error::Failure;
use crate::server::events::{self, News, Topic};
use crate::server::provider::{Machine, MachineSpec, ProviderError};
use crate::server::registry::Access;
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{audit, deployments};

/// How long the machine has to pull its image after the deploy was accepted.
const PULL_TOKEN_LIFETIME: Duration = Duration::from_mins(15);
/// How long requests to the replaced machine may take to end.
const DRAIN: Duration = Duration::from_secs(5);
const STEP: &str = "machine";

/// A deploy that was accepted.
#[derive(Debug, Clone)]
struct Deployment {
    id: String,
    /// The tenant as it was before.
    before: TenantRow,
    digest: Digest,
    topic: Topic,
}

/// How an accepted deploy ended.
pub type Outcome = Result<Machine, ProviderError>;

/// Refuses in the phases in which no deploy can begin (protocol F.3).
pub fn allowed(phase: Phase) -> Result<(), Failure> {
    match phase {
        Phase::AwaitingDeploy | Phase::Running | Phase::FailedDeploy => Ok(()),
        Phase::Suspended => Err(Failure::invalid_state("the tenant is suspended; activate it first")),
        Phase::Created | Phase::Provisioning | Phase::FailedInfra => Err(Failure::not_provisioned()),
        Phase::Deploying | Phase::Restarting | Phase::Deleting | Phase::Deleted => Err(Failure::operation_running()),
    }
}

/// Accepts a deploy of `digest`, in one step with the check that nothing else runs, and works it off in
/// the background.
pub async fn start(
    server: &Server,
    tenant: &TenantId,
    digest: Digest,
    user: &str,
) -> Result<JoinHandle<Option<Outcome>>, Failure> {
    let image = server.image_of(tenant).map_err(|error| Failure::internal(error.to_string()))?;
    let mut tx = server.store.write().await?;
    // Read here and not before: a deploy that ended meanwhile left another machine to be replaced.
    let before = tenants::get(&mut tx, tenant).await?.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    allowed(before.phase())?;
    let id = format!("dep_{}", uuid::Uuid::new_v4().simple());
    let topic = Topic::tenant(&before, &id);
    let (kind, step, word) = if before.machine_id.is_none() {
        (EventKind::VmProvisioningStarted, "machine_create", "starting")
    } else {
        (EventKind::VmProvisioningProgress, "machine_update", "updating to")
    };
    let news = News::step(kind, step, format!("{word} {}", digest.short()));
    if !tenants::advance(&mut tx, tenant, before.phase(), Phase::Deploying, None).await? {
        return Err(Failure::operation_running());
    }
    deployments::begin(&mut tx, &id, tenant.as_str(), &image.to_string(), digest.as_str()).await?;
    journal::note(&mut tx, tenant.as_str(), &id, STEP, StepState::Begun, None).await?;
    audit::record(&mut tx, user, Some(tenant.as_str()), "deploy").await?;
    let spoken = events::say(&mut tx, &topic, &news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    let deployment = Deployment { id, before, digest, topic };
    let worker = server.clone();
    Ok(server.tasks.spawn(async move {
        let outcome = worker.stop.run_until_cancelled(work(&worker, &deployment)).await;
        if outcome.is_none() {
            abandon(&worker, &deployment).await;
        } else {
            removal::start_if_canceled(&worker, deployment.before.id()).await;
        }
        outcome
    }))
}

/// Removes what a deploy made that the end of the server cut off. The row stays as it is: the next start says
/// what became of it.
async fn abandon(server: &Server, deployment: &Deployment) {
    // Everything goes in a moment.
    if server.settings.throw_away {
        return;
    }
    let id = deployment.before.id();
    let removed = async {
        // Read now: the deploy may have come so far that its machine is the tenant's.
        let tenant = tenants::get(&mut *server.store.read().await?, id).await?;
        let keep = tenant.and_then(|tenant| tenant.machine_id);
        server.provider.destroy_others(&deployment.before.app, keep.as_deref()).await?;
        Ok::<_, StepError>(())
    };
    if let Err(error) = removed.await {
        tracing::error!(tenant = %id, %error, "the machine of a deploy that was cut off stays until the next start");
    }
}

async fn work(server: &Server, deployment: &Deployment) -> Outcome {
    match attempt(server, deployment).await {
        Ok(machine) => {
            // The tenant is ready: nobody has to wait for the one before to go.
            let (worker, deployment) = (server.clone(), deployment.clone());
            drop(server.background(async move { retire(&worker, &deployment).await }));
            Ok(machine)
        }
        Err(error) => {
            let message = error.to_string();
            tracing::warn!(tenant = %deployment.before.id(), error = %message, "the deploy failed");
            if let Err(error) = give_up(server, deployment, &message).await {
                tracing::error!(tenant = %deployment.before.id(), %error, "the failed deploy cannot be written down");
            }
            Err(match error {
                StepError::Provider(error) => error,
                other => ProviderError::Failed(format!("deploy: {other}")),
            })
        }
    }
}

async fn attempt(server: &Server, deployment: &Deployment) -> Result<Machine, StepError> {
    let tenant = &deployment.before;
    let app = app_of(tenant);
    // Made already in phase 1, unless there was no provider then.
    server.provider.create_app(&app).await?;
    let volume = server.provider.create_volume(&app).await?;
    let image = server.image_of(tenant.id()).map_err(|_| StepError::State("the tenant's image has no valid name"))?;
    let spec = MachineSpec {
        image: image.at(&deployment.digest),
        pull_user: "x".into(),
        pull_token: server.registry_tokens.issue(tenant.id(), Access::Pull, PULL_TOKEN_LIFETIME),
        environment: environment::of(server, tenant).await?,
        memory_mb: u32::try_from(tenant.memory_mb).unwrap_or(256),
        app,
    };
    let machine = server.provider.create_machine(&spec).await?;
    let published = publish(server, deployment, &machine, &volume).await;
    if published.is_err() {
        aim_at_old(server, tenant).await;
        if let Err(error) = server.provider.destroy_machine(&machine.id).await {
            tracing::error!(machine = machine.id, %error, "a machine that nobody needs is left");
        }
    }
    published.map(|()| machine)
}

/// Everything after the machine is healthy, up to the event that says so.
async fn publish(server: &Server, deployment: &Deployment, machine: &Machine, volume: &str) -> Result<(), StepError> {
    let tenant = &deployment.before;
    let deploying = |kind, step, message: String| News { step: Some(step), ..News::new(kind, "deploying", message) };
    let made =
        deploying(EventKind::VmProvisioned, "machine_started", format!("{} is healthy", deployment.digest.short()));
    announce(server, &deployment.topic, &made).await?;
    let configured =
        deploying(EventKind::SecretsConfigured, "secrets_configured", "environment and secrets set".into());
    announce(server, &deployment.topic, &configured).await?;
    if let Some(port) = tenant.port() {
        server.doors.open(tenant.id(), port).await.map_err(|error| StepError::Port { port, error })?;
    }
    server.doors.set_target(tenant.id(), Some(machine.address));
    let url = app_url(tenant);
    let mut ready = News::new(EventKind::TenantReady, "running", "live");
    ready.app_url.clone_from(&url);
    ready.app = Some(tenant.app.clone());
    let mut tx = server.store.write().await?;
    tenants::set_volume(&mut tx, tenant.id(), Some(volume)).await?;
    tenants::set_machine(&mut tx, tenant.id(), &machine.id, deployment.digest.as_str()).await?;
    if !tenants::advance(&mut tx, tenant.id(), Phase::Deploying, Phase::Running, None).await? {
        return Err(StepError::State("the tenant is not being deployed any more"));
    }
    deployments::finish(&mut tx, &deployment.id, Ok(&machine.id)).await?;
    journal::note(&mut tx, tenant.id().as_str(), &deployment.id, STEP, StepState::Done, Some(&machine.id)).await?;
    let spoken = events::say(&mut tx, &deployment.topic, &ready).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

/// Removes the machine that was replaced.
async fn retire(server: &Server, deployment: &Deployment) {
    let Some(old) = &deployment.before.machine_id else { return };
    if let Ok(Some(machine)) = server.provider.find_machine(old).await {
        server.doors.drained(deployment.before.id(), machine.address, DRAIN).await;
    }
    if let Err(error) = server.provider.destroy_machine(old).await {
        tracing::error!(machine = old, %error, "the replaced machine is left");
        let noted = async {
            let mut tx = server.store.write().await?;
            let id = deployment.before.id().as_str();
            journal::note(&mut tx, id, &deployment.id, STEP, StepState::Left, Some(old)).await?;
            tx.commit().await?;
            Ok::<_, StepError>(())
        };
        if let Err(error) = noted.await {
            tracing::error!(%error, "what is left cannot be written down");
        }
    }
}

/// Lets the door lead to the machine that ran before, if it still runs; true when it does.
async fn aim_at_old(server: &Server, tenant: &TenantRow) -> bool {
    let Some(old) = &tenant.machine_id else { return false };
    match server.provider.find_machine(old).await {
        Ok(Some(machine)) => {
            server.doors.set_target(tenant.id(), Some(machine.address));
            true
        }
        Ok(None) => {
            server.doors.set_target(tenant.id(), None);
            false
        }
        // Who cannot be asked has not stopped.
        Err(_) => tenant.phase() == Phase::Running,
    }
}

async fn give_up(server: &Server, deployment: &Deployment, message: &str) -> Result<(), StepError> {
    let tenant = &deployment.before;
    let to = if aim_at_old(server, tenant).await { Phase::Running } else { Phase::FailedDeploy };
    let last_error = format!("{STEP}: {message}");
    let mut tx = server.store.write().await?;
    tenants::advance(&mut tx, tenant.id(), Phase::Deploying, to, Some(&last_error)).await?;
    deployments::finish(&mut tx, &deployment.id, Err(message)).await?;
    journal::note(&mut tx, tenant.id().as_str(), &deployment.id, STEP, StepState::Undone, None).await?;
    let spoken = events::say(&mut tx, &deployment.topic, &News::failed(STEP, message)).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

//! One image, pinned by digest, becomes the machine that the tenant's address leads to: at a deploy, and
//! whenever a machine has to be started again ([`super::restart`]).
//!
//! At a deploy the new machine is started beside the old one; only when it is healthy does the door lead to
//! it. When it is not, the old one goes on as if nothing had been asked. At a restart the old one is stopped
//! first and comes back when the new one does not start.

use std::time::Duration;
use tokio::task::JoinHandle;

use super::steps::Step;
use super::{StepError, announce, app_of, app_url, environment, insist, lapse, note, point};
use crate::model::{Digest, EventKind, Phase, TenantId};
use crate::server::error::Failure;
use crate::server::events::{self, News, Topic};
use crate::server::provider::{AppSpec, LastDeploy, Machine, MachineSpec, ProviderError};
use crate::server::registry::Access;
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::leftovers::{self, Kind};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{Connection, StoreError, audit, deployments};
use crate::server::transitions::{self, Event};

/// How long the machine has to pull its image after the deploy was accepted.
const PULL_TOKEN_LIFETIME: Duration = Duration::from_mins(15);
/// The steps in the journal.
pub const STEP: &str = "machine";
const STOPPED: &str = "machine_stopped";
pub const RETIRED: &str = "machine_retired";

/// What a machine is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A version that was pushed.
    Deploy,
    /// The version that runs, started again with what is set now.
    Restart,
}

impl Purpose {
    /// The phase while it is under way.
    #[must_use]
    pub fn phase(self) -> Phase {
        match self {
            Self::Deploy => Phase::Deploying,
            Self::Restart => Phase::Restarting,
        }
    }
}

/// A machine that is to be started. The tenant's phase is [`Purpose::phase`] already.
#[derive(Debug, Clone)]
pub struct Job {
    /// `dep_...` or the like: names the operation in events and in the journal.
    pub id: String,
    /// The tenant as it was before.
    pub before: TenantRow,
    /// What it runs.
    pub digest: Digest,
    /// Where it is told.
    pub topic: Topic,
    /// Why.
    pub purpose: Purpose,
}

/// How an accepted deploy ended.
pub type Outcome = Result<Machine, ProviderError>;

/// Accepts a deploy of `digest`, in one step with the check that nothing else runs, and works it off in
/// the background.
pub async fn start(
    server: &Server,
    tenant: &TenantId,
    digest: Digest,
    user: &str,
) -> Result<JoinHandle<Option<Outcome>>, Failure> {
    let (worker, tenant, user) = (server.clone(), tenant.clone(), user.to_owned());
    server.unbroken(async move { accept(&worker, &tenant, digest, &user).await }).await
}

async fn accept(
    server: &Server,
    tenant: &TenantId,
    digest: Digest,
    user: &str,
) -> Result<JoinHandle<Option<Outcome>>, Failure> {
    let image = server.image_of(tenant).map_err(|error| Failure::internal(error.to_string()))?;
    let mut tx = server.store.write().await?;
    // Read here and not before: a deploy that ended meanwhile left another machine to be replaced.
    let before = tenants::get(&mut tx, tenant).await?.ok_or_else(|| Failure::not_found("there is no such tenant"))?;
    transitions::ask(&before, Event::Deploy)?;
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
    tenants::claim(&mut tx, tenant, &id).await?;
    deployments::begin(&mut tx, &id, tenant.as_str(), &image.to_string(), digest.as_str()).await?;
    journal::note(&mut tx, tenant.as_str(), &id, STEP, StepState::Begun, None).await?;
    audit::record(&mut tx, user, Some(tenant.as_str()), "deploy").await?;
    let spoken = events::say(&mut tx, &topic, &news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(run(server, Job { id, before, digest, topic, purpose: Purpose::Deploy }))
}

/// Works a job off in the background.
pub fn run(server: &Server, job: Job) -> JoinHandle<Option<Outcome>> {
    let worker = server.clone();
    let ended = server.operations.running.track_future(async move {
        let outcome = worker.stop.run_until_cancelled(work(&worker, &job)).await;
        if outcome.is_none() {
            abandon(&worker, &job).await;
        } else {
            lapse::heed(&worker, job.before.id()).await;
        }
        outcome
    });
    server.tasks.spawn(ended)
}

/// Removes what a job made that the end of the server cut off. The row stays as it is: the next start says
/// what became of it.
async fn abandon(server: &Server, job: &Job) {
    // Everything goes in a moment.
    if server.settings.throw_away {
        return;
    }
    let id = job.before.id();
    let removed = async {
        // Read now: the job may have come so far that its machine is the tenant's.
        let tenant = tenants::get(&mut *server.store.read().await?, id).await?;
        let keep = tenant.and_then(|tenant| tenant.machine_id);
        server.provider.destroy_others(&job.before.app, keep.as_deref()).await?;
        Ok::<_, StepError>(())
    };
    if let Err(error) = removed.await {
        tracing::error!(tenant = %id, %error, "the machine of a deploy that was cut off stays until the next start");
    }
}

async fn work(server: &Server, job: &Job) -> Outcome {
    let ran = runs(server, &job.before).await;
    match attempt(server, job).await {
        Ok(machine) => {
            // The tenant is ready: nobody has to wait for the one before to go. One that was changed in place stays.
            if job.before.machine_id.as_ref() != Some(&machine.id) {
                let (worker, job) = (server.clone(), job.clone());
                drop(server.operation(async move { retire(&worker, &job).await }));
            }
            Ok(machine)
        }
        Err(error) => {
            let message = error.to_string();
            tracing::warn!(tenant = %job.before.id(), error = %message, purpose = ?job.purpose, "no machine");
            insist("the failure of a machine", || give_up(server, job, ran, &message)).await;
            Err(match error {
                StepError::Provider(error) => error,
                other => ProviderError::Failed(format!("deploy: {other}")),
            })
        }
    }
}

async fn attempt(server: &Server, job: &Job) -> Result<Machine, StepError> {
    let tenant = &job.before;
    let app = app_of(tenant);
    let volume = ensure_volume(server, job, &app).await?;
    let image = server.image_of(tenant.id()).map_err(|_| StepError::State("the tenant's image has no valid name"))?;
    if job.purpose == Purpose::Restart
        && let Some(old) = &tenant.machine_id
    {
        server.doors.set_target(tenant.id(), None);
        note(server, tenant.id(), &job.id, STOPPED, StepState::Begun, Some(old)).await?;
        point(server, STOPPED, "begun").await?;
        server.provider.stop_machine(old).await?;
        point(server, STOPPED, "done").await?;
        note(server, tenant.id(), &job.id, STOPPED, StepState::Done, Some(old)).await?;
        point(server, STOPPED, "noted").await?;
        let news = said(job, EventKind::VmProvisioningProgress, "machine_stopped", "the machine is stopped".into());
        announce(server, &job.topic, &news).await?;
    }
    let environment = environment::of(server, tenant.id()).await?;
    let last = tenant.image_digest.as_deref().and_then(|raw| Digest::new(raw).ok());
    let spec = MachineSpec {
        image: image.at(&job.digest),
        replaces: tenant.machine_id.clone(),
        last_deploy: last.map(|last| LastDeploy { image: image.at(&last), at: tenant.deployed_at.clone() }),
        pull_user: "x".into(),
        pull_token: server.registry_tokens.issue(tenant.id(), Access::Pull, PULL_TOKEN_LIFETIME),
        environment: environment.variables.into_iter().map(|variable| (variable.key, variable.value)).collect(),
        memory_mb: environment.memory_mb,
        app,
    };
    point(server, STEP, "begun").await?;
    server.settings.faults.reach("machine_create").await?;
    let machine = server.provider.create_machine(&spec).await?;
    let published = async {
        point(server, STEP, "done").await?;
        note(server, tenant.id(), &job.id, STEP, StepState::Done, Some(&machine.id)).await?;
        point(server, STEP, "noted").await?;
        publish(server, job, &machine, &volume, environment.version).await
    };
    let published = published.await;
    if published.is_err() {
        // A commit whose answer was lost may have been one.
        let now = tenants::get(&mut *server.store.read().await?, tenant.id()).await?;
        if now.is_some_and(|now| now.phase() == Phase::Running && now.machine_id.as_ref() == Some(&machine.id)) {
            server.events.wake_tenant(tenant.id());
            return Ok(machine);
        }
        aim_at_old(server, tenant).await;
        if tenant.machine_id.as_ref() != Some(&machine.id)
            && let Err(error) = server.provider.destroy_machine(&machine.id).await
        {
            leave(server, job, STEP, &machine.id, &error).await;
        }
    }
    published.map(|()| machine)
}

/// The app and its volume: made already in phase 1, unless there was no provider then.
async fn ensure_volume(server: &Server, job: &Job, app: &AppSpec) -> Result<String, StepError> {
    let (id, step) = (job.before.id(), Step::Volume.word());
    let is_new = job.before.volume_id.is_none();
    if is_new {
        note(server, id, &job.id, step, StepState::Begun, None).await?;
    }
    server.provider.create_app(app).await?;
    let volume = server.provider.create_volume(app).await?;
    if is_new {
        let mut tx = server.store.write().await?;
        tenants::set_volume(&mut tx, id, Some(&volume)).await?;
        journal::note(&mut tx, id.as_str(), &job.id, step, StepState::Done, Some(&volume)).await?;
        tx.commit().await?;
    }
    Ok(volume)
}

/// Notes a machine that could not be removed, so that it is tried again.
async fn leave(server: &Server, job: &Job, step: &str, machine: &str, error: &ProviderError) {
    tracing::error!(machine, %error, step, "a machine that nobody needs is left; it is tried again");
    let noted = async {
        let id = job.before.id().as_str();
        let mut tx = server.store.write().await?;
        journal::note(&mut tx, id, &job.id, step, StepState::Left, Some(machine)).await?;
        leftovers::note(&mut tx, id, Kind::Machine, machine, &error.to_string()).await?;
        tx.commit().await?;
        Ok::<_, StepError>(())
    };
    if let Err(error) = noted.await {
        tracing::error!(%error, "what is left cannot be written down");
    }
}

/// True while the tenant is the job's: nobody else has moved it meanwhile.
async fn owns(db: &mut Connection, job: &Job) -> Result<bool, StoreError> {
    let tenant = tenants::get(db, job.before.id()).await?;
    Ok(tenant.is_some_and(|now| now.phase() == job.purpose.phase() && now.operation.as_deref() == Some(&job.id)))
}

fn said(job: &Job, kind: EventKind, step: &'static str, message: String) -> News {
    News { step: Some(step), ..News::new(kind, job.purpose.phase().as_str(), message) }
}

/// Everything after the machine is healthy, up to the event that says so.
async fn publish(
    server: &Server,
    job: &Job,
    machine: &Machine,
    volume: &str,
    environment_version: i64,
) -> Result<(), StepError> {
    let tenant = &job.before;
    let faults = &server.settings.faults;
    let healthy = format!("{} is healthy", job.digest.short());
    faults.reach("machine_started").await?;
    match job.purpose {
        Purpose::Deploy => {
            announce(server, &job.topic, &said(job, EventKind::VmProvisioned, "machine_started", healthy)).await?;
            faults.reach("secrets_configured").await?;
            let set = "environment and secrets set".into();
            let configured = said(job, EventKind::SecretsConfigured, "secrets_configured", set);
            announce(server, &job.topic, &configured).await?;
        }
        Purpose::Restart => {
            let started = said(job, EventKind::VmProvisioningProgress, "machine_started", healthy);
            announce(server, &job.topic, &started).await?;
        }
    }
    faults.reach("machine_switch").await?;
    if let Some(port) = tenant.port()
        && let Err(error) = server.doors.open(tenant.id(), port).await
    {
        tracing::warn!(tenant = %tenant.id(), port, %error, "the tenant's own port cannot be opened");
    }
    server.doors.set_target(tenant.id(), Some(machine.address));
    let url = app_url(server, tenant);
    let mut ready = News::new(EventKind::TenantReady, "running", "live");
    ready.app_url.clone_from(&url);
    ready.app = Some(tenant.app.clone());
    point(server, "switched", "begun").await?;
    let mut tx = server.store.write().await?;
    if !owns(&mut tx, job).await? {
        return Err(StepError::State("the tenant is not being deployed any more"));
    }
    tenants::set_volume(&mut tx, tenant.id(), Some(volume)).await?;
    tenants::set_machine(&mut tx, tenant.id(), &machine.id, environment_version).await?;
    let to = transitions::following(job.purpose.phase(), Event::MachineStarted, tenant.into());
    tenants::advance(&mut tx, tenant.id(), job.purpose.phase(), to, None).await?;
    if job.purpose == Purpose::Deploy {
        tenants::set_image(&mut tx, tenant.id(), job.digest.as_str()).await?;
        deployments::finish(&mut tx, &job.id, Ok(&machine.id)).await?;
    }
    journal::note(&mut tx, tenant.id().as_str(), &job.id, "switched", StepState::Begun, Some(&machine.id)).await?;
    journal::note(&mut tx, tenant.id().as_str(), &job.id, "switched", StepState::Done, Some(&machine.id)).await?;
    if let Some(old) = &tenant.machine_id {
        journal::note(&mut tx, tenant.id().as_str(), &job.id, RETIRED, StepState::Begun, Some(old)).await?;
    }
    let spoken = events::say(&mut tx, &job.topic, &ready).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

/// Removes the machine that was replaced.
async fn retire(server: &Server, job: &Job) {
    let Some(old) = &job.before.machine_id else { return };
    if let Ok(Some(machine)) = server.provider.find_machine(old).await {
        server.doors.drained(job.before.id(), machine.address, server.settings.door.drain).await;
    }
    let retired = async {
        point(server, RETIRED, "begun").await?;
        if let Err(error) = server.provider.destroy_machine(old).await {
            leave(server, job, RETIRED, old, &error).await;
            return Ok(());
        }
        point(server, RETIRED, "done").await?;
        note(server, job.before.id(), &job.id, RETIRED, StepState::Done, Some(old)).await?;
        point(server, RETIRED, "noted").await
    };
    if let Err(error) = retired.await {
        tracing::error!(machine = old, %error, "the replaced machine is left until it is found");
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

/// True when the tenant's machine runs now.
async fn runs(server: &Server, tenant: &TenantRow) -> bool {
    match &tenant.machine_id {
        Some(machine) => matches!(server.provider.find_machine(machine).await, Ok(Some(_))),
        None => false,
    }
}

async fn give_up(server: &Server, job: &Job, ran: bool, message: &str) -> Result<(), StepError> {
    let tenant = &job.before;
    let event = match job.purpose {
        Purpose::Deploy if aim_at_old(server, tenant).await => Event::UpdateError,
        Purpose::Deploy => Event::FirstMachineError,
        Purpose::Restart => {
            // A person is told that it failed (protocol F.3); the tenant's users need not notice.
            if ran
                && let Some(old) = &tenant.machine_id
                && owns(&mut *server.store.read().await?, job).await?
                && let Err(error) = server.provider.start_machine(old).await
            {
                tracing::warn!(machine = old, %error, "the machine from before does not come back");
            }
            aim_at_old(server, tenant).await;
            Event::FirstMachineError
        }
    };
    let last_error = format!("{STEP}: {message}");
    let to = transitions::following(job.purpose.phase(), event, tenant.into());
    let mut tx = server.store.write().await?;
    journal::note(&mut tx, tenant.id().as_str(), &job.id, STEP, StepState::Undone, None).await?;
    if !owns(&mut tx, job).await? {
        tx.commit().await?;
        return yield_to_other(server, job).await;
    }
    tenants::advance(&mut tx, tenant.id(), job.purpose.phase(), to, Some(&last_error)).await?;
    if job.purpose == Purpose::Deploy {
        deployments::finish(&mut tx, &job.id, Err(message)).await?;
    }
    let spoken = events::say(&mut tx, &job.topic, &News::failed(STEP, message)).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

/// The tenant was suspended while it was being restarted: its machine from before, which may have been started again
/// here, has to rest too. Whatever else owns the tenant sees to its machines itself.
async fn yield_to_other(server: &Server, job: &Job) -> Result<(), StepError> {
    let now = tenants::get(&mut *server.store.read().await?, job.before.id()).await?;
    if let (Some(now), Some(old)) = (now, &job.before.machine_id)
        && now.phase() == Phase::Suspended
    {
        server.doors.set_target(now.id(), None);
        server.provider.stop_machine(old).await?;
    }
    Ok(())
}

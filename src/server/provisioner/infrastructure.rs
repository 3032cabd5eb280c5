//! Phase 1: from the row to infrastructure that waits for its first deploy, and the retry of it.

use super::steps::Step;
use super::{StepError, announce, removal};
use crate::model::{EventKind, Phase, SessionId, TenantId};
use crate::server::error::Failure;
use crate::server::events::{self, News, Topic};
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{StoreError, sessions};

/// Runs phase 1 of a tenant that was just created, in the background.
pub fn start(server: &Server, tenant: TenantId, topic: Topic) {
    let worker = server.clone();
    drop(server.background(async move {
        let moved = async {
            let mut tx = worker.store.write().await?;
            let moved = tenants::advance(&mut tx, &tenant, Phase::Created, Phase::Provisioning, None).await?;
            if let Some(session) = &topic.session {
                sessions::set_status(&mut tx, session.as_str(), "provisioning").await?;
            }
            tx.commit().await?;
            Ok::<_, StoreError>(moved)
        };
        match moved.await {
            Ok(true) => run(&worker, &tenant, &topic).await,
            Ok(false) => tracing::info!(%tenant, "the tenant was removed before its infrastructure was made"),
            Err(error) => tracing::error!(%tenant, %error, "phase 1 cannot begin"),
        }
    }));
}

/// Cleans up after a failed phase 1 and runs it again, in the background. The caller checked the phase;
/// it is checked again here, in the transaction that moves it.
pub async fn retry(server: &Server, tenant: &TenantRow) -> Result<(), Failure> {
    let (worker, tenant) = (server.clone(), tenant.clone());
    server.unbroken(async move { accept_retry(&worker, tenant).await }).await
}

async fn accept_retry(server: &Server, tenant: TenantRow) -> Result<(), Failure> {
    let topic = Topic::tenant(&tenant, &uuid::Uuid::new_v4().to_string());
    let news = News::step(EventKind::VmProvisioningProgress, "cleanup", "removing what the failed run left");
    let mut tx = server.store.write().await?;
    if !tenants::advance(&mut tx, tenant.id(), tenant.phase(), Phase::Provisioning, None).await? {
        return Err(Failure::operation_running());
    }
    sessions::set_status(&mut tx, &tenant.checkout_session_id, "provisioning").await?;
    let spoken = events::say(&mut tx, &topic, &news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    let worker = server.clone();
    drop(server.background(async move {
        if let Err(error) = clean(&worker, &tenant, &topic).await {
            tracing::error!(tenant = %tenant.id(), %error, "cleaning up failed");
        }
        run(&worker, tenant.id(), &topic).await;
    }));
    Ok(())
}

/// Undoes, last first, every infrastructure step that the journal says was begun. Best effort: what
/// cannot be undone is noted, and the steps that follow are idempotent.
async fn clean(server: &Server, tenant: &TenantRow, topic: &Topic) -> Result<(), StepError> {
    let states = journal::last_states(&mut *server.store.read().await?, tenant.id().as_str()).await?;
    for (word, state) in states.into_iter().rev() {
        let Some(step) = Step::from_word(&word).filter(|step| step.is_infrastructure()) else { continue };
        if state == StepState::Undone {
            continue;
        }
        let undone = step.undo(server, tenant).await;
        let error = undone.err().map(|error| error.to_string());
        let state = if error.is_none() { StepState::Undone } else { StepState::Left };
        note(server, tenant.id(), topic, step, state, error.as_deref()).await?;
    }
    Ok(())
}

async fn run(server: &Server, id: &TenantId, topic: &Topic) {
    perform(server, id, topic).await;
    removal::start_if_canceled(server, id).await;
}

async fn perform(server: &Server, id: &TenantId, topic: &Topic) {
    let mut at = "provisioning";
    let Err(error) = steps(server, id, topic, &mut at).await else { return };
    let message = error.to_string();
    tracing::warn!(tenant = %id, step = at, error = %message, "phase 1 failed");
    if let Err(error) = fail(server, id, topic, at, &message).await {
        tracing::error!(tenant = %id, %error, "the failure of phase 1 cannot be written down");
    }
}

async fn steps(server: &Server, id: &TenantId, topic: &Topic, at: &mut &'static str) -> Result<(), StepError> {
    let gone = || StepError::State("the tenant is gone");
    let tenant = tenants::get(&mut *server.store.read().await?, id).await?.ok_or_else(gone)?;
    for step in Step::ALL {
        if step == Step::App {
            *at = "provisioning_started";
            tokio::time::sleep(server.settings.step_delay).await;
            let kind = EventKind::VmProvisioningStarted;
            announce(server, topic, &News::step(kind, "provisioning_started", "creating cloud infrastructure")).await?;
        }
        *at = step.word();
        if step.probe(server, &tenant).await? {
            continue;
        }
        tokio::time::sleep(server.settings.step_delay).await;
        note(server, id, topic, step, StepState::Begun, None).await?;
        server.settings.faults.reach(step.word()).await?;
        let done = step.run(server, &tenant).await?;
        let message = if step.is_infrastructure() { format!("{}: {done}", step.word()) } else { done };
        let mut tx = server.store.write().await?;
        journal::note(&mut tx, id.as_str(), &topic.operation, step.word(), StepState::Done, None).await?;
        let spoken = events::say(&mut tx, topic, &News::step(step.event(), step.word(), message)).await?;
        tx.commit().await?;
        server.events.wake(&spoken);
    }
    *at = "infrastructure_ready";
    tokio::time::sleep(server.settings.step_delay).await;
    let mut news = News::new(EventKind::InfrastructureReady, "awaiting_deploy", "ready for the first deploy");
    news.app = Some(tenant.app.clone());
    finish(server, &tenant, topic, Phase::AwaitingDeploy, None, "done", &news).await
}

async fn fail(server: &Server, id: &TenantId, topic: &Topic, at: &'static str, message: &str) -> Result<(), StepError> {
    let Some(tenant) = tenants::get(&mut *server.store.read().await?, id).await? else { return Ok(()) };
    let last_error = format!("{at}: {message}");
    let news = News::failed(at, message);
    finish(server, &tenant, topic, Phase::FailedInfra, Some(&last_error), "failed", &news).await
}

/// Ends phase 1: the phase, the session and the last event in one transaction.
async fn finish(
    server: &Server,
    tenant: &TenantRow,
    topic: &Topic,
    to: Phase,
    last_error: Option<&str>,
    session: &str,
    news: &News,
) -> Result<(), StepError> {
    let mut tx = server.store.write().await?;
    if !tenants::advance(&mut tx, tenant.id(), Phase::Provisioning, to, last_error).await? {
        return Err(StepError::State("the tenant is not being provisioned any more"));
    }
    sessions::set_status(&mut tx, &tenant.checkout_session_id, session).await?;
    let spoken = events::say(&mut tx, topic, news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    Ok(())
}

async fn note(
    server: &Server,
    id: &TenantId,
    topic: &Topic,
    step: Step,
    state: StepState,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    let mut tx = server.store.write().await?;
    journal::note(&mut tx, id.as_str(), &topic.operation, step.word(), state, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// The topic of a first run: said on the checkout stream too.
#[must_use]
pub fn first_topic(session: &SessionId, tenant: (TenantId, String), operation: &str) -> Topic {
    Topic {
        session: Some(session.clone()),
        tenant: Some(tenant),
        on_tenant_stream: true,
        operation: operation.to_owned(),
    }
}

//! Phase 1: from the row to infrastructure that waits for its first deploy, and the retry of it.

use super::steps::Step;
use super::{StepError, announce, insist, lapse, note, point};
use crate::model::{EventKind, Phase, SessionId, TenantId};
use crate::server::error::Failure;
use crate::server::events::{self, News, Topic};
use crate::server::state::Server;
use crate::server::store::journal::{self, StepState};
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{audit, sessions};
use crate::server::transitions::{self, Event, Facts};

/// Runs phase 1 of a tenant that was just created, in the background.
pub fn start(server: &Server, tenant: TenantId, topic: Topic) {
    let worker = server.clone();
    drop(server.operation(async move {
        let moved = async {
            point(&worker, "provisioning", "begun").await?;
            let mut tx = worker.store.write().await?;
            if !tenants::advance(&mut tx, &tenant, Phase::Created, Phase::Provisioning, None).await? {
                return Ok(false);
            }
            tenants::claim(&mut tx, &tenant, &topic.operation).await?;
            if let Some(session) = &topic.session {
                sessions::set_status(&mut tx, session.as_str(), "provisioning").await?;
            }
            tx.commit().await?;
            Ok::<_, StepError>(true)
        };
        match moved.await {
            Ok(true) => run(&worker, &tenant, &topic).await,
            Ok(false) => tracing::info!(%tenant, "the tenant was removed before its infrastructure was made"),
            Err(error) => {
                tracing::error!(%tenant, %error, "phase 1 cannot begin");
                let message = error.to_string();
                insist("a phase 1 that cannot begin", || fail(&worker, &tenant, &topic, "provisioning", &message))
                    .await;
            }
        }
    }));
}

/// Cleans up after a failed phase 1 and runs it again, in the background. The caller checked the phase;
/// it is checked again here, in the transaction that moves it.
pub async fn retry(server: &Server, tenant: &TenantRow, user: &str) -> Result<(), Failure> {
    let (worker, tenant, user) = (server.clone(), tenant.clone(), user.to_owned());
    server.unbroken(async move { accept_retry(&worker, tenant, &user).await }).await
}

async fn accept_retry(server: &Server, tenant: TenantRow, user: &str) -> Result<(), Failure> {
    let topic = Topic::tenant(&tenant, &uuid::Uuid::new_v4().to_string());
    let news = News::step(EventKind::VmProvisioningProgress, "cleanup", "removing what the failed run left");
    let mut tx = server.store.write().await?;
    if !tenants::advance(&mut tx, tenant.id(), tenant.phase(), Phase::Provisioning, None).await? {
        return Err(Failure::operation_running());
    }
    tenants::claim(&mut tx, tenant.id(), &topic.operation).await?;
    sessions::set_status(&mut tx, &tenant.checkout_session_id, "provisioning").await?;
    audit::record(&mut tx, user, Some(tenant.id().as_str()), "retry").await?;
    let spoken = events::say(&mut tx, &topic, &news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    let worker = server.clone();
    drop(server.operation(async move {
        if let Err(error) = clean(&worker, &tenant, &topic).await {
            tracing::error!(tenant = %tenant.id(), %error, "cleaning up failed");
        }
        run(&worker, tenant.id(), &topic).await;
    }));
    Ok(())
}

/// Undoes, last first, every infrastructure step that the journal says was begun, and nothing that was there before it.
/// Best effort: what cannot be undone is noted, and the steps that follow are idempotent.
async fn clean(server: &Server, tenant: &TenantRow, topic: &Topic) -> Result<(), StepError> {
    let states = journal::last_states(&mut *server.store.read().await?, tenant.id().as_str()).await?;
    let keeps_volume = states.contains(&(Step::Volume.word().to_owned(), StepState::Found));
    for (word, state) in states.into_iter().rev() {
        let Some(step) = Step::from_word(&word).filter(|step| step.is_infrastructure()) else { continue };
        if matches!(state, StepState::Undone | StepState::Found) {
            continue;
        }
        point(server, step.word(), "undoing").await?;
        let undone = if step == Step::App && keeps_volume {
            // The provider would remove the app together with the volume.
            server.provider.destroy_others(&tenant.app, None).await.map_err(StepError::from)
        } else {
            step.undo(server, tenant).await
        };
        let error = undone.err().map(|error| error.to_string());
        point(server, step.word(), "undone").await?;
        let state = if error.is_none() { StepState::Undone } else { StepState::Left };
        note(server, tenant.id(), &topic.operation, step.word(), state, error.as_deref()).await?;
    }
    Ok(())
}

async fn run(server: &Server, id: &TenantId, topic: &Topic) {
    perform(server, id, topic).await;
    lapse::heed(server, id).await;
}

async fn perform(server: &Server, id: &TenantId, topic: &Topic) {
    let mut at = "provisioning";
    let Err(error) = steps(server, id, topic, &mut at).await else { return };
    let message = error.to_string();
    tracing::warn!(tenant = %id, step = at, error = %message, "phase 1 failed");
    insist("the failure of phase 1", || fail(server, id, topic, at, &message)).await;
}

async fn steps(server: &Server, id: &TenantId, topic: &Topic, at: &mut &'static str) -> Result<(), StepError> {
    let gone = || StepError::State("the tenant is gone");
    let tenant = tenants::get(&mut *server.store.read().await?, id).await?.ok_or_else(gone)?;
    // What earlier runs began and did not undo is ours, whatever is found.
    let states = journal::last_states(&mut *server.store.read().await?, id.as_str()).await?;
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
        let is_ours = states.iter().any(|(word, state)| {
            word == step.word() && matches!(state, StepState::Begun | StepState::Done | StepState::Left)
        });
        let is_found = !is_ours && step.is_there(server, &tenant).await?;
        let state = if is_found { StepState::Found } else { StepState::Begun };
        note(server, id, &topic.operation, step.word(), state, None).await?;
        server.settings.faults.reach(step.word()).await?;
        point(server, step.word(), "begun").await?;
        let done = step.run(server, &tenant).await?;
        point(server, step.word(), "done").await?;
        let message = if step.is_infrastructure() { format!("{}: {done}", step.word()) } else { done };
        let mut tx = server.store.write().await?;
        if !is_found {
            journal::note(&mut tx, id.as_str(), &topic.operation, step.word(), StepState::Done, None).await?;
        }
        let spoken = events::say(&mut tx, topic, &News::step(step.event(), step.word(), message)).await?;
        tx.commit().await?;
        server.events.wake(&spoken);
        point(server, step.word(), "noted").await?;
    }
    *at = "infrastructure_ready";
    tokio::time::sleep(server.settings.step_delay).await;
    let mut news = News::new(EventKind::InfrastructureReady, "awaiting_deploy", "ready for the first deploy");
    news.app = Some(tenant.app.clone());
    finish(server, &tenant, topic, Event::InfrastructureDone, None, "done", &news).await
}

async fn fail(server: &Server, id: &TenantId, topic: &Topic, at: &'static str, message: &str) -> Result<(), StepError> {
    let Some(tenant) = tenants::get(&mut *server.store.read().await?, id).await? else { return Ok(()) };
    let last_error = format!("{at}: {message}");
    let news = News::failed(at, message);
    finish(server, &tenant, topic, Event::InfrastructureError, Some(&last_error), "failed", &news).await
}

/// Ends phase 1: the phase, the session and the last event in one transaction.
async fn finish(
    server: &Server,
    tenant: &TenantRow,
    topic: &Topic,
    event: Event,
    last_error: Option<&str>,
    session: &str,
    news: &News,
) -> Result<(), StepError> {
    let to = transitions::following(tenant.phase(), event, Facts::default());
    let mut tx = server.store.write().await?;
    if !tenants::advance(&mut tx, tenant.id(), tenant.phase(), to, last_error).await? {
        return Err(StepError::State("the tenant is not being provisioned any more"));
    }
    sessions::set_status(&mut tx, &tenant.checkout_session_id, session).await?;
    let spoken = events::say(&mut tx, topic, news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
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

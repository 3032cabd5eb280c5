//! Machines that end, or start again by themselves, between two deploys: the tenant's door follows them. A machine
//! that starts again may answer elsewhere, and where it answered before there may be somebody else's.

use futures_util::StreamExt as _;
use std::time::Duration;

use super::{StepError, app_url};
use crate::model::{EventKind, Phase, TenantId};
use crate::server::events::{self, News, Topic};
use crate::server::provider::ProviderError;
use crate::server::state::Server;
use crate::server::store::tenants::{self, TenantRow};
use crate::server::transitions::{self, Event, Facts, Verdict};

/// Pause before a provider that did not answer, or was lost, is asked again.
const PAUSE: Duration = Duration::from_secs(5);
/// How the last error of a tenant begins whose machine ended by itself. One that runs again takes back this one only.
const ENDED: &str = "the machine does not run any more";

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
        look_on(server, tenant.id()).await?;
    }
    while let Some(machine) = changes.next().await {
        let tenant = tenants::of_machine(&mut *server.store.read().await?, &machine).await?;
        if let Some(tenant) = tenant {
            look_on(server, tenant.id()).await?;
        }
    }
    Ok(())
}

/// Looks, and does not let one tenant's trouble keep the others from being looked at: only a provider that does not answer
/// at all ends it.
async fn look_on(server: &Server, id: &TenantId) -> Result<(), StepError> {
    match look(server, id).await {
        Err(error @ StepError::Provider(ProviderError::Unavailable(_))) => Err(error),
        Err(error) => {
            tracing::warn!(tenant = %id, %error, "the tenant's machine cannot be looked at now");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Lets the tenant's door lead to where its machine is now, unless an operation owns the tenant, and keeps the phase
/// true: a machine that ended is a failed deploy, one that ran again by itself is none (protocol F.3).
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
    match (tenant.phase(), found) {
        (Phase::Running, None) if server.provider.has_ended(machine).await? => mark_ended(server, &tenant).await,
        (Phase::FailedDeploy, Some(_))
            if tenant.last_error.as_deref().is_some_and(|error| error.starts_with(ENDED)) =>
        {
            mark_alive(server, &tenant).await
        }
        _ => Ok(()),
    }
}

/// Writes down that a running tenant's machine has ended by itself.
pub async fn mark_ended(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    let why = match &tenant.machine_id {
        Some(machine) => server.provider.why_ended(machine).await,
        None => None,
    };
    let words = why.map_or_else(|| ENDED.to_owned(), |why| format!("{ENDED}: it {why}"));
    let news = News::failed("machine", &words);
    settle(server, tenant, Event::UpdateError, Some(&words), &news).await
}

async fn mark_alive(server: &Server, tenant: &TenantRow) -> Result<(), StepError> {
    let mut news = News::new(EventKind::TenantReady, "running", "the machine runs again");
    news.app_url = app_url(server, tenant);
    news.app = Some(tenant.app.clone());
    settle(server, tenant, Event::MachineReturned, None, &news).await
}

/// Moves the phase, unless an operation or another machine came in between.
async fn settle(
    server: &Server,
    tenant: &TenantRow,
    event: Event,
    last_error: Option<&str>,
    news: &News,
) -> Result<(), StepError> {
    let mut tx = server.store.write().await?;
    let Some(now) = tenants::get(&mut tx, tenant.id()).await? else { return Ok(()) };
    let same = now.machine_id == tenant.machine_id && now.phase() == tenant.phase();
    let Verdict::Move(to) = transitions::next(now.phase(), event, Facts::from(&now)) else { return Ok(()) };
    if !same || !tenants::advance(&mut tx, now.id(), now.phase(), to, last_error).await? {
        return Ok(());
    }
    let topic = Topic::tenant(tenant, &uuid::Uuid::new_v4().to_string());
    let spoken = events::say(&mut tx, &topic, news).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    tracing::warn!(tenant = %tenant.id(), phase = to.as_str(), "the tenant's machine ended or began by itself");
    Ok(())
}

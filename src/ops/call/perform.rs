//! Which operation a [`Call`] stands for.

use super::{Call, Reply};
use crate::api::ApiError;
use crate::model::{Begun, Check, Problem, Renewal, TenantId};
use crate::ops::doctor::offline;
use crate::ops::{
    Session, credentials, diagnostics, domain, external_access, history, init, kept_tenants, lifecycle, local, rotate,
    secrets, stored, variables,
};
use crate::workspace::{profile, tenants_file};

/// Does what is asked for. May be dropped at any time; what the server has been told by then is done there, and
/// credentials that it hands out once are stored all the same. Must be called on the runtime.
///
/// # Errors
/// What a person is told: the server's refusal in plain words, or what this machine lacks.
pub async fn perform(session: &Session, call: Call) -> Result<Reply, Problem> {
    let client = session.client();
    let told = |error: ApiError| error.problem();
    Ok(match call {
        Call::Me => Reply::Me(client.me().await.map_err(told)?),
        Call::Plans => Reply::Plans(client.plans().await.map_err(told)?),
        Call::Tenants => {
            let list = Box::pin(kept_tenants::list(session)).await?;
            Reply::Tenants { tenants: list.tenants, rejected: list.rejected }
        }
        Call::LocalTenants => {
            let project = session.project().clone();
            Reply::LocalTenants(stored::blocking(move || tenants_file::local_tenants(&project)).await?)
        }
        Call::Diagnostics => Reply::Diagnostics(Box::new(Box::pin(diagnostics::gather(session)).await)),
        Call::LocalStatuses => Reply::LocalStatuses(Box::pin(local::statuses(session.project())).await?),
        Call::LocalDefaults => Reply::LocalDefaults(local::defaults(session.project()).await?),
        Call::StartLocal(id) => Reply::LocalStarted(Box::new(Box::pin(local::start(session.project(), &id)).await?)),
        Call::StopLocal(id) => Reply::LocalStopped(Box::new(Box::pin(local::stop(session.project(), &id)).await?)),
        Call::RenameLocal { id, name } => {
            Reply::LocalRenamed(Box::new(local::rename(session.project(), &id, &name).await?))
        }
        Call::DeleteLocal { id, data } => {
            Reply::LocalDeleted(Box::pin(local::delete(session.project(), &id, data)).await?)
        }
        Call::Tenant(id) => Reply::Tenant(Box::new(client.tenant(&id).await.map_err(told)?)),
        Call::Status(id) => Reply::Status(Box::new(client.status(&id).await.map_err(told)?)),
        Call::Restart(id) => begun(client.restart(&id).await.map_err(told)?),
        Call::Suspend(id) => lifecycle::suspend(session, &id).await?.into(),
        Call::Activate(id) => lifecycle::activate(session, &id).await?.into(),
        Call::RetryProvision(id) => begun(client.retry_provision(&id).await.map_err(told)?),
        Call::Delete { id } => {
            let already = !client.delete(&id).await.map_err(told)?;
            Box::pin(kept_tenants::remove(session, &id)).await;
            Reply::Deleted { already }
        }
        Call::CancelSubscription(id) => {
            client.cancel_subscription(&id).await.map_err(told)?;
            Box::pin(kept_tenants::remove(session, &id)).await;
            Reply::SubscriptionCanceled
        }
        Call::Rename { id, name } => {
            let renamed = client.rename(&id, name.trim()).await.map_err(told)?;
            Box::pin(kept_tenants::put(session, &renamed)).await;
            Reply::Tenant(Box::new(renamed))
        }
        Call::ScaleMemory { id, memory_mb } => {
            Reply::Tenant(Box::new(client.scale(&id, memory_mb).await.map_err(told)?))
        }
        Call::Rotate(id) => Reply::Rotated(Box::new(rotate::run(session, &id).await?)),
        Call::OneTimeCredentials(id) => Reply::OneTimeCredentials(Box::new(credentials::run(session, &id).await?)),
        Call::Secrets(id) => Reply::Secrets(client.secrets(&id).await.map_err(told)?),
        Call::SetSecrets { id, secrets, restart } => {
            let variables::Set { set, ignored, keys } = variables::set(session, &id, secrets, restart).await?;
            Reply::SecretsSet { set, ignored, keys, restarted: restart }
        }
        Call::UnsetSecret { id, key } => {
            let (key, was_there) = variables::unset(session, &id, &key).await?;
            Reply::SecretUnset { key, already: !was_there }
        }
        Call::SyncSecrets(id) => sync(session, id).await?,
        Call::Environment(id) => Reply::Environment(client.environment(&id).await.map_err(told)?),
        Call::Metrics(id) => Reply::Metrics(client.metrics(&id).await.map_err(told)?),
        Call::MetricsHistory { id, range } => {
            Reply::MetricsHistory(client.metrics_history(&id, range).await.map_err(told)?)
        }
        Call::Subscription(id) => Reply::Subscription(Box::new(client.subscription(&id).await.map_err(told)?)),
        Call::ChangePlan { id, price_id } => {
            // The terminal waits on the session's stream.
            let renewal = Renewal { price_id, redirect_uri: None };
            Reply::Checkout(client.change_plan(&id, &renewal).await.map_err(told)?)
        }
        Call::Domain(id) => Reply::Domain(domain::show(session, &id).await?.map(Box::new)),
        Call::SetDomain { id, domain } => Reply::Domain(Some(Box::new(domain::set(session, &id, &domain).await?))),
        Call::RemoveDomain(id) => Reply::DomainRemoved { already: !domain::remove(session, &id).await? },
        Call::ExternalAccess { id, enabled } => {
            Reply::ExternalAccess(Box::new(Box::pin(external_access::switch(session, &id, enabled)).await?))
        }
        Call::Logs { id, lines } => Reply::Logs(client.logs(&id, lines).await.map_err(told)?),
        Call::Deployments(id) => Reply::Deployments(client.deployments(&id).await.map_err(told)?),
        Call::LocalHistory(id) => Reply::LocalHistory(Box::new(history::of_tenant(session, &id).await?)),
        Call::FirstDeploy(id) => Reply::FirstDeploy(first_deploy(session, id).await?),
        Call::PlanSetUp => Reply::SetUpPlan(Box::new(init::plan(session.project().root.clone()).await?)),
        Call::SetUp(plan) => Reply::SetUp(Box::new(init::set_up(*plan).await?)),
    })
}

fn begun(begun: Begun) -> Reply {
    Reply::Begun { begun, already: false }
}

impl From<lifecycle::Switched> for Reply {
    fn from(switched: lifecycle::Switched) -> Self {
        Self::Begun { begun: switched.begun, already: switched.already }
    }
}

/// Reads the project's files, and nothing else.
async fn first_deploy(session: &Session, id: TenantId) -> Result<Vec<Check>, Problem> {
    let (project, is_local_api) = (session.project().clone(), session.client().base().is_loopback());
    let work = move || offline::first_deploy(&project, &id, is_local_api);
    let looked = tokio::task::spawn_blocking(work).await;
    looked.map_err(|stopped| Problem::new("The project could not be looked at.").detail(stopped.to_string()))
}

/// Sends the profile's secrets as a deploy does.
async fn sync(session: &Session, id: TenantId) -> Result<Reply, Problem> {
    let (project, of, name) = (session.project().clone(), id.clone(), session.profile().map(str::to_owned));
    let profile = stored::blocking(move || profile::of_tenant(&project, &of, name.as_deref())).await?;
    let done = secrets::sync(session, &id, profile.as_ref()).await?;
    Ok(Reply::SecretsSynced { summary: done.summary, was_skipped: done.was_skipped })
}

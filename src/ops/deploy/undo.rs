//! After a new version that does not answer: the one before it is deployed again, where that was asked for.

use super::flow::{Arrived, Destination, Flow};
use super::{accept, health};
use crate::model::progress::DeployStep;
use crate::model::{DeployEnd, DeployRecord, Digest, Problem, TenantState};
use crate::ops::doctor::Cleared;
use crate::ops::reporter::Done;
use crate::ops::{history, push, rollback};

/// Deploys the previous version again, and gives back the `problem` that made it necessary with what came of it.
pub(super) async fn previous(
    flow: &Flow<'_>,
    cleared: &Cleared,
    destination: &Destination,
    arrived: &Arrived,
    problem: Problem,
) -> Problem {
    if runs_another(flow, &arrived.digest).await {
        flow.skip(DeployStep::Rollback, "the version before it never stopped").await;
        return problem;
    }
    let undone = flow.reporter.step(DeployStep::Rollback, bring_back(flow, cleared, destination, arrived)).await;
    match undone {
        Ok(()) => {
            problem.hint("The version before it was deployed again and answers. See the logs for what was wrong.")
        }
        Err(second) => {
            let hint = format!("The version before it could not be deployed again either: {second}");
            problem.hint(hint)
        }
    }
}

/// True where the server never switched to the new version.
async fn runs_another(flow: &Flow<'_>, new: &Digest) -> bool {
    let asked = flow.session.client().status(flow.tenant).await;
    asked.is_ok_and(|status| {
        let is_other = status.image.as_deref().is_some_and(|image| !image.ends_with(new.as_str()));
        status.state() == TenantState::Running && is_other
    })
}

async fn bring_back(
    flow: &Flow<'_>,
    cleared: &Cleared,
    destination: &Destination,
    arrived: &Arrived,
) -> Result<Done<()>, Problem> {
    let (session, engine, tenant) = (flow.session, &cleared.engine, flow.tenant);
    let (target, token) = (&destination.image, &destination.token);
    let (progress, cancel) = (flow.progress, flow.cancel);
    let records = history::records(session, tenant).await?;
    let record = match told_by_server(cleared, &arrived.digest) {
        // What ran when this deploy began, wherever it was deployed from; this machine may know its image.
        Some(told) => {
            let known = records.iter().find(|record| record.digest == told.digest && record.image_id.is_some());
            known.cloned().unwrap_or(told)
        }
        None => rollback::choose(&records, Some(&arrived.digest), 1)?,
    };
    let id = rollback::bring_back(session, engine, &record, target, token, progress, cancel).await?;
    let pushed = push::run(session, engine, tenant, &id, target, token.clone(), progress, cancel).await?.value;
    let _turn = flow.together.turns.acquire().await;
    let serving = async {
        let address = accept::deploy(session, tenant, target, &pushed.digest, || ()).await?.value;
        if let Some(url) = address.or_else(|| cleared.tenant.app_url.clone()) {
            health::wait(session, tenant, &url, flow.options.health_limit, progress).await?;
        }
        Ok(Done::new((), format!("{} runs again", pushed.digest.short())))
    };
    tokio::select! {
        () = cancel.cancelled() => Err(Problem::new("Left.")),
        served = serving => served,
    }
}

fn told_by_server(cleared: &Cleared, new: &Digest) -> Option<DeployRecord> {
    let tenant = &cleared.tenant;
    let digest = Digest::new(tenant.image_digest.as_deref()?).ok().filter(|digest| digest != new)?;
    Some(DeployRecord {
        id: String::new(),
        tenant_id: tenant.id.clone(),
        tenant_name: tenant.name.clone(),
        by: None,
        began_at: tenant.deployed_at.clone().unwrap_or_default(),
        took_ms: 0,
        image: String::new(),
        image_id: None,
        digest: Some(digest),
        git: None,
        builder: None,
        rollback_of: None,
        steps: Vec::new(),
        outcome: DeployEnd::Succeeded,
    })
}

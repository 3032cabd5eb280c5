//! The deploys of a tenant as this machine remembers them, with what is known of them now: which one runs, and how long
//! each took compared to the one before.

use serde::Serialize;

use super::Session;
use crate::model::progress::DeployStep;
use crate::model::{DeployEnd, DeployRecord, Digest, Problem, StepResult, TenantId};

/// What is remembered of a tenant's deploys. As JSON: one document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct History {
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// What the tenant runs, where the server says so.
    pub running: Option<Digest>,
    /// Why the server could not be asked.
    pub unanswered: Option<Problem>,
    /// Newest first.
    pub deploys: Vec<Entry>,
}

/// One deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// What is remembered.
    #[serde(flatten)]
    pub record: DeployRecord,
    /// True for the last one that brought what the tenant runs.
    pub runs_now: bool,
    /// Compared to the last one before it that succeeded.
    pub compared: Option<Comparison>,
}

/// How a deploy differs from one before it. Positive numbers: this one took longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The other one's id.
    pub with: String,
    /// Milliseconds in all.
    pub took_ms: i64,
    /// Milliseconds of each step that both have done.
    pub steps: Vec<StepComparison>,
}

/// See [`Comparison`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepComparison {
    /// Which step.
    pub step: DeployStep,
    /// Milliseconds.
    pub took_ms: i64,
}

/// The records of `tenant` alone, newest first.
pub async fn records(session: &Session, tenant: &TenantId) -> Result<Vec<DeployRecord>, Problem> {
    let Some(state) = session.state().cloned() else { return Ok(Vec::new()) };
    let tenant = tenant.clone();
    match tokio::task::spawn_blocking(move || state.records(&tenant)).await {
        Ok(read) => read.map_err(|error| error.problem()),
        Err(stopped) => Err(Problem::new("The history cannot be read.").detail(stopped.to_string())),
    }
}

/// The digest that `tenant` runs; `None` where it runs nothing, or the server does not say.
pub async fn running(session: &Session, tenant: &TenantId) -> Result<Option<Digest>, Problem> {
    let status = session.client().status(tenant).await.map_err(|error| error.problem())?;
    let digest = status.image.as_deref().and_then(|image| image.rsplit('@').next());
    Ok(digest.and_then(|digest| Digest::new(digest).ok()))
}

/// The whole history. A server that does not answer takes nothing from it but the mark at the one that runs.
pub async fn of_tenant(session: &Session, tenant: &TenantId) -> Result<History, Problem> {
    let (records, running) = tokio::join!(records(session, tenant), running(session, tenant));
    let (running, unanswered) = match running {
        Ok(running) => (running, None),
        Err(problem) => (None, Some(problem)),
    };
    let deploys = entries(records?, running.as_ref());
    Ok(History { tenant_id: tenant.clone(), running, unanswered, deploys })
}

/// Each record with its mark and its comparison; `records` newest first.
fn entries(records: Vec<DeployRecord>, running: Option<&Digest>) -> Vec<Entry> {
    let compared: Vec<_> = (0..records.len())
        .map(|at| {
            let before = records.iter().skip(at + 1).find(|before| before.outcome == DeployEnd::Succeeded)?;
            // A deploy that ended before its end took as long as it took.
            (records[at].outcome == DeployEnd::Succeeded).then(|| compare(&records[at], before))
        })
        .collect();
    let current = running.and_then(|running| brought(&records, running));
    let entry = |(at, (record, compared))| Entry { record, runs_now: Some(at) == current, compared };
    records.into_iter().zip(compared).enumerate().map(entry).collect()
}

/// Where in `records` (newest first) the last deploy is that can have brought `running`: one that the server may have accepted.
fn brought(records: &[DeployRecord], running: &Digest) -> Option<usize> {
    records.iter().position(|record| record.digest.as_ref() == Some(running) && may_run(record))
}

/// True where the server has accepted the deploy, or may have.
fn may_run(record: &DeployRecord) -> bool {
    match record.outcome {
        DeployEnd::Succeeded | DeployEnd::Detached => true,
        DeployEnd::Failed { step, .. } | DeployEnd::Cancelled { step } => step >= DeployStep::Deploy,
        DeployEnd::Open => record.steps.iter().any(|known| known.step >= DeployStep::Push),
    }
}

fn compare(this: &DeployRecord, before: &DeployRecord) -> Comparison {
    let difference = |this: u64, before: u64| {
        let milliseconds = i128::from(this) - i128::from(before);
        i64::try_from(milliseconds).unwrap_or(if milliseconds < 0 { i64::MIN } else { i64::MAX })
    };
    let took = |record: &DeployRecord, step| {
        let known = record.steps.iter().find(|known| known.step == step && known.result == StepResult::Done)?;
        Some(known.took_ms)
    };
    let steps = DeployStep::ALL.into_iter().filter_map(|step| {
        let took_ms = difference(took(this, step)?, took(before, step)?);
        Some(StepComparison { step, took_ms })
    });
    let (with, took_ms) = (before.id.clone(), difference(this.took_ms, before.took_ms));
    Comparison { with, took_ms, steps: steps.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepRecord;
    use crate::ops::testing::{digest, record};

    fn timed(id: &str, took_ms: u64, build: (u64, StepResult)) -> DeployRecord {
        let step = |step, (took_ms, result)| StepRecord { step, took_ms, result };
        let steps = vec![step(DeployStep::Build, build), step(DeployStep::Push, (10, StepResult::Done))];
        DeployRecord { took_ms, steps, ..record(id) }
    }

    #[test]
    fn each_is_compared_to_the_last_success_before_it() {
        let mut failed = record("failed");
        failed.outcome = DeployEnd::Failed { step: DeployStep::Push, title: "No.".into() };
        let records = vec![
            timed("c", 500, (0, StepResult::Skipped)),
            failed,
            timed("b", 900, (700, StepResult::Done)),
            timed("a", 1000, (850, StepResult::Done)),
        ];
        let found = entries(records, None);
        let compared: Vec<_> = found.iter().map(|entry| entry.compared.clone()).collect();
        let step = |step, took_ms| StepComparison { step, took_ms };
        let of = |with: &str, took_ms, steps| Some(Comparison { with: with.into(), took_ms, steps });
        assert_eq!(
            compared,
            [
                of("b", -400, vec![step(DeployStep::Push, 0)]),
                None,
                of("a", -100, vec![step(DeployStep::Build, -150), step(DeployStep::Push, 0)]),
                None
            ]
        );
    }

    #[test]
    fn the_last_that_can_have_brought_it_is_the_one_that_runs() {
        let with = |id: &str, outcome| DeployRecord { digest: Some(digest(1)), outcome, ..record(id) };
        let failed = |step| DeployEnd::Failed { step, title: "No.".into() };
        let marks = |records: Vec<DeployRecord>| {
            let found = entries(records, Some(&digest(1)));
            found.into_iter().filter(|entry| entry.runs_now).map(|entry| entry.record.id).collect::<Vec<_>>()
        };
        let good = || with("good", DeployEnd::Succeeded);
        assert_eq!(marks(vec![with("pushed", failed(DeployStep::Push)), good(), good()]), ["good"]);
        assert_eq!(marks(vec![with("unhealthy", failed(DeployStep::Health)), good()]), ["unhealthy"]);
        assert_eq!(marks(vec![with("left", DeployEnd::Detached), good()]), ["left"]);
        assert_eq!(marks(vec![record("other")]), Vec::<String>::new());
    }

    #[test]
    fn as_json_an_entry_is_the_record_with_two_more_fields() {
        let entry = entries(vec![record("a")], None).remove(0);
        let json = serde_json::to_value(entry).expect("json");
        assert_eq!(json["id"], "a");
        assert_eq!(json["outcome"], serde_json::json!({"is": "succeeded"}));
        assert_eq!(json["runs_now"], false);
    }
}

//! The deploys since the program started: each tenant's last one, and which are running. What is known of one deploy is in
//! `telling`. Must not know how they look.

use jiff::Timestamp;
use std::collections::BTreeMap;

use super::app::Moment;
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{Problem, TenantId};
use crate::telling::{Before, Run};

/// A deploy, and when it ended.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    run: Run,
    ended: Option<Timestamp>,
    /// The tenant after which the job is named that does it.
    job: TenantId,
    /// It brings an earlier image back.
    is_rollback: bool,
}

/// Every deploy since the program started.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Deploys {
    runs: BTreeMap<TenantId, Kept>,
    /// The last deploy of each tenant that went well: the next one is compared with it.
    before: BTreeMap<TenantId, Before>,
}

impl Deploys {
    /// Begins a deploy of one tenant, done by the job that is named after `job`.
    pub fn begin(&mut self, id: TenantId, name: String, job: TenantId, now: Moment) {
        let mut run = Run::new(name, now.running);
        run.before = self.before.get(&id).cloned();
        self.runs.insert(id, Kept { run, ended: None, job, is_rollback: false });
    }

    /// The deploy that has just begun brings an earlier image back.
    pub fn mark_rollback(&mut self, id: &TenantId) {
        if let Some(kept) = self.runs.get_mut(id) {
            kept.is_rollback = true;
        }
    }

    /// True where the last deploy of a tenant brought an earlier image back.
    #[must_use]
    pub fn is_rollback(&self, id: &TenantId) -> bool {
        self.runs.get(id).is_some_and(|kept| kept.is_rollback)
    }

    /// The last deploy of a tenant since the program started.
    #[must_use]
    pub fn of(&self, id: &TenantId) -> Option<&Run> {
        self.runs.get(id).map(|kept| &kept.run)
    }

    /// The deploy of a tenant, while it runs.
    #[must_use]
    pub fn running(&self, id: &TenantId) -> Option<&Run> {
        self.of(id).filter(|run| run.result().is_none())
    }

    /// The running deploys, in the order of their tenants' ids.
    pub fn all_running(&self) -> impl Iterator<Item = (&TenantId, &Run)> {
        let running = self.runs.iter().filter(|(_, kept)| kept.run.result().is_none());
        running.map(|(id, kept)| (id, &kept.run))
    }

    /// True while any deploy runs.
    #[must_use]
    pub fn any_running(&self) -> bool {
        self.all_running().next().is_some()
    }

    /// The tenant after which the job is named that deploys this one.
    #[must_use]
    pub fn job_of(&self, id: &TenantId) -> Option<&TenantId> {
        self.runs.get(id).map(|kept| &kept.job)
    }

    /// When a tenant's deploy ended.
    #[must_use]
    pub fn ended(&self, id: &TenantId) -> Option<Timestamp> {
        self.runs.get(id)?.ended
    }

    /// What was printed before this problem, oldest first.
    pub fn output_of(&self, problem: &Problem) -> impl Iterator<Item = &str> {
        let failed = |kept: &&Kept| matches!(kept.run.result(), Some(Err(failed)) if failed == problem);
        self.runs.values().find(failed).into_iter().flat_map(|kept| kept.run.last_words())
    }

    /// A running deploy says something.
    pub fn take(&mut self, id: &TenantId, progress: DeployProgress, now: Moment) {
        if let Some(kept) = self.runs.get_mut(id).filter(|kept| kept.run.result().is_none()) {
            kept.run.take(progress, now.running);
        }
    }

    /// The job of these deploys is asked to stop.
    pub fn cancel(&mut self, job: &TenantId) {
        for kept in self.runs.values_mut().filter(|kept| kept.job == *job && kept.run.result().is_none()) {
            kept.run.cancelling = true;
        }
    }

    /// A deploy has ended; hands back its tenant's name.
    pub fn end(&mut self, id: &TenantId, result: Result<DeployOutcome, Problem>, now: Moment) -> Option<String> {
        let kept = self.runs.get_mut(id).filter(|kept| kept.run.result().is_none())?;
        if let Ok(outcome) = &result {
            let before = Before { digest: outcome.digest.clone(), took: outcome.took };
            self.before.insert(id.clone(), before);
        }
        kept.run.end(result, now.running);
        kept.ended = Some(now.wall);
        Some(kept.run.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;
    use crate::tui::testing::{moment, tenant_id};

    #[test]
    fn the_second_deploy_is_compared_with_the_first_that_went_well() {
        let mut deploys = Deploys::default();
        let id = tenant_id(1);
        let outcome = samples::outcome();
        for (second, result) in [(0, Ok(outcome.clone())), (20, Err(Problem::new("Broken."))), (40, Ok(outcome))] {
            deploys.begin(id.clone(), "orchard".into(), id.clone(), moment(second));
            let known = deploys.running(&id).expect("runs").before.is_some();
            assert_eq!(known, second > 0);
            deploys.cancel(&id);
            assert!(deploys.running(&id).expect("runs").cancelling);
            assert_eq!(deploys.end(&id, result, moment(second + 5)).as_deref(), Some("orchard"));
            assert!(!deploys.any_running());
        }
    }

    #[test]
    fn several_deploys_of_one_job_are_stopped_together() {
        let mut deploys = Deploys::default();
        for number in 1..=3 {
            let job = tenant_id(number.min(2));
            deploys.begin(tenant_id(number), format!("t{number}"), job, moment(0));
        }
        deploys.cancel(&tenant_id(2));
        let stopping: Vec<_> = deploys.all_running().map(|(_, run)| run.cancelling).collect();
        assert_eq!(stopping, [false, true, true]);
    }
}

//! Where a deploy that did not come to its end can go on.
//!
//! It goes on with the image that was recorded, whatever the project looks like by now: that is what was asked for.
//! Pure: whether the image is still there is for the caller to ask, with [`Resume::earlier`] where it is not.

use crate::model::progress::DeployStep;
use crate::model::{DeployEnd, DeployRecord, StepResult};

/// A deploy to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// What is known of it.
    pub record: DeployRecord,
    /// The first step to do:
    ///
    /// - [`DeployStep::Secrets`]: the registry holds the image, as `record.digest`. If it no longer does, that is an error:
    ///   whoever pushed there since wants to be heard.
    /// - [`DeployStep::Push`]: the engine has the image, as `record.image_id`. If it no longer does: [`Self::earlier`].
    /// - [`DeployStep::Build`]: the project's own build is done, its image is not made.
    ///
    /// Preflight and registry token are always done anew.
    pub from: DeployStep,
}

impl Resume {
    /// The next earlier step to go on from, where what `from` needs is gone; `None` where only a whole deploy helps.
    #[must_use]
    pub fn earlier(self) -> Option<Self> {
        let from = starts(&self.record).find(|step| *step < self.from)?;
        Some(Self { from, ..self })
    }
}

/// The last deploy in `records` (newest first) where that can go on. One that ended in the preflight has changed nothing and
/// hides nothing. One whose server accepted it has nothing left to do.
#[must_use]
pub fn resumable(records: &[DeployRecord]) -> Option<Resume> {
    let did_nothing = |record: &&DeployRecord| match record.outcome {
        DeployEnd::Open => record.steps.is_empty(),
        DeployEnd::Failed { step, .. } | DeployEnd::Cancelled { step } => step == DeployStep::Preflight,
        DeployEnd::Succeeded | DeployEnd::Detached => false,
    };
    let record = records.iter().find(|record| !did_nothing(record))?;
    if matches!(record.outcome, DeployEnd::Succeeded | DeployEnd::Detached) {
        return None;
    }
    let from = starts(record).next()?;
    Some(Resume { record: record.clone(), from })
}

/// The steps that the record allows to begin with, the latest first.
fn starts(record: &DeployRecord) -> impl Iterator<Item = DeployStep> {
    let passed = |step| record.steps.iter().any(|known| known.step == step && known.result != StepResult::Failed);
    [
        (DeployStep::Secrets, record.digest.is_some() && passed(DeployStep::Push)),
        (DeployStep::Push, record.image_id.is_some() && passed(DeployStep::Build)),
        (DeployStep::Build, passed(DeployStep::Project)),
    ]
    .into_iter()
    .filter_map(|(step, is_possible)| is_possible.then_some(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepRecord;
    use crate::model::progress::DeployStep::{Build, Deploy, Health, Preflight, Project, Push, Registry, Secrets};
    use crate::ops::testing::{digest, record};

    /// A deploy that ended so, with these steps behind it.
    fn broken(outcome: DeployEnd, passed: &[DeployStep]) -> DeployRecord {
        let mut record = record("a");
        let step = |step: &DeployStep| StepRecord { step: *step, took_ms: 1, result: StepResult::Done };
        record.steps = passed.iter().map(step).collect();
        record.image_id = passed.contains(&Build).then(|| digest(1).to_string());
        record.digest = passed.contains(&Push).then(|| digest(2));
        record.outcome = outcome;
        record
    }

    fn failed(step: DeployStep) -> DeployEnd {
        DeployEnd::Failed { step, title: "No.".into() }
    }

    #[test]
    fn it_goes_on_after_the_last_finished_step() {
        let until = |last: DeployStep| DeployStep::ALL.into_iter().filter(|step| *step <= last).collect::<Vec<_>>();
        for (outcome, passed, from) in [
            (failed(Project), until(Preflight), None),
            (failed(Registry), until(Project), Some(Build)),
            (failed(Build), until(Registry), Some(Build)),
            (DeployEnd::Cancelled { step: Push }, until(Build), Some(Push)),
            (DeployEnd::Open, until(Build), Some(Push)),
            (DeployEnd::Open, until(Push), Some(Secrets)),
            (DeployEnd::Cancelled { step: Deploy }, until(Secrets), Some(Secrets)),
            (failed(Health), until(Deploy), Some(Secrets)),
            (DeployEnd::Succeeded, until(Health), None),
            (DeployEnd::Detached, until(Secrets), None),
        ] {
            let record = broken(outcome, &passed);
            assert_eq!(resumable(std::slice::from_ref(&record)).map(|found| found.from), from, "{record:?}");
        }
    }

    #[test]
    fn what_ended_in_the_preflight_hides_nothing_and_a_failed_build_hides_the_image_before_it() {
        let whole = broken(failed(Push), &[Preflight, Project, Registry, Build]);
        let nothing = broken(failed(Preflight), &[]);
        let crashed = broken(DeployEnd::Open, &[]);
        let found = resumable(&[nothing, crashed, whole.clone()]).expect("the one before");
        assert_eq!((found.record, found.from), (whole.clone(), Push));
        assert_eq!(resumable(&[broken(failed(Project), &[Preflight]), whole.clone()]), None);
        assert_eq!(resumable(&[broken(DeployEnd::Succeeded, &[]), whole]), None);
        assert_eq!(resumable(&[]), None);
    }

    #[test]
    fn what_is_gone_leads_one_step_back_at_a_time() {
        let record = broken(failed(Deploy), &[Preflight, Project, Registry, Build, Push]);
        let mut resume = resumable(&[record]);
        let mut steps = Vec::new();
        while let Some(now) = resume {
            steps.push(now.from);
            resume = now.earlier();
        }
        assert_eq!(steps, [Secrets, Push, Build]);
        // A rollback built nothing: without its image there is nothing to go on with.
        let mut rollback = broken(failed(Push), &[Build]);
        rollback.steps[0].result = StepResult::Skipped;
        let resume = resumable(&[rollback]).expect("an image");
        assert_eq!((resume.from, resume.earlier()), (Push, None));
    }
}

//! One deploy as far as it was told: everything that a picture of it needs, folded from its progress.

use std::collections::VecDeque;
use std::time::Duration;

use super::build::Build;
use super::push::Push;
use crate::model::progress::{Advice, BuildProgress, DeployOutcome, DeployProgress, DeployStep};
use crate::model::{Check, CheckResult, Digest, Problem};

/// Lines of output kept for the step under way.
const TAIL: usize = 200;

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Step {
    /// To come.
    #[default]
    Pending,
    /// Under way.
    Running {
        /// When it began.
        since: Duration,
    },
    /// Done.
    Done {
        /// What came out of it.
        summary: String,
        /// How long it took.
        took: Duration,
    },
    /// Not needed.
    Skipped {
        /// Why.
        why: String,
    },
    /// Failed.
    Failed {
        /// How long it took.
        took: Duration,
    },
}

/// The deploy of the same tenant before this one, to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// What it deployed.
    pub digest: Digest,
    /// How long it took.
    pub took: Duration,
}

/// One deploy from its beginning to its end. Times are since any fixed moment, the same for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The tenant's name when it began.
    pub name: String,
    /// True once it was asked to stop.
    pub cancelling: bool,
    /// The deploy before this one, where it is known.
    pub before: Option<Before>,
    pub(super) began: Duration,
    /// One for every step, [`DeployStep::Rollback`] last.
    steps: [Step; DeployStep::ALL.len() + 1],
    pub(super) checks: Vec<Check>,
    pub(super) advice: Vec<Advice>,
    pub(super) build: Build,
    pub(super) push: Push,
    /// Of the step under way, or of the one that failed.
    pub(super) output: VecDeque<String>,
    failed: Option<DeployStep>,
    result: Option<Result<DeployOutcome, Problem>>,
}

impl Run {
    /// A deploy of `name` that begins at `now`.
    pub fn new(name: String, now: Duration) -> Self {
        Self {
            name,
            cancelling: false,
            before: None,
            began: now,
            steps: std::array::from_fn(|_| Step::Pending),
            checks: Vec::new(),
            advice: Vec::new(),
            build: Build::default(),
            push: Push::default(),
            output: VecDeque::new(),
            failed: None,
            result: None,
        }
    }

    /// How long it has been going on, until `now`.
    #[must_use]
    pub fn lasts(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began)
    }

    /// How it ended.
    #[must_use]
    pub fn result(&self) -> Option<&Result<DeployOutcome, Problem>> {
        self.result.as_ref()
    }

    /// How a step stands.
    #[must_use]
    pub fn step(&self, step: DeployStep) -> &Step {
        &self.steps[step as usize]
    }

    /// The step under way.
    #[must_use]
    pub fn running(&self) -> Option<DeployStep> {
        self.shown_steps().find(|step| matches!(self.step(*step), Step::Running { .. }))
    }

    /// The step that failed first.
    #[must_use]
    pub fn failed_step(&self) -> Option<DeployStep> {
        self.failed
    }

    /// The steps in their order; the rollback only where there is one.
    pub fn shown_steps(&self) -> impl Iterator<Item = DeployStep> {
        let rollback = (*self.step(DeployStep::Rollback) != Step::Pending).then_some(DeployStep::Rollback);
        DeployStep::ALL.into_iter().chain(rollback)
    }

    /// True once the server was asked to run the image: stopping it is no longer ours.
    #[must_use]
    pub fn is_with_server(&self) -> bool {
        *self.step(DeployStep::Deploy) != Step::Pending
    }

    /// What was printed before it failed, oldest first: by the step of the build that failed, else by the deploy's.
    pub fn last_words(&self) -> Vec<&str> {
        let words: Vec<_> = self.build.last_words().collect();
        if words.is_empty() { self.output.iter().map(String::as_str).collect() } else { words }
    }

    /// True where something was found that would make the next one faster.
    #[must_use]
    pub fn has_advice(&self) -> bool {
        !self.advice.is_empty()
    }

    /// Checks that did not pass.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.result != CheckResult::Pass)
    }

    /// It says something.
    pub fn take(&mut self, progress: DeployProgress, now: Duration) {
        match progress {
            DeployProgress::Started { step } => {
                // Of several deploys, most wait for their turn.
                if self.steps.iter().all(|step| *step == Step::Pending) {
                    self.began = now;
                }
                // What a failed step printed stays in sight while the version before it is brought back.
                if step != DeployStep::Rollback {
                    self.output.clear();
                }
                self.steps[step as usize] = Step::Running { since: now };
            }
            DeployProgress::Output { line, .. } => self.say(line),
            DeployProgress::Build { progress } => self.built(progress, now),
            DeployProgress::Push { layer } => self.push.take(&layer, now),
            DeployProgress::Check { check } => self.checks.push(check),
            DeployProgress::Advice { advice } => self.advice.push(advice),
            DeployProgress::Finished { step, summary, took } => {
                self.steps[step as usize] = Step::Done { summary, took }
            }
            DeployProgress::Skipped { step, why, .. } => self.steps[step as usize] = Step::Skipped { why },
            DeployProgress::Failed { step, took, .. } => {
                self.failed.get_or_insert(step);
                self.steps[step as usize] = Step::Failed { took };
            }
        }
    }

    fn say(&mut self, line: String) {
        if self.output.len() == TAIL {
            self.output.pop_front();
        }
        self.output.push_back(line);
    }

    fn built(&mut self, progress: BuildProgress, now: Duration) {
        match &progress {
            BuildProgress::Vertex(vertex) if self.build.is_new(vertex.number) => self.say(vertex.name.clone()),
            BuildProgress::Output { line, .. } => self.say(line.clone()),
            _ => {}
        }
        self.build.take(progress, now);
    }

    /// It has ended.
    pub fn end(&mut self, result: Result<DeployOutcome, Problem>, now: Duration) {
        for step in DeployStep::ALL.into_iter().chain([DeployStep::Rollback]) {
            // A deploy that was stopped or lost says nothing about the step it was in.
            if let (Step::Running { since }, Err(_)) = (&self.steps[step as usize], &result) {
                self.failed.get_or_insert(step);
                self.steps[step as usize] = Step::Failed { took: now.saturating_sub(*since) };
            }
        }
        self.result = Some(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::samples;

    #[test]
    fn a_deploy_that_is_stopped_marks_the_step_it_was_in() {
        let mut run = Run::new("orchard".into(), Duration::ZERO);
        run.take(DeployProgress::Started { step: DeployStep::Build }, Duration::from_secs(1));
        assert_eq!(run.running(), Some(DeployStep::Build));
        run.end(Err(Problem::new("Stopped.")), Duration::from_secs(3));
        assert_eq!(*run.step(DeployStep::Build), Step::Failed { took: Duration::from_secs(2) });
        assert_eq!((run.running(), run.failed_step()), (None, Some(DeployStep::Build)));
    }

    #[test]
    fn the_first_failure_counts_and_its_words_stay() {
        let mut run = Run::new("orchard".into(), Duration::ZERO);
        for (second, said) in (0..).zip(samples::unhealthy()) {
            run.take(said, Duration::from_secs(second));
        }
        assert_eq!(run.failed_step(), Some(DeployStep::Health));
        assert!(run.shown_steps().any(|step| step == DeployStep::Rollback));
        assert_eq!(run.last_words(), ["thread 'main' panicked at src/main.rs:9:5: no DATABASE_URL"]);
    }
}

//! Steps with their times: says that a step began, how it ended, and how long it took.

use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::Problem;
use crate::model::progress::{DeployProgress, DeployStep};

/// What a step leaves, and the line that says so.
pub struct Done<T> {
    /// What it leaves.
    pub value: T,
    /// One harmless line.
    pub summary: String,
    /// True where the step found that it had nothing to do; the line then says why.
    pub was_skipped: bool,
}

impl<T> Done<T> {
    pub(super) fn new(value: T, summary: impl Into<String>) -> Self {
        Self { value, summary: summary.into(), was_skipped: false }
    }

    /// A step that had nothing to do, and why.
    pub(super) fn skipped(value: T, why: impl Into<String>) -> Self {
        Self { value, summary: why.into(), was_skipped: true }
    }
}

/// Passes on what the engine says, and keeps count of it for the step's last line.
pub(super) async fn forward<T, C>(
    mut receiver: Receiver<T>,
    progress: &Sender<DeployProgress>,
    mut count: C,
    mut wrap: impl FnMut(&mut C, T) -> DeployProgress,
) -> C {
    while let Some(moved) = receiver.recv().await {
        let _ = progress.send(wrap(&mut count, moved)).await;
    }
    count
}

/// Tells the steps of one deploy to whoever shows them.
pub(super) struct Reporter<'a> {
    progress: &'a Sender<DeployProgress>,
    cancel: &'a CancellationToken,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(progress: &'a Sender<DeployProgress>, cancel: &'a CancellationToken) -> Self {
        Self { progress, cancel }
    }

    /// Says `what`. A receiver that went away is no reason to stop a deploy.
    pub(super) async fn say(&self, what: DeployProgress) {
        let _ = self.progress.send(what).await;
    }

    /// Runs a step that watches the cancellation itself, because it has something to undo.
    pub(super) async fn step<T>(
        &self,
        step: DeployStep,
        work: impl Future<Output = Result<Done<T>, Problem>>,
    ) -> Result<T, Problem> {
        self.say(DeployProgress::Started { step }).await;
        let begun = Instant::now();
        let result = if self.cancel.is_cancelled() { Err(cancelled(step)) } else { work.await };
        // What broke because it was cancelled is no fault of its own.
        let result = result.map_err(|problem| if self.cancel.is_cancelled() { cancelled(step) } else { problem });
        self.end(step, result, begun.elapsed()).await
    }

    async fn end<T>(&self, step: DeployStep, result: Result<Done<T>, Problem>, took: Duration) -> Result<T, Problem> {
        match result {
            Ok(Done { value, summary, was_skipped }) => {
                self.say(if was_skipped {
                    DeployProgress::Skipped { step, why: summary, took }
                } else {
                    DeployProgress::Finished { step, summary, took }
                })
                .await;
                Ok(value)
            }
            Err(problem) => {
                self.say(DeployProgress::Failed { step, problem: problem.clone(), took }).await;
                Err(problem)
            }
        }
    }

    /// Runs a step that is left when it is cancelled; `leave` finds out what to say of it then.
    pub(super) async fn step_until<T>(
        &self,
        step: DeployStep,
        work: impl Future<Output = Result<Done<T>, Problem>>,
        leave: impl Future<Output = Problem>,
    ) -> Result<T, Problem> {
        self.say(DeployProgress::Started { step }).await;
        let begun = Instant::now();
        let result = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(leave.await),
            result = work => result,
        };
        self.end(step, result, begun.elapsed()).await
    }

    /// Runs a step that can simply be dropped.
    pub(super) async fn droppable_step<T>(
        &self,
        step: DeployStep,
        work: impl Future<Output = Result<Done<T>, Problem>>,
    ) -> Result<T, Problem> {
        self.step(step, async {
            tokio::select! {
                () = self.cancel.cancelled() => Err(cancelled(step)),
                result = work => result,
            }
        })
        .await
    }
}

/// What a cancelled step says. Until the server accepts the deploy, nothing of the tenant has changed.
pub(super) fn cancelled(step: DeployStep) -> Problem {
    let problem = Problem::new("Deploy cancelled.").detail(format!("Stopped during {}.", step.word()));
    match step {
        DeployStep::Push => problem.hint("The tenant runs what it ran before; its tag in the registry may be ahead."),
        DeployStep::Secrets => problem
            .hint("The tenant runs what it ran before; its tag in the registry, and secrets for its next start, may be ahead."),
        DeployStep::Rollback => problem.hint("The tenant may run either version; see `tenantry history`."),
        _ => problem.hint("The tenant runs what it ran before."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test]
    async fn a_cancelled_deploy_begins_no_step() {
        let (sender, mut receiver) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        cancel.cancel();
        let reporter = Reporter::new(&sender, &cancel);
        let result: Result<(), Problem> =
            reporter.step(DeployStep::Build, async { unreachable!("must not be polled") }).await;
        assert_eq!(result.map_err(|problem| problem.title), Err("Deploy cancelled.".to_owned()));
        assert_eq!(receiver.recv().await, Some(DeployProgress::Started { step: DeployStep::Build }));
        assert!(matches!(receiver.recv().await, Some(DeployProgress::Failed { step: DeployStep::Build, .. })));
    }

    #[tokio::test]
    async fn a_droppable_step_ends_when_cancelled() {
        let (sender, _receiver) = mpsc::channel(8);
        let cancel = CancellationToken::new();
        let reporter = Reporter::new(&sender, &cancel);
        let canceller = cancel.clone();
        let work = async move {
            canceller.cancel();
            std::future::pending::<Result<Done<()>, Problem>>().await
        };
        let result = reporter.droppable_step(DeployStep::Registry, work).await;
        assert!(result.is_err());
    }
}

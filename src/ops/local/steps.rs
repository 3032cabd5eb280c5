//! The steps of making a local tenant, told as they begin, move and end.

use std::future::Future;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::Problem;
use crate::model::progress::{LocalProgress, LocalStep};

/// What a step leaves, and the line that says so.
pub(super) type Done<T> = Result<(T, String), Problem>;

/// Tells the steps of one operation to whoever shows them. A receiver that went away is no reason to stop.
pub(super) struct Steps<'a> {
    progress: &'a Sender<LocalProgress>,
    cancel: &'a CancellationToken,
}

impl<'a> Steps<'a> {
    pub(super) fn new(progress: &'a Sender<LocalProgress>, cancel: &'a CancellationToken) -> Self {
        Self { progress, cancel }
    }

    /// Runs a step. One that is cancelled before it begins does not begin; in its middle it looks itself.
    pub(super) async fn run<T>(&self, step: LocalStep, work: impl Future<Output = Done<T>>) -> Result<T, Problem> {
        self.say(LocalProgress::Started { step }).await;
        let begun = Instant::now();
        let result = if self.is_cancelled() { Err(cancelled()) } else { work.await };
        match result {
            Ok((value, summary)) => {
                self.say(LocalProgress::Finished { step, summary, took: begun.elapsed() }).await;
                Ok(value)
            }
            Err(problem) => {
                self.say(LocalProgress::Failed { step }).await;
                // What broke because it was cancelled is no fault of its own.
                Err(if self.is_cancelled() { cancelled() } else { problem })
            }
        }
    }

    /// Says how far a step is; left out where nobody keeps up with it.
    pub(super) fn moved(&self, step: LocalStep, text: impl Into<String>) {
        let _ = self.progress.try_send(LocalProgress::Moved { step, text: text.into() });
    }

    /// The work's result, or that it was cancelled meanwhile: then the work is dropped.
    pub(super) async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Problem> {
        self.cancel.run_until_cancelled(work).await.ok_or_else(cancelled)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    async fn say(&self, what: LocalProgress) {
        let _ = self.progress.send(what).await;
    }
}

/// What somebody who cancelled is told.
pub(super) fn cancelled() -> Problem {
    Problem::new("Cancelled.")
}

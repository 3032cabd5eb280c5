//! The tasks of one session: they have an owner, end together, and can be waited for.

use std::future::Future;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where tasks are begun. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Begins a task that is broken off when the tasks are stopped.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move { stop.run_until_cancelled(task).await });
    }

    /// Begins a task that may block. It must end by itself when the others are broken off.
    pub(super) fn spawn_blocking(&self, task: impl FnOnce() + Send + 'static) {
        self.tracker.spawn_blocking(task);
    }

    /// Breaks all tasks off.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until all are gone.
    pub(super) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

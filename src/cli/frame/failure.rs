//! How a command ends that did not do what it was for, and who is told.

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{Output, print_json};
use crate::cli::exit::Exit;
use crate::model::Problem;

/// Why a command did not do what it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Failure {
    /// Something went wrong.
    Problem(Problem),
    /// The command line says too little, or something that cannot be meant: only another one helps.
    Usage(Problem),
}

impl Failure {
    /// The exit code.
    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            Self::Problem(problem) => Exit::of(problem),
            Self::Usage(_) => Exit::Usage,
        }
    }

    /// What is told.
    pub(in crate::cli) fn problem(&self) -> &Problem {
        match self {
            Self::Problem(problem) | Self::Usage(problem) => problem,
        }
    }

    /// Tells it: in the one document, or on standard error.
    pub(in crate::cli) fn tell(&self, json: bool) -> Exit {
        // Where standard output takes nothing, the person is still told.
        if !json || print_json(&serde_json::json!({ "problem": self.problem() })).is_err() {
            crate::cli::tell(self.problem());
        }
        self.exit()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Work that a signal ends at once. What goes wrong is told as `output` wants it.
pub(in crate::cli) async fn until_stopped<E: Into<Failure>>(
    output: Output,
    stop: &CancellationToken,
    work: impl Future<Output = Result<Exit, E>>,
) -> Exit {
    let mut work = std::pin::pin!(work);
    let ended = tokio::select! {
        biased;
        // What ends by itself with the signal ends as it says.
        ended = &mut work => ended.map_err(Into::into),
        () = stop.cancelled() => match work.now_or_never() {
            // The signal came after it was asked the last time.
            Some(ended) => ended.map_err(Into::into),
            None => Err(Failure::Problem(Problem::new("Stopped."))),
        },
    };
    match ended {
        Ok(exit) => exit,
        Err(failure) => failure.tell(output.json()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_signal_fails_and_what_is_missing_is_usage() {
        let stop = CancellationToken::new();
        let end = |failure| until_stopped(Output::default(), &stop, std::future::ready(Err::<Exit, Failure>(failure)));
        assert_eq!(end(Failure::Usage(Problem::new("No."))).await, Exit::Usage);
        assert_eq!(end(Problem::new("No.").into()).await, Exit::Failed);
        assert_eq!(end(Problem::new("No.").needs_login().into()).await, Exit::Login);
        stop.cancel();
        let never = std::future::pending::<Result<Exit, Failure>>();
        assert_eq!(until_stopped(Output::default(), &stop, never).await, Exit::Failed);
    }
}

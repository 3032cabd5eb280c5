//! How the program ends: the exit codes, and what leads to which.

use std::process::ExitCode;

use crate::model::Problem;
use crate::model::progress::DeployStep;

/// An exit code; scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0.
    Done,
    /// 1.
    Failed,
    /// 2: wrong usage, also clap's.
    Usage,
    /// 3: only a new login helps.
    Login,
    /// 4: a check before the deploy failed, and nothing was changed.
    Preflight,
}

impl Exit {
    /// What a problem outside of a deploy leads to.
    pub(super) fn of(problem: &Problem) -> Self {
        if problem.requires_login { Self::Login } else { Self::Failed }
    }

    /// What a deploy leads to that failed at `step`.
    pub(super) fn of_deploy(problem: &Problem, step: Option<DeployStep>) -> Self {
        match Self::of(problem) {
            Self::Failed if step == Some(DeployStep::Preflight) => Self::Preflight,
            other => other,
        }
    }

    /// Of several deploys: what all failures have in common, else that something failed.
    pub(super) fn of_all(ends: impl IntoIterator<Item = Self>) -> Self {
        let bad = ends.into_iter().filter(|end| *end != Self::Done);
        bad.reduce(|all, end| if all == end { all } else { Self::Failed }).unwrap_or(Self::Done)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_that_scripts_know() {
        let all = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Login, Exit::Preflight];
        assert_eq!(all.map(|exit| exit as u8), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_login_matters_more_than_where_it_was_missed() {
        let problem = Problem::new("No.");
        let login = problem.clone().needs_login();
        for (problem, step, exit) in [
            (&problem, Some(DeployStep::Preflight), Exit::Preflight),
            (&problem, Some(DeployStep::Build), Exit::Failed),
            (&problem, None, Exit::Failed),
            (&login, Some(DeployStep::Preflight), Exit::Login),
        ] {
            assert_eq!(Exit::of_deploy(problem, step), exit, "{step:?}");
        }
        assert_eq!(Exit::of_all([Exit::Done, Exit::Preflight, Exit::Preflight]), Exit::Preflight);
        assert_eq!(Exit::of_all([Exit::Login, Exit::Preflight]), Exit::Failed);
        assert_eq!(Exit::of_all([]), Exit::Done);
    }
}

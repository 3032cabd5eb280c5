//! A check's result, and the problem that a deploy stops with where it failed.

use crate::model::{Check, CheckResult, Problem};

/// A check that came to its result.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) check: Check,
    problem: Option<Problem>,
}

impl Finding {
    pub(super) fn pass(name: &'static str, detail: impl AsRef<str>) -> Self {
        Self { check: Check::pass(name, detail), problem: None }
    }

    pub(super) fn warn(name: &'static str, detail: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self { check: Check::warn(name, detail, hint), problem: None }
    }

    pub(super) fn fail(name: &'static str, problem: Problem) -> Self {
        Self { check: Check::failed(name, &problem), problem: Some(problem) }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.check.result == CheckResult::Fail
    }
}

/// The first check that failed, in plain words, with the names of the others that did.
pub(super) fn first_failure(found: &[Finding]) -> Option<Problem> {
    let mut failed = found.iter().filter(|finding| finding.has_failed());
    let mut problem = failed.next()?.problem.clone()?;
    let others: Vec<&str> = failed.map(|finding| finding.check.name).collect();
    if !others.is_empty() {
        let s = if others.len() == 1 { "" } else { "s" };
        let more = format!("{} other check{s} failed: {}.", others.len(), others.join(", "));
        let detail = problem.detail.take().map_or_else(|| more.clone(), |detail| format!("{detail} {more}"));
        problem = problem.detail(detail);
    }
    Some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_speaks_and_names_the_others() {
        let fail = |name| Finding::fail(name, Problem::new(format!("{name} is wrong.")).hint("Mend it.").needs_login());
        let found = [Finding::pass("a", ""), Finding::warn("b", "", ""), fail("c"), fail("d"), fail("e")];
        let problem = first_failure(&found).expect("a problem");
        assert_eq!(problem.to_string(), "c is wrong. 2 other checks failed: d, e. Mend it.");
        assert!(problem.requires_login);
        assert_eq!(first_failure(&found[..3]).expect("a problem").detail, None);
        assert_eq!(first_failure(&found[..2]), None);
    }
}

//! One thing that must hold before a deploy, and how it stands (protocol E.10).

use serde::Serialize;

use super::{Problem, text};

/// A check of `doctor` and of the preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name: `docker`, `secrets-file`, `signing-key`.
    pub name: &'static str,
    /// How it stands.
    pub result: CheckResult,
    /// What was found, one harmless line.
    pub detail: String,
    /// What to do about it; absent where it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// Good.
    Pass,
    /// A deploy can go on; something may not work afterwards.
    Warn,
    /// A deploy stops before anything is built.
    Fail,
}

impl Check {
    /// A check that passed.
    #[must_use]
    pub fn pass(name: &'static str, detail: impl AsRef<str>) -> Self {
        Self { name, result: CheckResult::Pass, detail: text::line(detail.as_ref()), hint: None }
    }

    /// A check that only warns.
    #[must_use]
    pub fn warn(name: &'static str, detail: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        let hint = Some(text::line(hint.as_ref()));
        Self { name, result: CheckResult::Warn, detail: text::line(detail.as_ref()), hint }
    }

    /// A check that stops a deploy.
    #[must_use]
    pub fn fail(name: &'static str, detail: impl AsRef<str>, hint: impl AsRef<str>) -> Self {
        Self { result: CheckResult::Fail, ..Self::warn(name, detail, hint) }
    }

    /// A check that failed with a problem.
    #[must_use]
    pub fn failed(name: &'static str, problem: &Problem) -> Self {
        let detail = match &problem.detail {
            Some(detail) => format!("{} {detail}", problem.title),
            None => problem.title.clone(),
        };
        Self { name, result: CheckResult::Fail, detail, hint: problem.hint.clone() }
    }
}

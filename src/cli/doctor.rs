//! `tenantry doctor`: the checks of a deploy, and nothing else of it.

use serde_json::json;
use std::fmt::Write as _;
use tokio_util::sync::CancellationToken;

use super::arguments::Doctor;
use super::exit::Exit;
use super::frame::{Failure, until_stopped};
use crate::model::progress::DeployStep;
use crate::model::{Check, CheckResult, TenantId};
use crate::ops::doctor::{self, Diagnosis, Options};
use crate::ops::tenants;

pub(super) async fn run(arguments: Doctor, stop: CancellationToken) -> Exit {
    until_stopped(arguments.output, &stop, Box::pin(diagnose(arguments))).await
}

async fn diagnose(arguments: Doctor) -> Result<Exit, Failure> {
    let output = arguments.output;
    let session = arguments.place.open_project().await?;
    let options = Options { profile: arguments.profile, project_build: true, ..Options::default() };
    let tell = |check: &Check| output.say(line(check).trim_end());
    let tenant = match &arguments.tenant {
        Some(wanted) => Some(match tenants::resolve(&session, Some(wanted)).await {
            Ok(tenant) => tenant.id,
            // Why not is what the checks tell; it may be an id.
            Err(problem) => TenantId::new(wanted).map_err(|_| problem)?,
        }),
        None => None,
    };
    let diagnosis = doctor::diagnose(&session, tenant.as_ref(), &options, tell).await;
    output.answer(&document(&diagnosis), &format!("\n{}\n", diagnosis.summary()))?;
    Ok(code(&diagnosis))
}

/// What a check says: a line, and one with what to do about it.
pub(super) fn line(check: &Check) -> String {
    let sign = match check.result {
        CheckResult::Pass => '✓',
        CheckResult::Warn => '!',
        CheckResult::Fail => '✕',
    };
    let mut line = format!("{sign} {:<17} {}\n", check.name, check.detail);
    if let Some(hint) = &check.hint {
        let _ = writeln!(line, "  {:<17} {hint}", "");
    }
    line
}

fn document(diagnosis: &Diagnosis) -> serde_json::Value {
    let count = |wanted| diagnosis.checks.iter().filter(|check| check.result == wanted).count();
    json!({
        "checks": diagnosis.checks,
        "passed": count(CheckResult::Pass),
        "warnings": count(CheckResult::Warn),
        "failed": count(CheckResult::Fail),
    })
}

/// Warnings are no failure, and neither is that no tenant was named.
fn code(diagnosis: &Diagnosis) -> Exit {
    let has_failed = diagnosis.checks.iter().any(|check| check.result == CheckResult::Fail);
    match &diagnosis.cleared {
        Err(problem) if has_failed => Exit::of_deploy(problem, Some(DeployStep::Preflight)),
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problem;

    #[test]
    fn a_check_is_a_line_and_a_hint() {
        assert_eq!(line(&Check::pass("disk", "12 GB free")), "✓ disk              12 GB free\n");
        let shown = line(&Check::warn("login", "expires in 5 min", "Log in again soon."));
        assert_eq!(shown, "! login             expires in 5 min\n                    Log in again soon.\n");
    }

    #[test]
    fn codes_tell_what_is_wrong() {
        let diagnosis = |checks, problem: Problem| Diagnosis { checks, tenant_name: None, cleared: Err(problem) };
        let fail = || Check::fail("login", "", "");
        let problem = || Problem::new("x");
        assert_eq!(code(&diagnosis(vec![fail()], problem())), Exit::Preflight);
        assert_eq!(code(&diagnosis(vec![fail()], problem().needs_login())), Exit::Login);
        assert_eq!(code(&diagnosis(vec![Check::warn("a", "", "")], problem())), Exit::Done);
        let document = document(&diagnosis(vec![fail(), Check::pass("a", "b")], problem()));
        assert_eq!((&document["passed"], &document["failed"]), (&json!(1), &json!(1)));
    }
}

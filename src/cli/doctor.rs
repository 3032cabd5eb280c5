//! `tenantry doctor`: the checks of a deploy, and nothing else of it.

use serde_json::json;
use std::fmt::Write as _;
use tokio_util::sync::CancellationToken;

use super::arguments::Doctor;
use super::auth::note;
use super::exit::Exit;
use super::frame::{self, Failure, Paint, Place, until_stopped};
use crate::model::progress::DeployStep;
use crate::model::{Check, CheckResult, Problem, TenantId};
use crate::ops::doctor::{self, Diagnosis, Options};
use crate::ops::{Session, tenants};
use crate::telling::Tone;

pub(super) async fn run(arguments: Doctor, stop: CancellationToken) -> Exit {
    until_stopped(arguments.output, &stop, Box::pin(diagnose(arguments))).await
}

async fn diagnose(arguments: Doctor) -> Result<Exit, Failure> {
    let output = arguments.output;
    let session = session(&arguments.place).await?;
    let options = Options { profile: arguments.profile, project_build: true, ..Options::default() };
    let tell = |check: &Check| output.say(line(check, Paint::out()).trim_end());
    let tenant = match &arguments.tenant {
        Some(wanted) => Some(meant(&session, wanted).await?),
        None => None,
    };
    let diagnosis = doctor::diagnose(&session, tenant.as_ref(), &options, tell).await;
    output.answer(&document(&diagnosis), &format!("\n{}\n", diagnosis.summary()))?;
    let exit = code(&diagnosis);
    if output.quiet() && exit != Exit::Done {
        for check in diagnosis.checks.iter().filter(|check| check.result == CheckResult::Fail) {
            note(line(check, Paint::err()).trim_end());
        }
    }
    Ok(exit)
}

/// Without a login what needs none is still checked, and the check of the login says what is missing.
async fn session(place: &Place) -> Result<Session, Problem> {
    let project = frame::project()?;
    match place.open_in(project.clone()).await {
        Err(problem) if problem.requires_login => Session::nobody(place.seat_in(project.clone()).await?, project),
        opened => opened,
    }
}

/// The tenant that is meant. Where no list can be had it may be an id, and why there is none is what the checks tell.
async fn meant(session: &Session, wanted: &str) -> Result<TenantId, Problem> {
    match tenants::resolve(session, Some(wanted)).await {
        Ok(tenant) => Ok(tenant.id),
        Err(problem) if session.client().tenants().await.is_ok() => Err(problem),
        Err(problem) => TenantId::new(wanted).map_err(|_| problem),
    }
}

/// What a check says: a line, and one with what to do about it.
pub(super) fn line(check: &Check, paint: Paint) -> String {
    let (sign, tone) = match check.result {
        CheckResult::Pass => ("✓", Tone::Good),
        CheckResult::Warn => ("!", Tone::Warn),
        CheckResult::Fail => ("✕", Tone::Bad),
    };
    let mut line = format!("{} {:<17} {}\n", paint.tone(tone, sign), check.name, check.detail);
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

    #[test]
    fn a_check_is_a_line_and_a_hint() {
        let plain = |check: Check| line(&check, Paint::default());
        assert_eq!(plain(Check::pass("disk", "12 GB free")), "✓ disk              12 GB free\n");
        let shown = plain(Check::warn("login", "expires in 5 min", "Log in again soon."));
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

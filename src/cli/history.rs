//! `tenantry history`: the deploys that this machine remembers of a tenant, as a table for people and as one JSON document for
//! scripts.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt::Write as _;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::frame::{Failure, Output, Whom, table as columns, until_stopped};
use crate::model::{DeployEnd, Tenant};
use crate::ops::history::{self, Comparison, Entry, History};

/// The widest that a name or an address may make its column.
const WIDEST: usize = 32;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    whom: Whom,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Document<'a> {
    tenant_name: &'a str,
    #[serde(flatten)]
    history: History,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    until_stopped(arguments.output, &stop, show(&arguments)).await
}

async fn show(arguments: &Arguments) -> Result<Exit, Failure> {
    let (session, tenant) = arguments.whom.open().await?;
    let history = history::of_tenant(&session, &tenant.id).await?;
    let text = table(&tenant, &history);
    arguments.output.answer(&Document { tenant_name: &tenant.name, history }, &text)?;
    Ok(Exit::Done)
}

fn table(tenant: &Tenant, history: &History) -> String {
    if history.deploys.is_empty() {
        return format!("This machine remembers no deploy of {}.\n", tenant.name);
    }
    let mut rows = vec![["", "DEPLOY", "BEGAN", "OUTCOME", "TOOK", "IMAGE", "COMMIT", "BY"].map(str::to_owned)];
    rows.extend(history.deploys.iter().map(row));
    let mut out = columns(&rows);
    let _ = match (&history.unanswered, history.deploys.iter().any(|entry| entry.runs_now), &history.running) {
        (Some(problem), ..) => writeln!(out, "\nWhich one runs is not known: {problem}"),
        (None, true, _) => writeln!(out, "\n* runs now"),
        (None, false, Some(digest)) => {
            writeln!(out, "\nThe tenant runs {}, which was not deployed from this machine.", digest.short())
        }
        (None, false, None) => writeln!(out, "\nThe server does not say which one runs."),
    };
    out
}

fn row(entry: &Entry) -> [String; 8] {
    let record = &entry.record;
    let first = |text: &str, count: usize| text.chars().take(count).collect::<String>();
    let image = record.digest.as_ref().map(|digest| digest.short().to_owned());
    let commit =
        record.git.as_ref().map(|git| format!("{}{}", first(&git.commit, 8), if git.dirty { "+" } else { "" }));
    let missing = || "-".to_owned();
    [
        if entry.runs_now { "*" } else { "" }.to_owned(),
        first(&record.id, 8),
        moment(&record.began_at, &TimeZone::system()),
        outcome(entry),
        took(record.took_ms, entry.compared.as_ref()),
        image.unwrap_or_else(missing),
        commit.unwrap_or_else(missing),
        record.by.as_deref().map_or_else(missing, |by| first(by, WIDEST)),
    ]
}

/// In the time of the place, to the minute.
fn moment(began_at: &str, zone: &TimeZone) -> String {
    match began_at.parse::<Timestamp>() {
        Ok(moment) => moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => began_at.chars().take(16).collect(),
    }
}

fn outcome(entry: &Entry) -> String {
    let words = match &entry.record.outcome {
        DeployEnd::Open => "not finished".to_owned(),
        DeployEnd::Succeeded => "succeeded".to_owned(),
        DeployEnd::Failed { step, .. } => format!("failed at {}", step.word()),
        DeployEnd::Cancelled { step } => format!("cancelled at {}", step.word()),
        DeployEnd::Detached => "left to the server".to_owned(),
    };
    if entry.record.rollback_of.is_some() { format!("rollback {words}") } else { words }
}

/// `12.3 s (-4.0)`: with the difference to the success before it, seconds.
fn took(took_ms: u64, compared: Option<&Comparison>) -> String {
    let seconds = took_ms as f64 / 1000.0;
    match compared {
        Some(compared) => format!("{seconds:.1} s ({:+.1})", compared.took_ms as f64 / 1000.0),
        None => format!("{seconds:.1} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::progress::DeployStep;
    use crate::model::{DeployRecord, Digest, GitRevision, Problem, TenantId};

    fn entry(id: &str, outcome: DeployEnd) -> Entry {
        let record = DeployRecord {
            id: id.into(),
            tenant_id: TenantId::new("ten_1").expect("an id"),
            tenant_name: "orchard".into(),
            by: None,
            began_at: "2026-11-20T10:00:00Z".into(),
            took_ms: 12_345,
            image: String::new(),
            image_id: None,
            digest: None,
            git: None,
            builder: None,
            rollback_of: None,
            steps: Vec::new(),
            outcome,
        };
        Entry { record, runs_now: false, compared: None }
    }

    fn tenant() -> Tenant {
        serde_json::from_value(serde_json::json!({"id": "ten_1", "name": "orchard"})).expect("a tenant")
    }

    fn printed(history: &History) -> String {
        table(&tenant(), history)
    }

    fn history(deploys: Vec<Entry>) -> History {
        History { tenant_id: TenantId::new("ten_1").expect("an id"), running: None, unanswered: None, deploys }
    }

    #[test]
    fn a_row_has_what_a_person_looks_for() {
        let mut newest = entry("3f6c1b8e-52d4", DeployEnd::Succeeded);
        newest.runs_now = true;
        newest.record.by = Some("m\u{fc}ller@orchard.example".into());
        newest.record.digest = Digest::new(&format!("sha256:{}", "5e1f2a9c".repeat(8))).ok();
        newest.record.git = Some(GitRevision { commit: "8124739a".repeat(5), dirty: true });
        newest.compared = Some(Comparison { with: "x".into(), took_ms: -4_000, steps: Vec::new() });
        let failed = DeployEnd::Failed { step: DeployStep::Push, title: "No.".into() };
        let mut before = entry("9a0c55d1-e2f3", failed);
        before.record.rollback_of = Some("y".into());
        let text = printed(&history(vec![newest, before]));
        let lines: Vec<_> = text.lines().collect();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(lines[1])[..2], ["*", "3f6c1b8e"]);
        assert!(
            lines[1]
                .ends_with("succeeded                12.3 s (-4.0)  5e1f2a9c  8124739a+  m\u{fc}ller@orchard.example"),
            "{text}"
        );
        assert!(lines[2].ends_with("rollback failed at push  12.3 s         -         -          -"), "{text}");
        assert_eq!(lines[4], "* runs now");
        assert_eq!(moment("2026-11-20T10:00:59Z", &TimeZone::UTC), "2026-11-20 10:00");
        assert_eq!(moment("yesterday", &TimeZone::UTC), "yesterday");
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert_eq!(printed(&history(Vec::new())), "This machine remembers no deploy of orchard.\n");
        let mut known = history(vec![entry("a", DeployEnd::Open)]);
        assert!(printed(&known).ends_with("The server does not say which one runs.\n"));
        known.running = Digest::new(&format!("sha256:{}", "5e1f2a9c".repeat(8))).ok();
        assert!(printed(&known).ends_with("The tenant runs 5e1f2a9c, which was not deployed from this machine.\n"));
        known.unanswered = Some(Problem::new("Server not reachable."));
        assert!(printed(&known).ends_with("Which one runs is not known: Server not reachable.\n"));
    }
}

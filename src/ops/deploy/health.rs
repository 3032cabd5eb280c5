//! The last step: the tenant itself is asked, since only its own answer proves that the new version lives.

use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use crate::api;
use crate::model::progress::{DeployProgress, DeployStep};
use crate::model::{Problem, Remedy, TenantId, text};
use crate::ops::Session;
use crate::ops::reporter::Done;

/// Where a tenant says how it is.
const PATH: &str = "/api/v1/health";
/// Pause between two questions, and the longest it becomes: what starts is asked often, what hangs is not pestered.
const POLL: Duration = Duration::from_millis(250);
const LONGEST_POLL: Duration = Duration::from_secs(2);
/// How many of its last lines are shown when it does not answer, of how many that are asked for.
const LAST_LINES: usize = 20;
const ASKED_LINES: u32 = 200;
/// How long they may take to come.
const LINES_LIMIT: Duration = Duration::from_secs(5);

/// Asks until it answers with success or `limit` is over; then its last log lines are told.
pub(super) async fn wait(
    session: &Session,
    tenant: &TenantId,
    app_url: &str,
    limit: Duration,
    progress: &Sender<DeployProgress>,
) -> Result<Done<()>, Problem> {
    let url = format!("{}{PATH}", app_url.trim_end_matches('/'));
    let until = Instant::now() + limit;
    let mut last = format!("It gave no answer within {} s.", limit.as_secs());
    let mut pause = POLL;
    loop {
        match tokio::time::timeout_at(until, api::probe(&url)).await {
            Ok(Ok(200..=299)) => return Ok(Done::new((), format!("{app_url} answers"))),
            Ok(Ok(code)) => last = format!("It answered {code}."),
            Ok(Err(error)) => last = error.to_string(),
            // The limit cut it off: what was found before says more.
            Err(_) => {}
        }
        if Instant::now() + pause >= until {
            break;
        }
        tokio::time::sleep(pause).await;
        pause = (pause + POLL).min(LONGEST_POLL);
    }
    let line = last_lines(session, tenant, progress).await;
    let said = line.map(|line| format!(" It said last: {line}")).unwrap_or_default();
    Err(Problem::new("The tenant does not answer.")
        .detail(format!("{url}: {last}{said}"))
        .hint("See its logs; it may have crashed at start, or need more memory.")
        .remedy(Remedy::Retry))
}

/// Tells the tenant's last log lines, and gives back the very last one. What it says of the questions above is left out,
/// where it says anything else.
async fn last_lines(session: &Session, tenant: &TenantId, progress: &Sender<DeployProgress>) -> Option<String> {
    let asked = tokio::time::timeout(LINES_LIMIT, session.client().logs(tenant, ASKED_LINES)).await;
    let all: Vec<String> = asked.ok()?.ok()?.into_iter().map(|entry| entry.plain().into_owned()).collect();
    let own: Vec<String> = all.iter().filter(|line| !line.contains(PATH)).cloned().collect();
    let lines = if own.is_empty() { all } else { own };
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        let line = line.clone();
        let _ = progress.send(DeployProgress::Output { step: DeployStep::Health, line }).await;
    }
    lines.last().map(|line| text::short(line, 200))
}

//! The last step: the tenant itself is asked, since only its own answer proves that the new version lives.

use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use crate::api;
use crate::model::progress::{DeployProgress, DeployStep};
use crate::model::{Problem, Remedy, TenantId, text};
use crate::ops::Session;
use crate::ops::reporter::Done;

/// Pause between two questions.
const POLL: Duration = Duration::from_millis(250);
/// How many of its last lines are shown when it does not answer, and how long they may take to come.
const LAST_LINES: u32 = 20;
const LINES_LIMIT: Duration = Duration::from_secs(5);

/// Asks until it answers with success or `limit` is over; then its last log lines are told.
pub(super) async fn wait(
    session: &Session,
    tenant: &TenantId,
    app_url: &str,
    limit: Duration,
    progress: &Sender<DeployProgress>,
) -> Result<Done<()>, Problem> {
    let url = format!("{}/api/v1/health", app_url.trim_end_matches('/'));
    let until = Instant::now() + limit;
    loop {
        let found = match tokio::time::timeout_at(until, api::probe(&url)).await {
            Ok(Ok(200..=299)) => return Ok(Done::new((), format!("{app_url} answers"))),
            Ok(Ok(code)) => format!("It answered {code}."),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("It gave no answer within {} s.", limit.as_secs()),
        };
        if Instant::now() >= until {
            let last = last_lines(session, tenant, progress).await;
            let said = last.map(|line| format!(" It said last: {line}")).unwrap_or_default();
            return Err(Problem::new("The tenant does not answer.")
                .detail(format!("{url}: {found}{said}"))
                .hint("See its logs; it may have crashed at start, or need more memory.")
                .remedy(Remedy::Retry));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Tells the tenant's last log lines, and gives back the very last one.
async fn last_lines(session: &Session, tenant: &TenantId, progress: &Sender<DeployProgress>) -> Option<String> {
    let asked = tokio::time::timeout(LINES_LIMIT, session.client().logs(tenant, LAST_LINES)).await;
    let entries = asked.ok()?.ok()?;
    for entry in &entries {
        let line = entry.message.clone();
        let _ = progress.send(DeployProgress::Output { step: DeployStep::Health, line }).await;
    }
    entries.last().map(|entry| text::short(&entry.message, 200))
}

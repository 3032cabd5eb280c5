//! The flow without keys: checkout → provision → build → push → deploy → running → a change → the same again.
//! It ends well only if the tenant answered over HTTP, in both versions, and its logs came back.

use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::sample;
use crate::api::{self, FeedItem};
use crate::model::progress::{DeployOutcome, DeployProgress};
use crate::model::{EventKind, Plan, Problem, ProvisioningEvent, REGIONS, SessionId, TenantId};
use crate::ops::{Session, checkout, deploy};
use crate::telling::lines::{Lines, Teller};

/// Where the demo's tenant lives.
const REGION: &str = "fra";
/// How long the infrastructure may take, and how long the logs may take to come back. Nobody watches, so what does
/// not come to an end must not be waited for.
const PROVISION_LIMIT: Duration = Duration::from_mins(2);
const LOG_LIMIT: Duration = Duration::from_secs(30);
/// Log lines that are printed.
const LOG_LINES: usize = 6;

/// Plays it.
pub(super) async fn play(session: &Session, lines: &Lines, stop: &CancellationToken) -> Result<(), Problem> {
    let me = session.client().me().await.map_err(|error| error.problem())?;
    lines.say("login", &me.user.email);
    let plan = choose_plan(session, lines).await?;
    let checkout_id = buy(session, &plan, lines).await?;
    let mut seen = HashSet::new();
    let tenant = in_time(PROVISION_LIMIT, provision(session, &checkout_id, &mut seen, lines)).await?;
    let watch = stop.child_token();
    let watcher = tokio::spawn(watch_tenant(session.clone(), tenant.clone(), seen, lines.clone(), watch.clone()));
    let result = Box::pin(both_versions(session, &tenant, lines, stop)).await;
    watch.cancel();
    let _ = watcher.await;
    result
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Problem::new("The demo waits for something that does not come.")
            .detail(format!("The step after the last line did not end within {} s.", limit.as_secs())))
    })
}

async fn both_versions(
    session: &Session,
    tenant: &TenantId,
    lines: &Lines,
    stop: &CancellationToken,
) -> Result<(), Problem> {
    let first = deploy_and_ask(session, tenant, 1, lines, stop).await?;
    in_time(LOG_LIMIT, read_logs(session, tenant, lines)).await?;
    sample::change(&session.project().root, 1, 2).await?;
    lines.say("change", &format!("{} now says “{}”", sample::PAGE, sample::title(2)));
    let second = deploy_and_ask(session, tenant, 2, lines, stop).await?;
    if first.app_url != second.app_url {
        return Err(Problem::new("The tenant's address changed with a deploy.")
            .detail(format!("{:?} became {:?}.", first.app_url, second.app_url)));
    }
    lines.say("done", "both versions answered at the same address");
    Ok(())
}

async fn choose_plan(session: &Session, lines: &Lines) -> Result<Plan, Problem> {
    let plans = session.client().plans().await.map_err(|error| error.problem())?;
    let told: Vec<_> = plans.iter().map(|plan| format!("{} {} MB", plan.name, plan.memory_mb_default)).collect();
    lines.say("plans", &told.join(" · "));
    let regions: Vec<_> = REGIONS.iter().map(|region| region.code).collect();
    lines.say("regions", &regions.join(" · "));
    plans
        .into_iter()
        .next()
        .ok_or_else(|| Problem::new("No plan offered.").hint("Contact whoever runs this Management API."))
}

async fn buy(session: &Session, plan: &Plan, lines: &Lines) -> Result<SessionId, Problem> {
    let opened = checkout::start(session, &plan.paddle_price_id, REGION).await?;
    lines.say("checkout", &format!("{} in {REGION}: {}", plan.name, opened.checkout_url));
    let id = opened
        .checkout_session_id
        .ok_or_else(|| Problem::new("The server named no checkout session.").hint("It is too old to be watched."))?;
    checkout::auto_pay(&opened.checkout_url).await?;
    lines.say("payment", "paid through the form of the page");
    Ok(id)
}

async fn provision(
    session: &Session,
    checkout_id: &SessionId,
    seen: &mut HashSet<String>,
    lines: &Lines,
) -> Result<TenantId, Problem> {
    let mut feed = session.client().checkout_events(checkout_id);
    let mut number = 0;
    while let Some(item) = feed.next().await {
        let event = match item {
            FeedItem::Item(event) => event,
            FeedItem::Failed(error) => return Err(error.problem()),
            FeedItem::Interrupted { problem, .. } => {
                lines.say("events", &format!("interrupted: {problem}"));
                continue;
            }
            FeedItem::Connected => continue,
        };
        number += 1;
        lines.say("event", &format!("{number:>2}  {}", told(&event)));
        seen.extend(event.event_key.clone());
        match (event.event_type, event.tenant_id) {
            (EventKind::InfrastructureReady | EventKind::TenantReady, Some(tenant)) => return Ok(tenant),
            (EventKind::ProvisioningFailed, _) => {
                return Err(Problem::new("Provisioning failed.").detail(event.message.unwrap_or_default()));
            }
            _ => {}
        }
    }
    Err(Problem::new("The events ended before the infrastructure was ready."))
}

fn told(event: &ProvisioningEvent) -> String {
    let kind = event.event_type.as_str();
    format!("{kind:<25} {}", event.message.as_deref().unwrap_or_default())
}

/// Prints the tenant's own events beside the deploy's steps.
async fn watch_tenant(
    session: Session,
    tenant: TenantId,
    mut seen: HashSet<String>,
    lines: Lines,
    stop: CancellationToken,
) {
    let mut feed = session.client().tenant_events(&tenant, true);
    loop {
        let item = tokio::select! {
            () = stop.cancelled() => return,
            item = feed.next() => item,
        };
        match item {
            Some(FeedItem::Item(event)) if event.event_key.as_ref().is_none_or(|key| seen.insert(key.clone())) => {
                lines.say("event", &format!("    {}", told(&event)));
            }
            Some(FeedItem::Failed(error)) => return lines.say("events", &error.problem().to_string()),
            Some(_) => {}
            None => return,
        }
    }
}

async fn deploy_and_ask(
    session: &Session,
    tenant: &TenantId,
    version: u32,
    lines: &Lines,
    stop: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    let (sender, receiver) = mpsc::channel(64);
    let work = async {
        let result = deploy::run(session, tenant, &deploy::Options::default(), &sender, stop).await;
        drop(sender);
        result
    };
    let (result, ()) = tokio::join!(work, print(receiver, lines));
    let outcome = result?;
    let url = outcome.app_url.clone().ok_or_else(|| Problem::new("The server told no address of the tenant."))?;
    let page = api::page::html(&url).await.map_err(|error| error.problem())?;
    let expected = sample::title(version);
    if !page.contains(&expected) {
        return Err(Problem::new("The tenant answers with another page.").detail(format!("{url} lacks “{expected}”.")));
    }
    lines.say("answer", &format!("{url}  200  “{expected}”"));
    lines.say("deployed", &format!("{} in {:.1} s", outcome.digest.short(), outcome.took.as_secs_f64()));
    Ok(outcome)
}

async fn print(mut progress: mpsc::Receiver<DeployProgress>, lines: &Lines) {
    let mut teller = Teller::default();
    while let Some(moved) = progress.recv().await {
        if let Some((what, text)) = teller.line(&moved) {
            lines.say(what, &text);
        }
    }
}

/// Reads the tenant's logs as they stream, until the request for the page is among them.
async fn read_logs(session: &Session, tenant: &TenantId, lines: &Lines) -> Result<(), Problem> {
    let mut feed = session.client().follow_logs(tenant, 100);
    let mut printed = 0;
    while let Some(item) = feed.next().await {
        match item {
            FeedItem::Item(entry) => {
                let message = entry.plain();
                let answered = message.contains("GET / ");
                if printed < LOG_LINES || answered {
                    lines.say("log", &message);
                    printed += 1;
                }
                if answered {
                    return Ok(());
                }
            }
            FeedItem::Failed(error) => return Err(error.problem()),
            FeedItem::Connected | FeedItem::Interrupted { .. } => {}
        }
    }
    Err(Problem::new("The tenant's logs did not come back."))
}

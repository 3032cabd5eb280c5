//! The deploy: preflight → the project's build → registry token → image → push → secrets → the server's part → health
//! (protocol D.3). Written once; the screen and the command line only show its progress differently.
//!
//! This file begins and ends a deploy: its lock, its record, and what several of them share. One tenant's way through
//! the steps is in `deploy/flow.rs`.

mod accept;
mod build_secrets;
mod flow;
mod health;
mod plan;
mod together;
mod undo;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

use super::deploy_lock::{self, Held};
pub use super::deploy_options::{HEALTH_LIMIT, ImageSource, Options};
use super::record::Recorder;
use super::reporter::Reporter;
use super::{Session, history, rollback};
use crate::model::progress::{DeployOutcome, DeployProgress, DeployStep};
use crate::model::{Problem, TenantId};
use flow::Flow;
use plan::Plan;
use together::Together;

/// What is told of the deploy of one among several tenants.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// It goes on.
    Moved(DeployProgress),
    /// It ended like this; its last word.
    Ended(Box<Result<DeployOutcome, Problem>>),
}

impl From<DeployProgress> for News {
    fn from(progress: DeployProgress) -> Self {
        Self::Moved(progress)
    }
}

/// How many tenants of one call are under way at the same time.
const UNDER_WAY: usize = 16;

/// Deploys to one tenant. Cancelling until the server accepts leaves the tenant as it was; afterwards it only stops watching.
pub async fn run(
    session: &Session,
    tenant: &TenantId,
    options: &Options,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    run_with(&Together::default(), session, tenant, options, progress, cancel).await
}

/// Looks whether a deploy could begin, and changes nothing.
pub async fn check(
    session: &Session,
    tenant: &TenantId,
    options: &Options,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<(), Problem> {
    let plan = Plan::choose(session, tenant, options).await?;
    let reporter = Reporter::new(progress, cancel);
    flow::preflight(session, tenant, options, &plan, &reporter, |_| {}).await.map(drop)
}

/// Deploys the same image to several tenants: built once, pushed to each, and deployed a few at a time. What fails for one does
/// not stop the others; only a build that fails stops all, as there is nothing to deploy. Results are in the order of `tenants`,
/// where one that is named twice counts once.
pub async fn run_many(
    session: &Session,
    tenants: &[TenantId],
    options: &Options,
    progress: &Sender<(TenantId, DeployProgress)>,
    cancel: &CancellationToken,
) -> Vec<(TenantId, Result<DeployOutcome, Problem>)> {
    let together = Together::default();
    let deploys = each(&together, session, tenants, options, progress, cancel);
    stream::iter(deploys).buffered(UNDER_WAY).collect().await
}

/// The same, where every end is told when it comes, behind the last progress of that tenant.
pub async fn run_and_tell(
    session: &Session,
    tenants: &[TenantId],
    options: &Options,
    news: &Sender<(TenantId, News)>,
    cancel: &CancellationToken,
) {
    let together = Together::default();
    let mut deploys =
        stream::iter(each(&together, session, tenants, options, news, cancel)).buffer_unordered(UNDER_WAY);
    while let Some((tenant, result)) = deploys.next().await {
        // Nobody listens any more when the program is being left.
        let _ = news.send((tenant, News::Ended(Box::new(result)))).await;
    }
}

/// A deploy for every tenant; one that is named twice counts once.
fn each<'a, T: From<DeployProgress> + Send>(
    together: &'a Together,
    session: &'a Session,
    tenants: &'a [TenantId],
    options: &'a Options,
    progress: &'a Sender<(TenantId, T)>,
    cancel: &'a CancellationToken,
) -> Vec<BoxFuture<'a, (TenantId, Result<DeployOutcome, Problem>)>> {
    let mut distinct: Vec<&TenantId> = Vec::new();
    for tenant in tenants {
        if !distinct.contains(&tenant) {
            distinct.push(tenant);
        }
    }
    let one = |tenant| one_of_many(together, session, tenant, options, progress, cancel).boxed();
    distinct.into_iter().map(one).collect()
}

async fn one_of_many<T: From<DeployProgress>>(
    together: &Together,
    session: &Session,
    tenant: &TenantId,
    options: &Options,
    progress: &Sender<(TenantId, T)>,
    cancel: &CancellationToken,
) -> (TenantId, Result<DeployOutcome, Problem>) {
    let (sender, mut receiver) = mpsc::channel(64);
    let work = async move { run_with(together, session, tenant, options, &sender, cancel).await };
    let telling = async {
        while let Some(moved) = receiver.recv().await {
            let _ = progress.send((tenant.clone(), moved.into())).await;
        }
    };
    let (result, ()) = tokio::join!(work, telling);
    (tenant.clone(), result)
}

/// Deploys the image of an earlier deploy again: `wanted` is a number of steps back, or the beginning of an id, a digest or a
/// commit; one step where nothing is said (protocol D.8).
pub async fn roll_back(
    session: &Session,
    tenant: &TenantId,
    wanted: Option<&str>,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    let records = history::records(session, tenant).await?;
    let current = history::running(session, tenant).await?;
    let record = rollback::find(&records, current.as_ref(), wanted)?;
    let options = Options { source: ImageSource::Recorded(Box::new(record)), ..Options::default() };
    run(session, tenant, &options, progress, cancel).await
}

async fn run_with(
    together: &Together,
    session: &Session,
    tenant: &TenantId,
    options: &Options,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    let held = deploy_lock::take(session, tenant, &format!("deploy of {tenant}")).await?;
    if let Held::Unlocked(problem) = &held {
        let (step, line) = (DeployStep::Preflight, problem.to_string());
        let _ = progress.send(DeployProgress::Output { step, line }).await;
    }
    let plan = Plan::choose(session, tenant, options).await?;
    let recorder = Recorder::begin(session, tenant, plan.origin());
    let (sender, mut receiver) = mpsc::channel(64);
    let (plan, known) = (&plan, &recorder);
    let work = async move {
        let reporter = Reporter::new(&sender, cancel);
        let (recorder, progress) = (known, &sender);
        let flow = Flow { session, tenant, options, plan, together, recorder, reporter, progress, cancel };
        // It holds everything that a deploy needs on the way.
        Box::pin(flow.perform()).await
    };
    let telling = async {
        while let Some(moved) = receiver.recv().await {
            recorder.hear(&moved);
            // A receiver that went away is no reason to stop a deploy.
            let _ = progress.send(moved).await;
        }
    };
    // On the heap: with all its steps it is larger than a future that is passed around should be.
    let (result, ()) = tokio::join!(Box::pin(work), telling);
    recorder.finish(&result, cancel.is_cancelled()).await;
    result
}

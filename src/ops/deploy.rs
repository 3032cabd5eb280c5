//! The deploy: preflight → the project's build → registry token → image → push → the server's part → health
//! (protocol D.3). Written once; the screen and the command line only show its progress differently.

use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use super::deploy_options::{ImageSource, Options};
use super::preflight::{self, Cleared};
use super::reporter::{Done, Reporter};
use super::{Session, project_build};
use crate::api::{self, ApiError};
use crate::engine::{BuildRequest, Credentials, REGISTRY_LABEL};
use crate::model::progress::{
    BuildProgress, DeployOutcome, DeployProgress, DeployStep, LayerProgress, LayerState, VertexState,
};
use crate::model::{Digest, ImageReference, Problem, RegistryToken, Remedy, TenantId, TenantState};

/// How often the status is asked for while the server works (protocol C.4).
const POLL: Duration = Duration::from_secs(2);
/// How long the server may take without any change of state.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many questions in a row may stay without an answer.
const UNANSWERED: u32 = 5;
/// How long the tenant may take to answer over HTTP after the server called it ready.
const HEALTH_LIMIT: Duration = Duration::from_secs(30);
/// Pause between two questions to the tenant.
const HEALTH_POLL: Duration = Duration::from_millis(250);

/// Deploys the project to the tenant. Cancelling until the server accepts leaves the tenant as it was.
pub async fn run(
    session: &Session,
    tenant: &TenantId,
    options: &Options,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    // On the heap: with all its steps it is larger than a future that is passed around should be.
    Box::pin(steps(session, tenant, options, progress, cancel)).await
}

async fn steps(
    session: &Session,
    tenant: &TenantId,
    _options: &Options,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    let begun = Instant::now();
    let reporter = Reporter::new(progress, cancel);
    let cleared = reporter.droppable_step(DeployStep::Preflight, preflight::check(session, tenant)).await?;
    build_project(session, &cleared, &reporter, progress, cancel).await?;
    let token = reporter.droppable_step(DeployStep::Registry, registry_token(session, tenant)).await?;
    let image = token.image().map_err(|error| unusable_image(&error))?;
    let image_id = reporter.step(DeployStep::Build, build_image(session, &cleared, &image, progress, cancel)).await?;
    let digest = reporter.step(DeployStep::Push, push(&cleared, &image, &token, progress, cancel)).await?;
    let answered = reporter.droppable_step(DeployStep::Deploy, accept(session, tenant, &image, &digest)).await?;
    let address = answered.or(cleared.tenant.app_url);
    if let Some(url) = &address {
        reporter.droppable_step(DeployStep::Health, health(url)).await?;
    } else {
        let why = "the server told no address".to_owned();
        reporter.say(DeployProgress::Skipped { step: DeployStep::Health, why }).await;
    }
    Ok(DeployOutcome { app_url: address, digest, image_id: Some(image_id), took: begun.elapsed() })
}

/// Deploys the project to each of the tenants. One that fails does not stop the rest.
pub async fn run_many(
    session: &Session,
    tenants: &[TenantId],
    options: &Options,
    progress: &Sender<(TenantId, DeployProgress)>,
    cancel: &CancellationToken,
) -> Vec<(TenantId, Result<DeployOutcome, Problem>)> {
    let mut ended = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        let (sender, mut receiver) = mpsc::channel(64);
        let work = async {
            let result = run(session, tenant, options, &sender, cancel).await;
            drop(sender);
            result
        };
        let passing_on = async {
            while let Some(moved) = receiver.recv().await {
                let _ = progress.send((tenant.clone(), moved)).await;
            }
        };
        let (result, ()) = tokio::join!(work, passing_on);
        ended.push((tenant.clone(), result));
    }
    ended
}

/// Looks whether a deploy could begin, and changes nothing.
pub async fn check(
    session: &Session,
    tenant: &TenantId,
    _options: &Options,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<(), Problem> {
    let reporter = Reporter::new(progress, cancel);
    let checks = Box::pin(preflight::check(session, tenant));
    reporter.droppable_step(DeployStep::Preflight, checks).await.map(drop)
}

/// Deploys again what the tenant ran before: `to` versions back, or the deploy whose id or digest begins with `to`.
pub async fn roll_back(
    session: &Session,
    tenant: &TenantId,
    _to: Option<&str>,
    _progress: &Sender<DeployProgress>,
    _cancel: &CancellationToken,
) -> Result<DeployOutcome, Problem> {
    let name = session.client().tenant(tenant).await.map_err(|error| error.problem())?.name;
    Err(Problem::new("No recorded deploy to go back to.").detail(format!("This machine remembers none of {name}.")))
}

async fn build_project(
    session: &Session,
    cleared: &Cleared,
    reporter: &Reporter<'_>,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<(), Problem> {
    let Some(command) = &cleared.build_command else {
        let why = "the project has no build command".to_owned();
        reporter.say(DeployProgress::Skipped { step: DeployStep::Project, why }).await;
        return Ok(());
    };
    let work = async {
        let built = project_build::run(session.project(), command, progress, cancel).await?;
        session.project().binary().map_err(|error| error.problem())?;
        Ok(built)
    };
    reporter.step(DeployStep::Project, work).await
}

async fn registry_token(session: &Session, tenant: &TenantId) -> Result<Done<RegistryToken>, Problem> {
    let token = session.client().registry_token(tenant).await.map_err(|error| error.problem())?;
    let summary = format!("token for {} at {}", token.tag, token.registry);
    Ok(Done::new(token, summary))
}

fn unusable_image(error: &dyn std::error::Error) -> Problem {
    Problem::new("The server named an image that cannot be used.")
        .detail(error.to_string())
        .hint("Check which Management API you are logged in to.")
}

async fn build_image(
    session: &Session,
    cleared: &Cleared,
    image: &ImageReference,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<Done<String>, Problem> {
    let request = BuildRequest {
        // Everything that was ever built for a registry can be found again, also after its tag moved on.
        labels: vec![(REGISTRY_LABEL.into(), image.registry().into())],
        ..BuildRequest::new(session.project().root.clone(), cleared.dockerfile.clone(), image.clone())
    };
    let (sender, receiver) = mpsc::channel(64);
    let counting = forward(receiver, progress, Steps::default(), |steps: &mut Steps, moved| {
        steps.count(&moved);
        DeployProgress::Build { progress: moved }
    });
    let work = async {
        let result = cleared.engine.build(request, &sender, cancel).await;
        drop(sender);
        result
    };
    let (result, steps) = tokio::join!(work, counting);
    let built = result.map_err(|error| error.problem())?;
    let id = built.id.trim_start_matches("sha256:");
    Ok(Done::new(
        built.id.clone(),
        format!("{} steps, {} cached · {}", steps.total, steps.cached, id.get(..8).unwrap_or(id)),
    ))
}

async fn push(
    cleared: &Cleared,
    image: &ImageReference,
    token: &RegistryToken,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<Done<Digest>, Problem> {
    let credentials = Credentials { username: token.username.clone(), password: token.token.clone() };
    let (sender, receiver) = mpsc::channel(64);
    let counting = forward(receiver, progress, Layers::default(), |layers: &mut Layers, moved| {
        layers.count(&moved);
        DeployProgress::Push { layer: moved }
    });
    let work = async {
        let result = cleared.engine.push(image, &credentials, &sender, cancel).await;
        drop(sender);
        result
    };
    let (result, layers) = tokio::join!(work, counting);
    let digest = result.map_err(|error| error.problem())?;
    let summary = format!("{} layers pushed, {} already there · {}", layers.pushed, layers.there, digest.short());
    Ok(Done::new(digest, summary))
}

/// Passes on what the engine says, and keeps count of it for the step's last line.
async fn forward<T, C>(
    mut receiver: mpsc::Receiver<T>,
    progress: &Sender<DeployProgress>,
    mut count: C,
    mut wrap: impl FnMut(&mut C, T) -> DeployProgress,
) -> C {
    while let Some(moved) = receiver.recv().await {
        let _ = progress.send(wrap(&mut count, moved)).await;
    }
    count
}

#[derive(Default)]
struct Steps {
    total: u32,
    cached: u32,
}

impl Steps {
    fn count(&mut self, moved: &BuildProgress) {
        match moved {
            BuildProgress::Began { .. } => *self = Self::default(),
            BuildProgress::Vertex(vertex) if vertex.is_instruction() => match vertex.state {
                VertexState::Cached => (self.total, self.cached) = (self.total + 1, self.cached + 1),
                VertexState::Done { .. } => self.total += 1,
                VertexState::Waiting | VertexState::Running | VertexState::Failed { .. } => {}
            },
            _ => {}
        }
    }
}

#[derive(Default)]
struct Layers {
    pushed: u32,
    there: u32,
}

impl Layers {
    fn count(&mut self, moved: &LayerProgress) {
        match moved.state {
            LayerState::Pushed => self.pushed += 1,
            LayerState::AlreadyThere => self.there += 1,
            LayerState::Waiting | LayerState::Pushing { .. } => {}
        }
    }
}

/// The deploy call, and the wait for the server where it needs longer than the call may take. An answer
/// that got lost is no failure yet: what the tenant runs is asked for, and the call is never repeated.
async fn accept(
    session: &Session,
    tenant: &TenantId,
    image: &ImageReference,
    digest: &Digest,
) -> Result<Done<Option<String>>, Problem> {
    match session.client().deploy(tenant, image).await {
        Ok(answer) if answer.status == "deploying" => wait(session, tenant, digest).await,
        Ok(answer) => Ok(Done::new(answer.address().map(str::to_owned), format!("runs {}", digest.short()))),
        Err(error) if error.answer_was_lost() => match wait(session, tenant, digest).await {
            Ok(running) => Ok(running),
            Err(_) => Err(lost(&error)),
        },
        Err(error) => Err(error.problem().remedy(Remedy::Retry)),
    }
}

fn lost(error: &ApiError) -> Problem {
    let problem = error.problem();
    let detail = problem.detail.unwrap_or(problem.title);
    Problem::new("The answer to the deploy was lost.")
        .detail(detail)
        .hint("The tenant does not run the new image. Check its events, then deploy again.")
        .remedy(Remedy::Retry)
}

/// Polls until the tenant runs exactly the pushed digest, or says that it failed.
async fn wait(session: &Session, tenant: &TenantId, digest: &Digest) -> Result<Done<Option<String>>, Problem> {
    let mut until = Instant::now() + PATIENCE;
    let mut last = None;
    let mut unanswered = 0;
    loop {
        let asked = session.client().status(tenant).await;
        unanswered = if asked.is_ok() { 0 } else { unanswered + 1 };
        if let Err(error) = &asked
            && unanswered == UNANSWERED
        {
            return Err(error.problem());
        }
        if let Ok(status) = asked {
            let state = status.state();
            let runs_it = status.image.as_deref().is_none_or(|image| image.ends_with(digest.as_str()));
            match state {
                TenantState::Running if runs_it => {
                    return Ok(Done::new(status.app_url, format!("runs {}", digest.short())));
                }
                TenantState::Running | TenantState::Failed | TenantState::ToDeploy => {
                    let words = status.message.unwrap_or_else(|| "The server gave no reason.".into());
                    return Err(Problem::new("The new version could not be started.")
                        .detail(words)
                        .hint("See the events and the logs; the version before it is kept where there was one.")
                        .remedy(Remedy::Retry));
                }
                _ => {}
            }
            if last.replace(state) != Some(state) {
                until = Instant::now() + PATIENCE;
            }
        }
        if Instant::now() >= until {
            return Err(Problem::new(format!("Still not ready after {} s.", PATIENCE.as_secs()))
                .detail("The server is working on it, or does not answer.")
                .hint("Watch the events of the tenant; deploy again when it has come to an end."));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Asks the tenant itself: only its own answer proves that the new version lives.
async fn health(app_url: &str) -> Result<Done<()>, Problem> {
    let url = format!("{}/api/v1/health", app_url.trim_end_matches('/'));
    let until = Instant::now() + HEALTH_LIMIT;
    loop {
        let found = match api::probe(&url).await {
            Ok(200..=299) => return Ok(Done::new((), format!("{app_url} answers"))),
            Ok(code) => format!("It answered {code}."),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= until {
            return Err(Problem::new("The tenant does not answer.")
                .detail(format!("{url}: {found}"))
                .hint("See its logs; it may have crashed at start, or need more memory.")
                .remedy(Remedy::Retry));
        }
        tokio::time::sleep(HEALTH_POLL).await;
    }
}

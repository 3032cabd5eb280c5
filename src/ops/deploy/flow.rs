//! One tenant's way through a deploy, step by step. What deploys that run together share is in [`super::together`];
//! how a step is done is in a file of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Standing};
use super::plan::Plan;
use super::together::{Image, Together};
use super::{Options, build_secrets, health, undo};
use crate::engine::{BuildRequest, REGISTRY_LABEL};
use crate::model::progress::{DeployOutcome, DeployProgress, DeployStep};
use crate::model::{Digest, ImageReference, Problem, RegistryToken, TenantId};
use crate::ops::doctor::{self, Cleared};
use crate::ops::record::Recorder;
use crate::ops::reporter::{Done, Reporter};
use crate::ops::{Session, image, project_build, push, rollback, secrets};

pub(super) struct Flow<'a> {
    pub(super) session: &'a Session,
    pub(super) tenant: &'a TenantId,
    pub(super) options: &'a Options,
    pub(super) plan: &'a Plan,
    pub(super) together: &'a Together,
    pub(super) recorder: &'a Recorder,
    pub(super) reporter: Reporter<'a>,
    pub(super) progress: &'a Sender<DeployProgress>,
    pub(super) cancel: &'a CancellationToken,
}

/// What the registry holds for the tenant now.
pub(super) struct Arrived {
    pub(super) digest: Digest,
    /// The engine's id of it; `None` where the image never was on this engine.
    image_id: Option<String>,
}

/// Where the tenant's image goes, and with which right.
pub(super) struct Destination {
    pub(super) image: ImageReference,
    pub(super) token: RegistryToken,
}

impl Flow<'_> {
    pub(super) async fn perform(&self) -> Result<DeployOutcome, Problem> {
        let begun = Instant::now();
        let cleared = self.preflight().await?;
        self.project(&cleared).await?;
        let destination = self.destination(&cleared).await?;
        self.recorder.image(&destination.image);
        let arrived = self.arrive(&cleared, &destination).await?;
        self.recorder.pushed(&arrived.digest);
        self.bring_secrets(&cleared).await?;
        let served = self.serve(&cleared, &destination, &arrived).await;
        let app_url = match served {
            Ok(app_url) => app_url,
            Err(problem) if self.options.rollback_on_failure && !self.cancel.is_cancelled() => {
                return Err(undo::previous(self, &cleared, &destination, &arrived, problem).await);
            }
            Err(problem) => return Err(problem),
        };
        Ok(DeployOutcome { app_url, digest: arrived.digest, image_id: arrived.image_id, took: begun.elapsed() })
    }

    /// What must hold. A check that fails stops the deploy before anything is built.
    async fn preflight(&self) -> Result<Cleared, Problem> {
        let name = |name: &str| self.recorder.name(name);
        preflight(self.session, self.tenant, self.options, self.plan, &self.reporter, name).await
    }

    /// The registry's name for the tenant's image: from the server's answer, never from constants.
    async fn destination(&self, cleared: &Cleared) -> Result<Destination, Problem> {
        let asked = async {
            let token = match &cleared.registry_token {
                Some(token) => token.clone(),
                None => self.session.client().registry_token(self.tenant).await.map_err(|error| error.problem())?,
            };
            let image = token.image()?;
            let summary = format!("token for {} at {}", token.tag, token.registry);
            Ok(Done::new(Destination { image, token }, summary))
        };
        self.reporter.droppable_step(DeployStep::Registry, asked).await
    }

    /// Brings the image to the registry, by the way that was asked for.
    async fn arrive(&self, cleared: &Cleared, destination: &Destination) -> Result<Arrived, Problem> {
        if let Some(why) = self.plan.why_nothing_is_pushed() {
            self.skip(DeployStep::Build, why).await;
            let held = async {
                let digest = self.plan.held(&destination.token).await?;
                let why = format!("{why}: {}", digest.short());
                Ok(Done::skipped(digest, why))
            };
            let digest = self.reporter.droppable_step(DeployStep::Push, held).await?;
            return Ok(Arrived { digest, image_id: self.plan.image_id() });
        }
        let image = self.image(cleared, destination).await?;
        self.recorder.made(&image.id, image.builder);
        let digest = self.push(cleared, destination, &image).await?;
        Ok(Arrived { digest, image_id: Some(image.id) })
    }

    /// The image on the engine, under the tenant's name. Among deploys that run together the first builds it for all that
    /// build the same.
    async fn image(&self, cleared: &Cleared, destination: &Destination) -> Result<Image, Problem> {
        let Some(what) = self.plan.shared(cleared) else { return self.make(cleared, destination).await };
        let is_mine = AtomicBool::new(false);
        let begin = || {
            is_mine.store(true, Ordering::Relaxed);
            self.make(cleared, destination)
        };
        let shared = self.together.image(what);
        let made = shared.get_or_init(begin).await;
        if is_mine.into_inner() {
            return made.clone();
        }
        let tagged = async {
            let image = made.clone()?;
            cleared.engine.tag(&image.id, &destination.image).await.map_err(|error| error.problem())?;
            let why = format!("built once, with {}", image.made_with);
            Ok(Done::skipped(image, why))
        };
        self.reporter.droppable_step(DeployStep::Build, tagged).await
    }

    async fn make(&self, cleared: &Cleared, destination: &Destination) -> Result<Image, Problem> {
        let made_with = cleared.tenant.name.clone();
        let done = |id: String| Image { id, builder: None, made_with: made_with.clone() };
        if let Some(record) = self.plan.to_bring_back() {
            let (target, token) = (&destination.image, &destination.token);
            let work = async {
                let (engine, progress) = (&cleared.engine, self.progress);
                let id =
                    rollback::bring_back(self.session, engine, record, target, token, progress, self.cancel).await?;
                let summary = format!("the image of {} again", record.began_at);
                Ok(Done::new(done(id), summary))
            };
            return self.reporter.step(DeployStep::Build, work).await;
        }
        if let Some(name) = self.plan.local(&destination.image) {
            return self.reporter.droppable_step(DeployStep::Build, self.take_local(cleared, destination, &name)).await;
        }
        let mut request = self.request(cleared, &destination.image);
        if let Some(profile) = &cleared.profile {
            let given = &self.options.build_secrets;
            request.secrets.extend(build_secrets::of_profile(self.session, profile, &cleared.dockerfile, given).await?);
        }
        let force = self.options.force;
        let work = image::make(self.session, &cleared.engine, request, force, self.progress, self.cancel);
        let made = self.reporter.step(DeployStep::Build, work).await?;
        Ok(Image { id: made.id, builder: made.builder, made_with })
    }

    /// An image that is on the engine already, under the tenant's name.
    async fn take_local(
        &self,
        cleared: &Cleared,
        destination: &Destination,
        name: &str,
    ) -> Result<Done<Image>, Problem> {
        let found = cleared.engine.image_id(name).await.map_err(|error| error.problem())?;
        let Some(id) = found else {
            return Err(Problem::new(format!("The engine has no image {name}."))
                .hint("See `docker images`, or deploy without naming an image."));
        };
        cleared.engine.tag(&id, &destination.image).await.map_err(|error| error.problem())?;
        let why = format!("{name} is taken as it is");
        Ok(Done::skipped(Image { id, builder: None, made_with: cleared.tenant.name.clone() }, why))
    }

    fn request(&self, cleared: &Cleared, image: &ImageReference) -> BuildRequest {
        let options = self.options;
        BuildRequest {
            // Everything that was ever built for a registry can be found again, also after its tag moved on.
            labels: vec![(REGISTRY_LABEL.into(), image.registry().into())],
            args: options.args.clone(),
            target: options.target.clone(),
            platform: options.platform.clone(),
            no_cache: options.no_cache,
            secrets: options.build_secrets.clone(),
            builder: options.builder,
            ..BuildRequest::new(self.session.project().root.clone(), cleared.dockerfile.clone(), image.clone())
        }
    }

    /// The project's own build, where the image is made from it. Among deploys that run together the first builds it.
    async fn project(&self, cleared: &Cleared) -> Result<(), Problem> {
        if let Some(why) = self.plan.why_no_project_build(self.options) {
            self.skip(DeployStep::Project, why).await;
            return Ok(());
        }
        let is_mine = AtomicBool::new(false);
        let begin = || {
            is_mine.store(true, Ordering::Relaxed);
            self.build_project(cleared)
        };
        let built = self.together.project.get_or_init(begin).await;
        if is_mine.into_inner() {
            return built.clone();
        }
        let known = async { built.clone().map(|()| Done::skipped((), "built once for all")) };
        self.reporter.droppable_step(DeployStep::Project, known).await
    }

    async fn build_project(&self, cleared: &Cleared) -> Result<(), Problem> {
        let Some(command) = &cleared.build_command else {
            self.skip(DeployStep::Project, "the project has no build command").await;
            return Ok(());
        };
        let work = async {
            let built = project_build::run(self.session.project(), command, self.progress, self.cancel).await?;
            self.session.project().binary().map_err(|error| error.problem())?;
            Ok(built)
        };
        self.reporter.step(DeployStep::Project, work).await
    }

    /// Among deploys that run together one pushes at a time: the next finds the layers there. The engine, too, would carry a
    /// layer once for all that push it at the same time, with the token of one of them, and the registry would not know
    /// it as the others'.
    async fn push(&self, cleared: &Cleared, destination: &Destination, image: &Image) -> Result<Digest, Problem> {
        let _turn = self.together.push.lock().await;
        let token = destination.token.clone();
        let (engine, target) = (&cleared.engine, &destination.image);
        let work = push::run(self.session, engine, self.tenant, &image.id, target, token, self.progress, self.cancel);
        Ok(self.reporter.step(DeployStep::Push, work).await?.digest)
    }

    async fn bring_secrets(&self, cleared: &Cleared) -> Result<(), Problem> {
        if !self.options.sync_secrets {
            self.skip(DeployStep::Secrets, "not asked for").await;
            return Ok(());
        }
        let work = secrets::sync(self.session, self.tenant, cleared.profile.as_ref());
        self.reporter.droppable_step(DeployStep::Secrets, work).await
    }

    /// The server's part and the tenant's own answer. Gives back the tenant's address.
    async fn serve(
        &self,
        cleared: &Cleared,
        destination: &Destination,
        arrived: &Arrived,
    ) -> Result<Option<String>, Problem> {
        let _turn = self.together.turns.acquire().await;
        let is_accepted = AtomicBool::new(false);
        let accepted = || {
            is_accepted.store(true, Ordering::Relaxed);
            self.recorder.accepted();
        };
        let call = accept::deploy(self.session, self.tenant, &destination.image, &arrived.digest, accepted);
        let leave = self.leave_the_call(cleared, &arrived.digest, &is_accepted);
        let answered = self.reporter.step_until(DeployStep::Deploy, call, leave).await?;
        self.recorder.accepted();
        let Some(url) = answered.or_else(|| cleared.tenant.app_url.clone()) else {
            self.skip(DeployStep::Health, "the server told no address").await;
            return Ok(None);
        };
        let asking = health::wait(self.session, self.tenant, &url, self.options.health_limit, self.progress);
        self.reporter.step_until(DeployStep::Health, asking, async { detached("The new version runs.") }).await?;
        Ok(Some(url))
    }

    /// What is said when the deploy call is left. Where its answer had not come, the server is asked whether it accepted.
    async fn leave_the_call(&self, cleared: &Cleared, digest: &Digest, is_accepted: &AtomicBool) -> Problem {
        let works = "The server has accepted the deploy and goes on with it.";
        if is_accepted.load(Ordering::Relaxed) {
            return detached(works);
        }
        let before = cleared.tenant.image_digest.as_deref();
        let standing = accept::standing(self.session, self.tenant, digest, before).await;
        let (what, hint) = match standing {
            Standing::Works | Standing::Runs => {
                self.recorder.accepted();
                return detached(if standing == Standing::Works { works } else { "The new version runs." });
            }
            Standing::NotBegun => ("the server had not begun with it", "The tenant runs what it ran before"),
            Standing::Unknown => {
                ("the server does not say whether it accepted it", "See `tenantry history` for what the tenant runs")
            }
        };
        Problem::new("Deploy cancelled.")
            .detail(format!("Stopped during deploy: {what}."))
            .hint(format!("{hint}; its tag in the registry may be ahead."))
    }

    pub(super) async fn skip(&self, step: DeployStep, why: &str) {
        self.reporter.say(DeployProgress::Skipped { step, why: why.to_owned(), took: Duration::ZERO }).await;
    }
}

/// What leaving a deploy says that nobody can stop any more.
fn detached(what: &str) -> Problem {
    Problem::new("Left the deploy.").detail(what).hint("Watch the events of the tenant to see how it ends.")
}

/// What must hold. A check that fails stops the deploy before anything is built; what the tenant is called is told to `name`
/// either way.
pub(super) async fn preflight(
    session: &Session,
    tenant: &TenantId,
    options: &Options,
    plan: &Plan,
    reporter: &Reporter<'_>,
    name: impl Fn(&str) + Sync,
) -> Result<Cleared, Problem> {
    let checks = async {
        let options = doctor::Options {
            profile: options.profile.clone(),
            project_build: options.project_build && plan.builds_project(),
            image_is_there: !plan.makes_image(),
            for_deploy: true,
        };
        let diagnosis = doctor::diagnose(session, Some(tenant), &options, |_| {}).await;
        let checked = diagnosis.summary();
        if let Some(known) = &diagnosis.tenant_name {
            name(known);
        }
        for check in diagnosis.checks {
            reporter.say(DeployProgress::Check { check }).await;
        }
        let cleared = diagnosis.cleared?;
        let mut summary = format!("{checked} · {}", cleared.engine.name());
        if plan.makes_image() {
            summary = format!("{summary} · {}", cleared.dockerfile);
        }
        Ok(Done::new(cleared, summary))
    };
    reporter.droppable_step(DeployStep::Preflight, Box::pin(checks)).await
}

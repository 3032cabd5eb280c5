//! Machines on the local Docker Engine: a container each, a named volume per app, a port of 127.0.0.1.
//!
//! Touches only what carries this instance's label, so that several servers, and whatever else runs on the
//! engine, never meet. Must not know tenants' rows, tokens of people, or the front door.

mod clean;
mod ended;
mod inventory;
mod logs;
mod ready;
mod seed;
mod stats;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OnceCell, RwLock};

use super::{AppSpec, Holding, LogStart, Machine, MachineSpec, Provider, ProviderError, Stats};
use crate::engine::{ContainerError, ContainerSpec, ContainerState, Credentials, Engine, EngineError, REGISTRY_LABEL};
use crate::model::{LogEntry, text};

/// Label with the id of the server that made a container or volume.
pub const INSTANCE_LABEL: &str = "dev.tenantry.instance";
/// Label with the app it belongs to.
pub const APP_LABEL: &str = "dev.tenantry.app";
/// Label with the tenant it belongs to.
pub const TENANT_LABEL: &str = "dev.tenantry.tenant";
/// Label with the region that was asked for.
pub const REGION_LABEL: &str = "dev.tenantry.region";

/// Where the volume is inside.
const SERVICES: &str = "/app/services";
/// The port that every tenant's program listens on.
const PORT: u16 = 8080;
/// How long a new machine may take until it is healthy.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// How long a machine may take to end by itself, in seconds.
const GRACE_SECONDS: u16 = 10;
/// How often the engine starts a machine again that failed.
const RESTARTS: u32 = 5;

/// The provider that runs machines as containers of the local engine.
#[derive(Debug, Clone)]
pub struct DockerProvider {
    engine: OnceCell<Engine>,
    instance: String,
    registry: String,
    ready_limit: Duration,
    /// Read by whoever makes something, written by whoever removes all that was made.
    making: Arc<RwLock<()>>,
    /// The engine was asked to make something.
    has_made: Arc<AtomicBool>,
    measured: Arc<stats::Measured>,
}

impl DockerProvider {
    /// `instance` is this server's id, a UUID that it keeps across restarts. `registry` is host and port of
    /// its registry, as image references name it.
    ///
    /// The engine is looked for when it is first needed, so a server starts without one.
    #[must_use]
    pub fn new(instance: String, registry: String) -> Self {
        Self {
            engine: OnceCell::new(),
            instance,
            registry,
            ready_limit: READY_LIMIT,
            making: Arc::default(),
            has_made: Arc::default(),
            measured: Arc::default(),
        }
    }

    /// How long a new machine may take until it is healthy; a minute unless told.
    #[must_use]
    pub fn with_ready_limit(mut self, limit: Duration) -> Self {
        self.ready_limit = limit;
        self
    }

    async fn engine(&self) -> Result<&Engine, ProviderError> {
        let connect = || async {
            // Reads the Docker configuration's files.
            let found = tokio::task::spawn_blocking(Engine::connect).await;
            found.map_err(|error| ProviderError::Failed(error.to_string()))?.map_err(ProviderError::from)
        };
        self.engine.get_or_try_init(connect).await
    }

    /// Makes a container or a volume. Goes on when the caller is dropped, because the engine does too: who removes
    /// everything waits for it, and cannot miss what is made a moment later.
    async fn make<T, F>(&self, work: F) -> Result<T, ProviderError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ContainerError>> + Send + 'static,
    {
        let making = Arc::clone(&self.making).read_owned().await;
        self.has_made.store(true, Ordering::Relaxed);
        let made = tokio::spawn(async move {
            let made = work.await;
            drop(making);
            made
        });
        Ok(made.await.map_err(|error| ProviderError::Failed(error.to_string()))??)
    }

    fn volume_name(&self, app: &str) -> Result<String, ProviderError> {
        Ok(format!("{}-services", name(&self.instance, app)?))
    }

    fn labels(&self, app: &AppSpec) -> Vec<(String, String)> {
        [
            (INSTANCE_LABEL, self.instance.as_str()),
            (APP_LABEL, &app.app),
            (TENANT_LABEL, app.tenant.as_str()),
            (REGION_LABEL, &app.region),
            (REGISTRY_LABEL, &self.registry),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// A container that this instance made; `None` if there is none of that id, or it is somebody else's.
    async fn own(&self, id: &str) -> Result<Option<ContainerState>, ProviderError> {
        let found = self.engine().await?.container(id).await?;
        Ok(found.filter(|container| container.labels.get(INSTANCE_LABEL) == Some(&self.instance)))
    }

    /// The volume of that name is free, or made by this instance for this tenant.
    async fn check_free(&self, app: &AppSpec) -> Result<(), ProviderError> {
        let name = self.volume_name(&app.app)?;
        let Some(found) = self.engine().await?.volume_labels(&name).await? else { return Ok(()) };
        let ours = found.get(INSTANCE_LABEL) == Some(&self.instance)
            && found.get(TENANT_LABEL).map(String::as_str) == Some(app.tenant.as_str());
        if ours {
            return Ok(());
        }
        Err(ProviderError::Failed(format!("a volume {name} exists already and is not this tenant's")))
    }

    async fn make_volume(&self, app: &AppSpec) -> Result<String, ProviderError> {
        let name = self.volume_name(&app.app)?;
        self.check_free(app).await?;
        let (engine, labels, made) = (self.engine().await?.clone(), self.labels(app), name.clone());
        self.make(async move { engine.create_volume(&made, &labels).await }).await?;
        // Two may have asked at once, and the engine keeps the labels of the first.
        self.check_free(app).await?;
        Ok(name)
    }

    async fn make_machine(&self, spec: &MachineSpec) -> Result<Machine, ProviderError> {
        if !spec.image.starts_with(&format!("{}/", self.registry)) || !spec.image.contains("@sha256:") {
            return Err(ProviderError::Image(format!("{} is not an image of this registry by digest", spec.image)));
        }
        let volume = self.make_volume(&spec.app).await?;
        let engine = self.engine().await?;
        let was_there = engine.image_id(&spec.image).await?.is_some();
        let credentials = Credentials { username: spec.pull_user.clone(), password: spec.pull_token.clone() };
        // A digest is one image: one that is here already need not be asked for.
        if !was_there {
            engine.pull(&spec.image, &credentials).await?;
        }
        let made = self.run(engine, spec, volume).await;
        if made.is_err()
            && !was_there
            && let Err(error) = engine.remove_image(&spec.image).await
        {
            tracing::warn!(image = spec.image, %error, "a pulled image is left behind");
        }
        made
    }

    /// The container, from creation to health. On error it is gone again.
    async fn run(&self, engine: &Engine, spec: &MachineSpec, volume: String) -> Result<Machine, ProviderError> {
        let random = uuid::Uuid::new_v4().simple().to_string();
        let container = ContainerSpec {
            name: format!("{}-{}", name(&self.instance, &spec.app.app)?, random.get(..6).unwrap_or(&random)),
            image: spec.image.clone(),
            labels: self.labels(&spec.app),
            environment: spec.environment.clone(),
            volumes: vec![(volume, SERVICES.to_owned())],
            memory_mb: spec.memory_mb,
            port: PORT,
        };
        let (maker, wanted) = (engine.clone(), container.clone());
        let id = self.make(async move { maker.create_container(&wanted).await }).await?;
        let started = async {
            self.bring_new_files(engine, spec, &container, &id).await?;
            engine.start_container(&id).await?;
            let address = self.wait_until_ready(engine, &id, spec.memory_mb).await?;
            // Only now: a machine that fails while it comes up shall say so, not try again.
            engine.restart_on_failure(&id, RESTARTS).await?;
            Ok(Machine { id: id.clone(), address })
        };
        let started = started.await;
        if started.is_err()
            && let Err(error) = engine.remove_container(&id).await
        {
            tracing::error!(container = container.name, %error, "a container is left behind");
        }
        started
    }
}

/// `tenantry-{instance}-{app}`: two servers on one engine never collide.
fn name(instance: &str, app: &str) -> Result<String, ProviderError> {
    let fits =
        (1..=60).contains(&app.len()) && app.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits {
        return Err(ProviderError::Failed("an app's name has up to 60 lower-case letters, digits or dashes".into()));
    }
    let instance: String = instance.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    Ok(format!("tenantry-{}-{app}", instance.to_lowercase()))
}

impl From<ContainerError> for ProviderError {
    fn from(error: ContainerError) -> Self {
        let text = error.to_string();
        match error {
            ContainerError::Unreachable(_) => Self::Unavailable(text),
            ContainerError::PullDenied { .. } | ContainerError::PullFailed { .. } => Self::Image(text),
            ContainerError::NotFound { .. } | ContainerError::Conflict { .. } | ContainerError::Failed { .. } => {
                Self::Failed(text)
            }
        }
    }
}

impl From<EngineError> for ProviderError {
    fn from(error: EngineError) -> Self {
        let text = text::line(&error.to_string());
        match error {
            EngineError::NotFound { .. }
            | EngineError::PermissionDenied { .. }
            | EngineError::Unreachable { .. }
            | EngineError::Unsupported { .. }
            | EngineError::Configuration { .. }
            | EngineError::Lost { .. } => Self::Unavailable(text),
            _ => Self::Failed(text),
        }
    }
}

impl Provider for DockerProvider {
    fn available(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(async move { Ok(self.engine().await?.ping().await.map(|_| ())?) })
    }

    fn create_app<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.check_free(app))
    }

    fn create_volume<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<String, ProviderError>> {
        Box::pin(self.make_volume(app))
    }

    fn create_machine<'a>(&'a self, spec: &'a MachineSpec) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        Box::pin(self.make_machine(spec))
    }

    fn find_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Machine>, ProviderError>> {
        Box::pin(async move {
            let running = self.own(id).await?.filter(|container| container.running && !container.restarting);
            Ok(running.and_then(|container| {
                let address = container.address(PORT)?;
                Some(Machine { id: container.id, address })
            }))
        })
    }

    fn has_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, ProviderError>> {
        Box::pin(async move {
            let found = self.own(id).await?;
            Ok(found.is_none_or(|container| !container.running && !container.restarting))
        })
    }

    fn why_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(self.explain_end(id))
    }

    fn stats<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stats>, ProviderError>> {
        Box::pin(self.measure(id))
    }

    fn stop_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let Some(container) = self.own(id).await? else { return Ok(()) };
            Ok(self.engine().await?.stop_container(&container.id, GRACE_SECONDS).await?)
        })
    }

    fn start_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        Box::pin(async move {
            let Some(container) = self.own(id).await? else {
                return Err(ProviderError::Failed(format!("there is no machine {id}")));
            };
            let engine = self.engine().await?;
            engine.start_container(&container.id).await?;
            let memory_mb = container.memory_mb;
            let address = self.wait_until_ready(engine, &container.id, memory_mb).await?;
            Ok(Machine { id: container.id, address })
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, String>, ProviderError>> {
        Box::pin(async move {
            let changes = self.engine().await?.container_changes(&[(INSTANCE_LABEL, self.instance.as_str())]);
            let changes = changes.filter_map(|change| async {
                change.inspect_err(|error| tracing::warn!(%error, "the machines are not watched any more")).ok()
            });
            Ok(changes.boxed())
        })
    }

    fn destroy_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            let Some(container) = self.engine().await?.container(id).await? else { return Ok(()) };
            if container.labels.get(INSTANCE_LABEL) != Some(&self.instance) {
                return Err(ProviderError::Failed(format!("the container {id} was not made by this server")));
            }
            self.engine().await?.stop_container(&container.id, GRACE_SECONDS).await?;
            Ok(self.engine().await?.remove_container(&container.id).await?)
        })
    }

    fn destroy_others<'a>(&'a self, app: &'a str, keep: Option<&'a str>) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.clear_others(app, keep))
    }

    fn destroy_app<'a>(&'a self, app: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.clear_app(app))
    }

    fn inventory<'a>(&'a self, app: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Holding>, ProviderError>> {
        Box::pin(self.list(app))
    }

    fn logs<'a>(
        &'a self,
        machine: &'a str,
        lines: u32,
        start: Option<LogStart>,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, LogEntry>, ProviderError>> {
        Box::pin(self.read_log(machine, lines, start, follow))
    }

    fn remove_everything(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(self.clear())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_instance_and_cannot_be_bent() {
        assert_eq!(name("3F6C1B8E-52d4", "sp-a1").expect("fits"), "tenantry-3f6c1b8e-sp-a1");
        for bad in ["", "../etc", "a b", "A", &"x".repeat(61)] {
            assert!(name("3f6c1b8e", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_engine_says_becomes_what_a_provider_says() {
        let (image, reason) = ("i".to_owned(), "r".to_owned());
        for (error, expected) in [
            (ContainerError::Unreachable(reason.clone()), "unavailable"),
            (ContainerError::PullDenied { image: image.clone(), reason: reason.clone() }, "image"),
            (ContainerError::PullFailed { image, reason: reason.clone() }, "image"),
            (ContainerError::Conflict { action: "a".into(), reason }, "failed"),
        ] {
            let kind = match ProviderError::from(error) {
                ProviderError::Unavailable(_) => "unavailable",
                ProviderError::Image(_) => "image",
                ProviderError::Machine { .. } => "machine",
                ProviderError::Failed(_) => "failed",
            };
            assert_eq!(kind, expected);
        }
    }
}

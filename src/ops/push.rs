//! The push: an image of the engine to one tag or to several. What is there already is found first; then the faster one
//! of two pushers carries the layers; a token that is refused on the way is replaced once.
//!
//! Must not know how an image is built, or what a tag is deployed for.

mod choice;
mod destination;
mod layer;
mod own;

use futures_util::future::join_all;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

use super::Session;
use super::reporter::{Done, forward};
use crate::engine::{ArchiveError, Credentials, Engine, EngineError, ImageLayers, PushErrorKind};
use crate::model::progress::{DeployProgress, LayerProgress, LayerState, PushedBy};
use crate::model::{Digest, ImageReference, Problem, RegistryToken, Remedy, TenantId};
use crate::registry::{Layer, RegistryError};
use crate::workspace::PushedLayer;
pub use choice::Pusher;
use destination::{Destination, Fault};
use own::SourceError;

/// Seconds before an upload is tried again: a registry that is being restarted is back within them.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 16];

/// Where an image goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whose tag it is: a new token is asked for in its name.
    pub tenant: TenantId,
    /// The tag. The engine's pusher needs the image to have this name there.
    pub image: ImageReference,
    /// What opens the registry.
    pub token: RegistryToken,
}

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What the tag names now.
    pub digest: Digest,
    /// Who carried the layers; `None` where the image was there already.
    pub by: Option<PushedBy>,
    /// Layers that were uploaded, to any of the targets.
    pub uploaded: u32,
    /// Layers that the registry had.
    pub there: u32,
}

/// What the registry holds under the tag that `token` is for; `None` where nothing was pushed yet.
pub(super) async fn held(token: &RegistryToken) -> Result<Option<Digest>, Problem> {
    let image = token.image()?;
    let client = destination::client(&image, token).map_err(|error| error.problem())?;
    client.head_manifest(image.tag()).await.map_err(|error| error.problem())
}

/// Pushes to one tag, as a step of a deploy.
#[allow(clippy::too_many_arguments, reason = "a push has as many sides")]
pub(super) async fn run(
    session: &Session,
    engine: &Engine,
    tenant: &TenantId,
    image_id: &str,
    image: &ImageReference,
    token: RegistryToken,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<Done<Pushed>, Problem> {
    let target = Target { tenant: tenant.clone(), image: image.clone(), token };
    let mut all = run_many(session, engine, image_id, vec![target], Pusher::Automatic, progress, cancel).await;
    let pushed = all.pop().unwrap_or_else(|| Err(Problem::new("Push failed, see log.")))?;
    let digest = pushed.digest.short().to_owned();
    if pushed.by.is_none() {
        return Ok(Done::skipped(pushed, format!("the registry has this image already · {digest}")));
    }
    let summary = format!("{} layers pushed, {} already there · {digest}", pushed.uploaded, pushed.there);
    Ok(Done::new(pushed, summary))
}

/// Pushes one image to several tags; each has an outcome of its own, in the order of `targets`. A layer is compressed
/// once and goes to all that lack it at the same time, and once to those that share a login. The progress is that of
/// all together. Cancelling leaves no connection and no upload behind.
pub async fn run_many(
    session: &Session,
    engine: &Engine,
    image_id: &str,
    targets: Vec<Target>,
    pusher: Pusher,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Vec<Result<Pushed, Problem>> {
    let mut refused = Vec::new();
    let mut destinations = Vec::new();
    for (place, target) in targets.into_iter().enumerate() {
        match Destination::new(target.tenant, target.image, target.token) {
            Ok(destination) => destinations.push(destination),
            Err(error) => refused.push((place, Err(error.problem()))),
        }
    }
    let (sender, receiver) = mpsc::channel(64);
    let counting = forward(receiver, progress, Layers::default(), |layers: &mut Layers, moved| {
        layers.count(&moved);
        DeployProgress::Push { layer: moved }
    });
    let pushing = async {
        let push = Push { session, engine, image_id, pusher, progress: sender };
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            () = push.end(&mut destinations) => {}
        }
    };
    let ((), layers) = tokio::join!(pushing, counting);
    // The uploads themselves ended with the future; the registry is told of those that it waits for.
    join_all(destinations.iter().map(|one| one.client.abandon_uploads())).await;
    let mut outcomes: Vec<_> = destinations.into_iter().map(|one| ended(one, &layers)).collect();
    for (place, problem) in refused {
        outcomes.insert(place.min(outcomes.len()), problem);
    }
    outcomes
}

fn ended(destination: Destination, layers: &Layers) -> Result<Pushed, Problem> {
    match destination.outcome {
        Some(Ok((digest, by))) => Ok(Pushed {
            digest,
            by,
            uploaded: layers.number(LayerState::Pushed),
            there: layers.number(LayerState::AlreadyThere),
        }),
        Some(Err(Fault::Registry(error))) => Err(error.problem()),
        Some(Err(Fault::Other(problem))) => Err(problem),
        None => Err(Problem::new("Cancelled.")),
    }
}

/// What became of each layer; a push that is tried again tells the same ones again.
#[derive(Default)]
struct Layers(HashMap<String, LayerState>);

impl Layers {
    fn count(&mut self, moved: &LayerProgress) {
        // What was uploaded in the first trial is there already in the second.
        let was_pushed = self.0.get(&moved.id) == Some(&LayerState::Pushed);
        if matches!(moved.state, LayerState::Pushed | LayerState::AlreadyThere) && !was_pushed {
            self.0.insert(moved.id.clone(), moved.state);
        }
    }

    fn number(&self, state: LayerState) -> u32 {
        u32::try_from(self.0.values().filter(|known| **known == state).count()).unwrap_or(u32::MAX)
    }
}

/// One push under way.
struct Push<'a> {
    session: &'a Session,
    engine: &'a Engine,
    image_id: &'a str,
    pusher: Pusher,
    progress: Sender<LayerProgress>,
}

impl Push<'_> {
    /// Leaves an outcome in every destination.
    async fn end(self, destinations: &mut [Destination]) {
        self.recall(destinations).await;
        join_all(destinations.iter_mut().map(|one| self.survey(one))).await;
        if !is_any_open(destinations) {
            return;
        }
        let layers = match self.engine.layers(self.image_id).await {
            Ok(Some(layers)) => layers,
            Ok(None) => return fail_all(destinations, &no_image(destinations)),
            Err(error) => return fail_all(destinations, &error.problem()),
        };
        if self.pusher != Pusher::Engine {
            join_all(destinations.iter_mut().filter(|one| one.is_open()).map(|one| self.assemble(one, &layers))).await;
            if !is_any_open(destinations) {
                return self.remember(&layers.diff_ids, destinations).await;
            }
        }
        let own = match self.pusher {
            Pusher::Automatic => choice::own_is_faster(self.engine, &layers, destinations),
            Pusher::Engine => false,
            Pusher::Tenantry => true,
        };
        if own && destinations.iter().all(|one| one.is_reachable) {
            self.push_here(&layers, destinations).await;
            self.remember(&layers.diff_ids, destinations).await;
        }
        join_all(destinations.iter_mut().filter(|one| one.is_open()).map(|one| self.push_by_engine(one))).await;
    }

    /// Looks at the registry first. A refused login is replaced; any other fault is the pusher's business, for which it
    /// may not even be one.
    async fn survey(&self, destination: &mut Destination) {
        let mut outcome = destination.survey(self.image_id).await;
        if outcome.as_ref().is_err_and(RegistryError::is_unauthorized) {
            if !self.renew(destination).await {
                return;
            }
            outcome = destination.survey(self.image_id).await;
        }
        match outcome {
            Ok(()) => {}
            Err(error) if error.is_unauthorized() => destination.fail(error),
            Err(error) => {
                tracing::info!(%error, "the registry cannot be asked from here; the engine pushes");
                destination.is_reachable = false;
            }
        }
    }

    /// Where the registry has every part of the image, only the manifest is missing. A fault is the pusher's business.
    async fn assemble(&self, destination: &mut Destination, layers: &ImageLayers) {
        match destination.assemble(self.image_id, &layers.diff_ids).await {
            Ok(false) => {}
            Ok(true) => {
                for diff_id in &layers.diff_ids {
                    let id = own::short(diff_id.hex());
                    let told = LayerProgress { id, state: LayerState::AlreadyThere };
                    let _ = self.progress.send(told).await;
                }
            }
            Err(error) => tracing::info!(%error, "the image is pushed whole"),
        }
        // What failed here is tried anew by a pusher that has means against it.
        if matches!(destination.outcome, Some(Err(_))) {
            destination.outcome = None;
        }
    }

    /// The program's own pusher, again where that may help. What it cannot do it leaves open.
    async fn push_here(&self, layers: &ImageLayers, destinations: &mut [Destination]) {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = own::push(self.engine, self.image_id, layers, destinations, &self.progress).await;
            match outcome {
                Ok(()) => {}
                Err(SourceError::Archive(error @ ArchiveError::Unsupported(_))) => {
                    tracing::info!(%error, "the engine pushes");
                    return;
                }
                Err(SourceError::Archive(error)) => {
                    return fail_all(destinations, &broken_export(&error));
                }
                Err(SourceError::Engine(error)) => return fail_all(destinations, &error.problem()),
            }
            let mut is_again = false;
            for one in destinations.iter_mut() {
                let Some(Err(Fault::Registry(error))) = &one.outcome else { continue };
                if error.is_unauthorized() && !one.was_renewed {
                    is_again |= self.renew(one).await;
                }
            }
            let passing =
                |one: &Destination| matches!(&one.outcome, Some(Err(Fault::Registry(error))) if error.may_pass());
            if destinations.iter().any(passing)
                && let Some(pause) = pauses.next()
            {
                tokio::time::sleep(Duration::from_secs(*pause)).await;
                for one in destinations.iter_mut().filter(|one| passing(one)) {
                    tracing::info!(outcome = ?one.outcome, "the push is tried again");
                    one.client.abandon_uploads().await;
                    one.outcome = None;
                }
                is_again = true;
            }
            if !is_again {
                return;
            }
        }
    }

    async fn push_by_engine(&self, destination: &mut Destination) {
        loop {
            let token = &destination.token;
            let credentials = Credentials { username: token.username.clone(), password: token.token.clone() };
            // Cancelling drops this future, and the connection with it.
            let never = CancellationToken::new();
            match self.engine.push(&destination.image, &credentials, &self.progress, &never).await {
                Ok(digest) => return destination.outcome = Some(Ok((digest, Some(PushedBy::Engine)))),
                Err(error) if is_refused(&error) && !destination.was_renewed => {
                    if !self.renew(destination).await {
                        return;
                    }
                }
                Err(error) => return destination.outcome = Some(Err(Fault::Other(error.problem()))),
            }
        }
    }

    /// Gets a new token for the one that was refused. False where there is none; that is the outcome then.
    async fn renew(&self, destination: &mut Destination) -> bool {
        tracing::info!(tenant = %destination.tenant, "the registry refused the token; a new one is asked for");
        let fault = match self.session.client().registry_token(&destination.tenant).await {
            Ok(token) if token.image().as_ref() == Ok(&destination.image) => match destination.renew(token) {
                Ok(()) => return true,
                Err(error) => Fault::Registry(error),
            },
            Ok(_) => Fault::Other(
                Problem::new("The server names another image now.")
                    .detail(format!("The push was to {}.", destination.image))
                    .hint("Deploy again.")
                    .remedy(Remedy::Retry),
            ),
            Err(error) => Fault::Other(error.problem()),
        };
        destination.outcome = Some(Err(fault));
        false
    }

    /// What earlier pushes left in the state directory.
    async fn recall(&self, destinations: &mut [Destination]) {
        let Some(state) = self.session.state() else { return };
        for one in destinations.iter_mut() {
            let (state, repository) = (state.clone(), one.image.name());
            let read = tokio::task::spawn_blocking(move || state.pushed_layers(&repository));
            for layer in read.await.unwrap_or_default() {
                one.known.insert(layer.diff_id, Layer { digest: layer.digest, size: layer.size });
            }
        }
    }

    async fn remember(&self, diff_ids: &[Digest], destinations: &[Destination]) {
        let Some(state) = self.session.state() else { return };
        for one in destinations.iter().filter(|one| matches!(one.outcome, Some(Ok(_)))) {
            let layers: Vec<PushedLayer> = diff_ids
                .iter()
                .filter_map(|diff_id| one.present.get_key_value(diff_id))
                .map(|(diff_id, Layer { digest, size })| PushedLayer {
                    diff_id: diff_id.clone(),
                    digest: digest.clone(),
                    size: *size,
                })
                .collect();
            let (state, repository) = (state.clone(), one.image.name());
            let written = tokio::task::spawn_blocking(move || state.remember_pushed_layers(&repository, &layers)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "the next push will not know these layers");
            }
        }
    }
}

fn is_any_open(destinations: &[Destination]) -> bool {
    destinations.iter().any(Destination::is_open)
}

fn is_refused(error: &EngineError) -> bool {
    matches!(error, EngineError::Push { kind: PushErrorKind::Unauthorized | PushErrorKind::NoCredentials, .. })
}

/// Everybody whose outcome is open or may still change has this one.
fn fail_all(destinations: &mut [Destination], problem: &Problem) {
    for one in destinations.iter_mut().filter(|one| one.is_open()) {
        one.outcome = Some(Err(Fault::Other(problem.clone())));
    }
}

fn no_image(destinations: &[Destination]) -> Problem {
    let registry = destinations.first().map(|one| one.image.registry().to_owned()).unwrap_or_default();
    let message = "the engine no longer has the image".to_owned();
    EngineError::Push { kind: PushErrorKind::NoImage, registry, message }.problem()
}

fn broken_export(error: &ArchiveError) -> Problem {
    Problem::new("Push failed, see log.")
        .detail(format!("{error}."))
        .hint("See whether Docker still runs, then push again.")
        .remedy(Remedy::Retry)
}

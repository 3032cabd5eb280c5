//! The image of a deploy: built, or taken as it is where nothing has changed since it was built.
//!
//! What an image was built from is remembered in the state directory. Without one, or where it fails, the image is
//! built: remembering is never a reason to fail. A skip that is wrong would deploy an old version without a word, so
//! whatever is in doubt is built.

use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{self, Sender};
use tokio_util::sync::CancellationToken;

use super::Session;
use super::reporter::{Done, cancelled, forward};
use crate::engine::{self, BuildRequest, BuiltImage, Engine, Fingerprint, FingerprintKey, ImageRecord, InputRecord};
use crate::model::Problem;
use crate::model::progress::{BuildProgress, Builder, DeployProgress, DeployStep, VertexState};
use crate::workspace::{ImageRecords, WorkspaceError};

/// The image that a deploy goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The engine's id of it: `sha256:` and 64 hex digits.
    pub id: String,
    /// Who built it; `None` where nothing was built.
    pub builder: Option<Builder>,
}

/// Makes sure that the engine has the image of `request` under its name. Nothing is built where everything that can
/// change the image is as it was when the engine's image was built, unless `force` or the request wants it anew. Says
/// what would make the next build faster.
pub async fn make(
    session: &Session,
    engine: &Engine,
    mut request: BuildRequest,
    force: bool,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<Done<Made>, Problem> {
    let looking = async {
        let builder = chosen_builder(engine, &request).await?;
        request.builder = Some(builder);
        let memory = Memory::open(session, &request).await?;
        let sight = memory.look(engine, &request, builder).await?;
        Some((memory, sight))
    };
    let seen = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(cancelled(DeployStep::Build)),
        // On the heap: a deploy's future is large enough.
        seen = Box::pin(looking) => seen,
    };
    if let Some((memory, sight)) = &seen
        && !(force || request.no_cache)
        && let Some(skipped) = Box::pin(memory.reuse(engine, &request, sight)).await
    {
        return Ok(skipped);
    }
    let (built, steps) = Box::pin(build(engine, request.clone(), progress, cancel)).await?;
    if let Some((memory, sight)) = seen {
        let remembering = memory.remember(engine, &request, sight, &built, progress);
        tokio::select! {
            biased;
            // The image is there; only the next deploy is slower.
            () = cancel.cancelled() => {}
            () = Box::pin(remembering) => {}
        }
    }
    let summary = format!("{} steps, {} cached · {}", steps.total, steps.cached, short(&built.id));
    Ok(Done::new(Made { id: built.id, builder: Some(built.builder) }, summary))
}

/// Who will build: it is part of what the image depends on. `None` where the engine does not say, as the build then will.
async fn chosen_builder(engine: &Engine, request: &BuildRequest) -> Option<Builder> {
    match request.builder {
        Some(builder) => Some(builder),
        None => engine.builder().await.ok(),
    }
}

/// What is remembered of the builds of one thing.
struct Memory {
    records: ImageRecords,
    key: FingerprintKey,
    /// The name of its record.
    place: String,
    /// The build before this one.
    last: Option<ImageRecord>,
}

/// What this build is made from.
struct Sight {
    fingerprint: Fingerprint,
    inputs: InputRecord,
}

impl Memory {
    /// Reads what is remembered; `None`, with a word in the log, where there is no place for it.
    async fn open(session: &Session, request: &BuildRequest) -> Option<Self> {
        let records = ImageRecords::of(session.state()?);
        let request = request.clone();
        let opened = blocking(move || {
            let key = FingerprintKey::new(&records.key()?);
            let place = engine::place(&request);
            let last = records.read(&place)?.and_then(|bytes| ImageRecord::decode(&key, &place, &bytes));
            Ok(Self { records, key, place, last })
        });
        opened.await.inspect_err(|error| tracing::warn!(error, "what images were built from cannot be remembered")).ok()
    }

    /// Looks at what would be built. An error here is not told: the build meets it too, and knows more of it.
    async fn look(&self, engine: &Engine, request: &BuildRequest, builder: Builder) -> Option<Sight> {
        let before = self.last.as_ref().map(|record| record.inputs.clone());
        match engine.fingerprint(request, builder, &self.key, before).await {
            Ok((fingerprint, inputs)) => Some(Sight { fingerprint, inputs }),
            Err(error) => {
                tracing::warn!(%error, "it cannot be known whether anything changed; the image is built");
                None
            }
        }
    }

    /// The image of the last build under the request's name, where it was built from the same and is still there.
    async fn reuse(&self, engine: &Engine, request: &BuildRequest, sight: &Sight) -> Option<Done<Made>> {
        let last = self.last.as_ref().filter(|last| last.fingerprint == sight.fingerprint)?;
        let tagged = match engine.image_id(&last.image).await {
            Ok(Some(id)) if id == last.image => engine.tag(&id, &request.image).await,
            Ok(_) => return None,
            Err(error) => Err(error),
        };
        if let Err(error) = tagged {
            tracing::warn!(%error, "the image of the last build cannot be taken; it is built anew");
            return None;
        }
        if sight.inputs.has_news() {
            // The same content under newer times: the next look need not read it again.
            self.write(ImageRecord { inputs: sight.inputs.clone(), ..last.clone() }).await;
        }
        let why =
            format!("nothing changed since the build {}; image {}", age(now(), last.built_at), short(&last.image));
        Some(Done::skipped(Made { id: last.image.clone(), builder: None }, why))
    }

    /// Gives advice, and keeps what the image was built from, where that is certain.
    async fn remember(
        self,
        engine: &Engine,
        request: &BuildRequest,
        sight: Sight,
        built: &BuiltImage,
        progress: &Sender<DeployProgress>,
    ) {
        if let Some(last) = &self.last {
            let (request, before, now) = (request.clone(), last.inputs.clone(), sight.inputs.clone());
            let advised = blocking(move || Ok(engine::advise(&request, &before, &now))).await.unwrap_or_default();
            for advice in advised {
                let _ = progress.send(DeployProgress::Advice { advice }).await;
            }
        }
        // The builder read the files at some time after the first look. Only where a second look finds nothing touched,
        // and files that had just been written hashed to the same again, is it certain that it read the same.
        let after = engine.fingerprint(request, built.builder, &self.key, Some(sight.inputs.clone())).await;
        match after {
            Ok((fingerprint, inputs))
                if fingerprint == sight.fingerprint && inputs.is_untouched_since(&sight.inputs) =>
            {
                self.write(ImageRecord { fingerprint, image: built.id.clone(), built_at: now(), inputs }).await;
            }
            Ok(_) => tracing::info!("something changed while the image was built; the next deploy builds again"),
            Err(error) => tracing::warn!(%error, "what the image was built from is not remembered"),
        }
    }

    async fn write(&self, record: ImageRecord) {
        let (records, key, place) = (self.records.clone(), self.key.clone(), self.place.clone());
        let written = blocking(move || records.write(&place, &record.encode(&key, &place))).await;
        if let Err(error) = written {
            tracing::warn!(error, "what the image was built from is not remembered");
        }
    }
}

/// Runs what blocks where it may. The error is for the log.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WorkspaceError> + Send + 'static,
) -> Result<T, String> {
    let outcome = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    outcome.map_err(|error| error.to_string())
}

async fn build(
    engine: &Engine,
    request: BuildRequest,
    progress: &Sender<DeployProgress>,
    cancel: &CancellationToken,
) -> Result<(BuiltImage, Steps), Problem> {
    let (sender, receiver) = mpsc::channel(64);
    let counting = forward(receiver, progress, Steps::default(), |steps: &mut Steps, moved| {
        steps.count(&moved);
        DeployProgress::Build { progress: moved }
    });
    let work = async {
        let result = engine.build(request, &sender, cancel).await;
        drop(sender);
        result
    };
    let (result, steps) = tokio::join!(work, counting);
    Ok((result.map_err(|error| error.problem())?, steps))
}

/// The instructions of a build, counted.
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

/// The first eight digits of an image's id.
fn short(id: &str) -> &str {
    let digits = id.trim_start_matches("sha256:");
    digits.get(..8).unwrap_or(digits)
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// `12 min ago`. The future counts as now.
fn age(now: i64, then: i64) -> String {
    match now.saturating_sub(then) {
        i64::MIN..60 => "a moment ago".to_owned(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_words() {
        for (seconds, words) in [
            (-5, "a moment ago"),
            (59, "a moment ago"),
            (720, "12 min ago"),
            (86_400, "24 h ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(age(1_000_000, 1_000_000 - seconds), words);
        }
        assert_eq!(short("sha256:5e1f2a9c00"), "5e1f2a9c");
    }
}

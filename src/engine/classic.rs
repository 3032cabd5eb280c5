//! Building an image with the classic builder: the context streams in, progress streams out.
//!
//! A build that fails or is cancelled takes back what it made itself and nothing else. Must not know what the
//! image is for.

use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, ListImagesOptionsBuilder};
use futures_util::{Stream, StreamExt};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::build::{BuildRequest, BuiltImage};
use super::build_output::BuildOutput;
use super::classify;
use super::connect::Engine;
use super::context::BuildContext;
use super::context_stream::{self, ContextReader};
use super::error::{BuildErrorKind, EngineError};
use super::pace::Pace;
use crate::model::progress::{BuildProgress, Builder};
use crate::model::{ImageReference, text};

/// How often, and how many times, an image is tried again that a container still uses: the engine needs a moment to
/// end the step of a cancelled build.
const IN_USE_INTERVAL: Duration = Duration::from_millis(100);
const IN_USE_TRIALS: u32 = 50;

/// How long the engine may take to end the step of a build that was broken off.
const STEP_LIMIT: Duration = Duration::from_secs(5);

/// How many times a build is tried whose cached images somebody removes at the same time.
const TRIALS: u32 = 3;

/// Builds an image. Cancelling stops the running step at once and then removes what the build had made, which can take
/// as long as the engine needs to end the step.
pub(super) async fn build(
    engine: &Engine,
    request: &BuildRequest,
    progress: &mpsc::Sender<BuildProgress>,
    cancel: &CancellationToken,
) -> Result<BuiltImage, EngineError> {
    let mut left = TRIALS;
    loop {
        let mut run = Run { engine, progress, output: BuildOutput::default(), before: HashSet::new(), id: None };
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(EngineError::Cancelled),
            outcome = run.perform(request) => outcome,
        };
        if outcome.is_err() {
            run.undo().await;
        }
        left -= 1;
        match outcome {
            Err(EngineError::Build { kind: BuildErrorKind::CacheVanished, message, .. }) if left > 0 => {
                tracing::info!(message, "an image of the cache was removed during the build; it is built again");
            }
            outcome => return outcome,
        }
    }
}

/// One build.
struct Run<'a> {
    engine: &'a Engine,
    progress: &'a mpsc::Sender<BuildProgress>,
    output: BuildOutput,
    /// Ids of all images that were there when the build began.
    before: HashSet<String>,
    /// The id that the engine reported.
    id: Option<String>,
}

impl Run<'_> {
    async fn perform(&mut self, request: &BuildRequest) -> Result<BuiltImage, EngineError> {
        self.tell(BuildProgress::Began { builder: Builder::Classic }).await;
        self.before = self.engine.all_image_ids().await?;
        let (root, dockerfile) = (request.context.clone(), request.dockerfile.clone());
        let context = tokio::task::spawn_blocking(move || BuildContext::open(&root, &dockerfile))
            .await
            .map_err(|error| EngineError::Lost { reason: text::line(&error.to_string()) })??;

        let options = options(request);
        let (body, mut reader) = context_stream::stream(context);
        let outcome = {
            let answers = self.engine.docker.build_image(options, None, Some(bollard::body_try_stream(body)));
            self.follow(Box::pin(answers), &mut reader).await
        };
        // The engine only sees an archive that ends too early; the reader knows which file it was.
        if let Err(error) = outcome {
            return Err(reader.failure().await.unwrap_or(error));
        }
        let built = self.built(&request.image).await?;
        if let Some(asked) = &request.platform {
            Box::pin(self.engine.expect_platform(&built.id, &request.image, asked)).await?;
        }
        Ok(built)
    }

    async fn follow(
        &mut self,
        mut answers: impl Stream<Item = Result<BuildInfo, bollard::errors::Error>> + Unpin,
        reader: &mut ContextReader,
    ) -> Result<(), EngineError> {
        let mut pace = Pace::new(Instant::now());
        let mut is_sending = true;
        loop {
            tokio::select! {
                changed = reader.sent.changed(), if is_sending => {
                    let sent = *reader.sent.borrow_and_update();
                    is_sending = changed.is_ok();
                    if pace.is_due(sent, !is_sending, Instant::now()) {
                        self.tell(BuildProgress::Context { sent }).await;
                    }
                }
                answer = answers.next() => match answer {
                    Some(answer) => self.take(answer).await?,
                    None => break,
                }
            }
        }
        for last in self.output.finish(Instant::now()) {
            self.tell(last).await;
        }
        Ok(())
    }

    async fn take(&mut self, answer: Result<BuildInfo, bollard::errors::Error>) -> Result<(), EngineError> {
        let info = answer.map_err(|error| self.explain(error))?;
        if let Some(piece) = &info.stream {
            for progress in self.output.feed(piece, Instant::now()) {
                self.tell(progress).await;
            }
        }
        // A pull of the base image: its bars would be thousands of lines.
        let is_bar = info.progress_detail.as_ref().is_some_and(|detail| detail.total.is_some());
        if let Some(status) = info.status.filter(|_| !is_bar) {
            let line = info.id.map(|id| format!("{id}: {status}")).unwrap_or(status);
            let vertex = self.output.number();
            self.tell(BuildProgress::Output { vertex, line: text::line(&line) }).await;
        }
        if let Some(id) = info.aux.and_then(|aux| aux.id) {
            self.id = Some(text::line(&id));
        }
        Ok(())
    }

    fn explain(&self, error: bollard::errors::Error) -> EngineError {
        let message = match error {
            bollard::errors::Error::DockerStreamError { error } => error,
            bollard::errors::Error::DockerResponseServerError { message, .. } => message,
            other => return self.engine.explain(other),
        };
        EngineError::Build {
            kind: classify::build(&message, self.output.instruction()),
            step: self.output.step_for_people(),
            message: text::short(&message, 1000),
        }
    }

    async fn built(&self, image: &ImageReference) -> Result<BuiltImage, EngineError> {
        if let Some(id) = self.id.as_ref().filter(|id| id.starts_with("sha256:")) {
            return Ok(BuiltImage { id: id.clone(), builder: Builder::Classic });
        }
        let Some(short) = self.output.image() else {
            return Err(EngineError::Lost { reason: "the build's output ended without an image".into() });
        };
        match self.engine.image_id(short).await? {
            Some(id) => Ok(BuiltImage { id, builder: Builder::Classic }),
            None => Err(EngineError::Lost { reason: format!("the image {image} was gone when it was built") }),
        }
    }

    /// A receiver that is gone wants to know nothing more; the build goes on.
    async fn tell(&self, progress: BuildProgress) {
        let _ = self.progress.send(progress).await;
    }

    /// Removes the images that this build made, newest first. An image that was there before, or that has a name, is
    /// not touched, whatever the build's output says.
    async fn undo(&self) {
        if let Some(container) = self.output.container() {
            self.end_step(container).await;
        }
        for short in self.unreported().await.iter().chain(self.output.made().iter().rev()) {
            if let Ok(Some(id)) = self.engine.unnamed_image_id(short).await
                && !self.before.contains(&id)
            {
                self.remove_when_unused(&id).await;
            }
        }
    }

    /// Waits until the engine has ended the step by itself, and only then forces it: a container that is removed
    /// while it is committed leaves an image that nobody knows of.
    async fn end_step(&self, container: &str) {
        let ended = async {
            while let Ok(Some(_)) = self.engine.container(container).await {
                tokio::time::sleep(IN_USE_INTERVAL).await;
            }
        };
        if tokio::time::timeout(STEP_LIMIT, ended).await.is_err()
            && let Err(error) = self.engine.remove_container(container).await
        {
            tracing::warn!(%error, "the container of a build step stays");
        }
    }

    /// What the broken-off step was committed to before it could be told: new, without a name, on top of the last
    /// image that this build made.
    async fn unreported(&self) -> Vec<String> {
        let Some(last) = self.output.made().last() else { return Vec::new() };
        let options = ListImagesOptionsBuilder::default().all(true).build();
        let images = self.engine.docker.list_images(Some(options)).await.unwrap_or_default();
        let on_top =
            |parent: &str| parent.strip_prefix("sha256:").is_some_and(|parent| parent.starts_with(last.as_str()));
        let new = images.into_iter().filter(|image| on_top(&image.parent_id) && !self.before.contains(&image.id));
        new.map(|image| image.id).collect()
    }

    async fn remove_when_unused(&self, id: &str) {
        for _ in 0..IN_USE_TRIALS {
            match self.engine.remove_exactly(id).await {
                Err(error) if error.is_in_use() => tokio::time::sleep(IN_USE_INTERVAL).await,
                Err(error) => return tracing::debug!(%error, id, "an intermediate image stays"),
                Ok(()) => return,
            }
        }
        tracing::warn!(id, "an intermediate image stays: something still uses it");
    }
}

fn options(request: &BuildRequest) -> BuildImageOptions {
    let labels: HashMap<String, String> = request.labels.iter().cloned().collect();
    let args: HashMap<String, String> = request.args.iter().cloned().collect();
    let mut options = BuildImageOptionsBuilder::default()
        .dockerfile(&request.dockerfile)
        .t(&request.image.to_string())
        .labels(&labels)
        .buildargs(&args)
        .nocache(request.no_cache)
        .rm(true)
        // Without it the container of a failed step stays.
        .forcerm(true);
    if let Some(target) = &request.target {
        options = options.target(target);
    }
    if let Some(platform) = &request.platform {
        options = options.platform(platform);
    }
    options.build()
}

impl Engine {
    async fn all_image_ids(&self) -> Result<HashSet<String>, EngineError> {
        let options = ListImagesOptionsBuilder::default().all(true).build();
        let images = self.docker.list_images(Some(options)).await.map_err(|error| self.explain(error))?;
        Ok(images.into_iter().map(|image| image.id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake;
    use std::path::Path;
    use std::sync::atomic::Ordering;

    fn request(context: &Path) -> BuildRequest {
        let image = ImageReference::new("127.0.0.1:5000", "app", "t").unwrap();
        BuildRequest { builder: Some(Builder::Classic), ..BuildRequest::new(context.to_owned(), "Dockerfile", image) }
    }

    fn project() -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        project
    }

    async fn build(engine: &Engine, context: &Path) -> Result<BuiltImage, EngineError> {
        let (progress, mut received) = mpsc::channel(8);
        let (request, cancel) = (request(context), CancellationToken::new());
        let reading = async { while received.recv().await.is_some() {} };
        let building = async move { engine.build(request, &progress, &cancel).await };
        tokio::join!(building, reading).0
    }

    #[tokio::test]
    async fn a_file_that_vanishes_is_reported_instead_of_the_broken_connection() {
        let project = project();
        std::fs::File::create(project.path().join("big")).unwrap().set_len(64 << 20).unwrap();
        let last = project.path().join("last");
        std::fs::write(&last, "x").unwrap();
        let engine = fake::Engine::start(move |mut call| {
            let last = last.clone();
            async move {
                if call.line.starts_with("GET") {
                    return call.answer("200 OK", "[]").await;
                }
                // Only once the big file is on its way the directory was surely listed.
                call.read_at_least(1 << 20).await;
                std::fs::remove_file(last).unwrap();
                call.read_to_end().await;
            }
        });
        let error = build(&engine.connect(), project.path()).await.expect_err("the file is gone");
        assert!(matches!(&error, EngineError::Context { path, .. } if path.ends_with("last")), "{error:?}");
    }

    #[tokio::test]
    async fn an_engine_that_dies_in_the_middle_is_lost() {
        let project = project();
        let engine = fake::Engine::start(|mut call| async move {
            if call.line.starts_with("GET") {
                return call.answer("200 OK", "[]").await;
            }
            call.begin().await;
            call.piece("{\"stream\":\"Step 1/1 : FROM scratch\\n\"}\n").await;
        });
        let error = build(&engine.connect(), project.path()).await.expect_err("the engine is gone");
        assert!(matches!(error, EngineError::Lost { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_cache_that_vanishes_is_built_again_but_not_for_ever() {
        let gone = r#"{"errorDetail":{"message":"failed to get digest sha256:00: no such file"},"error":"failed"}"#;
        let built = r#"{"stream":"Successfully built abababababab\n"}"#;
        for (failures, succeeds) in [(1, true), (2, true), (3, false)] {
            let project = project();
            let left = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(failures));
            let builds = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
            let counted = builds.clone();
            let engine = fake::Engine::start(move |mut call| {
                let (left, builds) = (left.clone(), counted.clone());
                async move {
                    if call.line.contains("/images/abababababab/json") {
                        return call.answer("200 OK", r#"{"Id":"sha256:ab"}"#).await;
                    }
                    if call.line.starts_with("GET") {
                        return call.answer("200 OK", "[]").await;
                    }
                    builds.fetch_add(1, Ordering::Relaxed);
                    let fails =
                        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
                    call.begin().await;
                    call.piece(&format!("{}\n", if fails { gone } else { built })).await;
                    call.end().await;
                }
            });
            let outcome = build(&engine.connect(), project.path()).await;
            assert_eq!(outcome.is_ok(), succeeds, "{failures} failures: {outcome:?}");
            assert_eq!(builds.load(Ordering::Relaxed), (failures + 1).min(TRIALS));
        }
    }

    #[tokio::test]
    async fn what_is_asked_for_is_in_the_request() {
        let project = project();
        let engine = fake::Engine::start(|mut call| async move {
            if call.line.starts_with("GET") {
                return call.answer("200 OK", "[]").await;
            }
            let message = serde_json::json!({ "message": call.line }).to_string();
            call.answer("400 Bad Request", &message).await;
        });
        let asked = BuildRequest {
            args: vec![("A".into(), "b c".into())],
            target: Some("stage".into()),
            platform: Some("linux/arm64".into()),
            no_cache: true,
            ..request(project.path())
        };
        for (request, is_asked) in [(asked, true), (request(project.path()), false)] {
            let (progress, received) = mpsc::channel(1);
            drop(received);
            let outcome = engine.connect().build(request, &progress, &CancellationToken::new()).await;
            let line = outcome.expect_err("refused").to_string();
            for part in
                ["buildargs=%7B%22A%22%3A%22b+c%22%7D", "target=stage", "platform=linux%2Farm64", "nocache=true"]
            {
                assert_eq!(line.contains(part), is_asked, "{part} in {line}");
            }
        }
    }

    #[tokio::test]
    async fn podman_is_understood() {
        let project = project();
        let engine = fake::Engine::start(|mut call| async move {
            if call.line.contains("/images/abababababab/json") {
                return call.answer("200 OK", r#"{"Id":"sha256:ab"}"#).await;
            }
            if call.line.starts_with("GET") {
                return call.answer("200 OK", "[]").await;
            }
            call.begin().await;
            for words in ["STEP 1/1: FROM scratch", "COMMIT 127.0.0.1:5000/app:t", "--> abababababab"] {
                call.piece(&format!("{{\"stream\":\"{words}\\n\"}}\n")).await;
            }
            call.piece("{\"stream\":\"Successfully built abababababab\\n\"}\n").await;
            call.end().await;
        });
        assert_eq!(build(&engine.connect(), project.path()).await.unwrap().id, "sha256:ab");

        // It fails in the middle of its stream, and answers 404 for a container that is gone in its own words.
        let engine = fake::Engine::start(|mut call| async move {
            if call.line.contains("/containers/") {
                let gone = r#"{"cause":"no such container","message":"no container with name or ID","response":404}"#;
                return call.answer("404 Not Found", gone).await;
            }
            if call.line.starts_with("GET") {
                return call.answer("200 OK", "[]").await;
            }
            call.begin().await;
            call.piece("{\"stream\":\"STEP 1/2: FROM scratch\\n\"}\n{\"stream\":\"STEP 2/2: RUN /x\\n\"}\n").await;
            let words = r#"building at STEP \"RUN /x\": while running runtime: exit status 7"#;
            call.piece(&format!("{{\"errorDetail\":{{\"message\":\"{words}\"}},\"error\":\"{words}\"}}\n")).await;
            call.end().await;
        });
        let error = build(&engine.connect(), project.path()).await.expect_err("the step fails");
        let EngineError::Build { kind, step, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*kind, step.as_deref()), (BuildErrorKind::StepFailed { code: 7 }, Some("Step 2/2: RUN /x")));
    }

    #[tokio::test]
    async fn a_refusal_before_the_first_step_is_classified_too() {
        let project = project();
        let engine = fake::Engine::start(|mut call| async move {
            if call.line.starts_with("GET") {
                return call.answer("200 OK", "[]").await;
            }
            let message = r#"{"message":"dockerfile parse error line 2: unknown instruction: KOPY"}"#;
            call.answer("400 Bad Request", message).await;
        });
        let error = build(&engine.connect(), project.path()).await.expect_err("refused");
        assert!(matches!(error, EngineError::Build { kind: BuildErrorKind::UnknownInstruction, .. }), "{error:?}");
    }
}

//! Building an image with BuildKit, through a session of our own: the engine asks for the files, logins and secrets that
//! it needs, and nothing else is sent.
//!
//! What a build leaves in BuildKit's cache is the engine's to keep. Must not know what the image is for.

mod answer;
mod call;
mod file_sync;
#[cfg(test)]
mod file_sync_tests;
mod follow;
mod lines;
mod logins;
mod secrets;
mod selection;
mod session;
mod tasks;
#[cfg(test)]
mod tests;
mod trace;
mod wanted;

use sha2::{Digest as _, Sha256};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::answer::{AnswerReader, Said};
use self::file_sync::Files;
use self::logins::Logins;
use self::secrets::Secrets;
use self::session::{Services, Session};
use self::trace::Trace;
use super::build::{BuildRequest, BuiltImage};
use super::classify;
use super::connect::Engine;
use super::context::BuildContext;
use super::error::EngineError;
use super::pace::Pace;
use super::request::Answer;
use crate::model::progress::{BuildProgress, Builder};
use crate::model::text;

/// How long the engine may take to say whether it knows sessions.
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// How long the engine may take to end a build that was broken off.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// True when the engine knows BuildKit's sessions.
pub(super) async fn has_sessions(engine: &Engine) -> Result<bool, EngineError> {
    match tokio::time::timeout(PROBE_LIMIT, session::is_known(&engine.address)).await {
        Ok(answer) => answer,
        Err(_) => Err(EngineError::Unreachable {
            address: Some(engine.host()),
            reason: format!("no answer within {} seconds", PROBE_LIMIT.as_secs()),
        }),
    }
}

/// Builds an image. Cancelling ends the running step and waits until the engine has done so; at its end nothing of the
/// session is left, however the build went.
pub(super) async fn build(
    engine: &Engine,
    request: &BuildRequest,
    progress: &mpsc::Sender<BuildProgress>,
    cancel: &CancellationToken,
) -> Result<BuiltImage, EngineError> {
    let run = Run { engine, request, progress, build_id: uuid::Uuid::new_v4().simple().to_string() };
    let began = cancel.run_until_cancelled(run.begin()).await.unwrap_or(Err(EngineError::Cancelled))?;
    let (session, files) = began;
    let outcome = run.perform(&session, &files, cancel).await;
    session.close().await;
    // The engine only sees that the sending ended; here it is known which file it was.
    outcome.map_err(|error| match error {
        EngineError::Cancelled => error,
        error => files.failure().unwrap_or(error),
    })
}

/// One build.
struct Run<'a> {
    engine: &'a Engine,
    request: &'a BuildRequest,
    progress: &'a mpsc::Sender<BuildProgress>,
    build_id: String,
}

impl Run<'_> {
    async fn begin(&self) -> Result<(Session, Arc<Files>), EngineError> {
        self.tell(BuildProgress::Began { builder: Builder::BuildKit }).await;
        let (root, dockerfile) = (self.request.context.clone(), self.request.dockerfile.clone());
        let opening = move || BuildContext::open(&root, &dockerfile).map(|context| (context, shared_key(&root)));
        let (context, shared_key) = tokio::task::spawn_blocking(opening)
            .await
            .map_err(|error| EngineError::Lost { reason: text::line(&error.to_string()) })??;
        let files = Arc::new(Files::new(context, &self.request.dockerfile));
        let services = Services {
            files: files.clone(),
            logins: Arc::new(Logins::of_user()),
            secrets: Arc::new(Secrets::new(&self.request.secrets)),
        };
        Ok((Session::open(&self.engine.address, &shared_key, services).await?, files))
    }

    async fn perform(
        &self,
        session: &Session,
        files: &Files,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, EngineError> {
        let starting = call::start(&self.engine.address, self.request, session.id(), &self.build_id);
        let mut answer = cancel.run_until_cancelled(starting).await.unwrap_or(Err(EngineError::Cancelled))?;
        if answer.status() != 200 {
            return Err(failed(&answer.message().await, &Trace::default()));
        }
        if let Some(outcome) = cancel.run_until_cancelled(self.follow(&mut answer, files)).await {
            return outcome;
        }
        self.break_off(answer).await;
        Err(EngineError::Cancelled)
    }

    async fn follow(&self, answer: &mut Answer, files: &Files) -> Result<BuiltImage, EngineError> {
        let (mut reader, mut trace) = (AnswerReader::default(), Trace::default());
        let (mut sent, mut pace) = (files.sent(), Pace::new(Instant::now()));
        let (mut image, mut failure) = (None, None);
        loop {
            let piece = tokio::select! {
                piece = answer.next() => piece?,
                _ = sent.changed() => {
                    let bytes = *sent.borrow_and_update();
                    if pace.is_due(bytes, false, Instant::now()) {
                        self.tell(BuildProgress::Context { sent: bytes }).await;
                    }
                    continue;
                }
            };
            let is_end = piece.is_none();
            let said = match piece {
                Some(piece) => reader.feed(&piece),
                None => reader.finish().into_iter().collect(),
            };
            for said in said {
                match said {
                    Said::Trace(status) => self.tell_all(trace.feed(status)).await,
                    Said::Image(id) => image = Some(id),
                    Said::Failed(message) => failure = Some(message),
                }
            }
            if is_end {
                break;
            }
        }
        self.tell_all(trace.finish()).await;
        let bytes = *sent.borrow();
        if pace.is_due(bytes, true, Instant::now()) {
            self.tell(BuildProgress::Context { sent: bytes }).await;
        }
        match (failure, image) {
            (Some(message), _) => Err(failed(&message, &trace)),
            (None, Some(id)) => Ok(BuiltImage { id, builder: Builder::BuildKit }),
            (None, None) => Err(EngineError::Lost { reason: "the build's answer ended without an image".into() }),
        }
    }

    /// Tells the engine and waits until the build has ended there. An engine that does not listen finds the connection
    /// closed.
    async fn break_off(&self, mut answer: Answer) {
        let ended = async {
            if call::cancel(&self.engine.address, &self.build_id).await? {
                while answer.next().await?.is_some() {}
            }
            Ok::<_, EngineError>(())
        };
        match tokio::time::timeout(CANCEL_LIMIT, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the engine did not say that the build ended"),
            Err(_) => tracing::warn!("the engine takes long to end a build that was broken off"),
        }
    }

    async fn tell_all(&self, progress: Vec<BuildProgress>) {
        for one in progress {
            self.tell(one).await;
        }
    }

    /// A receiver that is gone wants to know nothing more; the build goes on.
    async fn tell(&self, progress: BuildProgress) {
        let _ = self.progress.send(progress).await;
    }
}

/// The same for the same directory of the same person on the same machine: under it the engine remembers what it has of
/// the context.
fn shared_key(root: &Path) -> String {
    let path = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut hash = Sha256::new();
    hash.update(rustix::system::uname().nodename().to_bytes());
    hash.update(rustix::process::getuid().as_raw().to_be_bytes());
    hash.update(path.as_os_str().as_bytes());
    format!("{:x}", hash.finalize())
}

/// What the engine's last word means, together with the vertex that failed.
fn failed(message: &str, trace: &Trace) -> EngineError {
    let failure = trace.failure();
    let vertex = failure.as_ref().map(|failure| failure.name);
    let words = bare(failure.as_ref().map_or(message, |failure| failure.message));
    let last = failure.as_ref().map(|failure| failure.last_lines.join(" | ")).filter(|lines| !lines.is_empty());
    EngineError::Build {
        kind: classify::buildkit(message, vertex),
        step: vertex.map(ToOwned::to_owned),
        message: text::short(
            &last.map_or_else(|| words.to_owned(), |last| format!("{words} (last lines: {last})")),
            1000,
        ),
    }
}

/// The sentence itself, without what the functions that it came through put around it.
fn bare(message: &str) -> &str {
    const PREFIXES: &[&str] = &[
        "failed to solve with frontend dockerfile.v0: ",
        "failed to solve with frontend gateway.v0: ",
        "failed to solve: ",
        "failed to create LLB definition: ",
        "rpc error: code = Unknown desc = ",
    ];
    let mut words = message.strip_suffix(": not found").filter(|rest| rest.ends_with("not found")).unwrap_or(message);
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| words.strip_prefix(prefix)) {
        words = rest;
    }
    words
}

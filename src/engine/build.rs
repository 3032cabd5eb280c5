//! What to build and who builds it: asks the engine which builder it has and hands the request on.
//!
//! Must not know how an image is built, or what it is for.

use std::path::PathBuf;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connect::{Engine, EngineInfo};
use super::error::{BuildErrorKind, EngineError};
use super::{buildkit, classic};
use crate::model::progress::{BuildProgress, Builder};
use crate::model::{ImageReference, Secret, text};

/// The first version of the engine's interface with BuildKit sessions, major and minor.
const FIRST_WITH_SESSIONS: (u32, u32) = (1, 39);

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The directory that is sent.
    pub context: PathBuf,
    /// The Dockerfile's path below it, with `/` between its parts.
    pub dockerfile: String,
    /// The name that the image gets.
    pub image: ImageReference,
    /// Labels that the image gets.
    pub labels: Vec<(String, String)>,
    /// Values for the Dockerfile's `ARG`s. They end in the image's history: no place for secrets.
    pub args: Vec<(String, String)>,
    /// The stage to build; the last one where none is named.
    pub target: Option<String>,
    /// `linux/arm64`; the engine's own where none is named.
    pub platform: Option<String>,
    /// Builds every step anew.
    pub no_cache: bool,
    /// Values for `RUN --mount=type=secret`; only BuildKit has them.
    pub secrets: Vec<BuildSecret>,
    /// Who builds; what the engine has, BuildKit first, where nobody is named.
    pub builder: Option<Builder>,
}

impl BuildRequest {
    /// A plain build of `context` into `image`.
    #[must_use]
    pub fn new(context: PathBuf, dockerfile: impl Into<String>, image: ImageReference) -> Self {
        Self {
            context,
            dockerfile: dockerfile.into(),
            image,
            labels: Vec::new(),
            args: Vec::new(),
            target: None,
            platform: None,
            no_cache: false,
            secrets: Vec::new(),
            builder: None,
        }
    }
}

/// A secret that a step of the build may read and no layer keeps.
#[derive(Debug, Clone)]
pub struct BuildSecret {
    /// The id that the Dockerfile names.
    pub id: String,
    /// Its value.
    pub value: Secret,
}

/// What was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// `sha256:` and 64 hex digits.
    pub id: String,
    /// Who built it.
    pub builder: Builder,
}

impl Engine {
    /// Builds an image with the builder that the request names, or with [`Self::builder`]. Cancelling stops the running
    /// step at once and waits, a few seconds at most, until the engine has ended it. Nobody has to read `progress`, but
    /// a full channel holds the build up.
    pub async fn build(
        &self,
        request: BuildRequest,
        progress: &mpsc::Sender<BuildProgress>,
        cancel: &CancellationToken,
    ) -> Result<BuiltImage, EngineError> {
        let builder = match request.builder {
            Some(builder) => builder,
            None => {
                cancel.run_until_cancelled(Box::pin(self.builder())).await.unwrap_or(Err(EngineError::Cancelled))?
            }
        };
        match builder {
            Builder::BuildKit => Box::pin(buildkit::build(self, &request, progress, cancel)).await,
            Builder::Classic => {
                without_secrets(&request)?;
                Box::pin(classic::build(self, &request, progress, cancel)).await
            }
        }
    }

    /// The best builder that this engine has, asked anew each time. Podman and engines before API 1.39 have no BuildKit
    /// sessions, and the others say so themselves: their ping does not tell it in all versions.
    pub async fn builder(&self) -> Result<Builder, EngineError> {
        if !may_have_sessions(&self.ping().await?) {
            return Ok(Builder::Classic);
        }
        let has_sessions = buildkit::has_sessions(self).await?;
        Ok(if has_sessions { Builder::BuildKit } else { Builder::Classic })
    }
}

fn without_secrets(request: &BuildRequest) -> Result<(), EngineError> {
    if request.secrets.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = request.secrets.iter().map(|secret| secret.id.as_str()).collect();
    Err(EngineError::Build {
        kind: BuildErrorKind::NeedsBuildKit,
        step: None,
        message: text::short(&format!("The classic builder cannot give a step the secrets: {}.", ids.join(", ")), 400),
    })
}

fn may_have_sessions(engine: &EngineInfo) -> bool {
    let version = engine
        .api_version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    engine.name != "Podman Engine"
        && engine.platform.starts_with("linux/")
        && version.is_some_and(|version| version >= FIRST_WITH_SESSIONS)
}

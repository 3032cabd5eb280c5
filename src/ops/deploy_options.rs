//! What a person can ask of a deploy. Must not know how it is asked for, nor how it is done.

use std::time::Duration;

use crate::engine::BuildSecret;
use crate::model::DeployRecord;
use crate::model::progress::Builder;

/// How long the tenant may take to answer after the server called it ready, unless told.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(30);

/// How to deploy. The default is the ordinary deploy: everything that is needed, and nothing twice.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Options {
    /// Runs the project's own build first.
    pub project_build: bool,
    /// Where the image comes from.
    pub source: ImageSource,
    /// Who builds; what the engine has, BuildKit first, where nobody is named.
    pub builder: Option<Builder>,
    /// Values for the Dockerfile's `ARG`s: no place for secrets.
    pub args: Vec<(String, String)>,
    /// The stage to build; the last one where none is named.
    pub target: Option<String>,
    /// `linux/arm64`; the engine's own where none is named.
    pub platform: Option<String>,
    /// Builds every step of the image anew.
    pub no_cache: bool,
    /// Values for `RUN --mount=type=secret`.
    pub build_secrets: Vec<BuildSecret>,
    /// Builds and pushes also where nothing changed.
    pub force: bool,
    /// Brings the profile's secrets to the tenant before the deploy.
    pub sync_secrets: bool,
    /// How long the tenant may take to answer after the server called it ready.
    pub health_limit: Duration,
    /// Deploys the version before this one again where the new one is not healthy.
    pub rollback_on_failure: bool,
    /// Goes on from the last finished step of a deploy that was broken off.
    pub resume: bool,
    /// The profile; the tenant's own where none is named.
    pub profile: Option<String>,
}

/// Where the image of a deploy comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ImageSource {
    /// Built from the project.
    #[default]
    Build,
    /// An image or tag on the engine.
    Local(String),
    /// What the engine holds under the tenant's own name, from the last build.
    Tagged,
    /// The image of an earlier deploy, brought back.
    Recorded(Box<DeployRecord>),
    /// What the registry holds for the tenant; nothing is built or pushed.
    Registry,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            project_build: true,
            source: ImageSource::Build,
            builder: None,
            args: Vec::new(),
            target: None,
            platform: None,
            no_cache: false,
            build_secrets: Vec::new(),
            force: false,
            sync_secrets: true,
            health_limit: HEALTH_LIMIT,
            rollback_on_failure: false,
            resume: false,
            profile: None,
        }
    }
}

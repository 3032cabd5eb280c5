//! Progress is data, not text: what a running deploy says about itself, for the pane, for lines, and
//! for JSON alike. All text in here is harmless already.

use std::time::Duration;

use super::{Digest, Problem};

/// The steps of a deploy, in their order (protocol D.3, with the preflight in front of the project's
/// build: what can be known to fail must not cost a build first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeployStep {
    /// What must hold before anything is built.
    Preflight,
    /// The project's own build command, and what it must leave.
    Project,
    /// The registry token.
    Registry,
    /// The image.
    Build,
    /// The image's layers to the registry.
    Push,
    /// The server's part.
    Deploy,
    /// The tenant's answer over HTTP.
    Health,
}

impl DeployStep {
    /// All steps in their order.
    pub const ALL: [Self; 7] =
        [Self::Preflight, Self::Project, Self::Registry, Self::Build, Self::Push, Self::Deploy, Self::Health];

    /// The word on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Project => "project",
            Self::Registry => "registry",
            Self::Build => "build",
            Self::Push => "push",
            Self::Deploy => "deploy",
            Self::Health => "health",
        }
    }
}

/// One thing that happened in a deploy.
#[derive(Debug, Clone, PartialEq)]
pub enum DeployProgress {
    /// A step began.
    Started(DeployStep),
    /// A line of output of the step: the project's build, a Dockerfile step, a server event.
    Output(DeployStep, String),
    /// The image build moved on.
    Build(BuildProgress),
    /// A layer moved on.
    Push(LayerProgress),
    /// The step is done.
    Finished {
        /// Which.
        step: DeployStep,
        /// One line: what came out of it.
        summary: String,
        /// How long it took.
        took: Duration,
    },
    /// The step was not needed.
    Skipped {
        /// Which.
        step: DeployStep,
        /// Why.
        why: String,
    },
    /// The step failed; no other follows.
    Failed {
        /// Which.
        step: DeployStep,
        /// What to tell.
        problem: Problem,
        /// How long it took.
        took: Duration,
    },
}

/// What the image build says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildProgress {
    /// Bytes of the context sent so far.
    Context {
        /// Bytes, headers included.
        sent: u64,
    },
    /// A Dockerfile step began: `Step 2/6 : COPY ...`.
    Step {
        /// From 1.
        number: u32,
        /// How many there are.
        total: u32,
        /// The instruction.
        instruction: String,
    },
    /// The step came from the cache.
    Cached {
        /// From 1.
        number: u32,
    },
    /// A line that a step printed.
    Output(String),
}

/// What a layer does while it is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerProgress {
    /// The engine's short id of the layer, 12 hex digits.
    pub id: String,
    /// What it does.
    pub state: LayerState,
}

/// See [`LayerProgress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerState {
    /// Not begun.
    Waiting,
    /// Bytes on their way; `total` is the engine's estimate of the uncompressed size, and `current` may
    /// exceed it. Both in bytes.
    Pushing {
        /// So far.
        current: u64,
        /// 0 where the engine does not say.
        total: u64,
    },
    /// Uploaded now.
    Pushed,
    /// The registry had it already.
    AlreadyThere,
}

/// What a finished deploy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployOutcome {
    /// The tenant's address.
    pub app_url: Option<String>,
    /// What the registry holds and the tenant runs.
    pub digest: Digest,
    /// The whole way.
    pub took: Duration,
}

//! Progress is data, not text: what a running deploy says about itself, for the pane, for lines, and
//! for JSON alike. All text in here is harmless already.

pub mod build;
pub mod local;
pub mod meter;
pub mod push;

pub use build::{Advice, BuildProgress, Builder, Vertex, VertexState};
pub use local::{LocalProgress, LocalStep};
pub use meter::Meter;
pub use push::{LayerProgress, LayerState, PushedBy};

use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;

use super::{Check, Digest, Problem};

/// The steps of a deploy, in their order (protocol D.3, with the preflight in front of the project's
/// build: what can be known to fail must not cost a build first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The profile's secrets and the platform's own variables to the tenant.
    Secrets,
    /// The server's part.
    Deploy,
    /// The tenant's answer over HTTP.
    Health,
    /// The version before this one deployed again, where the new one is not healthy and that was asked for.
    Rollback,
}

impl DeployStep {
    /// The steps that every deploy has, in their order. A [`Self::Rollback`] is not among them: it comes only after a
    /// failure.
    pub const ALL: [Self; 8] = [
        Self::Preflight,
        Self::Project,
        Self::Registry,
        Self::Build,
        Self::Push,
        Self::Secrets,
        Self::Deploy,
        Self::Health,
    ];

    /// The word on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Project => "project",
            Self::Registry => "registry",
            Self::Build => "build",
            Self::Push => "push",
            Self::Secrets => "secrets",
            Self::Deploy => "deploy",
            Self::Health => "health",
            Self::Rollback => "rollback",
        }
    }
}

/// One thing that happened in a deploy. As JSON: one object with an `event` field in snake case; durations are
/// `took_ms`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeployProgress {
    /// A step began.
    Started {
        /// Which.
        step: DeployStep,
    },
    /// A line of output of the step: the project's build, a note, a server event.
    Output {
        /// Of which step.
        step: DeployStep,
        /// One harmless line.
        line: String,
    },
    /// A check of the preflight came to its result.
    Check {
        /// Which, and how it stands.
        check: Check,
    },
    /// The image build moved on.
    Build {
        /// How.
        progress: BuildProgress,
    },
    /// A layer moved on.
    Push {
        /// Which, and how.
        layer: LayerProgress,
    },
    /// Something that would make the next deploy faster.
    Advice {
        /// What.
        advice: Advice,
    },
    /// The step is done.
    Finished {
        /// Which.
        step: DeployStep,
        /// One line: what came out of it.
        summary: String,
        /// How long it took.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// The step was not needed.
    Skipped {
        /// Which.
        step: DeployStep,
        /// Why.
        why: String,
        /// How long it took to find that out.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// The step failed; no other follows, but for a [`DeployStep::Rollback`].
    Failed {
        /// Which.
        step: DeployStep,
        /// What to tell.
        problem: Problem,
        /// How long it took.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
}

/// What a finished deploy came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeployOutcome {
    /// The tenant's address.
    pub app_url: Option<String>,
    /// What the registry holds and the tenant runs.
    pub digest: Digest,
    /// The engine's id of the image, `sha256:` and 64 hex digits; `None` where nothing was built or pushed here.
    pub image_id: Option<String>,
    /// The whole way.
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub took: Duration,
}

/// Writes a duration as whole milliseconds.
pub(super) fn milliseconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_as_json_has_one_event_field() {
        let took = Duration::from_millis(1500);
        let done = DeployProgress::Finished { step: DeployStep::Build, summary: "6 steps".into(), took };
        assert_eq!(
            serde_json::to_value(&done).expect("json"),
            serde_json::json!({"event": "finished", "step": "build", "summary": "6 steps", "took_ms": 1500})
        );
        let vertex =
            Vertex { number: 2, name: "[2/6] COPY web web".into(), inputs: vec![1], state: VertexState::Cached };
        let moved = DeployProgress::Build { progress: BuildProgress::Vertex(vertex) };
        assert_eq!(
            serde_json::to_value(&moved).expect("json"),
            serde_json::json!({"event": "build", "progress": {
                "kind": "vertex", "number": 2, "name": "[2/6] COPY web web", "inputs": [1], "state": {"is": "cached"}
            }})
        );
    }
}

//! What an image build says: which builder, the context's bytes, and the steps as a graph of vertexes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use super::milliseconds;

/// Which of the engine's builders makes an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// BuildKit, through a session of this program's own.
    BuildKit,
    /// The builder that every engine has.
    Classic,
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuildKit => "buildkit",
            Self::Classic => "classic",
        })
    }
}

/// What the image build says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BuildProgress {
    /// A build begins, or begins anew: what was said before is void.
    Began {
        /// Who builds.
        builder: Builder,
    },
    /// Bytes of the context sent so far.
    Context {
        /// Bytes, headers included.
        sent: u64,
    },
    /// A step appeared or moved on. The same vertex comes many times; the last word counts.
    Vertex(Vertex),
    /// A line that a step printed.
    Output {
        /// The vertex's number; 0 where it is nobody's.
        vertex: u32,
        /// One harmless line.
        line: String,
    },
    /// Bytes that a step fetches or writes: a base image's layer, the export of the image.
    Transfer {
        /// The vertex's number.
        vertex: u32,
        /// What is moved, in the builder's words.
        what: String,
        /// Bytes so far.
        current: u64,
        /// Bytes in all; 0 where the builder does not say.
        total: u64,
    },
}

/// One step of the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vertex {
    /// From 1, in the order in which the vertexes appeared; its name for the whole build.
    pub number: u32,
    /// `[2/6] COPY web web`, one harmless line. Both builders name the Dockerfile's instructions so; what has no
    /// brackets is the builder's own work.
    pub name: String,
    /// Numbers of the vertexes that it stands on.
    pub inputs: Vec<u32>,
    /// How it stands.
    pub state: VertexState,
}

/// See [`Vertex`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum VertexState {
    /// Not begun.
    Waiting,
    /// At work.
    Running,
    /// Came from the cache.
    Cached,
    /// Done.
    Done {
        /// How long it took.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// Failed, or broken off because another one failed.
    Failed {
        /// The builder's words, one harmless line.
        message: String,
    },
}

impl VertexState {
    /// True where the step will not move any more.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Cached | Self::Done { .. } | Self::Failed { .. })
    }
}

impl Vertex {
    /// True for an instruction of the Dockerfile, false for the builder's own work (loading, exporting).
    #[must_use]
    pub fn is_instruction(&self) -> bool {
        self.name.starts_with('[') && !self.name.starts_with("[internal]")
    }
}

/// Something about the Dockerfile that makes every deploy slow, with the numbers and the edit that would help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What is slow, with its numbers: one harmless line.
    pub finding: String,
    /// What to change: one harmless line.
    pub edit: String,
}

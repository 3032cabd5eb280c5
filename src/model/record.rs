//! What is remembered of a deploy on this machine: for the history, for a rollback, and to go on after a break.

use serde::{Deserialize, Serialize};

use super::progress::{Builder, DeployStep};
use super::{Digest, TenantId, text};

/// One deploy, as the history keeps it. All text is harmless. Unknown fields of newer versions are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployRecord {
    /// Its own name: a version 4 UUID.
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// Of which tenant.
    pub tenant_id: TenantId,
    /// The tenant's name then.
    #[serde(deserialize_with = "text::harmless")]
    pub tenant_name: String,
    /// Who: the account's e-mail, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub by: Option<String>,
    /// When it began, RFC 3339 in UTC.
    #[serde(deserialize_with = "text::harmless")]
    pub began_at: String,
    /// How long it took in all, milliseconds.
    #[serde(default)]
    pub took_ms: u64,
    /// `{registry}/{repository}:{tag}`; empty until the registry is known.
    #[serde(default, deserialize_with = "text::harmless")]
    pub image: String,
    /// The engine's id of the image, `sha256:` and 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub image_id: Option<String>,
    /// What the registry holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The source that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitRevision>,
    /// Who built the image; absent where nothing was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<Builder>,
    /// The id of the deploy whose image this one brought back.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub rollback_of: Option<String>,
    /// Its steps, in their order.
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    /// How it stands.
    pub outcome: DeployEnd,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which.
    pub step: DeployStep,
    /// Milliseconds.
    pub took_ms: u64,
    /// How it ended.
    pub result: StepResult,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// Done.
    Done,
    /// Not needed.
    Skipped,
    /// Failed or cancelled.
    Failed,
}

/// How a deploy stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DeployEnd {
    /// At work, or broken off without a word: the machine or the program ended.
    Open,
    /// The tenant runs it and answers.
    Succeeded,
    /// It failed.
    Failed {
        /// Where.
        step: DeployStep,
        /// The problem's title.
        #[serde(deserialize_with = "text::harmless")]
        title: String,
    },
    /// Somebody stopped it before the server had accepted it.
    Cancelled {
        /// Where.
        step: DeployStep,
    },
    /// Somebody left it after the server had accepted it.
    Detached,
}

/// The source of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRevision {
    /// The commit, 40 hex digits (64 in repositories with SHA-256).
    #[serde(deserialize_with = "text::harmless")]
    pub commit: String,
    /// True where the work tree had changes that no commit holds.
    pub dirty: bool,
}

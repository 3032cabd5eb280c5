//! What a push says of each layer.

use serde::Serialize;

/// What a layer does while it is pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerProgress {
    /// The layer's short id, 12 hex digits.
    pub id: String,
    /// What it does.
    #[serde(flatten)]
    pub state: LayerState,
}

/// See [`LayerProgress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
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

/// Who carries the layers to the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PushedBy {
    /// The engine.
    Engine,
    /// This program: the layers out of the engine, compressed here on every core.
    Tenantry,
}

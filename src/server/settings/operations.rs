//! Limits, logs and figures: what those who run a server care about.

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct OperationSettings {}

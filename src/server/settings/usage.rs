//! How machines are measured.

use std::time::Duration;

/// See the module.
#[derive(Debug, Clone)]
pub struct UsageSettings {
    /// Pause between two looks at a machine.
    pub interval: Duration,
}

impl Default for UsageSettings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(15) }
    }
}

//! The headless demo's output: one line per event and step, with the time since the start.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// Writes lines to standard output. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    begun: Arc<Instant>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { begun: Arc::new(Instant::now()) }
    }

    /// One line. A reader that went away is no reason to leave containers behind, so errors are nothing here.
    pub(super) fn say(&self, what: &str, text: &str) {
        let elapsed = self.begun.elapsed().as_secs_f64();
        let _ = writeln!(std::io::stdout().lock(), "{elapsed:6.1} s  {what:<10} {text}");
    }
}

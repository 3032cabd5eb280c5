//! How often the bytes of the build context are told. Must not know who sends them.

use std::time::Duration;
use tokio::time::Instant;

/// At most one message in this time, or for this many bytes.
const INTERVAL: Duration = Duration::from_millis(100);
const BYTES: u64 = 1024 * 1024;

/// What was told last, and when.
#[derive(Debug)]
pub(super) struct Pace {
    told: u64,
    at: Instant,
}

impl Pace {
    /// Nothing was told yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { told: 0, at: now }
    }

    /// True when `sent` bytes are news that should be told now; then they count as told.
    pub(super) fn is_due(&mut self, sent: u64, is_last: bool, now: Instant) -> bool {
        let more = sent.saturating_sub(self.told);
        let is_due = more > 0 && (is_last || more >= BYTES || now.duration_since(self.at) >= INTERVAL);
        if is_due {
            *self = Self { told: sent, at: now };
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_news_wait_and_the_last_ones_do_not() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(!pace.is_due(0, true, start + INTERVAL), "nothing is no news");
        assert!(!pace.is_due(10, false, start));
        assert!(pace.is_due(10, false, start + INTERVAL));
        assert!(pace.is_due(10 + BYTES, false, start + INTERVAL));
        assert!(!pace.is_due(11 + BYTES, false, start + INTERVAL));
        assert!(pace.is_due(11 + BYTES, true, start + INTERVAL));
        assert!(!pace.is_due(11 + BYTES, true, start + INTERVAL));
    }
}

//! How long the client waits: between tries, between connections, and for a silent stream. A value, so
//! that tests do not wait for real seconds.
//!
//! This module must not know requests.

use rand::Rng;
use std::time::Duration;

/// Tries of one ordinary call, the first included (protocol A.5).
pub(super) const TRIES: u32 = 3;
/// The longest `Retry-After` that an ordinary call waits for by itself, seconds.
pub(super) const PATIENCE: u64 = 30;
/// Reconnections without progress before a stream is given up (protocol C.5).
pub(super) const RECONNECTIONS: u32 = 5;

/// The first pause before a reconnection, unless the server names another (protocol C.5).
const RECONNECT: Duration = Duration::from_secs(2);
/// No pause between reconnections grows beyond this.
const LONGEST: Duration = Duration::from_secs(30);
/// Nor does one that the server asks for.
const LONGEST_ASKED: Duration = Duration::from_mins(5);
/// The shortest pause that a server may ask for.
const SHORTEST: Duration = Duration::from_millis(100);

/// The client's pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long a second is. Every pause is measured in it.
    pub second: Duration,
    /// How long a connection that only says it is alive must stand before that counts as progress.
    pub stable: Duration,
    /// How long a stream may bring no bytes, or no complete event, before its connection counts as dead.
    pub silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { second: Duration::from_secs(1), stable: Duration::from_secs(10), silence: Duration::from_secs(45) }
    }
}

impl Pace {
    /// For tests: a second takes a millisecond, and only events are progress.
    #[must_use]
    pub fn quick() -> Self {
        Self { second: Duration::from_millis(1), stable: Duration::MAX, silence: Duration::from_secs(45) }
    }

    /// So many of its seconds.
    #[must_use]
    pub fn seconds(self, seconds: u32) -> Duration {
        self.second.saturating_mul(seconds)
    }

    /// The pause after try number `tried` of an ordinary call, counted from 1: what the server asked
    /// for, else 1, 2, 4 s.
    pub(super) fn between_tries(self, tried: u32, asked: Option<Duration>) -> Duration {
        let doubled = Duration::from_secs(1) * 2u32.saturating_pow(tried.saturating_sub(1));
        self.scaled(asked.unwrap_or(doubled))
    }

    /// The pause before reconnection number `attempt`, counted from 1. `base` is the server's `retry:`,
    /// `asked` its `Retry-After`.
    pub(super) fn before_reconnection(self, attempt: u32, base: Option<Duration>, asked: Option<Duration>) -> Duration {
        if let Some(asked) = asked {
            return self.scaled(asked.min(LONGEST_ASKED));
        }
        let base = base.unwrap_or(RECONNECT).clamp(SHORTEST, LONGEST);
        let doubled = base.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
        self.scaled(doubled.min(LONGEST))
    }

    /// In this pace's seconds, with jitter that only adds: nobody comes back sooner than asked.
    fn scaled(self, pause: Duration) -> Duration {
        let jitter = 1.0 + rand::rng().random_range(0.0..0.25);
        self.second.mul_f64(pause.as_secs_f64() * jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(pause: Duration, seconds: f64) -> bool {
        (seconds..=seconds * 1.25 + 0.001).contains(&pause.as_secs_f64())
    }

    #[test]
    fn calls_wait_one_two_four_seconds_or_as_asked() {
        let pace = Pace::default();
        for (tried, seconds) in [(1, 1.0), (2, 2.0), (3, 4.0)] {
            assert!(within(pace.between_tries(tried, None), seconds));
        }
        assert!(within(pace.between_tries(1, Some(Duration::from_secs(7))), 7.0));
    }

    #[test]
    fn reconnections_double_up_to_a_limit_and_the_server_names_the_base() {
        let pace = Pace::default();
        for (attempt, seconds) in [(1, 2.0), (2, 4.0), (3, 8.0), (5, 30.0), (u32::MAX, 30.0)] {
            assert!(within(pace.before_reconnection(attempt, None, None), seconds), "{attempt}");
        }
        assert!(within(pace.before_reconnection(2, Some(Duration::from_millis(500)), None), 1.0));
        assert!(within(pace.before_reconnection(1, Some(Duration::ZERO), None), 0.1));
        assert!(within(pace.before_reconnection(1, Some(Duration::MAX), None), 30.0));
        assert!(within(pace.before_reconnection(4, None, Some(Duration::from_secs(40))), 40.0));
        assert!(within(pace.before_reconnection(4, None, Some(Duration::MAX)), 300.0));
    }
}

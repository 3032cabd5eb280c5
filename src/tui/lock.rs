//! Whether anything may be changed outside of the program: read-only mode, and contexts that are protected until
//! somebody unlocks them for a while. Must not know commands or screens.

use std::time::Duration;

/// How long an unlock lasts where nothing else is set.
pub const UNLOCKED: Duration = Duration::from_mins(10);

/// What may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Everything.
    Open,
    /// Nothing, as long as the program runs.
    ReadOnly,
    /// Nothing until it is unlocked.
    Protected,
    /// Everything until this moment, since the start of the program.
    Unlocked(Duration),
}

impl Lock {
    /// Read-only wins over protected.
    #[must_use]
    pub fn new(read_only: bool, protected: bool) -> Self {
        match (read_only, protected) {
            (true, _) => Self::ReadOnly,
            (false, true) => Self::Protected,
            (false, false) => Self::Open,
        }
    }

    /// True where a command that changes something may run.
    #[must_use]
    pub fn allows(self) -> bool {
        matches!(self, Self::Open | Self::Unlocked(_))
    }

    /// Opens a protected context until `until`.
    pub fn unlock(&mut self, until: Duration) {
        if matches!(self, Self::Protected | Self::Unlocked(_)) {
            *self = Self::Unlocked(until);
        }
    }

    /// Closes what was unlocked.
    pub fn close(&mut self) {
        if matches!(self, Self::Unlocked(_)) {
            *self = Self::Protected;
        }
    }

    /// When the unlock ends.
    #[must_use]
    pub fn ends(self) -> Option<Duration> {
        match self {
            Self::Unlocked(until) => Some(until),
            Self::Open | Self::ReadOnly | Self::Protected => None,
        }
    }

    /// Notices that the unlock has ended; true where it just did.
    pub fn tick(&mut self, now: Duration) -> bool {
        let over = self.ends().is_some_and(|until| until <= now);
        if over {
            *self = Self::Protected;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlock_ends_and_read_only_never_opens() {
        let mut lock = Lock::new(false, true);
        assert!(!lock.allows());
        lock.unlock(Duration::from_mins(1));
        assert!(lock.allows() && !lock.tick(Duration::from_secs(59)));
        assert!(lock.tick(Duration::from_mins(1)) && !lock.allows());
        let mut lock = Lock::new(true, true);
        lock.unlock(Duration::from_mins(1));
        assert_eq!(lock, Lock::ReadOnly);
    }
}

//! How far back the log is shown: a few steps from a minute to everything. Must not know the clock.

use jiff::{SignedDuration, Timestamp};

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    /// One minute.
    Minute,
    /// Five minutes.
    Minutes5,
    /// A quarter of an hour.
    Minutes15,
    /// One hour.
    Hour,
    /// Six hours.
    Hours6,
    /// A day.
    Day,
    /// Everything that is kept.
    #[default]
    All,
}

impl Since {
    /// All of them, the shortest first.
    pub const ALL: [Self; 7] =
        [Self::Minute, Self::Minutes5, Self::Minutes15, Self::Hour, Self::Hours6, Self::Day, Self::All];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Minutes5 => "5m",
            Self::Minutes15 => "15m",
            Self::Hour => "1h",
            Self::Hours6 => "6h",
            Self::Day => "24h",
            Self::All => "all",
        }
    }

    /// The moment where it begins when it is chosen at `now`; none where everything is shown.
    #[must_use]
    pub fn begin(self, now: Timestamp) -> Option<Timestamp> {
        let minutes = match self {
            Self::Minute => 1,
            Self::Minutes5 => 5,
            Self::Minutes15 => 15,
            Self::Hour => 60,
            Self::Hours6 => 6 * 60,
            Self::Day => 24 * 60,
            Self::All => return None,
        };
        now.checked_sub(SignedDuration::from_mins(minutes)).ok()
    }

    /// The next longer one, and after all the shortest again.
    #[must_use]
    pub fn next(self) -> Self {
        let place = Self::ALL.iter().position(|since| *since == self).map_or(0, |place| place + 1);
        Self::ALL.get(place).copied().unwrap_or(Self::Minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_go_round_and_name_what_they_are() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut since = Since::All;
        let mut told = Vec::new();
        for _ in Since::ALL {
            since = since.next();
            told.push(format!("{} {}", since.word(), since.begin(now).map_or_else(String::new, |at| at.to_string())));
        }
        assert_eq!(
            told,
            [
                "1m 2026-11-20T11:59:00Z",
                "5m 2026-11-20T11:55:00Z",
                "15m 2026-11-20T11:45:00Z",
                "1h 2026-11-20T11:00:00Z",
                "6h 2026-11-20T06:00:00Z",
                "24h 2026-11-19T12:00:00Z",
                "all ",
            ]
        );
        assert_eq!(since, Since::All);
    }
}

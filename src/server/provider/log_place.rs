//! Where in a log a reader is: a moment, and how many lines of that moment it has. Lines have no other name, and two may
//! well be logged in one moment.

use jiff::Timestamp;

use super::LogStart;
use crate::model::LogEntry;

/// Counts lines as they are read.
#[derive(Debug, Default, Clone, Copy)]
pub struct LogPlace(Option<LogStart>);

impl LogPlace {
    /// Goes on from a place that was reached before.
    #[must_use]
    pub fn at(start: Option<LogStart>) -> Self {
        Self(start)
    }

    /// Takes one more line; answers the place after it. A line without a time has none.
    pub fn pass(&mut self, entry: &LogEntry) -> Option<LogStart> {
        let moment: Timestamp = entry.timestamp.parse().ok()?;
        let known = self.0.filter(|place| place.from == moment).map_or(0, |place| place.known);
        self.0 = Some(LogStart { from: moment, known: known + 1 });
        self.0
    }

    /// The place after the last line.
    #[must_use]
    pub fn get(self) -> Option<LogStart> {
        self.0
    }
}

/// Leaves out the lines up to a place. A line that was begun early and ended late stands behind newer ones, so it is the
/// order that counts once the place is found, and not the time.
#[derive(Debug, Clone, Copy)]
pub struct Skip {
    to: LogStart,
    seen: u64,
    is_over: bool,
}

impl Skip {
    /// Up to here.
    #[must_use]
    pub fn to(to: LogStart) -> Self {
        Self { to, seen: 0, is_over: false }
    }

    /// True for a line that is behind the place.
    pub fn passes(&mut self, entry: &LogEntry) -> bool {
        if self.is_over {
            return true;
        }
        let Ok(moment) = entry.timestamp.parse::<Timestamp>() else { return false };
        if moment > self.to.from || (moment == self.to.from && self.to.known == 0) {
            // The place itself is not in the log, or not any more.
            self.is_over = true;
            return true;
        }
        if moment == self.to.from {
            self.seen += 1;
            self.is_over = self.seen >= self.to.known;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(second: u32, message: &str) -> LogEntry {
        LogEntry { timestamp: format!("2026-01-09T10:09:{second:02}Z"), message: message.into(), level: None }
    }

    #[test]
    fn from_every_place_the_rest_follows() {
        // `d` was begun before `c` and ended after it.
        let log = [line(1, "a"), line(2, "b1"), line(2, "b2"), line(4, "c"), line(3, "d"), line(5, "e")];
        for read in 0..log.len() {
            let mut place = LogPlace::default();
            for entry in &log[..read] {
                place.pass(entry);
            }
            let rest: Vec<_> = match place.get() {
                None => log.to_vec(),
                Some(start) => {
                    let mut skip = Skip::to(start);
                    log.iter().filter(|entry| skip.passes(entry)).cloned().collect()
                }
            };
            // After `d` the place is before `c`: `c` comes again, and its id tells.
            let expected = if read == 5 { &log[3..] } else { &log[read..] };
            assert_eq!(rest, expected, "after {read} lines");
        }
    }

    #[test]
    fn a_place_that_is_gone_is_followed_by_all_that_is_left() {
        let mut skip = Skip::to(LogPlace::default().pass(&line(1, "gone")).expect("a time"));
        let left: Vec<_> = [line(7, "x"), line(7, "y")].into_iter().filter(|entry| skip.passes(entry)).collect();
        assert_eq!(left.len(), 2);
    }
}

//! Who logs: a name, where the last line was in time, and which lines a new connection may repeat.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::level::Level;
use super::store::Store;

/// One of those whose lines are kept together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u16);

impl SourceId {
    /// The first that was added.
    pub const FIRST: Self = Self(0);

    pub(super) fn from_place(place: usize) -> Option<Self> {
        u16::try_from(place).ok().map(Self)
    }

    /// Its place among the sources, from 0.
    #[must_use]
    pub fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// What is known of a source.
#[derive(Debug, Clone)]
pub struct Source {
    /// What it is called on the screen.
    pub name: String,
    /// The time of its last line that had one.
    last: Option<i64>,
    /// The newest time that one of its lines had, and the number of the first line that had it.
    newest: Option<(i64, u64)>,
    replay: Option<Replay>,
}

/// Lines that are expected again.
#[derive(Debug, Clone)]
struct Replay {
    /// Everything before this moment was here.
    until: i64,
    /// Of the moment itself: how often each line was here, by the hash of level and text.
    left: HashMap<u64, u32>,
}

fn hash(level: Level, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (level as u8, text).hash(&mut hasher);
    hasher.finish()
}

impl Source {
    /// One that has logged nothing.
    #[must_use]
    pub fn new(name: String) -> Self {
        Self { name, last: None, newest: None, replay: None }
    }

    /// Where a line without a time belongs: where the one before it does.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// A line with a time was kept.
    pub fn kept(&mut self, moment: i64, number: u64) {
        self.last = Some(moment);
        if self.newest.is_none_or(|(newest, _)| newest < moment) {
            self.newest = Some((moment, number));
        }
    }

    /// Its stream was opened (again) and repeats its last lines: none of those that came before its newest moment is new,
    /// and of the newest moment only what is more often among them than it was here.
    pub fn expect_replay(&mut self, id: SourceId, store: &Store) {
        self.replay = self.newest.map(|(until, from)| {
            let mut left = HashMap::new();
            let of_moment = store.lines(from).filter(|line| line.source == id && line.timed && line.moment == until);
            for line in of_moment {
                *left.entry(hash(line.level, line.text)).or_default() += 1;
            }
            Replay { until, left }
        });
    }

    /// True while a line with a time may be one that is repeated.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.replay.is_some()
    }

    /// True for a line that was here before. Lines come in order of their time, so one that is newer ends the replay.
    pub fn is_repeated(&mut self, moment: i64, level: Level, text: &str) -> bool {
        let Some(replay) = &mut self.replay else { return false };
        match moment.cmp(&replay.until) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => match replay.left.get_mut(&hash(level, text)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            },
            std::cmp::Ordering::Greater => {
                self.replay = None;
                false
            }
        }
    }
}

//! Which lines pass a test, found out a slice at a time: the newest first, since they are what is looked at, then
//! back to the oldest. Lines that arrive and lines that are dropped cost nothing of the others. Must not know the test.

use std::ops::Range;

use super::chunk::Line;
use super::list::{Key, List};
use super::store::Store;

/// What looking at a line costs beside its text, bytes.
const LOOK: usize = 64;

/// In which order lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they came.
    Arrival,
    /// By their time, those of equal time as they came.
    Time,
}

impl Order {
    /// The key of a line that is kept.
    #[must_use]
    pub fn key(self, store: &Store, number: u64) -> Key {
        match self {
            Self::Arrival => Key { moment: 0, number },
            Self::Time => Key { moment: store.moment(number), number },
        }
    }

    /// A key as this order compares it.
    #[must_use]
    pub fn compared(self, key: Key) -> Key {
        match self {
            Self::Arrival => Key { moment: 0, ..key },
            Self::Time => key,
        }
    }
}

/// The lines that pass, of those that were looked at.
#[derive(Debug, Clone)]
pub struct Index {
    /// The lines that pass.
    pub list: List,
    seen: Range<u64>,
}

impl Index {
    /// One that has looked at nothing of a store, and begins at its end.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        let end = store.numbers().end;
        Self { list: List::default(), seen: end..end }
    }

    /// The lines before `first` were dropped.
    pub fn forget(&mut self, first: u64) {
        if self.seen.start < first {
            self.seen = first..self.seen.end.max(first);
            self.list.forget(first);
        }
    }

    /// True where no older line is left to be looked at.
    #[must_use]
    pub fn reaches_back(&self, store: &Store) -> bool {
        self.seen.start <= store.numbers().start
    }

    /// The number of the oldest line that was looked at.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.seen.start
    }

    /// How many lines were looked at.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen.end - self.seen.start
    }

    /// Looks at lines that arrived until the `budget` of bytes is spent. True where some are left.
    pub fn look_ahead(
        &mut self,
        store: &Store,
        order: Order,
        budget: &mut usize,
        passes: impl Fn(&Line<'_>) -> bool,
    ) -> bool {
        for line in store.lines(self.seen.end) {
            if *budget == 0 {
                return true;
            }
            *budget = budget.saturating_sub(LOOK + line.text.len());
            self.seen.end = line.number + 1;
            if passes(&line) {
                self.list.insert(line.number, |number| order.key(store, number));
            }
        }
        false
    }

    /// Looks at older lines until the `budget` of bytes is spent. True where some are left.
    pub fn look_back(
        &mut self,
        store: &Store,
        order: Order,
        budget: &mut usize,
        passes: impl Fn(&Line<'_>) -> bool,
    ) -> bool {
        for number in (store.numbers().start..self.seen.start).rev() {
            if *budget == 0 {
                return true;
            }
            let Some(line) = store.line(number) else { break };
            *budget = budget.saturating_sub(LOOK + line.text.len());
            self.seen.start = number;
            if passes(&line) {
                self.list.insert(number, |number| order.key(store, number));
            }
        }
        false
    }
}

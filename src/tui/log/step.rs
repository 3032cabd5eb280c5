//! From one place that was searched for to the next, and how many there are. Must not know the screen.

use super::Log;
use super::index::Order;
use super::list::Key;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To older lines.
    Back,
    /// To newer lines.
    Ahead,
}

/// Where a step leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// To a line.
    Found {
        /// Its number.
        number: u64,
        /// True where the end was reached and the step began at the other one again.
        wrapped: bool,
    },
    /// Nothing is found anywhere.
    Nowhere,
    /// Not all lines between were looked at yet: ask again after [`Log::work`].
    Working,
}

impl Log {
    /// The next line in which something was found, before or behind the line at `from`; at the end it goes on at the other one.
    #[must_use]
    pub fn step(&self, from: Key, direction: Direction) -> Step {
        let Some(found) = &self.found else { return Step::Nowhere };
        let from = self.order.compared(from);
        let key = |number| self.order.key(&self.store, number);
        let complete = found.reaches_back(&self.store);
        // What arrived since the last look is taken as not there yet; older lines that were not looked at may lie between.
        let near = match direction {
            Direction::Back => found.list.before(from, key).next(),
            Direction::Ahead => {
                let behind = Key { number: from.number.saturating_add(1), ..from };
                found.list.from(behind, key).next()
            }
        };
        let gapless = match (self.order, direction) {
            _ if complete => true,
            (Order::Time, _) => false,
            (Order::Arrival, Direction::Back) => near.is_some(),
            (Order::Arrival, Direction::Ahead) => near.is_some() && from.number.saturating_add(1) >= found.start(),
        };
        if !gapless {
            return Step::Working;
        }
        let far = || match direction {
            Direction::Back => found.list.before(Key::LAST, key).next(),
            Direction::Ahead => found.list.from(Key::FIRST, key).next(),
        };
        match near {
            Some(number) => Step::Found { number, wrapped: false },
            None => far().map_or(Step::Nowhere, |number| Step::Found { number, wrapped: true }),
        }
    }

    /// How many lines were found so far, and how many of them stand before `at`.
    #[must_use]
    pub fn found(&self, at: Key) -> Option<(u64, u64)> {
        let found = self.found.as_ref()?;
        let key = |number| self.order.key(&self.store, number);
        Some((found.list.len() as u64, found.list.rank(self.order.compared(at), key) as u64))
    }

    /// How many percent of the lines were looked at for the filter and the search; none where all were.
    #[must_use]
    pub fn looked_at(&self) -> Option<u64> {
        let pending = |index: &&super::Index| !index.reaches_back(&self.store);
        let seen = self.shown.iter().chain(&self.found).filter(pending).map(super::Index::seen).min()?;
        Some(seen.saturating_mul(100) / self.len().max(1))
    }
}

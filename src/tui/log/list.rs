//! Numbers of lines in the order in which they are shown, in blocks: adding at either end and dropping the
//! oldest are cheap, putting one between others nearly so. Must not know what the lines say.

use std::collections::VecDeque;

/// Numbers in a block.
const BLOCK: usize = 512;

/// Where a line stands among the others: by its time, and by its number where that is equal. Where lines are shown as they
/// came, every time is taken for equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Nanoseconds since 1970.
    pub moment: i64,
    /// The line's number.
    pub number: u64,
}

impl Key {
    /// Before every line.
    pub const FIRST: Self = Self { moment: i64::MIN, number: 0 };
    /// Behind every line.
    pub const LAST: Self = Self { moment: i64::MAX, number: u64::MAX };
}

#[derive(Debug, Clone)]
struct Block {
    numbers: VecDeque<u64>,
    /// None of its numbers is smaller.
    least: u64,
}

impl Block {
    fn new() -> Self {
        Self { numbers: VecDeque::with_capacity(BLOCK), least: u64::MAX }
    }

    fn insert(&mut self, place: usize, number: u64) {
        self.least = self.least.min(number);
        self.numbers.insert(place, number);
    }
}

/// Numbers of lines in the order of their keys. Whoever calls says what the key of a number is, and always the same.
#[derive(Debug, Clone, Default)]
pub struct List {
    blocks: VecDeque<Block>,
    count: usize,
}

/// A place in a list: the number of a block, and a place in it.
type Place = (usize, usize);

impl List {
    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.len() * BLOCK * size_of::<u64>() + self.blocks.capacity() * size_of::<Block>()
    }

    /// Adds a number that is not in the list.
    pub fn insert(&mut self, number: u64, key: impl Fn(u64) -> Key) {
        let new = key(number);
        let end = |block: &Block| block.numbers.back().is_none_or(|last| key(*last) < new);
        let place = match self.blocks.back() {
            // Nearly always: it is the newest.
            Some(block) if end(block) => self.blocks.len() - 1,
            Some(_) => self.blocks.partition_point(end),
            None => 0,
        };
        self.count += 1;
        let Some(block) = self.blocks.get_mut(place) else {
            self.insert_block(place, number);
            return;
        };
        let inside = block.numbers.partition_point(|other| key(*other) < new);
        if block.numbers.len() < BLOCK {
            block.insert(inside, number);
        } else if inside == BLOCK {
            self.insert_block(place + 1, number);
        } else if inside == 0 {
            self.insert_block(place, number);
        } else {
            let mut behind = Block::new();
            behind.numbers.extend(block.numbers.drain(inside..));
            behind.least = behind.numbers.iter().copied().min().unwrap_or(u64::MAX);
            block.insert(inside, number);
            self.blocks.insert(place + 1, behind);
        }
    }

    fn insert_block(&mut self, place: usize, number: u64) {
        let mut block = Block::new();
        block.insert(0, number);
        self.blocks.insert(place, block);
    }

    /// Removes every number below `first`.
    pub fn forget(&mut self, first: u64) {
        for block in self.blocks.iter_mut().filter(|block| block.least < first) {
            let before = block.numbers.len();
            block.numbers.retain(|number| *number >= first);
            block.least = block.numbers.iter().copied().min().unwrap_or(u64::MAX);
            self.count -= before - block.numbers.len();
        }
        self.blocks.retain(|block| !block.numbers.is_empty());
    }

    /// How many numbers have a key below `bound`.
    pub fn rank(&self, bound: Key, key: impl Fn(u64) -> Key) -> usize {
        let (place, inside) = self.place(bound, key);
        self.blocks.iter().take(place).map(|block| block.numbers.len()).sum::<usize>() + inside
    }

    /// The first place whose key is not below `bound`.
    fn place(&self, bound: Key, key: impl Fn(u64) -> Key) -> Place {
        let below = |number: &u64| key(*number) < bound;
        let place = self.blocks.partition_point(|block| block.numbers.back().is_none_or(below));
        let inside = self.blocks.get(place).map_or(0, |block| block.numbers.partition_point(below));
        (place, inside)
    }

    /// The numbers whose key is not below `bound`, in order.
    pub fn from(&self, bound: Key, key: impl Fn(u64) -> Key) -> impl Iterator<Item = u64> {
        let (place, inside) = self.place(bound, key);
        let (head, tail) = (self.blocks.get(place), self.blocks.range((place + 1).min(self.blocks.len())..));
        let head = head.into_iter().flat_map(move |block| block.numbers.range(inside.min(block.numbers.len())..));
        head.chain(tail.flat_map(|block| block.numbers.iter())).copied()
    }

    /// The numbers whose key is below `bound`, the last first.
    pub fn before(&self, bound: Key, key: impl Fn(u64) -> Key) -> impl Iterator<Item = u64> {
        let (place, inside) = self.place(bound, key);
        let head = self.blocks.get(place).into_iter().flat_map(move |block| block.numbers.range(..inside).rev());
        let tail = self.blocks.range(..place.min(self.blocks.len())).rev();
        head.chain(tail.flat_map(|block| block.numbers.iter().rev())).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A time for every number, some of them equal.
    fn key(number: u64) -> Key {
        Key { moment: i64::try_from(number * 7919 % 1009 / 3).unwrap(), number }
    }

    fn by_number(number: u64) -> Key {
        Key { moment: 0, number }
    }

    fn listed(list: &List) -> Vec<u64> {
        list.from(Key::FIRST, key).collect()
    }

    #[test]
    fn numbers_that_come_in_order_fill_blocks_in_either_direction() {
        let (mut up, mut down) = (List::default(), List::default());
        for number in 0..4 * BLOCK as u64 {
            up.insert(number, by_number);
            down.insert(10_000 - number, by_number);
        }
        assert_eq!((up.blocks.len(), down.blocks.len()), (4, 4));
        assert!(down.from(Key::FIRST, by_number).is_sorted());
        assert!(up.bytes() >= up.len() * size_of::<u64>());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_is_a_sorted_list(numbers in prop::collection::hash_set(0u64..5000, 0..3000), firsts in prop::collection::vec(0u64..5000, 0..4),
            bounds in prop::collection::vec(0u64..5000, 8)) {
            let mut list = List::default();
            let mut model: Vec<u64> = Vec::new();
            for number in &numbers {
                list.insert(*number, key);
                model.push(*number);
            }
            model.sort_by_key(|number| key(*number));
            for first in firsts {
                list.forget(first);
                model.retain(|number| *number >= first);
                prop_assert_eq!(listed(&list), model.clone());
                prop_assert_eq!(list.len(), model.len());
                for bound in bounds.iter().map(|number| key(*number)).chain([Key::FIRST, Key::LAST]) {
                    let rank = model.partition_point(|number| key(*number) < bound);
                    prop_assert_eq!(list.rank(bound, key), rank);
                    prop_assert!(list.from(bound, key).eq(model[rank..].iter().copied()));
                    prop_assert!(list.before(bound, key).eq(model[..rank].iter().rev().copied()));
                }
                // Goes on after numbers went.
                if !model.contains(&first) {
                    list.insert(first, key);
                    model.push(first);
                    model.sort_by_key(|number| key(*number));
                }
            }
            prop_assert_eq!(listed(&list), model);
        }
    }
}

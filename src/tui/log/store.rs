//! The lines that are kept, oldest first, in chunks of which the oldest goes whole. Lines are numbered from the
//! first that ever came, so dropping moves nothing. Must not know order in time, filters or the screen.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::chunk::{Chunk, Line, NewLine};

/// Text of a chunk, bytes, and of the smallest.
const CHUNK: usize = 64 * 1024;
const SMALLEST_CHUNK: usize = 256;
/// A store holds at least so many chunks, so that dropping one is no leap.
const CHUNKS: usize = 64;

/// Bytes that a chunk takes beside what it holds: the pointer, what it points to, and two counters.
const PLACE: usize = size_of::<Arc<Chunk>>() + size_of::<Chunk>() + 2 * size_of::<usize>();

/// The lines that are kept.
#[derive(Debug, Clone)]
pub struct Store {
    /// Shared with whoever took the lines as they were at some time: such a chunk is not changed any more.
    chunks: VecDeque<Arc<Chunk>>,
    /// Bytes of all chunks but the last.
    settled: usize,
    /// The number that the next line gets.
    next: u64,
    /// Bytes of text in an ordinary chunk.
    chunk: usize,
    /// The memory of the last chunk that was dropped.
    spare: Option<Chunk>,
}

impl Store {
    /// An empty store whose chunks are of a size that suits `cap` bytes in all.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        let chunk = (cap / CHUNKS).clamp(SMALLEST_CHUNK, CHUNK);
        Self { chunks: VecDeque::new(), settled: 0, next: 0, chunk, spare: None }
    }

    /// The numbers of the lines that are kept.
    #[must_use]
    pub fn numbers(&self) -> Range<u64> {
        self.chunks.front().map_or(self.next, |chunk| chunk.first())..self.next
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.settled
            + self.chunks.back().map_or(0, |chunk| chunk.bytes())
            + self.spare.as_ref().map_or(0, Chunk::bytes)
            + self.chunks.capacity() * PLACE
    }

    /// The lines as they are now, whatever becomes of these. Costs no more than a pointer for every chunk.
    #[must_use]
    pub fn taken(&self) -> Self {
        Self { chunks: self.chunks.clone(), spare: None, ..*self }
    }

    /// Adds a line and says its number.
    pub fn push(&mut self, new: NewLine<'_>) -> u64 {
        let number = self.next;
        let last = self.chunks.back_mut().filter(|chunk| chunk.takes(new.message.len()));
        if let Some(chunk) = last.and_then(Arc::get_mut) {
            chunk.push(new);
        } else {
            let mut chunk = self.fresh(new.message.len());
            chunk.push(new);
            self.settled += self.chunks.back().map_or(0, |chunk| chunk.bytes());
            self.chunks.push_back(Arc::new(chunk));
        }
        self.next += 1;
        number
    }

    /// A chunk for a line of so many bytes.
    fn fresh(&mut self, bytes: usize) -> Chunk {
        if bytes <= self.chunk
            && let Some(mut spare) = self.spare.take()
        {
            spare.begin(self.next);
            return spare;
        }
        Chunk::new(self.next, self.chunk.max(bytes))
    }

    /// Drops the oldest lines; false where there are none.
    pub fn drop_oldest(&mut self) -> bool {
        // What was kept for later goes first: it holds no line.
        if self.spare.take().is_some() {
            return true;
        }
        let Some(oldest) = self.chunks.pop_front() else { return false };
        // The last chunk alone was never settled.
        if !self.chunks.is_empty() {
            self.settled -= oldest.bytes();
        }
        if oldest.room() == self.chunk {
            self.spare = Arc::into_inner(oldest);
        }
        true
    }

    fn chunk_of(&self, number: u64) -> Option<&Chunk> {
        let place = self.chunks.partition_point(|chunk| chunk.first() <= number).checked_sub(1)?;
        self.chunks.get(place).map(AsRef::as_ref)
    }

    /// The line with this number, where it is kept.
    #[must_use]
    pub fn line(&self, number: u64) -> Option<Line<'_>> {
        self.chunk_of(number)?.line(number)
    }

    /// Where the line with this number belongs in time; of one that was dropped nobody knows.
    #[must_use]
    pub fn moment(&self, number: u64) -> i64 {
        self.chunk_of(number).and_then(|chunk| chunk.moment(number)).unwrap_or(i64::MIN)
    }

    /// The lines from the number `from` on.
    pub fn lines(&self, from: u64) -> impl Iterator<Item = Line<'_>> {
        let place = self.chunks.partition_point(|chunk| chunk.first() <= from).saturating_sub(1);
        self.chunks
            .range(place.min(self.chunks.len())..)
            .flat_map(move |chunk| (chunk.first().max(from)..chunk.end()).filter_map(|number| chunk.line(number)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::log::source::SourceId;

    fn line(message: &str) -> NewLine<'_> {
        NewLine { source: SourceId::FIRST, moment: 7, timed: true, level: None, message }
    }

    fn measured(store: &Store) -> usize {
        let chunks = store.chunks.iter().map(AsRef::as_ref);
        chunks.chain(&store.spare).map(Chunk::bytes).sum::<usize>() + store.chunks.capacity() * PLACE
    }

    #[test]
    fn lines_are_found_by_number_while_old_ones_go() {
        let mut store = Store::new(0);
        let texts: Vec<String> =
            (0..1000).map(|number| format!("line {number} {}", "x".repeat(number % 400))).collect();
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(store.push(line(text)), number as u64);
            assert_eq!(store.bytes(), measured(&store));
            while store.bytes() > 20_000 {
                assert!(store.drop_oldest());
                assert_eq!(store.bytes(), measured(&store));
            }
            let kept = store.numbers();
            assert_eq!(kept.end, number as u64 + 1);
            assert!(kept.start.checked_sub(1).is_none_or(|gone| store.line(gone).is_none()));
            for number in [kept.start, kept.end - 1] {
                assert_eq!(
                    store.line(number).map(|line| line.text),
                    texts.get(usize::try_from(number).unwrap()).map(String::as_str)
                );
            }
        }
        assert!(store.numbers().start > 500);
        let kept: Vec<_> = store.lines(0).map(|line| line.text.to_owned()).collect();
        assert_eq!(kept, texts[texts.len() - kept.len()..]);
        assert_eq!(store.lines(990).count(), 10);
        assert_eq!(store.lines(2000).count(), 0);
        while store.drop_oldest() {}
        assert_eq!((store.numbers(), store.settled), (1000..1000, 0));
        assert_eq!(store.push(line("again")), 1000);
    }

    #[test]
    fn lines_that_were_taken_stay_as_they_were() {
        let mut store = Store::new(0);
        for number in 0..20 {
            store.push(line(&format!("line {number}")));
        }
        let taken = store.taken();
        let texts = |store: &Store| store.lines(0).map(|line| line.text.to_owned()).collect::<Vec<_>>();
        let before = texts(&store);
        for number in 20..400 {
            store.push(line(&format!("line {number}")));
            assert_eq!(store.bytes(), measured(&store));
        }
        assert_eq!(texts(&store).len(), 400);
        for _ in 0..4 {
            store.drop_oldest();
        }
        assert!(store.numbers().start > 0);
        assert_eq!(texts(&taken), before);
    }

    #[test]
    fn a_long_line_has_a_chunk_of_its_own_that_is_not_kept_for_later() {
        let mut store = Store::new(0);
        store.push(line(&"x".repeat(5000)));
        store.push(line("short"));
        assert_eq!(store.chunks.len(), 2);
        assert!(store.drop_oldest());
        assert!(store.spare.is_none());
        assert_eq!(store.numbers(), 1..2);
    }
}

//! What the logs pane shows: the last lines of one tenant or of several, bounded in bytes, filtered, searched and
//! cut into rows. A data structure: no I/O, no clock, no ratatui. Whatever grows with the number of lines is
//! done a slice at a time by [`Log::work`]; a key, a line and a picture cost what is visible.

mod chunk;
mod columns;
mod copy;
mod index;
mod layout;
mod level;
mod list;
mod moves;
mod pattern;
mod sgr;
mod since;
mod source;
mod step;
mod store;
#[cfg(test)]
mod tests;
mod view;
mod window;

use jiff::Timestamp;
use std::borrow::Borrow;
use std::fmt;

pub use chunk::Line;
pub use copy::Taken;
pub use level::Level;
pub use list::Key;
pub use pattern::{Filter, Kind, Pattern, PatternError};
pub use sgr::{Attribute, Colour, Sgr};
pub use since::Since;
pub use source::SourceId;
pub use step::{Direction, Step};
pub use view::{Mark, Part, Place, Room, Selection, Times, View, VisibleRow};

use crate::model::LogEntry;
use chunk::NewLine;
use index::{Index, Order};
use pattern::nanoseconds;
use source::Source;
use store::Store;

/// Bytes that are kept unless somebody asks for another number.
pub const CAP: usize = 64 * 1024 * 1024;

/// The lines that are kept, and what is known of them.
#[derive(Clone)]
pub struct Log {
    cap: usize,
    store: Store,
    sources: Vec<Source>,
    order: Order,
    /// The newest time that any line had.
    newest: i64,
    filter: Filter,
    /// The lines that the filter lets through, in order; none where that is every line as it came.
    shown: Option<Index>,
    search: Option<Pattern>,
    /// Those of them that are searched for.
    found: Option<Index>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the lines: they are many, and they are not ours to repeat.
        f.debug_struct("Log")
            .field("numbers", &self.store.numbers())
            .field("bytes", &self.bytes())
            .field("sources", &self.sources.len())
            .finish_non_exhaustive()
    }
}

impl Log {
    /// An empty log of one source that keeps at most `cap` bytes, everything that belongs to the lines counted.
    #[must_use]
    pub fn new(cap: usize, name: &str) -> Self {
        Self {
            cap,
            store: Store::new(cap),
            sources: vec![Source::new(name.to_owned())],
            order: Order::Arrival,
            newest: i64::MIN,
            filter: Filter::default(),
            shown: None,
            search: None,
            found: None,
        }
    }

    /// Another source, whose lines are shown between those of the others, by their time. Beyond 65536 of them it is the
    /// last one again.
    pub fn add_source(&mut self, name: &str) -> SourceId {
        if let Some(id) = SourceId::from_place(self.sources.len()) {
            self.sources.push(Source::new(name.to_owned()));
            if self.order == Order::Arrival {
                self.order = Order::Time;
                self.look_anew();
            }
            return id;
        }
        SourceId::from_place(usize::from(u16::MAX)).unwrap_or(SourceId::FIRST)
    }

    /// A source is called something else now.
    pub fn rename(&mut self, source: SourceId, name: &str) {
        if let Some(known) = self.sources.get_mut(source.place()) {
            name.clone_into(&mut known.name);
        }
    }

    /// What a source is called.
    #[must_use]
    pub fn name(&self, source: SourceId) -> &str {
        self.sources.get(source.place()).map_or("", |known| known.name.as_str())
    }

    /// A source's stream was opened (again): it repeats its last lines. None of them is kept twice, and none that is new is
    /// left out, as long as the stream's lines come in order of their time.
    pub fn expect_replay(&mut self, source: SourceId) {
        if let Some(known) = self.sources.get_mut(source.place()) {
            known.expect_replay(source, &self.store);
        }
    }

    /// Keeps lines; says how many of them were new.
    pub fn push(&mut self, source: SourceId, entries: impl IntoIterator<Item = impl Borrow<LogEntry>>) -> usize {
        entries.into_iter().filter(|entry| self.add(source, entry.borrow())).count()
    }

    /// Keeps a line, unless it is one that a new connection repeats. The oldest go where there is no room.
    pub fn add(&mut self, source: SourceId, entry: &LogEntry) -> bool {
        let own = entry.timestamp.parse::<Timestamp>().ok().and_then(nanoseconds);
        let mut last = None;
        if let Some(known) = self.sources.get_mut(source.place()) {
            last = known.last();
            if let Some(at) = own
                && known.is_replayed()
            {
                let text = entry.plain();
                if known.is_repeated(at, Level::of_line(entry.level.as_deref(), &text), &text) {
                    return false;
                }
            }
        }
        // Without a time it belongs to the line before, and where none ever had one, to what came last from anybody.
        let moment = own.or(last).unwrap_or(self.newest);
        let number = self.store.push(NewLine {
            source,
            moment,
            timed: own.is_some(),
            level: entry.level.as_deref(),
            message: &entry.message,
        });
        if let (Some(at), Some(known)) = (own, self.sources.get_mut(source.place())) {
            known.kept(at, number);
            self.newest = self.newest.max(at);
        }
        self.keep_to_cap();
        true
    }

    fn keep_to_cap(&mut self) {
        while self.bytes() > self.cap && self.store.drop_oldest() {
            let first = self.store.numbers().start;
            for index in self.shown.iter_mut().chain(&mut self.found) {
                index.forget(first);
            }
        }
    }

    /// Bytes of memory that the lines take, with everything that is known of them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let lists = self.shown.iter().chain(&self.found).map(|index| index.list.bytes());
        self.store.bytes() + lists.sum::<usize>()
    }

    /// How many lines came and are kept no more.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.store.numbers().start
    }

    /// How many lines are kept.
    #[must_use]
    pub fn len(&self) -> u64 {
        let numbers = self.store.numbers();
        numbers.end - numbers.start
    }

    /// True where no line is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line with this number, where it is kept.
    #[must_use]
    pub fn line(&self, number: u64) -> Option<Line<'_>> {
        self.store.line(number)
    }

    /// Which lines are shown.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Shows other lines. They appear as [`Log::work`] finds them, the newest first.
    pub fn set_filter(&mut self, filter: Filter) {
        if filter != self.filter {
            self.filter = filter;
            self.look_anew();
        }
    }

    /// What is searched for.
    #[must_use]
    pub fn search(&self) -> Option<&Pattern> {
        self.search.as_ref()
    }

    /// Searches for something else, or for nothing.
    pub fn set_search(&mut self, pattern: Option<Pattern>) {
        if pattern != self.search {
            self.found = pattern.as_ref().map(|_| Index::new(&self.store));
            self.search = pattern;
        }
    }

    fn look_anew(&mut self) {
        let listed = self.order == Order::Time || !self.filter.is_open();
        self.shown = listed.then(|| Index::new(&self.store));
        self.found = self.search.as_ref().map(|_| Index::new(&self.store));
    }

    /// Looks at lines that nobody looked at yet: those that arrived, then the older ones where the filter, the search or the
    /// order changed. About as many bytes of text as `bytes` says; true where something is left to do. To be called after
    /// lines were added and before the next picture.
    pub fn work(&mut self, bytes: usize) -> bool {
        let Self { store, order, filter, search, .. } = self;
        let mut budget = bytes.max(1);
        let mut more = false;
        let shows = |line: &Line<'_>| filter.passes(line);
        let finds = |line: &Line<'_>| search.as_ref().is_some_and(|pattern| pattern.is_in(line.text)) && shows(line);
        if let Some(shown) = &mut self.shown {
            more |= shown.look_ahead(store, *order, &mut budget, shows);
        }
        if let Some(found) = &mut self.found {
            more |= found.look_ahead(store, *order, &mut budget, finds);
        }
        if let Some(shown) = &mut self.shown {
            more |= shown.look_back(store, *order, &mut budget, shows);
        }
        if let Some(found) = &mut self.found {
            more |= found.look_back(store, *order, &mut budget, finds);
        }
        self.keep_to_cap();
        more
    }

    /// How many lines are shown, as far as they were looked at.
    #[must_use]
    pub fn shown_len(&self) -> u64 {
        self.shown.as_ref().map_or_else(|| self.len(), |shown| shown.list.len() as u64)
    }

    /// How many of the lines that are shown stand before this key.
    #[must_use]
    pub fn rank(&self, key: Key) -> u64 {
        let key = self.order.compared(key);
        if let Some(shown) = &self.shown {
            return shown.list.rank(key, |number| self.order.key(&self.store, number)) as u64;
        }
        let numbers = self.store.numbers();
        key.number.clamp(numbers.start, numbers.end) - numbers.start
    }

    /// Where the line with this number stands, where it is kept.
    #[must_use]
    pub fn key(&self, number: u64) -> Option<Key> {
        self.store.numbers().contains(&number).then(|| Key { moment: self.store.moment(number), number })
    }

    /// The lines that are shown from this key on.
    fn from(&self, key: Key) -> Box<dyn Iterator<Item = u64> + '_> {
        let key = self.order.compared(key);
        if let Some(shown) = &self.shown {
            return Box::new(shown.list.from(key, |number| self.order.key(&self.store, number)));
        }
        let numbers = self.store.numbers();
        Box::new(key.number.clamp(numbers.start, numbers.end)..numbers.end)
    }

    /// The lines that are shown before this key, the last first.
    fn before(&self, key: Key) -> Box<dyn Iterator<Item = u64> + '_> {
        let key = self.order.compared(key);
        if let Some(shown) = &self.shown {
            return Box::new(shown.list.before(key, |number| self.order.key(&self.store, number)));
        }
        let numbers = self.store.numbers();
        Box::new((numbers.start..key.number.clamp(numbers.start, numbers.end)).rev())
    }
}

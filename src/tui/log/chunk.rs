//! Some lines in a row, in a few allocations: their texts end to end, a small record for each, and the places
//! where a style begins. Must not know what is searched for or shown.

use super::level::{Level, repeated};
use super::sgr::{Sgr, pieces};
use super::source::SourceId;

/// Most lines of a chunk, so that empty ones do not make its records endless.
const MOST_RECORDS: usize = 4096;
/// Style changes after which a chunk is full, and that one line may have; what comes behind keeps the last style.
const MOST_RUNS: usize = 16 * 1024;
const MOST_RUNS_OF_LINE: usize = 1024;
/// Styles among which an equal one is looked for before it is written down again.
const RECENT_STYLES: usize = 16;

/// Low bits of `Record::shape`: the level.
const LEVEL: u8 = 0x0f;
/// Every byte is a printable ASCII character, so bytes are columns.
const ASCII: u8 = 0x10;
/// The line has a time of its own.
const TIMED: u8 = 0x20;

/// What is kept of a line beside its text: 16 bytes.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Nanoseconds since 1970.
    moment: i64,
    /// Where its text ends; it begins where the one before ends.
    end: u32,
    source: SourceId,
    shape: u8,
    /// Bytes at its beginning that only repeat the level.
    repeats: u8,
}

/// From the byte `at` on, text has the style with this number.
#[derive(Debug, Clone, Copy)]
struct Run {
    at: u32,
    style: u16,
}

/// A line that is to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewLine<'a> {
    /// Who logged it.
    pub source: SourceId,
    /// Where it belongs in time, nanoseconds since 1970.
    pub moment: i64,
    /// True where that is its own time, and not that of a line before.
    pub timed: bool,
    /// What the server says.
    pub level: Option<&'a str>,
    /// With its colours.
    pub message: &'a str,
}

/// A line that is kept.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its number, counted from the first that ever came.
    pub number: u64,
    /// Who logged it.
    pub source: SourceId,
    /// Where it belongs in time, nanoseconds since 1970.
    pub moment: i64,
    /// True where that is its own time.
    pub timed: bool,
    /// How grave it is.
    pub level: Level,
    /// Without colours.
    pub text: &'a str,
    /// Bytes at the beginning of `text` that only repeat the level.
    pub repeats: usize,
    /// True where every byte is one column.
    pub ascii: bool,
    start: u32,
    runs: &'a [Run],
    styles: &'a [Sgr],
}

impl Line<'_> {
    /// True where it has colours of its own.
    #[must_use]
    pub fn is_styled(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Its styles from the byte `from` on: where each begins in the text, the first at `from` or before.
    pub fn styles(&self, from: usize) -> impl Iterator<Item = (usize, Sgr)> {
        let place = |run: &Run| (run.at.saturating_sub(self.start)) as usize;
        let first = self.runs.partition_point(|run| place(run) <= from).saturating_sub(1);
        let begin = self.runs.first().filter(|run| place(run) > from).map(|_| (0, Sgr::default()));
        let style = |run: &Run| self.styles.get(usize::from(run.style)).copied().unwrap_or_default();
        begin.into_iter().chain(self.runs.iter().skip(first).map(move |run| (place(run), style(run))))
    }
}

/// Lines in a row.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    first: u64,
    text: String,
    records: Vec<Record>,
    runs: Vec<Run>,
    styles: Vec<Sgr>,
}

impl Chunk {
    /// An empty chunk whose first line will have the number `first`, with room for `bytes` of text.
    #[must_use]
    pub fn new(first: u64, bytes: usize) -> Self {
        Self { first, text: String::with_capacity(bytes), ..Self::default() }
    }

    /// The same memory for new lines.
    pub fn begin(&mut self, first: u64) {
        self.first = first;
        self.text.clear();
        self.records.clear();
        self.runs.clear();
        self.styles.clear();
    }

    /// The number of its first line.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number behind its last line.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Bytes of text that fit without more memory.
    #[must_use]
    pub fn room(&self) -> usize {
        self.text.capacity()
    }

    /// True where a message of so many bytes can be added without more memory for text.
    #[must_use]
    pub fn takes(&self, bytes: usize) -> bool {
        self.text.len() + bytes <= self.text.capacity()
            && self.records.len() < MOST_RECORDS
            && self.runs.len() < MOST_RUNS
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.capacity()
            + self.records.capacity() * size_of::<Record>()
            + self.runs.capacity() * size_of::<Run>()
            + self.styles.capacity() * size_of::<Sgr>()
    }

    /// Adds a line behind the last.
    pub fn push(&mut self, new: NewLine<'_>) {
        let start = self.text.len();
        if new.message.as_bytes().contains(&0x1b) {
            self.push_pieces(new.message);
        } else {
            self.text.push_str(new.message);
        }
        let text = self.text.get(start..).unwrap_or_default();
        let level = Level::of_line(new.level, text);
        let ascii = text.bytes().all(|b| (0x20..0x7f).contains(&b));
        let repeats = repeated(text, level, new.level.is_some());
        let flags = if ascii { ASCII } else { 0 } | if new.timed { TIMED } else { 0 };
        grow(&mut self.records);
        self.records.push(Record {
            moment: new.moment,
            end: offset(self.text.len()),
            source: new.source,
            shape: level as u8 | flags,
            repeats: u8::try_from(repeats).unwrap_or_default(),
        });
    }

    fn push_pieces(&mut self, message: &str) {
        let mut last = Sgr::default();
        let most = self.runs.len() + MOST_RUNS_OF_LINE;
        for (style, part) in pieces(message) {
            if style != last && self.runs.len() < most {
                last = style;
                let run = Run { at: offset(self.text.len()), style: self.style_number(style) };
                grow(&mut self.runs);
                self.runs.push(run);
            }
            self.text.push_str(part);
        }
    }

    /// The number of an equal style among the last ones, or a new one. There are no more styles than runs.
    fn style_number(&mut self, style: Sgr) -> u16 {
        let known = self.styles.iter().rev().take(RECENT_STYLES).position(|known| *known == style);
        let place = known.map_or(self.styles.len(), |back| self.styles.len() - 1 - back);
        if known.is_none() {
            self.styles.push(style);
        }
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// Where the line with this number belongs in time.
    #[must_use]
    pub fn moment(&self, number: u64) -> Option<i64> {
        self.records.get(self.place(number)?).map(|record| record.moment)
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// The line with this number.
    #[must_use]
    pub fn line(&self, number: u64) -> Option<Line<'_>> {
        let place = self.place(number)?;
        let record = self.records.get(place)?;
        let start = place.checked_sub(1).and_then(|before| self.records.get(before)).map_or(0, |before| before.end);
        // Nearly always there are none at all.
        let runs = if self.runs.is_empty() {
            &[]
        } else {
            let from = self.runs.partition_point(|run| run.at < start);
            let to = self.runs.partition_point(|run| run.at < record.end);
            self.runs.get(from..to).unwrap_or_default()
        };
        Some(Line {
            number,
            source: record.source,
            moment: record.moment,
            timed: record.shape & TIMED != 0,
            level: Level::from_number(record.shape & LEVEL),
            text: self.text.get(start as usize..record.end as usize).unwrap_or_default(),
            repeats: usize::from(record.repeats),
            ascii: record.shape & ASCII != 0,
            start,
            runs,
            styles: &self.styles,
        })
    }
}

/// Room for one more, and for a quarter of what is there: twice as much, as vectors take by themselves, would be counted
/// and hold nothing.
fn grow<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact((list.len() / 4).max(16));
    }
}

/// A chunk's text is far shorter than four gigabytes.
fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::log::sgr::Colour;

    fn line(message: &str) -> NewLine<'_> {
        NewLine { source: SourceId::FIRST, moment: 7, timed: true, level: None, message }
    }

    #[test]
    fn what_is_kept_is_small() {
        assert_eq!((size_of::<Record>(), size_of::<Run>()), (16, 8));
    }

    #[test]
    fn a_line_comes_back_with_its_styles() {
        let mut chunk = Chunk::new(5, 1000);
        for message in ["plain", "a\u{1b}[31mred\u{1b}[0m and \u{1b}[32mgreen", "", "\u{1b}[31mall red", "grün"] {
            chunk.push(line(message));
        }
        assert_eq!((chunk.first(), chunk.end()), (5, 10));
        let texts: Vec<_> = (4..12).filter_map(|number| chunk.line(number)).map(|line| line.text).collect();
        assert_eq!(texts, ["plain", "ared and green", "", "all red", "grün"]);
        let fronts = |number, from| -> Vec<_> {
            chunk.line(number).unwrap().styles(from).map(|(at, style)| (at, style.front)).collect()
        };
        let (none, red, green) = (Colour::Default, Colour::Indexed(1), Colour::Indexed(2));
        assert_eq!(fronts(5, 0), []);
        assert_eq!(fronts(6, 0), [(0, none), (1, red), (4, none), (9, green)]);
        assert_eq!(fronts(6, 2), [(1, red), (4, none), (9, green)]);
        assert_eq!(fronts(6, 12), [(9, green)]);
        assert_eq!(fronts(8, 0), [(0, red)]);
        assert!(chunk.line(5).unwrap().ascii && !chunk.line(9).unwrap().ascii);
    }

    #[test]
    fn styles_without_end_do_not_make_a_line_heavier_without_end() {
        let mut chunk = Chunk::new(0, 1 << 20);
        let styled = |n: u32| format!("\u{1b}[38;2;{};{};{}mx", n % 256, n / 256, n % 7);
        let message = (0..100_000).map(styled).collect::<Vec<_>>().concat();
        chunk.push(line(&message));
        assert_eq!(chunk.runs.len(), MOST_RUNS_OF_LINE);
        assert_eq!(chunk.line(0).unwrap().text.len(), 100_000);
        assert!(chunk.styles.len() <= chunk.runs.len());
    }
}

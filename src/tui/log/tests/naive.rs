//! The log done the slow way: every line that ever came in one list, everything computed anew from it.

use jiff::Timestamp;
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::model::{LogEntry, text};
use crate::tui::log::{Direction, Filter, Key, Pattern, Place, Room, SourceId, Step, View};

/// A line that was kept.
#[derive(Debug, Clone)]
pub struct NaiveLine {
    pub source: SourceId,
    pub own: Option<i64>,
    pub moment: i64,
    pub text: String,
}

/// Lines that a source may repeat: until when, and those of that moment.
type Replay = Option<(i64, Vec<String>)>;

/// All lines, and what is wanted of them.
#[derive(Debug, Default)]
pub struct Naive {
    pub lines: Vec<NaiveLine>,
    pub replays: Vec<Replay>,
    pub filter: Filter,
    pub search: Option<Pattern>,
}

fn nanoseconds(raw: &str) -> Option<i64> {
    i64::try_from(raw.parse::<Timestamp>().ok()?.as_nanosecond()).ok()
}

impl Naive {
    pub fn new() -> Self {
        Self { replays: vec![None], ..Self::default() }
    }

    fn of(&self, source: SourceId) -> impl DoubleEndedIterator<Item = &NaiveLine> {
        self.lines.iter().filter(move |line| line.source == source)
    }

    /// `first` is the first line that the real log has kept: of others it cannot know what they said.
    pub fn expect_replay(&mut self, source: SourceId, first: usize) {
        let until = self.of(source).filter_map(|line| line.own).max();
        self.replays[source.place()] = until.map(|until| {
            let kept = self.lines.iter().skip(first).filter(|line| line.source == source && line.own == Some(until));
            (until, kept.map(|line| line.text.clone()).collect())
        });
    }

    /// False where it is repeated.
    pub fn add(&mut self, source: SourceId, entry: &LogEntry) -> bool {
        let own = nanoseconds(&entry.timestamp);
        let text = text::plain(&entry.message).into_owned();
        let replay = &mut self.replays[source.place()];
        if let (Some((until, left)), Some(at)) = (replay.as_mut(), own) {
            if at < *until {
                return false;
            }
            if at > *until {
                *replay = None;
            } else if let Some(place) = left.iter().position(|other| *other == text) {
                left.remove(place);
                return false;
            }
        }
        let last = self.of(source).filter_map(|line| line.own).next_back();
        let newest = self.lines.iter().filter_map(|line| line.own).max();
        let moment = own.or(last).or(newest).unwrap_or(i64::MIN);
        self.lines.push(NaiveLine { source, own, moment, text });
        true
    }

    /// Where a line stands among the others.
    pub fn key(&self, number: usize) -> Key {
        let moment = if self.replays.len() > 1 { self.lines[number].moment } else { 0 };
        Key { moment, number: number as u64 }
    }

    fn compared(&self, key: Key) -> Key {
        if self.replays.len() > 1 { key } else { Key { moment: 0, ..key } }
    }

    fn passes(&self, line: &NaiveLine) -> bool {
        let since = self.filter.since.map_or(i64::MIN, |at| nanoseconds(&at.to_string()).unwrap());
        let matches = self.filter.pattern.as_ref().map(|pattern| pattern.is_in(&line.text));
        !self.filter.hidden.contains(&line.source)
            && (line.moment == i64::MIN || line.moment >= since)
            && matches.is_none_or(|matches| matches != self.filter.inverted)
    }

    /// The lines that are shown, in order, when those from `first` on are kept.
    pub fn shown(&self, first: usize) -> Vec<usize> {
        let mut shown: Vec<usize> = (first..self.lines.len()).filter(|n| self.passes(&self.lines[*n])).collect();
        shown.sort_by_key(|number| self.key(*number));
        shown
    }

    /// Where a step leads among the lines of these numbers.
    pub fn step(&self, numbers: &Range<usize>, from: Key, direction: Direction) -> Step {
        let Some(search) = &self.search else { return Step::Nowhere };
        let finds = |number: &usize| numbers.contains(number) && search.is_in(&self.lines[*number].text);
        let found: Vec<usize> = self.shown(numbers.start).into_iter().filter(finds).collect();
        let from = self.compared(from);
        let (near, far) = match direction {
            Direction::Ahead => (found.iter().find(|number| self.key(**number) > from), found.first()),
            Direction::Back => (found.iter().rev().find(|number| self.key(**number) < from), found.last()),
        };
        match (near, far) {
            (Some(number), _) => Step::Found { number: *number as u64, wrapped: false },
            (None, Some(number)) => Step::Found { number: *number as u64, wrapped: true },
            (None, None) => Step::Nowhere,
        }
    }

    /// Every row of every line that is shown, without anything in front of the messages.
    pub fn rows(&self, first: usize, view: &View, columns: usize) -> Vec<(u64, usize, String)> {
        let mut rows = Vec::new();
        for number in self.shown(first) {
            let text = &self.lines[number].text;
            let of_line = if view.wrap { wrapped(text, columns) } else { vec![cut(text, view, columns)] };
            rows.extend(of_line.into_iter().enumerate().map(|(row, text)| (number as u64, row, text)));
        }
        rows
    }

    /// The place of the first visible row among all of them.
    pub fn top(&self, rows: &[(u64, usize, String)], view: &View, room: Room) -> usize {
        let last = rows.len().saturating_sub(room.rows);
        let Place::At { key, row } = view.place else { return last };
        let bound = self.compared(key);
        let place = rows.iter().position(|(number, _, _)| self.key(usize::try_from(*number).unwrap()) >= bound);
        let Some(place) = place else { return last };
        let of_line = rows.iter().filter(|(number, _, _)| *number == key.number).count();
        let row = if rows[place].0 == key.number { row.min(of_line - 1) } else { 0 };
        (place + row).min(last)
    }
}

/// Graphemes and their columns; one that is too wide is an ellipsis.
fn cells(text: &str, columns: usize) -> Vec<(&str, usize)> {
    let fit = |grapheme: &'static str| (grapheme, 1);
    text.graphemes(true)
        .map(|grapheme| if grapheme.width() > columns { fit("…") } else { (grapheme, grapheme.width()) })
        .collect()
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut rows = vec![(String::new(), 0)];
    for (grapheme, wide) in cells(text, columns) {
        if rows.last().unwrap().1 + wide > columns {
            rows.push((String::new(), 0));
        }
        let last = rows.last_mut().unwrap();
        last.0.push_str(grapheme);
        last.1 += wide;
    }
    rows.into_iter().map(|(text, _)| text).collect()
}

/// What of `text` is seen through a hole: column by column.
fn hole(text: &str, start: usize, end: usize) -> (String, bool) {
    let mut out = String::new();
    let mut column = 0;
    for (grapheme, wide) in cells(text, usize::MAX) {
        let behind = column + wide;
        if behind > end {
            return (out, true);
        }
        if column >= start {
            out.push_str(grapheme);
        } else if behind > start {
            out.push_str(&" ".repeat(behind - start));
        }
        column = behind;
    }
    (out, false)
}

fn cut(text: &str, view: &View, columns: usize) -> String {
    let before = view.left > 0 && !text.is_empty();
    let (start, end) = (view.left + usize::from(before), view.left + columns);
    let (mut inside, more) = hole(text, start, end);
    if more && end > start {
        inside = format!("{}…", hole(text, start, end - 1).0);
    }
    if before { format!("…{inside}") } else { inside }
}

//! Which rows are in view, how they look, and how the view moves. Only lines that are visible, or passed on the way,
//! are looked at.

use std::ops::Range;

use super::chunk::Line;
use super::columns::{columns_of, cut, graphemes, row_count, rows};
use super::level;
use super::list::Key;
use super::pattern::Pattern;
use super::sgr::Sgr;
use super::view::{Mark, Part, Place, Room, Times, View, VisibleRow};
use super::{Level, Log};
use crate::telling::{Tone, format};

/// Columns that a message has at least; before it has fewer, the columns in front of it go.
const LEAST: usize = 20;
/// Columns of the time with its gap, of the level with its gap, most of a name, and the gap behind it.
const TIME: usize = 10;
const LEVEL: usize = level::COLUMNS + 1;
const NAME: usize = 16;
const GAP: usize = 2;
/// Rows that one movement goes at most.
const FAR: u64 = 100_000;

/// What stands in front of the messages, in columns; 0 where something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    time: usize,
    name: usize,
    level: usize,
    message: usize,
}

impl Log {
    fn layout(&self, view: &View, columns: usize) -> Layout {
        let wide = |name: &str| format::width(name).min(NAME);
        let name = self.sources.iter().map(|source| wide(&source.name)).max().unwrap_or_default() + GAP;
        let mut left = columns;
        let mut take = |wanted: bool, wide: usize| {
            let fits = wanted && left >= LEAST + wide;
            left -= if fits { wide } else { 0 };
            if fits { wide } else { 0 }
        };
        let level = take(true, LEVEL);
        let time = take(view.times != Times::Off, TIME);
        let name = take(view.names, name);
        Layout { time, name, level, message: left.max(1) }
    }

    /// The rows that are in view; fewer than there is room for only where there are no more.
    #[must_use]
    pub fn window(&self, view: &View, room: Room) -> Vec<VisibleRow> {
        let layout = self.layout(view, room.columns);
        let mut out = Vec::with_capacity(room.rows);
        let Some((number, mut row)) = self.top(view, &layout, room.rows) else { return out };
        for line in self.from(self.place_of(number)).filter_map(|number| self.line(number)) {
            self.draw(&line, row, view, &layout, room.rows, &mut out);
            row = 0;
            if out.len() >= room.rows {
                break;
            }
        }
        out
    }

    fn place_of(&self, number: u64) -> Key {
        self.order.key(&self.store, number)
    }

    /// The rows of a line.
    fn rows_of(&self, number: u64, view: &View, layout: &Layout) -> usize {
        if !view.wrap {
            return 1;
        }
        self.line(number).map_or(1, |line| row_count(message(&line, layout), line.ascii, layout.message))
    }

    /// The first row in view: its line, and which of the line's rows it is.
    fn top(&self, view: &View, layout: &Layout, page: usize) -> Option<(u64, usize)> {
        if page == 0 {
            return None;
        }
        if let Place::At { key, row } = view.place
            && let Some(number) = self.from(key).next()
        {
            let row =
                if number == key.number { row.min(self.rows_of(number, view, layout).saturating_sub(1)) } else { 0 };
            if self.rows_from(number, row, view, layout, page) >= page {
                return Some((number, row));
            }
        }
        // The last page, also where the place is so far down that it would not be full.
        self.back(Key::LAST, page, view, layout)
    }

    /// The row `count` rows before the line at `key`, or the very first.
    fn back(&self, key: Key, count: usize, view: &View, layout: &Layout) -> Option<(u64, usize)> {
        let mut left = count;
        let mut top = None;
        for number in self.before(key) {
            let rows = self.rows_of(number, view, layout);
            if rows >= left {
                return Some((number, rows - left));
            }
            left -= rows;
            top = Some((number, 0));
        }
        top
    }

    /// How many rows there are from a row on, counted up to `most` or a little more.
    fn rows_from(&self, number: u64, row: usize, view: &View, layout: &Layout, most: usize) -> usize {
        let mut count = 0;
        for number in self.from(self.place_of(number)) {
            count += self.rows_of(number, view, layout);
            if count >= most + row {
                break;
            }
        }
        count.saturating_sub(row)
    }

    /// Moves the view by rows, up is negative. Reaching the end follows it again.
    pub fn scroll(&self, view: &mut View, delta: i64, room: Room) {
        let layout = self.layout(view, room.columns);
        let Some((number, row)) = self.top(view, &layout, room.rows) else { return };
        let distance = usize::try_from(delta.unsigned_abs().min(FAR)).unwrap_or_default();
        let target = if delta < 0 {
            match distance.checked_sub(row) {
                None | Some(0) => Some((number, row - distance)),
                Some(above) => self.back(self.place_of(number), above, view, &layout).or(Some((number, 0))),
            }
        } else {
            self.ahead(number, row + distance, view, &layout)
        };
        view.place = match target.and_then(|(number, row)| Some((self.key(number)?, row))) {
            Some((key, row)) if self.rows_from(key.number, row, view, &layout, room.rows + 1) > room.rows => {
                Place::At { key, row }
            }
            _ => Place::End,
        };
    }

    /// The row `count` rows behind the first row of a line, where there is one.
    fn ahead(&self, number: u64, count: usize, view: &View, layout: &Layout) -> Option<(u64, usize)> {
        let mut left = count;
        for number in self.from(self.place_of(number)) {
            let rows = self.rows_of(number, view, layout);
            if left < rows {
                return Some((number, left));
            }
            left -= rows;
        }
        None
    }

    /// To the very first line.
    pub fn to_first(&self, view: &mut View) {
        view.place = Place::At { key: Key::FIRST, row: 0 };
    }

    /// Follows no more: what is in view stays there.
    pub fn pause(&self, view: &mut View, room: Room) {
        let layout = self.layout(view, room.columns);
        let top = self.top(view, &layout, room.rows);
        let at = top.and_then(|(number, row)| Some(Place::At { key: self.key(number)?, row }));
        view.place = at.unwrap_or(Place::At { key: Key::FIRST, row: 0 });
    }

    /// Moves the view so that what was found in a line can be seen, and marks the line as the one where the search stands.
    /// The view stays still as far as it can. False where the line is not shown.
    pub fn reveal(&self, view: &mut View, number: u64, room: Room) -> bool {
        let layout = self.layout(view, room.columns);
        let Some(line) = self.line(number).filter(|_| self.from(self.place_of(number)).next() == Some(number)) else {
            return false;
        };
        let Some(key) = self.key(number) else { return false };
        view.current = Some(number);
        let text = message(&line, &layout);
        let found = self.search.as_ref().and_then(|pattern| pattern.places(text, text.len()).into_iter().next());
        let bytes = found.unwrap_or(0..0);
        let row = if view.wrap {
            rows(text, line.ascii, layout.message).position(|row| bytes.start < row.end).unwrap_or_default()
        } else {
            view.left = sideways(view.left, columns_of(text, line.ascii, bytes), layout.message);
            0
        };
        self.pause(view, room);
        let shown = self.window(view, room);
        if !shown.iter().any(|visible| (visible.number, visible.row) == (number, row)) {
            let above = room.rows / 3;
            let top = match above.checked_sub(row) {
                None | Some(0) => Some((number, row - above)),
                Some(above) => self.back(self.place_of(number), above, view, &layout),
            };
            let (key, row) = top.and_then(|(number, row)| Some((self.key(number)?, row))).unwrap_or((key, 0));
            view.place = Place::At { key, row };
        }
        true
    }

    fn draw(
        &self,
        line: &Line<'_>,
        first: usize,
        view: &View,
        layout: &Layout,
        most: usize,
        out: &mut Vec<VisibleRow>,
    ) {
        let hidden = line.text.len() - message(line, layout).len();
        let look = Look { line, search: self.search.as_ref(), current: view.current == Some(line.number), hidden };
        let selected = view.selection.is_some_and(|selection| {
            let (start, end) = selection.ends();
            let key = self.place_of(line.number);
            (self.order.compared(start)..=self.order.compared(end)).contains(&key)
        });
        let left = most.saturating_sub(out.len());
        let mut add = |row: usize, message: Vec<Part>| {
            let mut parts = self.front(line, row, view, layout);
            parts.extend(message);
            out.push(VisibleRow { number: line.number, row, selected, parts });
        };
        if !view.wrap {
            add(0, cut_parts(&look, view, layout.message));
            return;
        }
        let rows = rows(message(line, layout), line.ascii, layout.message).enumerate().skip(first);
        let visible: Vec<_> = rows.take(left).collect();
        let places = look.places(visible.last().map_or(0, |(_, bytes)| bytes.end));
        for (row, bytes) in visible {
            add(row, look.parts(bytes, &places, layout.message));
        }
    }

    /// What stands in front of the message.
    fn front(&self, line: &Line<'_>, row: usize, view: &View, layout: &Layout) -> Vec<Part> {
        if row > 0 {
            let columns = layout.time + layout.name + layout.level;
            return if columns == 0 { Vec::new() } else { vec![Part::of(" ".repeat(columns), Tone::Dim)] };
        }
        let mut parts = Vec::with_capacity(8);
        if layout.time > 0 {
            let clock = super::copy::moment(line).map(|at| match view.times {
                Times::Utc => format::clock(at, &jiff::tz::TimeZone::UTC),
                Times::Local | Times::Off => format::clock(at, &view.zone),
            });
            parts.push(Part::of(format::pad(&clock.unwrap_or_default(), layout.time), Tone::Dim));
        }
        if layout.name > 0 {
            let name = format::cut(self.name(line.source), layout.name - GAP);
            parts.push(Part::of(format::pad(&name, layout.name), Tone::Accent));
        }
        if layout.level > 0 {
            parts.push(Part::of(format::pad(line.level.word(), layout.level), line.level.tone()));
        }
        parts
    }
}

/// What is shown of a line's text: the level that it begins with has a column of its own.
fn message<'a>(line: &Line<'a>, layout: &Layout) -> &'a str {
    let hidden = if layout.level > 0 { line.repeats } else { 0 };
    line.text.get(hidden..).unwrap_or(line.text)
}

/// Columns left of what is visible, so that the columns of `found` are.
fn sideways(left: usize, found: Range<usize>, columns: usize) -> usize {
    // One column at either end may show that the line goes on.
    let inside = |left: usize| found.start >= left + usize::from(left > 0) && found.end < left + columns;
    if inside(left) {
        left
    } else if inside(0) {
        0
    } else {
        found.start.saturating_sub(columns / 3)
    }
}

/// A line, and what is special about it.
struct Look<'a> {
    line: &'a Line<'a>,
    search: Option<&'a Pattern>,
    current: bool,
    /// Bytes of the text that are not shown.
    hidden: usize,
}

impl Look<'_> {
    /// Where something was found in the message, up to the byte `end`.
    fn places(&self, end: usize) -> Vec<Range<usize>> {
        let found = self.search.map_or_else(Vec::new, |pattern| pattern.places(self.line.text, self.hidden + end));
        let shown =
            |place: Range<usize>| place.start.saturating_sub(self.hidden)..place.end.saturating_sub(self.hidden);
        found.into_iter().map(shown).filter(|place| !place.is_empty()).collect()
    }

    fn tone(&self) -> Tone {
        // A line with colours of its own says itself what is grave.
        let grave = self.line.level >= Level::Error && !self.line.is_styled();
        if grave { Tone::Bad } else { Tone::Text }
    }

    /// These bytes of the message, apart where the look changes.
    fn parts(&self, bytes: Range<usize>, places: &[Range<usize>], columns: usize) -> Vec<Part> {
        let message = self.line.text.get(self.hidden..).unwrap_or_default();
        let text = message.get(bytes.clone()).unwrap_or_default();
        let mut styles = self.line.styles(self.hidden + bytes.start).peekable();
        let mut places = places.iter().skip_while(|place| place.end <= bytes.start).peekable();
        let (tone, found) = (self.tone(), if self.current { Mark::Current } else { Mark::Found });
        let mut style = Sgr::default();
        let mut out: Vec<Part> = Vec::new();
        for grapheme in graphemes(text, columns) {
            let at = bytes.start + grapheme.at;
            while let Some((_, next)) = styles.next_if(|(from, _)| *from <= self.hidden + at) {
                style = next;
            }
            while places.next_if(|place| place.end <= at).is_some() {}
            let mark = if places.peek().is_some_and(|place| place.contains(&at)) { found } else { Mark::None };
            match out.last_mut() {
                Some(last) if (last.style, last.mark) == (style, mark) => last.text.push_str(grapheme.shown),
                _ => out.push(Part { text: grapheme.shown.to_owned(), tone, style, mark }),
            }
        }
        out
    }
}

/// A line on a single row, cut on both sides where it is longer.
fn cut_parts(look: &Look<'_>, view: &View, columns: usize) -> Vec<Part> {
    let text = look.line.text.get(look.hidden..).unwrap_or_default();
    let marks = usize::from(!view.more.is_empty());
    let before = if view.left > 0 && !text.is_empty() { marks } else { 0 };
    let (start, end) = (view.left + before, (view.left + columns).max(view.left + before));
    let mut part = cut(text, look.line.ascii, start..end);
    let goes_on = part.more && marks > 0 && end > start;
    if goes_on {
        part = cut(text, look.line.ascii, start..end - 1);
    }
    let mut out = Vec::new();
    if before > 0 {
        out.push(Part::of(view.more, Tone::Dim));
    }
    if part.blanks > 0 {
        out.push(Part::of(" ".repeat(part.blanks.min(columns)), Tone::Text));
    }
    let places = look.places(part.bytes.end);
    out.extend(look.parts(part.bytes, &places, columns));
    if goes_on {
        out.push(Part::of(view.more, Tone::Dim));
    }
    out
}

//! The rows that are in view, and how they look. Only lines that are visible are looked at. Must not know how the view
//! moves.

use jiff::tz::TimeZone;
use std::ops::Range;

use super::chunk::Line;
use super::columns::{cut, graphemes, rows};
use super::layout::{GAP, Layout};
use super::pattern::Pattern;
use super::sgr::Sgr;
use super::view::{Mark, Part, Room, Times, View, VisibleRow};
use super::{Level, Log};
use crate::telling::{Tone, format};

impl Log {
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

    fn draw(
        &self,
        line: &Line<'_>,
        first: usize,
        view: &View,
        layout: &Layout,
        most: usize,
        out: &mut Vec<VisibleRow>,
    ) {
        let message = layout.message(line);
        let current = view.current == Some(line.number);
        let look = Look { line, search: self.search.as_ref(), current, hidden: layout.hidden(line) };
        let selected = view.selection.is_some_and(|selection| {
            let (start, end) = self.ends(selection);
            let key = self.place_of(line.number);
            (self.order.compared(start)..=self.order.compared(end)).contains(&key)
        });
        let left = most.saturating_sub(out.len());
        let mut add = |row: usize, places: &[Range<usize>], message: Vec<Part>| {
            let mut parts = self.front(&look, places, row, view, layout);
            parts.extend(message);
            out.push(VisibleRow { number: line.number, row, selected, parts });
        };
        if view.wrap {
            let visible: Vec<_> =
                rows(message, line.ascii, layout.message).enumerate().skip(first).take(left).collect();
            let places = look.places(visible.last().map_or(0, |(_, bytes)| bytes.end));
            for (row, bytes) in visible {
                add(row, &places, look.parts(bytes, &places, layout.message));
            }
        } else {
            let (places, parts) = cut_parts(&look, message, view, layout.message);
            add(0, &places, parts);
        }
    }

    /// What stands in front of the message.
    fn front(&self, look: &Look<'_>, places: &[Range<usize>], row: usize, view: &View, layout: &Layout) -> Vec<Part> {
        let line = look.line;
        if row > 0 {
            let columns = layout.time + layout.name + layout.level;
            return if columns == 0 { Vec::new() } else { vec![Part::of(" ".repeat(columns), Tone::Dim)] };
        }
        let mut parts = Vec::with_capacity(8);
        if layout.time > 0 {
            let clock = super::copy::moment(line).map(|at| match view.times {
                Times::Utc => format::clock(at, &TimeZone::UTC),
                Times::Local | Times::Off => format::clock(at, &view.zone),
            });
            parts.push(Part::of(format::pad(&clock.unwrap_or_default(), layout.time), Tone::Dim));
        }
        if layout.name > 0 {
            let name = format::cut(self.name(line.source), layout.name - GAP);
            let name = Part::of(format::pad(&name, layout.name), Tone::Accent);
            parts.push(Part { name: Some(line.source), ..name });
        }
        if layout.level > 0 {
            // What was found in front of the message is found here.
            let found = places.first().is_some_and(|place| place.start < look.hidden);
            let mark = if found { look.mark() } else { Mark::None };
            let word = format::pad(line.level.word(), layout.level);
            parts.push(Part { mark, ..Part::of(word, line.level.tone()) });
        }
        parts
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
    /// Where in the text something was found, up to the byte `end` of the message.
    fn places(&self, end: usize) -> Vec<Range<usize>> {
        self.search.map_or_else(Vec::new, |pattern| pattern.places(self.line.text, self.hidden + end))
    }

    fn mark(&self) -> Mark {
        if self.current { Mark::Current } else { Mark::Found }
    }

    fn tone(&self) -> Tone {
        // A line with colours of its own says itself what is grave.
        let grave = self.line.level >= Level::Error && !self.line.is_styled();
        if grave { Tone::Bad } else { Tone::Text }
    }

    /// These bytes of the message, apart where the look changes.
    fn parts(&self, bytes: Range<usize>, places: &[Range<usize>], columns: usize) -> Vec<Part> {
        let (start, end) = (self.hidden + bytes.start, self.hidden + bytes.end);
        let text = self.line.text.get(start..end).unwrap_or_default();
        let mut styles = self.line.styles(start).peekable();
        let mut places = places.iter().peekable();
        let tone = self.tone();
        let mut style = Sgr::default();
        let mut out: Vec<Part> = Vec::new();
        for grapheme in graphemes(text, columns) {
            let at = start + grapheme.at;
            while let Some((_, next)) = styles.next_if(|(from, _)| *from <= at) {
                style = next;
            }
            while places.next_if(|place| place.end <= at).is_some() {}
            let mark = if places.peek().is_some_and(|place| place.contains(&at)) { self.mark() } else { Mark::None };
            match out.last_mut() {
                Some(last) if (last.style, last.mark) == (style, mark) => last.text.push_str(grapheme.shown),
                _ => out.push(Part { style, mark, ..Part::of(grapheme.shown, tone) }),
            }
        }
        out
    }
}

/// A message on a single row, cut on both sides where it is longer, and where something was found up to there.
fn cut_parts(look: &Look<'_>, text: &str, view: &View, columns: usize) -> (Vec<Range<usize>>, Vec<Part>) {
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
    (places, out)
}

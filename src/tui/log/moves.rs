//! Which row is the first in view, and how the view moves. Only lines that are visible, or passed on the way, are
//! looked at. Must not know how a row looks.

use std::ops::Range;

use super::Log;
use super::columns::{columns_of, row_count, rows};
use super::layout::Layout;
use super::list::Key;
use super::view::{Place, Room, View};

/// Rows that one movement goes at most.
const FAR: u64 = 100_000;

impl Log {
    /// The key of a line that is shown.
    pub(super) fn place_of(&self, number: u64) -> Key {
        self.order.key(&self.store, number)
    }

    /// The rows of a line.
    fn rows_of(&self, number: u64, view: &View, layout: &Layout) -> usize {
        if !view.wrap {
            return 1;
        }
        self.line(number).map_or(1, |line| row_count(layout.message(&line), line.ascii, layout.message))
    }

    /// The first row in view: its line, and which of the line's rows it is.
    pub(super) fn top(&self, view: &View, layout: &Layout, page: usize) -> Option<(u64, usize)> {
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
        let text = layout.message(&line);
        let hidden = layout.hidden(&line);
        let found =
            self.search.as_ref().and_then(|pattern| pattern.places(line.text, line.text.len()).into_iter().next());
        let bytes = found.map_or(0..0, |place| place.start.saturating_sub(hidden)..place.end.saturating_sub(hidden));
        let row = if view.wrap {
            rows(text, line.ascii, layout.message).position(|row| bytes.start < row.end).unwrap_or_default()
        } else {
            view.left = uncovering(view.left, columns_of(text, line.ascii, bytes), layout.message);
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

    /// Moves the view by columns, left is negative, as far as the lines that are in view go.
    pub fn sideways(&self, view: &mut View, delta: i64, room: Room) {
        let layout = self.layout(view, room.columns);
        let Some((number, _)) = self.top(view, &layout, room.rows).filter(|_| !view.wrap) else { return };
        let lines = self.from(self.place_of(number)).take(room.rows).filter_map(|number| self.line(number));
        let wide = |text: &str, ascii| columns_of(text, ascii, 0..text.len()).end;
        let widest = lines.map(|line| wide(layout.message(&line), line.ascii)).max().unwrap_or_default();
        let delta = isize::try_from(delta).unwrap_or_default();
        view.left = view.left.saturating_add_signed(delta).min(widest.saturating_sub(layout.message));
    }
}

/// Columns left of what is visible, so that the columns of `found` are.
fn uncovering(left: usize, found: Range<usize>, columns: usize) -> usize {
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

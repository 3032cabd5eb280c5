//! How many columns of a row belong to what: time, name and level, then the message. Must not know what is in view.

use super::Log;
use super::chunk::Line;
use super::level;
use super::view::{Times, View};
use crate::telling::format;

/// Columns that a message has at least; before it has fewer, the columns in front of it go.
const LEAST: usize = 20;
/// Columns of the time with its gap, of the level with its gap, most of a name, and the gap behind it.
const TIME: usize = 10;
const LEVEL: usize = level::COLUMNS + 1;
const NAME: usize = 16;
pub const GAP: usize = 2;
/// What stands in front of the messages, in columns; 0 where something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Hours, minutes, seconds and a gap.
    pub time: usize,
    /// Who logged it and a gap.
    pub name: usize,
    /// How grave it is and a gap.
    pub level: usize,
    /// The rest, one at least.
    pub message: usize,
}

impl Layout {
    /// Bytes of a line's text that are not shown: the level that it begins with has a column of its own.
    #[must_use]
    pub fn hidden(&self, line: &Line<'_>) -> usize {
        if self.level > 0 { line.repeats } else { 0 }
    }

    /// What is shown of a line's text.
    #[must_use]
    pub fn message<'a>(&self, line: &Line<'a>) -> &'a str {
        line.text.get(self.hidden(line)..).unwrap_or(line.text)
    }
}

impl Log {
    /// The columns of rows of so many columns.
    pub(super) fn layout(&self, view: &View, columns: usize) -> Layout {
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
}

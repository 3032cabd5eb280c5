//! A line of text whose parts have tones. The screen makes styles of them, the command line colours; what a line
//! says, and where it is cut, is decided once.

use std::borrow::Cow;

use super::charset::Charset;
use super::format;
use crate::model::Problem;

/// What a part of a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Ordinary text.
    Text,
    /// What matters most on a line.
    Strong,
    /// What may be overlooked.
    Dim,
    /// What is under way; a key.
    Accent,
    /// Done.
    Good,
    /// Needs attention.
    Warn,
    /// Failed.
    Bad,
}

/// Text of one tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Harmless, and without a line end.
    pub text: String,
    /// Its tone.
    pub tone: Tone,
}

impl Piece {
    /// `text` of `tone`.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    fn width(&self) -> usize {
        format::width(&self.text)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Its parts, from the left.
    pub pieces: Vec<Piece>,
}

impl Row {
    /// A line of one part.
    pub fn of(text: impl Into<String>, tone: Tone) -> Self {
        Self { pieces: vec![Piece::new(text, tone)] }
    }

    /// Adds a part on the right.
    pub fn push(&mut self, text: impl Into<String>, tone: Tone) {
        self.pieces.push(Piece::new(text, tone));
    }

    /// Adds a part on the right.
    pub fn with(mut self, text: impl Into<String>, tone: Tone) -> Self {
        self.push(text, tone);
        self
    }

    /// Its columns.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(Piece::width).sum()
    }

    /// At most `columns` of it, with an ellipsis where something is missing.
    pub fn fit(self, columns: usize) -> Self {
        let mut left = columns;
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces {
            let wide = piece.width();
            if wide > left {
                pieces.push(Piece::new(format::cut(&piece.text, left), piece.tone));
                break;
            }
            left -= wide;
            pieces.push(piece);
        }
        Self { pieces }
    }

    /// This line, cut if need be, with `right` at the right end of `columns`.
    pub fn spread(self, right: Piece, columns: usize) -> Self {
        let wide = right.width();
        if wide == 0 || wide + 2 > columns {
            return self.fit(columns);
        }
        let mut row = self.fit(columns - wide - 1);
        row.push(" ".repeat(columns.saturating_sub(row.width() + wide)), Tone::Text);
        row.pieces.push(right);
        row
    }

    /// The same line in the characters of `charset`.
    pub fn drawn(mut self, charset: Charset) -> Self {
        for piece in &mut self.pieces {
            if let Cow::Owned(drawn) = charset.text(&piece.text) {
                piece.text = drawn;
            }
        }
        self
    }

    /// Its text without tones.
    #[cfg(test)]
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// `text` wrapped behind `indent` blanks, at most `rows` lines, the last one cut where more would follow.
pub fn wrapped(text: &str, indent: usize, columns: usize, rows: usize, tone: Tone) -> Vec<Row> {
    let room = columns.saturating_sub(indent);
    let mut lines = format::wrap(text, room);
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = format::cut(&format!("{last}…"), room);
        }
    }
    lines.into_iter().map(|line| Row::of(format!("{}{line}", " ".repeat(indent)), tone)).collect()
}

/// A problem in place, in at most `rows` lines: title, detail, what to do. Where not all fits, the detail gives way.
pub fn problem(problem: &Problem, indent: usize, columns: usize, rows: usize) -> Vec<Row> {
    let mut lines = wrapped(&problem.title, indent, columns, 2, Tone::Bad);
    let hint = problem.hint.as_deref().map_or_else(Vec::new, |hint| wrapped(hint, indent, columns, 3, Tone::Text));
    let room = rows.saturating_sub(lines.len() + hint.len()).min(4);
    if let (Some(detail), 1..) = (&problem.detail, room) {
        lines.extend(wrapped(detail, indent, columns, room, Tone::Dim));
    }
    lines.extend(hint);
    lines.truncate(rows);
    lines
}

/// A bar of `columns` with `share` thousandths filled, in eighths of a column.
pub fn bar(share: u16, columns: usize) -> [Piece; 2] {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = columns * 8 * usize::from(share.min(1000)) / 1000;
    let (full, part) = (eighths / 8, PARTS[eighths % 8]);
    let empty = columns - full - usize::from(!part.is_empty());
    [Piece::new(format!("{}{part}", "█".repeat(full)), Tone::Accent), Piece::new("░".repeat(empty), Tone::Dim)]
}

/// The turning glyph.
pub fn spinner(turn: usize) -> &'static str {
    ["◐", "◓", "◑", "◒"][turn % 4]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bar_has_its_width_at_every_share() {
        for share in 0..=1100 {
            assert_eq!(bar(share, 17).iter().map(Piece::width).sum::<usize>(), 17, "at {share}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked(left in "\\PC{0,40}", right in "\\PC{0,12}", columns in 0usize..50) {
            let row = Row::of(left, Tone::Text).spread(Piece::new(right, Tone::Dim), columns);
            prop_assert!(row.width() <= columns);
        }
    }
}

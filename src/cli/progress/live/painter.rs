//! Draws a picture over the last one, without the alternate screen: the cursor goes up, lines that changed are written,
//! and the rest is left alone. One write for each picture, none where nothing changed. Must not know what it draws.

use std::fmt::Write as _;
use std::io::Write;

use crate::cli::frame::code;
use crate::telling::Row;

const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
/// Around a picture: a terminal that knows it shows the whole at once, the others ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Owns the cursor until it is dropped, whichever way.
pub(super) struct Painter<W: Write> {
    out: W,
    has_colours: bool,
    /// The lines that stand on the terminal, as written, and their columns.
    shown: Vec<(String, usize)>,
    /// The terminal's columns then.
    columns: u16,
    is_hidden: bool,
}

impl<W: Write> Painter<W> {
    pub(super) fn new(out: W, has_colours: bool) -> Self {
        Self { out, has_colours, shown: Vec::new(), columns: 0, is_hidden: false }
    }

    /// Shows `rows` on a terminal that has `columns` now. A terminal that is gone is no reason to stop a deploy.
    pub(super) fn paint(&mut self, rows: &[Row], columns: u16) {
        let fresh: Vec<_> = rows.iter().map(|row| (self.line(row), row.width())).collect();
        if fresh == self.shown && columns == self.columns {
            return;
        }
        let mut buffer = String::from(BEGIN);
        if !self.is_hidden {
            buffer.push_str(HIDE_CURSOR);
            self.is_hidden = true;
        }
        let resized = columns != self.columns && !self.shown.is_empty();
        let up = if resized { self.rows_at(columns) } else { self.shown.len() };
        if up > 0 {
            let _ = write!(buffer, "\x1b[{up}A");
        }
        buffer.push('\r');
        if resized {
            buffer.push_str(CLEAR_BELOW);
        }
        for (place, line) in fresh.iter().enumerate() {
            let is_there = !resized && self.shown.get(place) == Some(line);
            if !is_there {
                buffer.push_str(&line.0);
                buffer.push_str(CLEAR_LINE);
            }
            buffer.push_str("\r\n");
        }
        if fresh.len() < self.shown.len() && !resized {
            buffer.push_str(CLEAR_BELOW);
        }
        buffer.push_str(END);
        self.shown = fresh;
        self.columns = columns;
        self.write(&buffer);
    }

    /// Gives the terminal to somebody else; the next picture begins below whatever they leave.
    pub(super) fn release(&mut self) {
        self.shown.clear();
        if std::mem::take(&mut self.is_hidden) {
            self.write(SHOW_CURSOR);
        }
    }

    /// Rows that the lines take since the terminal became `columns` wide: longer ones were wrapped by it.
    fn rows_at(&self, columns: u16) -> usize {
        let columns = usize::from(columns.max(1));
        self.shown.iter().map(|(_, wide)| wide.div_ceil(columns).max(1)).sum()
    }

    fn line(&self, row: &Row) -> String {
        let mut line = String::new();
        for piece in &row.pieces {
            match code(piece.tone).filter(|_| self.has_colours && !piece.text.trim().is_empty()) {
                Some(code) => {
                    let _ = write!(line, "\x1b[{code}m{}\x1b[0m", piece.text);
                }
                None => line.push_str(&piece.text),
            }
        }
        line
    }

    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl<W: Write> Drop for Painter<W> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telling::Tone;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// A terminal that keeps what it shows, and counts writes.
    #[derive(Clone)]
    struct Screen(Rc<RefCell<(vt100::Parser, usize)>>);

    impl Screen {
        fn new() -> Self {
            let mut parser = vt100::Parser::new(10, 40, 100);
            parser.process(b"$ tenantry deploy\r\n");
            Self(Rc::new(RefCell::new((parser, 0))))
        }

        fn text(&self) -> Vec<String> {
            let contents = self.0.borrow().0.screen().contents();
            contents.lines().map(|line| line.trim_end().to_owned()).collect()
        }

        fn writes(&self) -> usize {
            self.0.borrow().1
        }

        fn hides_cursor(&self) -> bool {
            self.0.borrow().0.screen().hide_cursor()
        }
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut inner = self.0.borrow_mut();
            inner.0.process(bytes);
            inner.1 += 1;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn rows(lines: &[&str]) -> Vec<Row> {
        lines.iter().map(|line| Row::of(*line, Tone::Good)).collect()
    }

    #[test]
    fn a_picture_stands_where_the_last_one_stood() {
        let screen = Screen::new();
        let mut painter = Painter::new(screen.clone(), true);
        for lines in [&["one", "two", "three"][..], &["one", "2"], &["1", "2", "3", "4"], &["1", "", "3", "four"]] {
            painter.paint(&rows(lines), 40);
            let expected: Vec<_> = ["$ tenantry deploy"].iter().chain(lines).map(|line| (*line).to_owned()).collect();
            assert_eq!(screen.text(), expected);
        }
        assert!(screen.hides_cursor());
        drop(painter);
        assert!(!screen.hides_cursor(), "the cursor comes back");
    }

    #[test]
    fn what_did_not_change_is_not_written() {
        let screen = Screen::new();
        let mut painter = Painter::new(screen.clone(), true);
        painter.paint(&rows(&["one", "two"]), 40);
        assert_eq!(screen.writes(), 1, "one write for a picture");
        painter.paint(&rows(&["one", "two"]), 40);
        assert_eq!(screen.writes(), 1, "none where nothing changed");
        let mut out = Vec::new();
        let mut painter = Painter::new(&mut out, true);
        painter.paint(&rows(&["first", "second"]), 40);
        painter.paint(&rows(&["first", "other"]), 40);
        drop(painter);
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text.matches("first").count(), 1, "{text:?}");
    }

    #[test]
    fn a_narrower_terminal_is_drawn_anew() {
        let screen = Screen::new();
        let mut painter = Painter::new(screen.clone(), false);
        painter.paint(&rows(&["one", "two"]), 40);
        screen.0.borrow_mut().0.screen_mut().set_size(10, 20);
        painter.paint(&rows(&["one", "2"]), 20);
        assert_eq!(screen.text()[1..], ["one", "2"]);
    }

    #[test]
    fn after_a_pause_it_begins_below_what_came_meanwhile() {
        let screen = Screen::new();
        let mut painter = Painter::new(screen.clone(), false);
        painter.paint(&rows(&["one"]), 40);
        painter.release();
        assert!(!screen.hides_cursor());
        screen.clone().write_all(b"$ fg\r\n").expect("written");
        painter.paint(&rows(&["two"]), 40);
        assert_eq!(screen.text()[1..], ["one", "$ fg", "two"]);
        assert!(screen.hides_cursor());
    }

    #[test]
    fn without_colours_there_is_not_one_of_them() {
        let mut out = Vec::new();
        let mut painter = Painter::new(&mut out, false);
        painter.paint(&rows(&["one"]), 40);
        drop(painter);
        let text = String::from_utf8(out).expect("text");
        assert!(!text.contains("\x1b[32m") && !text.contains("\x1b[0m"), "{text:?}");
    }
}

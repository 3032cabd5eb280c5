//! The signs that panes draw with, in the characters that the terminal has. Each stands beside its word.
//!
//! What is drawn with other characters than these, and what `telling` says, is changed as the picture leaves
//! ([`Glyphs::redraw`]), so that nothing of ours is beyond ASCII where only that is asked for.

use ratatui::buffer::Buffer;
use ratatui::symbols::border;

use crate::telling::charset::Charset;

/// See the module. Each is one column wide.
#[derive(Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "panes take them as they need them")]
pub struct Glyphs {
    /// Which characters these are.
    pub charset: Charset,
    /// A tenant that runs; something that answers.
    pub running: &'static str,
    /// A tenant that waits for its first deploy; something that waits.
    pub waiting: &'static str,
    /// A tenant that was suspended.
    pub suspended: &'static str,
    /// Failed.
    pub failed: &'static str,
    /// Not known.
    pub unknown: &'static str,
    /// Something is under way: its turns.
    pub spinner: [&'static str; 4],
    /// A step that is done.
    pub done: &'static str,
    /// A step that is to come; between two words.
    pub pending: &'static str,
    /// A step that was not needed; a value that is not there.
    pub skipped: &'static str,
    /// Needs attention.
    pub warning: &'static str,
    /// In front of the selected row.
    pub selection: &'static str,
    /// A full column of a bar.
    pub full: &'static str,
    /// The column in which a bar ends, in eighths; the first is none.
    pub parts: [&'static str; 8],
    /// An empty column of a bar.
    pub empty: &'static str,
    /// The heights of a curve, lowest first.
    pub levels: [&'static str; 8],
    /// Up; sorted with the smallest first.
    pub up: &'static str,
    /// Down; sorted with the largest first.
    pub down: &'static str,
    /// Left.
    pub left: &'static str,
    /// Right.
    pub right: &'static str,
    /// Something is missing here.
    pub ellipsis: &'static str,
    /// A line across.
    pub rule: &'static str,
    /// Something can be opened.
    pub closed: &'static str,
    /// Something is open.
    pub open: &'static str,
    /// The border of panes and dialogs.
    pub border: border::Set<'static>,
}

/// With everything that a terminal usually has.
pub static UNICODE: Glyphs = Glyphs {
    charset: Charset::Unicode,
    running: "●",
    waiting: "○",
    suspended: "◌",
    failed: "✕",
    unknown: "?",
    spinner: ["◐", "◓", "◑", "◒"],
    done: "✓",
    pending: "·",
    skipped: "–",
    warning: "!",
    selection: "▌",
    full: "█",
    parts: ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"],
    empty: "░",
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    up: "↑",
    down: "↓",
    left: "←",
    right: "→",
    ellipsis: "…",
    rule: "─",
    closed: "▸",
    open: "▾",
    border: border::ROUNDED,
};

/// With ASCII alone.
pub static ASCII: Glyphs = Glyphs {
    charset: Charset::Ascii,
    running: "*",
    waiting: "o",
    suspended: "s",
    failed: "x",
    unknown: "?",
    spinner: ["|", "/", "-", "\\"],
    done: "+",
    pending: ".",
    skipped: "-",
    warning: "!",
    selection: ">",
    full: "#",
    parts: ["", ">", ">", ">", ">", ">", ">", ">"],
    empty: ".",
    levels: ["_", ".", "-", "=", "+", "*", "#", "#"],
    up: "^",
    down: "v",
    left: "<",
    right: ">",
    ellipsis: "~",
    rule: "-",
    closed: ">",
    open: "v",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};

impl Glyphs {
    /// The set for a terminal.
    #[must_use]
    pub fn of(charset: Charset) -> &'static Self {
        match charset {
            Charset::Unicode => &UNICODE,
            Charset::Ascii => &ASCII,
        }
    }

    /// The spinner's turn.
    #[must_use]
    pub fn turn(&self, frame: usize) -> &'static str {
        self.spinner[frame % self.spinner.len()]
    }

    /// Changes every sign of a finished picture that these characters do not have.
    pub fn redraw(&self, picture: &mut Buffer) {
        if self.charset == Charset::Unicode {
            return;
        }
        for cell in &mut picture.content {
            let mut characters = cell.symbol().chars();
            if let (Some(c), None) = (characters.next(), characters.next()) {
                let sign = self.charset.sign(c);
                if sign != c {
                    cell.set_char(sign);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sets_say_the_same_in_one_column_each() {
        let all = |glyphs: &Glyphs| -> Vec<&'static str> {
            let Glyphs { charset: _, spinner, parts, levels, border, .. } = glyphs;
            let single = [
                glyphs.running,
                glyphs.waiting,
                glyphs.suspended,
                glyphs.failed,
                glyphs.unknown,
                glyphs.done,
                glyphs.pending,
                glyphs.skipped,
                glyphs.warning,
                glyphs.selection,
                glyphs.full,
                glyphs.empty,
                glyphs.up,
                glyphs.down,
                glyphs.left,
                glyphs.right,
                glyphs.ellipsis,
                glyphs.rule,
                glyphs.closed,
                glyphs.open,
                border.top_left,
                border.top_right,
                border.bottom_left,
                border.bottom_right,
                border.vertical_left,
                border.horizontal_top,
            ];
            single.iter().chain(spinner).chain(&parts[1..]).chain(levels).copied().collect()
        };
        for (unicode, ascii) in all(&UNICODE).into_iter().zip(all(&ASCII)) {
            assert_eq!(Charset::Ascii.text(unicode), ascii);
            assert_eq!(crate::tui::format::width(unicode), 1, "{unicode}");
        }
    }

    #[test]
    fn states_and_steps_differ_without_colour() {
        for glyphs in [&UNICODE, &ASCII] {
            let states = [glyphs.running, glyphs.waiting, glyphs.suspended, glyphs.failed, glyphs.unknown];
            let steps = [glyphs.done, glyphs.pending, glyphs.failed, glyphs.skipped, glyphs.warning];
            for group in [states, steps] {
                for (place, glyph) in group.iter().enumerate() {
                    assert!(!group[place + 1..].contains(glyph), "{glyph}");
                }
            }
        }
    }
}

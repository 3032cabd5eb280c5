//! Log lines made harmless that keep their colours: well-formed SGR sequences stay, everything else that
//! `text::line` removes goes. Must not know what a colour looks like.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar as _;

use super::{is_hidden, line, skip_csi, skip_escape, skip_string};

/// Columns between two tab stops.
const TAB_STOP: usize = 8;
/// A line longer than this is cut, in bytes; a tab alone becomes eight of them.
const LONGEST: usize = 256 * 1024;
/// Most bytes of one sequence's parameters: more than all attributes and two full colours take.
const PARAMETERS: usize = 64;

/// The SGR sequence at the very beginning of `text`: `ESC [`, digits and semicolons, `m`.
#[must_use]
pub fn sgr(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let count = parameters.bytes().take(PARAMETERS).take_while(|b| b.is_ascii_digit() || *b == b';').count();
    let end = 2 + count + 1;
    text.get(..end).filter(|sequence| sequence.ends_with('m'))
}

/// One harmless line as `line` makes it, but with its SGR sequences. Tabs reach to the next of the stops that
/// lie eight columns apart. What is longer than 256 KiB is cut, with an ellipsis.
#[must_use]
pub fn coloured<'a>(raw: impl Into<Cow<'a, str>>) -> String {
    let raw = raw.into();
    if raw.len() <= LONGEST && raw.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return raw.into_owned();
    }
    let mut out = String::with_capacity(raw.len().min(LONGEST + TAB_STOP));
    let mut column = 0;
    let mut rest: &str = &raw;
    while let Some(c) = rest.chars().next() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        if let Some(sequence) = sgr(rest) {
            out.push_str(sequence);
            rest = rest.get(sequence.len()..).unwrap_or_default();
            continue;
        }
        let mut chars = rest.chars();
        chars.next();
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\t' => {
                let blanks = TAB_STOP - column % TAB_STOP;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push(' ');
                column += 1;
            }
            c if is_hidden(c) => {}
            c => {
                out.push(c);
                column += c.width().unwrap_or_default();
            }
        }
        rest = chars.as_str();
    }
    out
}

/// A text that may have kept its colours, without them.
#[must_use]
pub fn plain(coloured: &str) -> Cow<'_, str> {
    if coloured.contains('\u{1b}') { Cow::Owned(line(coloured)) } else { Cow::Borrowed(coloured) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_stay_and_nothing_else_does() {
        for (raw, kept) in [
            ("plain", "plain"),
            ("\u{1b}[1;31mred\u{1b}[0m \u{1b}[m", "\u{1b}[1;31mred\u{1b}[0m \u{1b}[m"),
            ("\u{1b}[38;2;1;2;3mx", "\u{1b}[38;2;1;2;3mx"),
            ("\u{1b}[2J\u{1b}[Hgone", "gone"),
            ("\u{1b}[31", ""),
            ("\u{1b}[?25mx", "x"),
            ("\u{1b}[4:3mcurly", "curly"),
            ("\u{1b}[>4;2mx", "x"),
            ("\u{1b}\u{1b}[31mx", "\u{1b}[31mx"),
            ("\u{1b}[3\u{1b}[31mx", "\u{1b}[31mx"),
            ("a\u{1b}]0;\u{1b}[31mtitle\u{7}b", "a[31mtitleb"),
            ("a\u{9b}31mb", "ab"),
            ("one\ntwo\u{7f}", "one two"),
        ] {
            assert_eq!(coloured(raw), kept, "{raw:?}");
        }
        let long = format!("\u{1b}[{}mx", "1;".repeat(40));
        assert_eq!(coloured(long), "x", "an endless sequence is none");
    }

    #[test]
    fn tabs_reach_to_the_next_stop() {
        for (raw, kept) in [
            ("\tx", "        x"),
            ("a\tb", "a       b"),
            ("1234567\t8", "1234567 8"),
            ("12345678\t9", "12345678        9"),
            ("漢\tx", "漢      x"),
            ("\u{1b}[31ma\u{1b}[0m\tb", "\u{1b}[31ma\u{1b}[0m       b"),
        ] {
            assert_eq!(coloured(raw), kept, "{raw:?}");
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_says_so() {
        let cut = coloured("\t".repeat(LONGEST));
        assert_eq!(cut.len(), LONGEST + '…'.len_utf8());
        assert!(cut.ends_with("  …"));
        assert_eq!(coloured(cut.as_str()), cut);
        let whole = "x".repeat(LONGEST);
        assert_eq!(coloured(whole.as_str()), whole);
    }

    /// Text with many beginnings of sequences in it.
    fn hostile() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            any::<String>(),
            "\u{1b}\\[[0-9;:?]{0,6}[mAhJ ]?",
            "\u{1b}[\\[\\]P^_(c]?",
            "[\u{80}-\u{9f}]",
            "[\t\n\r\u{7f}\u{7}]",
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn what_leaves_acts_on_no_terminal_except_by_colours(raw in hostile()) {
            let kept = coloured(raw.as_str());
            let mut rest = kept.as_str();
            while let Some(c) = rest.chars().next() {
                if let Some(sequence) = sgr(rest) {
                    rest = &rest[sequence.len()..];
                } else {
                    prop_assert!(!c.is_control(), "{kept:?}");
                    rest = &rest[c.len_utf8()..];
                }
            }
            prop_assert!(plain(&kept).chars().all(|c| !c.is_control()));
        }

        #[test]
        fn doing_it_twice_changes_nothing(raw in hostile()) {
            let once = coloured(raw.as_str());
            prop_assert_eq!(coloured(once.as_str()), once);
        }

        #[test]
        fn without_colours_and_tabs_it_is_an_ordinary_line(raw in hostile()) {
            let raw = raw.replace('\t', "");
            prop_assert_eq!(plain(&coloured(raw.as_str())).into_owned(), line(&raw));
        }
    }
}

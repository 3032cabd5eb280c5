//! Text in columns of a terminal: where a row is full, and what of a line lies between two columns. Wide
//! characters are never halved. Must not know colours.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Stands for what is left out, and for a character that is wider than the whole row.
pub const MORE: &str = "…";

/// The characters of `text` as a person sees them, each with its place and its columns, on rows of `columns` columns.
#[must_use]
pub fn graphemes(text: &str, columns: usize) -> Graphemes<'_> {
    Graphemes { text, at: 0, columns }
}

/// Characters with their places and columns.
#[derive(Debug, Clone)]
pub struct Graphemes<'a> {
    text: &'a str,
    at: usize,
    columns: usize,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grapheme<'a> {
    /// Its place in the text, in bytes.
    pub at: usize,
    /// Where the next one begins.
    pub end: usize,
    /// What is shown for it.
    pub shown: &'a str,
    /// Columns that it takes.
    pub wide: usize,
}

impl<'a> Iterator for Graphemes<'a> {
    type Item = Grapheme<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = self.text.get(at..)?;
        let mut bytes = rest.bytes();
        let first = bytes.next()?;
        // Two letters of ASCII in a row: nothing joins them.
        let (shown, wide) = if first.is_ascii() && bytes.next().is_none_or(|second| second.is_ascii()) {
            (rest.get(..1)?, 1)
        } else {
            let whole = rest.graphemes(true).next()?;
            (whole, whole.width())
        };
        self.at += shown.len();
        let end = self.at;
        let (shown, wide) = if wide > self.columns { (MORE, 1) } else { (shown, wide) };
        Some(Grapheme { at, end, shown, wide })
    }
}

/// The rows that `text` fills when it is broken at `columns`, each as its bytes; an empty text has one too. `ascii` says
/// that every byte is one column.
pub fn rows(text: &str, ascii: bool, columns: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let columns = columns.max(1);
    let mut graphemes = graphemes(text, columns).peekable();
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let begin = start?;
        let end = if ascii {
            (begin + columns).min(text.len())
        } else {
            let mut used = 0;
            while let Some(grapheme) = graphemes.next_if(|next| used + next.wide <= columns) {
                used += grapheme.wide;
            }
            graphemes.peek().map_or(text.len(), |next| next.at)
        };
        start = (end < text.len()).then_some(end);
        Some(begin..end)
    })
}

/// How many rows that are.
#[must_use]
pub fn row_count(text: &str, ascii: bool, columns: usize) -> usize {
    if ascii { text.len().div_ceil(columns.max(1)).max(1) } else { rows(text, ascii, columns).count() }
}

/// What lies between two columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The whole characters there.
    pub bytes: Range<usize>,
    /// Blank columns before them, where a wide character is halved.
    pub blanks: usize,
    /// True where something lies behind.
    pub more: bool,
}

/// What of `text` lies in `columns` of a single row.
#[must_use]
pub fn cut(text: &str, ascii: bool, columns: Range<usize>) -> Cut {
    if ascii {
        let place = |column: usize| column.min(text.len());
        let bytes = place(columns.start)..place(columns.end.max(columns.start));
        return Cut { bytes, blanks: 0, more: text.len() > columns.end };
    }
    let mut out = Cut { bytes: text.len()..text.len(), blanks: 0, more: false };
    let mut column = 0;
    let mut begun = false;
    for grapheme in graphemes(text, usize::MAX) {
        let behind = column + grapheme.wide;
        if behind > columns.end {
            out.more = true;
            if !begun {
                out.bytes = grapheme.at..grapheme.at;
            }
            break;
        }
        if column < columns.start && behind > columns.start {
            out.blanks = behind - columns.start;
        } else if column >= columns.start {
            if !begun {
                begun = true;
                out.bytes.start = grapheme.at;
            }
            out.bytes.end = grapheme.end;
        }
        column = behind;
    }
    out
}

/// The columns that the characters at these bytes take on a single row, also where they are only begun.
#[must_use]
pub fn columns_of(text: &str, ascii: bool, bytes: Range<usize>) -> Range<usize> {
    if ascii {
        return bytes.start.min(text.len())..bytes.end.min(text.len());
    }
    let until = |behind: &dyn Fn(&Grapheme<'_>) -> bool| -> usize {
        graphemes(text, usize::MAX).take_while(behind).map(|grapheme| grapheme.wide).sum()
    };
    until(&|grapheme| grapheme.end <= bytes.start)..until(&|grapheme| grapheme.at < bytes.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrapped(text: &str, columns: usize) -> Vec<&str> {
        rows(text, text.is_ascii(), columns).map(|bytes| &text[bytes]).collect()
    }

    #[test]
    fn rows_break_where_they_are_full() {
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("abcd", 4), ["abcd"]);
        assert_eq!(wrapped("abcdefghi", 4), ["abcd", "efgh", "i"]);
        assert_eq!(wrapped("漢字漢", 3), ["漢", "字", "漢"]);
        assert_eq!(wrapped("a漢字", 3), ["a漢", "字"]);
        assert_eq!(wrapped("e\u{301}e\u{301}e", 2), ["e\u{301}e\u{301}", "e"]);
        assert_eq!(wrapped("👩‍👩‍👧x", 2), ["👩‍👩‍👧", "x"]);
        assert_eq!(wrapped("漢a", 1), ["漢", "a"], "too wide for any row: an ellipsis");
    }

    #[test]
    fn a_cut_never_halves_a_character() {
        let cut_of = |text: &str, columns| {
            let cut = cut(text, text.is_ascii(), columns);
            (text[cut.bytes].to_owned(), cut.blanks, cut.more)
        };
        assert_eq!(cut_of("abcdef", 1..4), ("bcd".into(), 0, true));
        assert_eq!(cut_of("abcdef", 1..9), ("bcdef".into(), 0, false));
        assert_eq!(cut_of("abc", 5..9), (String::new(), 0, false));
        assert_eq!(cut_of("漢字漢", 1..5), ("字".into(), 1, true));
        assert_eq!(cut_of("漢字漢", 1..4), ("字".into(), 1, true));
        assert_eq!(cut_of("漢字漢", 0..3), ("漢".into(), 0, true));
        assert_eq!(cut_of("漢", 0..1), (String::new(), 0, true));
        assert_eq!(cut_of("漢字", 4..9), (String::new(), 0, false));
    }

    proptest! {
        #[test]
        fn rows_are_the_text_and_none_is_too_wide(text in "([a-z ]|\\PC){0,60}", columns in 1usize..20) {
            let parts = wrapped(&text, columns);
            prop_assert_eq!(parts.concat(), text.clone());
            prop_assert_eq!(row_count(&text, text.is_ascii(), columns), parts.len());
            for part in &parts {
                let wide: usize = graphemes(part, columns).map(|grapheme| grapheme.wide).sum();
                prop_assert!(wide <= columns, "{part:?}");
            }
            for pair in parts.windows(2) {
                let wide: usize = graphemes(pair[0], columns).map(|grapheme| grapheme.wide).sum();
                prop_assert!(wide + graphemes(pair[1], columns).next().unwrap().wide > columns, "broken too early");
            }
        }

        #[test]
        fn a_cut_is_what_lies_there(text in "([a-z ]|\\PC){0,60}", start in 0usize..30, length in 0usize..30) {
            let cut = cut(&text, text.is_ascii(), start..start + length);
            let inside: usize = graphemes(&text[cut.bytes.clone()], usize::MAX).map(|grapheme| grapheme.wide).sum();
            prop_assert!(cut.blanks + inside <= length || cut.blanks > 0 && length == 0);
            let all: usize = graphemes(&text, usize::MAX).map(|grapheme| grapheme.wide).sum();
            prop_assert_eq!(cut.more, all > start + length);
            prop_assert!(cut.bytes.is_empty() || columns_of(&text, text.is_ascii(), cut.bytes).start >= start);
        }
    }
}

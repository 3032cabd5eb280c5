//! Text from outside made harmless: once, on arrival, so that no later code has to remember it.
//!
//! API answers, Docker output and log lines may hold escape sequences that move the cursor, change the
//! title, or write to the clipboard. What leaves this module holds no control character at all; log lines alone
//! may keep their colours (`coloured`).

mod coloured;

use serde::{Deserialize, Deserializer};
use std::ops::RangeInclusive;
use std::str::Chars;

pub use coloured::{coloured, plain, sgr};

/// Columns that a tab becomes.
const TAB: &str = "    ";

/// One harmless line: escape sequences are removed, line ends and other control characters become
/// blanks or vanish, and direction overrides (which can make text read as something else) vanish.
#[must_use]
pub fn line(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\t' => out.push_str(TAB),
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if is_hidden(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Splits at line ends (`\n`, `\r\n`, lone `\r`) and makes every line harmless.
pub fn lines(raw: &str) -> impl Iterator<Item = String> + '_ {
    raw.split(['\n', '\r']).map(|part| line(part).trim_end().to_owned()).filter(|part| !part.is_empty())
}

/// `line`, cut to at most `max` characters with an ellipsis, for values whose length nobody promised.
#[must_use]
pub fn short(raw: &str, max: usize) -> String {
    let clean = line(raw);
    if clean.chars().count() <= max {
        return clean;
    }
    let mut out: String = clean.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// Serde helper: a harmless string.
pub fn harmless<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(line(&String::deserialize(deserializer)?))
}

/// Serde helper: a harmless optional string.
pub fn harmless_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|raw| line(&raw)))
}

/// Control characters, and format characters that change direction or hide.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        )
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The next character, where it is one of `range`.
fn next_in(chars: &mut Chars<'_>, range: RangeInclusive<char>) -> Option<char> {
    let next = chars.clone().next().filter(|c| range.contains(c))?;
    chars.next();
    Some(next)
}

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.clone().next() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        // Two- and three-character sequences: intermediates, then one final character.
        Some(_) => {
            while next_in(chars, '\u{20}'..='\u{2f}').is_some() {}
            next_in(chars, '\u{30}'..='\u{7e}');
        }
        None => {}
    }
}

/// Parameters and intermediates, then one final byte.
fn skip_csi(chars: &mut Chars<'_>) {
    while next_in(chars, '\u{20}'..='\u{3f}').is_some() {}
    next_in(chars, '\u{40}'..='\u{7e}');
}

/// A string sequence ends at BEL or ST; one that never ends hides the rest of the text, as it would on a terminal.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                next_in(chars, '\\'..='\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_of_every_kind_are_removed() {
        for (raw, clean) in [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J\u{1b}[Hgone", "gone"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]52;c;c2VjcmV0\u{1b}\\b", "ab"),
            ("a\u{9b}31mb", "ab"),
            ("a\u{1b}(Bb\u{1b}7c", "abc"),
            ("one\ntwo\r\tthree", "one two     three"),
            ("abc\u{8}\u{8}x\u{7f}", "abcx"),
            ("abc\u{202e}cba", "abccba"),
            ("a\u{61c}b\u{ad}c\u{e0041}d", "abcd"),
            ("never\u{1b}]0;ends", "never"),
        ] {
            assert_eq!(line(raw), clean, "{raw:?}");
        }
    }

    #[test]
    fn short_counts_characters_and_keeps_whole_ones() {
        assert_eq!(short("grün", 4), "grün");
        assert_eq!(short("grüner", 4), "grü…");
    }

    proptest! {
        #[test]
        fn nothing_that_leaves_is_a_control_character(raw in any::<String>()) {
            prop_assert!(line(&raw).chars().all(|c| !c.is_control()));
        }

        #[test]
        fn cleaning_twice_changes_nothing(raw in any::<String>()) {
            let once = line(&raw);
            prop_assert_eq!(line(&once), once);
        }
    }
}

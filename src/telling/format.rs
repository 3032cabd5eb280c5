//! Values as people read them: widths in columns, ages, durations, bytes, ids. Must not know panes, terminals or state.

use jiff::{Timestamp, tz::TimeZone};
use std::time::Duration;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use crate::model::amount::{bytes, bytes_of};

/// Columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `max` columns of `text`, with an ellipsis where something is missing.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    if text.width() <= max {
        return text.to_owned();
    }
    if max == 0 {
        return String::new();
    }
    let mut out = take(text.graphemes(true), max - 1);
    out.push('…');
    out
}

/// At most `max` columns of `text`, its middle left out: an id is recognised by both its ends.
#[must_use]
pub fn cut_middle(text: &str, max: usize) -> String {
    if text.width() <= max {
        return text.to_owned();
    }
    if max < 3 {
        return cut(text, max);
    }
    let tail = (max - 1) / 2;
    let head = max - 1 - tail;
    let front = take(text.graphemes(true), head);
    let back = take(text.graphemes(true).rev(), tail);
    let back: String = back.graphemes(true).rev().collect();
    format!("{front}…{back}")
}

/// The leading graphemes that fit into `max` columns.
fn take<'a>(graphemes: impl Iterator<Item = &'a str>, max: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for grapheme in graphemes {
        let wide = grapheme.width();
        if used + wide > max {
            break;
        }
        used += wide;
        out.push_str(grapheme);
    }
    out
}

/// Exactly `columns` columns: cut or filled with blanks on the right.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let missing = columns.saturating_sub(out.width());
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Exactly `columns` columns: cut or filled with blanks on the left.
#[must_use]
pub fn pad_left(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let missing = columns.saturating_sub(cut.width());
    let mut out = " ".repeat(missing);
    out.push_str(&cut);
    out
}

/// `text` in lines of at most `columns`, broken between words, and inside of one only where it is longer than a line.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!current.is_empty());
        if current.width() + gap + word.width() <= columns {
            if gap == 1 {
                current.push(' ');
            }
            current.push_str(word);
            continue;
        }
        if !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        for grapheme in word.graphemes(true) {
            // A character with marks that take columns of their own may be wider than the line.
            let grapheme = if grapheme.width() > columns { "…" } else { grapheme };
            if current.width() + grapheme.width() > columns {
                lines.push(std::mem::take(&mut current));
            }
            current.push_str(grapheme);
        }
    }
    if !current.is_empty() {
        lines.push(current);
    }
    lines
}

/// `0.4 s`, `12.3 s`, `2 min 05 s`, `1 h 02 min`.
#[must_use]
pub fn duration(value: Duration) -> String {
    let tenths = (value.as_millis() + 50) / 100;
    let seconds = tenths / 10;
    match seconds {
        0..60 => format!("{seconds}.{} s", tenths % 10),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// What an estimate says: `4 s`, `2 min`, `2 min 15 s`, `1 h 02 min`. In whole seconds, none where they say nothing.
#[must_use]
pub fn estimate(value: Duration) -> String {
    let seconds = value.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long ago, as short as can be: `now`, `3m`, `2h`, `41d`. The future counts as now.
#[must_use]
pub fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    match seconds {
        i64::MIN..60 => "now".to_owned(),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Time of day, `12:03:09`.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let time = at.to_zoned(zone.clone()).time();
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// The moment that an RFC 3339 text names, if it is one.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// `12 MB/s`.
#[must_use]
pub fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", bytes(bytes_per_second))
}

/// `3 lines`, `1 line`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// The first 8 hex digits of a digest, with or without what stands in front of them; `None` where there are none.
#[must_use]
pub fn digest(text: &str) -> Option<&str> {
    let hex = text.rsplit_once("sha256:").map_or(text, |(_, hex)| hex);
    hex.get(..8).filter(|head| head.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_and_ages_are_short() {
        for (milliseconds, shown) in
            [(0, "0.0 s"), (440, "0.4 s"), (12_340, "12.3 s"), (59_999, "1 min 00 s"), (125_000, "2 min 05 s")]
        {
            assert_eq!(duration(Duration::from_millis(milliseconds)), shown);
        }
        assert_eq!(duration(Duration::from_secs(3725)), "1 h 02 min");
        for (seconds, shown) in [(4, "4 s"), (120, "2 min"), (135, "2 min 15 s"), (3720, "1 h 02 min")] {
            assert_eq!(estimate(Duration::from_secs(seconds)), shown);
        }
        let then = Timestamp::from_second(1_000_000).expect("in range");
        for (later, shown) in [(-5, "now"), (59, "now"), (60, "1m"), (3600, "1h"), (86_400 * 41, "41d")] {
            assert_eq!(age(Timestamp::from_second(1_000_000 + later).expect("in range"), then), shown);
        }
    }

    #[test]
    fn bytes_share_the_unit_of_the_total() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(4_200_000), "4.2 MB");
        assert_eq!(bytes_of(41_000_000, 62_000_000), "41/62 MB");
        assert_eq!(bytes_of(400_000, 1_200_000), "0.4/1.2 MB");
        assert_eq!(bytes(u64::MAX), "1844674407 GB");
    }

    #[test]
    fn wide_characters_are_cut_by_columns() {
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(pad("漢字漢字", 6), "漢字… ");
        assert_eq!(cut_middle("3f6c1b8e-52d4-4c0a", 9), "3f6c…4c0a");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("\u{1f210}\u{cbe}a", 2), ["…a"]);
    }

    #[test]
    fn a_digest_is_found_behind_its_repository() {
        assert_eq!(digest("r/i@sha256:5e1f2a9c00"), Some("5e1f2a9c"));
        assert_eq!(digest("tenant"), None);
    }

    proptest! {
        #[test]
        fn nothing_gets_wider_than_asked(text in "\\PC{0,40}", max in 0usize..30) {
            prop_assert!(width(&cut(&text, max)) <= max);
            prop_assert!(width(&cut_middle(&text, max)) <= max);
            prop_assert_eq!(width(&pad(&text, max)), max);
            prop_assert_eq!(width(&pad_left(&text, max)), max);
            for line in wrap(&text, max) {
                // One grapheme cannot be divided, however wide it is.
                prop_assert!(width(&line) <= max.max(2) || line.graphemes(true).count() == 1, "{line:?}");
            }
        }
    }
}

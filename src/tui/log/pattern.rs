//! What lines are searched and filtered by: text or a regular expression, in time linear in the text whatever the
//! expression. Must not know where lines are kept.

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use std::ops::Range;

use super::chunk::Line;
use super::source::SourceId;
use crate::model::text;

/// Bytes that a compiled expression may take, and the memory that it may fill while it runs.
const COMPILED: usize = 1 << 20;
const RUNNING: usize = 2 << 20;
/// Most places of one line that are shown as found.
const MOST_FOUND: usize = 1000;

/// Why there is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression; says why, in one line.
    #[error("no regular expression: {0}")]
    Syntax(String),
    /// It would take too much memory.
    #[error("this expression is too large")]
    TooLarge,
}

/// How a pattern was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it stands.
    Plain,
    /// A regular expression.
    Regex,
}

/// A pattern. Small letters stand for both cases; a capital letter anywhere makes case count.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    kind: Kind,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.kind) == (&other.text, other.kind)
    }
}

impl Pattern {
    /// A pattern of what a person wrote.
    pub fn new(text: &str, kind: Kind) -> Result<Self, PatternError> {
        let source = match kind {
            Kind::Plain => regex::escape(text),
            Kind::Regex => text.to_owned(),
        };
        let regex = RegexBuilder::new(&source)
            .case_insensitive(!has_capital(text, kind))
            .size_limit(COMPILED)
            .dfa_size_limit(RUNNING)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
                error => PatternError::Syntax(reason(&error.to_string())),
            })?;
        Ok(Self { text: text.to_owned(), kind, regex })
    }

    /// What the person wrote.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// True where it is in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where in `text` it is, up to the first place that begins at the byte `end` or behind.
    #[must_use]
    pub fn places(&self, text: &str, end: usize) -> Vec<Range<usize>> {
        let found = self.regex.find_iter(text).take(MOST_FOUND).take_while(|found| found.start() < end);
        found.map(|found| found.range()).filter(|range| !range.is_empty()).collect()
    }
}

/// True where case counts. In an expression, what stands behind a backslash is no letter of the person's.
fn has_capital(text: &str, kind: Kind) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let counts = !(kind == Kind::Regex && escaped);
        escaped = c == '\\' && !escaped;
        counts && c.is_uppercase()
    })
}

/// The last line of the library's picture of the mistake says what it is.
fn reason(error: &str) -> String {
    let last = error.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    text::short(last.trim().trim_start_matches("error: "), 200)
}

/// Which lines are shown. The default is all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Only those that it is in.
    pub pattern: Option<Pattern>,
    /// Only those that it is not in.
    pub inverted: bool,
    /// Only those from this moment on. Lines of which nobody knows the time are shown.
    pub since: Option<Timestamp>,
    /// Sources that are left out.
    pub hidden: Vec<SourceId>,
}

impl Filter {
    /// True where it lets every line through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.pattern.is_none() && self.since.is_none() && self.hidden.is_empty()
    }

    /// True for a line that is shown.
    #[must_use]
    pub fn passes(&self, line: &Line<'_>) -> bool {
        let since = self.since.and_then(nanoseconds).unwrap_or(i64::MIN);
        (line.moment >= since || line.moment == i64::MIN)
            && !self.hidden.contains(&line.source)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_in(line.text) != self.inverted)
    }
}

/// Nanoseconds since 1970 of a moment between 1678 and 2262.
#[must_use]
pub fn nanoseconds(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_letters_stand_for_both_cases() {
        for (pattern, kind, text, found) in [
            ("error", Kind::Plain, "an ERROR", true),
            ("Error", Kind::Plain, "an ERROR", false),
            ("a.c", Kind::Plain, "abc", false),
            ("a.c", Kind::Regex, "aBc", true),
            (r"\Sb", Kind::Regex, "AB", true),
            (r"\\S", Kind::Regex, r"\s", false),
            ("grün", Kind::Plain, "GRÜN", true),
            ("", Kind::Plain, "anything", true),
        ] {
            assert_eq!(Pattern::new(pattern, kind).unwrap().is_in(text), found, "{pattern} in {text}");
        }
    }

    #[test]
    fn a_mistake_is_told_in_one_line() {
        let error = Pattern::new("a(b", Kind::Regex).unwrap_err();
        assert_eq!(error.to_string(), "no regular expression: unclosed group");
        assert_eq!(Pattern::new(r"\w{1000}{1000}", Kind::Regex).unwrap_err(), PatternError::TooLarge);
        assert!(Pattern::new("a(b", Kind::Plain).is_ok());
    }

    #[test]
    fn places_end_where_nobody_looks_any_more() {
        let pattern = Pattern::new("a|b*", Kind::Regex).unwrap();
        assert_eq!(pattern.places("a bb a", 6), [0..1, 2..4, 5..6]);
        assert_eq!(pattern.places("a bb a", 3), [0..1, 2..4]);
        assert!(Pattern::new("x", Kind::Plain).unwrap().places(&"x".repeat(5000), 5000).len() <= MOST_FOUND);
    }

    proptest! {
        #[test]
        fn plain_text_finds_itself(text in "\\PC{1,10}", around in "\\PC{0,10}") {
            let pattern = Pattern::new(&text, Kind::Plain).unwrap();
            let line = format!("{around}{text}{around}");
            prop_assert!(pattern.is_in(&line));
        }
    }
}

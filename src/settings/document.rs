//! TOML with lines: reads the tables of a file key by key, and notes every mistake on the way instead of stopping at the
//! first. Must not know which keys there are.

use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Mistake;
use crate::model::{nearest, text};

/// The longest key that a message shows, characters.
const SHOWN: usize = 40;

/// A value that is one of a few words.
pub(super) trait Word: Copy + 'static {
    /// Each word with what it means.
    const ALL: &'static [(&'static str, Self)];
}

/// Which line a byte of the text stands in.
#[derive(Debug)]
pub(super) struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self { ends: text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place).collect() }
    }

    /// The line, from 1.
    pub(super) fn at(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
    }
}

/// A table that is read key by key.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Its name with the tables above it; empty for the file itself.
    name: String,
    table: &'a DeTable<'a>,
    lines: &'a Lines,
    asked: Vec<&'static str>,
    found: Vec<Mistake>,
}

impl<'a> Section<'a> {
    pub(super) fn new(name: impl Into<String>, table: &'a DeTable<'a>, lines: &'a Lines) -> Self {
        Self { name: name.into(), table, lines, asked: Vec::new(), found: Vec::new() }
    }

    /// What `key` says, where it is there and can be read.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(what) => {
                self.wrong(key, value.span().start, what);
                None
            }
        }
    }

    /// The table called `key`, where it is there and is one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<&'a DeTable<'a>> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong(
                key,
                value.span().start,
                format!("must be a table: `[{key}]` in a line of its own, or `[{key}.NAME]`"),
            );
        }
        table
    }

    /// Notes that `key` is known.
    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// True where `key` is written, in whatever way.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// The line of `key`, where it is written.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(name, _)| self.lines.at(name.span().start))
    }

    fn wrong(&mut self, key: &str, offset: usize, what: impl AsRef<str>) {
        // A value that is no TOML has no place of its own.
        let line = self.lines.at(offset).max(self.line(key).unwrap_or(1));
        self.found.push(Mistake::new(line, &path(&self.name, key), what));
    }

    /// All mistakes; a key that nobody asked for is one.
    pub(super) fn finish(mut self) -> Vec<Mistake> {
        for (name, _) in self.table.iter().filter(|(name, _)| !self.asked.contains(&name.get_ref().as_ref())) {
            let what = match nearest(name.get_ref(), self.asked.iter().copied()) {
                Some(meant) => format!("there is no such key; the nearest is `{meant}`"),
                None => format!("there is no such key; here may stand {}", self.asked.join(", ")),
            };
            let line = self.lines.at(name.span().start);
            self.found.push(Mistake::new(line, &path(&self.name, &text::short(name.get_ref(), SHOWN)), what));
        }
        self.found
    }
}

/// `ui.theme`.
pub(super) fn path(table: &str, key: &str) -> String {
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

/// The entries of a table in the order of the file, with their lines.
pub(super) fn in_order<'a>(table: &'a DeTable<'a>, lines: &Lines) -> Vec<(&'a str, &'a Spanned<DeValue<'a>>, usize)> {
    let mut entries: Vec<_> =
        table.iter().map(|(name, value)| (name.span().start, name.get_ref().as_ref(), value)).collect();
    entries.sort_by_key(|(start, ..)| *start);
    entries.into_iter().map(|(start, name, value)| (name, value, lines.at(start))).collect()
}

/// True or false.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "must be true or false".to_owned())
}

/// A whole number in `range`.
pub(super) fn number(range: RangeInclusive<u32>) -> impl FnOnce(&DeValue<'_>) -> Result<u32, String> {
    move |value| {
        let number = value.as_integer().and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        let fits = number.filter(|number| range.contains(number));
        fits.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
    }
}

/// One of a few words.
pub(super) fn word<T: Word>(value: &DeValue<'_>) -> Result<T, String> {
    let known = value.as_str().and_then(|written| T::ALL.iter().find(|(word, _)| *word == written));
    known
        .map(|(_, meant)| *meant)
        .ok_or_else(|| format!("must be one of {}", words(T::ALL.iter().map(|(word, _)| *word))))
}

/// `"auto", "dark" or "light"`.
pub(super) fn words<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// Harmless text of at most `max` characters on one line; `None` where it is empty.
pub(super) fn line(max: usize) -> impl FnOnce(&DeValue<'_>) -> Result<Option<String>, String> {
    move |value| {
        let written = value.as_str().ok_or("must be text in quotes")?;
        if written.chars().count() > max || text::line(written) != written {
            return Err(format!("must be text on one line, at most {max} characters"));
        }
        let trimmed = written.trim();
        Ok((!trimmed.is_empty()).then(|| trimmed.to_owned()))
    }
}

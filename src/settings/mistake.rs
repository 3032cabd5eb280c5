//! A mistake in the configuration: where it is, what is allowed there, and nothing of what is written there.

use std::fmt;
use std::path::Path;

use crate::model::{Problem, text};

/// The most that a problem tells in full.
const TOLD: usize = 8;
/// The longest name of a key, characters.
const NAME: usize = 60;

/// One mistake. No value is repeated: people do write tokens into such files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The key with its tables, `ui.theme`; harmless. Empty where the mistake is no key's.
    pub key: String,
    /// What is wrong and what is allowed; harmless, without a full stop.
    pub what: String,
}

impl Mistake {
    /// A mistake of `key` in `line`.
    #[must_use]
    pub fn new(line: usize, key: &str, what: impl AsRef<str>) -> Self {
        Self { line, key: text::short(key, NAME), what: text::line(what.as_ref()) }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// All mistakes of the file at `path` as a person sees them; `None` where there are none.
pub(super) fn problem(path: Option<&Path>, mistakes: &[Mistake]) -> Option<Problem> {
    let title = match mistakes.len() {
        0 => return None,
        1 => "The configuration has a mistake.".to_owned(),
        many => format!("The configuration has {many} mistakes."),
    };
    let mut told: Vec<_> = mistakes.iter().take(TOLD).map(Mistake::to_string).collect();
    if mistakes.len() > TOLD {
        told.push(format!("and {} more", mistakes.len() - TOLD));
    }
    let file = path.map_or_else(String::new, |path| format!("{}: ", path.display()));
    Some(
        Problem::new(title)
            .detail(format!("{file}{}.", told.join("; ")))
            .hint("Correct the file; until then the defaults hold there, and a context with a mistake is protected."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_and_many_are_counted() {
        let mistake = |line| Mistake::new(line, "ui.as\u{1b}[2Jcii", "must be true or false");
        assert_eq!(mistake(3).to_string(), "line 3: ui.ascii: must be true or false");
        assert_eq!(problem(None, &[]), None);
        let one = problem(Some(Path::new("/c.toml")), &[mistake(1)]).expect("a problem");
        assert_eq!(one.detail.as_deref(), Some("/c.toml: line 1: ui.ascii: must be true or false."));
        let many: Vec<_> = (1..=12).map(mistake).collect();
        let many = problem(None, &many).expect("a problem");
        assert!(many.title.contains("12") && many.detail.is_some_and(|detail| detail.ends_with("and 4 more.")));
    }
}

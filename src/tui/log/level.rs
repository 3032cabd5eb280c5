//! How grave a line is: as the server says, else as the line itself says where it begins. Must not know colours.

use crate::telling::Tone;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// Nobody says.
    #[default]
    Unknown,
    /// For following single steps.
    Trace,
    /// For developers.
    Debug,
    /// Ordinary.
    Info,
    /// Needs attention.
    Warn,
    /// Failed.
    Error,
    /// The program cannot go on.
    Fatal,
}

/// Bytes of a line in which its level is looked for, and in which a JSON line's is.
const HEAD: usize = 64;
const JSON_HEAD: usize = 256;
/// Words that a line may begin with before its level: a date, a process, a module.
const WORDS: usize = 12;
/// Columns that the longest word takes.
pub const COLUMNS: usize = 5;

impl Level {
    /// All of them, in the order of their numbers.
    const ALL: [Self; 7] = [Self::Unknown, Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The level with this number; what is no level's number is `Unknown`.
    #[must_use]
    pub(super) fn from_number(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// From a word in any case, as servers and programs write it.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        const WORDS: [(&str, Level); 16] = [
            ("info", Level::Info),
            ("warn", Level::Warn),
            ("error", Level::Error),
            ("debug", Level::Debug),
            ("trace", Level::Trace),
            ("warning", Level::Warn),
            ("err", Level::Error),
            ("notice", Level::Info),
            ("verbose", Level::Debug),
            ("fatal", Level::Fatal),
            ("critical", Level::Fatal),
            ("crit", Level::Fatal),
            ("panic", Level::Fatal),
            ("alert", Level::Fatal),
            ("emerg", Level::Fatal),
            ("severe", Level::Error),
        ];
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map_or(Self::Unknown, |(_, level)| *level)
    }

    /// The word of the level's column; nothing where it is not known.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// What the word looks like.
    #[must_use]
    pub fn tone(self) -> Tone {
        match self {
            Self::Unknown | Self::Trace | Self::Debug | Self::Info => Tone::Dim,
            Self::Warn => Tone::Warn,
            Self::Error | Self::Fatal => Tone::Bad,
        }
    }

    /// The level of a line: `said` by the server, or else as `text` names it.
    #[must_use]
    pub fn of_line(said: Option<&str>, text: &str) -> Self {
        let said = said.map_or(Self::Unknown, Self::of_word);
        if said == Self::Unknown { Self::guess(text) } else { said }
    }

    /// The level that the line itself names: in its beginning in capitals, or as a field of JSON or `key=value`.
    fn guess(text: &str) -> Self {
        if let Some((level, _)) = leading(text) {
            return level;
        }
        let head = text.as_bytes().get(..HEAD).unwrap_or(text.as_bytes());
        let words = head.split(|b| !b.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS);
        let named = words
            .filter(|word| word.iter().all(u8::is_ascii_uppercase))
            .filter_map(|word| std::str::from_utf8(word).ok().map(Self::of_word))
            .find(|level| *level != Self::Unknown);
        named.or_else(|| field(text)).unwrap_or_default()
    }
}

/// The level that a line begins with, and how many bytes of it only say so: `INFO  text`, `[warn] text`, `error: text`.
/// In small letters a level counts only before a colon or in brackets: sentences begin with such words too.
fn leading(text: &str) -> Option<(Level, usize)> {
    let inside = text.strip_prefix('[').unwrap_or(text);
    let bracketed = inside.len() < text.len();
    let letters = inside.bytes().take(HEAD).take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = inside.split_at_checked(letters)?;
    let level = Level::of_word(word);
    let rest = if bracketed { rest.strip_prefix(']')? } else { rest };
    let capitals = word.bytes().all(|b| b.is_ascii_uppercase());
    let set_apart = rest.starts_with(':') || rest.starts_with(' ') && (bracketed || capitals);
    if level == Level::Unknown || !set_apart {
        return None;
    }
    Some((level, text.len() - rest.trim_start_matches([' ', ':']).len()))
}

/// Bytes at the beginning of `text` that say nothing but `level`, which has a column of its own.
#[must_use]
pub(super) fn repeated(text: &str, level: Level, said: bool) -> usize {
    // Where the server says it, small letters are no guess.
    let spoken = |text: &str| {
        let letters = text.bytes().take(HEAD).take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = text.split_at_checked(letters)?;
        let repeats = rest.starts_with([' ', ':']) && Level::of_word(word) == level;
        repeats.then(|| text.len() - rest.trim_start_matches([' ', ':']).len())
    };
    match leading(text) {
        Some((found, bytes)) if found == level => bytes,
        _ if said && level != Level::Unknown => spoken(text).unwrap_or_default(),
        _ => 0,
    }
}

/// The value of the field `level` (or `severity`) near the beginning: `{"level":"warn",…}`, `level=warn`, `"level":40`.
fn field(text: &str) -> Option<Level> {
    let end = (0..=JSON_HEAD.min(text.len())).rev().find(|end| text.is_char_boundary(*end))?;
    let head = text.get(..end)?;
    ["level", "severity", "lvl"].iter().find_map(|name| {
        let after = head.split_once(name)?.1;
        let value = after.strip_prefix('"').unwrap_or(after).trim_start().strip_prefix([':', '='])?;
        let value = value.trim_start().trim_start_matches('"');
        let end = value.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let word = value.get(..end)?;
        let level = match word {
            // The numbers of bunyan and pino.
            "10" => Level::Trace,
            "20" => Level::Debug,
            "30" => Level::Info,
            "40" => Level::Warn,
            "50" => Level::Error,
            "60" => Level::Fatal,
            word => Level::of_word(word),
        };
        (level != Level::Unknown).then_some(level)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_server_has_the_first_word() {
        assert_eq!(Level::of_line(Some("warn"), "ERROR no page"), Level::Warn);
        assert_eq!(Level::of_line(Some("stderr"), "ERROR no page"), Level::Error);
        assert_eq!(Level::of_line(Some(""), "no page"), Level::Unknown);
    }

    #[test]
    fn a_line_names_its_level_in_many_ways() {
        for (text, level) in [
            ("ERROR no page", Level::Error),
            ("FATAL: the database system is starting up", Level::Fatal),
            ("2026-11-20 18:00:00 [WARN] slow", Level::Warn),
            ("2026-11-20T18:00:00.123Z  INFO orchard::http: GET /", Level::Info),
            ("[debug] x", Level::Debug),
            ("error: could not compile", Level::Error),
            ("error handling is hard", Level::Unknown),
            (r#"{"level":"Info","msg":"x"}"#, Level::Info),
            (r#"{"time":1,"level": "warning"}"#, Level::Warn),
            (r#"{"level":50,"msg":"x"}"#, Level::Error),
            (r#"{"severity":"NOTICE"}"#, Level::Info),
            ("time=1 level=debug msg=x", Level::Debug),
            ("INFORMATION about ERRORS", Level::Unknown),
            ("the level of water", Level::Unknown),
            ("", Level::Unknown),
            ("漢字 ERROR", Level::Error),
        ] {
            assert_eq!(Level::of_line(None, text), level, "{text}");
        }
    }

    #[test]
    fn the_level_is_shown_once() {
        for (text, said, shown) in [
            ("INFO  listening", Some("info"), "listening"),
            ("warn: no key", Some("WARN"), "no key"),
            ("warn no key", Some("WARN"), "no key"),
            ("[WARN] no key", Some("WARN"), "no key"),
            ("information", Some("info"), "information"),
            ("INFO", Some("info"), "INFO"),
            ("INFO  listening", None, "listening"),
            ("ERROR no page", Some("info"), "ERROR no page"),
            ("\u{e4}", Some("info"), "\u{e4}"),
        ] {
            let level = Level::of_line(said, text);
            assert_eq!(&text[repeated(text, level, said.is_some())..], shown);
        }
    }

    proptest! {
        #[test]
        fn any_line_has_a_level_and_whole_characters_behind_it(text in "(\\[|level=|INFO|warn: )?\\PC{0,80}", said in any::<bool>()) {
            let said = said.then_some("info");
            let level = Level::of_line(said, &text);
            prop_assert!(text.is_char_boundary(repeated(&text, level, said.is_some())));
            prop_assert_eq!(Level::from_number(level as u8), level);
        }
    }
}

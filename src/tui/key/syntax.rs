//! How keys are written in the configuration: `ctrl-p`, `alt-x`, `f5`, `space`, `shift-tab`, `?`, `G`. What is printed can
//! be read again, and what cannot arrive from a terminal is refused with the reason.

use std::fmt;
use std::str::FromStr;
use unicode_width::UnicodeWidthChar;

use super::Key;
use crate::model::text;

/// Why a text is no key. Its words end a sentence that names the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing is written.
    #[error("there is no key in it")]
    Empty,
    /// More keys in a row than are read.
    #[error("more than three keys in a row")]
    TooLong,
    /// Escape among other keys.
    #[error("esc ends every row of keys, so it stands alone")]
    EscapeInside,
    /// No key has this name; the text is harmless.
    #[error(
        "{0:?} is no key; write a character, enter, esc, tab, space, up, pageup, home, delete, f1 to f12, ctrl-x, alt-x"
    )]
    Unknown(String),
    /// Control and this character is another key, or nothing, on a terminal.
    #[error("a terminal has no {key}: {why}")]
    NeverArrives {
        /// The key, harmless.
        key: String,
        /// What it sends in its place.
        why: &'static str,
    },
}

/// Every key with a name, its own name first among its spellings.
const NAMES: &[(&str, Key)] = &[
    ("space", Key::Char(' ')),
    ("enter", Key::Enter),
    ("return", Key::Enter),
    ("esc", Key::Esc),
    ("escape", Key::Esc),
    ("tab", Key::Tab),
    ("shift-tab", Key::BackTab),
    ("backtab", Key::BackTab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("del", Key::Delete),
    ("insert", Key::Insert),
    ("ins", Key::Insert),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("pageup", Key::PageUp),
    ("pgup", Key::PageUp),
    ("pagedown", Key::PageDown),
    ("pgdown", Key::PageDown),
    ("home", Key::Home),
    ("end", Key::End),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMES.iter().find(|(_, key)| key == self) {
            return f.write_str(name);
        }
        match self {
            Self::Ctrl(' ') => f.write_str("ctrl-space"),
            Self::Ctrl(c) => write!(f, "ctrl-{c}"),
            Self::Alt(' ') => f.write_str("alt-space"),
            Self::Alt(c) => write!(f, "alt-{c}"),
            Self::F(number) => write!(f, "f{number}"),
            Self::Char(c) => write!(f, "{c}"),
            // All others have a name.
            other => f.write_str(&other.shown()),
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Names in capitals or not; a single character as it is typed. Blanks around it are left out.
    fn from_str(raw: &str) -> Result<Self, KeyError> {
        let raw = raw.trim();
        if raw.is_empty() {
            return Err(KeyError::Empty);
        }
        let unknown = || KeyError::Unknown(text::short(raw, 40));
        if let Some(c) = only_character(raw) {
            return if is_typed(c) { Ok(Self::Char(c)) } else { Err(unknown()) };
        }
        let name = raw.to_ascii_lowercase().replace('+', "-");
        if let Some((_, key)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(*key);
        }
        if let Some(number) = name.strip_prefix('f').and_then(|digits| digits.parse().ok()) {
            return if (1..=12).contains(&number) && name == format!("f{number}") {
                Ok(Self::F(number))
            } else {
                Err(unknown())
            };
        }
        let with = |modifier: &str| name.starts_with(modifier).then(|| raw.get(modifier.len()..)).flatten();
        if let Some(rest) = with("ctrl-") {
            return control(character(rest).ok_or_else(unknown)?);
        }
        if let Some(rest) = with("alt-") {
            return character(rest).map(Self::Alt).ok_or_else(unknown);
        }
        Err(unknown())
    }
}

fn control(c: char) -> Result<Key, KeyError> {
    let c = c.to_ascii_lowercase();
    let why = match c {
        'i' => "it sends tab",
        'm' => "it sends enter",
        '[' => "it sends esc",
        'a'..='z' | ' ' | '\\' | ']' | '^' | '_' => return Ok(Key::Ctrl(c)),
        _ => "ctrl goes with a letter, with space, or with one of \\ ] ^ _",
    };
    Err(KeyError::NeverArrives { key: format!("ctrl-{}", text::line(&c.to_string())), why })
}

/// What stands behind `ctrl-` and `alt-`: a character, or the word for the blank.
fn character(rest: &str) -> Option<char> {
    if rest.eq_ignore_ascii_case("space") {
        return Some(' ');
    }
    only_character(rest).filter(|c| is_typed(*c))
}

fn only_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// True for what a key types and a person can see. A blank has a name.
fn is_typed(c: char) -> bool {
    !c.is_whitespace() && c.width().is_some_and(|columns| columns > 0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_spellings_of_people_are_read() {
        for (raw, key) in [
            ("ctrl-p", Key::Ctrl('p')),
            ("Ctrl+P", Key::Ctrl('p')),
            ("ctrl-space", Key::Ctrl(' ')),
            ("alt-x", Key::Alt('x')),
            ("alt-X", Key::Alt('X')),
            ("alt--", Key::Alt('-')),
            ("alt++", Key::Alt('+')),
            ("f5", Key::F(5)),
            ("F12", Key::F(12)),
            ("f", Key::Char('f')),
            ("+", Key::Char('+')),
            ("-", Key::Char('-')),
            ("?", Key::Char('?')),
            ("G", Key::Char('G')),
            ("ß", Key::Char('ß')),
            (" Escape ", Key::Esc),
            ("shift+tab", Key::BackTab),
            ("PgUp", Key::PageUp),
        ] {
            assert_eq!(raw.parse(), Ok(key), "{raw}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason() {
        for raw in
            ["f0", "f13", "f05", "shift-a", "ctrl-", "alt-", "ctrl-alt-x", "hyper", "gg", "\u{301}", "\u{7f}", "alt-é́"]
        {
            assert!(matches!(raw.parse::<Key>(), Err(KeyError::Unknown(_))), "{raw:?}");
        }
        for (raw, why) in
            [("ctrl-i", "tab"), ("ctrl-m", "enter"), ("Ctrl-[", "esc"), ("ctrl-1", "letter"), ("ctrl-é", "letter")]
        {
            let error = raw.parse::<Key>().expect_err(raw).to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(" ".parse::<Key>(), Err(KeyError::Empty));
        let error = "\u{1b}[2Jx".parse::<Key>().expect_err("no key").to_string();
        assert!(error.chars().all(|c| !c.is_control()), "{error:?}");
    }

    /// Keys that can be configured.
    pub fn any_key() -> impl Strategy<Value = Key> {
        let typed = || any::<char>().prop_filter("is typed", |c| is_typed(*c));
        let with_control: Vec<char> = ('a'..='z').filter(|c| !"im".contains(*c)).chain(" \\]^_".chars()).collect();
        prop_oneof![
            prop::sample::select(NAMES).prop_map(|(_, key)| key),
            typed().prop_map(Key::Char),
            typed().prop_map(Key::Alt),
            Just(Key::Alt(' ')),
            prop::sample::select(with_control).prop_map(Key::Ctrl),
            (1u8..=12).prop_map(Key::F),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(key in any_key()) {
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn no_text_is_too_strange(raw in any::<String>()) {
            match raw.parse::<Key>() {
                Ok(key) => prop_assert_eq!(key.to_string().parse(), Ok(key)),
                Err(error) => prop_assert!(error.to_string().chars().all(|c| !c.is_control())),
            }
        }
    }
}

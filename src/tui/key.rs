//! Keys as the command table names them: few, comparable, and independent of how a terminal reports them.
//!
//! A key has two spellings: the one of the configuration (`Display` and `FromStr`, `ctrl-p`), which is plain ASCII and can
//! be typed, and the one of the screen ([`Key::shown`], `Ctrl-P`). What several keys in a row are is in `key/chord.rs`.

#[allow(dead_code, reason = "the key map reads them")]
mod chord;
#[allow(dead_code, reason = "the key map reads them")]
pub mod configured;
mod syntax;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[allow(unused_imports, reason = "the key map reads them")]
pub use {chord::Chord, syntax::KeyError};

/// A key that can have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character as typed, capitals included.
    Char(char),
    /// A character with Control, in lower case; a blank for Control and Space.
    Ctrl(char),
    /// A character with Alt, as typed, capitals included.
    Alt(char),
    /// A function key, 1 to 12.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
}

/// Keys that no command has by default, each with who else wants it. A person may bind them all the same, but for Control
/// and C, which must always lead out of the program.
#[allow(dead_code, reason = "the key map asks")]
pub const RESERVED: &[(Key, &str)] = &[
    (Key::Ctrl('b'), "tmux waits for it by default, and it does not come through"),
    (Key::Ctrl('c'), "it leads out of the program everywhere"),
    (Key::Ctrl('q'), "some terminals go on with their output at it"),
    (Key::Ctrl('s'), "some terminals stop their output at it"),
    (Key::Ctrl('z'), "it puts the program into the background"),
];

impl Key {
    /// The key of a terminal's event; `None` for releases and for keys without a name here.
    #[must_use]
    pub fn from_event(event: &KeyEvent) -> Option<Self> {
        let with = |modifier| event.modifiers.contains(modifier);
        let (control, alt) = (with(KeyModifiers::CONTROL), with(KeyModifiers::ALT));
        if event.kind == KeyEventKind::Release || with(KeyModifiers::SUPER) {
            return None;
        }
        if alt {
            // With Control as well it is how some keyboards type a character; that one comes without both.
            return match event.code {
                KeyCode::Char(c) if !control => Some(Self::Alt(c)),
                _ => None,
            };
        }
        Some(match event.code {
            KeyCode::Char(c) if control => Self::Ctrl(control_character(c)),
            KeyCode::Char(c) => Self::Char(c),
            KeyCode::F(number @ 1..=12) => Self::F(number),
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Esc,
            KeyCode::Tab => Self::Tab,
            KeyCode::BackTab => Self::BackTab,
            KeyCode::Backspace => Self::Backspace,
            KeyCode::Delete => Self::Delete,
            KeyCode::Insert => Self::Insert,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Left => Self::Left,
            KeyCode::Right => Self::Right,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Home => Self::Home,
            KeyCode::End => Self::End,
            _ => return None,
        })
    }

    /// Why no command should have it by default, where that is so.
    #[must_use]
    #[allow(dead_code, reason = "the key map asks")]
    pub fn reserved(self) -> Option<&'static str> {
        RESERVED.iter().find(|(key, _)| *key == self).map(|(_, why)| *why)
    }

    /// As a person reads it on the screen: `↑`, `Ctrl-P`, `Space`. For a screen without such arrows there is its `Display`.
    #[must_use]
    pub fn shown(self) -> String {
        let word = match self {
            Self::Char(' ') => "Space",
            Self::Char(c) => return c.to_string(),
            Self::Ctrl(' ') => "Ctrl-Space",
            Self::Ctrl(c) => return format!("Ctrl-{}", c.to_ascii_uppercase()),
            Self::Alt(' ') => "Alt-Space",
            Self::Alt(c) => return format!("Alt-{c}"),
            Self::F(number) => return format!("F{number}"),
            Self::Enter => "Enter",
            Self::Esc => "Esc",
            Self::Tab => "Tab",
            Self::BackTab => "Shift-Tab",
            Self::Backspace => "Backspace",
            Self::Delete => "Delete",
            Self::Insert => "Insert",
            Self::Up => "↑",
            Self::Down => "↓",
            Self::Left => "←",
            Self::Right => "→",
            Self::PageUp => "PageUp",
            Self::PageDown => "PageDown",
            Self::Home => "Home",
            Self::End => "End",
        };
        word.to_owned()
    }
}

/// The name of a character with Control. A terminal sends one byte for `ctrl-\` and for `ctrl-4`, and the same for the
/// three after them: the signs are what people know.
fn control_character(c: char) -> char {
    match c {
        '4' => '\\',
        '5' => ']',
        '6' => '^',
        '7' => '_',
        c => c.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_mean_nothing_and_modifiers_make_other_keys() {
        let press = KeyEvent::new(KeyCode::Char('C'), KeyModifiers::CONTROL);
        assert_eq!(Key::from_event(&press), Some(Key::Ctrl('c')));
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(Key::from_event(&release), None);
        for (code, modifiers, key) in [
            (KeyCode::Char('G'), KeyModifiers::SHIFT, Some(Key::Char('G'))),
            (KeyCode::Char('q'), KeyModifiers::ALT, Some(Key::Alt('q'))),
            (KeyCode::Char('q'), KeyModifiers::ALT | KeyModifiers::CONTROL, None),
            (KeyCode::Char('q'), KeyModifiers::SUPER, None),
            (KeyCode::Enter, KeyModifiers::ALT, None),
            (KeyCode::Char(' '), KeyModifiers::CONTROL, Some(Key::Ctrl(' '))),
            (KeyCode::Char('7'), KeyModifiers::CONTROL, Some(Key::Ctrl('_'))),
            (KeyCode::F(5), KeyModifiers::NONE, Some(Key::F(5))),
            (KeyCode::F(13), KeyModifiers::NONE, None),
            (KeyCode::Delete, KeyModifiers::NONE, Some(Key::Delete)),
        ] {
            assert_eq!(Key::from_event(&KeyEvent::new(code, modifiers)), key, "{code:?} {modifiers:?}");
        }
    }

    #[test]
    fn what_others_want_is_said_with_its_reason() {
        assert!(Key::Ctrl('b').reserved().is_some_and(|why| why.contains("tmux")));
        assert_eq!(Key::Ctrl('p').reserved(), None);
    }

    #[test]
    fn the_screen_has_a_spelling_of_its_own() {
        for (key, shown) in [
            (Key::Up, "↑"),
            (Key::Ctrl('p'), "Ctrl-P"),
            (Key::Alt('x'), "Alt-x"),
            (Key::F(5), "F5"),
            (Key::Char(' '), "Space"),
        ] {
            assert_eq!(key.shown(), shown);
        }
    }
}

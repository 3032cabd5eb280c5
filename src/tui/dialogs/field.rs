//! A line of text that is being typed: where the cursor is, what the editing keys do, how it looks. One for a secret shows
//! dots, and its text is in no `Debug`.

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use std::fmt;
use tui_input::{Input, InputRequest};

use crate::tui::format;
use crate::tui::key::Key;
use crate::tui::theme::Theme;

/// The longest text that is taken, characters: more is not typed, and nothing else is meant by a paste of that size.
const LONGEST: usize = 64 * 1024;

/// The line.
#[derive(Clone, Default)]
pub struct Field {
    input: Input,
    hidden: bool,
}

impl Field {
    /// A line with text in it, the cursor behind.
    #[must_use]
    pub fn with(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), hidden: false }
    }

    /// A line that shows dots.
    #[must_use]
    pub fn hidden() -> Self {
        Self { input: Input::default(), hidden: true }
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// A key that is text or edits it; false where it is neither.
    pub fn press(&mut self, key: Key) -> bool {
        let request = match key {
            Key::Char(c) if self.text().len() < LONGEST => InputRequest::InsertChar(c),
            Key::Char(_) => return true,
            Key::Backspace => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Ctrl('a') | Key::Home => InputRequest::GoToStart,
            Key::Ctrl('e') | Key::End => InputRequest::GoToEnd,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl('u') => InputRequest::DeleteLine,
            Key::Ctrl('k') => InputRequest::DeleteTillEnd,
            _ => return false,
        };
        self.input.handle(request);
        true
    }

    /// Text was pasted: line ends become blanks, but for those at its end.
    pub fn paste(&mut self, text: &str) {
        for c in text.trim_end_matches(['\r', '\n']).chars().take(LONGEST.saturating_sub(self.text().len())) {
            let c = if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c };
            if !c.is_control() {
                self.input.handle(InputRequest::InsertChar(c));
            }
        }
    }

    /// The line while another one is being typed: without a cursor, its beginning.
    #[must_use]
    pub fn at_rest(&self, theme: &Theme, columns: usize, label: &str) -> Line<'static> {
        let room = columns.saturating_sub(format::width(label)).max(1);
        let shown = if self.hidden { "•".repeat(self.text().chars().count()) } else { self.text().to_owned() };
        Line::from(vec![Span::styled(label.to_owned(), theme.dim), Span::styled(format::cut(&shown, room), theme.text)])
    }

    /// The line behind `label`, in `columns`: what is around the cursor where it is too long.
    #[must_use]
    pub fn line(&self, theme: &Theme, columns: usize, label: &str) -> Line<'static> {
        let room = columns.saturating_sub(format::width(label) + 1).max(1);
        let shown: Vec<char> =
            if self.hidden { vec!['•'; self.text().chars().count()] } else { self.text().chars().collect() };
        let cursor = self.input.cursor().min(shown.len());
        let before: String = shown[..cursor].iter().collect();
        let at = shown.get(cursor).map_or_else(|| " ".to_owned(), char::to_string);
        let behind: String = shown.iter().skip(cursor + 1).collect();
        // The end of what stands in front of the cursor, then as much behind it as there is room for.
        let before = last_columns(&before, room.saturating_sub(format::width(&at)));
        let left = room.saturating_sub(format::width(&before) + format::width(&at));
        Line::from(vec![
            Span::styled(label.to_owned(), theme.accent),
            Span::styled(before, theme.text),
            Span::styled(at, theme.text.add_modifier(Modifier::REVERSED)),
            Span::styled(format::cut(&behind, left), theme.text),
        ])
    }
}

/// The end of `text`, at most `columns` wide.
fn last_columns(text: &str, columns: usize) -> String {
    let mut taken: Vec<char> = Vec::new();
    let mut used = 0;
    for c in text.chars().rev() {
        let wide = format::width(c.encode_utf8(&mut [0; 4]));
        if used + wide > columns {
            break;
        }
        used += wide;
        taken.push(c);
    }
    taken.iter().rev().collect()
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.hidden { f.write_str("Field(hidden)") } else { write!(f, "Field({:?})", self.text()) }
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.hidden == other.hidden && self.text() == other.text() && self.input.cursor() == other.input.cursor()
    }
}

impl Eq for Field {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Depth;
    use proptest::prelude::*;

    #[test]
    fn a_secret_is_in_no_debug_and_on_no_screen() {
        let mut field = Field::hidden();
        field.paste("hunter2\n");
        assert_eq!(field.text(), "hunter2");
        assert!(!format!("{field:?}").contains("hunter2"));
        let line = field.line(&Theme::new(Depth::Plain), 40, "› ");
        assert!(!line.to_string().contains("hunter2") && line.to_string().contains("•••••••"));
    }

    #[test]
    fn editing_keys_edit_and_others_are_somebody_elses() {
        let mut field = Field::with("one two");
        for key in [Key::Ctrl('w'), Key::Char('x'), Key::Home, Key::Delete, Key::Right, Key::Backspace] {
            assert!(field.press(key), "{key:?}");
        }
        assert_eq!(field.text(), "e x");
        assert!(!field.press(Key::Enter) && !field.press(Key::Up));
    }

    proptest! {
        #[test]
        fn it_never_gets_wider_than_its_room(text in "\\PC{0,40}", moves in 0usize..45, columns in 4usize..30) {
            let mut field = Field::with(&text);
            for _ in 0..moves {
                field.press(Key::Left);
            }
            let wide = field.line(&Theme::new(Depth::Plain), columns, "› ").width();
            prop_assert!(wide <= columns.max(5), "{wide}");
        }
    }
}

//! One of a few: a list to choose from, where an entry that cannot be chosen says why. What is done with the choice is
//! whoever's business opened it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::fmt;

use super::{text_columns, text_rows, window};
use crate::tui::app::App;
use crate::tui::effect::Effect;
use crate::tui::format::pad;
use crate::tui::panes::frame::{fit, wrapped};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is handed back.
    pub value: String,
    /// What it is called.
    pub name: String,
    /// A few words about it.
    pub about: String,
    /// Why it cannot be chosen.
    pub refused: Option<String>,
}

impl Entry {
    /// An entry that can be chosen.
    #[must_use]
    pub fn new(value: impl Into<String>, name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { value: value.into(), name: name.into(), about: about.into(), refused: None }
    }

    /// It cannot be chosen, and why.
    #[must_use]
    pub fn refused(mut self, why: Option<String>) -> Self {
        self.refused = why;
        self
    }
}

/// Called with the value of the chosen entry.
pub type Done = fn(&mut App, &str) -> Vec<Effect>;

/// Called where it is closed without a choice.
pub type Left = fn(&mut App);

/// The list and the selected entry.
#[derive(Clone)]
pub struct Pick {
    title: String,
    about: String,
    entries: Vec<Entry>,
    selected: usize,
    done: Done,
    left: Left,
}

impl Pick {
    /// A list whose first possible entry is selected.
    #[must_use]
    pub fn new(title: impl Into<String>, about: impl Into<String>, entries: Vec<Entry>, done: Done) -> Self {
        let selected = entries.iter().position(|entry| entry.refused.is_none()).unwrap_or(0);
        Self { title: title.into(), about: about.into(), entries, selected, done, left: |_| {} }
    }

    /// With something that is done where nothing is chosen.
    #[must_use]
    pub fn or_else(mut self, left: Left) -> Self {
        self.left = left;
        self
    }

    /// What closing it does.
    #[must_use]
    pub fn left(&self) -> Left {
        self.left
    }

    /// With the entry of this value selected.
    #[must_use]
    pub fn at(mut self, value: &str) -> Self {
        self.selected = self.entries.iter().position(|entry| entry.value == value).unwrap_or(self.selected);
        self
    }

    /// Moves the selection, and stops at the ends.
    pub fn step(&mut self, down: bool) {
        let last = self.entries.len().saturating_sub(1);
        self.selected = if down { (self.selected + 1).min(last) } else { self.selected.saturating_sub(1) };
    }

    /// What the choice does; `None` where the selected entry cannot be chosen.
    #[must_use]
    pub fn choice(&self) -> Option<(Done, String)> {
        let entry = self.entries.get(self.selected).filter(|entry| entry.refused.is_none())?;
        Some((self.done, entry.value.clone()))
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pick").field("title", &self.title).field("selected", &self.selected).finish_non_exhaustive()
    }
}

impl PartialEq for Pick {
    fn eq(&self, other: &Self) -> bool {
        (&self.title, &self.entries, self.selected) == (&other.title, &other.entries, other.selected)
    }
}

/// Draws it.
pub fn draw(app: &App, dialog: &Pick, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 64);
    let mut lines = wrapped(&dialog.about, 0, columns, 4, theme.dim);
    if !lines.is_empty() {
        lines.push(Line::raw(""));
    }
    let name =
        dialog.entries.iter().map(|entry| crate::tui::format::width(&entry.name)).max().unwrap_or(0).clamp(8, 28) + 2;
    let rows = text_rows(area).saturating_sub(lines.len() + 2).max(1);
    let first = (dialog.selected + 1).saturating_sub(rows);
    for (place, entry) in dialog.entries.iter().enumerate().skip(first).take(rows) {
        let selected = place == dialog.selected;
        let mark = if selected { "▌ " } else { "  " };
        let (style, about) = match &entry.refused {
            Some(why) => (theme.dim, why.clone()),
            None if selected => (theme.selection, entry.about.clone()),
            None => (theme.text, entry.about.clone()),
        };
        let about_style = if selected && entry.refused.is_none() { theme.text } else { theme.dim };
        lines.push(Line::from(fit(
            vec![
                Span::styled(mark, theme.accent),
                Span::styled(pad(&entry.name, name), style),
                Span::styled(about, about_style),
            ],
            columns,
        )));
    }
    let key = |id: &str| Span::styled(app.shared.key_of(id), theme.accent);
    lines.push(Line::raw(""));
    lines.push(Line::from(vec![
        key("choice.take"),
        Span::styled(" choose   ", theme.dim),
        key("choice.close"),
        Span::styled(" close", theme.dim),
    ]));
    window(app, frame, area, &dialog.title, columns, lines, 0);
}

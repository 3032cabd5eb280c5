//! A line that is asked for: a filter in the bottom row, which works while it is typed, or a value in a dialog of its own.
//! What is done with it is whoever's business opened it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::Paragraph;
use std::fmt;

use super::field::Field;
use super::pick::Left;
use super::{Dialog, anchored, confirm, text_columns, text_rows};
use crate::tui::actions::done;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::Effect;
use crate::tui::panes::frame::wrapped;
use crate::tui::update::checkout;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("line.take", Scope::Line, &["enter"], "take", "Take what was typed.", take).hinted(),
    command("line.leave", Scope::Line, &["esc"], "leave", "Leave everything as it was.", leave).hinted(),
];

/// Called with every change of the text.
pub type Live = fn(&mut App, &str);
/// Called with the line once it is taken.
pub type Done = fn(&mut App, &Line) -> Vec<Effect>;

/// The line and what becomes of it.
#[derive(Clone)]
pub struct Line {
    label: String,
    /// What it is for; a line with words of its own has a dialog of its own.
    about: Option<String>,
    /// Whatever the opener needs to know again: the key of a secret.
    subject: String,
    field: Field,
    /// The text before, for whoever leaves.
    before: String,
    live: Live,
    done: Done,
    left: Left,
}

impl Line {
    /// A line in the bottom row that works while it is typed; leaving puts back what was there.
    #[must_use]
    pub fn live(label: impl Into<String>, text: &str, live: Live) -> Self {
        let (label, field, before) = (label.into(), Field::with(text), text.to_owned());
        Self { label, about: None, subject: String::new(), field, before, live, done: |_, _| done(), left: |_| {} }
    }

    /// A line in a dialog.
    #[must_use]
    pub fn ask(label: impl Into<String>, about: impl Into<String>, done: Done) -> Self {
        let (label, about, field) = (label.into(), Some(about.into()), Field::default());
        Self { label, about, subject: String::new(), field, before: String::new(), live: |_, _| {}, done, left: |_| {} }
    }

    /// What is typed is not shown.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.field = Field::hidden();
        self
    }

    /// With text in it already.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.field = Field::with(text);
        self
    }

    /// With something to remember.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Done, once it is taken, also where it works while it is typed.
    #[must_use]
    pub fn then(mut self, done: Done) -> Self {
        self.done = done;
        self
    }

    /// With something that is done where it is left.
    #[must_use]
    pub fn or_else(mut self, left: Left) -> Self {
        self.left = left;
        self
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        self.field.text()
    }

    /// What was to be remembered.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The line itself.
    pub fn field(&mut self) -> &mut Field {
        &mut self.field
    }

    /// True where it stands in the bottom row.
    #[must_use]
    pub fn is_in_bottom_row(&self) -> bool {
        self.about.is_none()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("label", &self.label).field("field", &self.field).finish_non_exhaustive()
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        (&self.label, &self.subject, &self.field) == (&other.label, &other.subject, &other.field)
    }
}

/// The text has changed.
pub fn changed(app: &mut App) {
    if let Some(Dialog::Line(line)) = &app.dialog {
        let (live, text) = (line.live, line.text().to_owned());
        live(app, &text);
    }
}

fn take(app: &mut App) -> Vec<Effect> {
    match app.dialog.take() {
        Some(Dialog::Line(line)) => (line.done)(app, &line),
        dialog @ Some(Dialog::NewTenant(_)) => {
            app.dialog = dialog;
            checkout::named(app)
        }
        // A question that wants a name typed is answered with the same key.
        dialog => {
            app.dialog = dialog;
            confirm::submit(app)
        }
    }
}

fn leave(app: &mut App) -> Vec<Effect> {
    match app.dialog.take() {
        Some(Dialog::Line(line)) => {
            (line.live)(app, &line.before);
            (line.left)(app);
        }
        dialog @ Some(Dialog::NewTenant(_)) => {
            app.dialog = dialog;
            checkout::back(app);
        }
        _ => {}
    }
    done()
}

/// Draws it: in `bottom` where it works while it is typed, else in the middle of `area`.
pub fn draw(app: &App, dialog: &Line, frame: &mut Frame<'_>, area: Rect, bottom: Rect) {
    let theme = &app.shared.theme;
    let Some(about) = &dialog.about else {
        let columns = usize::from(bottom.width);
        let label = format!("{} › ", dialog.label);
        frame.render_widget(Paragraph::new(dialog.field.line(theme, columns, &label)), bottom);
        return;
    };
    let columns = text_columns(area, 64);
    let key = |id: &str| Span::styled(app.shared.key_of(id), theme.accent);
    let below = vec![
        Text::raw(""),
        dialog.field.line(theme, columns, "› "),
        Text::raw(""),
        Text::from(vec![
            key("line.take"),
            Span::styled(" takes it   ", theme.dim),
            key("line.leave"),
            Span::styled(" leaves everything as it is", theme.dim),
        ]),
    ];
    let room = text_rows(area).saturating_sub(below.len()).clamp(1, 6);
    let about = wrapped(about, 0, columns, room, theme.dim);
    anchored(app, frame, area, &dialog.label, columns, about, below);
}

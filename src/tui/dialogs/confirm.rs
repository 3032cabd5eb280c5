//! A question before something that cannot be taken back lightly. No is selected; what destroys wants a name typed. The
//! answer runs the command that was asked about, and only for what it was asked about.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::field::Field;
use super::{text_columns, window};
use crate::model::TenantId;
use crate::tui::actions::done;
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::dialogs::Dialog;
use crate::tui::effect::Effect;
use crate::tui::panes::frame::wrapped;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("question.yes", Scope::Question, &["y"], "yes", "Do it.", |app| answer(app, true)),
    command("question.no", Scope::Question, &["n", "esc"], "no", "Leave everything as it is.", |app| {
        answer(app, false)
    }),
    command(
        "question.switch",
        Scope::Question,
        &["tab", "shift-tab", "left", "right"],
        "other answer",
        "Select the other answer.",
        |app| {
            if let Some(Dialog::Confirm(confirm)) = &mut app.dialog {
                confirm.yes = !confirm.yes;
            }
            done()
        },
    )
    .hinted(),
    command("question.answer", Scope::Question, &["enter"], "answer", "Take the selected answer.", |app| {
        let yes = matches!(&app.dialog, Some(Dialog::Confirm(confirm)) if confirm.yes);
        answer(app, yes)
    })
    .hinted(),
];

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    title: String,
    text: String,
    yes: &'static str,
    no: &'static str,
    /// For a terminal of one line: in words, and shorter.
    short: Option<(&'static str, &'static str)>,
    /// What has to be typed before yes counts.
    typed: Option<String>,
    /// The tenants that it is about.
    about: Vec<TenantId>,
}

impl Question {
    /// A question whose yes says what is done.
    #[must_use]
    pub fn new(title: impl Into<String>, yes: &'static str) -> Self {
        let (title, text, about) = (title.into(), String::new(), Vec::new());
        Self { title, text, yes, no: "No, leave it", short: None, typed: None, about }
    }

    /// The consequence, in a sentence.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Other words for the safe answer.
    #[must_use]
    pub fn no(mut self, no: &'static str) -> Self {
        self.no = no;
        self
    }

    /// Words for a terminal with room for one line.
    #[must_use]
    pub fn short(mut self, words: &'static str, shorter: &'static str) -> Self {
        self.short = Some((words, shorter));
        self
    }

    /// Yes counts only once this was typed.
    #[must_use]
    pub fn typed(mut self, name: impl Into<String>) -> Self {
        self.typed = Some(name.into());
        self
    }

    /// True where both are about the same thing. What is told of it may have changed.
    fn asks_the_same(&self, other: &Self) -> bool {
        (&self.title, &self.typed) == (&other.title, &other.typed)
    }

    /// The tenants that it is about: yes does nothing once others are meant.
    #[must_use]
    pub fn about(mut self, tenants: impl IntoIterator<Item = TenantId>) -> Self {
        self.about = tenants.into_iter().collect();
        self
    }
}

/// An open question and its selected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    question: Question,
    then: &'static Command,
    yes: bool,
    field: Field,
}

impl Confirm {
    /// A question with the safe answer selected.
    #[must_use]
    pub fn new(question: Question, then: &'static Command) -> Self {
        Self { question, then, yes: false, field: Field::default() }
    }

    /// True where this command is asked about.
    #[must_use]
    pub fn is_about(&self, id: &str) -> bool {
        self.then.id == id
    }

    /// True where a name has to be typed: the keys are letters then.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.question.typed.is_some()
    }

    /// The line that is being typed.
    pub fn field(&mut self) -> Option<&mut Field> {
        self.is_typing().then_some(&mut self.field)
    }

    /// What a terminal of one line says.
    #[must_use]
    pub fn one_line(&self) -> (String, String) {
        match self.question.short {
            Some((words, shorter)) => (format!("{words} y n"), format!("{shorter} y n")),
            None => (format!("{} y n", self.question.title), "? y n".to_owned()),
        }
    }

    fn is_typed(&self) -> bool {
        // Nothing typed is never a name, whatever the tenant is called.
        let is_name = |name: &String| !name.trim().is_empty() && self.field.text().trim() == name.trim();
        self.question.typed.as_ref().is_none_or(is_name)
    }
}

impl App {
    /// Asks before the command of this id is run.
    pub fn ask(&mut self, id: &str, question: Question) {
        if let Some(then) = table().find(|command| command.id == id) {
            self.dialog = Some(Dialog::Confirm(Confirm::new(question, then)));
        }
    }
}

/// Enter in a question that wants a name.
pub fn submit(app: &mut App) -> Vec<Effect> {
    match &app.dialog {
        Some(Dialog::Confirm(confirm)) if confirm.is_typed() => answer(app, true),
        // Not the name: nothing happens, and the line says what is wanted.
        _ => done(),
    }
}

fn answer(app: &mut App, yes: bool) -> Vec<Effect> {
    let Some(Dialog::Confirm(confirm)) = app.dialog.take() else { return done() };
    if !yes || !confirm.is_typed() {
        return done();
    }
    if !still_meant(&app.shared, &confirm.question.about) {
        app.shared.warn("The list has changed since the question: nothing was done.");
        return done();
    }
    if (confirm.then.ask)(app).is_some_and(|fresh| !fresh.asks_the_same(&confirm.question)) {
        app.shared.warn("What was asked about has changed since: nothing was done.");
        return done();
    }
    // Also what was possible when it was asked may not be now.
    if let Err(problem) = crate::tui::update::keys::allowed(app, confirm.then) {
        app.shared.tell(&problem);
        return done();
    }
    (confirm.then.run)(app)
}

fn still_meant(shared: &Shared, about: &[TenantId]) -> bool {
    let targets = shared.tenants.targets();
    about.is_empty() || (targets.len() == about.len() && targets.iter().all(|tenant| about.contains(&tenant.id)))
}

/// Draws the question.
pub fn draw(app: &App, dialog: &Confirm, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 56);
    let question = &dialog.question;
    let mut lines = wrapped(&question.text, 0, columns, 6, theme.text);
    lines.push(Line::raw(""));
    if let Some(name) = &question.typed {
        lines.extend(wrapped(&format!("Type {name} to confirm."), 0, columns, 2, theme.dim));
        lines.push(dialog.field.line(theme, columns, "› "));
        let (words, style) = if dialog.is_typed() { (question.yes, theme.bad) } else { ("not yet", theme.dim) };
        lines.push(Line::raw(""));
        lines.push(Line::from(vec![
            Span::styled("Enter", theme.accent),
            Span::styled(format!(" {words}   "), style),
            Span::styled("Esc", theme.accent),
            Span::styled(" leaves everything as it is", theme.dim),
        ]));
    } else {
        let answer = |words: &'static str, selected: bool| {
            let (mark, style) = if selected { ("▌ ", theme.selection) } else { ("  ", theme.dim) };
            [Span::styled(mark, theme.accent), Span::styled(words, style)]
        };
        let mut spans = answer(question.no, !dialog.yes).to_vec();
        spans.push(Span::raw("      "));
        spans.extend(answer(question.yes, dialog.yes));
        lines.push(Line::from(spans));
    }
    window(app, frame, area, &question.title, columns, lines, 0);
}

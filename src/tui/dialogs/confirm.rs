//! A question before something that cannot be taken back lightly. No is selected; what destroys wants a name typed. The
//! answer runs the command that was asked about, and only for what it was asked about.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::field::Field;
use super::{anchored, text_columns, text_rows};
use crate::model::TenantId;
use crate::tui::actions::{done, general::leaving};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::dialogs::Dialog;
use crate::tui::effect::Effect;
use crate::tui::format;
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
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    question: Question,
    then: &'static Command,
    yes: bool,
    field: Field,
    /// What it stands over, and what comes back where everything stays as it is.
    over: Option<Box<Dialog>>,
}

impl Confirm {
    /// A question with the safe answer selected.
    #[must_use]
    pub fn new(question: Question, then: &'static Command) -> Self {
        Self { question, then, yes: false, field: Field::default(), over: None }
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

    /// What a terminal of one line says; `None` for a question that has no words for it, or where there is room for none.
    #[must_use]
    pub fn one_line(&self, shared: &Shared) -> Option<String> {
        let (words, shorter) = self.question.short?;
        let keys = format!("{} {}", shared.key_of("question.yes"), shared.key_of("question.no"));
        let columns = usize::from(shared.size.0);
        [words, shorter].map(|words| format!("{words} {keys}")).into_iter().find(|line| format::width(line) <= columns)
    }

    /// What it stands over.
    pub fn over(&mut self) -> Option<&mut Dialog> {
        self.over.as_deref_mut()
    }

    /// The same, to look at.
    #[must_use]
    pub fn stands_over(&self) -> Option<&Dialog> {
        self.over.as_deref()
    }

    /// Takes away what it stands over.
    pub fn take_over(&mut self) -> Option<Dialog> {
        self.over.take().map(|over| *over)
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

    /// The same, over whatever is open: it comes back where everything stays as it is.
    pub fn ask_over(&mut self, id: &str, question: Question) {
        let over = self.dialog.take().map(Box::new);
        self.ask(id, question);
        if let Some(Dialog::Confirm(confirm)) = &mut self.dialog {
            confirm.over = over;
        }
    }
}

/// The dialog that is open, also where a question stands over it: what it waits for may come meanwhile.
pub fn beneath(dialog: &mut Option<Dialog>) -> Option<&mut Dialog> {
    if matches!(dialog, Some(Dialog::Confirm(confirm)) if confirm.over.is_some()) {
        return match dialog {
            Some(Dialog::Confirm(confirm)) => confirm.over(),
            _ => None,
        };
    }
    dialog.as_mut()
}

/// True for a dialog in which the next Enter may change something.
fn is_weighty(dialog: &Dialog) -> bool {
    matches!(dialog, Dialog::Confirm(_) | Dialog::Line(_) | Dialog::Pick(_) | Dialog::NewTenant(_))
}

/// The question whether to leave goes once there is nothing left to lose.
pub fn review(app: &mut App) {
    // An answer that is on its way to this question must not be one to what lies below it.
    let is_leaving = matches!(&app.dialog, Some(Dialog::Confirm(confirm))
        if confirm.is_about("quit") && !confirm.stands_over().is_some_and(is_weighty));
    if is_leaving
        && leaving(app).is_none()
        && let Some(Dialog::Confirm(mut confirm)) = app.dialog.take()
    {
        app.dialog = confirm.take_over();
        app.shared.dirty = true;
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
    let Some(Dialog::Confirm(mut confirm)) = app.dialog.take() else { return done() };
    app.dialog = confirm.take_over();
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

/// Draws the question. Its answers can be seen whatever the size: where there is little room, the text says less.
pub fn draw(app: &App, dialog: &Confirm, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 56);
    let question = &dialog.question;
    let mut answers = vec![Line::raw("")];
    if let Some(name) = &question.typed {
        answers.extend(wrapped(&format!("Type {name} to confirm."), 0, columns, 2, theme.dim));
        answers.push(dialog.field.line(theme, columns, "› "));
        let (words, style) = if dialog.is_typed() { (question.yes, theme.bad) } else { ("not yet", theme.dim) };
        answers.push(Line::raw(""));
        let key = |id: &str| Span::styled(app.shared.key_of(id), theme.accent);
        answers.push(Line::from(vec![
            key("line.take"),
            Span::styled(format!(" {words}   "), style),
            key("line.leave"),
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
        answers.push(Line::from(spans));
    }
    let room = text_rows(area).saturating_sub(answers.len()).clamp(1, 6);
    let text = wrapped(&question.text, 0, columns, room, theme.text);
    anchored(app, frame, area, &question.title, columns, text, answers);
}

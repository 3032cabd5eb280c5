//! A question before something that cannot be taken back. No is selected.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{text_columns, window};
use crate::tui::app::App;
use crate::tui::panes::deploy::Run;
use crate::tui::panes::frame::wrapped;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Leave while a deploy runs.
    Quit,
}

/// An open question and its selected answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    /// What is asked.
    pub question: Question,
    /// The selected answer.
    pub yes: bool,
}

impl Confirm {
    /// A question with the safe answer selected.
    #[must_use]
    pub fn new(question: Question) -> Self {
        Self { question, yes: false }
    }
}

/// Draws the question.
pub fn draw(app: &App, dialog: Confirm, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let columns = text_columns(area, 56);
    let (title, consequence) = match dialog.question {
        Question::Quit => {
            let run = app.deploy.running();
            let name = run.map_or("the tenant", |run| run.name.as_str());
            let then = if run.is_some_and(Run::is_with_server) {
                "The server has the image and goes on by itself, also without you."
            } else {
                "Leaving stops it; what runs there now goes on running."
            };
            ("Leave?", format!("The deploy of {name} is still running. {then}"))
        }
    };
    let mut lines = wrapped(&consequence, 0, columns, 4, theme.text);
    lines.push(Line::raw(""));
    let answer = |words: &'static str, selected: bool| {
        let (mark, style) = if selected { ("▌ ", theme.selection) } else { ("  ", theme.dim) };
        [Span::styled(mark, theme.accent), Span::styled(words, style)]
    };
    let mut spans = answer("No, stay", !dialog.yes).to_vec();
    spans.push(Span::raw("      "));
    spans.extend(answer("Yes, leave", dialog.yes));
    lines.push(Line::from(spans));
    window(app, frame, area, title, columns, lines, 0);
}

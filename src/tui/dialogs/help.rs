//! What the keys do, made from the command table; a command that is not possible now says why.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{text_columns, window};
use crate::tui::app::App;
use crate::tui::availability;
use crate::tui::commands::{COMMANDS, Scope};
use crate::tui::format;

/// Columns of the keys.
const KEYS: usize = 18;

/// Every line of the help.
#[must_use]
pub fn lines(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    for scope in Scope::ALL {
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.push(Line::styled(scope.title(), theme.strong));
        for command in COMMANDS.iter().filter(|command| command.scope == scope) {
            let keys: Vec<String> = command.keys.iter().map(|key| key.shown()).collect();
            let not_now = (scope == Scope::Main).then(|| availability::check(app, command.action).err()).flatten();
            let (key_style, style) =
                if not_now.is_some() { (theme.dim, theme.dim) } else { (theme.accent, theme.text) };
            let help = match &not_now {
                Some(problem) => format!("{} Not now: {}", command.help, problem.title),
                None => command.help.to_owned(),
            };
            for (place, part) in format::wrap(&help, columns.saturating_sub(KEYS)).into_iter().enumerate() {
                let keys = if place == 0 { keys.join("  ") } else { String::new() };
                lines.push(Line::from(vec![
                    Span::styled(format::pad(&keys, KEYS), key_style),
                    Span::styled(part, style),
                ]));
            }
        }
    }
    lines
}

/// Draws the help from line `first` on.
pub fn draw(app: &App, first: usize, frame: &mut Frame<'_>, area: Rect) {
    let columns = text_columns(area, 84);
    window(app, frame, area, "Keys", columns, lines(app, columns), first);
}

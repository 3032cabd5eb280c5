//! What the keys do, made from the command table and the person's own keys; a command that is not possible now says why.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{text_columns, window};
use crate::tui::app::App;
use crate::tui::commands::{Scope, table};
use crate::tui::format;
use crate::tui::update::keys;

/// Columns of the keys.
const KEYS: usize = 18;
/// Columns of the text.
pub const COLUMNS: usize = 84;

/// Every line of the help: the pane with the focus first, since that is what somebody asks about.
#[must_use]
pub fn lines(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let mut lines = Vec::new();
    let mut scopes = Scope::all();
    scopes.sort_by_key(|scope| *scope != Scope::Pane(app.focus));
    for scope in scopes {
        let commands: Vec<_> = table().filter(|command| command.scope == scope).collect();
        if commands.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.push(Line::styled(scope.title(), theme.strong));
        for command in commands {
            let keys = app.shared.keymap.all_of(command);
            let asked = matches!(scope, Scope::Main | Scope::Pane(_));
            let not_now = asked.then(|| keys::allowed(app, command).err()).flatten();
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
    let columns = text_columns(area, COLUMNS);
    window(app, frame, area, "Keys", columns, lines(app, columns), first);
}

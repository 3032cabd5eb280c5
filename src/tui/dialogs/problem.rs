//! The newest problem in full.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{text_columns, window};
use crate::tui::app::App;
use crate::tui::panes::frame::wrapped;

/// Every line of the problem.
#[must_use]
pub fn lines(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let Some(problem) = &app.problem else { return vec![Line::raw("There is no problem to show.")] };
    let parts =
        [(Some(&problem.title), theme.bad), (problem.detail.as_ref(), theme.dim), (problem.hint.as_ref(), theme.text)];
    let mut lines = Vec::new();
    for (text, style) in parts {
        let Some(text) = text else { continue };
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.extend(wrapped(text, 0, columns, usize::MAX, style));
    }
    lines
}

/// Draws the problem from line `first` on.
pub fn draw(app: &App, first: usize, frame: &mut Frame<'_>, area: Rect) {
    let columns = text_columns(area, 90);
    window(app, frame, area, "What went wrong", columns, lines(app, columns), first);
}

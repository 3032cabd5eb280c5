//! A problem in full, with the output of the step that failed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{text_columns, window};
use crate::tui::app::App;
use crate::tui::format::cut;
use crate::tui::panes::frame::wrapped;

/// Columns of the text.
pub const COLUMNS: usize = 90;

/// Every line of the problem.
#[must_use]
pub fn lines(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let Some(problem) = &app.shared.problem else { return vec![Line::raw("There is no problem to show.")] };
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
    let output: Vec<_> = app.shared.deploys.output_of(problem).collect();
    if !output.is_empty() {
        lines.push(Line::raw(""));
        lines.push(Line::styled("The last output", theme.strong));
        // As it was printed: where the lines of a compiler stand says what they mean.
        lines.extend(output.into_iter().map(|line| Line::styled(cut(line, columns), theme.dim)));
    }
    lines
}

/// Draws the problem from line `first` on.
pub fn draw(app: &App, first: usize, frame: &mut Frame<'_>, area: Rect) {
    let columns = text_columns(area, COLUMNS);
    window(app, frame, area, "What went wrong", columns, lines(app, columns), first);
}

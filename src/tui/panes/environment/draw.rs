//! How the environment looks: a table of names and values, and below it the selected value in full where it was cut.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::State;
use crate::model::{Tenant, Variable};
use crate::tui::app::Shared;
use crate::tui::format::{cut, pad, width};
use crate::tui::panes::frame::{draw_lines, fit, readable, wrapped};
use crate::tui::panes::parts::{failed, loading, nobody, not_fresh, top_of};

/// Columns of the marks at the right.
const MARKS: usize = 7;
/// Columns of the longest name that is not cut.
const LONGEST: usize = 34;
/// Rows of a value that is shown in full.
const FULL: usize = 4;
/// In place of a value that nobody knows.
const MASK: &str = "••••••••";

struct Places {
    /// Columns of a name.
    name: usize,
    /// Columns of a value.
    value: usize,
    /// The first variable in sight.
    first: usize,
    /// How many are in sight.
    rows: usize,
    /// Rows above the first one.
    above: usize,
    /// The selected value in full.
    full: Vec<Line<'static>>,
}

fn places(state: &State, shared: &Shared, shown: &[&Variable], columns: usize, rows: usize) -> Places {
    let longest = shown.iter().map(|variable| width(&variable.key)).max().unwrap_or(0);
    let name = longest.min(LONGEST).min(columns / 2).max(8);
    let value = columns.saturating_sub(2 + name + 2 + MARKS);
    let place = state.place(shown);
    let is_cut =
        |variable: &&&Variable| width(&variable.key) > name || (!variable.secret && width(&variable.value) + 1 > value);
    let full = shown.get(place).filter(is_cut).map_or_else(Vec::new, |variable| {
        let text = if variable.secret { MASK } else { variable.value.as_str() };
        let mut lines = vec![Line::raw(""), Line::styled(cut(&variable.key, columns), shared.theme.dim)];
        lines.extend(wrapped(text, 0, columns, FULL, shared.theme.text));
        lines
    });
    let problem = state.variables.problem(shared);
    let above = 1 + problem.map_or(0, |problem| not_fresh(shared, problem, columns).len());
    let rows = rows.saturating_sub(above + full.len()).max(1);
    Places { name, value, first: top_of(state.top, place, rows, shown.len()), rows, above, full }
}

/// The first row in sight in a pane of this size.
pub(super) fn top(state: &State, shared: &Shared, size: (u16, u16)) -> usize {
    let area = readable(Rect::new(0, 0, size.0, size.1));
    places(state, shared, &state.fitting(shared), usize::from(area.width), usize::from(area.height)).first
}

/// The name of the variable in a row of the pane.
pub(super) fn key_at(state: &State, shared: &Shared, row: u16, size: (u16, u16)) -> Option<String> {
    let shown = state.fitting(shared);
    let area = readable(Rect::new(0, 0, size.0, size.1));
    let places = places(state, shared, &shown, usize::from(area.width), usize::from(area.height));
    let row = usize::from(row).checked_sub(places.above).filter(|row| *row < places.rows)?;
    shown.get(places.first + row).map(|variable| variable.key.clone())
}

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let area = readable(area);
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    draw_lines(frame, area, lines(state, shared, columns, rows));
}

fn lines(state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    if shared.selected().is_none_or(Tenant::is_local) {
        return nobody(shared);
    }
    let problem = state.variables.problem(shared);
    let Some(known) = state.variables.of(shared) else {
        return match problem {
            Some(problem) => failed(shared, problem, columns, rows),
            None => loading(shared, "its environment"),
        };
    };
    if known.variables.is_empty() {
        return vec![Line::styled("Its machine is started with no variables.", theme.dim)];
    }
    let shown = state.fitting(shared);
    if shown.is_empty() {
        return vec![Line::styled("Nothing fits the filter.", theme.dim)];
    }
    let places = places(state, shared, &shown, columns, rows);
    let mut lines = problem.map_or_else(Vec::new, |problem| not_fresh(shared, problem, columns));
    let heading = format!("  {}  {}", pad("NAME", places.name), pad("VALUE", places.value));
    lines.push(Line::styled(cut(&heading, columns), theme.dim));
    let selected = state.place(&shown);
    for (place, variable) in shown.iter().enumerate().skip(places.first).take(places.rows) {
        lines.push(line(shared, variable, place == selected, &places, columns));
    }
    lines.extend(places.full);
    lines
}

fn line(shared: &Shared, variable: &Variable, selected: bool, places: &Places, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let weight = if selected { theme.selection } else { theme.text };
    let (value, style) = if variable.secret { (MASK, theme.dim) } else { (variable.value.as_str(), theme.text) };
    let (mark, mark_style) = match (variable.secret, variable.managed) {
        (_, true) => ("managed", theme.dim),
        (true, false) => ("secret", theme.info),
        (false, false) => ("", theme.dim),
    };
    Line::from(fit(
        vec![
            Span::styled(if selected { "▌ " } else { "  " }, theme.accent),
            Span::styled(pad(&variable.key, places.name), weight),
            Span::raw("  "),
            Span::styled(pad(&cut(value, places.value.saturating_sub(1)), places.value), style),
            Span::styled(mark, mark_style),
        ],
        columns,
    ))
}

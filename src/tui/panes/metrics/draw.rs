//! How the metrics pane looks: four charts where there is room, else as many as fit and a line for each of the others.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::canvas::{Canvas, Window, sparkline};
use super::charts::{Chart, charts};
use super::scale::clock_times;
use super::series::{longest, points};
use super::{State, has_machine};
use crate::model::{MetricsRange, TenantState};
use crate::tui::app::Shared;
use crate::tui::format::{self, pad, pad_left};
use crate::tui::panes::frame::{draw_lines, fit, problem_lines, wrapped};
use crate::tui::panes::parts::indented;
use crate::tui::theme::{Theme, spinner};

/// From this on two charts stand side by side.
const WIDE: u16 = 100;
/// Blank columns between them.
const BETWEEN: u16 = 3;
/// The fewest rows of a chart: its words, three of dots or more, and the clock times.
const LEAST: usize = 6;
/// Columns of the figures beside a chart: `1000 kB/s`.
const FIGURE: usize = 9;
/// Columns that a clock time wants.
const CLOCK: usize = 9;

/// True until the first answer.
pub(super) fn is_loading(state: &State, shared: &Shared) -> bool {
    let nothing = state.now.is_none() && state.curve.is_none() && state.problem().is_none();
    nothing && shared.selected().is_some_and(has_machine)
}

/// What the machine is doing, at the right of the title.
pub(super) fn note(state: &State, shared: &Shared) -> Vec<Span<'static>> {
    let theme = &shared.theme;
    let Some(now) = &state.now else { return Vec::new() };
    let (glyph, style) = match now.machine_state.as_str() {
        "started" => ("●", theme.good),
        "restarting" => ("◐", theme.accent),
        "stopped" => ("◌", theme.dim),
        "destroyed" => ("✕", theme.dim),
        "" => return Vec::new(),
        _ => ("?", theme.dim),
    };
    let mut spans = vec![Span::styled(format!("{glyph} {}", format::cut(&now.machine_state, 20)), style)];
    if now.uptime_seconds > 0 {
        let up = match now.uptime_seconds {
            0..60 => "since just now".to_owned(),
            60..3600 => format!("for {}m", now.uptime_seconds / 60),
            3600..86_400 => format!("for {}h", now.uptime_seconds / 3600),
            _ => format!("for {}d", now.uptime_seconds / 86_400),
        };
        spans.push(Span::styled(format!(" {up}"), theme.dim));
    }
    spans
}

/// The ranges, with the keys that change it.
pub(super) fn foot(state: &State, shared: &Shared) -> Vec<Span<'static>> {
    let theme = &shared.theme;
    let mut spans = vec![Span::styled(shared.key_of("metrics.shorter"), theme.accent), Span::raw(" ")];
    for range in MetricsRange::ALL {
        let style = if range == state.range { theme.strong } else { theme.dim };
        spans.push(Span::styled(format!("{range} "), style));
    }
    spans.push(Span::styled(shared.key_of("metrics.longer"), theme.accent));
    spans
}

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let theme = &shared.theme;
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    if let Some(words) = resting(shared) {
        draw_lines(frame, area, words);
        return;
    }
    if !state.is_current(shared) || is_loading(state, shared) {
        let spans = vec![
            Span::styled(format!("  {} ", spinner(shared.frame)), theme.accent),
            Span::styled("loading figures", theme.dim),
        ];
        draw_lines(frame, area, vec![Line::from(spans)]);
        return;
    }
    let mut area = area;
    if let Some(problem) = state.problem() {
        if state.now.is_none() && state.curve.is_none() {
            let mut lines = problem_lines(theme, problem, 2, columns, rows.saturating_sub(2).max(1));
            lines.push(indented(shared, &[("refresh", "try again"), ("details", "full text")]));
            draw_lines(frame, area, lines);
            return;
        }
        let said = wrapped(&format!("Not up to date: {}", problem.title), 0, columns, 2, theme.warn);
        let taken = u16::try_from(said.len()).unwrap_or(0).min(area.height);
        draw_lines(frame, Rect { height: taken, ..area }, said);
        area = Rect { y: area.y + taken, height: area.height - taken, ..area };
    }
    let charts = charts(state, &shared.theme);
    if area.width >= WIDE && usize::from(area.height) > 2 * LEAST {
        in_a_grid(&charts, state, shared, frame, area);
    } else {
        below_each_other(&charts, state, shared, frame, area);
    }
}

/// What is said where there is nothing to measure.
fn resting(shared: &Shared) -> Option<Vec<Line<'static>>> {
    let theme = &shared.theme;
    let Some(tenant) = shared.selected() else {
        let words = if shared.tenants.is_loading() { "" } else { "What the selected tenant uses appears here." };
        return Some(vec![Line::styled(words, theme.dim)]);
    };
    if has_machine(tenant) {
        return None;
    }
    let first = Line::from(vec![
        Span::styled("  No machine yet", theme.strong),
        Span::styled(" · nothing to measure before the first deploy", theme.dim),
    ]);
    let mut lines = vec![first];
    if tenant.state() == TenantState::ToDeploy {
        lines.push(indented(shared, &[("deploy", "builds the project, pushes the image and deploys it")]));
    }
    Some(lines)
}

fn in_a_grid(charts: &[Chart], state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let width = (area.width - BETWEEN) / 2;
    let upper = area.height.div_ceil(2);
    for (place, chart) in (0u16..).zip(charts) {
        let (x, y) = (area.x + place % 2 * (width + BETWEEN), area.y + place / 2 * upper);
        // One blank row keeps the upper charts apart from the lower ones.
        let height = if place < 2 { upper - 1 } else { area.height - upper };
        let room = Rect { x, y, width, height };
        draw_lines(frame, room, block(chart, state, shared, usize::from(width), usize::from(height)));
    }
}

fn below_each_other(charts: &[Chart], state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    // As many as fit, each of the others in one line.
    let whole = (0..=charts.len()).rev().find(|count| count * LEAST + (charts.len() - count) <= rows).unwrap_or(0);
    let height = rows.saturating_sub(charts.len() - whole).checked_div(whole).unwrap_or(0);
    let mut lines = Vec::new();
    for (place, chart) in charts.iter().enumerate() {
        if place < whole {
            lines.extend(block(chart, state, shared, columns, height));
        } else {
            lines.push(short(chart, state, shared, columns));
        }
    }
    draw_lines(frame, area, lines);
}

/// What is seen of the time with so many dots side by side: whole seconds to a dot, so that a curve stands still until
/// the next dot begins.
fn window(state: &State, shared: &Shared, dots: usize, top: f64) -> Window {
    let dots = i64::try_from(dots).unwrap_or(1).max(1);
    let dot = (state.range.seconds() + dots - 1) / dots;
    let came = state.curve.as_ref().map_or(shared.now.wall, |curve| curve.came);
    let end = (came.as_second() / dot + 1) * dot;
    let history = state.curve.as_ref().map(|curve| &curve.history);
    let longest = history.map_or(0, |history| longest(history, &points(history)));
    Window { start: end - dot * dots, end, top, longest }
}

/// The line of words above a chart.
fn words(chart: &Chart, state: &State, shared: &Shared, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let mut spans = vec![Span::styled(pad(chart.name, FIGURE), theme.dim)];
    for (words, style) in &chart.newest {
        spans.push(Span::styled(format!("{words} "), *style));
    }
    if let Some(peak) = chart.peak() {
        let at = Timestamp::from_second(peak.at).ok().map(|at| when(state, shared, at));
        let words = format!("· peak {}, {}", (chart.say)(peak.value), at.unwrap_or_default());
        spans.push(Span::styled(words, theme.dim));
    }
    Line::from(fit(spans, columns))
}

fn when(state: &State, shared: &Shared, at: Timestamp) -> String {
    let form = if state.range == MetricsRange::Week { "%-d %b %H:%M" } else { "%H:%M" };
    at.to_zoned(shared.zone.clone()).strftime(form).to_string()
}

/// A chart in so many columns and rows, its words and clock times included.
fn block(chart: &Chart, state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = vec![words(chart, state, shared, columns)];
    let (across, up) = (columns.saturating_sub(FIGURE + 1), rows.saturating_sub(2));
    if across == 0 || up == 0 {
        return lines;
    }
    let figures = u32::try_from(up / 2).unwrap_or(1).clamp(1, 4);
    let scale = chart.scale(figures);
    let window = window(state, shared, across * 2, scale.top());
    let mut canvas = Canvas::new(across, up);
    for (samples, style) in &chart.curves {
        canvas.curve(samples, &window, *style);
    }
    let is_empty = chart.curves.iter().all(|(samples, _)| samples.is_empty());
    let limit = chart.limit.map(|limit| (canvas.row_of(limit, scale.top()), limit));
    for row in 0..up {
        let figure = scale.figures().find(|figure| canvas.row_of(*figure, scale.top()) == row);
        let label =
            figure.map_or_else(String::new, |figure| if figure == 0.0 { "0".to_owned() } else { (chart.say)(figure) });
        let behind = match limit {
            Some((place, limit)) if place == row => limit_line(theme, &(chart.say)(limit), across),
            _ if is_empty && row == up / 2 => Line::styled(format!("  {}", chart.missing), theme.dim),
            _ => Line::raw(""),
        };
        let mut spans = vec![Span::styled(format!("{} ", pad_left(&label, FIGURE)), theme.dim)];
        spans.extend(canvas.row(row, &behind));
        lines.push(Line::from(spans));
    }
    lines.push(clock_line(shared, &window, across));
    lines
}

/// `╌╌╌╌╌ limit 1 GB`
fn limit_line(theme: &Theme, limit: &str, across: usize) -> Line<'static> {
    let label = format!(" limit {limit}");
    let rule = across.saturating_sub(format::width(&label));
    Line::styled(format!("{}{label}", "╌".repeat(rule)), theme.dim)
}

fn clock_line(shared: &Shared, window: &Window, across: usize) -> Line<'static> {
    let mut text = String::new();
    for (along, label) in clock_times(window.start, window.end, &shared.zone, across / CLOCK) {
        let at = usize::from(along) * across / 1000;
        // Below its place, in the middle; no label runs into the one before or over the edge.
        let from = at.saturating_sub(label.len() / 2).min(across.saturating_sub(label.len()));
        let used = text.len();
        if used == 0 || from > used {
            text.push_str(&" ".repeat(from - used));
            text.push_str(&label);
        }
    }
    Line::styled(format!("{}{text}", " ".repeat(FIGURE + 1)), shared.theme.dim)
}

/// A chart in one line.
fn short(chart: &Chart, state: &State, shared: &Shared, columns: usize) -> Line<'static> {
    let room = (columns / 3).clamp(8, 40);
    let left = words(chart, state, shared, columns.saturating_sub(room + 1));
    let wide = left.width();
    let window = window(state, shared, room, chart.scale(1).top());
    let mut spans = left.spans;
    spans.push(Span::raw(" ".repeat(columns.saturating_sub(room + wide))));
    let curve = chart.curves.first().map(|(samples, style)| (sparkline(samples, &window, room), *style));
    let (bars, style) = curve.unwrap_or_default();
    spans.push(Span::styled(bars, style));
    Line::from(spans)
}

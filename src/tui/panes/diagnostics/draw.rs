//! How the diagnostics look: groups of labels and values, and below them the program's log, which has its own colours.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::fmt::Write as _;

use super::{Known, State};
use crate::model::Problem;
use crate::tui::app::Shared;
use crate::tui::format::cut_middle;
use crate::tui::log::Level;
use crate::tui::panes::frame::{draw_lines, problem_lines, readable, wrapped};
use crate::tui::panes::parts::{Field, LABEL, failed, fields, loading, not_fresh, rule, scrolled};
use crate::tui::theme::Theme;

/// Columns by which the lines are counted for scrolling: a narrow pane has the most.
const NARROW: usize = 58;
/// Lines of a problem.
const PROBLEM: usize = 4;

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let area = readable(area);
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    draw_lines(frame, area, scrolled(lines(state, shared, columns, rows), state.scroll, rows));
}

/// How many lines there are at most.
pub(super) fn count(state: &State, shared: &Shared) -> usize {
    lines(state, shared, NARROW, usize::MAX).len()
}

/// What stands at the right end of the title.
pub(super) fn note(state: &State, shared: &Shared) -> Vec<Span<'static>> {
    let Some(known) = &state.known else { return Vec::new() };
    let down = usize::from(known.facts.api_answer.is_err()) + usize::from(known.facts.engine.is_err());
    match down {
        0 => vec![Span::styled("✓ all answer", shared.theme.good)],
        1 => vec![Span::styled("✕ one does not answer", shared.theme.bad)],
        _ => vec![Span::styled("✕ nothing answers", shared.theme.bad)],
    }
}

fn lines(state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = Vec::new();
    let known = match (&state.known, &state.problem) {
        (Some(known), problem) => {
            lines.extend(problem.iter().flat_map(|problem| not_fresh(shared, problem, columns)));
            known
        }
        (None, Some(problem)) => return failed(shared, problem, columns, rows),
        (None, None) => return loading(shared, "what answers"),
    };
    for group in groups(known) {
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.push(rule(theme, group.title, columns));
        for (label, entry) in group.entries {
            match entry {
                Entry::Text(text) => {
                    let text = cut_middle(&text, columns.saturating_sub(LABEL));
                    lines.extend(fields(theme, vec![Field::new(label, text, theme.text).long()], columns));
                }
                Entry::Up(text) => {
                    let value = vec![Span::styled("● ", theme.good), Span::styled(text, theme.text)];
                    lines.extend(fields(theme, vec![Field::of(label, value).long()], columns));
                }
                Entry::Down(problem) => {
                    let value = vec![Span::styled("✕ does not answer", theme.bad)];
                    lines.extend(fields(theme, vec![Field::of(label, value).long()], columns));
                    lines.extend(problem_lines(theme, problem, LABEL, columns, PROBLEM));
                }
            }
        }
    }
    lines.push(Line::raw(""));
    lines.push(rule(theme, "the program's log", columns));
    if known.facts.log.is_empty() {
        lines.push(Line::styled("Nothing was noted since the start.", theme.dim));
    }
    for line in &known.facts.log {
        lines.extend(noted(theme, line, columns));
    }
    lines
}

/// A line of the log: its level has a colour, what goes on is indented.
fn noted(theme: &Theme, line: &str, columns: usize) -> Vec<Line<'static>> {
    let level = line.split_whitespace().nth(1).map_or(Level::Unknown, Level::of_word);
    wrapped(line, 0, columns, 3, theme.tone(level.tone()))
}

/// What stands behind a label.
enum Entry<'a> {
    Text(String),
    Up(String),
    Down(&'a Problem),
}

struct Group<'a> {
    title: &'static str,
    entries: Vec<(&'static str, Entry<'a>)>,
}

fn groups(known: &Known) -> Vec<Group<'_>> {
    let facts = &known.facts;
    let path =
        |path: &Option<String>| Entry::Text(path.clone().unwrap_or_else(|| "nowhere on this machine".to_owned()));
    let api = match (&facts.api_answer, known.pace) {
        (Ok(_), Some(pace)) => Entry::Up(format!("answers in {}", pace.words())),
        (Ok(_), None) => Entry::Up("answers".to_owned()),
        (Err(problem), _) => Entry::Down(problem),
    };
    let engine = match &facts.engine {
        Ok(engine) => vec![
            ("state", Entry::Up(engine.words.clone())),
            ("address", Entry::Text(engine.host.clone())),
            ("chosen by", Entry::Text(engine.reason.clone())),
        ],
        Err(problem) => vec![("state", Entry::Down(problem))],
    };
    let mut files = vec![
        ("project", Entry::Text(facts.project.clone())),
        ("settings", path(&facts.configuration)),
        ("state, log", path(&facts.state)),
    ];
    files.extend(facts.crash.as_ref().map(|path| ("last crash", Entry::Text(path.clone()))));
    vec![
        Group { title: "program", entries: vec![("tenantry", Entry::Text(facts.program.clone()))] },
        Group { title: "Management API", entries: vec![("address", Entry::Text(facts.api.clone())), ("state", api)] },
        Group { title: "Docker Engine", entries: engine },
        Group { title: "files", entries: files },
    ]
}

/// All of it as plain text.
pub(super) fn report(known: &Known) -> String {
    let mut out = String::new();
    for group in groups(known) {
        let _ = writeln!(out, "{}", group.title);
        for (label, entry) in group.entries {
            let text = match entry {
                Entry::Text(text) | Entry::Up(text) => text,
                Entry::Down(problem) => problem.to_string(),
            };
            let _ = writeln!(out, "  {label:<LABEL$}  {text}");
        }
    }
    let _ = writeln!(out, "the program's log");
    for line in &known.facts.log {
        let _ = writeln!(out, "  {line}");
    }
    out
}

//! How the history looks: a table of deploys, and a card of the selected one beside or below it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::Duration;

use super::State;
use super::rows::{Outcome, Row};
use crate::model::{DeployEnd, DeployRecord, StepResult, Tenant};
use crate::ops::history::Comparison;
use crate::tui::app::Shared;
use crate::tui::format::{self, cut_middle, pad, pad_left};
use crate::tui::panes::frame::{draw_lines, fit, wrapped};
use crate::tui::panes::parts::{Field, LABEL, ago, date, failed, fields, hints, loading, nobody, rule, stamp, top_of};
use crate::tui::theme::spinner;

/// Columns of the table with everything in it.
const TABLE: usize = 68;
/// From this many columns on the card stands beside the table.
const BESIDE: usize = 112;

/// Where everything stands.
struct Places {
    table: Rect,
    card: Option<Rect>,
    /// The first row in sight.
    first: usize,
    /// Rows above the first one: the heading, and what is wrong.
    above: usize,
}

fn places(state: &State, shared: &Shared, area: Rect) -> Places {
    let above = 1 + troubles(state, shared, usize::from(area.width)).len();
    let has_card = state.details && state.row(shared).is_some();
    let (table, card) = match has_card {
        false => (area, None),
        true if usize::from(area.width) >= BESIDE => {
            let width = u16::try_from(TABLE + 2).unwrap_or(area.width);
            let card = Rect { x: area.x + width, width: area.width - width, ..area };
            (Rect { width, ..area }, Some(card))
        }
        true => {
            // The card has what it needs as long as a few deploys stay in sight.
            let most = area.height.saturating_sub(u16::try_from(above).unwrap_or(1) + 3);
            let lines = state.row(shared).map_or(0, |row| card(shared, row, usize::from(area.width)).len());
            let height = u16::try_from(lines).unwrap_or(most).min(most);
            let table = Rect { height: area.height - height, ..area };
            (table, Some(Rect { y: table.bottom(), height, ..area }))
        }
    };
    let rows = usize::from(table.height).saturating_sub(above).max(1);
    let first = top_of(state.top, state.place().unwrap_or(0), rows, state.shown(shared).len());
    Places { table, card, first, above }
}

/// The first row in sight in a pane of this size.
pub(super) fn top(state: &State, shared: &Shared, size: (u16, u16)) -> usize {
    places(state, shared, Rect::new(0, 0, size.0, size.1)).first
}

/// The deploy at a place inside of the pane.
pub(super) fn place_at(state: &State, shared: &Shared, row: u16, column: u16, size: (u16, u16)) -> Option<usize> {
    let places = places(state, shared, Rect::new(0, 0, size.0, size.1));
    if column >= places.table.width || row >= places.table.height {
        return None;
    }
    let place = places.first + usize::from(row).checked_sub(places.above)?;
    (place < state.shown(shared).len()).then_some(place)
}

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let columns = usize::from(area.width);
    if state.shown(shared).is_empty() {
        draw_lines(frame, area, empty(state, shared, columns, usize::from(area.height)));
        return;
    }
    let places = places(state, shared, area);
    let columns = usize::from(places.table.width);
    let mut lines = troubles(state, shared, columns);
    lines.push(heading(shared, columns));
    let selected = state.place();
    for (place, row) in state.shown(shared).iter().enumerate().skip(places.first) {
        lines.push(line(shared, row, selected == Some(place), columns));
    }
    draw_lines(frame, places.table, lines);
    if let (Some(area), Some(row)) = (places.card, state.row(shared)) {
        draw_lines(frame, area, card(shared, row, usize::from(area.width)));
    }
}

fn empty(state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    if shared.selected().is_none_or(Tenant::is_local) {
        return nobody(shared);
    }
    if state.local.is_loading(shared) || state.server.is_loading(shared) {
        return loading(shared, "its deploys");
    }
    if let Some(problem) = state.server.problem(shared).or(state.local.problem(shared)) {
        return failed(shared, problem, columns, rows);
    }
    let words = Line::styled("Nothing was deployed yet.", shared.theme.dim);
    vec![words, hints(shared, &[("deploy", "builds the project, pushes the image and deploys it")])]
}

/// Which side does not answer.
fn troubles(state: &State, shared: &Shared, columns: usize) -> Vec<Line<'static>> {
    let sides = [
        (state.server.problem(shared), "Only what this machine remembers"),
        (state.local.problem(shared), "Only what the server remembers"),
    ];
    let told = sides.into_iter().filter_map(|(problem, words)| Some(format!("! {words}: {}", problem?.title)));
    told.flat_map(|words| wrapped(&words, 0, columns, 2, shared.theme.warn)).collect()
}

fn has_commit(columns: usize) -> bool {
    columns >= TABLE - 2
}

fn heading(shared: &Shared, columns: usize) -> Line<'static> {
    let commit = if has_commit(columns) { pad("COMMIT", 10) } else { String::new() };
    let words =
        format!("  {}{}{commit}{}{}", pad("WHEN", 16), pad("DIGEST", 10), pad("OUTCOME", 13), pad_left("TOOK", 8));
    Line::from(fit(vec![Span::styled(words, shared.theme.dim)], columns))
}

/// Glyph, word and colour of an outcome.
fn outcome(shared: &Shared, outcome: &Outcome) -> (&'static str, String, Style) {
    let theme = &shared.theme;
    match outcome {
        Outcome::Succeeded => ("✓", "succeeded".to_owned(), theme.good),
        Outcome::Deploying => (spinner(shared.frame), "deploying".to_owned(), theme.accent),
        Outcome::Failed => ("✕", "failed".to_owned(), theme.bad),
        Outcome::Cancelled => ("–", "stopped".to_owned(), theme.dim),
        Outcome::Left => ("?", "left alone".to_owned(), theme.dim),
        Outcome::BrokenOff => ("?", "broken off".to_owned(), theme.warn),
        Outcome::Other(word) => ("?", word.clone(), theme.dim),
    }
}

fn line(shared: &Shared, row: &Row, selected: bool, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let weight = if selected { theme.selection } else { theme.text };
    let (glyph, word, colour) = outcome(shared, &row.outcome);
    let age = row.began.map_or_else(|| "–".to_owned(), |at| format::age(shared.now.wall, at));
    let stamp = row.began.map_or_else(String::new, |at| stamp(shared, at));
    let digest = row.digest.as_deref().and_then(format::digest).unwrap_or("–");
    let mut spans = vec![
        Span::styled(if selected { "▌ " } else { "  " }, theme.accent),
        Span::styled(pad_left(&age, 4), weight),
        Span::styled(format!("  {}", pad(&stamp, 10)), theme.dim),
        Span::styled(pad(digest, 10), weight),
    ];
    if has_commit(columns) {
        spans.push(Span::styled(pad(&commit(row), 10), theme.dim));
    }
    spans.push(Span::styled(pad(&format!("{glyph} {word}"), 13), colour));
    let took = row.took.map_or_else(|| "–".to_owned(), format::duration);
    spans.push(Span::styled(pad_left(&took, 8), theme.dim));
    if row.runs_now {
        spans.push(Span::styled("  ● now", theme.good));
    }
    Line::from(fit(spans, columns))
}

fn commit(row: &Row) -> String {
    let git = row.local.as_ref().and_then(|entry| entry.record.git.as_ref());
    git.map_or_else(
        || "–".to_owned(),
        |git| format!("{}{}", git.commit.get(..7).unwrap_or(&git.commit), if git.dirty { "+" } else { "" }),
    )
}

/// Everything about one deploy.
fn card(shared: &Shared, row: &Row, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let room = columns.saturating_sub(LABEL);
    let long = |label, value: &str| Field::new(label, cut_middle(value, room), theme.text).long();
    let mut list = Vec::new();
    if let Some(at) = row.began {
        let when = format!("{} {} · {}", date(shared, at), format::clock(at, &shared.zone), ago(shared, at));
        list.push(long("began", &when));
    }
    list.extend(row.digest.as_deref().map(|digest| long("digest", digest)));
    let image = row.local.as_ref().map(|entry| &entry.record.image).or(row.server.as_ref().map(|known| &known.image));
    list.extend(image.filter(|image| !image.is_empty()).map(|image| long("image", image)));
    let Some(entry) = &row.local else {
        let mut lines = vec![rule(theme, "deploy", columns)];
        lines.extend(fields(theme, list, columns));
        let words = "The server remembers no more of it. It was not made from this machine.";
        lines.extend(wrapped(words, 0, columns, 2, theme.dim));
        return lines;
    };
    let record = &entry.record;
    list.extend(record.image_id.as_deref().map(|id| long("image id", id)));
    if let Some(git) = &record.git {
        let dirty = if git.dirty { " and changes that no commit holds" } else { "" };
        list.push(long("commit", &format!("{}{dirty}", git.commit.get(..12).unwrap_or(&git.commit))));
    }
    let made = [record.by.clone(), record.builder.map(|builder| format!("built by {builder}"))];
    let made: Vec<String> = made.into_iter().flatten().collect();
    if !made.is_empty() {
        list.push(long("who", &made.join(" · ")));
    }
    if let Some(of) = &record.rollback_of {
        list.push(long("brings back", &format!("the deploy {}", of.get(..8).unwrap_or(of))));
    }
    let mut lines = vec![rule(theme, "deploy", columns)];
    lines.extend(fields(theme, list, columns));
    match &record.outcome {
        DeployEnd::Failed { step, title } => {
            lines.extend(wrapped(&format!("✕ {}: {title}", step.word()), 0, columns, 3, theme.bad));
        }
        DeployEnd::Cancelled { step } => {
            lines.push(Line::styled(format!("– stopped while at {}", step.word()), theme.dim));
        }
        DeployEnd::Open | DeployEnd::Succeeded | DeployEnd::Detached => {}
    }
    lines.extend(steps(shared, record, entry.compared.as_ref(), columns));
    lines
}

/// Each step with its duration, and how that differs from the deploy before it.
fn steps(shared: &Shared, record: &DeployRecord, compared: Option<&Comparison>, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let step = |known: &crate::model::StepRecord| {
        let (glyph, style) = match known.result {
            StepResult::Done => ("✓", theme.good),
            StepResult::Skipped => ("–", theme.dim),
            StepResult::Failed => ("✕", theme.bad),
        };
        let skipped = known.result == StepResult::Skipped;
        let took = if skipped { String::new() } else { format::duration(Duration::from_millis(known.took_ms)) };
        let differs = compared.and_then(|compared| compared.steps.iter().find(|other| other.step == known.step));
        Line::from(fit(
            vec![
                Span::styled(format!("{glyph} "), style),
                Span::styled(pad(known.step.word(), LABEL - 2), if skipped { theme.dim } else { theme.text }),
                Span::styled(pad_left(&took, 11), theme.text),
                Span::styled(
                    pad_left(&differs.map_or_else(String::new, |other| difference(other.took_ms)), 11),
                    theme.dim,
                ),
            ],
            columns,
        ))
    };
    record.steps.iter().map(step).collect()
}

/// `+1.2 s`, `-0.4 s`; nothing where it is too little to tell.
fn difference(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { '-' } else { '+' };
    match milliseconds.unsigned_abs() {
        0..50 => String::new(),
        by => format!("{sign}{}", format::duration(Duration::from_millis(by))),
    }
}

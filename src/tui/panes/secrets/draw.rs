//! How the secrets pane looks: the database, the credentials that came once, the names of the secrets. One list from top to
//! bottom, so that the selection can be scrolled to wherever it is.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::values::Held;
use super::{Choice, Rotation, State, Status, ended};
use crate::model::{Tenant, TenantState, secret_name};
use crate::ops::stored::Stored;
use crate::tui::app::Shared;
use crate::tui::format::{self, cut, pad};
use crate::tui::panes::frame::{draw_lines, fit, problem_lines, readable, wrapped};
use crate::tui::panes::parts::{indented, nobody};
use crate::tui::theme::{Theme, spinner};

/// Columns of the labels, the mark in front included.
const LABEL: usize = 13;
/// Lines that a value may take when it is shown.
const MOST_LINES: usize = 8;

/// Lines that belong together, and what a click on them selects.
struct Row {
    lines: Vec<Line<'static>>,
    choice: Option<Choice>,
}

impl Row {
    fn plain(line: Line<'static>) -> Self {
        Self { lines: vec![line], choice: None }
    }
}

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let area = readable(area);
    let (columns, height) = (usize::from(area.width), usize::from(area.height));
    let rows = rows(state, shared, columns);
    let skip = first(state, &rows, height);
    let lines = rows.into_iter().flat_map(|row| row.lines).skip(skip).take(height).collect();
    draw_lines(frame, area, lines);
}

/// What is selected by a click on a row of the pane.
pub(super) fn choice_at(state: &State, shared: &Shared, row: usize, size: (u16, u16)) -> Option<Choice> {
    let area = readable(Rect { x: 0, y: 0, width: size.0, height: size.1 });
    let rows = rows(state, shared, usize::from(area.width));
    let wanted = first(state, &rows, usize::from(area.height)) + row;
    let mut line = 0;
    rows.into_iter().find_map(|row| {
        line += row.lines.len();
        (wanted < line).then_some(row.choice)
    })?
}

/// The first line in sight: the selected row is, with its last line.
fn first(state: &State, rows: &[Row], height: usize) -> usize {
    let selected = state.choice();
    let mut end = 0;
    for row in rows {
        end += row.lines.len();
        if row.choice.is_some() && row.choice == selected {
            return end.saturating_sub(height);
        }
    }
    0
}

fn rows(state: &State, shared: &Shared, columns: usize) -> Vec<Row> {
    let theme = &shared.theme;
    let Some(tenant) = shared.selected() else {
        let words = if shared.tenants.is_loading() { "" } else { "The secrets of the selected tenant appear here." };
        return vec![Row::plain(Line::styled(words, theme.dim))];
    };
    if tenant.is_local() {
        return nobody(shared).into_iter().map(Row::plain).collect();
    }
    if !state.is_current(shared) {
        return vec![loading(shared)];
    }
    let mut rows: Vec<Row> = database(state, shared, tenant, columns).into_iter().map(Row::plain).collect();
    rows.extend(credentials(state, shared, columns));
    rows.extend(secrets(state, shared, columns));
    rows
}

fn loading(shared: &Shared) -> Row {
    let theme = &shared.theme;
    Row::plain(Line::from(vec![
        Span::styled(format!("  {} ", spinner(shared.frame)), theme.accent),
        Span::styled("loading secrets", theme.dim),
    ]))
}

fn heading(theme: &Theme, words: &str, columns: usize) -> Line<'static> {
    let rule = "─".repeat(columns.saturating_sub(format::width(words) + 4));
    Line::from(vec![
        Span::styled("── ", theme.dim),
        Span::styled(words.to_owned(), theme.strong),
        Span::styled(format!(" {rule}"), theme.dim),
    ])
}

fn field(theme: &Theme, label: &str, value: Vec<Span<'static>>, columns: usize) -> Line<'static> {
    let mut spans = vec![Span::styled(format!("  {}", pad(label, LABEL - 2)), theme.dim)];
    spans.extend(value);
    Line::from(fit(spans, columns))
}

fn dot(theme: &Theme) -> Span<'static> {
    Span::styled(" · ", theme.dim)
}

fn database(state: &State, shared: &Shared, listed: &Tenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let tenant = state.record.value.as_deref().unwrap_or(listed);
    let text = |value: &Option<String>| Span::styled(value.clone().unwrap_or_else(|| "–".to_owned()), theme.text);
    let mut named = vec![text(&tenant.database_name)];
    if tenant.database.as_deref() == Some("simulated") {
        named.extend([dot(theme), Span::styled("simulated: there are credentials alone", theme.dim)]);
    }
    let mut lines = vec![
        heading(theme, "Database", columns),
        field(theme, "database", named, columns),
        field(theme, "user", vec![text(&tenant.user_name)], columns),
    ];
    let facts = state.facts();
    if let Some(address) = facts.and_then(|facts| facts.inside.clone()) {
        lines.push(field(theme, "address", vec![Span::styled(address, theme.text)], columns));
    }
    let mut outside = match tenant.external_db_access {
        Some(true) => vec![Span::styled("● ", theme.good), Span::styled("open", theme.text)],
        Some(false) => vec![Span::styled("◌ ", theme.dim), Span::styled("closed", theme.dim)],
        None => vec![Span::styled("–", theme.dim)],
    };
    if tenant.external_db_access == Some(true)
        && let Some(address) = facts.and_then(|facts| facts.outside.clone())
    {
        outside.extend([dot(theme), Span::styled(address, theme.text)]);
    }
    lines.push(field(theme, "outside", outside, columns));
    if let Some(rotation) = facts.and_then(|facts| facts.rotated.as_ref()) {
        lines.extend(rotated(shared, listed, rotation, columns));
    } else {
        let key = Span::styled(shared.key_of("rotate"), theme.accent);
        lines.push(field(theme, "password", vec![key, Span::styled(" makes a new one", theme.dim)], columns));
    }
    lines.push(Line::raw(""));
    lines
}

/// When, how the machine takes it, and where the new one is.
fn rotated(shared: &Shared, listed: &Tenant, rotation: &Rotation, columns: usize) -> [Line<'static>; 3] {
    let theme = &shared.theme;
    let before = match &rotation.before {
        Some(at) => format!(" · before: {}", when(shared, at)),
        None => " · before: not known".to_owned(),
    };
    let at = vec![
        Span::styled("✓ ", theme.good),
        Span::styled(when(shared, &rotation.at), theme.text),
        Span::styled(before, theme.dim),
    ];
    let state = if rotation.settles.is_some() { TenantState::Restarting } else { listed.state() };
    let machine = if rotation.restarts {
        let (glyph, style) = theme.tenant(state, shared.frame);
        Span::styled(format!("{glyph} {}", state.word()), style)
    } else {
        Span::styled("none ran", theme.dim)
    };
    let style = if matches!(rotation.stored, Stored::Nowhere(_)) { theme.bad } else { theme.dim };
    let place = Span::styled(ended::place(&rotation.stored), style);
    [
        field(theme, "rotated", at, columns),
        field(theme, "machine", vec![machine], columns),
        field(theme, "", vec![place], columns),
    ]
}

/// Today's time of day, else the date too.
fn when(shared: &Shared, at: &str) -> String {
    let Some(at) = format::moment(at) else { return at.to_owned() };
    let day = |at: Timestamp| at.to_zoned(shared.zone.clone()).date();
    let clock = format::clock(at, &shared.zone);
    if day(at) == day(shared.now.wall) { clock } else { format!("{} {clock}", day(at)) }
}

fn credentials(state: &State, shared: &Shared, columns: usize) -> Vec<Row> {
    let theme = &shared.theme;
    let mut rows = Vec::new();
    let waits = matches!(state.status.value, Some(Status { waits: true, .. }));
    let held = state.held();
    if !waits && held.is_none() {
        return rows;
    }
    rows.push(Row::plain(heading(theme, "Credentials", columns)));
    if waits {
        let spans = vec![
            Span::styled("  ○ ", theme.info),
            Span::styled("One-time credentials wait and can be read only once. ", theme.text),
            Span::styled(shared.key_of("secrets.once"), theme.accent),
            Span::styled(" fetches", theme.dim),
        ];
        rows.push(Row::plain(Line::from(fit(spans, columns))));
    }
    if let Some(held) = held {
        for place in 0..held.values.len() {
            rows.push(value(state, shared, held, place, columns));
        }
        rows.push(Row::plain(below(shared, held, columns)));
    }
    rows.push(Row::plain(Line::raw("")));
    rows
}

fn value(state: &State, shared: &Shared, held: &Held, place: usize, columns: usize) -> Row {
    let theme = &shared.theme;
    let choice = Choice::Value(place);
    let selected = state.selected.as_ref() == Some(&choice);
    let value = &held.values[place];
    let room = columns.saturating_sub(LABEL).max(1);
    let (parts, style) = if held.shown() == Some(place) {
        // Cut anywhere: what is copied from the screen must have no blanks of ours inside of a line.
        (pieces(value.secret.reveal(), room), theme.warn)
    } else {
        (vec![cut(&value.masked(), room)], theme.text)
    };
    let lines = parts.into_iter().enumerate().map(|(number, part)| {
        let (mark, label) = if number == 0 { (mark(selected), value.label) } else { ("  ", "") };
        let weight: Style = if selected { theme.selection } else { theme.dim };
        Line::from(vec![
            Span::styled(mark, theme.accent),
            Span::styled(pad(label, LABEL - 2), weight),
            Span::styled(part, style),
        ])
    });
    Row { lines: lines.collect(), choice: Some(choice) }
}

fn pieces(text: &str, room: usize) -> Vec<String> {
    // A value may hold anything; on the screen it is harmless.
    let text = crate::model::text::line(text);
    let all: Vec<char> = text.chars().collect();
    // Wide characters are rare in a password: half as many to a line are sure to fit.
    let narrow = format::width(&text) == all.len();
    let size = if narrow { room } else { (room / 2).max(1) };
    all.chunks(size).take(MOST_LINES).map(|part| part.iter().collect()).collect()
}

fn below(shared: &Shared, held: &Held, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let left = held.until.saturating_sub(shared.now.running);
    let gone = shared.now.wall.saturating_add(jiff::SignedDuration::try_from(left).unwrap_or_default());
    let gone = gone.map_or_else(|_| String::new(), |at| format::clock(at, &shared.zone));
    let shown = if held.shown().is_some() { " hides   " } else { " shows   " };
    let spans = vec![
        Span::raw(" ".repeat(LABEL)),
        Span::styled(shared.key_of("secrets.reveal"), theme.accent),
        Span::styled(shown, theme.dim),
        Span::styled(shared.key_of("secrets.copy"), theme.accent),
        Span::styled(format!(" copies   forgotten here at {gone}"), theme.dim),
    ];
    Line::from(fit(spans, columns))
}

fn mark(selected: bool) -> &'static str {
    if selected { "▌ " } else { "  " }
}

fn secrets(state: &State, shared: &Shared, columns: usize) -> Vec<Row> {
    let theme = &shared.theme;
    let (all, shown) = (state.names().len(), state.shown_names().count());
    let words = match all {
        0 => "Secrets".to_owned(),
        _ if all == shown => format!("Secrets {all}"),
        _ => format!("Secrets {shown} of {all}"),
    };
    let mut rows = vec![Row::plain(heading(theme, &words, columns))];
    if let Some(problem) = &state.names.problem {
        if all == 0 {
            rows.extend(problem_lines(theme, problem, 2, columns, 6).into_iter().map(Row::plain));
            rows.push(Row::plain(indented(shared, &[("refresh", "try again")])));
            return rows;
        }
        let words = format!("Not up to date: {}", problem.title);
        rows.extend(wrapped(&words, 2, columns, 2, theme.warn).into_iter().map(Row::plain));
    } else if state.names.is_loading() {
        rows.push(loading(shared));
        return rows;
    }
    if matches!(state.status.value, Some(Status { restart: true, .. })) {
        let spans = vec![
            Span::styled("  ○ ", theme.warn),
            Span::styled("What was changed takes effect at the next start. ", theme.text),
            Span::styled(shared.key_of("tenant.restart"), theme.accent),
            Span::styled(" restarts it", theme.dim),
        ];
        rows.push(Row::plain(Line::from(fit(spans, columns))));
    }
    if all == 0 {
        let spans = vec![
            Span::styled("  No secrets yet", theme.text),
            Span::styled(" · ", theme.dim),
            Span::styled(shared.key_of("secrets.add"), theme.accent),
            Span::styled(" sets one, ", theme.dim),
            Span::styled(shared.key_of("secrets.sync"), theme.accent),
            Span::styled(" sends those of the profile", theme.dim),
        ];
        rows.push(Row::plain(Line::from(fit(spans, columns))));
    } else if shown == 0 {
        rows.push(Row::plain(Line::styled("  None fits the filter.", theme.dim)));
    }
    for name in state.shown_names() {
        let choice = Choice::Name(name.clone());
        let selected = state.selected.as_ref() == Some(&choice);
        let style = if selected { theme.selection } else { theme.text };
        let mut spans = vec![Span::styled(mark(selected), theme.accent), Span::styled(name.clone(), style)];
        if secret_name::is_managed(name) {
            spans.push(Span::styled("  set by the platform", theme.dim));
        }
        rows.push(Row { lines: vec![Line::from(fit(spans, columns))], choice: Some(choice) });
    }
    rows
}

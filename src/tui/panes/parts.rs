//! The looks that panes about one tenant have in common: nobody selected, loading, an error in place, and rows of a label
//! and a value that line up. Must not know what a pane is about.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::frame::{fit, problem_lines, wrapped};
use crate::model::Problem;
use crate::tui::app::Shared;
use crate::tui::format::{self, pad};
use crate::tui::theme::{Theme, spinner};

/// Columns of a label.
pub const LABEL: usize = 13;
/// From this many columns on two short values share a line.
const PAIRED: usize = 64;

/// What a pane says that has nobody to tell about.
#[must_use]
pub fn nobody(shared: &Shared) -> Vec<Line<'static>> {
    let words = match shared.selected() {
        Some(tenant) if tenant.is_local() => "A database on this machine has none of this.",
        _ if shared.tenants.is_loading() => "",
        _ => "No tenant is selected.",
    };
    vec![Line::styled(words, shared.theme.dim)]
}

/// Something is on its way: `what` names it.
#[must_use]
pub fn loading(shared: &Shared, what: &'static str) -> Vec<Line<'static>> {
    vec![Line::from(vec![
        Span::styled(format!("{} ", spinner(shared.frame)), shared.theme.accent),
        Span::styled(format!("loading {what}"), shared.theme.dim),
    ])]
}

/// An error in place of what could not be loaded, with the keys that help.
#[must_use]
pub fn failed(shared: &Shared, problem: &Problem, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let mut lines = problem_lines(&shared.theme, problem, 0, columns, rows.saturating_sub(2).max(1));
    lines.push(Line::raw(""));
    let first = if problem.requires_login { ("login", "log in") } else { ("refresh", "try again") };
    lines.push(hints(shared, &[first, ("details", "full text")]));
    lines
}

/// One line above what is still known, where the newest question about it failed.
#[must_use]
pub fn not_fresh(shared: &Shared, problem: &Problem, columns: usize) -> Vec<Line<'static>> {
    wrapped(&format!("! Not up to date: {}", problem.title), 0, columns, 2, shared.theme.warn)
}

/// `m memory   p plan`: the keys of these commands as they are set, and words for each. One without a key is left out.
#[must_use]
pub fn hints(shared: &Shared, commands: &[(&'static str, &'static str)]) -> Line<'static> {
    let mut spans = Vec::new();
    for (id, words) in commands {
        let Some(key) = shared.keymap.shown(id) else { continue };
        if !spans.is_empty() {
            spans.push(Span::raw("   "));
        }
        spans.push(Span::styled(key, shared.theme.accent));
        spans.push(Span::styled(format!(" {words}"), shared.theme.text));
    }
    Line::from(spans)
}

/// The same behind the margin of a pane's text.
#[must_use]
pub fn indented(shared: &Shared, commands: &[(&'static str, &'static str)]) -> Line<'static> {
    let mut line = hints(shared, commands);
    line.spans.insert(0, Span::raw("  "));
    line
}

/// `── machine ──────`: what the rows below it are about.
#[must_use]
pub fn rule(theme: &Theme, words: &str, columns: usize) -> Line<'static> {
    let rest = columns.saturating_sub(format::width(words) + 4);
    Line::from(fit(
        vec![
            Span::styled("── ", theme.dim),
            Span::styled(words.to_owned(), theme.strong),
            Span::styled(format!(" {}", "─".repeat(rest)), theme.dim),
        ],
        columns,
    ))
}

/// A label and what belongs to it.
#[derive(Debug, Clone)]
pub struct Field {
    label: &'static str,
    value: Vec<Span<'static>>,
    /// It wants a line of its own.
    is_long: bool,
}

impl Field {
    /// A short value.
    #[must_use]
    pub fn new(label: &'static str, value: impl Into<String>, style: Style) -> Self {
        Self::of(label, vec![Span::styled(value.into(), style)])
    }

    /// A value in several styles.
    #[must_use]
    pub fn of(label: &'static str, value: Vec<Span<'static>>) -> Self {
        Self { label, value, is_long: false }
    }

    /// It has a line of its own.
    #[must_use]
    pub fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    fn spans(self, theme: &Theme, columns: usize) -> Vec<Span<'static>> {
        let mut spans = vec![Span::styled(pad(self.label, LABEL), theme.dim)];
        spans.extend(self.value);
        fit(spans, columns)
    }
}

/// Fields in lines: two short ones share a line where there is room for it.
#[must_use]
pub fn fields(theme: &Theme, fields: Vec<Field>, columns: usize) -> Vec<Line<'static>> {
    let half = columns / 2;
    let mut lines = Vec::new();
    let mut left: Option<Vec<Span<'static>>> = None;
    for field in fields {
        if field.is_long || columns < PAIRED {
            lines.extend(left.take().map(Line::from));
            lines.push(Line::from(field.spans(theme, columns)));
            continue;
        }
        // One blank column keeps the halves apart.
        let spans = field.spans(theme, half.saturating_sub(1));
        match left.take() {
            None => left = Some(spans),
            Some(mut line) => {
                let wide: usize = line.iter().map(Span::width).sum();
                line.push(Span::raw(" ".repeat(half.saturating_sub(wide))));
                line.extend(spans);
                lines.push(Line::from(line));
            }
        }
    }
    lines.extend(left.map(Line::from));
    lines
}

/// `3m ago`, `just now`.
#[must_use]
pub fn ago(shared: &Shared, at: Timestamp) -> String {
    match format::age(shared.now.wall, at).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// A moment of an RFC 3339 text as a day, `2026-11-20`; the text itself where it is none.
#[must_use]
pub fn day(shared: &Shared, text: &str) -> String {
    format::moment(text).map_or_else(|| text.to_owned(), |at| date(shared, at))
}

/// `2026-11-20` in the person's zone.
#[must_use]
pub fn date(shared: &Shared, at: Timestamp) -> String {
    at.to_zoned(shared.zone.clone()).date().to_string()
}

/// The time of a moment of today, `11:57:00`, else its day, `Nov 18`.
#[must_use]
pub fn stamp(shared: &Shared, at: Timestamp) -> String {
    if date(shared, at) == date(shared, shared.now.wall) {
        return format::clock(at, &shared.zone);
    }
    at.to_zoned(shared.zone.clone()).strftime("%b %d").to_string()
}

/// The lines from `scroll` on, and never past the last screen of them.
#[must_use]
pub fn scrolled(lines: Vec<Line<'static>>, scroll: usize, rows: usize) -> Vec<Line<'static>> {
    let skip = scroll.min(lines.len().saturating_sub(rows));
    lines.into_iter().skip(skip).collect()
}

/// The first row in sight of a list of `count`, of which `rows` can be seen: the `top` of the last picture, moved just so
/// far that the selected row at `place` is among them and none of the room stays empty.
#[must_use]
pub fn top_of(top: usize, place: usize, rows: usize, count: usize) -> usize {
    let last = count.saturating_sub(rows);
    top.clamp((place + 1).saturating_sub(rows).min(place), place).min(last)
}

/// A place in lines moved by `delta`, and kept between 0 and `last`.
#[must_use]
pub fn moved(place: usize, delta: i64, last: usize) -> usize {
    let place = i64::try_from(place.min(last)).unwrap_or(0).saturating_add(delta).max(0);
    usize::try_from(place).unwrap_or(last).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Depth;

    fn text(lines: &[Line<'static>]) -> Vec<String> {
        lines.iter().map(|line| line.spans.iter().map(|span| span.content.as_ref()).collect()).collect()
    }

    #[test]
    fn short_fields_pair_up_and_long_ones_stand_alone() {
        let theme = Theme::new(Depth::Plain);
        let field = |label, value: &str| Field::new(label, value, theme.text);
        let all =
            || vec![field("a", "1"), field("b", "2"), field("c", "3"), field("id", "long").long(), field("d", "4")];
        let wide = text(&fields(&theme, all(), 80));
        assert_eq!(wide.len(), 4);
        assert_eq!(wide[0].find('b'), Some(40), "the right half begins in the middle");
        assert!(wide[1].starts_with('c') && wide[2].starts_with("id") && wide[3].starts_with('d'));
        assert_eq!(fields(&theme, all(), 40).len(), 5);
    }

    #[test]
    fn a_list_moves_only_where_the_selection_would_leave_it() {
        assert_eq!(top_of(0, 4, 5, 20), 0);
        assert_eq!(top_of(0, 5, 5, 20), 1, "down past the last row");
        assert_eq!(top_of(10, 12, 5, 20), 10, "up within the room");
        assert_eq!(top_of(10, 9, 5, 20), 9, "up past the first row");
        assert_eq!(top_of(10, 19, 5, 20), 15);
        assert_eq!(top_of(18, 18, 5, 20), 15, "a list that became shorter leaves no room empty");
        assert_eq!((top_of(3, 0, 5, 0), top_of(3, 2, 0, 9), top_of(0, 0, 0, 0)), (0, 2, 0));
    }

    #[test]
    fn a_place_stays_within_its_lines() {
        assert_eq!((moved(3, -9, 5), moved(3, 9, 5), moved(9, 0, 5), moved(0, i64::MAX, 0)), (0, 5, 5, 0));
        assert_eq!(moved(3, i64::MIN / 4, usize::MAX), 0);
    }
}

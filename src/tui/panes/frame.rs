//! What all panes have in common: the border with its two titles, and lines that keep to their width.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};

use crate::telling::Row;
use crate::telling::row;
use crate::tui::format;
use crate::tui::theme::Theme;

/// Columns beyond which aligned text is not spread: the way from the left to the right column gets too long for the eye.
const READABLE: u16 = 118;

/// What stands in a pane's border.
#[derive(Debug, Default)]
pub struct Border {
    /// The pane's own word.
    pub title: &'static str,
    /// What it is about.
    pub subject: String,
    /// The state in a few words, at the right.
    pub note: Vec<Span<'static>>,
    /// What stands below, at the left.
    pub foot: Vec<Span<'static>>,
}

/// Draws the border of a pane and returns the room inside, one blank column on either side.
pub fn border(theme: &Theme, frame: &mut Frame<'_>, area: Rect, focused: bool, words: Border) -> Rect {
    let border = if focused { theme.accent } else { theme.dim };
    let room = usize::from(area.width).saturating_sub(4);
    let note_width: usize = words.note.iter().map(Span::width).sum();
    let mut title = vec![Span::styled(format!(" {}", words.title), theme.strong)];
    if !words.subject.is_empty() {
        title.push(Span::styled(format!(" · {}", words.subject), theme.text));
    }
    let shows_note = note_width > 0 && note_width + words.title.len() + 4 < room;
    let mut title = fit(title, if shows_note { room - note_width - 2 } else { room.saturating_sub(1) });
    title.push(Span::raw(" "));
    let mut block =
        Block::bordered().border_type(BorderType::Rounded).border_style(border).title_top(Line::from(title));
    if shows_note {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(words.note);
        spans.push(Span::raw(" "));
        block = block.title_top(Line::from(spans).right_aligned());
    }
    if !words.foot.is_empty() {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(fit(words.foot, room.saturating_sub(2)));
        spans.push(Span::raw(" "));
        block = block.title_bottom(Line::from(spans));
    }
    frame.render_widget(block, area);
    inside(area)
}

/// The room inside of a pane's border.
#[must_use]
pub fn inside(area: Rect) -> Rect {
    let inner = Block::bordered().inner(area);
    Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner }
}

/// `area` no wider than text should be spread.
#[must_use]
pub fn readable(area: Rect) -> Rect {
    Rect { width: area.width.min(READABLE), ..area }
}

/// Draws as many of `lines` as there are rows.
pub fn draw_lines(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'static>>) {
    frame.render_widget(Paragraph::new(lines), area);
}

/// `spans` cut to `columns`.
#[must_use]
pub fn fit(spans: Vec<Span<'static>>, columns: usize) -> Vec<Span<'static>> {
    let mut left = columns;
    let mut out = Vec::with_capacity(spans.len());
    for span in spans {
        let wide = span.width();
        if wide <= left {
            left -= wide;
            out.push(span);
        } else {
            out.push(Span::styled(format::cut(&span.content, left), span.style));
            break;
        }
    }
    out
}

/// `left`, cut if need be, and `right` at the right end of `columns`.
#[must_use]
pub fn spread(left: Vec<Span<'static>>, right: Span<'static>, columns: usize) -> Line<'static> {
    let wide = right.width();
    if wide == 0 || wide + 2 > columns {
        return Line::from(fit(left, columns));
    }
    let mut spans = fit(left, columns - wide - 1);
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(columns.saturating_sub(used + wide))));
    spans.push(right);
    Line::from(spans)
}

/// `text` wrapped behind `indent` blanks, at most `rows` lines, the last one cut where more would follow.
#[must_use]
pub fn wrapped(text: &str, indent: usize, columns: usize, rows: usize, style: Style) -> Vec<Line<'static>> {
    let mut lines = format::wrap(text, columns.saturating_sub(indent));
    if lines.len() > rows {
        lines.truncate(rows);
        if let Some(last) = lines.last_mut() {
            *last = format::cut(&format!("{last}…"), columns.saturating_sub(indent));
        }
    }
    lines.into_iter().map(|line| Line::styled(format!("{}{line}", " ".repeat(indent)), style)).collect()
}

/// Lines that say a problem in place: title, detail, what to do.
#[must_use]
pub fn problem_lines(
    theme: &Theme,
    problem: &crate::model::Problem,
    indent: usize,
    columns: usize,
    rows: usize,
) -> Vec<Line<'static>> {
    rows_to_lines(theme, row::problem(problem, indent, columns, rows))
}

/// Lines as this theme shows them.
#[must_use]
pub fn rows_to_lines(theme: &Theme, rows: Vec<Row>) -> Vec<Line<'static>> {
    let line = |row: Row| {
        let spans = row.pieces.into_iter().map(|piece| Span::styled(piece.text, theme.tone(piece.tone)));
        Line::from(spans.collect::<Vec<_>>())
    };
    rows.into_iter().map(line).collect()
}

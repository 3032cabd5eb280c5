//! What opens above the panes: in the middle, as large as its text, with the safe answer selected.

pub mod confirm;
pub mod help;
pub mod new_tenant;
pub mod problem;

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use super::app::App;
use super::commands::Scope;
use super::format;
use new_tenant::{NewTenant, Stage};

/// The open dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// Buying a tenant.
    NewTenant(NewTenant),
    /// A question with yes and no.
    Confirm(confirm::Confirm),
    /// What the keys do; the first visible line.
    Help(usize),
    /// A problem in full; the first visible line.
    Problem(usize),
}

impl Dialog {
    /// The scope whose keys it reads.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::NewTenant(dialog) if dialog.stage == Stage::Payment => Scope::Payment,
            Self::NewTenant(_) => Scope::Choice,
            Self::Confirm(_) => Scope::Question,
            Self::Help(_) | Self::Problem(_) => Scope::Text,
        }
    }

    /// True while something in it moves.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        match self {
            Self::NewTenant(dialog) => match dialog.stage {
                Stage::Loading | Stage::Starting => true,
                Stage::Payment | Stage::Plan | Stage::Region | Stage::Failed(_) => false,
            },
            Self::Confirm(_) | Self::Help(_) | Self::Problem(_) => false,
        }
    }
}

/// Draws the open dialog, if there is one.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    match &app.dialog {
        Some(Dialog::NewTenant(dialog)) => new_tenant::draw(app, dialog, frame, area),
        Some(Dialog::Confirm(dialog)) => confirm::draw(app, *dialog, frame, area),
        Some(Dialog::Help(first)) => help::draw(app, *first, frame, area),
        Some(Dialog::Problem(first)) => problem::draw(app, *first, frame, area),
        None => {}
    }
}

/// Columns for text in a dialog that wants `wanted` of them.
#[must_use]
pub fn text_columns(area: Rect, wanted: usize) -> usize {
    wanted.min(usize::from(area.width).saturating_sub(6))
}

/// Rows for text in a dialog.
#[must_use]
pub fn text_rows(area: Rect) -> usize {
    usize::from(area.height).saturating_sub(4)
}

/// Draws a dialog of `columns` text columns around `lines`, from line `first` on where they are too many.
pub fn window(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    columns: usize,
    lines: Vec<Line<'static>>,
    first: usize,
) {
    let theme = &app.theme;
    let rows = lines.len().min(text_rows(area).max(1));
    let hidden = lines.len() - rows;
    let first = first.min(hidden);
    let width = u16::try_from(columns + 4).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(area.height);
    let at = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    // One blank column on either side keeps the text behind apart.
    let around = Rect { x: at.x.saturating_sub(1), width: at.width + 2, ..at }.intersection(area);
    frame.render_widget(Clear, around);
    let title = format::cut(title, columns.saturating_sub(2));
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.accent)
        .title_top(Line::from(Span::styled(format!(" {title} "), theme.strong)));
    if hidden > 0 {
        let place = format!(" {}–{} of {} ", first + 1, first + rows, lines.len());
        block = block.title_bottom(Line::styled(place, theme.dim).alignment(Alignment::Right));
    }
    let inner = block.inner(at);
    frame.render_widget(block, at);
    let inner = Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner };
    let visible: Vec<_> = lines.into_iter().skip(first).take(rows).collect();
    frame.render_widget(Paragraph::new(visible), inner);
}

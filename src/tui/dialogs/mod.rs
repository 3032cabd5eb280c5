//! What opens above the panes: in the middle, as large as its text, with the safe answer selected. A dialog is a file, a
//! variant of [`Dialog`] and its rows of commands.

pub mod confirm;
pub mod field;
pub mod first_start;
pub mod help;
pub mod jobs;
pub mod line;
pub mod login;
pub mod new_local;
pub mod new_tenant;
pub mod palette;
pub mod pick;
pub mod problem;
mod qr;
mod reading;
pub mod ready;

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use super::app::App;
use super::commands::{Command, Scope};
use super::format;
use field::Field;
use new_tenant::{NewTenant, Stage};
pub use reading::scroll as scroll_text;

/// The rows of every dialog.
pub const COMMANDS: &[&[Command]] = &[
    reading::CHOICE,
    new_tenant::COMMANDS,
    ready::COMMANDS,
    login::COMMANDS,
    first_start::COMMANDS,
    new_local::COMMANDS,
    confirm::COMMANDS,
    reading::TEXT,
    line::COMMANDS,
    palette::COMMANDS,
];

/// The open dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// Buying a tenant.
    NewTenant(NewTenant),
    /// What comes next for a tenant that is there.
    Ready(ready::Ready),
    /// Logging in.
    Login(login::Login),
    /// Setting a folder up.
    FirstStart(first_start::FirstStart),
    /// Making a local tenant.
    NewLocal(Box<new_local::NewLocal>),
    /// A question with yes and no.
    Confirm(confirm::Confirm),
    /// What the keys do; the first visible line.
    Help(usize),
    /// A problem in full; the first visible line.
    Problem(usize),
    /// Every command, found by a few letters.
    Palette(palette::Palette),
    /// A line that is being typed.
    Line(line::Line),
    /// One of a few.
    Pick(pick::Pick),
    /// What runs in the background; the selected job.
    Jobs(jobs::Selected),
}

impl Dialog {
    /// The scope whose keys it reads.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::NewTenant(dialog) if dialog.stage == Stage::Payment => Scope::Payment,
            Self::NewTenant(dialog) if dialog.stage == Stage::Naming => Scope::Line,
            Self::Ready(_) => Scope::Ready,
            Self::Login(dialog) => dialog.scope(),
            Self::NewLocal(dialog) => dialog.scope(),
            Self::NewTenant(_) | Self::Pick(_) | Self::Jobs(_) => Scope::Choice,
            Self::FirstStart(_) => Scope::FirstStart,
            Self::Confirm(confirm) if confirm.is_typing() => Scope::Line,
            Self::Confirm(_) => Scope::Question,
            Self::Help(_) | Self::Problem(_) => Scope::Text,
            Self::Palette(_) => Scope::Palette,
            Self::Line(_) => Scope::Line,
        }
    }

    /// The line that is being typed in it.
    pub fn field(&mut self) -> Option<&mut Field> {
        match self {
            Self::Confirm(confirm) => confirm.field(),
            Self::Palette(palette) => Some(palette.field()),
            Self::Line(line) => Some(line.field()),
            Self::NewLocal(dialog) => dialog.field(),
            Self::NewTenant(dialog) => dialog.field(),
            Self::Ready(_)
            | Self::Login(_)
            | Self::FirstStart(_)
            | Self::Help(_)
            | Self::Problem(_)
            | Self::Pick(_)
            | Self::Jobs(_) => None,
        }
    }

    /// True while something in it moves.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        match self {
            Self::NewLocal(dialog) => dialog.is_moving(),
            Self::NewTenant(dialog) => match dialog.stage {
                Stage::Loading | Stage::Starting => true,
                Stage::Payment | Stage::Plan | Stage::Region | Stage::Options | Stage::Naming | Stage::Failed(_) => {
                    false
                }
            },
            Self::Ready(dialog) => dialog.is_moving(),
            Self::Login(dialog) => dialog.is_moving(),
            Self::FirstStart(dialog) => dialog.is_moving(),
            _ => false,
        }
    }

    /// True where it leaves the bottom row to itself.
    #[must_use]
    pub fn is_in_bottom_row(&self) -> bool {
        matches!(self, Self::Line(line) if line.is_in_bottom_row())
    }
}

/// Draws the open dialog, if there is one.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, bottom: Rect) {
    match &app.dialog {
        Some(Dialog::NewTenant(dialog)) => new_tenant::draw(app, dialog, frame, area),
        Some(Dialog::Ready(dialog)) => ready::draw(app, dialog, frame, area),
        Some(Dialog::Login(dialog)) => login::draw(app, dialog, frame, area),
        Some(Dialog::FirstStart(dialog)) => first_start::draw(app, dialog, frame, area),
        Some(Dialog::NewLocal(dialog)) => new_local::draw(app, dialog, frame, area),
        Some(Dialog::Confirm(dialog)) => confirm::draw(app, dialog, frame, area),
        Some(Dialog::Help(first)) => help::draw(app, *first, frame, area),
        Some(Dialog::Problem(first)) => problem::draw(app, *first, frame, area),
        Some(Dialog::Palette(dialog)) => palette::draw(app, dialog, frame, area),
        Some(Dialog::Line(dialog)) => line::draw(app, dialog, frame, area, bottom),
        Some(Dialog::Pick(dialog)) => pick::draw(app, dialog, frame, area),
        Some(Dialog::Jobs(selected)) => jobs::draw(app, selected, frame, area),
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
    let rows = lines.len().min(text_rows(area).max(1));
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(area.height);
    let hidden = lines.len() - rows;
    let first = first.min(hidden);
    let count = lines.len();
    let visible: Vec<_> = lines.into_iter().skip(first).take(rows).collect();
    let place = (hidden > 0).then(|| format!(" {}–{} of {count} ", first + 1, first + rows));
    boxed(app, frame, area, title, columns, visible, (area.height - height) / 2, place);
}

/// Draws a dialog whose lines `below` can be seen whatever the size: where there is too little room, the end of those
/// `above` is left out.
pub fn anchored(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    columns: usize,
    above: Vec<Line<'static>>,
    below: Vec<Line<'static>>,
) {
    let room = text_rows(area).max(1).saturating_sub(below.len());
    let mut lines = above;
    if lines.len() > room {
        lines.truncate(room);
        if let Some(last) = lines.last_mut() {
            *last = Line::styled("…", app.shared.theme.dim);
        }
    }
    lines.extend(below);
    window(app, frame, area, title, columns, lines, 0);
}

/// Draws a dialog `down` rows below the upper edge of `area`; what does not fit is left out.
pub fn place_at(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    columns: usize,
    lines: Vec<Line<'static>>,
    down: u16,
) {
    boxed(app, frame, area, title, columns, lines, down, None);
}

#[allow(clippy::too_many_arguments, reason = "one caller for each way of placing it")]
fn boxed(
    app: &App,
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    columns: usize,
    lines: Vec<Line<'static>>,
    down: u16,
    place: Option<String>,
) {
    let theme = &app.shared.theme;
    let rows = lines.len();
    let width = u16::try_from(columns + 4).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(area.height);
    let at = Rect { x: area.x + (area.width - width) / 2, y: area.y + down.min(area.height - height), width, height };
    // One blank column on either side keeps the text behind apart.
    let around = Rect { x: at.x.saturating_sub(1), width: at.width + 2, ..at }.intersection(area);
    frame.render_widget(Clear, around);
    let title = format::cut(title, columns.saturating_sub(2));
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.accent)
        .title_top(Line::from(Span::styled(format!(" {title} "), theme.strong)));
    if let Some(place) = place {
        block = block.title_bottom(Line::styled(place, theme.dim).alignment(Alignment::Right));
    }
    let inner = block.inner(at);
    frame.render_widget(block, at);
    let inner = Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner };
    frame.render_widget(Paragraph::new(lines), inner);
}

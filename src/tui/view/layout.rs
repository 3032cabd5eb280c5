//! Where everything stands, from the size alone and from what is being watched.

use ratatui::layout::Rect;

use crate::tui::app::{App, Pane};
use crate::tui::panes::deploy;

/// Below this there is only one line.
pub const MIN_COLUMNS: u16 = 60;
/// See [`MIN_COLUMNS`].
pub const MIN_ROWS: u16 = 16;
/// From this on all four panes are visible together.
const FULL_COLUMNS: u16 = 100;
/// See [`FULL_COLUMNS`].
const FULL_ROWS: u16 = 30;

/// The places of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One line that says how large it should be.
    TooSmall,
    /// One pane at a time.
    Single {
        /// The top row.
        header: Rect,
        /// The row below it.
        tabs: Rect,
        /// The focused pane.
        body: Rect,
        /// The bottom row.
        hints: Rect,
    },
    /// All panes, in the order of [`Pane::ALL`].
    Full {
        /// The top row.
        header: Rect,
        /// The panes.
        panes: [Rect; 4],
        /// The bottom row.
        hints: Rect,
    },
}

/// The places for this state in `area`.
#[must_use]
pub fn layout(app: &App, area: Rect) -> Layout {
    if area.width < MIN_COLUMNS || area.height < MIN_ROWS {
        return Layout::TooSmall;
    }
    let row = |y: u16| Rect { y, height: 1, ..area };
    let header = row(area.y);
    let hints = row(area.bottom() - 1);
    if area.width < FULL_COLUMNS || area.height < FULL_ROWS {
        let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
        return Layout::Single { header, tabs: row(area.y + 1), body, hints };
    }
    let top = area.y + 1;
    let height = area.height - 2;
    let left = (area.width * 2 / 5).clamp(42, 60);
    let tenants = Rect { x: area.x, y: top, width: left, height };
    let deploy_rows = deploy::wanted_rows(app, height);
    let rest = height - deploy_rows;
    let events_rows = (rest / 2).clamp(6, 24).max(rest * 2 / 5);
    let (x, width) = (area.x + left, area.width - left);
    let events = Rect { x, y: top, width, height: events_rows };
    let deploy = Rect { x, y: events.bottom(), width, height: deploy_rows };
    let logs = Rect { x, y: deploy.bottom(), width, height: rest - events_rows };
    Layout::Full { header, panes: [tenants, events, deploy, logs], hints }
}

/// The whole terminal.
#[must_use]
pub fn whole(app: &App) -> Rect {
    Rect::new(0, 0, app.size.0, app.size.1)
}

/// True where the terminal has room for one line only.
#[must_use]
pub fn is_too_small(app: &App) -> bool {
    matches!(layout(app, whole(app)), Layout::TooSmall)
}

/// True where the pane can be seen.
#[must_use]
pub fn shows(app: &App, pane: Pane) -> bool {
    match layout(app, whole(app)) {
        Layout::TooSmall => false,
        Layout::Single { .. } => app.focus == pane,
        Layout::Full { .. } => true,
    }
}

/// Rows of text that a pane shows.
#[must_use]
pub fn page(app: &App, pane: Pane) -> usize {
    let height = match layout(app, whole(app)) {
        Layout::TooSmall => 0,
        Layout::Single { body, .. } => body.height,
        Layout::Full { panes, .. } => panes[pane as usize].height,
    };
    usize::from(height.saturating_sub(2))
}

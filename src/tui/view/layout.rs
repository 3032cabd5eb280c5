//! Where everything stands: from the size, the page, the splits that the person set, and what is being watched. The view
//! draws by it, and the mouse asks it what is where.

use ratatui::layout::{Position, Rect};

use crate::tui::app::App;
use crate::tui::format;
use crate::tui::pages::Page;
use crate::tui::panes::{Pane, deploy, frame};

/// Below this there is only one line.
pub const MIN_COLUMNS: u16 = 60;
/// See [`MIN_COLUMNS`].
pub const MIN_ROWS: u16 = 16;
/// From this on the list and a page are visible together.
const FULL_COLUMNS: u16 = 100;
/// See [`FULL_COLUMNS`].
const FULL_ROWS: u16 = 30;
/// Columns that the list and the page keep whatever is dragged.
const LEAST_COLUMNS: u16 = 24;
/// Rows that a pane keeps, border included.
const LEAST_ROWS: u16 = 4;

/// Where the person divided the panes. Nothing set is worked out from the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Splits {
    /// Columns of the list, in thousandths of the width.
    pub list: Option<u16>,
    /// Rows of the events on the live page, in thousandths of the height.
    pub events: Option<u16>,
    /// Rows of the deploy on the live page, in thousandths of the height.
    pub deploy: Option<u16>,
}

/// A border that can be dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Between the list and the page.
    List,
    /// Below the events.
    Events,
    /// Below the deploy.
    Deploy,
}

/// The places of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// One line that says how large it should be.
    TooSmall,
    /// Something is there.
    Panes {
        /// The top row.
        header: Rect,
        /// The row below it.
        tabs: Rect,
        /// The panes that can be seen, each with its place.
        panes: Vec<(Pane, Rect)>,
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
    let body = Rect { y: area.y + 2, height: area.height - 3, ..area };
    let panes = if is_single(app, area) { vec![(app.focus, body)] } else { full(app, body) };
    Layout::Panes { header: row(area.y), tabs: row(area.y + 1), panes, hints: row(area.bottom() - 1) }
}

/// True where one pane fills the screen.
#[must_use]
pub fn is_single(app: &App, area: Rect) -> bool {
    app.zoomed || area.width < FULL_COLUMNS || area.height < FULL_ROWS
}

fn full(app: &App, body: Rect) -> Vec<(Pane, Rect)> {
    let left = match app.splits.list {
        Some(share) => part(body.width, share),
        None => (body.width * 2 / 5).clamp(42, 60),
    };
    let left = left.clamp(LEAST_COLUMNS, body.width - LEAST_COLUMNS);
    let mut places = vec![(Pane::Tenants, Rect { width: left, ..body })];
    let column = Rect { x: body.x + left, width: body.width - left, ..body };
    match app.page.panes() {
        [Pane::Events, Pane::Deploy, Pane::Logs] => places.extend(live(app, column)),
        panes => {
            let count = u16::try_from(panes.len()).unwrap_or(1).max(1);
            let mut y = column.y;
            for (place, pane) in (1..).zip(panes) {
                let bottom = column.y + column.height * place / count;
                places.push((*pane, Rect { y, height: bottom - y, ..column }));
                y = bottom;
            }
        }
    }
    places
}

/// The deploy has what it needs, the events and the log share the rest.
fn live(app: &App, column: Rect) -> [(Pane, Rect); 3] {
    let height = column.height;
    let deploy_rows = match app.splits.deploy {
        Some(share) => part(height, share),
        None => deploy::wanted_rows(&app.panes.deploy, &app.shared, app.focus == Pane::Deploy, height),
    };
    let deploy_rows = deploy_rows.clamp(LEAST_ROWS, height.saturating_sub(2 * LEAST_ROWS).max(LEAST_ROWS));
    let rest = height - deploy_rows;
    let events_rows = match app.splits.events {
        Some(share) => part(height, share),
        None => (rest / 2).clamp(6, 24).max(rest * 2 / 5),
    };
    let events_rows = events_rows.clamp(LEAST_ROWS, rest.saturating_sub(LEAST_ROWS).max(LEAST_ROWS));
    let events = Rect { height: events_rows, ..column };
    let deploy = Rect { y: events.bottom(), height: deploy_rows, ..column };
    let logs = Rect { y: deploy.bottom(), height: rest.saturating_sub(events_rows), ..column };
    [(Pane::Events, events), (Pane::Deploy, deploy), (Pane::Logs, logs)]
}

fn part(whole: u16, thousandths: u16) -> u16 {
    u16::try_from(u32::from(whole) * u32::from(thousandths.min(1000)) / 1000).unwrap_or(whole)
}

fn share(part: u16, whole: u16) -> u16 {
    u16::try_from((u32::from(part) * 1000).div_ceil(u32::from(whole.max(1)))).unwrap_or(1000)
}

/// The whole terminal.
#[must_use]
pub fn whole(app: &App) -> Rect {
    Rect::new(0, 0, app.shared.size.0, app.shared.size.1)
}

/// True where the terminal has room for one line only.
#[must_use]
pub fn is_too_small(app: &App) -> bool {
    let (width, height) = app.shared.size;
    width < MIN_COLUMNS || height < MIN_ROWS
}

/// The panes with their places.
fn places(app: &App) -> Vec<(Pane, Rect)> {
    match layout(app, whole(app)) {
        Layout::TooSmall => Vec::new(),
        Layout::Panes { panes, .. } => panes,
    }
}

/// The panes that can be seen.
#[must_use]
pub fn visible(app: &App) -> Vec<Pane> {
    if is_too_small(app) {
        return Vec::new();
    }
    if is_single(app, whole(app)) {
        return vec![app.focus];
    }
    std::iter::once(Pane::Tenants).chain(app.page.panes().iter().copied()).collect()
}

/// The panes that can be seen, each with the room inside of its border.
#[must_use]
pub fn rooms(app: &App) -> Vec<(Pane, Rect)> {
    places(app).into_iter().map(|(pane, area)| (pane, frame::inside(area))).collect()
}

/// True where the pane can be seen.
#[must_use]
pub fn shows(app: &App, pane: Pane) -> bool {
    visible(app).contains(&pane)
}

/// Rows of text that a pane shows.
#[must_use]
pub fn page(app: &App, pane: Pane) -> usize {
    let place = places(app).into_iter().find(|(shown, _)| *shown == pane);
    place.map_or(0, |(_, area)| usize::from(area.height.saturating_sub(2)))
}

/// The pane at a place, and the room inside of its border.
#[must_use]
pub fn pane_at(app: &App, at: Position) -> Option<(Pane, Rect)> {
    places(app).into_iter().find(|(_, area)| area.contains(at)).map(|(pane, area)| (pane, frame::inside(area)))
}

/// The border at a place that can be dragged.
#[must_use]
pub fn border_at(app: &App, at: Position) -> Option<Border> {
    if is_single(app, whole(app)) {
        return None;
    }
    let places = places(app);
    let of = |pane: Pane| places.iter().find(|(shown, _)| *shown == pane).map(|(_, area)| *area);
    let list = of(Pane::Tenants)?;
    if list.y <= at.y && at.y < list.bottom() && (at.x + 1 == list.right() || at.x == list.right()) {
        return Some(Border::List);
    }
    let below = |area: Option<Rect>| {
        area.is_some_and(|area| {
            area.x < at.x && at.x + 1 < area.right() && (at.y + 1 == area.bottom() || at.y == area.bottom())
        })
    };
    if below(of(Pane::Events)) {
        return Some(Border::Events);
    }
    below(of(Pane::Deploy)).then_some(Border::Deploy)
}

/// The splits after a border was dragged to a place.
#[must_use]
pub fn drag(app: &App, border: Border, at: Position) -> Splits {
    let mut splits = app.splits;
    let places = places(app);
    let of = |pane: Pane| places.iter().find(|(shown, _)| *shown == pane).map(|(_, area)| *area);
    let (Some(list), whole) = (of(Pane::Tenants), whole(app)) else { return splits };
    match border {
        Border::List => splits.list = Some(share(at.x.saturating_sub(list.x), whole.width)),
        Border::Events => splits.events = Some(share(at.y.saturating_sub(list.y), list.height)),
        Border::Deploy => {
            let top = of(Pane::Deploy).map_or(list.y, |area| area.y);
            splits.deploy = Some(share(at.y.saturating_sub(top), list.height));
        }
    }
    splits
}

/// A tab: where it begins, how wide it is, and the pane that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// The word on it, with its number where there is room.
    pub words: String,
    /// First column, from the left end of the row.
    pub x: u16,
    /// The pane that it leads to.
    pub pane: Pane,
    /// True for the one that is shown.
    pub here: bool,
}

/// The tabs of the row below the header: the pages; where one pane fills the screen, the panes of this page beside them.
#[must_use]
pub fn tabs(app: &App, columns: u16) -> Vec<Tab> {
    let single = is_single(app, whole(app));
    let mut wanted: Vec<(String, Pane, bool)> = Vec::new();
    if single {
        wanted.push(("tenants".to_owned(), Pane::Tenants, app.focus == Pane::Tenants));
    }
    for page in Page::all() {
        let Some(first) = page.panes().first() else { continue };
        if single && page.panes().len() > 1 {
            wanted.extend(page.panes().iter().map(|pane| (pane.title().to_lowercase(), *pane, app.focus == *pane)));
        } else {
            let here = page == app.page && !(single && app.focus == Pane::Tenants);
            wanted.push((page.title().to_owned(), *first, here));
        }
    }
    // With numbers where they fit, for they are the keys.
    let gap = if single { 2 } else { 3 };
    let wide = |words: &[(String, Pane, bool)], extra: usize| -> usize {
        words.iter().map(|(words, _, _)| format::width(words) + extra + gap).sum()
    };
    let numbered = !single && wide(&wanted, 2) <= usize::from(columns);
    for (place, (words, _, _)) in wanted.iter_mut().enumerate().filter(|_| numbered) {
        *words = format!("{} {words}", place + 1);
    }
    // Where they are too many the first ones go, so that the one that is shown is among them.
    let here = wanted.iter().position(|(_, _, here)| *here).unwrap_or(0);
    let fits =
        |skip: &usize| wide(&wanted[*skip..=here], 0) + usize::from(*skip > 0) * (1 + gap) < usize::from(columns);
    let skip = (0..=here).find(fits).unwrap_or(here);
    if let Some(before) = skip.checked_sub(1) {
        "…".clone_into(&mut wanted[before].0);
        wanted.drain(..before);
    }
    let mut x = 1;
    let mut tabs = Vec::new();
    for (words, pane, here) in wanted {
        let next = x + u16::try_from(format::width(&words) + gap).unwrap_or(0);
        tabs.push(Tab { words, x, pane, here });
        x = next;
    }
    tabs
}

/// The pane whose tab is at a place.
#[must_use]
pub fn tab_at(app: &App, at: Position) -> Option<Pane> {
    let Layout::Panes { tabs: row, .. } = layout(app, whole(app)) else { return None };
    if !row.contains(at) {
        return None;
    }
    let tabs = tabs(app, row.width);
    let hit = |tab: &Tab| {
        let wide = u16::try_from(format::width(&tab.words)).unwrap_or(0);
        (row.x + tab.x..row.x + tab.x + wide).contains(&at.x)
    };
    tabs.into_iter().find(hit).map(|tab| tab.pane)
}

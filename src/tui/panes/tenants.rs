//! The tenants pane: the list with each tenant's status, and a card of the selected one below it. Which columns the list
//! has is in `tenants/columns.rs`.

mod columns;
mod local;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use columns::Columns;

use super::frame::{draw_lines, fit, problem_lines, wrapped};
use super::parts::{indented, top_of};
use super::{Pane, PaneView};
use crate::model::{Tenant, TenantState};
use crate::tui::actions::{address, done};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::dialogs::{Dialog, line};
use crate::tui::effect::Effect;
use crate::tui::format::{self, cut, cut_middle, pad};
use crate::tui::tenants::{Column, Sort};
use crate::tui::theme::{Theme, spinner};

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "tenants.filter",
        Scope::Pane(Pane::Tenants),
        &["/"],
        "filter",
        "Show the tenants that a few letters fit.",
        |app| {
            let text = app.shared.tenants.filter().to_owned();
            app.dialog =
                Some(Dialog::Line(line::Line::live("filter", &text, |app, text| app.shared.tenants.filter_by(text))));
            done()
        },
    )
    .hinted(),
    command(
        "tenants.mark",
        Scope::Pane(Pane::Tenants),
        &["space"],
        "mark",
        "Mark the tenant for a command on several.",
        |app| {
            app.shared.tenants.toggle_mark();
            app.shared.tenants.step(1);
            done()
        },
    )
    .hinted(),
    command(
        "tenants.mark-all",
        Scope::Pane(Pane::Tenants),
        &["a"],
        "mark all",
        "Mark all that are shown, or none.",
        |app| {
            app.shared.tenants.toggle_marks();
            done()
        },
    ),
    command("tenants.sort", Scope::Pane(Pane::Tenants), &[">"], "sort", "Sort by the next column.", |app| sort(app, 1)),
    command(
        "tenants.sort-back",
        Scope::Pane(Pane::Tenants),
        &["<"],
        "sort back",
        "Sort by the column before.",
        |app| sort(app, Column::ALL.len() - 1),
    ),
    command("tenants.reverse", Scope::Pane(Pane::Tenants), &["!"], "reverse", "Sort the other way round.", |app| {
        let Sort { column, reversed } = app.shared.tenants.sort();
        app.shared.tenants.sort_by(Sort { column, reversed: !reversed });
        done()
    }),
];

fn sort(app: &mut App, steps: usize) -> Vec<Effect> {
    let now = app.shared.tenants.sort().column;
    let place = Column::ALL.iter().position(|column| *column == now).unwrap_or(0);
    let column = Column::ALL[(place + steps) % Column::ALL.len()];
    app.shared.tenants.sort_by(Sort { column, reversed: false });
    done()
}

/// What the pane knows beside the list itself, which is everybody's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// The room inside of the border, columns and rows.
    room: (usize, usize),
    /// The first row in sight.
    top: usize,
}

impl PaneView for State {
    fn subject(&self, _shared: &Shared) -> String {
        String::new()
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        let (shown, all) = (shared.tenants.count(), shared.tenants.list().len());
        let mut spans = match all {
            0 => Vec::new(),
            _ if shown == all => vec![Span::styled(all.to_string(), shared.theme.dim)],
            _ => vec![Span::styled(format!("{shown} of {all}"), shared.theme.warn)],
        };
        if let Some(then) = shared.tenants.recalled() {
            // Only until the API has answered.
            let words = match format::age(shared.now.wall, then).as_str() {
                "now" => " as of just now".to_owned(),
                age => format!(" as of {age} ago"),
            };
            spans.push(Span::styled(words, shared.theme.warn));
        }
        spans
    }

    fn foot(&self, shared: &Shared) -> Vec<Span<'static>> {
        let theme = &shared.theme;
        let mut spans = Vec::new();
        let Sort { column, reversed } = shared.tenants.sort();
        if column != Column::Listed || reversed {
            let arrow = if reversed { "↓" } else { "↑" };
            spans.push(Span::styled(format!("{} {arrow}", column.word()), theme.dim));
        }
        let filter = shared.tenants.filter();
        if !filter.is_empty() {
            if !spans.is_empty() {
                spans.push(Span::raw("  "));
            }
            spans.push(Span::styled(format!("/{filter}"), theme.warn));
        }
        spans
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw(self, shared, frame, area);
    }

    fn move_by(&mut self, shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        shared.tenants.step(delta);
        done()
    }

    fn click(&mut self, shared: &mut Shared, row: u16, _column: u16, size: (u16, u16)) -> Vec<Effect> {
        let place = Place::of(self, shared, usize::from(size.0), usize::from(size.1));
        // The first row is the heading.
        if let Some(row) = usize::from(row).checked_sub(1).filter(|row| *row < place.rows) {
            shared.tenants.select_place(place.first + row);
        }
        done()
    }

    fn room(&mut self, columns: u16, rows: u16) {
        self.room = (usize::from(columns), usize::from(rows));
    }

    fn attend(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.top = Place::of(self, shared, self.room.0, self.room.1).first;
        done()
    }
}

/// Which tenants stand where.
struct Place {
    /// The first tenant in sight.
    first: usize,
    /// Rows of tenants.
    rows: usize,
    /// The card of the selected one stands below.
    card: bool,
}

impl Place {
    fn of(state: &State, shared: &Shared, columns: usize, rows: usize) -> Self {
        let card = card(shared, columns).len();
        // The list comes first; the card shows when it fits beside at least a few tenants.
        let fixed = 1 + below(shared, columns).len();
        let listed = shared.tenants.count().min(rows.saturating_sub(fixed));
        let shows_card = card > 0 && rows > fixed + listed.min(4) + card;
        let rows = if shows_card { rows - fixed - card - 1 } else { rows.saturating_sub(fixed) };
        let first = top_of(state.top, shared.tenants.place(), rows, shared.tenants.count());
        Self { first, rows, card: shows_card }
    }
}

fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let tenants = &shared.tenants;
    let columns = usize::from(area.width);
    let rows = usize::from(area.height);
    if tenants.list().is_empty() {
        draw_lines(frame, area, empty(shared, columns, rows));
        return;
    }
    let place = Place::of(state, shared, columns, rows);
    let table = Columns::of(columns);
    let mut lines = vec![table.heading(&shared.theme, columns)];
    for (number, tenant) in tenants.from(place.first).take(place.rows) {
        lines.push(table.row(shared, tenant, number == tenants.place(), columns));
    }
    if tenants.count() == 0 {
        lines.push(Line::styled("  Nobody fits the filter.", shared.theme.dim));
    }
    if place.card {
        lines.push(Line::raw(""));
        lines.extend(card(shared, columns));
    }
    let below = below(shared, columns);
    let gap = rows.saturating_sub(lines.len() + below.len());
    lines.extend(std::iter::repeat_n(Line::raw(""), gap));
    lines.extend(below);
    draw_lines(frame, area, lines);
}

fn field(theme: &Theme, label: &str, value: &str, columns: usize) -> Line<'static> {
    let room = columns.saturating_sub(12);
    Line::from(vec![
        Span::styled(format!("  {}", pad(label, 10)), theme.dim),
        Span::styled(cut(value, room), theme.text),
    ])
}

/// The card of the selected tenant: where it answers, what it is, what can be done next.
fn card(shared: &Shared, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let Some(tenant) = shared.selected() else { return Vec::new() };
    let state = tenant.state();
    let (glyph, colour) = theme.tenant(state, shared.frame);
    let name = cut(&tenant.name, columns.saturating_sub(20));
    let rule = columns.saturating_sub(format::width(&name) + 5);
    let mut lines = vec![Line::from(vec![
        Span::styled("── ", theme.dim),
        Span::styled(name, theme.strong),
        Span::styled(format!(" {}", "─".repeat(rule)), theme.dim),
    ])];
    lines.push(Line::from(vec![
        Span::styled(format!("  {}", pad("status", 10)), theme.dim),
        Span::styled(format!("{glyph} {}", state.word()), colour),
    ]));
    if let Some(local) = local::lines(shared, &tenant.id, columns) {
        lines.extend(local);
    } else {
        let address = address(tenant).unwrap_or_else(|| "none yet".to_owned());
        lines.push(field(theme, "address", &address, columns));
        lines.push(field(theme, "plan", &plan(tenant), columns));
    }
    let room = columns.saturating_sub(12);
    lines.push(field(theme, "id", &cut_middle(tenant.id.as_str(), room), columns));
    if let Some(digest) = tenant.image_digest.as_deref().and_then(format::digest) {
        let at = tenant.deployed_at.as_deref().and_then(format::moment);
        let at = at.map_or_else(String::new, |at| format!(" · {}", format::clock(at, &shared.zone)));
        lines.push(field(theme, "image", &format!("{digest}{at}"), columns));
    }
    if let (TenantState::Failed, Some(error)) = (state, &tenant.last_error) {
        lines.extend(wrapped(error, 12, columns, 3, theme.bad));
    }
    let (id, words) = next(state);
    let key = shared.key_of(id);
    let mut spans = vec![Span::styled(format!("  {}", pad("next", 10)), theme.dim)];
    if !key.is_empty() {
        spans.push(Span::styled(key, theme.accent));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::styled(words, theme.text));
    lines.push(Line::from(fit(spans, columns)));
    lines
}

fn plan(tenant: &Tenant) -> String {
    let plan = tenant.plan.as_ref();
    let memory = tenant.memory_mb.or(plan.map(|plan| plan.memory_mb)).filter(|mb| *mb > 0);
    let volume = tenant.volume_gb.or(plan.map(|plan| plan.volume_gb)).filter(|gb| *gb > 0);
    let parts = [
        plan.map(|plan| plan.name.clone()),
        memory.map(|mb| format!("{mb} MB")),
        volume.map(|gb| format!("{gb} GB")),
        tenant.region.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(" · ") }
}

/// The command and the words for what to do with a tenant in this state.
fn next(state: TenantState) -> (&'static str, &'static str) {
    match state {
        TenantState::ToDeploy => ("deploy", "deploys it for the first time"),
        TenantState::Running => ("deploy", "deploys the project again"),
        TenantState::Failed => ("deploy", "tries again, its events say why"),
        TenantState::Suspended => ("", "activate it before a deploy"),
        TenantState::Unknown => ("refresh", "asks the server again"),
        TenantState::Local(state) => local::next(state),
        TenantState::Provisioning | TenantState::Deploying | TenantState::Restarting | TenantState::Deleting => {
            ("", "nothing, it moves itself")
        }
    }
}

/// What stands at the bottom of the pane: a waiting purchase, unreadable entries, an old list, the notice.
fn below(shared: &Shared, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = Vec::new();
    if let Some(problem) = shared.tenants.problem().filter(|_| !shared.tenants.list().is_empty()) {
        lines.extend(wrapped(&format!("List not up to date: {}", problem.title), 2, columns, 2, theme.warn));
    }
    if let Some(first) = shared.tenants.rejected().first() {
        let count = format::count(shared.tenants.rejected().len(), "entry", "entries");
        lines.extend(wrapped(&format!("{count} of the list left out: {first}"), 2, columns, 2, theme.warn));
    }
    if shared.purchase.as_ref().is_some_and(Purchase::waits_for_payment) {
        lines.push(Line::from(vec![
            Span::styled("  ○ ", theme.info),
            Span::raw("a purchase waits for its payment, "),
            Span::styled(shared.key_of("new"), theme.accent),
        ]));
    }
    if shared.options.bare_folder.is_some() {
        lines.push(Line::from(vec![
            Span::styled("  No project here · ", theme.dim),
            Span::styled(shared.key_of("project.setup"), theme.accent),
            Span::styled(" sets this folder up", theme.dim),
        ]));
    }
    if let Some(notice) = &shared.options.notice {
        lines.extend(wrapped(notice, 2, columns, 3, theme.dim));
    }
    lines
}

fn empty(shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = vec![Line::raw("")];
    if let Some(problem) = shared.tenants.problem() {
        lines.extend(problem_lines(theme, problem, 2, columns, rows.saturating_sub(3)));
        lines.push(Line::raw(""));
        if problem.requires_login {
            lines.push(indented(shared, &[("login", "log in"), ("details", "full text")]));
        } else {
            lines.push(indented(shared, &[("refresh", "try again"), ("details", "full text")]));
        }
    } else if shared.tenants.is_loading() {
        lines.push(Line::from(vec![
            Span::styled(format!("  {} ", spinner(shared.frame)), theme.accent),
            Span::styled("loading tenants", theme.dim),
        ]));
    } else {
        let mut spans = vec![Span::styled("  No tenants yet", theme.strong)];
        match shared.keymap.shown("new") {
            Some(key) => spans.extend([Span::styled(" · press ", theme.dim), Span::styled(key, theme.accent)]),
            None => spans.push(Span::styled(format!(" · {}", shared.press("new")), theme.dim)),
        }
        spans.push(Span::styled(" to buy one", theme.dim));
        lines.push(Line::from(spans));
    }
    let below = below(shared, columns);
    let gap = rows.saturating_sub(lines.len() + below.len());
    lines.extend(std::iter::repeat_n(Line::raw(""), gap));
    lines.extend(below);
    lines
}

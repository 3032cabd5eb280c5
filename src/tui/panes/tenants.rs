//! The tenants pane: the list with each tenant's status, and a card of the selected one below it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::frame::{draw_lines, fit, pane, problem_lines, wrapped};
use crate::model::{Problem, Tenant, TenantId, TenantState};
use crate::tui::app::{App, Pane};
use crate::tui::availability;
use crate::tui::backend::TenantList;
use crate::tui::dialogs::new_tenant::Purchase;
use crate::tui::format::{self, cut, cut_middle, pad};
use crate::tui::theme::{Theme, spinner};

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    list: Vec<Tenant>,
    rejected: Vec<String>,
    selected: usize,
    loaded: bool,
    problem: Option<Problem>,
    /// The tenant to select as soon as it is listed.
    pub wanted: Option<TenantId>,
}

impl State {
    /// Takes a fresh list, and keeps the selection on the same tenant.
    pub fn take(&mut self, fresh: TenantList) {
        let keep = self.selected().map(|tenant| tenant.id.clone());
        self.list = fresh.tenants;
        self.rejected = fresh.rejected;
        self.loaded = true;
        self.problem = None;
        let place = |id: &TenantId| self.list.iter().position(|tenant| tenant.id == *id);
        let wanted = self.wanted.as_ref().and_then(place);
        if wanted.is_some() {
            self.wanted = None;
        }
        let place = |id: &TenantId| self.list.iter().position(|tenant| tenant.id == *id);
        let kept = wanted.or_else(|| keep.as_ref().and_then(place));
        self.selected = kept.unwrap_or(self.selected).min(self.list.len().saturating_sub(1));
    }

    /// The list could not be loaded; the old one stays.
    pub fn fail(&mut self, problem: Problem) {
        self.problem = Some(problem);
    }

    /// The tenants, in the server's order.
    #[must_use]
    pub fn list(&self) -> &[Tenant] {
        &self.list
    }

    /// The selected tenant.
    #[must_use]
    pub fn selected(&self) -> Option<&Tenant> {
        self.list.get(self.selected)
    }

    /// Moves the selection, and stops at the ends.
    pub fn step(&mut self, delta: i64) {
        let last = i64::try_from(self.list.len()).unwrap_or(i64::MAX).saturating_sub(1).max(0);
        let place = i64::try_from(self.selected).unwrap_or(0).saturating_add(delta).clamp(0, last);
        self.selected = usize::try_from(place).unwrap_or(0);
    }

    /// True until the first answer.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        !self.loaded && self.problem.is_none()
    }

    /// True while a tenant is on its way to another state by itself.
    #[must_use]
    pub fn any_moving(&self) -> bool {
        self.list.iter().any(|tenant| tenant.state().is_moving())
    }

    /// Why the list is old or missing.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }
}

/// Columns of status, region and age, blanks in front included.
const STATUS: usize = 14;
const REGION: usize = 7;
const AGE: usize = 7;

/// Draws the pane.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let state = &app.tenants;
    let theme = &app.theme;
    let note = match state.list.len() {
        0 => Vec::new(),
        count => vec![Span::styled(count.to_string(), theme.dim)],
    };
    let inner = pane(app, frame, area, Pane::Tenants, "", &note);
    let columns = usize::from(inner.width);
    let rows = usize::from(inner.height);
    if state.list.is_empty() {
        draw_lines(frame, inner, empty(app, columns, rows));
        return;
    }
    let card = card(app, columns);
    let below = below(app, columns);
    // The list comes first; the card shows when it fits beside at least a few tenants.
    let fixed = 1 + below.len();
    let listed = state.list.len().min(rows.saturating_sub(fixed));
    let shows_card = rows > fixed + listed.min(4) + card.len();
    let list_rows = if shows_card { rows - fixed - card.len() - 1 } else { rows.saturating_sub(fixed) };
    let mut lines = vec![heading(theme, columns)];
    let first = (state.selected + 1).saturating_sub(list_rows);
    for (place, tenant) in state.list.iter().enumerate().skip(first).take(list_rows) {
        lines.push(row(app, tenant, place == state.selected, columns));
    }
    if shows_card {
        lines.push(Line::raw(""));
        lines.extend(card);
    }
    let gap = rows.saturating_sub(lines.len() + below.len());
    lines.extend(std::iter::repeat_n(Line::raw(""), gap));
    lines.extend(below);
    draw_lines(frame, inner, lines);
}

/// Columns of the region: none where they would cost the name too much; the card says it too.
fn region_columns(columns: usize) -> usize {
    if columns < 43 { 0 } else { REGION }
}

fn name_columns(columns: usize) -> usize {
    columns.saturating_sub(4 + STATUS + region_columns(columns) + AGE).max(6)
}

fn heading(theme: &Theme, columns: usize) -> Line<'static> {
    let name = pad("NAME", name_columns(columns));
    let status = pad("STATUS", STATUS - 1);
    let region = pad("REGION", region_columns(columns));
    let age = format::pad_left("DEPLOY", AGE);
    Line::styled(cut(&format!("    {name} {status}{region}{age}"), columns), theme.dim)
}

fn row(app: &App, tenant: &Tenant, selected: bool, columns: usize) -> Line<'static> {
    let theme = &app.theme;
    let state = tenant.state();
    let (glyph, colour) = theme.tenant(state, app.frame);
    let (mark, weight) = if selected { ("▌ ", theme.selection) } else { ("  ", theme.text) };
    let age = match (state, tenant.deployed_at.as_deref().and_then(format::moment)) {
        (TenantState::Deploying, _) => "now".to_owned(),
        (_, Some(then)) => format::age(app.now.wall, then),
        _ => "–".to_owned(),
    };
    let region = tenant.region.as_deref().unwrap_or("–");
    let spans = vec![
        Span::styled(mark, theme.accent),
        Span::styled(format!("{glyph} "), colour),
        Span::styled(pad(&tenant.name, name_columns(columns)), weight),
        Span::styled(format!(" {}", pad(state.word(), STATUS - 1)), colour),
        Span::styled(pad(region, region_columns(columns)), theme.dim),
        Span::styled(format::pad_left(&age, AGE), theme.dim),
    ];
    Line::from(fit(spans, columns))
}

fn field(theme: &Theme, label: &str, value: &str, columns: usize) -> Line<'static> {
    let room = columns.saturating_sub(12);
    Line::from(vec![
        Span::styled(format!("  {}", pad(label, 10)), theme.dim),
        Span::styled(cut(value, room), theme.text),
    ])
}

/// The card of the selected tenant: where it answers, what it is, what can be done next.
fn card(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let Some(tenant) = app.selected() else { return Vec::new() };
    let state = tenant.state();
    let (glyph, colour) = theme.tenant(state, app.frame);
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
    let address = availability::address(tenant).unwrap_or_else(|| "none yet".to_owned());
    lines.push(field(theme, "address", &address, columns));
    lines.push(field(theme, "plan", &plan(tenant), columns));
    let room = columns.saturating_sub(12);
    lines.push(field(theme, "id", &cut_middle(tenant.id.as_str(), room), columns));
    if let Some(digest) = tenant.image_digest.as_deref().and_then(format::digest) {
        let at = tenant.deployed_at.as_deref().and_then(format::moment);
        let at = at.map_or_else(String::new, |at| format!(" · {}", format::clock(at, &app.zone)));
        lines.push(field(theme, "image", &format!("{digest}{at}"), columns));
    }
    if let (TenantState::Failed, Some(error)) = (state, &tenant.last_error) {
        lines.extend(wrapped(error, 12, columns, 3, theme.bad));
    }
    let (key, words) = next(state);
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

/// The key and the words for what to do with a tenant in this state.
fn next(state: TenantState) -> (&'static str, &'static str) {
    match state {
        TenantState::ToDeploy => ("d", "deploys it for the first time"),
        TenantState::Running => ("d", "deploys the project again"),
        TenantState::Failed => ("d", "tries again, its events say why"),
        TenantState::Suspended => ("", "activate it before a deploy"),
        TenantState::Unknown => ("r", "asks the server again"),
        TenantState::Provisioning | TenantState::Deploying | TenantState::Restarting | TenantState::Deleting => {
            ("", "nothing, it moves itself")
        }
    }
}

/// What stands at the bottom of the pane: a waiting purchase, unreadable entries, an old list, the notice.
fn below(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    if let Some(problem) = app.tenants.problem().filter(|_| !app.tenants.list.is_empty()) {
        lines.extend(wrapped(&format!("List not up to date: {}", problem.title), 2, columns, 2, theme.warn));
    }
    if let Some(first) = app.tenants.rejected.first() {
        let count = format::count(app.tenants.rejected.len(), "entry", "entries");
        lines.extend(wrapped(&format!("{count} of the list left out: {first}"), 2, columns, 2, theme.warn));
    }
    if app.purchase.as_ref().is_some_and(Purchase::waits_for_payment) && app.dialog.is_none() {
        lines.push(Line::from(vec![
            Span::styled("  ○ ", theme.info),
            Span::raw("a purchase waits for its payment, "),
            Span::styled("n", theme.accent),
        ]));
    }
    if let Some(notice) = &app.options.notice {
        lines.extend(wrapped(notice, 2, columns, 3, theme.dim));
    }
    lines
}

fn empty(app: &App, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = vec![Line::raw("")];
    if let Some(problem) = app.tenants.problem() {
        lines.extend(problem_lines(theme, problem, 2, columns, rows.saturating_sub(3)));
        lines.push(Line::raw(""));
        lines.push(keys(theme, &[("r", "try again"), ("e", "full text")]));
    } else if app.tenants.is_loading() {
        lines.push(Line::from(vec![
            Span::styled(format!("  {} ", spinner(app.frame)), theme.accent),
            Span::styled("loading tenants", theme.dim),
        ]));
    } else {
        lines.push(Line::from(vec![
            Span::styled("  No tenants yet", theme.strong),
            Span::styled(" · press ", theme.dim),
            Span::styled("n", theme.accent),
            Span::styled(" to buy one", theme.dim),
        ]));
    }
    let below = below(app, columns);
    let gap = rows.saturating_sub(lines.len() + below.len());
    lines.extend(std::iter::repeat_n(Line::raw(""), gap));
    lines.extend(below);
    lines
}

/// `d deploy   o open`: keys in the accent, words plain.
#[must_use]
pub fn keys(theme: &Theme, keys: &[(&'static str, &'static str)]) -> Line<'static> {
    let mut spans = vec![Span::raw("  ")];
    for (place, (key, words)) in keys.iter().enumerate() {
        if place > 0 {
            spans.push(Span::raw("   "));
        }
        spans.push(Span::styled(*key, theme.accent));
        spans.push(Span::styled(format!(" {words}"), theme.text));
    }
    Line::from(spans)
}

//! How the plan pane looks: a page that waits to be paid, the subscription, the memory, the plans.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{State, Wish};
use crate::model::{Plan, Subscription, Tenant};
use crate::tui::actions::SIZES;
use crate::tui::app::Shared;
use crate::tui::format::pad;
use crate::tui::panes::frame::{draw_lines, fit, readable, wrapped};
use crate::tui::panes::parts::{Field, day, failed, fields, hints, loading, nobody, not_fresh, rule, scrolled};
use crate::tui::tenants::memory;

/// Columns by which the lines are counted for scrolling: a narrow pane has the most.
const NARROW: usize = 58;

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let area = readable(area);
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    draw_lines(frame, area, scrolled(lines(state, shared, columns, rows), state.scroll, rows));
}

/// How many lines there are at most.
pub(super) fn count(state: &State, shared: &Shared) -> usize {
    lines(state, shared, NARROW, usize::MAX).len()
}

/// What stands at the right of the title.
pub(super) fn note(state: &State, shared: &Shared) -> Vec<Span<'static>> {
    if state.wish(shared).is_some_and(|wish| wish.url.is_some()) {
        return vec![Span::styled("○ waits for its payment", shared.theme.info)];
    }
    let known = state.subscription.of(shared);
    known.map_or_else(Vec::new, |known| {
        let (glyph, word, style) = status(shared, &known.status);
        vec![Span::styled(format!("{glyph} {word}"), style)]
    })
}

fn lines(state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let Some(tenant) = shared.selected().filter(|tenant| !tenant.is_local()) else { return nobody(shared) };
    let mut lines = state.wish(shared).map_or_else(Vec::new, |wish| payment(shared, wish, columns));
    lines.push(rule(theme, "subscription", columns));
    let problem = state.subscription.problem(shared);
    match (state.subscription.of(shared), problem) {
        (Some(known), problem) => {
            lines.extend(problem.into_iter().flat_map(|problem| not_fresh(shared, problem, columns)));
            lines.extend(subscription(shared, known, columns));
        }
        (None, Some(problem)) => lines.extend(failed(shared, problem, columns, rows)),
        (None, None) => lines.extend(loading(shared, "its subscription")),
    }
    lines.push(Line::raw(""));
    lines.push(rule(theme, "memory", columns));
    lines.extend(sizes(shared, tenant, columns));
    lines.push(Line::raw(""));
    lines.push(rule(theme, "plans", columns));
    let plan = state.subscription.of(shared).and_then(|known| known.plan.as_ref()).or(tenant.plan.as_ref());
    match &state.plans {
        None => lines.push(Line::styled("–", theme.dim)),
        Some(Err(problem)) => lines.extend(wrapped(&format!("! {}", problem.title), 0, columns, 2, theme.warn)),
        Some(Ok(plans)) => {
            let is_now = |one: &Plan| plan.is_some_and(|now| now.id.as_ref() == Some(&one.id) || now.name == one.name);
            lines.extend(plans.iter().map(|plan| offer(shared, plan, is_now(plan), columns)));
        }
    }
    lines.push(Line::raw(""));
    if shared.lock.allows() {
        let keys = [("plan.memory", "memory"), ("plan.change", "change plan"), ("plan.cancel", "cancel subscription")];
        lines.push(hints(shared, &keys));
    } else {
        lines.push(Line::styled("! Nothing can be changed here now.", theme.warn));
    }
    lines
}

/// The page that waits to be paid.
fn payment(shared: &Shared, wish: &Wish, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let Some(url) = &wish.url else { return Vec::new() };
    let mut lines = vec![rule(theme, "payment", columns)];
    lines.push(Line::raw(format!("Pay for the plan {} on this page:", wish.plan.1)));
    // Whole, however long: it may have to be copied.
    lines.extend(wrapped(url, 0, columns, usize::MAX, theme.strong));
    lines.push(Line::from(fit(
        vec![
            Span::styled("○ ", theme.info),
            Span::styled("waiting for the payment; nothing changes before", theme.text),
        ],
        columns,
    )));
    lines.push(hints(shared, &[("plan.open", "opens the page")]));
    lines.push(Line::raw(""));
    lines
}

/// Glyph, word and colour of a subscription's status.
fn status(shared: &Shared, word: &str) -> (&'static str, String, Style) {
    let theme = &shared.theme;
    match word {
        "active" => ("●", "active".to_owned(), theme.good),
        "trialing" => ("●", "on trial".to_owned(), theme.info),
        "past_due" => ("!", "payment is overdue".to_owned(), theme.warn),
        "paused" => ("◌", "paused".to_owned(), theme.dim),
        "canceled" => ("✕", "cancelled".to_owned(), theme.bad),
        other => ("?", other.to_owned(), theme.dim),
    }
}

fn subscription(shared: &Shared, known: &Subscription, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let (glyph, word, style) = status(shared, &known.status);
    let mut list = vec![Field::new("status", format!("{glyph} {word}"), style)];
    let name = known.plan.as_ref().map_or("–", |plan| plan.name.as_str());
    list.push(Field::new("plan", name, theme.text));
    if let Some(start) = &known.current_period_start {
        list.push(Field::new("period from", day(shared, start), theme.text));
    }
    if let Some(end) = &known.current_period_end {
        list.push(match (known.status.as_str(), known.cancel_at_period_end) {
            ("canceled", _) => Field::new("ended", day(shared, end), theme.text),
            (_, true) => Field::new("ends", format!("{}, not renewed", day(shared, end)), theme.warn),
            (_, false) => Field::new("renews", day(shared, end), theme.text),
        });
    } else if known.cancel_at_period_end {
        list.push(Field::new("ends", "with its period, not renewed", theme.warn));
    }
    let id = known.paddle_subscription_id.as_ref().filter(|id| !id.is_empty());
    list.extend(id.map(|id| Field::new("its id", id.clone(), theme.text).long()));
    list.extend(known.management_url.as_ref().map(|url| Field::new("managed at", url.clone(), theme.text).long()));
    fields(theme, list, columns)
}

/// The sizes: which one it has, which ones its plan does not have.
fn sizes(shared: &Shared, tenant: &Tenant, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let now = memory(tenant);
    let most = tenant.plan.as_ref().map(|plan| plan.memory_mb).filter(|most| *most > 0);
    let mut spans = Vec::new();
    for size in SIZES {
        let is_above = most.is_some_and(|most| size > most);
        let (mark, style) = match () {
            () if size == now => ("● ", theme.good),
            () if is_above => ("– ", theme.dim),
            () => ("  ", theme.text),
        };
        spans.push(Span::styled(mark, style));
        spans.push(Span::styled(pad(&format!("{size} MB"), 12), if size == now { theme.strong } else { style }));
    }
    let mut lines = Vec::new();
    if !SIZES.contains(&now) && now > 0 {
        lines.push(Line::from(vec![Span::styled("● ", theme.good), Span::styled(format!("{now} MB"), theme.strong)]));
    }
    lines.push(Line::from(fit(spans, columns)));
    if let Some(plan) = tenant.plan.as_ref().filter(|_| SIZES.iter().any(|size| most.is_some_and(|most| *size > most)))
    {
        let words = format!("– is above the plan {}.", plan.name);
        lines.extend(wrapped(&words, 0, columns, 1, theme.dim));
    }
    lines
}

/// `1024 MB memory · 10 GB volume · at most 1`.
pub(super) fn about(plan: &Plan) -> String {
    let memory = (plan.memory_mb_default > 0).then(|| format!("{:>4} MB memory", plan.memory_mb_default));
    let volume = (plan.volume_gb > 0).then(|| format!("{:>2} GB volume", plan.volume_gb));
    let most = plan.max_tenants.map(|most| format!("at most {most}"));
    [memory, volume, most].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn offer(shared: &Shared, plan: &Plan, is_now: bool, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    let (mark, style) = if is_now { ("● ", theme.strong) } else { ("  ", theme.text) };
    Line::from(fit(
        vec![
            Span::styled(mark, theme.good),
            Span::styled(pad(&plan.name, 14), style),
            Span::styled(about(plan), if is_now { theme.text } else { theme.dim }),
        ],
        columns,
    ))
}

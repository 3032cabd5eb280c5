//! How the domain pane looks: the domain and how far it is, and the DNS record as it has to be entered.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{State, is_pending};
use crate::model::{CustomDomain, DnsRecord, DomainStatus, Tenant};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::panes::frame::{draw_lines, readable, wrapped};
use crate::tui::panes::parts::{
    Field, LABEL, ago, day, failed, fields, hints, loading, nobody, not_fresh, rule, scrolled,
};

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

/// Glyph, word and colour of how far it is.
pub(super) fn status(shared: &Shared, domain: &CustomDomain) -> (&'static str, String, Style) {
    let theme = &shared.theme;
    match &domain.status {
        _ if domain.leads_here() => ("●", "leads here".to_owned(), theme.good),
        DomainStatus::PendingDns => ("○", "waits for its DNS record".to_owned(), theme.info),
        DomainStatus::Provisioning => ("◐", "being set up".to_owned(), theme.accent),
        DomainStatus::Error => ("✕", "does not lead here".to_owned(), theme.bad),
        DomainStatus::Active => ("●", "active".to_owned(), theme.good),
        DomainStatus::Other(word) => ("?", word.clone(), theme.dim),
    }
}

fn lines(state: &State, shared: &Shared, columns: usize, rows: usize) -> Vec<Line<'static>> {
    if shared.selected().is_none_or(Tenant::is_local) {
        return nobody(shared);
    }
    let problem = state.domain.problem(shared);
    let Some(known) = state.domain.of(shared) else {
        return match problem {
            Some(problem) => failed(shared, problem, columns, rows),
            None => loading(shared, "its domain"),
        };
    };
    let mut lines = problem.map_or_else(Vec::new, |problem| not_fresh(shared, problem, columns));
    match known.as_deref() {
        None => lines.extend(none(shared, columns)),
        Some(domain) => lines.extend(one(shared, domain, columns)),
    }
    if !shared.lock.allows() {
        lines.push(Line::styled("! Nothing can be changed here now.", shared.theme.warn));
    }
    lines
}

fn none(shared: &Shared, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = vec![Line::styled("No domain of its own.", theme.strong)];
    let words = "A tenant always has its address. A domain that you own can lead to it too: set it here, enter the DNS record \
                 that is shown then, and wait until it is seen.";
    lines.extend(wrapped(words, 0, columns, 4, theme.dim));
    lines.push(Line::raw(""));
    if shared.lock.allows() {
        lines.push(hints(shared, &[("domain.set", "sets a domain")]));
    }
    lines
}

fn one(shared: &Shared, domain: &CustomDomain, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let (glyph, word, style) = status(shared, domain);
    let mut list = vec![
        Field::of("domain", vec![Span::styled(domain.domain.clone(), theme.strong)]).long(),
        Field::new("status", format!("{glyph} {word}"), style).long(),
    ];
    if !domain.dns_target.is_empty() {
        list.push(Field::new("leads to", domain.dns_target.clone(), theme.text).long());
    }
    if let Some(at) = &domain.created_at {
        list.push(Field::new("set", day(shared, at), theme.text));
    }
    if let Some(at) = domain.verified_at.as_deref().and_then(format::moment) {
        list.push(Field::new("seen", ago(shared, at), theme.text));
    }
    let mut lines = vec![rule(theme, "domain", columns)];
    lines.extend(fields(theme, list, columns));
    if let Some(message) = &domain.message {
        let style = if domain.status == DomainStatus::Error { theme.bad } else { theme.text };
        lines.extend(wrapped(message, LABEL, columns, 4, style));
    }
    if let Some(record) = &domain.dns_instructions {
        lines.push(Line::raw(""));
        lines.extend(block(shared, record, columns));
    }
    if !domain.leads_here() {
        let words = match (&domain.dns_instructions, is_pending(domain)) {
            (Some(_), true) => "Enter this record where the domain is administered. It is looked for every 30 s.",
            (Some(_), false) => "Check that this record stands where the domain is administered.",
            (None, _) => "The server names no DNS record for it.",
        };
        lines.extend(wrapped(words, 0, columns, 2, theme.dim));
    }
    lines.push(Line::raw(""));
    let copy = domain.dns_instructions.is_some().then_some(("domain.copy", "copies the value"));
    let remove = shared.lock.allows().then_some(("domain.remove", "removes the domain"));
    let all: Vec<_> = [copy, remove].into_iter().flatten().collect();
    lines.push(hints(shared, &all));
    lines
}

/// The record, whole: it is copied by hand where nothing else can be done.
fn block(shared: &Shared, record: &DnsRecord, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = vec![rule(theme, "dns record", columns)];
    let short = |label, value: String| Field::new(label, value, theme.text).long();
    lines.extend(fields(
        theme,
        vec![short("type", record.record_type.clone()), short("host", record.host.clone())],
        columns,
    ));
    let value = format::wrap(&record.value, columns.saturating_sub(LABEL));
    lines.extend(value.into_iter().enumerate().map(|(number, part)| {
        let label = if number == 0 { "value" } else { "" };
        Line::from(vec![Span::styled(format::pad(label, LABEL), theme.dim), Span::styled(part, theme.strong)])
    }));
    let ttl = if record.ttl > 0 { format!("{} s", record.ttl) } else { "as you like".to_owned() };
    lines.extend(fields(theme, vec![short("ttl", ttl)], columns));
    lines
}

//! How the rows of the events look: a heading for every operation, a line for every step.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::list::{End, Row};
use crate::model::{EventKind, ProvisioningEvent};
use crate::telling::row::spinner;
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::panes::frame::spread;

/// Columns of the step.
fn step_columns(columns: usize) -> usize {
    match columns {
        // As wide as the platform's own words: the step says more than the sentence behind it.
        0..60 => 14,
        60..90 => 16,
        _ => 20,
    }
}

/// One row; `under_way` where what it says is still going on.
pub(super) fn line(shared: &Shared, row: &Row, under_way: bool, columns: usize) -> Line<'static> {
    let theme = &shared.theme;
    match row {
        Row::Operation { title, took, end, .. } => {
            let style = if *end == Some(End::Failed) { theme.bad } else { theme.dim };
            let word = match end {
                Some(End::Failed) => " ✕ failed".to_owned(),
                _ => String::new(),
            };
            let took =
                took.map_or_else(String::new, |took| format!(" {}", format::pad_left(&format::duration(took), 7)));
            let right = format!("{word}{took}");
            let rule = columns.saturating_sub(title.len() + 5 + format::width(&right));
            let left = vec![
                Span::styled("── ", theme.dim),
                Span::styled((*title).to_owned(), theme.strong),
                Span::styled(format!(" {}", "─".repeat(rule)), theme.dim),
            ];
            spread(left, Span::styled(right, style), columns)
        }
        Row::Reconnected { at, away } => {
            let words = format!("live updates were interrupted for {}", format::estimate(*away));
            Line::from(vec![
                Span::styled(format!("{}  ", format::clock(*at, &shared.zone)), theme.dim),
                Span::styled(format!("↻ {words}"), theme.warn),
            ])
        }
        Row::Event { event, at, since } => {
            let time = at.map_or_else(|| "–".to_owned(), |at| format::clock(at, &shared.zone));
            let (glyph, colour) = glyph(shared, event, under_way);
            let failed = event.event_type == EventKind::ProvisioningFailed;
            let weight = if event.event_type.is_terminal() { theme.strong } else { theme.text };
            let left = vec![
                Span::styled(format!("{}  ", format::pad(&time, 8)), theme.dim),
                Span::styled(format!("{glyph} "), colour),
                Span::styled(format!("{} ", format::pad(&event.title(), step_columns(columns))), weight),
                Span::styled(words(event), if failed { theme.bad } else { theme.text }),
            ];
            let since = since.map_or_else(String::new, format::duration);
            spread(left, Span::styled(format::pad_left(&since, 8), theme.dim), columns)
        }
    }
}

fn glyph(shared: &Shared, event: &ProvisioningEvent, under_way: bool) -> (&'static str, Style) {
    let theme = &shared.theme;
    match &event.event_type {
        EventKind::ProvisioningFailed => ("✕", theme.bad),
        EventKind::TenantReady => ("●", theme.good),
        EventKind::InfrastructureReady => ("○", theme.info),
        _ if under_way => (spinner(shared.frame), theme.accent),
        _ => ("✓", theme.good),
    }
}

fn words(event: &ProvisioningEvent) -> String {
    match (event.words(), &event.app_url) {
        (Some(words), _) => words.to_owned(),
        (None, Some(url)) => url.clone(),
        (None, None) => event.status.replace('_', " "),
    }
}

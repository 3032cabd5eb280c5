//! How the deploy pane looks: the deploy itself as `telling` pictures it, and around it what the pane says where
//! there is none, or where one is not possible.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::State;
use crate::model::TenantState;
use crate::telling::Run;
use crate::telling::deploy::{Look, rows};
use crate::tui::app::Shared;
use crate::tui::format;
use crate::tui::panes::frame::{draw_lines, problem_lines, readable, rows_to_lines, spread};
use crate::tui::panes::parts::indented;

/// Rows of the pane, border included, while there is nothing to watch.
const RESTING: u16 = 5;
/// Rows of the pane, border included, that say what would make the next deploy faster.
const ADVISING: u16 = 10;
/// Rows of the pane, border included, that say why there is no deploy.
const REFUSED: u16 = 9;
/// Rows that all steps, what the running one does, and the border want.
const WATCHING: u16 = 17;

/// Rows that the pane wants, border included, of `height` rows that three panes share.
#[must_use]
pub fn wanted_rows(state: &State, shared: &Shared, focused: bool, height: u16) -> u16 {
    let watched = shared.deploys.any_running();
    let run = shared.selected().and_then(|tenant| shared.deploys.of(&tenant.id));
    let failed = run.is_some_and(|run| matches!(run.result(), Some(Err(_))));
    let looked_at = focused && run.is_some();
    if watched || failed || looked_at {
        WATCHING.max(height * 2 / 5).min(height / 2)
    } else if state.refusal.is_some() {
        REFUSED
    } else if run.is_some_and(Run::has_advice) {
        ADVISING
    } else {
        RESTING
    }
}

/// The deploy that is shown: the selected tenant's, else one that runs.
fn shown(shared: &Shared) -> Option<&Run> {
    let own = shared.selected().and_then(|tenant| shared.deploys.of(&tenant.id));
    own.or_else(|| shared.deploys.all_running().next().map(|(_, run)| run))
}

/// What the title names.
pub(super) fn subject(shared: &Shared) -> String {
    match (shown(shared), shared.selected()) {
        (Some(run), _) => run.name.clone(),
        (None, Some(tenant)) => tenant.name.clone(),
        (None, None) => String::new(),
    }
}

/// What stands at the right of the title.
pub(super) fn title_note(shared: &Shared) -> Vec<Span<'static>> {
    let run = shown(shared);
    let mut spans = note(shared, run);
    let others = shared.deploys.all_running().filter(|(_, other)| run.is_none_or(|run| run.name != other.name)).count();
    if others > 0 {
        if !spans.is_empty() {
            spans.push(Span::styled(" · ", shared.theme.dim));
        }
        spans.push(Span::styled(format!("{others} more running"), shared.theme.accent));
    }
    spans
}

/// Draws the pane.
pub(super) fn draw(state: &State, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
    let theme = &shared.theme;
    let selected = shared.selected();
    let area = readable(area);
    let columns = usize::from(area.width);
    let height = usize::from(area.height);
    let mut lines = Vec::new();
    if let Some(problem) = &state.refusal {
        lines.extend(problem_lines(theme, problem, 2, columns, height.saturating_sub(1).max(1)));
        lines.push(indented(shared, &[("deploy", "try again"), ("details", "full text"), ("dismiss", "put away")]));
        lines.push(Line::raw(""));
    }
    let left = height.saturating_sub(lines.len());
    match shown(shared) {
        Some(run) => {
            let ended = selected.and_then(|tenant| shared.deploys.ended(&tenant.id));
            let clock = ended.map_or_else(String::new, |at| format::clock(at, &shared.zone));
            let (now, turn, charset) = (shared.now.running, shared.frame, theme.glyphs.charset);
            let failed = matches!(run.result(), Some(Err(_)));
            let left = left.saturating_sub(usize::from(failed));
            let look = Look { columns, rows: left, now, turn, is_pane: true, clock: &clock, charset };
            lines.extend(rows_to_lines(theme, rows(run, &look)));
            if failed {
                lines.push(indented(shared, &[("deploy", "try again"), ("details", "full text")]));
            }
        }
        None if state.refusal.is_none() => lines.extend(resting(shared, columns)),
        None => {}
    }
    let skip = state.scroll.min(lines.len().saturating_sub(height));
    draw_lines(frame, area, lines.into_iter().skip(skip).collect());
}

fn note(shared: &Shared, run: Option<&Run>) -> Vec<Span<'static>> {
    let theme = &shared.theme;
    let key = |id: &str, words: &'static str| {
        let key = shared.key_of(id);
        if key.is_empty() { Vec::new() } else { vec![Span::styled(key, theme.accent), Span::styled(words, theme.dim)] }
    };
    match run {
        Some(run) if run.result().is_some() => key("deploy", " again"),
        Some(run) if run.cancelling && run.is_with_server() => vec![Span::styled("detaching", theme.warn)],
        Some(run) if run.cancelling => vec![Span::styled("stopping", theme.warn)],
        // What the server has accepted cannot be stopped from here.
        Some(run) if run.is_with_server() => key("deploy.cancel", " detach"),
        Some(_) => key("deploy.cancel", " cancel"),
        None => Vec::new(),
    }
}

/// What the pane says while nothing was deployed since the program started.
fn resting(shared: &Shared, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let Some(tenant) = shared.selected() else {
        let words = if shared.tenants.is_loading() { "" } else { "One key builds, pushes and deploys a tenant." };
        return vec![Line::styled(words, theme.dim)];
    };
    match (tenant.state(), &tenant.deployed_at) {
        (TenantState::ToDeploy, _) => vec![
            Line::from(vec![Span::styled("○ ", theme.info), Span::raw("Ready for its first deploy.")]),
            indented(shared, &[("deploy", "builds the project, pushes the image and deploys it")]),
        ],
        (TenantState::Local(_), _) => {
            vec![Line::styled("A database on this machine is not deployed to.", theme.dim)]
        }
        (TenantState::Provisioning, _) => vec![Line::styled("Its infrastructure is being made first.", theme.dim)],
        (_, Some(at)) => {
            let ago =
                format::moment(at).map_or_else(String::new, |at| match format::age(shared.now.wall, at).as_str() {
                    "now" => "just now".to_owned(),
                    age => format!("{age} ago"),
                });
            let digest = tenant.image_digest.as_deref().and_then(format::digest).unwrap_or("–").to_owned();
            let left = vec![Span::styled("Last deploy ", theme.dim), Span::raw(format!("{digest}  {ago}"))];
            vec![spread(left, Span::raw(""), columns), indented(shared, &[("deploy", "deploys the project again")])]
        }
        (_, None) => vec![indented(shared, &[("deploy", "builds the project, pushes the image and deploys it")])],
    }
}

//! How the deploy pane looks: the deploy itself as `telling` pictures it, and around it what the pane says where
//! there is none, or where one is not possible.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Run;
use crate::model::TenantState;
use crate::telling::deploy::{Look, rows};
use crate::tui::app::{App, Pane};
use crate::tui::format;
use crate::tui::panes::frame::{draw_lines, pane, problem_lines, readable, rows_to_lines, spread};
use crate::tui::panes::tenants::keys;

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
pub fn wanted_rows(app: &App, height: u16) -> u16 {
    let watched = app.deploy.running().is_some();
    let run = app.selected().and_then(|tenant| app.deploy.of(&tenant.id));
    let failed = run.is_some_and(|run| matches!(run.result(), Some(Err(_))));
    let looked_at = app.focus == Pane::Deploy && run.is_some();
    if watched || failed || looked_at {
        WATCHING.max(height * 2 / 5).min(height / 2)
    } else if app.deploy.refusal.is_some() {
        REFUSED
    } else if run.is_some_and(Run::has_advice) {
        ADVISING
    } else {
        RESTING
    }
}

/// Draws the pane.
pub fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let selected = app.selected();
    // The running deploy stays in sight where the selected tenant has none of its own.
    let own = selected.and_then(|tenant| app.deploy.of(&tenant.id));
    let run = own.or_else(|| app.deploy.running());
    let subject = match (run, selected) {
        (Some(run), _) => run.name.clone(),
        (None, Some(tenant)) => tenant.name.clone(),
        (None, None) => String::new(),
    };
    let note = note(app, run);
    let inner = readable(pane(app, frame, area, Pane::Deploy, &subject, &note));
    let columns = usize::from(inner.width);
    let height = usize::from(inner.height);
    let mut lines = Vec::new();
    if let Some(problem) = &app.deploy.refusal {
        lines.extend(problem_lines(theme, problem, 2, columns, height.saturating_sub(1).max(1)));
        lines.push(keys(theme, &[("d", "try again"), ("e", "full text"), ("Esc", "put away")]));
        lines.push(Line::raw(""));
    }
    let left = height.saturating_sub(lines.len());
    match run {
        Some(run) => {
            let ended = selected.and_then(|tenant| app.deploy.ended(&tenant.id));
            let clock = ended.map_or_else(String::new, |at| format::clock(at, &app.zone));
            let (now, turn) = (app.now.running, app.frame);
            let look =
                Look { columns, rows: left, now, turn, is_pane: true, clock: &clock, charset: theme.glyphs.charset };
            lines.extend(rows_to_lines(theme, rows(run, &look)));
        }
        None if app.deploy.refusal.is_none() => lines.extend(resting(app, columns)),
        None => {}
    }
    let skip = app.deploy.scroll.min(lines.len().saturating_sub(height));
    draw_lines(frame, inner, lines.into_iter().skip(skip).collect());
}

fn note(app: &App, run: Option<&Run>) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let key =
        |key: &'static str, words: &'static str| vec![Span::styled(key, theme.accent), Span::styled(words, theme.dim)];
    match run {
        Some(run) if run.result().is_some() => key("d", " again"),
        Some(run) if run.cancelling && run.is_with_server() => vec![Span::styled("detaching", theme.warn)],
        Some(run) if run.cancelling => vec![Span::styled("stopping", theme.warn)],
        // What the server has accepted cannot be stopped from here.
        Some(run) if run.is_with_server() => key("c", " detach"),
        Some(_) => key("c", " cancel"),
        None => Vec::new(),
    }
}

/// What the pane says while nothing was deployed since the program started.
fn resting(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let Some(tenant) = app.selected() else {
        let words = if app.tenants.is_loading() { "" } else { "One key builds, pushes and deploys a tenant." };
        return vec![Line::styled(words, theme.dim)];
    };
    match (tenant.state(), &tenant.deployed_at) {
        (TenantState::ToDeploy, _) => vec![
            Line::from(vec![Span::styled("○ ", theme.info), Span::raw("Ready for its first deploy.")]),
            keys(theme, &[("d", "builds the project, pushes the image and deploys it")]),
        ],
        (TenantState::Provisioning, _) => vec![Line::styled("Its infrastructure is being made first.", theme.dim)],
        (_, Some(at)) => {
            let ago = format::moment(at).map_or_else(String::new, |at| match format::age(app.now.wall, at).as_str() {
                "now" => "just now".to_owned(),
                age => format!("{age} ago"),
            });
            let digest = tenant.image_digest.as_deref().and_then(format::digest).unwrap_or("–").to_owned();
            let left = vec![Span::styled("Last deploy ", theme.dim), Span::raw(format!("{digest}  {ago}"))];
            vec![spread(left, Span::raw(""), columns), keys(theme, &[("d", "deploys the project again")])]
        }
        (_, None) => vec![keys(theme, &[("d", "builds the project, pushes the image and deploys it")])],
    }
}

//! How a deploy looks: a line for every step, what the step under way is doing below it, and its end in
//! place: the success with its address, or the problem with what to do.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::time::Duration;

use super::{Layer, Run, Step};
use crate::model::progress::DeployOutcome;
use crate::model::progress::{DeployStep, LayerState, VertexState};
use crate::model::{Problem, TenantState};
use crate::tui::app::{App, Pane};
use crate::tui::format;
use crate::tui::panes::frame::{draw_lines, pane, problem_lines, readable, spread};
use crate::tui::panes::tenants::keys;
use crate::tui::theme::{Theme, spinner};

/// Columns in front of a step's words: glyph, step.
const WORD: usize = 13;
/// Columns of `3 of 5 layers` and of a layer's id.
const LABEL: usize = 14;
/// Columns of `41/62 MB`.
const BYTES: usize = 12;
/// Rows of the pane, border included, while there is nothing to watch.
const RESTING: u16 = 5;
/// Rows of the pane, border included, that say why there is no deploy.
const REFUSED: u16 = 9;
/// Rows that seven steps, what the running one does, and the border want.
const WATCHING: u16 = 15;

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
    let rows = usize::from(inner.height);
    let mut lines = Vec::new();
    if let Some(problem) = &app.deploy.refusal {
        lines.extend(problem_lines(theme, problem, 2, columns, rows.saturating_sub(1).max(1)));
        lines.push(keys(theme, &[("d", "try again"), ("e", "full text"), ("Esc", "put away")]));
        lines.push(Line::raw(""));
    }
    let left = rows.saturating_sub(lines.len());
    match run {
        Some(run) => lines.extend(run_lines(app, run, columns, left)),
        None if app.deploy.refusal.is_none() => lines.extend(resting(app, columns)),
        None => {}
    }
    let skip = app.deploy.scroll.min(lines.len().saturating_sub(rows));
    draw_lines(frame, inner, lines.into_iter().skip(skip).collect());
}

fn note(app: &App, run: Option<&Run>) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let key =
        |key: &'static str, words: &'static str| vec![Span::styled(key, theme.accent), Span::styled(words, theme.dim)];
    match run {
        Some(run) if run.end.is_none() && run.cancelling => vec![Span::styled("stopping", theme.warn)],
        Some(run) if run.end.is_none() => key("c", " cancel"),
        Some(_) => key("d", " again"),
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

fn run_lines(app: &App, run: &Run, columns: usize, rows: usize) -> Vec<Line<'static>> {
    match run.result() {
        Some(Ok(outcome)) if rows < DeployStep::ALL.len() + 3 => success(app, run, outcome, columns),
        Some(Ok(outcome)) => {
            let mut lines: Vec<_> =
                DeployStep::ALL.into_iter().map(|step| step_line(app, run, step, columns)).collect();
            lines.push(Line::raw(""));
            lines.extend(success(app, run, outcome, columns));
            lines
        }
        Some(Err(problem)) => failure(app, run, problem, columns, rows),
        None => under_way(app, run, columns, rows),
    }
}

fn success(app: &App, run: &Run, outcome: &DeployOutcome, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let at = run.end.as_ref().map_or_else(String::new, |(_, end)| format::clock(end.wall, &app.zone));
    let left = vec![
        Span::styled("✓ ", theme.good),
        Span::styled(format::pad("deployed", WORD - 2), theme.strong),
        Span::raw(outcome.digest.short().to_owned()),
        Span::styled(format!("  {at}"), theme.dim),
    ];
    let mut lines = vec![spread(left, took(theme, outcome.took), columns)];
    if let Some(url) = &outcome.app_url {
        lines.push(Line::from(vec![
            Span::raw(" ".repeat(WORD)),
            Span::styled(format::cut(url, columns.saturating_sub(WORD + 8)), theme.text),
            Span::styled("   o", theme.accent),
            Span::styled(" open", theme.dim),
        ]));
    }
    lines
}

fn failure(app: &App, run: &Run, problem: &Problem, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    // Steps that were never begun say nothing any more.
    let mut lines: Vec<_> = DeployStep::ALL
        .into_iter()
        .filter(|step| run.steps[*step as usize] != Step::Pending)
        .map(|step| step_line(app, run, step, columns))
        .collect();
    let told = problem_lines(theme, problem, 2, columns, 9.min(rows.saturating_sub(2)).max(1));
    // The problem first: where both do not fit, the steps above it give way.
    let room = rows.saturating_sub(told.len() + 1).max(1);
    if lines.len() > room {
        lines.drain(..lines.len() - room);
    }
    let output_room = rows.saturating_sub(lines.len() + told.len() + 2).min(6);
    let tail = run.output.iter().rev().take(output_room).rev();
    lines.extend(tail.map(|line| output_line(theme, line, columns)));
    lines.extend(told);
    lines.push(keys(theme, &[("d", "try again"), ("e", "full text")]));
    lines
}

fn under_way(app: &App, run: &Run, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let steps = DeployStep::ALL.len();
    let room = rows.saturating_sub(steps + 1);
    let mut lines = Vec::with_capacity(rows);
    for step in DeployStep::ALL {
        lines.push(step_line(app, run, step, columns));
        if matches!(run.steps[step as usize], Step::Running { .. }) {
            lines.extend(below(app, run, step, columns, room));
        }
    }
    if rows > steps {
        let blank = rows.saturating_sub(lines.len() + 1);
        lines.extend(std::iter::repeat_n(Line::raw(""), blank));
        let elapsed = format::duration(app.now.running.saturating_sub(run.began.running));
        let words = if run.cancelling { "stopping, " } else { "" };
        let note = Span::styled(format!("{words}{elapsed} so far"), theme.dim);
        lines.push(spread(Vec::new(), note, columns));
    }
    lines
}

fn took(theme: &Theme, took: Duration) -> Span<'static> {
    Span::styled(format::pad_left(&format::duration(took), 8), theme.dim)
}

fn step_line(app: &App, run: &Run, step: DeployStep, columns: usize) -> Line<'static> {
    let theme = &app.theme;
    let word = format::pad(step.word(), WORD - 2);
    let line = |glyph: &'static str, colour, weight, words: String, right| {
        let left = vec![
            Span::styled(format!("{glyph} "), colour),
            Span::styled(word.clone(), weight),
            Span::styled(words, theme.text),
        ];
        spread(left, right, columns)
    };
    match &run.steps[step as usize] {
        Step::Pending => line("·", theme.dim, theme.dim, String::new(), Span::raw("")),
        Step::Done { summary, took: time } => line("✓", theme.good, theme.text, summary.clone(), took(theme, *time)),
        Step::Failed { took: time } => line("✕", theme.bad, theme.bad, String::new(), took(theme, *time)),
        Step::Skipped { why } => line("–", theme.dim, theme.dim, why.clone(), Span::raw("")),
        Step::Running { since } => {
            let time = app.now.running.saturating_sub(*since);
            if step == DeployStep::Push && !run.layers.is_empty() {
                return push_line(app, run, &word, took(theme, time), columns);
            }
            let words = if step == DeployStep::Build { build_words(run) } else { String::new() };
            line(spinner(app.frame), theme.accent, theme.strong, words, took(theme, time))
        }
    }
}

fn build_words(run: &Run) -> String {
    let build = &run.build;
    let mut parts = Vec::new();
    let steps: Vec<_> = build.vertexes.iter().filter(|vertex| vertex.is_instruction()).collect();
    if !steps.is_empty() {
        parts.push(format!("step {}", steps.len()));
    }
    let cached = steps.iter().filter(|vertex| vertex.state == VertexState::Cached).count();
    if cached > 0 {
        parts.push(format!("{cached} cached"));
    }
    if build.context > 0 {
        parts.push(format!("context {}", format::bytes(build.context)));
    }
    parts.join(", ")
}

fn push_line(app: &App, run: &Run, word: &str, time: Span<'static>, columns: usize) -> Line<'static> {
    let theme = &app.theme;
    let done =
        run.layers.iter().filter(|layer| matches!(layer.state, LayerState::Pushed | LayerState::AlreadyThere)).count();
    let (sent, total) = run.sent();
    let mut left = vec![
        Span::styled(format!("{} ", spinner(app.frame)), theme.accent),
        Span::styled(word.to_owned(), theme.strong),
        Span::raw(format::pad(&format!("{done} of {} layers", run.layers.len()), LABEL)),
    ];
    if total > 0 {
        left.extend(bar(theme, run.share, bar_columns(columns)));
        left.push(Span::raw(format::pad_left(&format::bytes_of(sent, total), BYTES)));
    }
    spread(left, time, columns)
}

fn bar_columns(columns: usize) -> usize {
    columns.saturating_sub(WORD + LABEL + BYTES + 9).clamp(4, 30)
}

/// What a running step is doing, in at most `room` lines.
fn below(app: &App, run: &Run, step: DeployStep, columns: usize, room: usize) -> Vec<Line<'static>> {
    let theme = &app.theme;
    if step == DeployStep::Push {
        return layer_lines(theme, &run.layers, columns, room);
    }
    let skip = run.output.len().saturating_sub(room);
    run.output.iter().skip(skip).map(|line| output_line(theme, line, columns)).collect()
}

fn output_line(theme: &Theme, line: &str, columns: usize) -> Line<'static> {
    let room = columns.saturating_sub(WORD);
    Line::styled(format!("{}{}", " ".repeat(WORD), format::cut(line, room)), theme.dim)
}

/// Layers on their way first, then those that are done; what does not fit is counted.
fn layer_lines(theme: &Theme, layers: &[Layer], columns: usize, room: usize) -> Vec<Line<'static>> {
    let is_moving = |layer: &&Layer| matches!(layer.state, LayerState::Pushing { .. });
    let moving = layers.iter().filter(is_moving);
    let resting = layers.iter().filter(|layer| !is_moving(layer));
    let shown = if layers.len() > room { room.saturating_sub(1) } else { room };
    let mut lines: Vec<_> = moving.chain(resting).take(shown).map(|layer| layer_line(theme, layer, columns)).collect();
    if layers.len() > shown && room > 0 {
        let words = format!("and {} more", layers.len() - shown);
        lines.push(output_line(theme, &words, columns));
    }
    lines
}

fn layer_line(theme: &Theme, layer: &Layer, columns: usize) -> Line<'static> {
    let id: String = layer.id.chars().take(8).collect();
    let mut spans = vec![Span::raw(" ".repeat(WORD)), Span::styled(format::pad(&id, LABEL), theme.dim)];
    match layer.state {
        LayerState::Waiting => spans.push(Span::styled("waiting", theme.dim)),
        LayerState::AlreadyThere => spans.push(Span::styled("already there", theme.dim)),
        LayerState::Pushed => spans.push(Span::styled(format!("pushed, {}", format::bytes(layer.sent)), theme.dim)),
        LayerState::Pushing { .. } if layer.total == 0 => spans.push(Span::raw(format::bytes(layer.sent))),
        LayerState::Pushing { .. } => {
            let sent = layer.sent.min(layer.total);
            let share = u16::try_from(u128::from(sent) * 1000 / u128::from(layer.total)).unwrap_or(1000);
            spans.extend(bar(theme, share, bar_columns(columns)));
            spans.push(Span::styled(format::pad_left(&format::bytes_of(sent, layer.total), BYTES), theme.dim));
        }
    }
    Line::from(super::super::frame::fit(spans, columns))
}

/// A bar with `share` thousandths filled, in eighths of a column.
fn bar(theme: &Theme, share: u16, columns: usize) -> [Span<'static>; 2] {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = columns * 8 * usize::from(share.min(1000)) / 1000;
    let (full, part) = (eighths / 8, PARTS[eighths % 8]);
    let empty = columns - full - usize::from(!part.is_empty());
    [Span::styled(format!("{}{part}", "█".repeat(full)), theme.accent), Span::styled("░".repeat(empty), theme.dim)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::Depth;

    #[test]
    fn a_bar_has_its_width_at_every_share() {
        let theme = Theme::new(Depth::Plain);
        for share in 0..=1100 {
            let wide: usize = bar(&theme, share, 17).iter().map(Span::width).sum();
            assert_eq!(wide, 17, "at {share}");
        }
    }
}

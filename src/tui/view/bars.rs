//! The rows around the panes: which cloud this is and whether things answer, the pages, and what can be pressed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};

use super::layout;
use crate::tui::app::{App, Health};
use crate::tui::commands::{Command, Scope, table};
use crate::tui::dialogs::Dialog;
use crate::tui::format;
use crate::tui::lock::Lock;
use crate::tui::panes::frame::{fit, spread};
use crate::tui::update::keys;

/// Columns below which the header leaves out what is only nice to know.
const NARROW: u16 = 72;

/// One blank column on either side.
pub fn inset(area: Rect) -> Rect {
    Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area }
}

/// The top row.
pub fn header(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let shared = &app.shared;
    let theme = &shared.theme;
    let area = inset(area);
    let user = match &shared.account {
        None => Span::styled("logging in", theme.dim),
        Some(Ok(me)) => Span::styled(me.user.email.clone(), theme.text),
        Some(Err(problem)) if problem.requires_login => Span::styled("✕ not logged in", theme.bad),
        Some(Err(_)) => Span::styled("✕ account not loaded", theme.bad),
    };
    let dot = || Span::styled(" · ", theme.dim);
    // Where there is little room it is for whom one works with.
    let is_narrow = area.width < NARROW;
    let mut left = Vec::new();
    if !is_narrow {
        left.extend([Span::styled("tenantry", theme.strong), Span::raw("   ")]);
    }
    left.push(Span::styled(shared.options.context_label.clone(), theme.accent));
    match shared.lock {
        Lock::Open => {}
        Lock::ReadOnly => left.extend([dot(), Span::styled("read-only", theme.warn)]),
        Lock::Protected => left.extend([dot(), Span::styled("protected", theme.warn)]),
        Lock::Unlocked(_) => left.extend([dot(), Span::styled("unlocked", theme.bad)]),
    }
    left.extend([dot(), Span::raw(shared.options.api_label.clone()), dot(), user]);
    let mut right = match &shared.api {
        Health::Unknown => vec![Span::styled("· API", theme.dim)],
        Health::Up(_) if is_narrow => vec![Span::styled("● ", theme.good), Span::raw("API")],
        Health::Up(pace) => vec![Span::styled("● ", theme.good), Span::raw(format!("API {pace}"))],
        Health::Down(_) => vec![Span::styled("✕ API not reachable", theme.bad)],
    };
    right.push(Span::raw("   "));
    match &shared.engine {
        Health::Unknown => right.push(Span::styled("· Docker", theme.dim)),
        Health::Up(name) => {
            right.push(Span::styled("● ", theme.good));
            let name = if is_narrow { "" } else { name };
            right.push(Span::raw(format::cut(format!("Docker {name}").trim_end(), 28)));
        }
        Health::Down(_) => right.push(Span::styled("✕ Docker not answering", theme.bad)),
    }
    // Whether things answer outweighs who is asking.
    let columns = usize::from(area.width);
    let wide: usize = right.iter().map(Span::width).sum();
    let mut spans = fit(left, columns.saturating_sub(wide + 2));
    let taken: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(columns.saturating_sub(taken + wide))));
    spans.extend(right);
    frame.render_widget(Paragraph::new(Line::from(fit(spans, columns))), area);
}

/// The row of pages.
pub fn tabs(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = usize::from(area.width);
    let mut spans = Vec::new();
    let mut x = 0;
    for tab in layout::tabs(app, area.width) {
        let gap = usize::from(tab.x).saturating_sub(x);
        x = usize::from(tab.x) + format::width(&tab.words);
        let mark = if tab.here { "▌" } else { " " };
        spans.push(Span::styled(format!("{}{mark}", " ".repeat(gap.saturating_sub(1))), theme.accent));
        spans.push(Span::styled(tab.words, if tab.here { theme.selection } else { theme.dim }));
    }
    let left = columns.saturating_sub(x + 3);
    let marked = app.shared.tenants.marked().len();
    let subject = match (marked, app.selected()) {
        (0, Some(tenant)) if layout::is_single(app, layout::whole(app)) => tenant.name.clone(),
        (0, _) => String::new(),
        (count, _) => format!("{count} marked"),
    };
    let subject = Span::styled(format::cut(&subject, left), theme.text);
    frame.render_widget(Paragraph::new(spread(fit(spans, columns), subject, columns.saturating_sub(1))), area);
}

/// The bottom row: what happened, else what can be pressed.
pub fn hints(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let area = inset(area);
    let columns = usize::from(area.width);
    if app.dialog.as_ref().is_some_and(Dialog::is_in_bottom_row) {
        return;
    }
    if let Some(toast) = &app.shared.toast {
        let (glyph, style) = if toast.bad { ("! ", theme.warn) } else { ("✓ ", theme.good) };
        let spans = vec![Span::styled(glyph, style), Span::styled(toast.text.clone(), theme.text)];
        frame.render_widget(Paragraph::new(Line::from(fit(spans, columns))), area);
        return;
    }
    let mut hints: Vec<(String, &'static str, bool)> = Vec::new();
    let scopes = app.scopes();
    for scope in &scopes {
        let wanted = table().filter(|command| command.scope == *scope && command.hint);
        for command in wanted.filter(|command| is_worth_showing(app, command)) {
            // A key that means something else in this pane is no hint.
            if app.shared.keymap.reaches(&scopes, command)
                && let Some(key) = app.shared.keymap.all_of(command).into_iter().next()
            {
                hints.push((key, command.title, is_kept(command)));
            }
        }
    }
    // Too many for the row: the last of those that the help can tell go first.
    let wide = |hints: &[(String, &str, bool)]| -> usize {
        hints.iter().map(|(key, title, _)| format::width(key) + title.len() + 4).sum()
    };
    while wide(&hints) > columns + 3 {
        let Some(place) = hints.iter().rposition(|(_, _, kept)| !kept) else { break };
        hints.remove(place);
    }
    let mut spans = Vec::new();
    for (place, (key, title, _)) in hints.into_iter().enumerate() {
        spans.push(Span::raw(if place == 0 { "" } else { "   " }));
        spans.push(Span::styled(key, theme.accent));
        spans.push(Span::styled(format!(" {title}"), theme.dim));
    }
    frame.render_widget(Paragraph::new(Line::from(fit(spans, columns))), area);
}

/// The way out and the way to everything else stay in sight.
fn is_kept(command: &Command) -> bool {
    matches!(command.id, "help" | "quit" | "palette")
}

/// What is not possible now is no hint; a deploy that only lacks something says so when it is pressed.
fn is_worth_showing(app: &App, command: &Command) -> bool {
    match command.id {
        "deploy" => app.selected().is_some_and(|tenant| app.shared.deploys.running(&tenant.id).is_none()),
        _ if matches!(command.scope, Scope::Main | Scope::Pane(_) | Scope::LocalRun) => {
            keys::allowed(app, command).is_ok()
        }
        _ => true,
    }
}

/// How a row of keys may go on, above the bottom row.
pub fn pending(app: &App, frame: &mut Frame<'_>, area: Rect, hints: Rect) {
    if app.pending.is_empty() {
        return;
    }
    let theme = &app.shared.theme;
    let ways = app.shared.keymap.after(&app.scopes(), &app.pending);
    let shown = |keys: &[crate::tui::key::Key]| keys.iter().map(|key| key.shown()).collect::<Vec<_>>().join(" ");
    let lines: Vec<Line<'static>> = ways
        .iter()
        .map(|(rest, command)| {
            let possible = keys::allowed(app, command).is_ok();
            let (key, words) = if possible { (theme.accent, theme.text) } else { (theme.dim, theme.dim) };
            Line::from(vec![
                Span::styled(format::pad(&shown(rest), 4), key),
                Span::styled(command.title.to_owned(), words),
            ])
        })
        .collect();
    let wide = lines.iter().map(Line::width).max().unwrap_or(0).max(12) + 4;
    let width = u16::try_from(wide).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(hints.y.saturating_sub(area.y));
    let at = Rect { x: area.right() - width, y: hints.y - height, width, height };
    frame.render_widget(Clear, at);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.accent)
        .title_top(Line::styled(format!(" {} … ", shown(&app.pending)), theme.strong));
    let inner = block.inner(at);
    frame.render_widget(block, at);
    let inner = Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner };
    frame.render_widget(Paragraph::new(lines), inner);
}

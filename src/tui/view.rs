//! The only thing that draws: the whole picture from the state, whatever the size of the terminal.

pub mod layout;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::app::{App, Health, Pane};
use super::availability;
use super::commands::{Action, COMMANDS, Scope};
use super::dialogs;
use super::format;
use super::panes::frame::{fit, spread};
use super::panes::{deploy, events, logs, tenants};
use layout::{Layout, MIN_COLUMNS, MIN_ROWS};

/// Draws everything.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    match layout::layout(app, area) {
        Layout::TooSmall => {
            let columns = usize::from(area.width);
            let (words, short) = match &app.dialog {
                // There is room for the question that stands between the person and the way out.
                Some(dialogs::Dialog::Confirm(_)) => {
                    ("A deploy is running. Leave? y n".to_owned(), "Leave? y n".to_owned())
                }
                _ => (
                    format!("tenantry needs {MIN_COLUMNS}×{MIN_ROWS}, this is {}×{}", area.width, area.height),
                    format!("needs {MIN_COLUMNS}×{MIN_ROWS}"),
                ),
            };
            let line = format::cut(if format::width(&words) > columns { &short } else { &words }, columns);
            frame.render_widget(Paragraph::new(line), Rect { height: area.height.min(1), ..area });
        }
        Layout::Single { header, tabs, body, hints } => {
            draw_header(app, frame, header);
            draw_tabs(app, frame, tabs);
            draw_pane(app, app.focus, frame, body);
            draw_hints(app, frame, hints);
            dialogs::draw(app, frame, body);
        }
        Layout::Full { header, panes, hints } => {
            draw_header(app, frame, header);
            for (pane, area) in Pane::ALL.into_iter().zip(panes) {
                draw_pane(app, pane, frame, area);
            }
            draw_hints(app, frame, hints);
            dialogs::draw(app, frame, area);
        }
    }
    app.theme.glyphs.redraw(frame.buffer_mut());
}

fn draw_pane(app: &App, pane: Pane, frame: &mut Frame<'_>, area: Rect) {
    match pane {
        Pane::Tenants => tenants::draw(app, frame, area),
        Pane::Events => events::draw(app, frame, area),
        Pane::Deploy => deploy::draw(app, frame, area),
        Pane::Logs => logs::draw(app, frame, area),
    }
}

/// One blank column on either side.
fn inset(area: Rect) -> Rect {
    Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area }
}

fn draw_header(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let area = inset(area);
    let user = match &app.account {
        None => Span::styled("logging in", theme.dim),
        Some(Ok(me)) => Span::styled(me.user.email.clone(), theme.text),
        Some(Err(problem)) if problem.requires_login => Span::styled("✕ not logged in", theme.bad),
        Some(Err(_)) => Span::styled("✕ account not loaded", theme.bad),
    };
    let dot = || Span::styled(" · ", theme.dim);
    let left = vec![
        Span::styled("tenantry", theme.strong),
        Span::raw("   "),
        Span::styled(app.options.context_label.clone(), theme.accent),
        dot(),
        Span::raw(app.options.api_label.clone()),
        dot(),
        user,
    ];
    let mut right = match &app.api {
        Health::Unknown => vec![Span::styled("· API", theme.dim)],
        Health::Up(_) => vec![Span::styled("● ", theme.good), Span::raw("API")],
        Health::Down(_) => vec![Span::styled("✕ API not reachable", theme.bad)],
    };
    right.push(Span::raw("   "));
    match &app.engine {
        Health::Unknown => right.push(Span::styled("· Docker", theme.dim)),
        Health::Up(name) => {
            right.push(Span::styled("● ", theme.good));
            right.push(Span::raw(format::cut(&format!("Docker {name}"), 28)));
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

fn draw_tabs(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let mut spans = Vec::new();
    for pane in Pane::ALL {
        let (mark, style) = if pane == app.focus { ("▌", theme.selection) } else { (" ", theme.dim) };
        spans.push(Span::styled(mark, theme.accent));
        spans.push(Span::styled(format!("{}   ", pane.title()), style));
    }
    let subject = app.selected().map_or_else(String::new, |tenant| tenant.name.clone());
    let area = inset(area);
    let columns = usize::from(area.width);
    let subject = Span::styled(format::cut(&subject, columns.saturating_sub(46)), theme.text);
    frame.render_widget(Paragraph::new(spread(spans, subject, columns)), area);
}

fn draw_hints(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.theme;
    let area = inset(area);
    let columns = usize::from(area.width);
    if let Some(toast) = &app.toast {
        let (glyph, style) = if toast.bad { ("! ", theme.warn) } else { ("✓ ", theme.good) };
        let spans = vec![Span::styled(glyph, style), Span::styled(toast.text.clone(), theme.text)];
        frame.render_widget(Paragraph::new(Line::from(fit(spans, columns))), area);
        return;
    }
    let scope = app.scope();
    let mut hints: Vec<(String, &'static str, bool)> = COMMANDS
        .iter()
        .filter(|command| command.scope == scope && command.hint)
        .filter(|command| scope != Scope::Main || is_worth_showing(app, command.action))
        .filter_map(|command| Some((command.keys.first()?.shown(), command.title, is_kept(command.action))))
        .collect();
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
fn is_kept(action: Action) -> bool {
    matches!(action, Action::Help | Action::Quit)
}

/// What is not possible now is no hint; a deploy that only lacks something says so when it is pressed.
fn is_worth_showing(app: &App, action: Action) -> bool {
    match action {
        Action::Deploy => app.selected().is_some() && app.deploy.running().is_none(),
        _ => availability::check(app, action).is_ok(),
    }
}

//! The palette: every command and every tenant, found by a few letters. A command shows its key, and why it is not
//! possible now.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::cmp::Reverse;

use super::field::Field;
use super::{Dialog, place_at, text_columns};
use crate::model::TenantId;
use crate::tui::actions::done;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::effect::Effect;
use crate::tui::format::{self, pad};
use crate::tui::panes::frame::{fit, spread};
use crate::tui::update::keys;

/// Rows of the list.
const ROWS: usize = 14;
/// Commands that are remembered as the last ones used.
pub const REMEMBERED: usize = 20;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("palette.run", Scope::Palette, &["enter"], "run", "Run the selected command.", run).hinted(),
    command("palette.close", Scope::Palette, &["esc"], "close", "Close the palette.", |app| {
        app.dialog = None;
        done()
    })
    .hinted(),
    command("palette.up", Scope::Palette, &["up", "ctrl-k"], "up", "Select the entry above.", |app| step(app, false)),
    command("palette.down", Scope::Palette, &["down", "ctrl-j"], "down", "Select the entry below.", |app| {
        step(app, true)
    }),
];

/// What an entry leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// A command.
    Command(&'static Command),
    /// A tenant to select.
    Tenant(TenantId),
}

/// The palette: what was typed and what is selected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    field: Field,
    selected: usize,
}

impl Palette {
    /// The line that is being typed.
    pub fn field(&mut self) -> &mut Field {
        // Whatever changes, the best match is the one that is meant.
        self.selected = 0;
        &mut self.field
    }
}

/// What fits to what was typed, the best first; without text what was used last, then the table.
#[must_use]
pub fn entries(app: &App, typed: &str) -> Vec<Goal> {
    let mut commands: Vec<&'static Command> = Vec::new();
    for command in table().filter(|command| command.listed) {
        // One entry for a command of several scopes.
        if !commands.iter().any(|known| known.id == command.id) {
            commands.push(command);
        }
    }
    let typed = typed.trim();
    if typed.is_empty() {
        let recent = |command: &&Command| app.recent.iter().position(|id| *id == command.id).unwrap_or(usize::MAX);
        commands.sort_by_key(recent);
        return commands.into_iter().map(Goal::Command).collect();
    }
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut room = Vec::new();
    let mut score = |words: &str| pattern.score(Utf32Str::new(words, &mut room), &mut matcher);
    let mut found: Vec<(u32, Goal)> = Vec::new();
    for command in commands {
        let words = format!("{} {} {}", command.title, command.scope.title(), command.id);
        if let Some(score) = score(&words) {
            found.push((score, Goal::Command(command)));
        }
    }
    for tenant in app.shared.tenants.list() {
        if let Some(score) = score(&tenant.name) {
            found.push((score, Goal::Tenant(tenant.id.clone())));
        }
    }
    // Of equal ones first what is possible now.
    let refused = |goal: &Goal| matches!(goal, Goal::Command(command) if keys::allowed(app, command).is_err());
    found.sort_by_cached_key(|(score, goal)| (Reverse(*score), refused(goal)));
    // More than a screen of them helps nobody.
    found.truncate(200);
    found.into_iter().map(|(_, goal)| goal).collect()
}

fn step(app: &mut App, down: bool) -> Vec<Effect> {
    let Some(Dialog::Palette(palette)) = &app.dialog else { return done() };
    let last = entries(app, palette.field.text()).len().saturating_sub(1);
    if let Some(Dialog::Palette(palette)) = &mut app.dialog {
        palette.selected = if down { (palette.selected + 1).min(last) } else { palette.selected.saturating_sub(1) };
    }
    done()
}

fn run(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::Palette(palette)) = app.dialog.take() else { return done() };
    match entries(app, palette.field.text()).into_iter().nth(palette.selected) {
        Some(Goal::Command(command)) => {
            if let Scope::Pane(pane) = command.scope {
                app.show(pane);
            }
            keys::invoke(app, command)
        }
        Some(Goal::Tenant(id)) => {
            app.shared.tenants.select(&id);
            done()
        }
        None => done(),
    }
}

/// Draws it in the top third.
pub fn draw(app: &App, dialog: &Palette, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let columns = text_columns(area, 76);
    let found = entries(app, dialog.field.text());
    let rows = ROWS.min(usize::from(area.height).saturating_sub(6)).max(1);
    let mut lines = vec![dialog.field.line(theme, columns, "› "), Line::raw("")];
    if found.is_empty() {
        lines.push(Line::styled("Nothing is called like that.", theme.dim));
    }
    let first = (dialog.selected + 1).saturating_sub(rows);
    for (place, goal) in found.iter().enumerate().skip(first).take(rows) {
        lines.push(entry(app, goal, place == dialog.selected, columns));
    }
    // As high as a full list: nothing jumps while something is typed.
    lines.resize(rows + 2, Line::raw(""));
    place_at(app, frame, area, "Palette", columns, lines, area.height / 8);
}

fn entry(app: &App, goal: &Goal, selected: bool, columns: usize) -> Line<'static> {
    let theme = &app.shared.theme;
    let mark = if selected { "▌ " } else { "  " };
    match goal {
        Goal::Tenant(id) => {
            let tenant = app.shared.tenants.get(id);
            let name = tenant.map_or("", |tenant| tenant.name.as_str());
            let state = tenant.map_or("", |tenant| tenant.state().word());
            let left = vec![
                Span::styled(mark, theme.accent),
                Span::styled(pad(name, 26), if selected { theme.selection } else { theme.text }),
                Span::styled(format!("  {state}"), theme.dim),
            ];
            spread(left, Span::styled("tenant", theme.dim), columns)
        }
        Goal::Command(command) => {
            let refused = keys::allowed(app, command).err();
            let style = match (&refused, selected) {
                (Some(_), _) => theme.dim,
                (None, true) => theme.selection,
                (None, false) => theme.text,
            };
            let words = match &refused {
                Some(problem) => problem.title.clone(),
                None => command.help.to_owned(),
            };
            let place = match command.scope {
                Scope::Pane(pane) => format!("{}: {}", pane.title().to_lowercase(), command.title),
                _ => command.title.to_owned(),
            };
            let key = app.shared.keymap.all_of(command).into_iter().next().unwrap_or_default();
            let key = Span::styled(key, if refused.is_some() { theme.dim } else { theme.accent });
            let left = vec![
                Span::styled(mark, theme.accent),
                Span::styled(pad(&place, 26), style),
                Span::styled(format!("  {}", format::cut(&words, columns.saturating_sub(40))), theme.dim),
            ];
            let left = fit(left, columns.saturating_sub(key.width() + 2));
            spread(left, key, columns)
        }
    }
}

//! The wizard's last stage: a tenant is there, and what comes next is one key away. It says what became of what was chosen
//! for it, and what a first deploy of this folder still lacks.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::confirm::beneath;
use super::{Dialog, text_columns, text_rows, window};
use crate::model::{Check, CheckResult, Problem, Tenant, TenantId};
use crate::ops::call::{Call, Reply};
use crate::tui::actions::context::is_open;
use crate::tui::actions::{address, can_open, deploy, done, no_tenant, tenant};
use crate::tui::app::{App, Shared};
use crate::tui::bought::{What, Wish, WishState};
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::effect::{Effect, Request};
use crate::tui::format::{cut, pad};
use crate::tui::jobs::Slot;
use crate::tui::panes::Pane;
use crate::tui::panes::frame::{fit, problem_lines, wrapped};
use crate::tui::panes::parts::hints;
use crate::tui::theme::{Theme, spinner};
use crate::tui::update::{copy, keys as pressed};
use Scope::Ready as Here;

/// Columns of the text.
const COLUMNS: usize = 72;
/// The most that is told of what a deploy lacks.
const MOST: usize = 3;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "tenant.first",
        Scope::Main,
        &["t f"],
        "first steps",
        "Show what comes next for a new tenant: its first deploy, its credentials, its address.",
        |app| match tenant::one(app).map(|tenant| tenant.id.clone()) {
            Ok(id) => open(app, id, 0).into_iter().collect(),
            Err(_) => done(),
        },
    )
    .when(|app| tenant::one(app).map(drop)),
    command("ready.take", Here, &["enter"], "choose", "Take the selected step.", take).hinted(),
    command("ready.up", Here, &["up", "k", "shift-tab"], "up", "Select the step above.", |app| step(app, false)),
    command("ready.down", Here, &["down", "j", "tab"], "down", "Select the step below.", |app| step(app, true)),
    command("ready.deploy", Here, &["d"], "deploy", "Build this project and deploy it to the new tenant.", |app| {
        let Some(id) = meant(app).map(|tenant| tenant.id.clone()) else { return close(app) };
        app.dialog = None;
        deploy::one(app, &id)
    })
    .hinted()
    .changes()
    .when(|app| meant(app).ok_or_else(no_tenant).and_then(|tenant| deploy::check(&app.shared, tenant))),
    command("ready.credentials", Here, &["s"], "credentials", "Go to the page that fetches its credentials.", |app| {
        select(app);
        app.dialog = None;
        app.show(Pane::Secrets);
        done()
    })
    .hinted()
    .when(|app| meant(app).map(drop).ok_or_else(no_tenant)),
    command("ready.open", Here, &["o"], "open", "Open its address in the browser.", |app| {
        match meant(app).and_then(address) {
            Some(url) => vec![app.shared.start(Slot::Open, Request::Open(url))],
            None => done(),
        }
    })
    .hinted()
    .when(|app| meant(app).ok_or_else(no_tenant).and_then(can_open)),
    command("ready.copy", Here, &["y"], "copy id", "Copy the tenant's id, for its profile.", |app| {
        match meant(app).map(|tenant| tenant.id.to_string()) {
            Some(id) => copy(&mut app.shared, id, "the id"),
            None => done(),
        }
    })
    .hinted(),
    command("ready.close", Here, &["esc", "q"], "close", "Close; the same steps have keys on the main screen.", close)
        .hinted(),
];

/// What can be done next, in the order of the list.
const STEPS: [&str; 4] = ["ready.deploy", "ready.credentials", "ready.open", "ready.close"];

/// The dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Whose.
    tenant: TenantId,
    selected: usize,
    lacks: Lacks,
}

/// What a first deploy lacks, as far as the folder tells.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lacks {
    /// It was not looked for: there is no project, or one that is thrown away.
    NotAsked,
    /// The folder is being looked at.
    Asked,
    /// Checks that warn or fail.
    Known(Vec<Check>),
    /// The folder could not be looked at.
    Failed(Problem),
}

impl Ready {
    /// True while something is waited for.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.lacks == Lacks::Asked
    }
}

/// Opens it by itself. Whoever presses a key without looking begins nothing.
pub fn open_unasked(app: &mut App, tenant: TenantId) -> Option<Effect> {
    open(app, tenant, STEPS.len() - 1)
}

/// Opens it, and looks at the folder where that is a project of one's own.
fn open(app: &mut App, tenant: TenantId, selected: usize) -> Option<Effect> {
    let options = &app.shared.options;
    let asks = options.bare_folder.is_none() && !options.throw_away;
    let lacks = if asks { Lacks::Asked } else { Lacks::NotAsked };
    app.dialog = Some(Dialog::Ready(Ready { tenant: tenant.clone(), selected, lacks }));
    app.shared.dirty = true;
    asks.then(|| app.shared.start(Slot::FirstDeploy, Request::Call(Call::FirstDeploy(tenant))))
}

/// The folder was looked at.
pub fn looked(app: &mut App, result: Result<Reply, Problem>) {
    let Some(Dialog::Ready(dialog)) = beneath(&mut app.dialog) else { return };
    app.shared.dirty = true;
    dialog.lacks = match result {
        Ok(Reply::FirstDeploy(checks)) => Lacks::Known(checks),
        Ok(_) => return,
        Err(problem) => Lacks::Failed(problem),
    };
}

/// The tenant, as the list has it.
fn meant(app: &App) -> Option<&Tenant> {
    match &app.dialog {
        Some(Dialog::Ready(dialog)) => app.shared.tenants.get(&dialog.tenant),
        _ => None,
    }
}

/// What is done next is seen: the panes tell of this tenant.
fn select(app: &mut App) {
    if let Some(id) = meant(app).map(|tenant| tenant.id.clone()) {
        app.shared.tenants.clear_marks();
        app.shared.tenants.select(&id);
    }
}

fn close(app: &mut App) -> Vec<Effect> {
    app.dialog = None;
    app.shared.stop(Slot::FirstDeploy).into_iter().collect()
}

fn step(app: &mut App, down: bool) -> Vec<Effect> {
    if let Some(Dialog::Ready(dialog)) = &mut app.dialog {
        dialog.selected =
            if down { (dialog.selected + 1).min(STEPS.len() - 1) } else { dialog.selected.saturating_sub(1) };
    }
    done()
}

fn take(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::Ready(dialog)) = &app.dialog else { return done() };
    let id = STEPS.get(dialog.selected).copied();
    match table().find(|command| Some(command.id) == id) {
        Some(command) => pressed::invoke(app, command),
        None => done(),
    }
}

/// Draws it.
pub fn draw(app: &App, dialog: &Ready, frame: &mut Frame<'_>, area: Rect) {
    let shared = &app.shared;
    let columns = text_columns(area, COLUMNS);
    let Some(tenant) = shared.tenants.get(&dialog.tenant) else {
        let mut lines = wrapped("The tenant is not listed any more.", 0, columns, 2, shared.theme.text);
        lines.extend([Line::raw(""), hints(shared, &[("ready.close", "close")])]);
        return window(app, frame, area, "New tenant", columns, lines, 0);
    };
    let mut lines = vec![state(shared, tenant, columns)];
    lines.extend(wishes(shared, &dialog.tenant, columns));
    lines.push(Line::raw(""));
    lines.extend(steps(app, dialog, tenant, columns));
    // The hints, and a blank line on either side.
    let rows = text_rows(area).saturating_sub(lines.len() + 3);
    let below = lacks(shared, dialog, columns, rows);
    if !below.is_empty() {
        lines.push(Line::raw(""));
        lines.extend(below);
    }
    let all = [("ready.take", "takes it"), ("ready.copy", "copies its id"), ("ready.close", "close")];
    lines.extend([Line::raw(""), hints(shared, &all)]);
    window(app, frame, area, &format!("Next · {}", tenant.name), columns, lines, 0);
}

/// `○ to deploy · Pro · Europe (Frankfurt)`.
fn state(shared: &Shared, tenant: &Tenant, columns: usize) -> Line<'static> {
    let (glyph, style) = shared.theme.tenant(tenant.state(), shared.frame);
    let mut spans = vec![Span::styled(format!("{glyph} {}", tenant.state().word()), style)];
    let words = shared.bought.iter().find(|bought| bought.id == tenant.id).map(|bought| bought.words.clone());
    if let Some(words) = words.filter(|words| !words.is_empty()) {
        spans.push(Span::styled(format!(" · {words}"), shared.theme.dim));
    }
    Line::from(fit(spans, columns))
}

/// What became of what was chosen.
fn wishes(shared: &Shared, id: &TenantId, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let of = shared.bought.iter().filter(|bought| bought.id == *id).flat_map(|bought| &bought.wishes);
    let line = |Wish { what, state }: &Wish| {
        let words = match what {
            What::Name(name) => format!("called {name}"),
            What::OpenDatabase => "its database can be reached from outside".to_owned(),
        };
        let (glyph, style) = match state {
            WishState::Done => ("✓", theme.good),
            WishState::Runs => (spinner(shared.frame), theme.accent),
            WishState::Waits => ("·", theme.dim),
            WishState::Failed(problem) => return failed(shared, problem, columns),
        };
        vec![Line::from(fit(vec![Span::styled(format!("{glyph} "), style), Span::styled(words, theme.text)], columns))]
    };
    of.flat_map(line).collect()
}

/// A wish that was not granted, as narrow as the others stand.
fn failed(shared: &Shared, problem: &Problem, columns: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = wrapped(&format!("✕ {}", problem.title), 0, columns, 2, theme.bad);
    let more = [&problem.detail, &problem.hint].into_iter().flatten();
    lines.extend(more.flat_map(|text| wrapped(text, 2, columns, 3, theme.text)));
    lines
}

/// The list: each with its key, and why it is not possible where it is not.
fn steps(app: &App, dialog: &Ready, tenant: &Tenant, columns: usize) -> Vec<Line<'static>> {
    let shared = &app.shared;
    let theme = &shared.theme;
    let refused = |id: &str| match id {
        "ready.deploy" => is_open(shared).and_then(|()| deploy::check(shared, tenant)).err(),
        "ready.open" => can_open(tenant).err(),
        _ => None,
    };
    let problems = STEPS.map(refused);
    // The reason in full: of what is selected, else of the deploy, which is what comes next.
    let told = if problems.get(dialog.selected).is_some_and(Option::is_some) { dialog.selected } else { 0 };
    let mut lines = Vec::new();
    for (place, (id, problem)) in STEPS.into_iter().zip(&problems).enumerate() {
        let (name, about) = match id {
            "ready.deploy" => ("Deploy now", "builds this project and deploys it"),
            "ready.credentials" => ("Credentials", "can be read once: the page that fetches them"),
            "ready.open" => ("Open its address", "in the browser"),
            _ => ("Close", "the same keys work on the main screen"),
        };
        let is_selected = place == dialog.selected;
        let style = match (problem, is_selected) {
            (Some(_), _) => theme.dim,
            (None, true) => theme.selection,
            (None, false) => theme.text,
        };
        let about = match problem {
            None => about.to_owned(),
            Some(_) if place == told => "not now".to_owned(),
            Some(problem) => problem.title.clone(),
        };
        lines.push(Line::from(fit(
            vec![
                Span::styled(if is_selected { "▌ " } else { "  " }, theme.accent),
                Span::styled(pad(&shared.key_of(id), 5), theme.accent),
                Span::styled(pad(name, 18), style),
                Span::styled(about, if is_selected && problem.is_none() { theme.text } else { theme.dim }),
            ],
            columns,
        )));
    }
    if let Some(problem) = problems.get(told).and_then(Option::as_ref) {
        lines.push(Line::raw(""));
        lines.extend(problem_lines(theme, problem, 0, columns, 6));
    }
    lines
}

/// What a deploy of this folder lacks, in at most so many rows. A check stands there whole or not at all.
fn lacks(shared: &Shared, dialog: &Ready, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let theme = &shared.theme;
    let mut lines = match &dialog.lacks {
        Lacks::NotAsked => Vec::new(),
        Lacks::Asked => vec![Line::from(vec![
            Span::styled(format!("{} ", spinner(shared.frame)), theme.accent),
            Span::styled("looking at the project", theme.dim),
        ])],
        Lacks::Failed(problem) => problem_lines(theme, problem, 0, columns, 6),
        Lacks::Known(checks) if checks.is_empty() => {
            let words = "The project has what a deploy needs.";
            vec![Line::from(vec![Span::styled("✓ ", theme.good), Span::styled(words, theme.dim)])]
        }
        Lacks::Known(checks) => listed(theme, checks, columns, rows),
    };
    lines.truncate(rows);
    lines
}

fn listed(theme: &Theme, checks: &[Check], columns: usize, rows: usize) -> Vec<Line<'static>> {
    // What stops a deploy comes before what only warns.
    let mut sorted: Vec<&Check> = checks.iter().collect();
    sorted.sort_by_key(|check| std::cmp::Reverse(check.result));
    let mut lines = vec![Line::styled("Before the first deploy:", theme.dim)];
    for (place, check) in sorted.iter().enumerate() {
        let (glyph, style) = if check.result == CheckResult::Fail { ("✕", theme.bad) } else { ("!", theme.warn) };
        let mut told = wrapped(&format!("{glyph} {} · {}", check.name, check.detail), 0, columns, 3, style);
        let hint = check.hint.as_deref().unwrap_or_default();
        told.extend(wrapped(hint, 2, columns, 3, theme.text));
        let is_last = place + 1 == sorted.len();
        // A row is kept for saying that there is more.
        if place == MOST || lines.len() + told.len() + usize::from(!is_last) > rows {
            let words = format!("and {} more: `tenantry doctor` tells what a deploy lacks", sorted.len() - place);
            lines.push(Line::styled(cut(&words, columns), theme.dim));
            break;
        }
        lines.extend(told);
    }
    lines
}

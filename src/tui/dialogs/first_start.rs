//! The first start in a folder that is no project, and setting a folder up: what is missing, which files would be made and
//! which stay, what became of them, and what comes next. The safe answer is selected.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::confirm::beneath;
use super::{Dialog, anchored, text_columns, text_rows};
use crate::model::{CheckResult, Problem};
use crate::ops::call::{Call, Reply};
use crate::ops::init::{Action, Done, Outcome, Plan};
use crate::tui::actions::{context, done};
use crate::tui::app::{App, Shared};
use crate::tui::commands::{Command, Scope, command, table};
use crate::tui::effect::{Effect, Request};
use crate::tui::format::{self, pad};
use crate::tui::jobs::Slot;
use crate::tui::panes::frame::{fit, problem_lines, wrapped};
use crate::tui::theme::{Theme, spinner};
use crate::tui::update::{keys, load_local};
use Scope::FirstStart as Here;

/// Columns of the text.
const COLUMNS: usize = 92;
/// Columns of the word for what happens with a file.
const WORD: usize = 9;
/// Columns that the reason for a file keeps.
const WHY: usize = 27;
/// Columns that a path keeps.
const PATH: usize = 24;
/// Files of a page.
const PAGE: usize = 8;
/// The command that logs in, where the program has one.
const LOG_IN: &str = "login";

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("setup.take", Here, &["enter"], "choose", "Take the selected answer.", take).hinted(),
    command("setup.up", Here, &["up", "k", "left", "shift-tab"], "up", "Select the answer above.", |app| {
        select(app, false)
    }),
    command("setup.down", Here, &["down", "j", "right", "tab"], "down", "Select the answer below.", |app| {
        select(app, true)
    }),
    command("setup.yes", Here, &["y"], "set it up", "Set the folder up: first the list of files, then the files.", yes),
    command("setup.page-up", Here, &["pageup"], "files before", "Show the files before.", |app| scroll(app, false)),
    command("setup.page-down", Here, &["pagedown", "space"], "more files", "Show more of the files.", |app| {
        scroll(app, true)
    }),
    command("setup.close", Here, &["esc", "n", "q"], "close", "Close; files that are being made are made.", close)
        .hinted(),
];

/// The dialog.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstStart {
    stage: Stage,
    /// The selected answer.
    selected: usize,
    /// The first file in sight.
    first: usize,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// There is no project: look around, or set one up.
    Ask,
    /// The folder is being looked at.
    Looking,
    /// What would be done.
    Planned(Box<Plan>),
    /// It is being done.
    Working,
    /// What was done.
    Ended(Box<Done>),
    /// It could not be begun.
    Failed(Problem),
}

/// What an answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Close,
    Look,
    Perform,
    /// The command of this id.
    Run(&'static str),
}

impl FirstStart {
    /// The question with which the program begins in a folder that is no project.
    #[must_use]
    pub fn question() -> Self {
        Self::at(Stage::Ask)
    }

    fn at(stage: Stage) -> Self {
        Self { stage, selected: 0, first: 0 }
    }

    /// True while something is waited for.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        matches!(self.stage, Stage::Looking | Stage::Working)
    }

    /// The answers, the safe one first.
    fn answers(&self, app: &App) -> Vec<(Answer, &'static str)> {
        match &self.stage {
            Stage::Ask => {
                let mut all =
                    vec![(Answer::Close, "Look around without a project"), (Answer::Look, "Set this folder up")];
                all.extend(log_in(app).map(|answer| (answer, "Log in")));
                all
            }
            Stage::Looking | Stage::Working => Vec::new(),
            Stage::Planned(plan) if plan.has_work() => {
                vec![(Answer::Close, "No, leave it as it is"), (Answer::Perform, "Yes, set it up")]
            }
            Stage::Planned(_) => vec![(Answer::Close, "Close")],
            Stage::Ended(done) if done.problem.is_some() => {
                vec![(Answer::Close, "Close"), (Answer::Look, "Look again")]
            }
            Stage::Ended(_) => {
                let mut all = Vec::new();
                if is_logged_in(app) {
                    all.push((Answer::Run("new"), "A new tenant"));
                } else {
                    all.extend(log_in(app).map(|answer| (answer, "Log in")));
                }
                all.push((Answer::Close, "Close"));
                all
            }
            Stage::Failed(_) => vec![(Answer::Close, "Close"), (Answer::Look, "Try again")],
        }
    }
}

fn is_logged_in(app: &App) -> bool {
    matches!(app.shared.account, Some(Ok(_)))
}

fn is_nobody(app: &App) -> bool {
    matches!(&app.shared.account, Some(Err(problem)) if problem.requires_login)
}

/// The way to a login, where nobody is logged in and the program has one.
fn log_in(app: &App) -> Option<Answer> {
    let is_there = table().any(|command| command.id == LOG_IN);
    (is_there && !is_logged_in(app)).then_some(Answer::Run(LOG_IN))
}

/// Looks at what setting the folder up would do.
pub fn look(app: &mut App) -> Vec<Effect> {
    if let Err(problem) = context::may_change(app) {
        app.shared.tell(&problem);
        return done();
    }
    app.dialog = Some(Dialog::FirstStart(FirstStart::at(Stage::Looking)));
    vec![app.shared.start(Slot::SetUp, Request::Call(Call::PlanSetUp))]
}

fn open(app: &mut App) -> Option<&mut FirstStart> {
    match beneath(&mut app.dialog) {
        Some(Dialog::FirstStart(dialog)) => Some(dialog),
        _ => None,
    }
}

fn select(app: &mut App, down: bool) -> Vec<Effect> {
    let Some(Dialog::FirstStart(dialog)) = &app.dialog else { return done() };
    let last = dialog.answers(app).len().saturating_sub(1);
    if let Some(dialog) = open(app) {
        dialog.selected = if down { (dialog.selected + 1).min(last) } else { dialog.selected.saturating_sub(1) };
    }
    done()
}

fn scroll(app: &mut App, down: bool) -> Vec<Effect> {
    if let Some(dialog) = open(app) {
        let last = match &dialog.stage {
            Stage::Planned(plan) => plan.steps.len(),
            Stage::Ended(done) => done.files.len(),
            _ => 0,
        };
        dialog.first =
            if down { (dialog.first + PAGE).min(last.saturating_sub(1)) } else { dialog.first.saturating_sub(PAGE) };
    }
    done()
}

fn take(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::FirstStart(dialog)) = &app.dialog else { return done() };
    match dialog.answers(app).get(dialog.selected).map(|(answer, _)| *answer) {
        Some(Answer::Close) => close(app),
        Some(Answer::Look) => look(app),
        Some(Answer::Perform) => perform(app),
        // The screen begins anew in the project, and offers to log in.
        Some(Answer::Run(LOG_IN)) if matches!(dialog.stage, Stage::Ended(_)) => {
            let effects = close(app);
            // Where it is not known whether anybody is logged in, the screen stays.
            if effects.is_empty() { keys::invoke_id(app, LOG_IN) } else { effects }
        }
        Some(Answer::Run(id)) => {
            app.dialog = None;
            match table().find(|command| command.id == id) {
                Some(command) => keys::invoke(app, command),
                None => done(),
            }
        }
        None => done(),
    }
}

/// The answer that goes on, whatever is selected.
fn yes(app: &mut App) -> Vec<Effect> {
    let Some(Dialog::FirstStart(dialog)) = &app.dialog else { return done() };
    match &dialog.stage {
        Stage::Ask | Stage::Failed(_) => look(app),
        Stage::Planned(plan) if plan.has_work() => perform(app),
        _ => done(),
    }
}

fn close(app: &mut App) -> Vec<Effect> {
    if let (Some(Dialog::FirstStart(FirstStart { stage: Stage::Ask, .. })), Some(folder)) =
        (&app.dialog, &app.shared.options.bare_folder)
    {
        // Whoever has said so once is not asked again here.
        app.shared.options.state.looked_around.insert(folder.shown.clone());
        let press = app.shared.press("project.setup");
        app.shared.say(format!("No project here: {press} to set this folder up."));
        // Whoever wants to look around is not held up by the next question.
        app.shared.login.offered = true;
    }
    let is_made = match &app.dialog {
        Some(Dialog::FirstStart(FirstStart { stage: Stage::Ended(done), .. })) => done.problem.is_none(),
        _ => false,
    };
    app.dialog = None;
    // A project may keep a login of its own, which the folder could not.
    if is_made && is_nobody(app) { vec![Effect::Reopen] } else { done() }
}

fn perform(app: &mut App) -> Vec<Effect> {
    if let Err(problem) = context::may_change(app) {
        app.shared.tell(&problem);
        return done();
    }
    let Some(dialog) = open(app) else { return done() };
    let Stage::Planned(plan) = &dialog.stage else { return done() };
    let call = Call::SetUp(plan.clone());
    *dialog = FirstStart::at(Stage::Working);
    vec![app.shared.start(Slot::SetUp, Request::Call(call))]
}

/// The plan came, or what was done; also after the dialog was closed.
pub fn answered(app: &mut App, result: Result<Reply, Problem>) -> Vec<Effect> {
    app.shared.dirty = true;
    let mut effects = Vec::new();
    let stage = match result {
        Ok(Reply::SetUpPlan(plan)) => Stage::Planned(plan),
        Ok(Reply::SetUp(done)) => {
            match &done.problem {
                None => {
                    app.shared.options.bare_folder = None;
                    effects.push(load_local(app));
                }
                Some(problem) => app.shared.problem = Some(problem.clone()),
            }
            Stage::Ended(done)
        }
        Ok(_) => return effects,
        Err(problem) => {
            app.shared.problem = Some(problem.clone());
            Stage::Failed(problem)
        }
    };
    match open(app) {
        Some(dialog) if dialog.is_moving() => *dialog = FirstStart::at(stage),
        // Closed meanwhile: what was done is said all the same.
        _ => match stage {
            Stage::Ended(done) => match done.problem {
                None => app.shared.say("This folder is set up."),
                Some(problem) => app.shared.tell(&problem),
            },
            Stage::Failed(problem) => app.shared.tell(&problem),
            _ => {}
        },
    }
    effects
}

/// Draws it.
pub fn draw(app: &App, dialog: &FirstStart, frame: &mut Frame<'_>, area: Rect) {
    let theme = &app.shared.theme;
    let wanted = if matches!(dialog.stage, Stage::Planned(_) | Stage::Ended(_)) { COLUMNS } else { 64 };
    let columns = text_columns(area, wanted);
    let (title, above, files) = match &dialog.stage {
        Stage::Ask => ("No project here", question(app, columns), Vec::new()),
        Stage::Looking => ("Set this folder up", vec![under_way(app, "looking at the folder")], Vec::new()),
        Stage::Working => ("Set this folder up", vec![under_way(app, "making the files")], Vec::new()),
        Stage::Planned(plan) => ("Set this folder up", planned(theme, plan, columns), steps(theme, plan, columns)),
        Stage::Ended(done) if done.problem.is_some() => {
            ("Not all of it", ended(app, done, columns), made(theme, done, columns))
        }
        Stage::Ended(done) => ("This folder is set up", ended(app, done, columns), made(theme, done, columns)),
        Stage::Failed(problem) => ("Set this folder up", problem_lines(theme, problem, 0, columns, 10), Vec::new()),
    };
    let answers = dialog.answers(app);
    let room = text_rows(area).saturating_sub(above.len() + answers.len() + 2);
    let mut lines = above;
    lines.extend(in_sight(&app.shared, files, dialog.first, room));
    let mut below = Vec::new();
    if !answers.is_empty() {
        below.push(Line::raw(""));
    }
    for (place, (_, words)) in answers.into_iter().enumerate() {
        let is_selected = place == dialog.selected;
        let (mark, style) = if is_selected { ("▌ ", theme.selection) } else { ("  ", theme.text) };
        below.push(Line::from(vec![Span::styled(mark, theme.accent), Span::styled(words, style)]));
    }
    anchored(app, frame, area, title, columns, lines, below);
}

/// As many of the files as there is room for, and how many more there are.
fn in_sight(shared: &Shared, files: Vec<Line<'static>>, first: usize, room: usize) -> Vec<Line<'static>> {
    if files.is_empty() {
        return files;
    }
    let count = files.len();
    let mut lines = vec![Line::raw("")];
    if count < room {
        lines.extend(files);
        return lines;
    }
    let rows = room.saturating_sub(2).max(1);
    let first = first.min(count.saturating_sub(rows));
    lines.extend(files.into_iter().skip(first).take(rows));
    let more = match shared.key_of("setup.page-down") {
        key if key.is_empty() => String::new(),
        key => format!(" · {key} more"),
    };
    let words = format!("{}–{} of {count}{more}", first + 1, (first + rows).min(count));
    lines.push(Line::styled(words, shared.theme.dim));
    lines
}

fn question(app: &App, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    let folder = app.shared.options.bare_folder.as_ref().map_or_else(String::new, |folder| folder.shown.clone());
    let missing = "It has no .systemprompt, and no folder above it has. Tenants and their logs can be looked at all the \
                   same; deploys and a profile's secrets need a project.";
    let mut lines = vec![Line::from(fit(vec![Span::styled(format::cut(&folder, columns), theme.strong)], columns))];
    lines.extend(wrapped(missing, 0, columns, 6, theme.text));
    lines
}

fn under_way(app: &App, words: &'static str) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{} ", spinner(app.shared.frame)), app.shared.theme.accent),
        Span::styled(words, app.shared.theme.dim),
    ])
}

fn planned(theme: &Theme, plan: &Plan, columns: usize) -> Vec<Line<'static>> {
    let place = format!("{} at {}", plan.name, crate::model::text::line(&plan.root.to_string_lossy()));
    let mut lines = vec![Line::styled(format::cut(&place, columns), theme.strong)];
    let summary = if plan.has_work() {
        format!("{}. Nothing is overwritten.", plan.summary())
    } else {
        "Nothing is missing: there is nothing to do.".to_owned()
    };
    lines.extend(wrapped(&summary, 0, columns, 2, theme.text));
    for note in &plan.notes {
        lines.extend(wrapped(&format!("! {note}"), 0, columns, 3, theme.warn));
    }
    lines
}

fn steps(theme: &Theme, plan: &Plan, columns: usize) -> Vec<Line<'static>> {
    let wide = width(plan.steps.iter().map(|step| step.path.as_str()), columns);
    let row = |step: &crate::ops::init::Step| {
        let (word, style, why) = match &step.action {
            Action::Write(_) => ("write", theme.good, step.why.clone()),
            Action::Add { what, .. } => ("add to", theme.info, what.clone()),
            Action::Keep => ("keep", theme.dim, step.why.clone()),
            Action::Differs => ("keep", theme.dim, "a new one would be different".to_owned()),
            Action::Blocked(problem) => ("leave", theme.warn, problem.title.clone()),
        };
        file(theme, (word, style), &step.path, wide, why, columns)
    };
    plan.steps.iter().map(row).collect()
}

fn ended(app: &App, done: &Done, columns: usize) -> Vec<Line<'static>> {
    let theme = &app.shared.theme;
    if let Some(problem) = &done.problem {
        return problem_lines(theme, problem, 0, columns, 8);
    }
    let next = match (is_logged_in(app), log_in(app)) {
        (true, _) => "Next: buy a tenant, then deploy to it.",
        (false, Some(_)) => "Next: log in, then buy a tenant.",
        (false, None) => "Next: a login, then a tenant.",
    };
    let mut lines = vec![Line::styled(next, theme.text)];
    let open = done.open.iter().filter(|check| check.result == CheckResult::Fail);
    for check in open.take(2) {
        let hint = check.hint.as_deref().unwrap_or_default();
        lines.extend(wrapped(&format!("A deploy still lacks: {} {hint}", check.detail), 0, columns, 2, theme.warn));
    }
    lines
}

fn made(theme: &Theme, done: &Done, columns: usize) -> Vec<Line<'static>> {
    let wide = width(done.files.iter().map(|made| made.path.as_str()), columns);
    let row = |made: &crate::ops::init::Made| {
        let (word, style) = match made.outcome {
            Outcome::Written => ("written", theme.good),
            Outcome::Added => ("added to", theme.info),
            Outcome::Kept | Outcome::WouldDiffer => ("kept", theme.dim),
            Outcome::LeftOut => ("left out", theme.warn),
        };
        file(theme, (word, style), &made.path, wide, made.why.clone(), columns)
    };
    done.files.iter().map(row).collect()
}

/// Columns of a path. Why it is made has to be read as well.
fn width<'a>(paths: impl Iterator<Item = &'a str>, columns: usize) -> usize {
    let longest = paths.map(format::width).max().unwrap_or(0) + 2;
    longest.min(columns.saturating_sub(WORD + WHY).max(PATH))
}

fn file(
    theme: &Theme,
    (word, style): (&'static str, Style),
    path: &str,
    wide: usize,
    why: String,
    columns: usize,
) -> Line<'static> {
    let spans = vec![
        Span::styled(pad(word, WORD), style),
        Span::styled(pad(&format::cut_middle(path, wide.saturating_sub(2)), wide), theme.text),
        Span::styled(why, theme.dim),
    ];
    Line::from(fit(spans, columns))
}

//! Keys: the map says which command, the table what it does. Nothing that changes something outside of the program gets
//! past this file without what it needs: permission, possibility, and an answer where it asks.

use crate::model::Problem;
use crate::tui::actions::context::may_change;
use crate::tui::app::{App, words};
use crate::tui::commands::{Command, Scope, table};
use crate::tui::dialogs::confirm::Confirm;
use crate::tui::dialogs::palette::REMEMBERED;
use crate::tui::dialogs::{Dialog, line};
use crate::tui::effect::Effect;
use crate::tui::jobs::Slot;
use crate::tui::key::Key;
use crate::tui::keymap::Found;
use crate::tui::view::layout;

/// A key was pressed.
pub(super) fn press(app: &mut App, key: Key) -> Vec<Effect> {
    app.shared.dirty = true;
    let scopes = app.scopes();
    app.pending.push(key);
    let found = app.shared.keymap.find(&scopes, &app.pending);
    if found == Found::Begun {
        return Vec::new();
    }
    let was_begun = app.pending.len() > 1;
    app.pending.clear();
    match found {
        Found::Command(command) if layout::is_too_small(app) && !works_unseen(app, command) => Vec::new(),
        Found::Command(command) => invoke(app, command),
        // The rest of a row of keys that means nothing is nothing by itself either.
        _ if was_begun || layout::is_too_small(app) => Vec::new(),
        _ => type_into(app, key),
    }
}

/// Text was pasted: where something is typed it is typed, elsewhere it means nothing.
pub(super) fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if layout::is_too_small(app) {
        return Vec::new();
    }
    if let Some(field) = app.dialog.as_mut().and_then(Dialog::field) {
        field.paste(text);
        line::changed(app);
        app.shared.dirty = true;
    }
    Vec::new()
}

fn type_into(app: &mut App, key: Key) -> Vec<Effect> {
    let typed = app.dialog.as_mut().and_then(Dialog::field).is_some_and(|field| field.press(key));
    if typed {
        line::changed(app);
    }
    Vec::new()
}

/// Where nothing can be seen, only the way out works: nobody should buy, deploy or say yes without seeing to what. A
/// question can be answered there where one line has room for it, and left alone anywhere.
fn works_unseen(app: &App, command: &Command) -> bool {
    if command.scope == Scope::Question {
        let can_be_read =
            matches!(&app.dialog, Some(Dialog::Confirm(confirm)) if confirm.one_line(&app.shared).is_some());
        return can_be_read || command.id == "question.no";
    }
    matches!(command.id, "quit" | "leave" | "dismiss")
}

/// What changes something and is about no tenant of the list.
const NEEDS_NO_LIST: [&str; 3] = ["new", "project.", "local."];

/// Why nothing is done to the tenants that are meant: what is known of them is from the last time. What is on this machine
/// is known by itself.
pub fn is_fresh(app: &App) -> Result<(), Problem> {
    let is_old = app.shared.tenants.recalled().is_some();
    if !is_old || app.shared.tenants.targets().iter().all(|tenant| tenant.is_local()) {
        return Ok(());
    }
    Err(Problem::new("The tenants are those of the last time.")
        .hint("Wait until the Management API has said how they are now."))
}

/// Why a command is not possible now, if it is not: nothing may be changed, or the command says so itself.
pub fn allowed(app: &App, command: &Command) -> Result<(), Problem> {
    if command.changes {
        may_change(app)?;
        if app.shared.jobs.is_running(&Slot::LogOut) {
            return Err(Problem::new("You are being logged out.").hint("Nothing more is begun with this login."));
        }
        if !NEEDS_NO_LIST.iter().any(|free| command.id.starts_with(free)) {
            is_fresh(app)?;
        }
    }
    (command.check)(app)
}

/// Runs a command, after its question where it has one.
pub fn invoke(app: &mut App, command: &'static Command) -> Vec<Effect> {
    if command.listed {
        remember(app, command.id);
    }
    if let Err(problem) = allowed(app, command) {
        app.shared.problem = Some(problem.clone());
        app.shared.warn(words(&problem));
        return Vec::new();
    }
    if let Some(question) = (command.ask)(app) {
        app.dialog = Some(Dialog::Confirm(Confirm::new(question, command)));
        return Vec::new();
    }
    (command.run)(app)
}

/// The same by its id.
pub fn invoke_id(app: &mut App, id: &str) -> Vec<Effect> {
    match table().find(|command| command.id == id) {
        Some(command) => invoke(app, command),
        None => Vec::new(),
    }
}

fn remember(app: &mut App, id: &'static str) {
    app.recent.retain(|known| *known != id);
    app.recent.insert(0, id);
    app.recent.truncate(REMEMBERED);
}

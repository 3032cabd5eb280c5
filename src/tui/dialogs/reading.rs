//! What the keys do in dialogs with a list and in dialogs with a text.

use super::{Dialog, help, jobs, problem, text_columns, text_rows};
use crate::tui::actions::done;
use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::Effect;
use crate::tui::update::{checkout, login};
use crate::tui::view::layout;
use Scope::{Choice, Text};

/// Lines of a page in a text.
const PAGE: i64 = 10;

/// The rows of lists.
pub const CHOICE: &[Command] = &[
    command("choice.take", Choice, &["enter"], "choose", "Take the selected entry.", choose).hinted(),
    command("choice.up", Choice, &["up", "k"], "up", "Select the entry above.", |app| step(app, false)),
    command("choice.down", Choice, &["down", "j"], "down", "Select the entry below.", |app| step(app, true)),
    command("choice.back", Choice, &["backspace", "left"], "back", "Go one step back.", |app| {
        checkout::back(app);
        done()
    })
    .hinted(),
    command("choice.close", Choice, &["esc", "q"], "close", "Close without a choice.", close).hinted(),
];

/// The rows of texts.
pub const TEXT: &[Command] = &[
    command("text.close", Text, &["esc", "enter", "q", "?"], "close", "Close the text.", close).hinted(),
    command("text.up", Text, &["up", "k"], "up", "Scroll up.", |app| scroll(app, -1)).hinted(),
    command("text.down", Text, &["down", "j"], "down", "Scroll down.", |app| scroll(app, 1)).hinted(),
    command("text.page-up", Text, &["pageup"], "page up", "Scroll one page up.", |app| scroll(app, -PAGE)),
    command("text.page-down", Text, &["pagedown", "space"], "page down", "Scroll one page down.", |app| {
        scroll(app, PAGE)
    }),
];

fn close(app: &mut App) -> Vec<Effect> {
    if matches!(app.dialog, Some(Dialog::Login(_))) {
        return login::close(app);
    }
    if let Some(Dialog::Pick(pick)) = app.dialog.take() {
        (pick.left())(app);
    }
    done()
}

fn choose(app: &mut App) -> Vec<Effect> {
    match &app.dialog {
        Some(Dialog::NewTenant(_)) => checkout::choose(app),
        Some(Dialog::Login(_)) => login::go_on(app),
        Some(Dialog::Jobs(_)) => jobs::stop(app),
        Some(Dialog::Pick(pick)) => match pick.choice() {
            Some((then, value)) => {
                app.dialog = None;
                then(app, &value)
            }
            None => done(),
        },
        _ => done(),
    }
}

fn step(app: &mut App, down: bool) -> Vec<Effect> {
    match &mut app.dialog {
        Some(Dialog::NewTenant(dialog)) => dialog.step(down),
        Some(Dialog::Pick(pick)) => pick.step(down),
        Some(Dialog::Jobs(_)) => return jobs::step(app, down),
        _ => {}
    }
    done()
}

/// Scrolls the text of the open dialog.
pub fn scroll(app: &mut App, delta: i64) -> Vec<Effect> {
    let area = layout::whole(app);
    let (lines, first) = match &app.dialog {
        Some(Dialog::Help(first)) => (help::lines(app, text_columns(area, help::COLUMNS)).len(), *first),
        Some(Dialog::Problem(first)) => (problem::lines(app, text_columns(area, problem::COLUMNS)).len(), *first),
        _ => return done(),
    };
    let last = lines.saturating_sub(text_rows(area).max(1));
    let place = shifted(first.min(last), delta).min(last);
    if let Some(Dialog::Help(first) | Dialog::Problem(first)) = &mut app.dialog {
        *first = place;
    }
    done()
}

fn shifted(place: usize, delta: i64) -> usize {
    let moved = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(delta).max(0);
    usize::try_from(moved).unwrap_or(usize::MAX)
}

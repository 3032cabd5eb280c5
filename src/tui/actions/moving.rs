//! Moving about in the pane that has the focus. What a step means there is the pane's own business.

use crate::tui::app::App;
use crate::tui::commands::{Command, Scope, command};
use crate::tui::effect::Effect;
use crate::tui::view::layout;
use Scope::Main;

/// Columns of a step to the side.
const COLUMNS: i64 = 8;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command("up", Main, &["up", "k"], "up", "Select the entry above, or scroll up.", |app| by(app, -1)).by_key_only(),
    command("down", Main, &["down", "j"], "down", "Select the entry below, or scroll down.", |app| by(app, 1))
        .by_key_only(),
    command("page-up", Main, &["pageup", "ctrl-u"], "page up", "Go one page up.", |app| by(app, -page(app)))
        .by_key_only(),
    command("page-down", Main, &["pagedown", "ctrl-d"], "page down", "Go one page down.", |app| by(app, page(app)))
        .by_key_only(),
    command("first", Main, &["home", "g g"], "start", "Go to the start.", |app| by(app, i64::MIN / 4)).by_key_only(),
    command("last", Main, &["end", "G"], "end", "Go to the end, and follow what arrives.", |app| by(app, i64::MAX / 4))
        .by_key_only(),
    command("left", Main, &["left"], "left", "Scroll to the left.", |app| shift(app, -COLUMNS)).by_key_only(),
    command("right", Main, &["right"], "right", "Scroll to the right.", |app| shift(app, COLUMNS)).by_key_only(),
];

fn page(app: &App) -> i64 {
    i64::try_from(layout::page(app, app.focus)).unwrap_or(1).max(1)
}

fn by(app: &mut App, delta: i64) -> Vec<Effect> {
    let rows = layout::page(app, app.focus);
    app.panes.get_mut(app.focus).move_by(&mut app.shared, delta, rows)
}

fn shift(app: &mut App, delta: i64) -> Vec<Effect> {
    app.panes.get_mut(app.focus).shift_by(&mut app.shared, delta)
}

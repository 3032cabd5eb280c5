//! The mouse: a click gives a pane the focus and is the pane's business from there, the wheel scrolls what is under it, a
//! border can be dragged, and a tab leads to its page.

use ratatui::layout::Position;

use crate::tui::app::App;
use crate::tui::dialogs::Dialog;
use crate::tui::effect::Effect;
use crate::tui::mouse::{Act, Mouse};
use crate::tui::view::layout;

/// The mouse did something.
pub(super) fn take(app: &mut App, mouse: Mouse) -> Vec<Effect> {
    let at = Position::new(mouse.x, mouse.y);
    match mouse.act {
        Act::Wheel(delta) if app.dialog.is_some() => wheel_in_dialog(app, delta),
        // Behind a dialog nothing is clicked.
        _ if app.dialog.is_some() => Vec::new(),
        Act::Wheel(delta) => {
            let Some((pane, _)) = layout::pane_at(app, at) else { return Vec::new() };
            app.shared.dirty = true;
            let rows = layout::page(app, pane);
            app.panes.get_mut(pane).wheel(&mut app.shared, delta, rows)
        }
        Act::Press => press(app, at),
        Act::Drag => {
            let Some(border) = app.dragged else { return drag(app, at) };
            app.splits = layout::drag(app, border, at);
            app.shared.dirty = true;
            Vec::new()
        }
        Act::Release => {
            app.dragged = None;
            Vec::new()
        }
    }
}

fn press(app: &mut App, at: Position) -> Vec<Effect> {
    app.shared.dirty = true;
    app.dragged = layout::border_at(app, at);
    if app.dragged.is_some() {
        return Vec::new();
    }
    if let Some(pane) = layout::tab_at(app, at) {
        app.show(pane);
        return Vec::new();
    }
    let Some((pane, inner)) = layout::pane_at(app, at) else { return Vec::new() };
    app.focus = pane;
    if !inner.contains(at) {
        return Vec::new();
    }
    let (row, column) = (at.y - inner.y, at.x - inner.x);
    app.panes.get_mut(pane).click(&mut app.shared, row, column, (inner.width, inner.height))
}

/// The press gave the pane the focus; what lies outside of it is not its own.
fn drag(app: &mut App, at: Position) -> Vec<Effect> {
    let Some((pane, inner)) = layout::pane_at(app, at) else { return Vec::new() };
    if pane != app.focus || !inner.contains(at) {
        return Vec::new();
    }
    app.shared.dirty = true;
    let (row, column) = (at.y - inner.y, at.x - inner.x);
    app.panes.get_mut(pane).drag(&mut app.shared, row, column, (inner.width, inner.height))
}

fn wheel_in_dialog(app: &mut App, delta: i64) -> Vec<Effect> {
    app.shared.dirty = true;
    match &app.dialog {
        Some(Dialog::Help(_) | Dialog::Problem(_)) => crate::tui::dialogs::scroll_text(app, delta),
        _ => Vec::new(),
    }
}

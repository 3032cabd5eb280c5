//! The only thing that draws: the whole picture from the state, whatever the size of the terminal.

mod bars;
pub mod layout;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Paragraph;

use super::app::App;
use super::dialogs::{self, Dialog};
use super::format;
use super::panes::Pane;
use super::panes::frame::{Border, border};
use layout::{Layout, MIN_COLUMNS, MIN_ROWS};

/// Draws everything.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    match layout::layout(app, area) {
        Layout::TooSmall => too_small(app, frame, area),
        Layout::Panes { header, tabs, panes, hints } => {
            bars::header(app, frame, header);
            bars::tabs(app, frame, tabs);
            for (pane, area) in panes {
                draw_pane(app, pane, frame, area);
            }
            bars::hints(app, frame, hints);
            bars::pending(app, frame, area, hints);
            let body = Rect { y: header.y, height: area.height.saturating_sub(1), ..area };
            dialogs::draw(app, frame, body, bars::inset(hints));
        }
    }
    app.shared.theme.glyphs.redraw(frame.buffer_mut());
}

fn too_small(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let columns = usize::from(area.width);
    let (words, short) = match &app.dialog {
        // There is room for the question that stands between the person and the way out.
        Some(Dialog::Confirm(confirm)) => confirm.one_line(&app.shared).map(|line| (line, String::new())),
        _ => None,
    }
    .unwrap_or_else(|| {
        (
            format!("tenantry needs {MIN_COLUMNS}×{MIN_ROWS}, this is {}×{}", area.width, area.height),
            format!("needs {MIN_COLUMNS}×{MIN_ROWS}"),
        )
    });
    let line = format::cut(if format::width(&words) > columns { &short } else { &words }, columns);
    frame.render_widget(Paragraph::new(line), Rect { height: area.height.min(1), ..area });
}

fn draw_pane(app: &App, pane: Pane, frame: &mut Frame<'_>, area: Rect) {
    let shared = &app.shared;
    let state = app.panes.get(pane);
    let words = Border {
        title: pane.title(),
        subject: state.subject(shared),
        note: state.note(shared),
        foot: state.foot(shared),
    };
    let focused = app.focus == pane && app.dialog.as_ref().is_none_or(Dialog::is_in_bottom_row);
    let inner = border(&shared.theme, frame, area, focused, words);
    if inner.area() > 0 {
        state.draw(shared, frame, inner);
    }
}

//! The plan pane: its subscription, plan and memory.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::PaneView;
use super::frame::draw_lines;
use crate::tui::app::Shared;
use crate::tui::commands::Command;
use crate::tui::effect::Effect;

/// The rows.
pub const COMMANDS: &[Command] = &[];

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {}

impl PaneView for State {
    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw_lines(frame, area, vec![Line::styled("Nothing here yet.", shared.theme.dim)]);
    }

    fn move_by(&mut self, _shared: &mut Shared, _delta: i64, _rows: usize) -> Vec<Effect> {
        Vec::new()
    }
}

//! The deploy pane: how the selected tenant's deploy is getting on, or why there is none. What is known of a deploy is shared;
//! how the pane looks is in `deploy/draw.rs`.

mod draw;

pub use draw::wanted_rows;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::PaneView;
use crate::model::Problem;
use crate::tui::app::Shared;
use crate::tui::commands::Command;
use crate::tui::effect::Effect;

/// The rows: deploying concerns the tenant, wherever the focus is.
pub const COMMANDS: &[Command] = &[];

/// Never more than a screen of lines to leave behind.
const MOST: usize = 40;

/// What the pane knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Why the last press of the deploy key did nothing.
    pub refusal: Option<Problem>,
    /// How far the pane is scrolled down.
    pub scroll: usize,
}

impl State {
    /// A deploy begins.
    pub fn begin(&mut self) {
        self.refusal = None;
        self.scroll = 0;
    }
}

impl PaneView for State {
    fn subject(&self, shared: &Shared) -> String {
        draw::subject(shared)
    }

    fn note(&self, shared: &Shared) -> Vec<Span<'static>> {
        draw::title_note(shared)
    }

    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect) {
        draw::draw(self, shared, frame, area);
    }

    fn move_by(&mut self, _shared: &mut Shared, delta: i64, _rows: usize) -> Vec<Effect> {
        let place = i64::try_from(self.scroll).unwrap_or(0).saturating_add(delta).max(0);
        self.scroll = usize::try_from(place).unwrap_or(MOST).min(MOST);
        Vec::new()
    }
}

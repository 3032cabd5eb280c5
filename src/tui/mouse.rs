//! What the mouse does, as far as the screen cares: independent of how a terminal reports it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The left button went down.
    Press,
    /// It moved while held.
    Drag,
    /// It went up.
    Release,
    /// The wheel turned by lines, up is negative.
    Wheel(i64),
}

/// Something the mouse did, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub act: Act,
    /// Column, from 0.
    pub x: u16,
    /// Row, from 0.
    pub y: u16,
}

/// Lines for one notch of the wheel.
const NOTCH: i64 = 3;

impl Mouse {
    /// The meaning of a terminal's event; `None` for what has none here.
    #[must_use]
    pub fn from_event(event: MouseEvent) -> Option<Self> {
        let act = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => Act::Press,
            MouseEventKind::Drag(MouseButton::Left) => Act::Drag,
            MouseEventKind::Up(MouseButton::Left) => Act::Release,
            MouseEventKind::ScrollUp => Act::Wheel(-NOTCH),
            MouseEventKind::ScrollDown => Act::Wheel(NOTCH),
            _ => return None,
        };
        Some(Self { act, x: event.column, y: event.row })
    }
}

//! How the log is looked at, and what is seen then: plain data between the engine and whoever draws. Must not know
//! where lines are kept.

use jiff::tz::TimeZone;

use super::list::Key;
use super::sgr::Sgr;
use super::source::SourceId;
use crate::telling::Tone;

/// Which lines are in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// The last ones, also when others arrive.
    #[default]
    End,
    /// From a line on, whatever arrives; where it is no more, from the next one on.
    At {
        /// The line.
        key: Key,
        /// The first visible one of the rows that it is wrapped into.
        row: usize,
    },
}

/// How the time of a line is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// In the zone of the machine.
    #[default]
    Local,
    /// In UTC.
    Utc,
    /// Not at all.
    Off,
}

impl Times {
    /// The next way.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Local => Self::Utc,
            Self::Utc => Self::Off,
            Self::Off => Self::Local,
        }
    }
}

/// Lines that were chosen, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// The line where it began.
    pub anchor: Key,
    /// The line to which it was drawn, before or behind the other; both belong to it.
    pub head: Key,
}

impl Selection {
    /// Everything that is shown.
    pub const ALL: Self = Self { anchor: Key::FIRST, head: Key::LAST };
}

/// How the log is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Which lines.
    pub place: Place,
    /// Long lines are continued on the next row; else they are cut.
    pub wrap: bool,
    /// Columns of every line that lie left of what is visible, where lines are cut.
    pub left: usize,
    /// The column of the time.
    pub times: Times,
    /// The zone for local times.
    pub zone: TimeZone,
    /// A column with the name of who logged the line.
    pub names: bool,
    /// Lines that were chosen.
    pub selection: Option<Selection>,
    /// The number of the line where the search stands.
    pub current: Option<u64>,
    /// Stands where a line goes on; one column wide, or empty.
    pub more: &'static str,
}

impl Default for View {
    fn default() -> Self {
        Self {
            place: Place::End,
            wrap: false,
            left: 0,
            times: Times::Local,
            zone: TimeZone::UTC,
            names: false,
            selection: None,
            current: None,
            more: super::columns::MORE,
        }
    }
}

impl View {
    /// True while the newest line is kept in view.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.place == Place::End
    }
}

/// The room that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// What the search says of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// It is what is searched for.
    Found,
    /// The same, in the line where the search stands.
    Current,
}

/// Text of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whole characters.
    pub text: String,
    /// What it means.
    pub tone: Tone,
    /// What the line itself wants; goes before the tone.
    pub style: Sgr,
    /// What the search says of it.
    pub mark: Mark,
    /// Set where it is the name of who logged the line.
    pub name: Option<SourceId>,
}

impl Part {
    /// Text without a style of its own.
    #[must_use]
    pub fn of(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone, style: Sgr::default(), mark: Mark::None, name: None }
    }
}

/// A row of the picture, no wider than the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleRow {
    /// The number of the line.
    pub number: u64,
    /// Which of the rows of that line, from 0.
    pub row: usize,
    /// True for a line that was chosen.
    pub selected: bool,
    /// From the left.
    pub parts: Vec<Part>,
}

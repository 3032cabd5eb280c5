//! What a command is, and the one table of them. The key map, the hint bar, the help, the palette, the read-only mode
//! and the documentation are made from it, so they cannot disagree.
//!
//! A row stands in the file of what it belongs to: a pane's commands beside the pane, the rest in `actions`. A new
//! command is one row there, and nothing else.

use std::fmt;

use super::actions;
use super::app::App;
use super::dialogs::{self, confirm::Question};
use super::effect::Effect;
use super::panes::{self, Pane};
use crate::model::Problem;

/// Where a command's keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// One pane, while it has the focus. Its keys win over those of the main screen.
    Pane(Pane),
    /// The main screen, while no dialog is open.
    Main,
    /// A dialog with a list to choose from.
    Choice,
    /// The dialog that waits for the payment.
    Payment,
    /// The dialog of a tenant that is there, with what comes next.
    Ready,
    /// The dialog that waits for a sign-in.
    LogIn,
    /// The dialog that sets a folder up.
    FirstStart,
    /// The form for a local tenant.
    LocalForm,
    /// The making of a local tenant.
    LocalRun,
    /// A question.
    Question,
    /// A dialog with text.
    Text,
    /// A line that is being typed.
    Line,
    /// The palette.
    Palette,
    /// Everywhere, dialogs included.
    Always,
}

impl Scope {
    /// All scopes, in the order of the help.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Main];
        all.extend(Pane::ALL.into_iter().map(Self::Pane));
        all.extend([
            Self::Choice,
            Self::Payment,
            Self::Ready,
            Self::LogIn,
            Self::FirstStart,
            Self::LocalForm,
            Self::LocalRun,
        ]);
        all.extend([Self::Question, Self::Text, Self::Line, Self::Palette, Self::Always]);
        all
    }

    /// The heading in the help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Pane(pane) => pane.title(),
            Self::Always => "Everywhere",
            Self::Main => "Main screen",
            Self::Choice => "Choosing from a list",
            Self::Payment => "Waiting for a payment",
            Self::Ready => "After a purchase",
            Self::LogIn => "Waiting for a sign-in",
            Self::FirstStart => "Setting a folder up",
            Self::LocalForm => "Describing a local tenant",
            Self::LocalRun => "Making a local tenant",
            Self::Question => "Answering a question",
            Self::Text => "Reading a text",
            Self::Line => "Typing a line",
            Self::Palette => "Palette",
        }
    }

    /// True where both are read at the same time, so that a key must not mean two things. A pane wins over the main
    /// screen on purpose.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self == other || self == Self::Always || other == Self::Always
    }
}

/// A row of the table.
#[derive(Clone, Copy)]
pub struct Command {
    /// Its name in the configuration and in the documentation: `logs.wrap`.
    pub id: &'static str,
    /// Where its keys are read.
    pub scope: Scope,
    /// Its keys where the configuration does not say otherwise, in the configuration's own words; the first is shown.
    pub keys: &'static [&'static str],
    /// A word or two for the hint bar and the palette.
    pub title: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
    /// True where it changes something outside of the program: not in read-only mode.
    pub changes: bool,
    /// True where the hint bar shows it.
    pub hint: bool,
    /// True where the palette lists it.
    pub listed: bool,
    /// Why it is not possible now, if it is not.
    pub check: fn(&App) -> Result<(), Problem>,
    /// What has to be confirmed before it is done; `None` where nothing has.
    pub ask: fn(&App) -> Option<Question>,
    /// Does it.
    pub run: fn(&mut App) -> Vec<Effect>,
}

/// A row; what is rare about it is said with the methods.
#[must_use]
pub const fn command(
    id: &'static str,
    scope: Scope,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
    run: fn(&mut App) -> Vec<Effect>,
) -> Command {
    let listed = matches!(scope, Scope::Main | Scope::Pane(_));
    Command { id, scope, keys, title, help, changes: false, hint: false, listed, check: |_| Ok(()), ask: |_| None, run }
}

impl Command {
    /// The hint bar shows it.
    #[must_use]
    pub const fn hinted(mut self) -> Self {
        self.hint = true;
        self
    }

    /// It changes something outside of the program.
    #[must_use]
    pub const fn changes(mut self) -> Self {
        self.changes = true;
        self
    }

    /// The palette leaves it out: what only a key makes sense for.
    #[must_use]
    pub const fn by_key_only(mut self) -> Self {
        self.listed = false;
        self
    }

    /// It is not always possible.
    #[must_use]
    pub const fn when(mut self, check: fn(&App) -> Result<(), Problem>) -> Self {
        self.check = check;
        self
    }

    /// It is done only after this question was answered with yes.
    #[must_use]
    pub const fn asking(mut self, ask: fn(&App) -> Option<Question>) -> Self {
        self.ask = ask;
        self
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.id, self.scope)
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.scope) == (other.id, other.scope)
    }
}

impl Eq for Command {}

/// Every command, in the order of the hint bar and the help.
pub fn table() -> impl Iterator<Item = &'static Command> {
    actions::COMMANDS.iter().chain(panes::COMMANDS.iter()).chain(dialogs::COMMANDS.iter()).flat_map(|part| part.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_command_has_an_id_of_its_own_in_its_scope() {
        let mut seen = HashSet::new();
        for command in table() {
            assert!(seen.insert((command.id, command.scope)), "{command:?} has two rows");
            let word = |part: &str| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            };
            assert!(command.id.split('.').all(word), "{command:?}");
        }
    }

    #[test]
    fn every_command_can_be_explained() {
        for command in table() {
            assert!(command.help.ends_with('.') && !command.title.is_empty(), "{command:?}");
            assert!(!command.keys.is_empty() || command.listed, "{command:?} cannot be reached");
        }
    }
}

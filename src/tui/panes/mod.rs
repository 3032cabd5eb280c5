//! The panes, one file each. A pane is a state with a picture: it sees its own state and what is [`Shared`], and no other
//! pane. A new one is a file and a row of the table below.

pub mod deploy;
pub mod diagnostics;
pub mod domain;
pub mod environment;
pub mod events;
pub mod feed;
pub mod fetch;
pub mod frame;
pub mod history;
pub mod logs;
pub mod metrics;
pub mod overview;
pub mod parts;
#[cfg(test)]
mod pictures;
pub mod plan;
pub mod secrets;
pub mod tenants;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;
use std::time::Duration;

use super::app::Shared;
use super::commands::Command;
use super::effect::Effect;
use super::msg::Answer;
use crate::model::{Problem, TenantId};
use crate::ops::call::Reply;

/// What a pane can do. The border, the focus and the place belong to the view.
pub trait PaneView {
    /// What the title names after the pane's own word: most often the tenant.
    fn subject(&self, shared: &Shared) -> String {
        shared.selected().map_or_else(String::new, |tenant| tenant.name.clone())
    }

    /// What stands at the right end of the title: the state in a few words.
    fn note(&self, _shared: &Shared) -> Vec<Span<'static>> {
        Vec::new()
    }

    /// What stands in the lower border at the left.
    fn foot(&self, _shared: &Shared) -> Vec<Span<'static>> {
        Vec::new()
    }

    /// Draws what is inside of the border.
    fn draw(&self, shared: &Shared, frame: &mut Frame<'_>, area: Rect);

    /// Moves the selection or the view by lines, up is negative; `rows` are visible.
    fn move_by(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect>;

    /// Moves the view sideways by columns, left is negative.
    fn shift_by(&mut self, _shared: &mut Shared, _delta: i64) -> Vec<Effect> {
        Vec::new()
    }

    /// Moves the view by lines and leaves the selection where it is: the wheel.
    fn wheel(&mut self, shared: &mut Shared, delta: i64, rows: usize) -> Vec<Effect> {
        self.move_by(shared, delta, rows)
    }

    /// The mouse pressed here: row and column inside of the border, and the size of that room.
    fn click(&mut self, _shared: &mut Shared, _row: u16, _column: u16, _size: (u16, u16)) -> Vec<Effect> {
        Vec::new()
    }

    /// The mouse moved with its button held, from a press in this pane: row and column as in [`PaneView::click`].
    fn drag(&mut self, _shared: &mut Shared, _row: u16, _column: u16, _size: (u16, u16)) -> Vec<Effect> {
        Vec::new()
    }

    /// The room inside of its border, columns and rows: told while the pane can be seen, before [`PaneView::attend`].
    fn room(&mut self, _columns: u16, _rows: u16) {}

    /// Another tenant is selected, and the selection has come to rest.
    fn tenant_changed(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// Called after every message while the pane can be seen: the place to ask for what is missing or old, and to notice
    /// that a timer of one's own is due. Must be quick, and ask for nothing twice.
    fn attend(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// Called after every message while the keys go elsewhere, `seen` where the pane can be seen all the same: the place to
    /// hide what only its own keys may show. Must be quick.
    fn left(&mut self, _shared: &mut Shared, _seen: bool) {}

    /// When the pane wants to be called although nothing happened, since the start of the program.
    fn wake(&self) -> Option<Duration> {
        None
    }

    /// The answer to something that this pane asked for, under the word it gave it.
    fn answer(&mut self, _shared: &mut Shared, _topic: &'static str, _answer: Answer) -> Vec<Effect> {
        Vec::new()
    }

    /// Something that was done to a tenant has come to its end: `rotate`, `restart`.
    fn action_ended(
        &mut self,
        _shared: &mut Shared,
        _action: &'static str,
        _tenant: &TenantId,
        _result: &Result<Reply, Problem>,
    ) -> Vec<Effect> {
        Vec::new()
    }

    /// True while something in it really moves: a spinner turns.
    fn is_moving(&self, _shared: &Shared) -> bool {
        false
    }

    /// Everything is loaded again: what failed may be asked for anew.
    fn refresh(&mut self, _shared: &mut Shared) -> Vec<Effect> {
        Vec::new()
    }

    /// These tenants are no longer listed.
    fn forget(&mut self, _gone: &dyn Fn(&TenantId) -> bool) {}
}

/// Makes of each row a variant of [`Pane`], a field of [`Panes`] and its commands.
macro_rules! panes {
    ($($(#[$doc:meta])* $name:ident, $module:ident, $title:literal;)+) => {
        /// The panes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Pane {
            $($(#[$doc])* $name,)+
        }

        impl Pane {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// The word in titles and tabs.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }
        }

        /// The state of every pane.
        #[derive(Debug, Clone, Default)]
        pub struct Panes {
            $($(#[$doc])* pub $module: $module::State,)+
        }

        impl Panes {
            /// What a pane can do, to be looked at.
            #[must_use]
            pub fn get(&self, pane: Pane) -> &dyn PaneView {
                match pane {
                    $(Pane::$name => &self.$module,)+
                }
            }

            /// What a pane can do.
            pub fn get_mut(&mut self, pane: Pane) -> &mut dyn PaneView {
                match pane {
                    $(Pane::$name => &mut self.$module,)+
                }
            }
        }

        /// The commands of every pane.
        pub(super) const COMMANDS: &[&[Command]] = &[$($module::COMMANDS,)+];
    };
}

panes! {
    /// The list of tenants.
    Tenants, tenants, "Tenants";
    /// Everything about the selected tenant.
    Overview, overview, "Overview";
    /// Its events.
    Events, events, "Events";
    /// Its deploy.
    Deploy, deploy, "Deploy";
    /// Its logs.
    Logs, logs, "Logs";
    /// What its machine uses.
    Metrics, metrics, "Metrics";
    /// Its secrets and credentials.
    Secrets, secrets, "Secrets";
    /// Its deploys so far.
    History, history, "History";
    /// What its machine is started with.
    Environment, environment, "Environment";
    /// Its subscription, plan and memory.
    Plan, plan, "Plan";
    /// Its own domain.
    Domain, domain, "Domain";
    /// Versions, what answers, where the files are, and the program's log.
    Diagnostics, diagnostics, "Diagnostics";
}

//! Floor 4: the full-screen program. A state machine with a picture: [`App`](app::App) is plain data,
//! `update` is the only thing that changes it, `view` the only thing that draws it, and the runner the
//! only thing that performs what `update` asks for, through one trait, [`Backend`].
//!
//! This room must not know HTTP, Docker or files.

mod actions;
mod again;
mod app;
mod backend;
#[doc(hidden)]
pub mod bench;
mod bought;
mod commands;
mod deploys;
mod dialogs;
mod effect;
mod jobs;
mod key;
mod keymap;
mod lock;
mod log;
mod memory;
mod mouse;
mod msg;
mod outside;
mod pace;
mod pages;
mod panes;
mod reference;
mod runner;
mod runtime;
mod scroll;
mod session;
mod stage;
#[cfg(test)]
mod svg;
mod tenants;
mod terminal;
mod theme;
mod under_way;
mod update;
mod view;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use again::Again;
pub use app::{BareFolder, ContextChoice, Options};
pub use backend::{Backend, DeployNews, Live, TenantList};
pub use keymap::{Own as OwnKeys, own_keys};
pub use outside::Settings as OutsideSettings;
pub use reference::{keys_man, keys_markdown};
pub use runtime::{Left, Way, run};
pub use session::for_session;
pub use terminal::child::is_lent;
pub use theme::Wanted as Look;

use crate::crash;
use crate::model::Problem;
use crate::telling::format;

/// Why the full-screen program ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal cannot be used, or was lost.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] std::io::Error),
    /// A part of the program panicked; the message is on standard error.
    #[error("a part of the program failed unexpectedly")]
    Panicked,
}

impl TuiError {
    /// What a person is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Terminal(error) => Problem::new("The terminal cannot be used.")
                .detail(error.to_string())
                .hint("Start tenantry in an interactive terminal, or use its commands."),
            Self::Panicked => {
                let problem = Problem::new("A part of the program failed unexpectedly.")
                    .hint("The message above says where. Start it again; nothing on the server is lost.");
                match crash::newest() {
                    Some(report) => problem.detail(format!("A report lies in {}.", report.display())),
                    None => problem,
                }
            }
        }
    }
}

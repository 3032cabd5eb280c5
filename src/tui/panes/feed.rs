//! How a live stream is doing, as the titles of the panes say it.

use ratatui::text::Span;

use crate::model::Problem;
use crate::tui::app::Shared;
use crate::tui::backend::Live;

/// The state of one live stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Feed {
    /// Nothing to follow.
    #[default]
    Off,
    /// On its way.
    Connecting,
    /// Open.
    Live,
    /// Lost, and tried again by itself.
    Interrupted {
        /// From 1.
        attempt: u32,
        /// Why.
        problem: Problem,
    },
    /// Lost for good.
    Failed(Problem),
    /// Closed regularly.
    Ended,
}

impl Feed {
    /// What the stream said about itself; hands back what it carried.
    pub fn note<T>(&mut self, live: Live<T>) -> Option<T> {
        let state = match live {
            // Whoever sends is connected, whatever was said before.
            Live::Item(item) => {
                *self = Self::Live;
                return Some(item);
            }
            Live::Connected => Self::Live,
            Live::Interrupted { attempt, problem, .. } => Self::Interrupted { attempt, problem },
            Live::Failed(problem) => Self::Failed(problem),
            Live::Ended => Self::Ended,
        };
        *self = state;
        None
    }

    /// True while the stream lives or tries to.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Connecting | Self::Live | Self::Interrupted { .. })
    }

    /// The words for a pane's title; `live` is the word for a stream that is open.
    #[must_use]
    pub fn title(&self, shared: &Shared, live: &'static str) -> Vec<Span<'static>> {
        let theme = &shared.theme;
        match self {
            Self::Off => Vec::new(),
            Self::Connecting => vec![Span::styled("connecting", theme.dim)],
            Self::Live => vec![Span::styled(live, theme.good)],
            Self::Interrupted { attempt, .. } => {
                vec![Span::styled(format!("reconnecting · attempt {attempt}"), theme.warn)]
            }
            Self::Failed(_) => vec![Span::styled("✕ lost", theme.bad)],
            Self::Ended => vec![Span::styled("ended", theme.dim)],
        }
    }

    /// One line for inside the pane where the stream needs one.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match self {
            // Without seconds: nothing counts them down here. The title has the attempt.
            Self::Interrupted { problem, .. } => {
                let why = problem.detail.as_ref().unwrap_or(&problem.title);
                Some(format!("Live updates interrupted, reconnecting by themselves. {why}"))
            }
            Self::Failed(problem) => Some(match &problem.hint {
                Some(hint) => format!("{} {hint}", problem.title),
                None => format!("{} Refresh to try again.", problem.title),
            }),
            _ => None,
        }
    }
}

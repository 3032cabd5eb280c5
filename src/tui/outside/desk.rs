//! Does the errands. What needs the terminal is asked of the [`Stage`]; what takes long goes on beside the
//! loop. Must not know the state of the screen.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::zeroize::Zeroizing;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::surroundings::{Multiplexer, Surroundings};
use super::{Answer, Copied, Errand, Mark, Notices, Settings, Shown, Text, osc};
use crate::model::Problem;
use crate::ops::clipboard::{self, Desktop, Found};
use crate::ops::editor::{Editing, Wishes};
use crate::ops::{notice, save};
use crate::tui::jobs::Ticket;
use crate::tui::stage::{Stage, Wire};
use crate::tui::terminal::screen::NotStopped;

/// What took longer is told also to somebody who may be looking.
const LONG: Duration = Duration::from_secs(10);

/// Whether the person looks at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    /// Not every terminal says it.
    #[default]
    Unknown,
    Here,
    Elsewhere,
}

/// How an errand began.
pub enum Begun {
    /// It is done.
    Done(Answer),
    /// It goes on beside the loop.
    Going(BoxFuture<'static, Answer>),
    /// The terminal is somebody else's now; its return says how that went, if there is anything to say.
    Lent,
}

/// Does the errands.
pub struct Desk {
    settings: Settings,
    surroundings: Surroundings,
    wishes: Wishes,
    desktop: Option<Desktop>,
    focus: Focus,
    editing: Option<(Ticket, Editing, String)>,
}

impl Desk {
    /// A desk in these surroundings.
    #[must_use]
    pub fn new(settings: Settings, surroundings: Surroundings) -> Self {
        let wishes = Wishes::of_process(settings.editor.clone());
        let desktop = surroundings.has_clipboard.then(Desktop::new);
        Self { settings, surroundings, wishes, desktop, focus: Focus::Unknown, editing: None }
    }

    /// The terminal says that the person came, or went.
    pub fn note_focus(&mut self, here: bool) {
        self.focus = if here { Focus::Here } else { Focus::Elsewhere };
    }

    /// Begins an errand. Only what an editor needs is done at once, and that is little.
    pub fn begin(&mut self, ticket: Ticket, errand: Errand, stage: &mut impl Stage) -> Begun {
        match errand {
            Errand::Copy(text) => {
                Begun::Going(copy(text, self.surroundings.multiplexer, self.desktop.clone(), stage.wire()).boxed())
            }
            Errand::Clear(mark) => {
                Begun::Going(clear(mark, self.surroundings.multiplexer, self.desktop.clone(), stage.wire()).boxed())
            }
            Errand::Notify { title, body, took } => {
                if !self.is_worth_a_notice(took) {
                    return Begun::Done(Answer::Notified(None));
                }
                let ways = self.ways();
                Begun::Going(notify(title, body, ways, stage.wire()).boxed())
            }
            Errand::Edit { text, suffix, what } => self.edit(ticket, text, &suffix, what, stage),
            Errand::Save { path, text, replace } => {
                let text = text.words;
                Begun::Going(async move { Answer::Saved(save::save(path, text, replace).await) }.boxed())
            }
            Errand::Mouse(on) => {
                // A terminal that is gone is found out by whoever reads from it.
                let _ = stage.set_mouse(on);
                Begun::Done(Answer::Mouse(on))
            }
            Errand::Suspend => match stage.suspend() {
                Ok(()) => Begun::Lent,
                Err(refused) => Begun::Done(Answer::NotSuspended(not_suspended(&refused))),
            },
        }
    }

    /// The program that had the terminal ended: the answer of the errand that it was for.
    pub fn returned(&mut self, ended: io::Result<ExitStatus>) -> Option<(Ticket, BoxFuture<'static, Answer>)> {
        let (ticket, editing, what) = self.editing.take()?;
        let finish = async move {
            let result = tokio::task::spawn_blocking(move || editing.finish(ended)).await.unwrap_or_else(|stopped| {
                Err(Problem::new("What was edited could not be read.").detail(stopped.to_string()))
            });
            Answer::Edited { what, result }
        };
        Some((ticket, finish.boxed()))
    }

    fn edit(&mut self, ticket: Ticket, text: Text, suffix: &str, what: String, stage: &mut impl Stage) -> Begun {
        let editing = match Editing::begin(&self.wishes, text.words, suffix, &what) {
            Ok(editing) => editing,
            Err(problem) => return Begun::Done(Answer::Edited { what, result: Err(problem) }),
        };
        match stage.lend(&mut editing.command()) {
            Ok(()) => {
                self.editing = Some((ticket, editing, what));
                Begun::Lent
            }
            Err(error) => Begun::Done(Answer::Edited { what, result: Err(editing.not_started(&error)) }),
        }
    }

    fn is_worth_a_notice(&self, took: Duration) -> bool {
        self.settings.notices != Notices::Off && (self.focus == Focus::Elsewhere || took > LONG)
    }

    fn ways(&self) -> Ways {
        let Surroundings { multiplexer, notice, has_desktop, .. } = self.surroundings;
        Ways {
            desktop: match self.settings.notices {
                Notices::Auto => has_desktop,
                Notices::Desktop => true,
                Notices::Terminal | Notices::Off => false,
            },
            terminal: matches!(self.settings.notices, Notices::Auto | Notices::Terminal),
            notice,
            bell: self.settings.bell,
            multiplexer,
        }
    }
}

fn not_suspended(refused: &NotStopped) -> Problem {
    let problem = Problem::new("The program was not stopped.").detail(refused.to_string());
    match refused {
        NotStopped::NoShell => problem.hint("Leave it with q, or start it from a shell."),
        NotStopped::System(_) => problem,
    }
}

/// Every way at once: which one leads to the person's clipboard depends on where the person sits, and nobody says.
async fn copy(text: Text, multiplexer: Multiplexer, desktop: Option<Desktop>, wire: Wire) -> Answer {
    let length = text.reveal().len();
    let fits = length <= osc::LARGEST;
    let mark = Mark::of(text.reveal());
    let by_terminal = async { fits && send(&wire, multiplexer, osc::copy(text.reveal())).await };
    let by_tmux = async {
        let put = multiplexer == Multiplexer::Tmux && fits;
        put && told("tmux", clipboard::put_in_tmux(&text.words).await).is_ok()
    };
    let by_desktop = async {
        match &desktop {
            Some(desktop) => told("clipboard", desktop.put(text.words.clone(), text.is_secret()).await),
            None => Err("no desktop is here".to_owned()),
        }
    };
    let (terminal, tmux, desktop) = tokio::join!(by_terminal, by_tmux, by_desktop);
    let copied = Copied { desktop: desktop.is_ok(), tmux, terminal, mark };
    if copied.desktop || copied.tmux || copied.terminal {
        return Answer::Copied(Ok(copied));
    }
    let why = desktop.err().unwrap_or_default();
    Answer::Copied(Err(if fits {
        Problem::new("Nothing was copied.").detail(format!("The terminal is in use, and {why}."))
    } else {
        Problem::new("This is too long for the terminal's clipboard.")
            .detail(format!("It has {} kB of at most {} kB, and {why}.", length.div_ceil(1000), osc::LARGEST / 1000))
            .hint("Save it to a file instead.")
    }))
}

/// What somebody else copied meanwhile stays, where that can be known.
async fn clear(mark: Mark, multiplexer: Multiplexer, desktop: Option<Desktop>, wire: Wire) -> Answer {
    let found = match desktop {
        Some(desktop) => told("clipboard", desktop.clear(mark).await).ok(),
        None => None,
    };
    if multiplexer == Multiplexer::Tmux {
        let _ = told("tmux", clipboard::clear_tmux().await);
    }
    if found == Some(Found::Other) {
        return Answer::Cleared(false);
    }
    let sent = send(&wire, multiplexer, osc::copy("")).await;
    Answer::Cleared(sent || found.is_some())
}

/// How a notice may be shown.
struct Ways {
    desktop: bool,
    terminal: bool,
    notice: Option<osc::Notice>,
    bell: bool,
    multiplexer: Multiplexer,
}

async fn notify(title: String, body: String, ways: Ways, wire: Wire) -> Answer {
    if ways.desktop && told("notice", notice::on_desktop(&title, &body).await).is_ok() {
        return Answer::Notified(Some(Shown::Desktop));
    }
    let mut shown = false;
    if ways.terminal {
        if let Some(notice) = ways.notice {
            let message = osc::notice(notice, &title, &body);
            shown |= wire.send(osc::through(ways.multiplexer, &message)).await;
        }
        if ways.bell {
            // Not wrapped: tmux shows in its own line which window rang.
            shown |= wire.send(Zeroizing::new(osc::bell())).await;
        }
    }
    Answer::Notified(shown.then_some(Shown::Terminal))
}

/// To tmux both ways: to itself, and past it. Which of the two it takes is a matter of its configuration.
async fn send(wire: &Wire, multiplexer: Multiplexer, message: Zeroizing<Vec<u8>>) -> bool {
    let past = wire.send(osc::through(multiplexer, &message)).await;
    if multiplexer == Multiplexer::Tmux { wire.send(message).await || past } else { past }
}

/// What did not work is in the log; there is another way, or the person is told in other words.
fn told<T>(what: &str, result: Result<T, String>) -> Result<T, String> {
    if let Err(why) = &result {
        tracing::info!(what, why, "not available");
    }
    result
}

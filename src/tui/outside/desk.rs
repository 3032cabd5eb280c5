//! Does the errands. What needs the terminal is asked of the [`Stage`]; what takes long goes on beside the
//! loop. Must not know the state of the screen.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::zeroize::Zeroizing;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::surroundings::{Multiplexer, Surroundings};
use super::{Answer, Copied, Errand, Mark, Settings, Text, osc};
use crate::model::Problem;
use crate::ops::clipboard::{self, Desktop, Found};
use crate::ops::editor::{Editing, Wishes};
use crate::ops::{notice, save};
use crate::settings::Notify;
use crate::tui::jobs::Ticket;
use crate::tui::stage::{Stage, Wire};
use crate::tui::terminal::screen::NotStopped;

/// How long tidying up the clipboard may take when the program is left.
const LEAVING: Duration = Duration::from_secs(1);
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
    editing: Option<(Ticket, Editing)>,
    /// The secret that was copied last and not taken out since.
    held: Option<Mark>,
}

impl Desk {
    /// A desk in these surroundings.
    #[must_use]
    pub fn new(settings: Settings, surroundings: Surroundings) -> Self {
        let wishes = Wishes::of_process(settings.editor.clone());
        let desktop = surroundings.has_clipboard.then(Desktop::new);
        Self { settings, surroundings, wishes, desktop, focus: Focus::Unknown, editing: None, held: None }
    }

    /// The terminal says that the person came, or went.
    pub fn note_focus(&mut self, here: bool) {
        self.focus = if here { Focus::Here } else { Focus::Elsewhere };
    }

    /// A key was pressed. That says nothing about terminals that do not tell where the focus is.
    pub fn note_key(&mut self) {
        if self.focus == Focus::Elsewhere {
            self.focus = Focus::Here;
        }
    }

    /// Begins an errand. Only what an editor needs is done at once, and that is little.
    pub fn begin(&mut self, ticket: Ticket, errand: Errand, stage: &mut impl Stage) -> Begun {
        match errand {
            Errand::Copy(text) => {
                self.held = text.is_secret().then(|| Mark::of(text.reveal()));
                Begun::Going(copy(text, self.surroundings.multiplexer, self.desktop.clone(), stage.wire()).boxed())
            }
            Errand::Clear(mark) => {
                self.held = None;
                Begun::Going(clear(mark, self.surroundings.multiplexer, self.desktop.clone(), stage.wire()).boxed())
            }
            Errand::Notify { title, body, took } => {
                if !self.is_worth_a_notice(took) {
                    return Begun::Done(Answer::Notified);
                }
                // Of its own: the next notice must not end this one.
                let shown = tokio::spawn(notify(title, body, self.ways(), stage.wire()));
                Begun::Going(async { shown.await.unwrap_or(Answer::Notified) }.boxed())
            }
            Errand::Edit { text, suffix, what } => self.edit(ticket, text, &suffix, &what, stage),
            Errand::Save { path, text, replace } => {
                let save = async move {
                    let text = made(text).await;
                    Answer::Saved(save::save(path, text.into_words(), replace).await)
                };
                Begun::Going(save.boxed())
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
        let (ticket, editing) = self.editing.take()?;
        let finish = async move {
            let result = tokio::task::spawn_blocking(move || editing.finish(ended)).await.unwrap_or_else(|stopped| {
                Err(Problem::new("What was edited could not be read.").detail(stopped.to_string()))
            });
            Answer::Edited(result)
        };
        Some((ticket, finish.boxed()))
    }

    /// The program is being left: a secret that nobody would take out of the clipboard any more goes now.
    pub async fn leave(&mut self, stage: &impl Stage) {
        let Some(mark) = self.held.take() else { return };
        let cleared = clear(mark, self.surroundings.multiplexer, self.desktop.clone(), stage.wire());
        // Whoever leaves does not wait for a desktop.
        let _ = tokio::time::timeout(LEAVING, cleared).await;
    }

    fn edit(&mut self, ticket: Ticket, text: Text, suffix: &str, what: &str, stage: &mut impl Stage) -> Begun {
        let editing = match Editing::begin(&self.wishes, text.into_words(), suffix, what) {
            Ok(editing) => editing,
            Err(problem) => return Begun::Done(Answer::Edited(Err(problem))),
        };
        match stage.lend(&mut editing.command()) {
            Ok(()) => {
                self.editing = Some((ticket, editing));
                Begun::Lent
            }
            Err(error) => Begun::Done(Answer::Edited(Err(editing.not_started(&error)))),
        }
    }

    fn is_worth_a_notice(&self, took: Duration) -> bool {
        self.settings.notify != Notify::Off && (self.focus == Focus::Elsewhere || took > LONG)
    }

    fn ways(&self) -> Ways {
        let Surroundings { multiplexer, notice, has_desktop, .. } = self.surroundings;
        Ways {
            desktop: match self.settings.notify {
                Notify::Auto => has_desktop,
                Notify::Desktop => true,
                Notify::Terminal | Notify::Off => false,
            },
            terminal: matches!(self.settings.notify, Notify::Auto | Notify::Terminal),
            notice,
            bell: self.settings.bell,
            multiplexer,
        }
    }
}

fn not_suspended(refused: &NotStopped) -> Problem {
    let problem = Problem::new("The program was not stopped.").detail(refused.to_string());
    match refused {
        NotStopped::NoShell => problem.hint("Leave it, or start it from a shell."),
        NotStopped::System(_) => problem,
    }
}

/// A long text is made where nobody waits for it.
async fn made(text: Text) -> Text {
    if text.is_made() {
        return text;
    }
    let same = text.clone();
    let making = tokio::task::spawn_blocking(move || {
        let _ = same.words();
    });
    if let Err(stopped) = making.await {
        // It is made here, then, and says so itself where that cannot be.
        tracing::warn!(why = %stopped, "a text was not made beside the loop");
    }
    text
}

/// Every way at once: which one leads to the person's clipboard depends on where the person sits, and nobody says.
async fn copy(text: Text, multiplexer: Multiplexer, desktop: Option<Desktop>, wire: Wire) -> Answer {
    let text = made(text).await;
    let length = text.reveal().len();
    let fits = length <= osc::LARGEST;
    let mark = Mark::of(text.reveal());
    let by_terminal = async { fits && send(&wire, multiplexer, osc::copy(text.reveal())).await };
    let by_tmux = async {
        let put = multiplexer == Multiplexer::Tmux && fits;
        put && told("tmux", clipboard::put_in_tmux(text.words()).await).is_ok()
    };
    let by_desktop = async {
        match &desktop {
            Some(desktop) => told("clipboard", desktop.put(text.words().clone(), text.is_secret()).await),
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
    let is_other = found == Some(Found::Other);
    if multiplexer == Multiplexer::Tmux {
        let _ = told("tmux", clipboard::clear_tmux(!is_other).await);
    }
    if is_other {
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
        return Answer::Notified;
    }
    if ways.terminal {
        if let Some(notice) = ways.notice {
            let message = osc::notice(notice, &title, &body);
            wire.send(osc::through(ways.multiplexer, &message)).await;
        }
        if ways.bell {
            // Not wrapped: tmux shows in its own line which window rang.
            wire.send(Zeroizing::new(osc::bell())).await;
        }
    }
    Answer::Notified
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::tui::app::App;
    use crate::tui::jobs::Slot;
    use crate::tui::terminal::screen::Happened;
    use std::sync::{Arc, Mutex};
    use tokio::process::Command;

    /// A terminal that keeps what it is told.
    #[derive(Default)]
    struct Deaf {
        told: Arc<Mutex<Vec<u8>>>,
    }

    impl Stage for Deaf {
        fn draw(&mut self, _: &App) -> io::Result<()> {
            Ok(())
        }
        async fn next(&mut self) -> io::Result<Happened> {
            Ok(Happened::Gone)
        }
        fn suspend(&mut self) -> Result<(), NotStopped> {
            Err(NotStopped::NoShell)
        }
        fn lend(&mut self, _: &mut Command) -> io::Result<()> {
            Err(io::ErrorKind::NotFound.into())
        }
        fn set_mouse(&mut self, _: bool) -> io::Result<()> {
            Ok(())
        }
        fn wire(&self) -> Wire {
            let told = Arc::clone(&self.told);
            Wire::new(move |bytes| {
                told.lock().expect("no panic").extend_from_slice(bytes);
                true
            })
        }
    }

    impl Deaf {
        fn told(&self) -> String {
            String::from_utf8(std::mem::take(&mut self.told.lock().expect("no panic"))).expect("text")
        }
    }

    async fn answer(desk: &mut Desk, stage: &mut Deaf, errand: Errand) -> Answer {
        let ticket = Ticket { slot: errand.slot(), sequence: 1 };
        match desk.begin(ticket, errand, stage) {
            Begun::Done(answer) => answer,
            Begun::Going(work) => work.await,
            Begun::Lent => panic!("the terminal is lent"),
        }
    }

    fn notify(seconds: u64) -> Errand {
        let took = Duration::from_secs(seconds);
        Errand::Notify { title: "orchard is deployed".to_owned(), body: "in 3 s".to_owned(), took }
    }

    #[tokio::test]
    async fn a_notice_comes_when_the_person_is_elsewhere_or_has_waited_long() {
        let mut stage = Deaf::default();
        let surroundings = Surroundings { notice: Some(osc::Notice::Two), ..Surroundings::default() };
        let mut desk = Desk::new(Settings::default(), surroundings);
        let shown = "\u{1b}]777;notify;orchard is deployed;in 3 s\u{7}\u{7}";
        for (here, seconds, expected) in
            [(None, 3, ""), (None, 11, shown), (Some(true), 3, ""), (Some(true), 11, shown), (Some(false), 3, shown)]
        {
            if let Some(here) = here {
                desk.note_focus(here);
            }
            let answer = answer(&mut desk, &mut stage, notify(seconds)).await;
            assert_eq!(stage.told(), expected, "{here:?}, {seconds} s");
            assert!(matches!(answer, Answer::Notified));
        }
    }

    #[tokio::test]
    async fn whoever_types_is_here_whatever_the_terminal_said_last() {
        let mut stage = Deaf::default();
        let mut desk = Desk::new(Settings::default(), Surroundings::default());
        desk.note_focus(false);
        desk.note_key();
        answer(&mut desk, &mut stage, notify(3)).await;
        assert_eq!(stage.told(), "");
    }

    #[tokio::test]
    async fn the_configuration_says_where_a_notice_goes() {
        for (notify_by, bell, expected) in
            [(Notify::Off, true, ""), (Notify::Terminal, false, ""), (Notify::Terminal, true, "\u{7}")]
        {
            let mut stage = Deaf::default();
            let settings = Settings { notify: notify_by, bell, ..Settings::default() };
            // A terminal that did not name itself hears the bell and nothing else.
            let mut desk = Desk::new(settings, Surroundings::default());
            answer(&mut desk, &mut stage, notify(60)).await;
            assert_eq!(stage.told(), expected, "{notify_by:?}");
        }
    }

    #[tokio::test]
    async fn what_is_too_long_is_said_and_nothing_is_sent() {
        let mut stage = Deaf::default();
        let mut desk = Desk::new(Settings::default(), Surroundings::default());
        let long = Text::plain("x".repeat(osc::LARGEST + 1));
        let Answer::Copied(Err(problem)) = answer(&mut desk, &mut stage, Errand::Copy(long)).await else {
            panic!("it was copied");
        };
        assert!(problem.to_string().contains("101 kB of at most 100 kB"), "{problem}");
        assert_eq!(stage.told(), "");
        let fits = Text::plain("x".repeat(osc::LARGEST));
        let copied = answer(&mut desk, &mut stage, Errand::Copy(fits)).await;
        assert!(matches!(copied, Answer::Copied(Ok(Copied { terminal: true, desktop: false, .. }))));
    }

    #[tokio::test]
    async fn a_secret_that_is_still_in_the_clipboard_goes_with_the_program() {
        let mut stage = Deaf::default();
        let mut desk = Desk::new(Settings::default(), Surroundings::default());
        answer(&mut desk, &mut stage, Errand::Copy(Text::plain("an address"))).await;
        stage.told();
        desk.leave(&stage).await;
        assert_eq!(stage.told(), "", "what anybody may see stays");
        answer(&mut desk, &mut stage, Errand::Copy(Text::secret(Secret::new("hunter2")))).await;
        stage.told();
        desk.leave(&stage).await;
        assert_eq!(stage.told(), "\u{1b}]52;c;\u{7}");
        desk.leave(&stage).await;
        assert_eq!(stage.told(), "", "once");
    }

    #[tokio::test]
    async fn inside_of_screen_the_terminal_is_told_past_it() {
        let mut stage = Deaf::default();
        let surroundings = Surroundings { multiplexer: Multiplexer::Screen, ..Surroundings::default() };
        let mut desk = Desk::new(Settings::default(), surroundings);
        answer(&mut desk, &mut stage, Errand::Copy(Text::plain("copied"))).await;
        assert_eq!(stage.told(), "\u{1b}P\u{1b}]52;c;Y29waWVk\u{7}\u{1b}\\");
    }

    #[tokio::test]
    async fn an_editor_that_does_not_start_and_a_stop_without_a_shell_are_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut stage = Deaf::default();
        let mut desk =
            Desk::new(Settings { editor: Some("ed".to_owned()), ..Settings::default() }, Surroundings::default());
        desk.wishes.runtime = None;
        desk.wishes.state = Some(crate::workspace::StateDirectory::at(folder.path()));
        let what = "the secrets of orchard".to_owned();
        let edit = Errand::Edit { text: Text::plain("a"), suffix: ".env".to_owned(), what };
        assert_eq!(edit.slot(), Slot::Edit);
        let edited = answer(&mut desk, &mut stage, edit).await;
        assert!(matches!(edited, Answer::Edited(Err(problem)) if problem.to_string().contains("not found")));
        assert!(desk.returned(Ok(ExitStatus::default())).is_none());
        let stopped = answer(&mut desk, &mut stage, Errand::Suspend).await;
        assert!(matches!(stopped, Answer::NotSuspended(_)));
    }
}

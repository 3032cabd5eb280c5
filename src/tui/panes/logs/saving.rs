//! Lines into a file: where to, and what becomes of a file that is there already. Must not know how files are written.

use super::State;
use crate::model::Problem;
use crate::tui::actions::done;
use crate::tui::app::{App, Shared};
use crate::tui::dialogs::Dialog;
use crate::tui::dialogs::line::Line;
use crate::tui::dialogs::pick::{Entry, Pick};
use crate::tui::effect::Effect;
use crate::tui::format::count;
use crate::tui::lock::Lock;
use crate::tui::log::{Key, Selection};
use crate::tui::outside::{Errand, Saved, Text};

/// Lines that become text at once.
const AT_ONCE: u64 = 1_000;

/// What is written, until it is known how that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saving {
    /// As the person wrote it.
    path: String,
    /// Which lines; none that came later.
    lines: Selection,
}

/// Whether a file may be written. A protected context is no reason against it: nothing is changed there.
pub fn may_write(app: &App) -> Result<(), Problem> {
    match app.shared.lock {
        Lock::ReadOnly => Err(Problem::new("The program is read-only: no file is written.")
            .hint("Start it without --read-only, or copy the lines.")),
        Lock::Open | Lock::Protected | Lock::Unlocked(_) => Ok(()),
    }
}

impl State {
    /// The lines that are chosen, else all that are shown.
    fn to_save(&self) -> Selection {
        let last = self.log.beside(Key::LAST, 0).unwrap_or(Key::LAST);
        self.view.selection.unwrap_or(Selection { anchor: Key::FIRST, head: last })
    }

    /// Where they go where nobody says otherwise: a name that every file system takes.
    fn file_name(&self, shared: &Shared) -> String {
        let names = if self.merged { "logs".to_owned() } else { self.names() };
        let fits = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        let name: String = names.chars().map(fits).take(64).collect();
        let at = shared.now.wall.to_zoned(shared.zone.clone()).strftime("%Y%m%d-%H%M%S").to_string();
        format!("~/{}-{at}.log", name.trim_start_matches('.'))
    }

    /// What the lines say. Many of them become text beside the loop, for keys must not wait for that.
    pub(super) fn text(&self, lines: Selection) -> Text {
        if self.log.selected_len(lines) <= AT_ONCE {
            return Text::plain(self.log.copy(lines, &self.view));
        }
        let taken = self.log.take(lines, &self.view);
        Text::later(move || taken.text())
    }

    fn count(&self, lines: Selection) -> String {
        count(usize::try_from(self.log.selected_len(lines)).unwrap_or(usize::MAX), "line", "lines")
    }
}

/// Asks for the name of a file.
pub fn ask(app: &mut App) -> Vec<Effect> {
    let path = app.panes.logs.file_name(&app.shared);
    ask_path(app, &path);
    done()
}

fn ask_path(app: &mut App, path: &str) {
    let logs = &app.panes.logs;
    let what = if logs.view.selection.is_some() { "are selected" } else { "are shown" };
    let lines = logs.count(logs.to_save());
    let about = format!("The {lines} that {what} go into this file, without colours. ~ is your home directory.");
    app.dialog = Some(Dialog::Line(Line::ask("Save the log", about, took_path).with(path).about(logs.about())));
}

fn took_path(app: &mut App, line: &Line) -> Vec<Effect> {
    if app.panes.logs.about() != line.subject() {
        app.shared.warn("Another tenant is selected by now: nothing was written.");
        return done();
    }
    let lines = app.panes.logs.to_save();
    write(app, Saving { path: line.text().trim().to_owned(), lines }, false)
}

fn write(app: &mut App, saving: Saving, replace: bool) -> Vec<Effect> {
    let logs = &mut app.panes.logs;
    let text = logs.text(saving.lines);
    let path = saving.path.clone();
    logs.saving = Some(saving);
    vec![app.shared.errand(Errand::Save { path, text, replace })]
}

/// How writing a file ended. True where the pane says the rest: there is such a file, and it asks what to do.
pub fn wrote(app: &mut App, result: &Result<Saved, Problem>) -> bool {
    let logs = &mut app.panes.logs;
    let asks = matches!(result, Ok(Saved::Exists(_))) && logs.saving.is_some() && app.dialog.is_none();
    if asks {
        ask_to_replace(app);
    } else {
        logs.saving = None;
    }
    asks
}

fn ask_to_replace(app: &mut App) {
    let Some(saving) = &app.panes.logs.saving else { return };
    let entries = vec![
        Entry::new("leave", "leave it", "nothing is written"),
        Entry::new("other", "another name", "the file stays as it is"),
        Entry::new("replace", "replace it", format!("with {}", app.panes.logs.count(saving.lines))),
    ];
    let about = format!("{} is there already.", saving.path);
    app.dialog = Some(Dialog::Pick(Pick::new("Replace the file?", about, entries, answered)));
}

fn answered(app: &mut App, answer: &str) -> Vec<Effect> {
    let Some(saving) = app.panes.logs.saving.take() else {
        app.shared.warn("Another tenant is selected by now: nothing was written.");
        return done();
    };
    match answer {
        "replace" => write(app, saving, true),
        "other" => {
            ask_path(app, &saving.path);
            done()
        }
        _ => done(),
    }
}

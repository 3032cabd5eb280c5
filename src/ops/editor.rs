//! A text in the person's own editor: which one that is, and the file it gets. Who gives it the terminal and waits for
//! its end is above.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use tokio::process::Command;

use crate::model::{Problem, Secret, text};
use crate::workspace::{Sheet, StateDirectory, sheet};

/// Editors that are tried where nobody named one.
const USUAL: [&str; 2] = ["vi", "nano"];

/// What came back from the editor.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The text as it is now.
    pub text: Secret,
    /// True where it is another one than before. A line end that the editor put after the last line is no change.
    pub changed: bool,
}

/// A text that is being edited. Dropping it removes its file.
#[derive(Debug)]
pub struct Editing {
    sheet: Sheet,
    before: Secret,
    what: String,
    words: Vec<String>,
}

/// What the environment says that matters here.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// The configuration's editor.
    pub configured: Option<String>,
    /// `$VISUAL`.
    pub visual: Option<String>,
    /// `$EDITOR`.
    pub editor: Option<String>,
    /// `$PATH`.
    pub path: Option<std::ffi::OsString>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
    /// Where there is no such folder.
    pub state: Option<StateDirectory>,
}

impl Wishes {
    /// Of this process, with the editor of the configuration.
    #[must_use]
    pub fn of_process(configured: Option<String>) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            configured,
            visual: set("VISUAL").and_then(|value| value.into_string().ok()),
            editor: set("EDITOR").and_then(|value| value.into_string().ok()),
            path: set("PATH"),
            runtime: set("XDG_RUNTIME_DIR").map(PathBuf::from),
            state: StateDirectory::of_user(),
        }
    }

    /// The editor's words: the configuration's, else what the environment names, else one of the usual that is there.
    fn words(&self) -> Result<Vec<String>, Problem> {
        let named =
            [("The configuration's editor", &self.configured), ("$VISUAL", &self.visual), ("$EDITOR", &self.editor)];
        for (from, command) in named {
            let Some(command) = command.as_deref().filter(|command| !command.trim().is_empty()) else { continue };
            return match shell_words::split(command) {
                Ok(words) if words.first().is_some_and(|word| !word.is_empty()) => Ok(words),
                _ => Err(Problem::new(format!("{from} is no command: {}", text::short(command, 100)))
                    .hint("Write a program and its arguments; quotes come in pairs.")),
            };
        }
        let found = USUAL.into_iter().find(|name| {
            let folders = self.path.as_deref().map(std::env::split_paths).into_iter().flatten();
            folders.into_iter().any(|folder| folder.join(name).is_file())
        });
        found.map(|name| vec![name.to_owned()]).ok_or_else(|| {
            Problem::new("No editor was found.")
                .detail(format!("Neither {} is installed.", USUAL.join(" nor ")))
                .hint("Name yours in EDITOR.")
        })
    }
}

impl Editing {
    /// Writes `text` for the editor. `what` is what a person calls it (`the secrets of orchard`), `suffix` the end of the
    /// file's name, such as `.json`. Blocks for a moment: the file is small, and lies in memory where the system has such
    /// a place.
    pub fn begin(wishes: &Wishes, text: Secret, suffix: &str, what: &str) -> Result<Self, Problem> {
        let words = wishes.words()?;
        let written = sheet::place(wishes.runtime.as_deref(), wishes.state.as_ref())
            .and_then(|place| Sheet::write(&place, &text, suffix));
        let sheet = written.map_err(|error| unedited(what).detail(error.to_string()).hint("Is the disk full?"))?;
        Ok(Self { sheet, before: text, what: what.to_owned(), words })
    }

    /// The editor with the file. It inherits standard input and output.
    #[must_use]
    pub fn command(&self) -> Command {
        let (program, arguments) = self.words.split_first().map_or(("vi", &[][..]), |(it, rest)| (it.as_str(), rest));
        let mut command = Command::new(program);
        command.args(arguments).arg(self.sheet.path());
        command
    }

    /// Why there is no editor.
    #[must_use]
    pub fn not_started(self, error: &io::Error) -> Problem {
        let name = text::short(self.words.first().map_or("", String::as_str), 60);
        let problem = match error.kind() {
            io::ErrorKind::NotFound => unedited(&self.what).detail(format!("The editor {name} was not found.")),
            _ => unedited(&self.what).detail(format!("The editor {name} cannot be started: {error}.")),
        };
        problem.hint("Name another one in EDITOR or in the configuration.")
    }

    /// What the editor made of the text; the file is gone afterwards. Blocks for a moment. One that failed made nothing
    /// of it: leaving with an error is also how a person takes everything back (`:cq`).
    pub fn finish(self, ended: io::Result<ExitStatus>) -> Result<Edited, Problem> {
        let status = ended.map_err(|error| unedited(&self.what).detail(error.to_string()))?;
        if !status.success() {
            let name = text::short(self.words.first().map_or("", String::as_str), 60);
            return Err(unedited(&self.what)
                .detail(format!("The editor {name} ended with {status}."))
                .hint("Everything is as it was before."));
        }
        let read = self
            .sheet
            .read()
            .map_err(|error| unedited(&self.what).detail(error.to_string()).hint("Everything is as it was before."))?;
        let same = without_end(&self.before) == without_end(&read);
        if same {
            return Ok(Edited { text: self.before, changed: false });
        }
        Ok(Edited { text: read, changed: true })
    }
}

/// Without the line end after the last line.
fn without_end(text: &Secret) -> &str {
    let text = text.reveal();
    text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
}

fn unedited(what: &str) -> Problem {
    let mut letters = what.chars();
    let begin: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    Problem::new(format!("{begin}{} could not be edited.", letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn wishes(configured: &str, visual: &str, editor: &str) -> Wishes {
        let some = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        Wishes { configured: some(configured), visual: some(visual), editor: some(editor), ..Wishes::default() }
    }

    #[test]
    fn the_nearest_wish_counts_and_its_words_are_a_shells() {
        let words = |wishes: Wishes| wishes.words().expect("an editor");
        assert_eq!(words(wishes("hx", "vim", "ed")), ["hx"]);
        assert_eq!(words(wishes("", "code --wait -n", "ed")), ["code", "--wait", "-n"]);
        assert_eq!(
            words(wishes(" ", "", r#"'/opt/my editor/bin/e' "-c" a\ b"#)),
            ["/opt/my editor/bin/e", "-c", "a b"]
        );
        // No shell: nothing is expanded, nothing is run beside it.
        assert_eq!(words(wishes("", "", "e; rm $HOME")), ["e;", "rm", "$HOME"]);
        for broken in ["vim 'a", "''"] {
            let problem = wishes("", "", broken).words().expect_err("no command");
            assert!(problem.title.contains("$EDITOR"), "{problem}");
        }
    }

    #[test]
    fn without_a_wish_the_first_usual_one_that_is_there_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = Wishes { path: Some(folder.path().into()), ..Wishes::default() };
        assert!(here.words().expect_err("none").title.contains("No editor"));
        std::fs::write(folder.path().join("nano"), "").expect("written");
        assert_eq!(here.words().expect("one"), ["nano"]);
        std::fs::write(folder.path().join("vi"), "").expect("written");
        assert_eq!(here.words().expect("one"), ["vi"]);
    }

    fn editing(folder: &tempfile::TempDir, text: &str) -> Editing {
        let state = Some(StateDirectory::at(folder.path()));
        let wishes = Wishes { state, ..wishes("", "", "ed -s") };
        Editing::begin(&wishes, Secret::new(text), ".env", "the secrets of orchard").expect("begun")
    }

    #[test]
    fn a_change_is_told_from_a_line_end() {
        let folder = tempfile::tempdir().expect("a folder");
        for (before, after, changed) in [("a=1", "a=1\n", false), ("a=1\n", "a=1\r\n", false), ("a=1", "a=2", true)] {
            let editing = editing(&folder, before);
            std::fs::write(editing.sheet.path(), after).expect("written");
            let edited = editing.finish(Ok(ExitStatus::from_raw(0))).expect("edited");
            assert_eq!(edited.changed, changed, "{before:?} {after:?}");
            assert_eq!(edited.text.reveal(), if changed { after } else { before });
        }
    }

    #[test]
    fn an_editor_that_fails_or_is_missing_changes_nothing_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let failed = editing(&folder, "a=1");
        std::fs::write(failed.sheet.path(), "a=hunter2").expect("written");
        let problem = failed.finish(Ok(ExitStatus::from_raw(9))).expect_err("it was killed");
        assert_eq!(problem.title, "The secrets of orchard could not be edited.");
        assert!(problem.detail.as_deref().is_some_and(|it| it.contains("ed") && it.contains("signal")), "{problem}");
        let missing = editing(&folder, "a=1").not_started(&io::ErrorKind::NotFound.into());
        assert!(missing.to_string().contains("The editor ed was not found."), "{missing}");
        let left = std::fs::read_dir(folder.path().join("edit")).expect("readable").count();
        assert_eq!(left, 0);
    }
}

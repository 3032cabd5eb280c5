//! What the screen wants done around it: clipboard, editor, files, notices, the mouse, a stop. Plain data, as every effect;
//! [`desk`] does it. Must not know the state of the screen.

pub mod desk;
pub mod osc;
pub mod surroundings;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::jobs::Slot;
use crate::model::{Problem, Secret, text};
pub use crate::ops::clipboard::Mark;
pub use crate::ops::editor::Edited;
pub use crate::ops::save::Saved;
use crate::settings::Notify;

/// What the configuration says about all this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The command of the editor, as a shell would read it; `None` is the environment's.
    pub editor: Option<String>,
    /// Where a notice is shown.
    pub notify: Notify,
    /// Whether a notice in the terminal rings its bell.
    pub bell: bool,
    /// Whether the mouse speaks to the program at the start.
    pub mouse: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { editor: None, notify: Notify::default(), bell: true, mouse: false }
    }
}

/// A text that goes out. Hidden in `Debug`, secret or not; compared by what it says.
#[derive(Clone)]
pub struct Text {
    words: Arc<Words>,
    is_secret: bool,
}

/// What a text says, from the first time on that somebody asks.
struct Words {
    known: OnceLock<Secret>,
    make: Option<Box<dyn Fn() -> String + Send + Sync>>,
}

impl Text {
    /// Anybody may read it.
    #[must_use]
    pub fn plain(words: impl Into<String>) -> Self {
        Self::known(Secret::new(words), false)
    }

    /// Anybody may read it; it is long, and is made by whoever has time for that.
    #[must_use]
    pub fn later(make: impl Fn() -> String + Send + Sync + 'static) -> Self {
        let words = Words { known: OnceLock::new(), make: Some(Box::new(make)) };
        Self { words: Arc::new(words), is_secret: false }
    }

    /// Nobody else may; where a clipboard keeps a history, it is asked not to keep this.
    #[must_use]
    pub fn secret(words: Secret) -> Self {
        Self::known(words, true)
    }

    fn known(words: Secret, is_secret: bool) -> Self {
        let words = Words { known: OnceLock::from(words), make: None };
        Self { words: Arc::new(words), is_secret }
    }

    /// True where reading it costs nothing.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.words.known.get().is_some()
    }

    /// True for a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// What it says.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.words().reveal()
    }

    /// The same, still hidden.
    #[must_use]
    pub fn words(&self) -> &Secret {
        self.words.known.get_or_init(|| self.words.made())
    }

    /// The same, for good: not twice in memory where nobody else has it.
    #[must_use]
    pub fn into_words(self) -> Secret {
        match Arc::try_unwrap(self.words) {
            Ok(mut words) => words.known.take().unwrap_or_else(|| words.made()),
            Err(shared) => shared.known.get_or_init(|| shared.made()).clone(),
        }
    }
}

impl Words {
    fn made(&self) -> Secret {
        Secret::new(self.make.as_ref().map_or_else(String::new, |make| make()))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.is_secret == other.is_secret && self.reveal() == other.reveal()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words.known.get() {
            Some(words) => write!(f, "Text({} bytes, secret: {})", words.reveal().len(), self.is_secret),
            None => f.write_str("Text(not made yet)"),
        }
    }
}

/// Something to be done outside of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Put a text into the clipboard: the desktop's, and the terminal's, which also works over ssh.
    Copy(Text),
    /// Take it out again, where it is still the one of this mark.
    Clear(Mark),
    /// Say that something is done; nobody is told what is seen anyhow.
    Notify {
        /// What is done.
        title: String,
        /// How it went.
        body: String,
        /// How long it took: what was long is told to everybody.
        took: Duration,
    },
    /// Let the person edit a text; an editor gets the terminal.
    Edit {
        /// The text as it is.
        text: Text,
        /// The end of the file's name, such as `.json`: editors go by it.
        suffix: String,
        /// What a person calls it, in small letters: `the secrets of orchard`.
        what: String,
    },
    /// Write a text to a file.
    Save {
        /// As the person wrote it.
        path: String,
        /// What goes into it.
        text: Text,
        /// Whether a file of that name may be replaced.
        replace: bool,
    },
    /// Let the mouse speak to the program, or to the terminal, which selects text with it.
    Mouse(bool),
    /// Stop the program until the shell lets it go on.
    Suspend,
}

impl Errand {
    /// The kind of job that it is; a later one of its kind makes the answer of an earlier one stale.
    #[must_use]
    pub fn slot(&self) -> Slot {
        match self {
            Self::Copy(_) => Slot::Copy,
            Self::Clear(_) => Slot::Clear,
            Self::Notify { .. } => Slot::Notice,
            Self::Edit { .. } => Slot::Edit,
            Self::Save { .. } => Slot::Save,
            Self::Mouse(_) | Self::Suspend => Slot::Terminal,
        }
    }
}

/// What became of an errand.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The clipboard has the text.
    Copied(Result<Copied, Problem>),
    /// Whether something was removed; not where it had been replaced already.
    Cleared(bool),
    /// A notice was shown, or nobody needed one.
    Notified,
    /// The editor ended; the text afterwards.
    Edited(Result<Edited, Problem>),
    /// A file was written, or is there already.
    Saved(Result<Saved, Problem>),
    /// Whom the mouse speaks to now: true for the program.
    Mouse(bool),
    /// The program was not stopped. One that was says nothing: it is [`Resumed`](super::msg::Msg::Resumed).
    NotSuspended(Problem),
}

/// Where a copied text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// In the desktop's clipboard.
    pub desktop: bool,
    /// In a buffer of tmux, which passes it on.
    pub tmux: bool,
    /// Sent to the terminal, which says nothing to that: some refuse.
    pub terminal: bool,
    /// Knows the text again, for [`Errand::Clear`].
    pub mark: Mark,
}

impl Answer {
    /// What a person is told of it in one sentence; `None` where there is nothing to tell.
    #[must_use]
    pub fn told(&self) -> Option<Result<String, &Problem>> {
        match self {
            Self::Copied(Ok(copied)) if copied.desktop => Some(Ok("Copied.".to_owned())),
            Self::Copied(Ok(_)) => Some(Ok("Sent to the terminal's clipboard.".to_owned())),
            Self::Saved(Ok(Saved::Done(path))) => Some(Ok(format!("Written to {}.", shown(path)))),
            Self::Saved(Ok(Saved::Exists(path))) => {
                Some(Ok(format!("{} is there already; nothing was written.", shown(path))))
            }
            Self::Cleared(true) => Some(Ok("The secret is out of the clipboard again.".to_owned())),
            Self::Mouse(true) => Some(Ok("The mouse speaks to tenantry.".to_owned())),
            Self::Mouse(false) => Some(Ok("The mouse selects text.".to_owned())),
            Self::Copied(Err(problem))
            | Self::Saved(Err(problem))
            | Self::Edited(Err(problem))
            | Self::NotSuspended(problem) => Some(Err(problem)),
            Self::Cleared(false) | Self::Notified | Self::Edited(Ok(_)) => None,
        }
    }
}

fn shown(path: &Path) -> String {
    text::line(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_seen_where_an_errand_is_printed() {
        let text = Text::secret(Secret::new("hunter2"));
        let save = Errand::Save { path: "~/a".to_owned(), text: Text::plain("hunter2"), replace: false };
        for errand in [Errand::Copy(text.clone()), Errand::Clear(Mark::of("hunter2")), save] {
            let printed = format!("{errand:?}");
            assert!(!printed.contains("hunter2"), "{printed}");
        }
        assert_ne!(text, Text::plain("hunter2"));
        assert_eq!(text, text.clone());
    }
}

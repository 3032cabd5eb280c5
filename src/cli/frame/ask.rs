//! Questions to a person at a terminal, on standard error: standard output is for the answer.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Write};

use super::Paint;
use crate::model::{Problem, Secret};
use crate::telling::Tone;

/// True where somebody can be asked.
pub(in crate::cli) fn can_ask(non_interactive: bool) -> bool {
    !non_interactive && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question whose answer is no unless it is yes.
pub(in crate::cli) async fn yes(question: String) -> Result<bool, Problem> {
    let answer = read(move || {
        say(&format!("{} [y/N] ", Paint::err().tone(Tone::Strong, &question)));
        line()
    })
    .await?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a word.
pub(in crate::cli) async fn word(question: String) -> Result<String, Problem> {
    let answer = read(move || {
        say(&format!("{} ", Paint::err().tone(Tone::Strong, &question)));
        line()
    })
    .await?;
    Ok(answer.trim().to_owned())
}

/// Asks for a value that is not shown while it is typed.
pub(in crate::cli) async fn secret(question: String) -> Result<Secret, Problem> {
    // Here and not where it is read: whoever stops waiting gets the terminal back as it was, too.
    let _silent = Silent::begin();
    let answer = read(move || {
        say(&Paint::err().tone(Tone::Strong, &question));
        line().map(|line| Secret::new(line.trim()))
    })
    .await;
    say("\n");
    answer
}

fn say(words: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(words.as_bytes()).and_then(|()| err.flush());
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line)
}

/// Waits for a person without holding up anybody else.
async fn read<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Problem> {
    let failed = |words: String| Problem::new("No answer could be read.").detail(words);
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer.map_err(|error| failed(error.to_string())),
        Err(stopped) => Err(failed(stopped.to_string())),
    }
}

/// The terminal does not show what is typed until this is dropped.
pub(in crate::cli) struct Silent(Option<Termios>);

impl Silent {
    pub(in crate::cli) fn begin() -> Self {
        let Ok(before) = tcgetattr(io::stdin()) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &silent);
        Self(Some(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}

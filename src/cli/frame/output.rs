//! How an answer is given: as text, as one JSON document, or not at all.

use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::model::{Problem, text};

/// How the answer is given, and whether anything may be asked.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct Output {
    /// Print one JSON document, also where something went wrong.
    #[arg(long)]
    json: bool,
    /// Print nothing where all went well.
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Ask nothing: what is missing is an error.
    #[arg(long)]
    non_interactive: bool,
}

impl Output {
    /// As if one of its options had been said.
    #[cfg(test)]
    pub(in crate::cli) fn of(word: &str) -> Self {
        Self { json: word == "--json", quiet: word == "--quiet", non_interactive: word == "--non-interactive" }
    }

    /// The same, where `--events` says what `--json` does: an object per line.
    pub(in crate::cli) fn or_events(self, events: bool) -> Self {
        Self { json: self.json || events, ..self }
    }

    /// True where the answer is one document.
    pub(in crate::cli) fn json(self) -> bool {
        self.json
    }

    /// True where only what went wrong is told.
    pub(in crate::cli) fn quiet(self) -> bool {
        self.quiet
    }

    /// True where nothing may be asked, even if there were somebody.
    pub(in crate::cli) fn non_interactive(self) -> bool {
        self.non_interactive
    }

    /// The same, and nothing is asked.
    pub(in crate::cli) fn unasked(self) -> Self {
        Self { non_interactive: true, ..self }
    }

    /// True where there is somebody who may be asked.
    pub(in crate::cli) fn can_ask(self) -> bool {
        super::ask::can_ask(self.non_interactive)
    }

    /// Prints what the command was for: `document` with `--json`, else `text`.
    pub(in crate::cli) fn answer(self, document: &impl Serialize, text: &str) -> Result<(), Problem> {
        match self {
            Self { json: true, .. } => print_json(document),
            Self { quiet: true, .. } => Ok(()),
            _ => print(text),
        }
    }

    /// Prints a line on the way, for people alone.
    pub(in crate::cli) fn say(self, line: &str) {
        if !self.json && !self.quiet {
            // Whoever reads only its beginning closes the pipe.
            let _ = print(&format!("{line}\n"));
        }
    }
}

/// Prints one document, on a line of its own.
pub(in crate::cli) fn print_json(document: &impl Serialize) -> Result<(), Problem> {
    print(&line_of_json(document))
}

/// The document as a line. What a terminal would obey is written as `\u009b` and the like, which means the same.
pub(in crate::cli) fn line_of_json(document: &impl Serialize) -> String {
    // Plain data: there is nothing in it that JSON cannot say.
    let text = serde_json::to_string(document).unwrap_or_default();
    let mut out = String::with_capacity(text.len() + 1);
    // Such characters are in texts alone, and never between them.
    for c in text.chars() {
        if text::is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

/// Prints an answer. A reader that went away has read enough.
pub(in crate::cli) fn print(text: &str) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::new("The answer could not be printed.").detail(error.to_string()))
        }
        _ => Ok(()),
    }
}

//! Answers that come line by line, as text or as JSON lines, until whoever reads them has read enough.

use std::io::{self, Write};

use super::Output;
use crate::model::Problem;

/// Where lines go.
pub(in crate::cli) struct Stream {
    output: Output,
}

impl Stream {
    /// As the command line wants it.
    pub(in crate::cli) fn new(output: Output) -> Self {
        Self { output }
    }

    /// Prints one: `object` with `--json`, else `text`. False once nobody reads any more.
    pub(in crate::cli) fn line(&self, text: &str, object: impl FnOnce() -> String) -> Result<bool, Problem> {
        let mut out = io::stdout().lock();
        let written = match () {
            () if self.output.json() => writeln!(out, "{}", object()),
            () if self.output.quiet() => Ok(()),
            () => writeln!(out, "{text}"),
        };
        match written.and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Problem::new("The answer could not be printed.").detail(error.to_string())),
        }
    }
}

//! Answers that come line by line, as text or as JSON lines, until whoever reads them has read enough.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;

use super::{Output, line_of_json};
use crate::model::Problem;

/// How often it is looked whether anybody still reads.
const GLANCE: Duration = Duration::from_millis(500);

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
    pub(in crate::cli) fn line<T: Serialize>(&self, text: &str, object: impl FnOnce() -> T) -> Result<bool, Problem> {
        let mut out = io::stdout().lock();
        let written = match () {
            () if self.output.json() => out.write_all(line_of_json(&object()).as_bytes()),
            () if self.output.quiet() => Ok(()),
            () => writeln!(out, "{text}"),
        };
        match written.and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Problem::new("The answer could not be printed.").detail(error.to_string())),
        }
    }

    /// Ends once nobody reads any more, also where there is nothing to print by then. Never where that cannot be found out, as
    /// of a file. Must be called on the runtime.
    pub(in crate::cli) async fn closed() {
        let out = io::stdout();
        loop {
            tokio::time::sleep(GLANCE).await;
            let mut asked = [PollFd::new(&out, PollFlags::empty())];
            let is_answered = poll(&mut asked, Some(&Timespec::default())).is_ok();
            if is_answered && asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
                return;
            }
        }
    }
}

//! The way to the terminal for pictures and for short messages to it. Must not know what they say.

use std::io::{self, Write};

use super::{is_ours, writing};

/// Once the terminal was given back, by whatever thread, what was meant for the alternate screen goes nowhere: it
/// would land among the lines of the shell, or in the picture of another program.
#[derive(Debug)]
pub struct Output(io::Stdout);

impl Output {
    /// Writes to standard output.
    #[must_use]
    pub fn new() -> Self {
        Self(io::stdout())
    }

    /// Writes all of `bytes` between two pictures; false where the terminal is not ours, and then nothing.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.while_ours(false, |out| {
            out.write_all(bytes)?;
            out.flush()?;
            Ok(true)
        })
    }

    fn while_ours<T>(&mut self, gone: T, write: impl FnOnce(&mut io::Stdout) -> io::Result<T>) -> io::Result<T> {
        let _writing = writing();
        if is_ours() { write(&mut self.0) } else { Ok(gone) }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.while_ours(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.while_ours((), Write::flush)
    }
}

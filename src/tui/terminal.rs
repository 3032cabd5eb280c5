//! The terminal belongs to one guard, which undoes all that it set: on return, on an error, and on a
//! panic of any thread. Must not know what is drawn.

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use tokio_util::sync::CancellationToken;

use crate::contained;

/// True while the terminal is ours.
static ACTIVE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// Fires when any thread panics: a screen that was taken down is not drawn on again.
static PANICKED: Mutex<Option<CancellationToken>> = Mutex::new(None);

/// Held while bytes go to the terminal, so that giving it back never falls into the middle of a picture.
static WRITING: Mutex<()> = Mutex::new(());

/// Holds the terminal in raw mode on the alternate screen, with bracketed paste and without cursor.
#[derive(Debug)]
pub struct Guard {
    panicked: CancellationToken,
}

impl Guard {
    /// Takes the terminal. Where that fails half way, what was done is undone.
    pub fn enter() -> io::Result<Self> {
        HOOK.call_once(install_hook);
        let panicked = CancellationToken::new();
        *PANICKED.lock().unwrap_or_else(PoisonError::into_inner) = Some(panicked.clone());
        ACTIVE.store(true, Ordering::SeqCst);
        let guard = Self { panicked };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)?;
        Ok(guard)
    }

    /// Fires when a thread panicked.
    #[must_use]
    pub fn panicked(&self) -> CancellationToken {
        self.panicked.clone()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// True while the terminal is ours to draw on.
fn is_ours() -> bool {
    ACTIVE.load(Ordering::SeqCst)
}

/// The way to the terminal for pictures. Once the terminal was given back, by whatever thread, what was meant for
/// the alternate screen goes nowhere: it would land among the lines of the shell.
#[derive(Debug)]
pub struct Output(io::Stdout);

impl Output {
    /// Writes to standard output.
    #[must_use]
    pub fn new() -> Self {
        Self(io::stdout())
    }

    fn while_ours<T>(&mut self, gone: T, write: impl FnOnce(&mut io::Stdout) -> io::Result<T>) -> io::Result<T> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Gives the terminal back; once, whoever comes first.
fn restore() {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // Nothing can be done about a terminal that is gone.
    let _ = execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// The one hook: gives the terminal back before the message is printed, and ends the loop.
fn install_hook() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if contained::is_caught() {
            return tracing::error!(%info, "a library panicked; it was caught");
        }
        if is_ours() {
            restore();
            let token = PANICKED.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(token) = token {
                token.cancel();
            }
        }
        report(info);
    }));
}

//! The terminal belongs to one guard, which undoes all that it set: on return, on an error, on a panic of any
//! thread, and around a stop or another program. Must not know what is drawn.

pub mod child;
mod input;
pub mod job;
pub mod output;
pub mod screen;
pub mod tty;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange};
use crossterm::style::Print;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use tokio_util::sync::CancellationToken;

use crate::contained;

/// Presses, releases, drags and the wheel, in the form whose columns have no limit. Not the movements without a
/// button: nothing here asks for them, and over ssh they are many.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// Each of them, the last first.
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// True while the terminal is ours.
static ACTIVE: AtomicBool = AtomicBool::new(false);
/// True while the mouse is wanted, also while the terminal is somebody else's.
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// Fires when any thread panics: a screen that was taken down is not drawn on again.
static PANICKED: Mutex<Option<CancellationToken>> = Mutex::new(None);

/// Held while bytes go to the terminal, so that giving it back never falls into the middle of a picture.
static WRITING: Mutex<()> = Mutex::new(());

/// Holds the terminal in raw mode on the alternate screen, with bracketed paste and without cursor; it says when the
/// focus comes and goes, and what the mouse does where that is wanted.
#[derive(Debug)]
pub struct Guard {
    panicked: CancellationToken,
}

impl Guard {
    /// Takes the terminal. Where that fails half way, what was done is undone.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        HOOK.call_once(install_hook);
        let panicked = CancellationToken::new();
        *PANICKED.lock().unwrap_or_else(PoisonError::into_inner) = Some(panicked.clone());
        MOUSE.store(mouse, Ordering::SeqCst);
        let guard = Self { panicked };
        guard.take()?;
        Ok(guard)
    }

    /// Fires when a thread panicked.
    #[must_use]
    pub fn panicked(&self) -> CancellationToken {
        self.panicked.clone()
    }

    /// Gives the terminal back, for a stop or for another program. Once is enough, twice does no harm.
    #[allow(clippy::unused_self, reason = "only whoever holds the terminal may")]
    pub fn give_back(&self) {
        restore();
    }

    /// Takes the terminal again, whatever state others left it in. In the background this waits, as the system
    /// wants it, until a shell brings the program to the front.
    #[allow(clippy::unused_self, reason = "only whoever holds the terminal may")]
    pub fn take(&self) -> io::Result<()> {
        if self.panicked.is_cancelled() {
            return Err(io::Error::other("a part of the program failed"));
        }
        // Somebody may have changed the mode under us: off first, so that it is really set. And the mode before
        // anything is written: it is what a program in the background has to wait for.
        disable_raw_mode()?;
        ACTIVE.store(true, Ordering::SeqCst);
        let taken = enable_raw_mode().and_then(|()| {
            let _writing = writing();
            let mut out = io::stdout();
            queue!(out, EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, Hide)?;
            if MOUSE.load(Ordering::SeqCst) {
                queue!(out, Print(MOUSE_ON))?;
            }
            out.flush()
        });
        if taken.is_err() {
            restore();
        }
        taken
    }

    /// Whether the mouse speaks to the program, or selects text as the terminal does it.
    #[allow(clippy::unused_self, reason = "only whoever holds the terminal may")]
    pub fn set_mouse(&self, on: bool) -> io::Result<()> {
        let _writing = writing();
        let was = MOUSE.swap(on, Ordering::SeqCst);
        if was == on || !is_ours() {
            return Ok(());
        }
        execute!(io::stdout(), Print(if on { MOUSE_ON } else { MOUSE_OFF }))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// True while the terminal is ours to draw on.
pub fn is_ours() -> bool {
    ACTIVE.load(Ordering::SeqCst)
}

fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the terminal back; once, whoever comes first.
fn restore() {
    let _writing = writing();
    if ACTIVE.swap(false, Ordering::SeqCst) {
        undo();
    }
}

/// Undoes every mode. Nothing can be done about a terminal that is gone.
fn undo() {
    let mut out = io::stdout();
    if MOUSE.load(Ordering::SeqCst) {
        // First of all, and still in raw mode: what the mouse says until the terminal knows would be typed into
        // the shell.
        let _ = execute!(out, Print(MOUSE_OFF), DisableFocusChange);
        tty::drain();
    }
    let _ = execute!(out, EndSynchronizedUpdate, DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// The one hook: gives the terminal back before the message is printed, and ends the loop.
fn install_hook() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if contained::is_caught() {
            return tracing::error!(%info, "a library panicked; it was caught");
        }
        restore();
        // Also while another program has the terminal: what goes on without one of its parts is not this program.
        let token = PANICKED.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(token) = token {
            token.cancel();
        }
        report(info);
    }));
}

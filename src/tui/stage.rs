//! What the loop and its errands ask of a terminal, so that in a test a script can be one.

use std::io;
use std::sync::Arc;
use tokio::process::Command;

use super::app::App;
use super::terminal::output::Output;
use super::terminal::screen::{Happened, NotStopped, Screen};
use super::view::view;
use secrecy::zeroize::Zeroizing;

/// A terminal.
pub trait Stage {
    /// Draws the picture of a state.
    fn draw(&mut self, app: &App) -> io::Result<()>;

    /// True while pictures can be seen.
    fn is_ours(&self) -> bool {
        true
    }

    /// The next thing that happens. May be dropped and asked again without missing one.
    async fn next(&mut self) -> io::Result<Happened>;

    /// Gives the terminal back and stops the program until the shell lets it go on.
    fn suspend(&mut self) -> Result<(), NotStopped>;

    /// Gives the terminal to `command` until it ends.
    fn lend(&mut self, command: &mut Command) -> io::Result<()>;

    /// Whether the mouse speaks to the program.
    fn set_mouse(&mut self, on: bool) -> io::Result<()>;

    /// A way for short messages beside the pictures, to keep.
    fn wire(&self) -> Wire;
}

impl Stage for Screen {
    fn draw(&mut self, app: &App) -> io::Result<()> {
        self.draw(|frame| view(app, frame))
    }

    fn is_ours(&self) -> bool {
        self.is_ours()
    }

    async fn next(&mut self) -> io::Result<Happened> {
        self.next().await
    }

    fn suspend(&mut self) -> Result<(), NotStopped> {
        self.suspend()
    }

    fn lend(&mut self, command: &mut Command) -> io::Result<()> {
        self.lend(command)
    }

    fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.set_mouse(on)
    }

    fn wire(&self) -> Wire {
        Wire::new(|bytes| Output::new().send(bytes).unwrap_or(false))
    }
}

/// A way to the terminal for messages that are no pictures.
#[derive(Clone)]
pub struct Wire(Arc<Send>);

/// Sends a message whole, and says whether it arrived.
type Send = dyn Fn(&[u8]) -> bool + std::marker::Send + Sync;

impl Wire {
    /// One that hands everything to `send`, which says whether it arrived and may block.
    pub fn new(send: impl Fn(&[u8]) -> bool + std::marker::Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// Sends a message whole; false where the terminal is somebody else's, or gone.
    pub async fn send(&self, message: Zeroizing<Vec<u8>>) -> bool {
        let send = Arc::clone(&self.0);
        // A terminal may stand still.
        tokio::task::spawn_blocking(move || send(&message)).await.unwrap_or(false)
    }
}

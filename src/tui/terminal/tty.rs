//! The terminal as the system sees it: its settings, and what waits to be read from it. Must not know escape
//! sequences.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::termios::{OptionalActions, QueueSelector, Termios, isatty, tcflush, tcgetattr, tcsetattr};
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

/// Nothing arrived for so long: nothing is on its way any more.
const QUIET: Timespec = Timespec { tv_sec: 0, tv_nsec: 15_000_000 };
/// Nobody waits longer than this for a terminal that goes on talking.
const LIMIT: Duration = Duration::from_millis(100);

/// Standard input where it is a terminal, else the terminal of this process.
enum Tty {
    Input(BorrowedFd<'static>),
    Opened(OwnedFd),
}

impl Tty {
    fn open() -> io::Result<Self> {
        let input = rustix::stdio::stdin();
        if isatty(input) {
            return Ok(Self::Input(input));
        }
        Ok(Self::Opened(File::options().read(true).write(true).open("/dev/tty")?.into()))
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Input(input) => *input,
            Self::Opened(file) => file.as_fd(),
        }
    }
}

/// The terminal's settings at one time.
#[derive(Debug, Clone)]
pub struct Settings(Termios);

impl Settings {
    /// As they are now.
    pub fn read() -> io::Result<Self> {
        Ok(Self(tcgetattr(Tty::open()?)?))
    }

    /// Sets them again, whatever a program made of them.
    pub fn write(&self) -> io::Result<()> {
        Ok(tcsetattr(Tty::open()?, OptionalActions::Now, &self.0)?)
    }
}

/// Throws away what the terminal has sent, and what it still sends until it has been silent for a moment; at most a
/// tenth of a second.
pub fn drain() {
    let Ok(tty) = Tty::open() else { return };
    let until = Instant::now() + LIMIT;
    loop {
        let _ = tcflush(&tty, QueueSelector::IFlush);
        let mut waits = [PollFd::new(&tty, PollFlags::IN)];
        let more = matches!(poll(&mut waits, Some(&QUIET)), Ok(1..)) && waits[0].revents() == PollFlags::IN;
        if !more || Instant::now() >= until {
            let _ = tcflush(&tty, QueueSelector::IFlush);
            return;
        }
    }
}

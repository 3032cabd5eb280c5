//! What a shell's job control asks of a full-screen program: to stop with the terminal given back, and to go on.
//! Must not know the screen.

use futures_util::FutureExt;
use rustix::process::{Pid, Signal as Number, getpgid, getpgrp, getpid, getppid, getsid};
use rustix::process::{kill_current_process_group, kill_process};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Processes of one group above this one that are looked at; nobody nests more.
const DEEP: usize = 64;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To stop: Ctrl-Z where the terminal makes a signal of it, or somebody's `kill -TSTP`.
    Stop,
    /// To go on after a stop; the terminal may be in any state.
    GoOn,
    /// To leave: Ctrl-\ where the terminal makes a signal of it.
    Leave,
    /// Nothing yet: a child ended, or was stopped.
    Child,
}

/// Hears the signals of job control, and those that a program with the terminal may bring about. Once there is one,
/// nothing stops this process before it wants to.
#[derive(Debug)]
pub struct Job {
    stop: Signal,
    go_on: Signal,
    quit: Signal,
    child: Signal,
    /// Since this process stopped itself: what will say that it goes on.
    stopped: Option<Signal>,
}

impl Job {
    /// Must be called on the runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            stop: listen(Number::TSTP)?,
            go_on: listen(Number::CONT)?,
            quit: listen(Number::QUIT)?,
            child: listen(Number::CHILD)?,
            stopped: None,
        })
    }

    /// The next thing that is asked for. May be dropped and asked again without missing one.
    pub async fn next(&mut self) -> Asked {
        if let Some(go_on) = &mut self.stopped {
            go_on.recv().await;
            self.stopped = None;
            // As for the system: whoever goes on is no longer asked to stop. All of these came before, together.
            let _ = self.stop.recv().now_or_never();
            let _ = self.go_on.recv().now_or_never();
            return Asked::GoOn;
        }
        tokio::select! {
            _ = self.stop.recv() => Asked::Stop,
            _ = self.go_on.recv() => Asked::GoOn,
            _ = self.quit.recv() => Asked::Leave,
            _ = self.child.recv() => Asked::Child,
        }
    }

    /// Stops this process. The terminal must have been given back, and may only be touched after the next
    /// [`Asked::GoOn`]: another thread may run on for a moment.
    pub fn stop(&mut self) -> io::Result<()> {
        let go_on = listen(Number::CONT)?;
        kill_process(getpid(), Number::STOP)?;
        self.stopped = Some(go_on);
        Ok(())
    }
}

fn listen(number: Number) -> io::Result<Signal> {
    signal(SignalKind::from_raw(number.as_raw()))
}

/// Asks the whole process group to stop, as the terminal itself would on Ctrl-Z: whoever started this program may wait
/// in it (`cargo run`, a script), and a shell sees its job stop only when all of it does. This process hears it too,
/// as [`Asked::Stop`].
pub fn ask_group_to_stop() -> io::Result<()> {
    Ok(kill_current_process_group(Number::TSTP)?)
}

/// Whether a shell is there that would let the program go on. One that is the first program of its terminal (in a
/// container, in a window of its own) would stand still for ever.
#[must_use]
pub fn has_shell() -> bool {
    // What the system asks as well: is there a parent outside of the group and inside of the session.
    let group = getpgrp();
    let session = getsid(None).ok();
    let mut parent = getppid();
    for _ in 0..DEEP {
        let Some(pid) = parent else { return false };
        match getpgid(Some(pid)) {
            Ok(of_parent) if of_parent == group => {}
            Ok(_) => return getsid(Some(pid)).ok() == session,
            Err(_) => return false,
        }
        parent = parent_of(pid);
        if parent.is_none() && !cfg!(target_os = "linux") {
            // Only Linux tells here; elsewhere whoever types Ctrl-Z is believed to have a shell.
            return true;
        }
    }
    false
}

/// The parent of another process.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name of the program, in parentheses, may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_parent_of_a_process_is_what_the_system_says() {
        assert_eq!(parent_of(getpid()), getppid());
    }
}

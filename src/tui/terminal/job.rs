//! What a shell's job control asks of a full-screen program: to stop with the terminal given back, and to go on.
//! Must not know the screen.

use futures_util::FutureExt;
use rustix::process::{Signal as Number, getpid, kill_current_process_group, kill_process};
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
    let Some(own) = Kin::own() else { return false };
    let mut parent = own.parent;
    for _ in 0..DEEP {
        let Some(kin) = Kin::of(parent) else { return false };
        if kin.group != own.group {
            return kin.session == own.session;
        }
        parent = kin.parent;
        if parent == NOBODY && !cfg!(target_os = "linux") {
            // Only Linux tells here; elsewhere whoever types Ctrl-Z is believed to have a shell.
            return true;
        }
    }
    false
}

/// What stands for a process that does not exist, or that cannot be seen from here.
const NOBODY: i32 = 0;

/// A process among others. Plain numbers: a group or a session whose leader is outside of this container is 0, which
/// the types of rustix cannot hold.
#[derive(Debug, PartialEq, Eq)]
struct Kin {
    parent: i32,
    group: i32,
    session: i32,
}

#[cfg(target_os = "linux")]
impl Kin {
    fn own() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn of(process: i32) -> Option<Self> {
        if process == NOBODY {
            return None;
        }
        Self::parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }

    /// Reads a line of `/proc/<pid>/stat`: `pid (name) state parent group session …`.
    fn parse(stat: &str) -> Option<Self> {
        // The name of the program, in parentheses, may hold anything.
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut words = after_name.split_whitespace().skip(1).map(|word| word.parse().ok());
        Some(Self { parent: words.next()??, group: words.next()??, session: words.next()?? })
    }
}

#[cfg(not(target_os = "linux"))]
impl Kin {
    fn own() -> Option<Self> {
        use rustix::process::{getpgrp, getppid, getsid};
        Some(Self {
            parent: getppid().map_or(NOBODY, |pid| pid.as_raw_nonzero().get()),
            group: getpgrp().as_raw_nonzero().get(),
            session: getsid(None).ok()?.as_raw_nonzero().get(),
        })
    }

    fn of(process: i32) -> Option<Self> {
        use rustix::process::{Pid, getpgid, getsid};
        let pid = Some(Pid::from_raw(process)?);
        let group = getpgid(pid).ok()?.as_raw_nonzero().get();
        Some(Self { parent: NOBODY, group, session: getsid(pid).ok()?.as_raw_nonzero().get() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kin_of_a_process_is_what_the_system_says() {
        let own = Kin::own().unwrap();
        let parent = rustix::process::getppid().map_or(NOBODY, |pid| pid.as_raw_nonzero().get());
        assert_eq!(own.parent, parent);
        assert_eq!(Kin::of(getpid().as_raw_nonzero().get()), Some(own));
        assert_eq!(Kin::of(NOBODY), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn leaders_outside_of_a_container_and_strange_names_are_read() {
        assert_eq!(Kin::parse("7 (a) b (c)) S 1 0 0 34816 7"), Some(Kin { parent: 1, group: 0, session: 0 }));
        assert_eq!(Kin::parse("7 (sh) S 1"), None);
        assert_eq!(Kin::parse(""), None);
    }
}

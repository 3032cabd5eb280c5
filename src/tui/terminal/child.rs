//! Another program with the terminal to itself: an editor. It runs in this process group, as a shell's own
//! children do in scripts, so that Ctrl-Z in it stops both and `fg` brings both back. Must not know what it does.

use rustix::process::{Pid, Signal as Number, WaitId, WaitIdOptions, kill_process, waitid};
use std::io;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

use super::tty::Settings;

/// How long a program that is asked to end may take to put the terminal right.
const GRACE: Duration = Duration::from_secs(2);

/// How long after its end a signal may still be one that was typed for it.
const AFTERWARDS: Duration = Duration::from_millis(200);

/// Who has the terminal.
#[derive(Debug, Clone, Copy)]
enum Lending {
    Never,
    Now,
    Until(Instant),
}

static LENDING: Mutex<Lending> = Mutex::new(Lending::Never);

fn set(lending: Lending) {
    *LENDING.lock().unwrap_or_else(PoisonError::into_inner) = lending;
}

/// True while another program has the terminal, and for a moment afterwards: an interrupt that is typed then is meant
/// for it, though every process of the group gets it.
#[must_use]
pub fn is_lent() -> bool {
    match *LENDING.lock().unwrap_or_else(PoisonError::into_inner) {
        Lending::Never => false,
        Lending::Now => true,
        Lending::Until(ended) => ended.elapsed() < AFTERWARDS,
    }
}

/// A program that has the terminal.
#[derive(Debug)]
pub struct Lent {
    child: Child,
    settings: Settings,
}

impl Lent {
    /// Starts `command`, which inherits the terminal. It must have been given back, and nobody may read from it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let settings = Settings::read()?;
        set(Lending::Now);
        match command.kill_on_drop(true).spawn() {
            Ok(child) => Ok(Self { child, settings }),
            Err(error) => {
                set(Lending::Never);
                Err(error)
            }
        }
    }

    /// How it ended. May be dropped and asked again.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// True while somebody stopped it alone: it waits for a shell, which sees nothing of that.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.pid().and_then(|pid| waitid(WaitId::Pid(pid), options).ok().flatten()).is_some_and(|it| it.stopped())
    }

    /// Lets it go on where nobody else would.
    pub fn go_on(&self) {
        self.signal(Number::CONT);
    }

    /// Asks it to end, and ends it where it does not listen.
    pub async fn end(mut self) {
        self.signal(Number::TERM);
        self.signal(Number::CONT);
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }

    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id()?.try_into().ok()?)
    }

    fn signal(&self, number: Number) {
        if let Some(pid) = self.pid() {
            // One that has ended needs none.
            let _ = kill_process(pid, number);
        }
    }
}

impl Drop for Lent {
    /// It may have left the terminal in any state.
    fn drop(&mut self) {
        set(Lending::Until(Instant::now()));
        let _ = self.settings.write();
    }
}

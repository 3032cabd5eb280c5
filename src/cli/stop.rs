//! Signals that mean “leave”: one token that whoever works watches, and the second signal of somebody in a hurry. And the
//! one that means “wait” (Ctrl-Z), for whoever has to tidy the terminal first.

use rustix::process::{Signal as Number, getpid, kill_process};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::tui;

/// SIGINT, SIGTERM and SIGHUP.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Must be called on the runtime.
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next of them. May be dropped and asked again without missing one.
    async fn next(&mut self) {
        loop {
            tokio::select! {
                // One that is typed into an editor is meant for the editor.
                _ = self.interrupt.recv() => if tui::is_lent() { continue },
                _ = self.terminate.recv() => {}
                _ = self.hang_up.recv() => {}
            }
            return;
        }
    }
}

/// A token that is cancelled at the first SIGINT, SIGTERM or SIGHUP. Later ones change nothing: what is
/// being cleaned up then is finished. Must be called on the runtime.
pub(crate) fn on_signals() -> std::io::Result<CancellationToken> {
    let mut signals = Signals::listen()?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        loop {
            signals.next().await;
            stopped.cancel();
        }
    });
    Ok(stop)
}

/// Waits for somebody who asks twice.
pub(super) struct Twice {
    signals: Signals,
    seen: u8,
}

impl Twice {
    /// Counts from now on. Must be called on the runtime.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { signals: Signals::listen()?, seen: 0 })
    }

    /// Ends at the second signal. May be dropped and asked again.
    pub(super) async fn asked(&mut self) {
        while self.seen < 2 {
            self.signals.next().await;
            self.seen += 1;
        }
    }
}

/// Ctrl-Z, which would otherwise stop the process as it is.
pub(super) struct Suspension(Signal);

impl Suspension {
    /// From now on nothing stops this process before it wants to. Must be called on the runtime.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::from_raw(Number::TSTP.as_raw()))?))
    }

    /// Ends when it is asked for. May be dropped and asked again.
    pub(super) async fn asked(&mut self) {
        self.0.recv().await;
    }

    /// Stops this process; returns when the shell lets it go on.
    pub(super) fn suspend() {
        // One that cannot be stopped goes on.
        let _ = kill_process(getpid(), Number::STOP);
    }
}

//! Where one tenant's requests go now, what is under way there, and the connections that wait there for the next one.

use hyper::client::conn::http1::SendRequest;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::body::Upload;
use super::traffic::{Passage, Traffic};

/// Most requests of one tenant at a time, open streams and upgraded connections included.
pub(super) const MAX_REQUESTS: usize = 1024;
/// Most connections that wait for a request.
const MAX_IDLE: usize = 32;
/// How long one may wait. Less than the five seconds after which common servers close it themselves.
const IDLE: Duration = Duration::from_secs(4);

/// A tenant's place.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) target: watch::Sender<Option<SocketAddr>>,
    pub(super) traffic: Arc<Traffic>,
    busy: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    sender: SendRequest<Upload>,
    machine: SocketAddr,
    since: Instant,
}

impl Default for Place {
    fn default() -> Self {
        let busy = Arc::new(Semaphore::new(MAX_REQUESTS));
        Self { target: watch::channel(None).0, traffic: Arc::default(), busy, idle: Mutex::default() }
    }
}

impl Place {
    /// Counts a request to where the target is now. In the same breath as the target is read: whoever switches and then
    /// asks for the old machine's requests sees this one.
    pub(super) fn enter(&self) -> Option<Passage> {
        let target = self.target.borrow();
        target.map(|machine| self.traffic.enter(machine))
    }

    /// Sends everything that comes from now on to `target`.
    pub(super) fn set_target(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
        self.forget_others();
    }

    /// Switches if the target is still what the caller thinks; true when it was.
    pub(super) fn replace_target(&self, from: Option<SocketAddr>, to: Option<SocketAddr>) -> bool {
        let switched = self.target.send_if_modified(|target| {
            let expected = *target == from;
            if expected {
                *target = to;
            }
            expected
        });
        self.forget_others();
        switched
    }

    /// Room for one more request; `None` when there are too many.
    pub(super) fn admit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.busy).try_acquire_owned().ok()
    }

    /// A connection to `machine` that waits.
    pub(super) fn take(&self, machine: SocketAddr) -> Option<SendRequest<Upload>> {
        let mut idle = self.idle();
        // The newest is the likeliest to be alive still.
        while let Some(found) = idle.pop() {
            if found.machine == machine && found.since.elapsed() < IDLE && !found.sender.is_closed() {
                return Some(found.sender);
            }
        }
        None
    }

    /// Keeps a connection for the next request, unless the tenant's machine is another one by now.
    pub(super) fn keep(&self, machine: SocketAddr, sender: SendRequest<Upload>) {
        if *self.target.borrow() != Some(machine) || sender.is_closed() {
            return;
        }
        let mut idle = self.idle();
        idle.retain(|idle| idle.since.elapsed() < IDLE && !idle.sender.is_closed());
        if idle.len() < MAX_IDLE {
            idle.push(Idle { sender, machine, since: Instant::now() });
        }
    }

    /// Closes the connections that wait at a machine that is not the tenant's any more.
    fn forget_others(&self) {
        let target = *self.target.borrow();
        self.idle().retain(|idle| Some(idle.machine) == target);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

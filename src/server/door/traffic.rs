//! How many requests and connections go to which machine, so that a machine which was replaced can be stopped without
//! cutting anybody off.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    counts: watch::Sender<HashMap<SocketAddr, usize>>,
}

impl Traffic {
    pub(super) fn enter(self: &Arc<Self>, machine: SocketAddr) -> Passage {
        self.counts.send_modify(|counts| *counts.entry(machine).or_default() += 1);
        Passage { traffic: Arc::clone(self), machine }
    }

    /// Waits until nothing goes to `machine` any more, at most `limit`; true if nothing does.
    pub(super) async fn drained(&self, machine: SocketAddr, limit: Duration) -> bool {
        let mut counts = self.counts.subscribe();
        let idle = counts.wait_for(|counts| !counts.contains_key(&machine));
        matches!(tokio::time::timeout(limit, idle).await, Ok(Ok(_)))
    }
}

/// One request or connection that is counted; leaves on drop.
#[derive(Debug)]
pub(super) struct Passage {
    traffic: Arc<Traffic>,
    pub(super) machine: SocketAddr,
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.traffic.counts.send_modify(|counts| {
            if let Some(count) = counts.get_mut(&self.machine) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(&self.machine);
                }
            }
        });
    }
}

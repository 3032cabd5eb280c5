//! Points of the provisioner's work at which a test can let it fail, or stand still for ever as if the server had been
//! killed there.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    Fail,
    Freeze,
}

/// The points. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Points {
    inside: Arc<Mutex<Inside>>,
    frozen: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct Inside {
    armed: HashMap<String, Strike>,
    passed: BTreeSet<String>,
}

impl Points {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the work fail when it comes to this point next.
    pub fn fail(&self, point: &str) {
        self.lock().armed.insert(point.to_owned(), Strike::Fail);
    }

    /// Lets the work stand still when it comes to this point next.
    pub fn freeze(&self, point: &str) {
        self.frozen.send_replace(false);
        self.lock().armed.insert(point.to_owned(), Strike::Freeze);
    }

    /// Waits until something stands still.
    pub async fn frozen(&self) {
        // The sender is part of `self`: it cannot be gone.
        let _ = self.frozen.subscribe().wait_for(|frozen| *frozen).await;
    }

    /// Every point that was ever come to.
    #[must_use]
    pub fn passed(&self) -> BTreeSet<String> {
        self.lock().passed.clone()
    }

    /// True when the work has to fail here. Does not come back from a point where it has to stand still.
    pub(in crate::server) async fn reach(&self, point: &str) -> bool {
        let strike = {
            let mut inside = self.lock();
            inside.passed.insert(point.to_owned());
            inside.armed.remove(point)
        };
        match strike {
            None => false,
            Some(Strike::Fail) => true,
            Some(Strike::Freeze) => {
                self.frozen.send_replace(true);
                std::future::pending().await
            }
        }
    }
}

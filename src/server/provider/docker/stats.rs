//! What a machine uses: counters of its container, and the size of its volume.
//!
//! A look takes two short calls (state and counters). The processor's share is made of this look's counters and the
//! last one's, so nobody waits for the engine to look twice. Sizes of volumes are expensive, because the engine goes
//! through all files: one question answers for all volumes, and its answer is used for minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::DockerProvider;
use crate::engine::{ContainerState, ContainerUsage, Engine};
use crate::server::provider::{ProviderError, Stats};

/// The first look at a machine lasts so long.
const FIRST_LOOK: Duration = Duration::from_millis(300);
/// After so long nobody asks for a machine any more.
const FORGOTTEN: Duration = Duration::from_mins(10);
/// How long sizes of volumes are good for.
const SIZES_FRESH: Duration = Duration::from_mins(5);
/// Pause before they are asked for again, for a new volume or after a failure.
const SIZES_PAUSE: Duration = Duration::from_secs(20);
/// How long the engine may take for them.
const SIZES_LIMIT: Duration = Duration::from_mins(3);
/// How long somebody who knows none waits for them.
const SIZES_PATIENCE: Duration = Duration::from_secs(2);

/// What earlier looks found.
#[derive(Debug, Default)]
pub(super) struct Measured {
    last: Mutex<HashMap<String, (Instant, ContainerUsage)>>,
    sizes: watch::Sender<Sizes>,
    /// Asks the engine for sizes; ends with the provider.
    asking: Mutex<Option<(Instant, AbortOnDropHandle<()>)>>,
}

/// Volumes by name.
#[derive(Debug, Default)]
struct Sizes {
    at: Option<Instant>,
    bytes: HashMap<String, u64>,
}

impl Measured {
    /// Keeps this look; answers the one before.
    fn keep(&self, id: &str, usage: ContainerUsage) -> Option<ContainerUsage> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, (at, _)| at.elapsed() < FORGOTTEN);
        last.insert(id.to_owned(), (Instant::now(), usage)).map(|(_, usage)| usage)
    }

    fn forget(&self, id: &str) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Bytes in a volume, as last measured.
    async fn size(self: &Arc<Self>, engine: &Engine, volume: &str) -> Option<u64> {
        let mut sizes = self.sizes.subscribe();
        let (known, is_old) = {
            let sizes = sizes.borrow_and_update();
            let known = sizes.bytes.get(volume).copied();
            let limit = if known.is_some() { SIZES_FRESH } else { SIZES_PAUSE };
            (known, sizes.at.is_none_or(|at| at.elapsed() > limit))
        };
        if is_old {
            self.ask(engine);
        }
        if known.is_some() || !is_old {
            return known;
        }
        let _ = timeout(SIZES_PATIENCE, sizes.changed()).await;
        sizes.borrow().bytes.get(volume).copied()
    }

    /// Lets the engine measure, unless it does already or did a moment ago.
    fn ask(self: &Arc<Self>, engine: &Engine) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.as_ref().is_some_and(|(begun, task)| !task.is_finished() || begun.elapsed() < SIZES_PAUSE) {
            return;
        }
        // Weak: the task must not keep alive what owns it.
        let (measured, engine) = (Arc::downgrade(self), engine.clone());
        let task = tokio::spawn(async move {
            match timeout(SIZES_LIMIT, engine.volume_sizes()).await {
                Ok(Ok(bytes)) => {
                    if let Some(measured) = measured.upgrade() {
                        measured.sizes.send_replace(Sizes { at: Some(Instant::now()), bytes });
                    }
                }
                Ok(Err(error)) => tracing::debug!(%error, "the volumes cannot be measured now"),
                Err(_) => tracing::warn!("measuring the volumes takes the engine too long"),
            }
        });
        *asking = Some((Instant::now(), AbortOnDropHandle::new(task)));
    }
}

impl DockerProvider {
    pub(super) async fn measure(&self, id: &str) -> Result<Option<Stats>, ProviderError> {
        let Some(container) = self.own(id).await? else {
            self.measured.forget(id);
            return Ok(None);
        };
        let engine = self.engine().await?;
        let usage = if container.running { engine.container_usage(&container.id).await? } else { None };
        let (usage, cpu_percent) = match usage {
            None => (ContainerUsage::default(), 0.0),
            Some(usage) => self.processor(engine, &container.id, usage).await?,
        };
        let volume = match container.labels.get(super::APP_LABEL).map(|app| self.volume_name(app)) {
            Some(Ok(name)) => self.measured.size(engine, &name).await,
            _ => None,
        };
        let since = container.started_at.map_or(0, |at| jiff::Timestamp::now().as_second() - at.as_second());
        Ok(Some(Stats {
            state: word(&container),
            cpu_percent,
            memory_used: usage.memory,
            // Of the container and not of the counters, which say nothing when it is stopped.
            memory_limit: u64::from(container.memory_mb) * 1024 * 1024,
            volume_used: volume,
            network_rx: usage.received,
            network_tx: usage.sent,
            uptime_seconds: u64::try_from(since).unwrap_or_default(),
        }))
    }

    /// This look and the processor's share since the last one.
    async fn processor(
        &self,
        engine: &Engine,
        id: &str,
        usage: ContainerUsage,
    ) -> Result<(ContainerUsage, f64), ProviderError> {
        if let Some(percent) = self.measured.keep(id, usage).and_then(|before| usage.cpu_percent_since(&before)) {
            return Ok((usage, percent));
        }
        sleep(FIRST_LOOK).await;
        let Some(later) = engine.container_usage(id).await? else { return Ok((usage, 0.0)) };
        self.measured.keep(id, later);
        Ok((later, later.cpu_percent_since(&usage).unwrap_or_default()))
    }
}

/// In the words of Fly Machines.
fn word(container: &ContainerState) -> &'static str {
    match (container.restarting, container.running) {
        (true, _) => "restarting",
        (false, true) => "started",
        (false, false) => "stopped",
    }
}

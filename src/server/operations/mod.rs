//! What those who run a server need beside its endpoints: figures, an access log, limits, readiness, and an end in order.
//!
//! Stands around the router: sees every request and no endpoint. Must not know what a request is for.

pub mod accept;
pub mod access;
pub mod drain;
pub mod limits;
pub mod lock;
mod mask;
pub mod metrics;
mod observe;
mod ready;

pub use observe::{Who, around, for_metrics};

use std::io;
use std::path::Path;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::settings::OperationSettings;
use super::state::Server;
use access::AccessLog;
use limits::Limits;
use metrics::Metrics;
use ready::Readiness;

/// How often limits forget those who have been quiet.
const TIDY: Duration = Duration::from_mins(1);
const MIB: u64 = 1024 * 1024;

/// The parts.
#[derive(Debug)]
pub struct Operations {
    /// Figures.
    pub metrics: Metrics,
    /// Who asked for what.
    pub access: AccessLog,
    /// How much may be asked for.
    pub limits: Limits,
    /// Work that a server which has to end waits for.
    pub running: TaskTracker,
    /// Cancelled: nothing new is begun any more.
    pub draining: CancellationToken,
    readiness: Readiness,
}

impl Operations {
    /// For a server that keeps its files in `data`. Must be called on the runtime.
    pub fn open(data: &Path, settings: &OperationSettings) -> io::Result<Self> {
        Ok(Self {
            metrics: Metrics::new(),
            access: AccessLog::open(data, u64::from(settings.access_log_mib) * MIB)?,
            limits: Limits::new(settings),
            running: TaskTracker::new(),
            draining: CancellationToken::new(),
            readiness: Readiness::default(),
        })
    }
}

/// Begins what has to be done now and then.
pub fn start(server: &Server) {
    let worker = server.clone();
    drop(server.background(async move {
        loop {
            tokio::time::sleep(TIDY).await;
            worker.operations.limits.tidy();
        }
    }));
}

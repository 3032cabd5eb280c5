//! Waiting until a new machine is healthy, or saying why it is not.

use futures_util::StreamExt as _;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{DockerProvider, PORT};
use crate::engine::{Engine, Health};
use crate::server::provider::ProviderError;

/// How often a machine that comes up is looked at.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long one health check may take.
pub(super) const CHECK_LIMIT: Duration = Duration::from_secs(2);
/// Log lines that go with a failure.
const LOG_LINES: u32 = 20;
/// How long reading them may take.
const LOG_LIMIT: Duration = Duration::from_secs(5);

impl DockerProvider {
    /// Healthy is: Docker's own check says so, or `GET /api/v1/health` answers 200; whichever is first,
    /// because Docker's first check comes only after its interval.
    pub(super) async fn wait_until_ready(
        &self,
        engine: &Engine,
        id: &str,
        memory_mb: u32,
    ) -> Result<SocketAddr, ProviderError> {
        let end = Instant::now() + self.ready_limit;
        let mut tick = interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let Some(container) = engine.container(id).await? else {
                return Err(not_ready(engine, id, "The machine was removed while it came up.".into()).await);
            };
            if !container.running {
                let code = container.exit_code;
                let why = if container.out_of_memory {
                    format!("The machine ran out of memory while it came up: its limit is {memory_mb} MB.")
                } else {
                    format!("The machine ended with exit code {code} before it was healthy.")
                };
                return Err(not_ready(engine, id, why).await);
            }
            if let Some(address) = container.address(PORT)
                && (container.health == Some(Health::Healthy) || self.is_well(address).await)
            {
                return Ok(address);
            }
            if container.health == Some(Health::Unhealthy) {
                return Err(not_ready(engine, id, "The image's own health check fails.".into()).await);
            }
            if Instant::now() >= end {
                let seconds = self.ready_limit.as_secs();
                let why = format!("The machine runs but did not answer GET /api/v1/health with 200 in {seconds} s.");
                return Err(not_ready(engine, id, why).await);
            }
        }
    }

    async fn is_well(&self, address: SocketAddr) -> bool {
        let answer = self.http.get(format!("http://{address}/api/v1/health")).send().await;
        answer.is_ok_and(|answer| answer.status() == reqwest::StatusCode::OK)
    }
}

async fn not_ready(engine: &Engine, id: &str, message: String) -> ProviderError {
    let lines = engine.container_logs(id, LOG_LINES, false).filter_map(|entry| async { entry.ok() });
    let log = timeout(LOG_LIMIT, lines.map(|entry| entry.message).collect()).await.unwrap_or_default();
    ProviderError::Machine { message, log }
}

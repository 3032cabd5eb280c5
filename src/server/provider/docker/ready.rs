//! Waiting until a new machine is healthy, or saying why it is not.

use futures_util::StreamExt as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{DockerProvider, PORT};
use crate::engine::{Engine, Health};
use crate::server::provider::ProviderError;

/// How often a machine that comes up is looked at.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long one health check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
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
                && (container.health == Some(Health::Healthy) || is_well(address).await)
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
}

async fn not_ready(engine: &Engine, id: &str, message: String) -> ProviderError {
    let lines = engine.container_logs(id, LOG_LINES, false).filter_map(|entry| async { entry.ok() });
    let log = timeout(LOG_LIMIT, lines.map(|entry| entry.plain().into_owned()).collect()).await.unwrap_or_default();
    ProviderError::Machine { message, log }
}

/// `GET /api/v1/health` answers 200. By hand: the status line is all that is wanted, from a machine that may
/// send anything.
async fn is_well(address: SocketAddr) -> bool {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /api/v1/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; "HTTP/1.1 200 ".len()];
        stream.read_exact(&mut status).await?;
        io::Result::Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200 "))
    };
    matches!(timeout(CHECK_LIMIT, exchange).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn only_a_200_is_well() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.0 200 OK\r\n\r\n", true),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
            ("HTTP/1.1 2000 \r\n\r\n", false),
            ("HTTP/1.1 2", false),
            ("SSH-2.0-OpenSSH_9 200 ", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
            let address = listener.local_addr().expect("an address");
            let machine = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.expect("accepts");
                let mut request = [0; 4];
                stream.read_exact(&mut request).await.expect("reads");
                assert_eq!(&request, b"GET ");
                stream.write_all(answer.as_bytes()).await.expect("writes");
                stream.shutdown().await.expect("ends");
            });
            assert_eq!(is_well(address).await, expected, "{answer:?}");
            machine.await.expect("no panic");
            assert!(!is_well(address).await, "nobody listens");
        }
    }
}

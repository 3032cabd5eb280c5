//! Limits, logs and figures: what those who run a server care about.

use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// See the module. Of every limit, 0 means none.
#[derive(Debug, Clone)]
pub struct OperationSettings {
    /// Where `/metrics` is served, to anybody; on the API's own address and only to this machine where absent.
    pub metrics_listen: Option<SocketAddr>,
    /// Size at which the access log is put aside, MiB; 0 keeps none.
    pub access_log_mib: u32,
    /// How long running operations may take to end when the server has to; see [`super::Settings::drain`].
    pub drain: Option<Duration>,
    /// Cancelled: nothing is waited for any more.
    pub at_once: CancellationToken,
    /// Connections at a time.
    pub connections: u32,
    /// Headers of one request; 0 means what the HTTP library allows.
    pub headers: u32,
    /// Size of a request's head, KiB, at least 8; 0 means what the HTTP library allows.
    pub head_kib: u32,
    /// How long a request's head may take to come, and a connection may be idle, seconds.
    pub head_seconds: u32,
    /// Calls of one user per second, after a burst of ten times as many.
    pub user_rate: u32,
    /// Requests from one address per second, after a burst of ten times as many.
    pub peer_rate: u32,
    /// Event streams of one user at a time.
    pub user_streams: u32,
}

impl OperationSettings {
    /// Used where nothing else was said. So wide that people never meet them, and no test or benchmark does.
    pub const DEFAULT_ACCESS_LOG_MIB: u32 = 64;
    /// See above.
    pub const DEFAULT_DRAIN: Duration = Duration::from_secs(10);
    /// See above.
    pub const DEFAULT_CONNECTIONS: u32 = 16_384;
    /// See above.
    pub const DEFAULT_HEADERS: u32 = 100;
    /// See above.
    pub const DEFAULT_HEAD_KIB: u32 = 64;
    /// See above.
    pub const DEFAULT_HEAD_SECONDS: u32 = 30;
    /// See above.
    pub const DEFAULT_USER_RATE: u32 = 500;
    /// See above.
    pub const DEFAULT_PEER_RATE: u32 = 1000;
    /// See above.
    pub const DEFAULT_USER_STREAMS: u32 = 8192;
}

impl Default for OperationSettings {
    fn default() -> Self {
        Self {
            metrics_listen: None,
            access_log_mib: Self::DEFAULT_ACCESS_LOG_MIB,
            drain: None,
            at_once: CancellationToken::new(),
            connections: Self::DEFAULT_CONNECTIONS,
            headers: Self::DEFAULT_HEADERS,
            head_kib: Self::DEFAULT_HEAD_KIB,
            head_seconds: Self::DEFAULT_HEAD_SECONDS,
            user_rate: Self::DEFAULT_USER_RATE,
            peer_rate: Self::DEFAULT_PEER_RATE,
            user_streams: Self::DEFAULT_USER_STREAMS,
        }
    }
}

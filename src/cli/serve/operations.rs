//! Limits, logs and figures.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::Problem;
use crate::server::{OperationSettings, Settings};

/// See the module.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Operations")]
pub(in crate::cli) struct OperationFlags {
    /// Address of its own for `/metrics`, open to whoever reaches it; else the API serves it, to this machine only.
    #[arg(long, value_name = "ADDRESS", env = "TENANTRY_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Size at which `access.log` in the data folder is put aside, MiB; three older ones are kept. 0: no such file.
    #[arg(long, value_name = "MIB", env = "TENANTRY_ACCESS_LOG_SIZE", default_value_t = OperationSettings::DEFAULT_ACCESS_LOG_MIB)]
    access_log_size: u32,
    /// Seconds that running deploys may take to end when the server has to; then they are cut off and can be retried.
    /// 10 where absent, 0 with --throw-away. A second signal waits for nothing.
    #[arg(long, value_name = "SECONDS", env = "TENANTRY_DRAIN")]
    drain: Option<u32>,
    /// Most connections at a time. Of every limit, 0 means none.
    #[arg(long, value_name = "COUNT", env = "TENANTRY_MAX_CONNECTIONS", default_value_t = OperationSettings::DEFAULT_CONNECTIONS)]
    max_connections: u32,
    /// Most headers of one request.
    #[arg(long, value_name = "COUNT", env = "TENANTRY_MAX_HEADERS", default_value_t = OperationSettings::DEFAULT_HEADERS)]
    max_headers: u32,
    /// Largest head of a request, KiB, 8 or more.
    #[arg(long, value_name = "KIB", env = "TENANTRY_MAX_HEAD_SIZE", default_value_t = OperationSettings::DEFAULT_HEAD_KIB)]
    max_head_size: u32,
    /// Seconds that a request's head may take to come, and that a connection may be idle.
    #[arg(long, value_name = "SECONDS", env = "TENANTRY_HEAD_TIMEOUT", default_value_t = OperationSettings::DEFAULT_HEAD_SECONDS)]
    head_timeout: u32,
    /// Calls of one user per second, after a burst of ten times as many.
    #[arg(long, value_name = "COUNT", env = "TENANTRY_RATE_PER_USER", default_value_t = OperationSettings::DEFAULT_USER_RATE)]
    rate_per_user: u32,
    /// Requests from one address per second, after a burst of ten times as many. 0 behind a proxy, whose address
    /// everybody has.
    #[arg(long, value_name = "COUNT", env = "TENANTRY_RATE_PER_PEER", default_value_t = OperationSettings::DEFAULT_PEER_RATE)]
    rate_per_peer: u32,
    /// Most event streams of one user at a time.
    #[arg(long, value_name = "COUNT", env = "TENANTRY_MAX_STREAMS_PER_USER", default_value_t = OperationSettings::DEFAULT_USER_STREAMS)]
    max_streams_per_user: u32,
}

impl OperationFlags {
    /// Takes over what was given.
    #[allow(clippy::unnecessary_wraps, reason = "the same form as the other parts")]
    pub(super) fn apply(self, settings: &mut Settings) -> Result<(), Problem> {
        let at_once = settings.operations.at_once.clone();
        settings.operations = OperationSettings {
            metrics_listen: self.metrics_listen,
            access_log_mib: self.access_log_size,
            drain: self.drain.map(|seconds| Duration::from_secs(seconds.into())),
            at_once,
            connections: self.max_connections,
            headers: self.max_headers,
            head_kib: self.max_head_size,
            head_seconds: self.head_timeout,
            user_rate: self.rate_per_user,
            peer_rate: self.rate_per_peer,
            user_streams: self.max_streams_per_user,
        };
        Ok(())
    }
}

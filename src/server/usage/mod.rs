//! What machines use (protocol B.32, B.33): sampled in the background, rolled up, forgotten, read back as a curve.
//!
//! Every machine is sampled every few seconds; samples are kept for hours and rolled up to five minutes, which are kept
//! for a week. Must not know HTTP, or how a provider measures.

pub mod curve;
pub mod sampler;

use jiff::Timestamp;

use super::provider::Stats;
use super::store::usage::UsageRow;

/// Samples are rolled up to so many seconds.
pub const ROLLED: i64 = 300;
/// Samples are kept for so many seconds: the last hour is shown by the minute, with an hour to spare for a server that
/// was stopped before it had rolled up.
pub const KEEP_SAMPLES: i64 = 2 * 3600;
/// What was rolled up is kept for so many seconds: the longest range, and a day.
pub const KEEP_ROLLED: i64 = 8 * 24 * 3600;
/// The width of a sample in the table.
pub const SAMPLE: i64 = 0;

/// A sample as a row.
#[must_use]
pub fn row(tenant: &str, at: Timestamp, stats: &Stats) -> UsageRow {
    let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    // Hundredths of a percent of at most some thousand processors.
    #[allow(clippy::cast_possible_truncation, reason = "bounded before")]
    let cpu = (stats.cpu_percent.clamp(0.0, 1e6) * 100.0).round() as i64;
    UsageRow {
        tenant_id: tenant.to_owned(),
        at: at.as_second(),
        cpu,
        memory_bytes: bytes(stats.memory_used),
        volume_bytes: stats.volume_used.map(bytes),
        network_rx: bytes(stats.network_rx),
        network_tx: bytes(stats.network_tx),
        uptime_seconds: bytes(stats.uptime_seconds),
        state: stats.state.to_owned(),
    }
}

//! What a tenant's machine uses: now, and over the last days (protocol B.32, B.33).

use serde::{Deserialize, Serialize};
use std::fmt;

use super::{lenient, text};

/// What a machine uses now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Metrics {
    /// Percent of one processor; two busy processors are 200.
    #[serde(default, deserialize_with = "lenient::number")]
    pub cpu_percent: f64,
    /// Memory without file cache that can be given up, MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub memory_used_mb: i64,
    /// Its limit, MB; 0 where the server does not say.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub memory_limit_mb: i64,
    /// What is in the volume, MB; absent while nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::whole_opt")]
    pub volume_used_mb: Option<i64>,
    /// What was bought, MB; 0 where the server does not say.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub volume_limit_mb: i64,
    /// Received since the machine started, bytes.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub network_rx_bytes: i64,
    /// Sent since the machine started, bytes.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub network_tx_bytes: i64,
    /// Requests per minute, from servers that count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<f64>,
    /// Since the machine started, seconds; 0 while it does not run.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub uptime_seconds: i64,
    /// `started`, `restarting`, `stopped`, or `destroyed` where the machine is gone; empty where the server does not say.
    #[serde(default, deserialize_with = "lenient::text")]
    pub machine_state: String,
    /// RFC 3339.
    #[serde(default, deserialize_with = "lenient::text")]
    pub sampled_at: String,
}

/// What a machine used over a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MetricsPoint {
    /// When the stretch begins; RFC 3339.
    #[serde(deserialize_with = "text::harmless")]
    pub sampled_at: String,
    /// On average, percent of one processor.
    #[serde(default, deserialize_with = "lenient::number")]
    pub cpu_percent: f64,
    /// On average, MB.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub memory_used_mb: i64,
    /// At its end, MB; absent where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::whole_opt")]
    pub volume_used_mb: Option<i64>,
    /// At its end, bytes since the machine started.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub network_rx_bytes: i64,
    /// At its end, bytes since the machine started.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub network_tx_bytes: i64,
    /// On average, from servers that count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<f64>,
    /// At its end, seconds.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub uptime_seconds: i64,
    /// At its end.
    #[serde(default, deserialize_with = "lenient::text")]
    pub machine_state: String,
}

/// A curve. Where nothing could be measured there is no point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MetricsHistory {
    /// The distance of two points, seconds; 0 where the server does not say.
    #[serde(default, deserialize_with = "lenient::whole")]
    pub interval_seconds: i64,
    /// Oldest first. Points that cannot be read are left out.
    #[serde(default, deserialize_with = "lenient::list")]
    pub points: Vec<MetricsPoint>,
}

/// How far back a curve goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetricsRange {
    /// An hour.
    Hour,
    /// Six of them.
    SixHours,
    /// A day: what the API answers where nothing is said.
    #[default]
    Day,
    /// A week.
    Week,
}

impl MetricsRange {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::SixHours, Self::Day, Self::Week];

    /// The word on the wire, which people read too.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// The range for a word, if it is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == word)
    }

    /// Its length, seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3600,
            Self::SixHours => 6 * 3600,
            Self::Day => 24 * 3600,
            Self::Week => 7 * 24 * 3600,
        }
    }
}

impl fmt::Display for MetricsRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    const NOW: &str = r#"{"data": {"cpu_percent": 7.4, "memory_used_mb": 381, "memory_limit_mb": 1024,
        "volume_used_mb": 212, "volume_limit_mb": 10240, "network_rx_bytes": 9120331, "network_tx_bytes": 48810212,
        "uptime_seconds": 86512, "machine_state": "started", "sampled_at": "2026-01-10T10:12:00Z"}}"#;

    #[test]
    fn what_a_machine_uses_is_read() {
        let metrics: Metrics = envelope::read(NOW.as_bytes()).expect("metrics");
        assert_eq!((metrics.memory_used_mb, metrics.volume_used_mb), (381, Some(212)));
        assert_eq!((metrics.machine_state.as_str(), metrics.requests_per_minute), ("started", None));
    }

    #[test]
    fn what_is_absent_or_odd_does_no_harm() {
        let json = r#"{"cpu_percent": null, "memory_used_mb": 381.6, "machine_state": "half\u001b[2Jway"}"#;
        let metrics: Metrics = envelope::read(json.as_bytes()).expect("metrics");
        assert_eq!((metrics.memory_used_mb, metrics.machine_state.as_str()), (382, "halfway"));
        assert_eq!((metrics.volume_used_mb, metrics.sampled_at.as_str()), (None, ""));
    }

    #[test]
    fn a_curve_has_the_points_that_can_be_read() {
        let json = r#"{"data": {"interval_seconds": 300, "points": [
            {"sampled_at": "2026-01-10T10:05:00Z", "cpu_percent": 6.1, "memory_used_mb": 379, "volume_used_mb": 212},
            {"cpu_percent": 6.1}, 5]}}"#;
        let history: MetricsHistory = envelope::read(json.as_bytes()).expect("a curve");
        assert_eq!((history.interval_seconds, history.points.len()), (300, 1));
        let none: MetricsHistory = envelope::read(br#"{"points": null}"#).expect("a curve");
        assert_eq!(none.points, []);
    }

    #[test]
    fn ranges_read_back() {
        for range in MetricsRange::ALL {
            assert_eq!(MetricsRange::from_word(range.as_str()), Some(range));
        }
        assert_eq!(MetricsRange::from_word("2h"), None);
    }
}

//! What a tenant's machine uses and says (protocol B.23, B.32, B.33).

use super::{Client, Holds, readable, warn_of};
use crate::api::{ApiError, transport};
use crate::model::{LogEntry, Metrics, MetricsHistory, MetricsRange, TenantId};

impl Client {
    /// What the machine uses now. Refused before the first deploy (400).
    pub async fn metrics(&self, id: &TenantId) -> Result<Metrics, ApiError> {
        self.get(&["tenants", id.as_str(), "metrics"], &[], Holds::Nothing).await
    }

    /// What it used. Empty before the first deploy.
    pub async fn metrics_history(&self, id: &TenantId, range: MetricsRange) -> Result<MetricsHistory, ApiError> {
        let path = ["tenants", id.as_str(), "metrics", "history"];
        self.get(&path, &[("range", range.as_str())], Holds::Nothing).await
    }

    /// The last `lines` log lines, oldest first.
    pub async fn logs(&self, id: &TenantId, lines: u32) -> Result<Vec<LogEntry>, ApiError> {
        let path = ["tenants", id.as_str(), "logs"];
        let answer: serde_json::Value = self.get(&path, &[("lines", &lines.to_string())], Holds::Nothing).await?;
        let entries = match answer {
            serde_json::Value::Object(mut map) => map.remove("logs").unwrap_or_default(),
            bare => bare,
        };
        let serde_json::Value::Array(entries) = entries else {
            return Err(transport::unreadable(&self.url(&path), 200, "there is no list of log lines", None));
        };
        let (entries, rejected) = readable(entries);
        warn_of("log line", &rejected);
        Ok(entries)
    }
}

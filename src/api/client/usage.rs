//! What a tenant's machine uses and says (protocol B.23, B.32, B.33).

use jiff::Timestamp;

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

    /// What it used from one moment to another; to now where there is no other. A stretch that ends before it begins is
    /// refused (422). How far apart the points are is the server's to say.
    pub async fn metrics_between(
        &self,
        id: &TenantId,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<MetricsHistory, ApiError> {
        let (from, to) = (from.to_string(), to.map(|to| to.to_string()));
        let query = [("from", Some(from.as_str())), ("to", to.as_deref())];
        let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        self.get(&["tenants", id.as_str(), "metrics", "history"], &query, Holds::Nothing).await
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

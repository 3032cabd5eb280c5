//! A line that a tenant's machine logged (protocol B.23).

use serde::{Deserialize, Deserializer, Serialize};

use super::text;

/// One log line. Harmless text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// RFC 3339, empty where the server did not say.
    pub timestamp: String,
    /// The text.
    pub message: String,
    /// `info`, `warn`, ... where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

// By hand: an entry may also be a plain string (protocol B.23, D1's sketch).
impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Text(String),
            Entry {
                #[serde(default)]
                timestamp: String,
                message: String,
                level: Option<String>,
            },
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Text(message) => Self { timestamp: String::new(), message: text::line(&message), level: None },
            Wire::Entry { timestamp, message, level } => Self {
                timestamp: text::line(&timestamp),
                message: text::line(&message),
                level: level.map(|raw| text::line(&raw)),
            },
        })
    }
}

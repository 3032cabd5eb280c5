//! A line that a tenant's machine logged (protocol B.23).

use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

use super::text;

/// One log line. Harmless text, of which the message may have kept its colours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LogEntry {
    /// RFC 3339, empty where the server did not say.
    pub timestamp: String,
    /// The text, with its colour sequences (`text::coloured`) and nothing else that acts on a terminal.
    pub message: String,
    /// `info`, `warn`, ... where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

impl LogEntry {
    /// The message without its colours: what everybody shows who does not turn them into styles.
    #[must_use]
    pub fn plain(&self) -> Cow<'_, str> {
        text::plain(&self.message)
    }
}

// By hand: an entry may also be a plain string (protocol B.23, D1's sketch).
impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wire {
            Text(String),
            Entry { timestamp: Option<String>, message: String, level: Option<String> },
        }
        Ok(match Wire::deserialize(deserializer)? {
            Wire::Text(message) => Self { timestamp: String::new(), message: text::coloured(message), level: None },
            Wire::Entry { timestamp, message, level } => Self {
                timestamp: timestamp.map(|raw| text::line(&raw)).unwrap_or_default(),
                message: text::coloured(message),
                level: level.map(|raw| text::line(&raw)),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_time_is_a_line() {
        for json in [r#""a""#, r#"{"message": "a"}"#, r#"{"message": "a", "timestamp": null, "level": null}"#] {
            let entry: LogEntry = serde_json::from_str(json).expect(json);
            assert_eq!((entry.timestamp.as_str(), entry.message.as_str(), entry.level), ("", "a", None));
        }
    }
}

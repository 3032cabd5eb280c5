//! The envelopes of the API (protocol A.3, A.4).

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// `{"data": T}`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Data<T> {
    /// The thing itself.
    pub data: T,
}

/// Reads `T` from `{"data": T}` or from bare `T`: one rule for every endpoint.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    match serde_json::from_slice::<serde_json::Value>(body)? {
        serde_json::Value::Object(mut map) if map.contains_key("data") => {
            serde_json::from_value(map.remove("data").unwrap_or_default())
        }
        bare => serde_json::from_value(bare),
    }
}

/// Body of every error answer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// Its one member.
    pub error: ErrorInfo,
}

/// What went wrong, in the server's words.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorInfo {
    /// One of a few families: `bad_request`, `forbidden`, ...
    pub code: String,
    /// For people.
    pub message: String,
    /// `{"reason": ...}` and what belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl ErrorInfo {
    /// `details.reason`, the finer word.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.details.as_ref()?.get("reason")?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_bare_read_the_same() {
        assert_eq!(read::<Vec<u8>>(b"[1,2]").ok(), Some(vec![1, 2]));
        assert_eq!(read::<Vec<u8>>(br#"{"data":[1,2],"meta":{"request_id":"x"}}"#).ok(), Some(vec![1, 2]));
        assert!(read::<Vec<u8>>(b"<html>").is_err());
    }
}

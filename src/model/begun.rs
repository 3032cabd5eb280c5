//! That something was begun or switched, in the server's words (protocol B.14, B.15, B.21, B.22).

use serde::{Deserialize, Serialize};

use super::{lenient, text};

/// Answer of the calls that begin something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// `restarting`, `provisioning`, `suspended`, `active`, ...
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub message: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    #[test]
    fn bare_and_wrapped_read_the_same() {
        for json in [r#"{"status": "restarting"}"#, r#"{"data": {"status": "restarting", "message": null}}"#] {
            let begun: Begun = envelope::read(json.as_bytes()).expect(json);
            assert_eq!(begun, Begun { status: "restarting".into(), message: None });
        }
    }
}

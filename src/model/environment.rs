//! What a tenant's machine starts with, and the names of the secrets that were set (protocol B.18, B.26).

use serde::{Deserialize, Serialize};

use super::{lenient, text};

/// What a machine starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Environment {
    /// Sorted by name. Entries that cannot be read are left out.
    #[serde(default, deserialize_with = "lenient::list")]
    pub variables: Vec<Variable>,
}

/// One variable of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Variable {
    /// Its name.
    #[serde(deserialize_with = "text::harmless")]
    pub key: String,
    /// Masked where it is secret.
    #[serde(default, deserialize_with = "lenient::text")]
    pub value: String,
    /// It is not shown.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub secret: bool,
    /// Only the server sets it.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub managed: bool,
}

/// Names of secrets, never their values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecretKeys {
    /// Sorted.
    #[serde(default, deserialize_with = "keys")]
    pub keys: Vec<String>,
}

/// A secret that is set, without its value (protocol B.27, B.29, B.30).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretMark {
    /// Its name.
    #[serde(deserialize_with = "text::harmless")]
    pub key: String,
    /// When it was set last, RFC 3339; empty where the server does not say.
    #[serde(default, deserialize_with = "lenient::text")]
    pub updated_at: String,
}

fn keys<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let keys: Vec<String> = lenient::list(deserializer)?;
    let mut keys: Vec<String> = keys.iter().map(|key| text::line(key)).collect();
    keys.sort();
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    #[test]
    fn the_environment_is_read() {
        let json = r#"{"data": {"variables": [
            {"key": "PORT", "value": "8080", "secret": false, "managed": true},
            {"key": "DATABASE_URL", "value": "********", "secret": true, "managed": true},
            {"key": "ANTHROPIC_API_KEY", "value": null, "secret": true},
            {"value": "nameless"},
            {"key": "ODD\u001b]0;x\u0007", "value": "a\nb"}]}}"#;
        let environment: Environment = envelope::read(json.as_bytes()).expect("an environment");
        let told: Vec<_> = environment
            .variables
            .iter()
            .map(|one| (one.key.as_str(), one.value.as_str(), one.secret, one.managed))
            .collect();
        assert_eq!(
            told,
            [
                ("PORT", "8080", false, true),
                ("DATABASE_URL", "********", true, true),
                ("ANTHROPIC_API_KEY", "", true, false),
                ("ODD", "a b", false, false),
            ]
        );
    }

    #[test]
    fn names_are_sorted_and_harmless() {
        let json = r#"{"keys": ["GITHUB_TOKEN", "A\u001b[2J", 5]}"#;
        let SecretKeys { keys } = envelope::read(json.as_bytes()).expect("keys");
        assert_eq!(keys, ["A", "GITHUB_TOKEN"]);
    }
}

//! The credentials of a tenant's database as the API hands them out: replaced, read once, good from outside or not
//! (protocol B.24, B.25, B.37).

use serde::{Deserialize, Serialize};

use super::{Secret, TenantId, database_url, lenient, text};

/// Answer of a rotation, in any of its three shapes: with two addresses, with one, or with none at all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rotation {
    /// `rotated`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    /// For people.
    #[serde(default, deserialize_with = "text::harmless_opt")]
    pub message: Option<String>,
    /// As machines reach the database, with the new password.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    internal_database_url: Option<Secret>,
    /// As people outside reach it.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    external_database_url: Option<Secret>,
    /// The one address of older servers: the inner one.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    database_url: Option<Secret>,
}

impl Rotation {
    /// The address as machines reach the database; `None` where the new password has to be fetched. One whose password
    /// is masked is of no use and counts as none.
    #[must_use]
    pub fn inside(&self) -> Option<&Secret> {
        [&self.internal_database_url, &self.database_url].into_iter().flatten().find(|url| is_whole(url))
    }

    /// The address as people outside reach it.
    #[must_use]
    pub fn outside(&self) -> Option<&Secret> {
        self.external_database_url.as_ref().filter(|url| is_whole(url))
    }
}

/// What can be read once. Every field may be absent; one of another form than promised counts as absent, so that it
/// does not take the others with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct OneTimeCredentials {
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    database_url: Option<Secret>,
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    internal_database_url: Option<Secret>,
    /// Where the tenant answers.
    #[serde(default, deserialize_with = "text_opt")]
    pub app_url: Option<String>,
    /// 64 characters.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    pub jwt_secret: Option<Secret>,
    /// Of the tenant's own secrets, where it was set.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    pub anthropic_api_key: Option<Secret>,
    /// See `anthropic_api_key`.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    pub openai_api_key: Option<Secret>,
    /// See `anthropic_api_key`.
    #[serde(default, deserialize_with = "lenient::secret_opt")]
    pub gemini_api_key: Option<Secret>,
}

impl OneTimeCredentials {
    /// The address as machines reach the database.
    #[must_use]
    pub fn inside(&self) -> Option<&Secret> {
        [&self.internal_database_url, &self.database_url].into_iter().flatten().find(|url| is_whole(url))
    }

    /// True where nothing in it is worth keeping.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { anthropic_api_key, openai_api_key, gemini_api_key, jwt_secret, .. } = self;
        let others = [jwt_secret, anthropic_api_key, openai_api_key, gemini_api_key];
        self.inside().is_none() && others.into_iter().all(Option::is_none)
    }
}

/// Answer of the switch for access from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(clippy::struct_field_names, reason = "names of the protocol")]
pub struct ExternalAccess {
    /// The tenant, where the server repeats it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// As it is now.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub external_db_access: bool,
    /// As people outside reach the database, the password masked.
    #[serde(default, deserialize_with = "lenient::text")]
    pub database_url: String,
}

/// Body of the switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Switch {
    /// On or off.
    pub enabled: bool,
}

fn is_whole(url: &Secret) -> bool {
    !database_url::is_masked(url.reveal())
}

fn text_opt<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(serde_json::Value::deserialize(deserializer)?.as_str().map(text::line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    fn rotation(json: &str) -> (Option<String>, Option<String>) {
        let read: Rotation = envelope::read(json.as_bytes()).expect(json);
        assert!(!format!("{read:?}").contains("Qm4"), "{read:?}");
        let own = |url: Option<&Secret>| url.map(|url| url.reveal().to_owned());
        (own(read.inside()), own(read.outside()))
    }

    #[test]
    fn all_three_shapes_of_a_rotation() {
        let inner = "postgres://tenant_3f6c1b8e52d4:Qm4@sp-postgres.internal:5432/site?sslmode=disable";
        let outer = "postgres://tenant_3f6c1b8e52d4:Qm4@db.systemprompt.io:5432/site?sslmode=require";
        let own = |url: &str| Some(url.to_owned());
        for (json, expected) in [
            (
                format!(
                    r#"{{"status": "rotated", "message": "new password active; machine restarting",
                        "internal_database_url": "{inner}", "external_database_url": "{outer}"}}"#
                ),
                (own(inner), own(outer)),
            ),
            (format!(r#"{{"status": "rotated", "message": "m", "database_url": "{inner}"}}"#), (own(inner), None)),
            (r#"{"status": "rotated"}"#.to_owned(), (None, None)),
            (r#"{"data": {"status": "rotated", "internal_database_url": null}}"#.to_owned(), (None, None)),
            (r#"{"internal_database_url": "postgres://a:***@h/d", "database_url": ""}"#.to_owned(), (None, None)),
        ] {
            assert_eq!(rotation(&json), expected, "{json}");
        }
    }

    #[test]
    fn one_time_credentials_of_every_age_are_read() {
        let json = r#"{"database_url": "postgres://t:h8T@sp-postgres.internal/site", "app_url": "https://a.example",
            "jwt_secret": "j64", "anthropic_api_key": null, "openai_api_key": 5, "admin_password": "x"}"#;
        let read: OneTimeCredentials = envelope::read(json.as_bytes()).expect("credentials");
        assert_eq!(read.inside().map(Secret::reveal), Some("postgres://t:h8T@sp-postgres.internal/site"));
        assert_eq!(read.jwt_secret.as_ref().map(Secret::reveal), Some("j64"));
        assert!(read.openai_api_key.is_none() && !read.is_empty());
        assert!(!format!("{read:?}").contains("h8T") && !format!("{read:?}").contains("j64"));
        for empty in ["{}", r#"{"database_url": "postgres://t:********@h/d", "jwt_secret": ""}"#] {
            assert!(envelope::read::<OneTimeCredentials>(empty.as_bytes()).expect(empty).is_empty(), "{empty}");
        }
    }

    #[test]
    fn the_switch_answers_how_it_stands() {
        let json = r#"{"data": {"tenant_id": "3f6c1b8e-52d4", "external_db_access": true,
            "database_url": "postgres://tenant_3f6c1b8e52d4:***@db.systemprompt.io:5432/site?sslmode=require"}}"#;
        let read: ExternalAccess = envelope::read(json.as_bytes()).expect("an answer");
        assert!(read.external_db_access && read.database_url.contains(":***@"));
    }
}

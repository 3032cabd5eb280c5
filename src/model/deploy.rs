//! Image references, the registry token and the deploy call (protocol B.19, B.20).

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

use super::{Problem, Secret, secret};
use super::{lenient, text};

/// Answer of `GET /registry-token`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(remote = "Self")]
pub struct RegistryToken {
    /// Host and port of the registry, `127.0.0.1:5000`.
    pub registry: String,
    /// The user name for it.
    pub username: String,
    /// The password; older servers call it `password` (protocol K1).
    #[serde(serialize_with = "secret::expose")]
    pub token: Secret,
    /// `systemprompt-images`.
    pub repository: String,
    /// `tenant-{id}`.
    pub tag: String,
}

lenient::older_names!(RegistryToken, "password" => "token");

impl RegistryToken {
    /// The image to build, push and deploy: always made from the answer, never from constants.
    pub fn image(&self) -> Result<ImageReference, InvalidReference> {
        ImageReference::new(&self.registry, &self.repository, &self.tag)
    }
}

/// A reference that the OCI grammar does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an image reference")]
pub struct InvalidReference(String);

impl From<InvalidReference> for Problem {
    fn from(error: InvalidReference) -> Self {
        Self::new("The server named an image that cannot be used.")
            .detail(error.to_string())
            .hint("Check which Management API you are logged in to.")
    }
}

/// `{registry}/{repository}:{tag}`, checked against the grammar of the distribution specification, so
/// that nothing in an answer can name another registry or leave its place in a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: String,
}

impl ImageReference {
    /// Checks and keeps the three parts.
    pub fn new(registry: &str, repository: &str, tag: &str) -> Result<Self, InvalidReference> {
        let whole = || InvalidReference(text::short(&format!("{registry}/{repository}:{tag}"), 120));
        let host_fits = !registry.is_empty()
            && registry.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
            && (registry.contains(['.', ':']) || registry == "localhost");
        let path_fits = repository.len() <= 200 && repository.split('/').all(is_path_component);
        let tag_fits = (1..=128).contains(&tag.len())
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
            && !tag.starts_with(['.', '-']);
        if host_fits && path_fits && tag_fits {
            return Ok(Self { registry: registry.into(), repository: repository.into(), tag: tag.into() });
        }
        Err(whole())
    }

    /// Host and port.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository below the host.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// `{registry}/{repository}`, as Docker's push and tag calls want it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// `{registry}/{repository}@{digest}`: exactly one image, whatever the tag does.
    #[must_use]
    pub fn at(&self, digest: &Digest) -> String {
        format!("{}/{}@{digest}", self.registry, self.repository)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.registry, self.repository, self.tag)
    }
}

/// Lower-case letters and digits, with single `.`, `_`, `__` or dashes between them.
fn is_path_component(part: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last)) if inside(*first) && inside(*last))
        && bytes.iter().all(|b| inside(*b) || matches!(b, b'.' | b'_' | b'-'))
        && !part.contains("..")
}

/// A content digest, `sha256:` and 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Digest(String);

impl Digest {
    /// Checks and keeps `raw`.
    pub fn new(raw: &str) -> Result<Self, InvalidReference> {
        let fits = raw
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        if fits { Ok(Self(raw.to_owned())) } else { Err(InvalidReference(text::short(raw, 80))) }
    }

    /// The digest that has these 32 bytes.
    pub(super) fn of_hash(hash: [u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::from("sha256:");
        for byte in hash {
            // Writing into a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// With its algorithm.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 hex digits alone.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.get("sha256:".len()..).unwrap_or_default()
    }

    /// The first 8 hex digits, for the screen.
    #[must_use]
    pub fn short(&self) -> &str {
        self.hex().get(..8).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Body of `POST /deploy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeployRequest {
    /// Equal, character by character, to the tenant's image.
    pub image: String,
}

/// Answer of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeployAnswer {
    /// `deployed`, or `deploying` when the machine needs longer than the call may take.
    #[serde(deserialize_with = "text::harmless")]
    pub status: String,
    /// The tenant's address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub app_url: Option<String>,
    /// The same under its older name (protocol K34).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub url: Option<String>,
    /// The machine that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub machine_id: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub deployed_at: Option<String>,
}

impl DeployAnswer {
    /// The address, under whichever name it came.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.app_url.as_deref().or(self.url.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_under_either_name_makes_the_image() {
        for field in [
            r#""token":"s3cret""#,
            r#""password":"s3cret""#,
            r#""password":"older","token":"s3cret""#,
            r#""token":null,"password":"s3cret""#,
        ] {
            let json = format!(
                r#"{{"registry":"127.0.0.1:5000","username":"x",{field},"repository":"systemprompt-images","tag":"tenant-a"}}"#
            );
            let token: RegistryToken = serde_json::from_str(&json).expect("a token");
            assert_eq!(token.token.reveal(), "s3cret");
            assert!(!format!("{token:?}").contains("s3cret"));
            assert_eq!(
                token.image().map(|image| image.to_string()),
                Ok("127.0.0.1:5000/systemprompt-images:tenant-a".to_owned())
            );
        }
    }

    #[test]
    fn references_outside_the_grammar_are_refused() {
        for (registry, repository, tag) in [
            ("", "a", "b"),
            ("evil.example/x", "a", "b"),
            ("host", "a", "b"),
            ("h.example", "../a", "b"),
            ("h.example", "A", "b"),
            ("h.example", "a//b", "c"),
            ("h.example", "a", ""),
            ("h.example", "a", "b c"),
            ("h.example", "a", "b@sha256:0"),
            ("h.example\u{1b}[2J", "a", "b"),
        ] {
            assert!(ImageReference::new(registry, repository, tag).is_err(), "{registry} {repository} {tag}");
        }
    }

    #[test]
    fn digests_are_checked() {
        let hex = "5e1f2a9c".repeat(8);
        let digest = Digest::new(&format!("sha256:{hex}")).expect("a digest");
        assert_eq!((digest.short(), digest.hex()), ("5e1f2a9c", hex.as_str()));
        assert!(Digest::new("sha256:xyz").is_err());
        assert!(Digest::new(&hex).is_err());
    }
}

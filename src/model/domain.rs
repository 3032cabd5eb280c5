//! A tenant's own domain, and the DNS record that makes it lead there (protocol B.38).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use super::{lenient, text};

/// A domain as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(clippy::struct_field_names, reason = "names of the protocol")]
pub struct CustomDomain {
    /// The name.
    #[serde(deserialize_with = "text::harmless")]
    pub domain: String,
    /// How far it is.
    #[schema(value_type = String)]
    pub status: DomainStatus,
    /// The record was seen.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub verified: bool,
    /// The tenant's own host name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub dns_target: String,
    /// What has to be entered where the domain is administered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_instructions: Option<DnsRecord>,
    /// What there is to say about the status.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub message: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub created_at: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub verified_at: Option<String>,
}

impl CustomDomain {
    /// True where nothing is left to wait for.
    #[must_use]
    pub fn leads_here(&self) -> bool {
        self.verified || self.status == DomainStatus::Active
    }
}

/// The record that has to be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DnsRecord {
    /// `CNAME` below a domain, `A` for the domain itself.
    #[serde(deserialize_with = "text::harmless")]
    pub record_type: String,
    /// What stands before the domain; `@` for the domain itself.
    #[serde(deserialize_with = "text::harmless")]
    pub host: String,
    /// What it holds.
    #[serde(deserialize_with = "text::harmless")]
    pub value: String,
    /// How long it may be remembered, seconds; 0 where the server does not say.
    #[serde(default, deserialize_with = "lenient::count")]
    pub ttl: u32,
}

/// How far a domain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainStatus {
    /// The record was not seen yet.
    PendingDns,
    /// The record was seen; the rest is being made.
    Provisioning,
    /// It leads to the tenant.
    Active,
    /// It leads elsewhere, or something failed.
    Error,
    /// A word of a newer server. Harmless text.
    Other(String),
}

impl DomainStatus {
    /// The status for a word.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "pending_dns" | "pending" => Self::PendingDns,
            "provisioning" => Self::Provisioning,
            "active" => Self::Active,
            "error" => Self::Error,
            other => Self::Other(text::line(other)),
        }
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::PendingDns => "pending_dns",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Error => "error",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for DomainStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DomainStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DomainStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_word(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    #[test]
    fn a_domain_is_read_with_its_record() {
        let json = r#"{"data": {"domain": "app.orchard.example", "status": "pending_dns", "verified": false,
            "dns_target": "3f6c1b8e52d4.systemprompt.io",
            "dns_instructions": {"record_type": "CNAME", "host": "app", "value": "3f6c1b8e52d4.systemprompt.io",
                                 "ttl": 300},
            "created_at": "2026-01-20T08:00:00Z"}}"#;
        let read: CustomDomain = envelope::read(json.as_bytes()).expect("a domain");
        assert_eq!((&read.status, read.leads_here()), (&DomainStatus::PendingDns, false));
        assert_eq!(read.dns_instructions.map(|record| (record.host, record.ttl)), Some(("app".to_owned(), 300)));
    }

    #[test]
    fn statuses_read_back_and_unknown_words_are_kept() {
        for word in ["pending_dns", "provisioning", "active", "error", "moved"] {
            assert_eq!(DomainStatus::from_word(word).as_str(), word);
        }
        assert_eq!(DomainStatus::from_word("pending"), DomainStatus::PendingDns);
        assert_eq!(DomainStatus::from_word("a\u{1b}[2Jb"), DomainStatus::Other("ab".into()));
        let read: CustomDomain =
            serde_json::from_str(r#"{"domain": "a.example", "status": "live", "verified": true}"#).expect("a domain");
        assert!(read.leads_here() && read.dns_instructions.is_none());
    }
}

//! What the event streams carry while a tenant comes into being or changes (protocol C.1, C.2).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{SessionId, TenantId};
use super::{lenient, text};

/// The kind of an event: the platform's closed set, and whatever else a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The payment arrived.
    SubscriptionCreated,
    /// The tenant row exists.
    TenantCreated,
    /// Database and role exist.
    DatabaseCreated,
    /// One-time credentials are armed.
    SecretsStored,
    /// The provider begins.
    VmProvisioningStarted,
    /// The provider did one step; `step` says which.
    VmProvisioningProgress,
    /// The machine exists.
    VmProvisioned,
    /// The machine has its environment.
    SecretsConfigured,
    /// Phase 1 is over: waiting for the first deploy.
    InfrastructureReady,
    /// The tenant answers.
    TenantReady,
    /// It did not work; nothing comes after it.
    ProvisioningFailed,
    /// A word this program does not know: shown, never an error.
    Other(String),
}

impl EventKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SubscriptionCreated => "subscription_created",
            Self::TenantCreated => "tenant_created",
            Self::DatabaseCreated => "database_created",
            Self::SecretsStored => "secrets_stored",
            Self::VmProvisioningStarted => "vm_provisioning_started",
            Self::VmProvisioningProgress => "vm_provisioning_progress",
            Self::VmProvisioned => "vm_provisioned",
            Self::SecretsConfigured => "secrets_configured",
            Self::InfrastructureReady => "infrastructure_ready",
            Self::TenantReady => "tenant_ready",
            Self::ProvisioningFailed => "provisioning_failed",
            Self::Other(word) => word,
        }
    }

    /// The kind for a word; the older documents' five names are understood too.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "subscription_created" => Self::SubscriptionCreated,
            "tenant_created" => Self::TenantCreated,
            "database_created" => Self::DatabaseCreated,
            "secrets_stored" => Self::SecretsStored,
            "vm_provisioning_started" | "provisioning_started" => Self::VmProvisioningStarted,
            "vm_provisioning_progress" | "app_created" | "volume_created" | "certificate_added" => {
                Self::VmProvisioningProgress
            }
            "vm_provisioned" => Self::VmProvisioned,
            "secrets_configured" => Self::SecretsConfigured,
            "infrastructure_ready" => Self::InfrastructureReady,
            "tenant_ready" => Self::TenantReady,
            "provisioning_failed" => Self::ProvisioningFailed,
            other => Self::Other(text::short(other, 60)),
        }
    }

    /// True for the events after which an operation says nothing more.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::TenantReady | Self::ProvisioningFailed)
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_word(&String::deserialize(deserializer)?))
    }
}

/// One event of a checkout or tenant stream; the checkout stream fills the session and the tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(remote = "Self")]
pub struct ProvisioningEvent {
    /// The tenant, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The kind.
    #[schema(value_type = String)]
    pub event_type: EventKind,
    /// `provisioning`, `awaiting_deploy`, `deploying`, `running` or `ready`, `failed`.
    #[serde(deserialize_with = "text::harmless")]
    pub status: String,
    /// The finer step: `payment`, `app_created`, `machine_started`, ...
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub step: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub message: Option<String>,
    /// The tenant's address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub app_url: Option<String>,
    /// The provider's name for the app.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub fly_app_name: Option<String>,
    /// The checkout session, on its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session_id: Option<SessionId>,
    /// The tenant's name, on the checkout stream.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub tenant_name: Option<String>,
    /// The same on the checkout and on the tenant stream, so that a mirrored event is shown once.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub event_key: Option<String>,
    /// When it happened, RFC 3339; absent from older servers.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub at: Option<String>,
}

// The first documents' names (protocol C.1).
lenient::older_names!(ProvisioningEvent, "url" => "app_url", "app_id" => "fly_app_name");

impl ProvisioningEvent {
    /// The words for the step column: the finer step where the server says it.
    #[must_use]
    pub fn title(&self) -> String {
        let word = self.step.as_deref().unwrap_or_else(|| self.event_type.as_str());
        match word {
            "provisioning_started" => "provisioning".into(),
            "certificate_added" => "certificate".into(),
            "infrastructure_ready" => "infrastructure".into(),
            "secrets_configured" => "configured".into(),
            other => other.replace('_', " "),
        }
    }

    /// The message without the step that some servers write in front of it, `app_created: sp-1`.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        let message = self.message.as_deref()?;
        let step = self.step.as_deref().unwrap_or_default();
        let rest = message.strip_prefix(step).and_then(|rest| rest.strip_prefix(": "));
        Some(rest.filter(|rest| !step.is_empty() && !rest.is_empty()).unwrap_or(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_unknown_words_are_understood() {
        let json = r#"{"event_type":"app_created","status":"provisioning","app_id":"sp-1","tenant_id":"t1"}"#;
        let event: ProvisioningEvent = serde_json::from_str(json).expect("an older event");
        assert_eq!(event.event_type, EventKind::VmProvisioningProgress);
        assert_eq!(event.fly_app_name.as_deref(), Some("sp-1"));
        let json = r#"{"event_type":"tenant_ready","status":"ready","url":"http://old","app_url":"http://new","app_id":"sp-1",
            "fly_app_name":null}"#;
        let event: ProvisioningEvent = serde_json::from_str(json).expect("an event with both names");
        assert_eq!((event.app_url.as_deref(), event.fly_app_name.as_deref()), (Some("http://new"), Some("sp-1")));
        let json = r#"{"event_type":"brand_new","status":"x\u001b[2Jy"}"#;
        let event: ProvisioningEvent = serde_json::from_str(json).expect("an unknown event");
        assert_eq!(event.event_type, EventKind::Other("brand_new".into()));
        assert_eq!(event.status, "xy");
    }

    #[test]
    fn the_step_is_not_said_twice() {
        let words = |step: &str, message: &str| {
            let json = serde_json::json!({"event_type": "x", "status": "y", "step": step, "message": message});
            let event: ProvisioningEvent = serde_json::from_value(json).expect("an event");
            event.words().map(str::to_owned)
        };
        assert_eq!(words("app_created", "app_created: sp-1").as_deref(), Some("sp-1"));
        assert_eq!(words("app_created", "sp-1").as_deref(), Some("sp-1"));
        assert_eq!(words("app", "app_created: sp-1").as_deref(), Some("app_created: sp-1"));
        assert_eq!(words("", ": x").as_deref(), Some(": x"));
    }

    #[test]
    fn every_known_word_reads_back_as_itself() {
        for word in [
            "subscription_created",
            "tenant_created",
            "database_created",
            "secrets_stored",
            "vm_provisioning_started",
            "vm_provisioning_progress",
            "vm_provisioned",
            "secrets_configured",
            "infrastructure_ready",
            "tenant_ready",
            "provisioning_failed",
        ] {
            let kind = EventKind::from_word(word);
            assert!(!matches!(kind, EventKind::Other(_)), "{word}");
            assert_eq!(kind.as_str(), word);
        }
    }
}

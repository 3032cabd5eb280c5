//! What is paid for a tenant, and the wish for another plan (protocol B.34, B.35).

use serde::{Deserialize, Serialize};

use super::{PlanInfo, lenient, text};

/// A subscription as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Subscription {
    /// The server's own id.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id: String,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub customer_id: Option<String>,
    /// The payment provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub paddle_subscription_id: Option<String>,
    /// `active`, `trialing`, `past_due`, `paused`, `canceled`, or a word of a newer server.
    #[serde(deserialize_with = "text::harmless")]
    pub status: String,
    /// What was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanInfo>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub current_period_start: Option<String>,
    /// RFC 3339; absent where it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub current_period_end: Option<String>,
    /// It ends then, and is not renewed.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub cancel_at_period_end: bool,
    /// A page of the payment provider's, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub management_url: Option<String>,
}

/// Body of `POST /subscription`: another plan, or the same once more for a subscription that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Renewal {
    /// The plan's price.
    pub price_id: String,
    /// Where the browser goes afterwards: loopback http only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope;

    #[test]
    fn a_subscription_is_read() {
        let json = r#"{"data": {"id": "5a0c7d1e-1111-4c55-9a10-0d3f2b7e8c41", "customer_id": "ctm_01hsample9k2",
            "paddle_subscription_id": "sub_01hsamplep4", "status": "active",
            "plan": {"id": "plan_basic", "name": "Basic", "memory_mb": 1024, "volume_gb": 10},
            "current_period_start": "2026-01-09T10:02:11Z", "current_period_end": "2026-02-09T10:02:11Z"}}"#;
        let read: Subscription = envelope::read(json.as_bytes()).expect("a subscription");
        assert_eq!((read.status.as_str(), read.cancel_at_period_end), ("active", false));
        assert_eq!(read.plan.map(|plan| plan.memory_mb), Some(1024));
        assert_eq!(read.management_url, None);
    }

    #[test]
    fn a_word_of_a_newer_server_is_kept_as_text() {
        let read: Subscription =
            envelope::read(br#"{"status": "on_hold\u001b[31m", "cancel_at_period_end": null}"#).expect("read");
        assert_eq!((read.status.as_str(), read.plan, read.id.as_str()), ("on_hold", None, ""));
    }
}

//! Buying a tenant (protocol B.6).

use serde::{Deserialize, Serialize};

use super::SessionId;

/// Body of `POST /api/v1/checkout`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckoutRequest {
    /// The plan's price.
    pub price_id: String,
    /// Region code.
    pub region: String,
    /// Where the browser goes afterwards: loopback http only. Absent where the terminal waits on the
    /// checkout stream alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

/// Answer of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CheckoutSession {
    /// The page to pay on.
    pub checkout_url: String,
    /// The payment provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The stream to watch. Old servers do not send it; then nothing can be watched (protocol K3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session_id: Option<SessionId>,
}

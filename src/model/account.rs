//! Who is logged in (protocol B.2).

use serde::{Deserialize, Serialize};

use super::text;

/// The user behind a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// Opaque id.
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// Shown in the header.
    #[serde(deserialize_with = "text::harmless")]
    pub email: String,
    /// The name, where the provider told it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub name: Option<String>,
}

/// The paying customer; absent until the first purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Customer {
    /// `ctm_...`
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// The payment provider's word for it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub status: Option<String>,
}

/// Answer of `GET /api/v1/auth/me`, without its tenant list: that one is read by the tenant endpoints,
/// which say more, so nothing here can make a login fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// The user.
    pub user: User,
    /// The customer, after the first purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
}

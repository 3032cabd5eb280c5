//! What can be bought, and where it can run.

use serde::{Deserialize, Serialize};

use super::text;

/// A plan of the catalogue (protocol B.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// The plan's own id.
    #[serde(deserialize_with = "text::harmless")]
    pub id: String,
    /// The name people know it by.
    #[serde(deserialize_with = "text::harmless")]
    pub name: String,
    /// What a checkout asks for.
    pub paddle_price_id: String,
    /// Memory of the machine, MB; 0 where the server does not say.
    #[serde(default)]
    pub memory_mb_default: u32,
    /// Size of the volume, GB; 0 where the server does not say.
    #[serde(default)]
    pub volume_gb: u32,
    /// How many tenants one customer may have on this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tenants: Option<u32>,
}

/// The plan as a tenant carries it (protocol B.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlanInfo {
    /// The plan's id, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub id: Option<String>,
    /// Its name.
    #[serde(deserialize_with = "text::harmless")]
    pub name: String,
    /// Memory, MB.
    #[serde(default)]
    pub memory_mb: u32,
    /// Volume, GB.
    #[serde(default)]
    pub volume_gb: u32,
}

/// A place a tenant can run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Three letters, as the API wants them.
    pub code: &'static str,
    /// For people.
    pub name: &'static str,
}

/// The regions on offer, the default one first (protocol F.4). The API has no endpoint that lists them.
pub const REGIONS: [Region; 8] = [
    Region { code: "iad", name: "US East (Virginia)" },
    Region { code: "lhr", name: "Europe (London)" },
    Region { code: "fra", name: "Europe (Frankfurt)" },
    Region { code: "ams", name: "Europe (Amsterdam)" },
    Region { code: "sin", name: "Asia (Singapore)" },
    Region { code: "nrt", name: "Asia (Tokyo)" },
    Region { code: "syd", name: "Australia (Sydney)" },
    Region { code: "gru", name: "South America (São Paulo)" },
];

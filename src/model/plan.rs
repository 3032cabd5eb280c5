//! What can be bought, and where it can run.

use serde::{Deserialize, Serialize};

use super::{lenient, text};

/// A plan of the catalogue (protocol B.5).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
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
    #[serde(default, deserialize_with = "lenient::count")]
    pub memory_mb_default: u32,
    /// Size of the volume, GB; 0 where the server does not say.
    #[serde(default, deserialize_with = "lenient::count")]
    pub volume_gb: u32,
    /// How many tenants one customer may have on this plan.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count_opt")]
    pub max_tenants: Option<u32>,
    /// What it costs, from servers that say it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::maybe")]
    pub price: Option<Price>,
    /// The memory that its tenants may have, MB; empty where the server does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient::list")]
    pub memory_options: Vec<u32>,
    /// One sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::harmless_opt")]
    pub description: Option<String>,
}

impl Plan {
    /// What it costs, in words: `19.00 EUR a month`, `free`; `None` where the server does not say.
    #[must_use]
    pub fn cost(&self) -> Option<String> {
        let Price { amount, currency, interval } = self.price.as_ref()?;
        if !amount.is_empty() && amount.chars().all(|c| matches!(c, '0' | '.')) {
            return Some("free".to_owned());
        }
        let interval = if interval.is_empty() { String::new() } else { format!(" a {interval}") };
        Some(format!("{amount} {currency}{interval}"))
    }
}

/// A price (protocol B.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PlanPrice)]
pub struct Price {
    /// Decimal, with a point.
    #[serde(deserialize_with = "text::harmless")]
    pub amount: String,
    /// ISO 4217.
    #[serde(deserialize_with = "text::harmless")]
    pub currency: String,
    /// `month`; empty where it is paid once, or the server does not say.
    #[serde(default, deserialize_with = "lenient::text")]
    pub interval: String,
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
    #[serde(default, deserialize_with = "lenient::count")]
    pub memory_mb: u32,
    /// Volume, GB.
    #[serde(default, deserialize_with = "lenient::count")]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rest: &str) -> Plan {
        serde_json::from_str(&format!(r#"{{"id":"p","name":"Basic","paddle_price_id":"pri","volume_gb":null{rest}}}"#))
            .expect(rest)
    }

    #[test]
    fn a_buyer_is_told_what_a_plan_costs_where_the_server_says_it() {
        for (rest, cost) in [
            ("", None),
            (r#","price":null,"memory_mb_default":null,"memory_options":null,"description":null"#, None),
            (r#","price":{"amount":"19.00","currency":"EUR","interval":"month"}"#, Some("19.00 EUR a month")),
            (r#","price":{"amount":"19.00","currency":"EUR"}"#, Some("19.00 EUR")),
            (r#","price":{"amount":"0.00","currency":"EUR","interval":"month"}"#, Some("free")),
            // An odd price must not take the plan with it.
            (r#","price":{"amount":19}"#, None),
            (r#","price":"cheap""#, None),
        ] {
            assert_eq!(plan(rest).cost().as_deref(), cost, "{rest}");
        }
        assert_eq!(plan(r#","memory_options":[256,512,"odd"]"#).memory_options, [256, 512]);
    }
}

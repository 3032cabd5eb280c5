//! What the sandbox sells (protocol F.5), and where.

use serde::Serialize;

use crate::model::{Plan, PlanInfo, REGIONS, Region};

/// A price per interval.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Price {
    /// Decimal, with a point.
    pub amount: &'static str,
    /// ISO 4217.
    pub currency: &'static str,
    /// `month`
    pub interval: &'static str,
}

/// A plan with what the shop window shows beside it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Offer {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// What it costs.
    pub price: Price,
    /// One sentence.
    pub description: &'static str,
}

impl Offer {
    /// The plan as a tenant carries it.
    #[must_use]
    pub fn info(&self) -> PlanInfo {
        PlanInfo {
            id: Some(self.plan.id.clone()),
            name: self.plan.name.clone(),
            memory_mb: self.plan.memory_mb_default,
            volume_gb: self.plan.volume_gb,
        }
    }
}

/// Everything on offer, the smallest first.
#[must_use]
pub fn offers() -> Vec<Offer> {
    vec![
        offer("free", "Free", 256, 1, Some(1), "0.00", "One small tenant to try things out."),
        offer("basic", "Basic", 1024, 10, None, "19.00", "For one team's daily work."),
        offer("pro", "Pro", 2048, 20, None, "49.00", "More memory and more room."),
    ]
}

fn offer(
    word: &str,
    name: &str,
    memory_mb: u32,
    volume_gb: u32,
    max_tenants: Option<u32>,
    amount: &'static str,
    description: &'static str,
) -> Offer {
    Offer {
        plan: Plan {
            id: format!("plan_{word}"),
            name: name.to_owned(),
            paddle_price_id: format!("pri_sbx_{word}"),
            memory_mb_default: memory_mb,
            volume_gb,
            max_tenants,
            ..Plan::default()
        },
        price: Price { amount, currency: "EUR", interval: "month" },
        description,
    }
}

/// The offer with this plan.
#[must_use]
pub fn by_plan(plan_id: &str) -> Option<Offer> {
    offers().into_iter().find(|offer| offer.plan.id == plan_id)
}

/// The region with this code.
#[must_use]
pub fn region(code: &str) -> Option<Region> {
    REGIONS.into_iter().find(|region| region.code == code)
}

/// A month after this RFC 3339 time: what a price per month pays for.
#[must_use]
pub fn month_after(start: &str) -> Option<String> {
    let start: jiff::Timestamp = start.parse().ok()?;
    let end = start.to_zoned(jiff::tz::TimeZone::UTC).checked_add(jiff::Span::new().months(1)).ok()?;
    Some(super::store::precisely(end.timestamp()))
}

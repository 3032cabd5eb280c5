//! How people pay.

use url::Url;

use crate::model::Secret;
use crate::server::catalogue;

/// See the module. Without an API key the sandbox's own page takes payments that move no money.
#[derive(Debug, Clone, Default)]
pub struct PaymentSettings {
    /// Whoever opens the sandbox's page has paid.
    pub auto_pay: bool,
    /// Signs webhooks; one of the server's own where absent.
    pub webhook_secret: Option<Secret>,
    /// Opens checkouts at Paddle.
    pub paddle_api_key: Option<Secret>,
    /// Paddle's API; the one for real money where absent.
    pub paddle_api_url: Option<Url>,
    /// Plans and the payment provider's price ids for them.
    pub prices: Vec<(String, String)>,
}

impl PaymentSettings {
    /// The configured price of a plan, by its id or by its word: `plan_basic` or `basic`.
    #[must_use]
    pub fn price_of(&self, plan_id: &str) -> Option<&str> {
        let word = plan_id.strip_prefix("plan_").unwrap_or(plan_id);
        let price = self.prices.iter().rev().find(|(plan, _)| plan == plan_id || plan == word);
        price.map(|(_, price)| price.as_str())
    }

    /// True when there is such a plan, by its id or by its word.
    #[must_use]
    #[allow(clippy::unused_self, reason = "the plans are everybody's")]
    pub fn knows_plan(&self, word: &str) -> bool {
        let is = |id: &str| id == word || id.strip_prefix("plan_") == Some(word);
        catalogue::offers().iter().any(|offer| is(&offer.plan.id))
    }
}

//! Payments: the webhook by which a payment provider tells of purchases, what is done about it, Paddle's API, and the
//! sandbox's own payment provider, which shows a page and calls that webhook over HTTP like a real one.

pub mod inbox;
pub mod notice;
pub mod opening;
pub mod paddle;
pub mod page;
pub mod prices;
pub mod progress;
pub mod sandbox;
pub mod signature;
pub mod webhook;

use self::paddle::Paddle;
use self::signature::WebhookKey;
use super::settings::PaymentSettings;

/// The key that webhooks are signed with: the configured one, or the server's own.
#[must_use]
pub fn key(settings: &PaymentSettings, own: [u8; 32]) -> WebhookKey {
    settings.webhook_secret.as_ref().map_or_else(|| WebhookKey::new(own), WebhookKey::from_secret)
}

/// Paddle, where it is configured.
pub fn paddle(settings: &PaymentSettings) -> Result<Option<Paddle>, reqwest::Error> {
    let Some(key) = settings.paddle_api_key.clone() else { return Ok(None) };
    match &settings.paddle_api_url {
        Some(url) => Paddle::new(url.as_str(), key).map(Some),
        None => Paddle::new(paddle::LIVE, key).map(Some),
    }
}

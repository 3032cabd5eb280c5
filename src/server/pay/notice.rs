//! What a webhook says (protocol B.9, J.7): the short form of the reference, and the whole entities that Paddle Billing
//! sends. Knows JSON; must not know what is done about it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::model::SessionId;
use crate::server::error::Failure;
use crate::server::purchase::Purchase;
use crate::server::store;
use crate::server::store::subscriptions::Terms;

/// Statuses of a subscription: a closed set (protocol B.2).
const STATUSES: [&str; 5] = ["active", "trialing", "past_due", "paused", "canceled"];
/// Longest id that is believed to be one.
const LONGEST_ID: usize = 200;

/// The body of a webhook, as far as it matters here.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Unique per event.
    pub event_id: String,
    /// `transaction.completed`, ...
    pub event_type: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// Only Paddle itself says it: the delivery, of which an event can have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<String>,
    /// What it is about.
    pub data: NoticeData,
}

/// The subject of a notice: a transaction or a subscription.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct NoticeData {
    /// `txn_...` or `sub_...`, as the event's type says.
    pub id: String,
    /// `ctm_...`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// `sub_...` on a transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// `txn_...` on a subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The provider's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What was bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<NoticeItem>,
    /// What the checkout passed along. Another product's may hold anything.
    #[serde(default, deserialize_with = "ours", skip_serializing_if = "Option::is_none")]
    pub custom_data: Option<CustomData>,
    /// What a subscription is paid for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_billing_period: Option<Period>,
    /// What a transaction paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_period: Option<Period>,
    /// What happens to a subscription at a later time; `null` where nothing does, absent where it is not said.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[allow(clippy::option_option, reason = "absent, `null` and something are three things here")]
    pub scheduled_change: Option<Option<ScheduledChange>>,
}

/// One thing that was bought: the short form names its price, Paddle sends it whole.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct NoticeItem {
    /// The price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_id: Option<String>,
    /// The price with everything about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<NoticePrice>,
    /// How many.
    #[serde(default)]
    pub quantity: u32,
}

/// A price.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct NoticePrice {
    /// `pri_...`
    pub id: String,
}

/// A time that is paid for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Period {
    /// RFC 3339.
    pub starts_at: String,
    /// RFC 3339.
    pub ends_at: String,
}

/// Something that will happen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduledChange {
    /// `cancel`, `pause`, `resume`.
    pub action: String,
}

/// What the checkout passed along.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct CustomData {
    /// Region code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where the browser goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session_id: Option<String>,
}

/// What has to be done about a notice.
#[derive(Debug)]
pub enum Meaning {
    /// Something was bought.
    Purchase(Box<Purchase>),
    /// A subscription that exists is another one now.
    News {
        /// `sub_...`
        subscription: String,
        /// Of the closed set.
        status: &'static str,
        /// Everything else that is said.
        terms: Terms,
    },
    /// Nothing.
    Nothing,
}

/// Custom data, if it looks like ours.
fn ours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CustomData>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Tells `null` from what is not there.
#[allow(clippy::option_option, reason = "absent, `null` and something are three things here")]
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Notice {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<Self, Failure> {
        let notice: Self = serde_json::from_slice(body)
            .map_err(|error| Failure::bad_request(format!("the webhook's body cannot be read: {error}")))?;
        for id in [&notice.event_id, &notice.event_type, &notice.data.id] {
            if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) {
                return Err(Failure::bad_request("the webhook has an id that is none"));
            }
        }
        Ok(notice)
    }

    /// When it happened, as the tables keep it. What says no time happened now.
    pub fn occurred_at(&self) -> Result<String, Failure> {
        match &self.occurred_at {
            Some(raw) => moment(raw).ok_or_else(|| Failure::bad_request("occurred_at is not an RFC 3339 time")),
            None => Ok(store::precisely(jiff::Timestamp::now())),
        }
    }

    /// The subscription that it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        if self.event_type.starts_with("subscription.") {
            Some(&self.data.id)
        } else {
            self.data.subscription_id.as_deref()
        }
    }

    /// What has to be done, or why nobody can tell.
    pub fn meaning(self) -> Result<Meaning, Failure> {
        match self.event_type.as_str() {
            "transaction.completed" | "subscription.created" => self.purchase(),
            "subscription.past_due" => Ok(self.news("past_due")),
            "subscription.paused" => Ok(self.news("paused")),
            "subscription.canceled" | "subscription.cancelled" => Ok(self.news("canceled")),
            "subscription.trialing" => Ok(self.news("trialing")),
            "subscription.activated" | "subscription.resumed" => Ok(self.news("active")),
            "subscription.updated" => {
                let status = status_word(self.data.status.as_deref());
                let status = status
                    .ok_or_else(|| Failure::bad_request("the webhook says no subscription status that is known"))?;
                Ok(self.news(status))
            }
            _ => Ok(Meaning::Nothing),
        }
    }

    fn news(self, status: &'static str) -> Meaning {
        let terms = self.terms();
        Meaning::News { subscription: self.data.id, status, terms }
    }

    fn terms(&self) -> Terms {
        let period = self.data.current_billing_period.as_ref().or(self.data.billing_period.as_ref());
        Terms {
            period: period.and_then(|period| Some((moment(&period.starts_at)?, moment(&period.ends_at)?))),
            cancel_at_period_end: self
                .data
                .scheduled_change
                .as_ref()
                .map(|change| change.as_ref().is_some_and(|change| change.action == "cancel")),
        }
    }

    fn purchase(self) -> Result<Meaning, Failure> {
        let missing = |what: &str| Failure::bad_request(format!("the webhook says no {what}"));
        let occurred_at = self.occurred_at()?;
        let terms = self.terms();
        let is_paddles = self.notification_id.is_some();
        let data = self.data;
        let session = data.custom_data.and_then(|custom| custom.checkout_session_id);
        let Some(session) = session else {
            // Paddle tells every endpoint about everything that its account sells.
            return if is_paddles { Ok(Meaning::Nothing) } else { Err(missing("checkout_session_id")) };
        };
        let is_transaction = self.event_type == "transaction.completed";
        let (transaction, subscription) =
            if is_transaction { (Some(data.id), data.subscription_id) } else { (data.transaction_id, Some(data.id)) };
        let status = if is_transaction { "active" } else { status_word(data.status.as_deref()).unwrap_or("active") };
        let transaction_id = transaction.ok_or_else(|| missing("transaction"))?;
        Ok(Meaning::Purchase(Box::new(Purchase {
            event_id: self.event_id,
            occurred_at,
            session: SessionId::new(session).map_err(|error| Failure::bad_request(error.to_string()))?,
            // Known by its transaction until somebody says the rest.
            subscription_id: subscription.unwrap_or_else(|| transaction_id.clone()),
            transaction_id,
            customer_id: data.customer_id.ok_or_else(|| missing("customer"))?,
            price_id: data.items.into_iter().find_map(|item| item.price.map(|price| price.id).or(item.price_id)),
            status,
            terms,
        })))
    }
}

fn moment(raw: &str) -> Option<String> {
    raw.parse().ok().map(store::precisely)
}

/// The word of the closed set; the British one is read too (protocol K30).
fn status_word(raw: Option<&str>) -> Option<&'static str> {
    let raw = if raw == Some("cancelled") { Some("canceled") } else { raw };
    STATUSES.into_iter().find(|word| Some(*word) == raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Meaning, Failure> {
        Notice::read(body.to_string().as_bytes())?.meaning()
    }

    /// As Paddle sends it, shortened only in what nobody here reads.
    fn created() -> Value {
        json!({
            "event_id": "evt_01hv8x2acma2gz7he8kg2s0hna", "event_type": "subscription.created",
            "occurred_at": "2024-04-12T10:18:49.621022Z", "notification_id": "ntf_01hv8x2af22sbgrhqdf1dj5m8e",
            "data": {
                "id": "sub_01hv8x29kz0t586xy6zn1a62ny", "status": "trialing", "transaction_id": "txn_01hv8wptq8987qeep44cyrewp9",
                "customer_id": "ctm_01hv6y1jedq4p1n0yqn5ba3ky4", "address_id": "add_01hv8gq3318ktkfengj2r75gfx",
                "business_id": null, "currency_code": "USD", "discount": null, "canceled_at": null, "paused_at": null,
                "current_billing_period": { "starts_at": "2024-04-12T10:18:47.635628Z", "ends_at": "2024-05-12T10:18:47.635628Z" },
                "billing_cycle": { "interval": "month", "frequency": 1 }, "scheduled_change": null,
                "items": [{ "status": "active", "quantity": 1, "price": { "id": "pri_01gsz8x8sawmvhz1pv30nge1ke",
                    "unit_price": { "amount": "3000", "currency_code": "USD" } } }],
                "custom_data": { "checkout_session_id": "cs_8Wn2", "region": "fra" }
            }
        })
    }

    #[test]
    fn paddles_own_form_is_read() {
        let Ok(Meaning::Purchase(purchase)) = read(&created()) else { panic!("a purchase") };
        assert_eq!(purchase.subscription_id, "sub_01hv8x29kz0t586xy6zn1a62ny");
        assert_eq!(purchase.transaction_id, "txn_01hv8wptq8987qeep44cyrewp9");
        assert_eq!(purchase.price_id.as_deref(), Some("pri_01gsz8x8sawmvhz1pv30nge1ke"));
        assert_eq!((purchase.status, purchase.occurred_at.as_str()), ("trialing", "2024-04-12T10:18:49.621022Z"));
        assert_eq!(purchase.terms.cancel_at_period_end, Some(false));
        assert_eq!(purchase.terms.period.map(|(_, end)| end).as_deref(), Some("2024-05-12T10:18:47.635628Z"));
    }

    #[test]
    fn what_another_product_sold_is_nobodys_business_here() {
        for custom in [Value::Null, json!({ "order": 7 }), json!("text"), json!({ "checkout_session_id": 7 })] {
            let mut body = created();
            body["data"]["custom_data"] = custom;
            assert!(matches!(read(&body), Ok(Meaning::Nothing)));
        }
        let mut short = created();
        short["data"]["custom_data"] = Value::Null;
        short.as_object_mut().expect("an object").remove("notification_id");
        assert!(read(&short).is_err(), "in the short form it is malformed");
    }

    #[test]
    fn every_subscription_event_has_its_status() {
        for (kind, status, expected) in [
            ("subscription.updated", "past_due", "past_due"),
            ("subscription.updated", "cancelled", "canceled"),
            ("subscription.activated", "active", "active"),
            ("subscription.resumed", "active", "active"),
            ("subscription.trialing", "trialing", "trialing"),
            ("subscription.past_due", "past_due", "past_due"),
            ("subscription.paused", "paused", "paused"),
            ("subscription.canceled", "canceled", "canceled"),
        ] {
            let mut body = created();
            body["event_type"] = json!(kind);
            body["data"]["status"] = json!(status);
            body["data"]["scheduled_change"] = json!({ "action": "cancel", "effective_at": "2024-05-12T10:18:47Z" });
            let Ok(Meaning::News { status, terms, .. }) = read(&body) else { panic!("{kind}") };
            assert_eq!((status, terms.cancel_at_period_end), (expected, Some(true)), "{kind}");
        }
        let mut body = created();
        body["event_type"] = json!("subscription.updated");
        body["data"]["status"] = json!("frozen");
        assert!(read(&body).is_err());
        body["event_type"] = json!("address.created");
        assert!(matches!(read(&body), Ok(Meaning::Nothing)));
    }
}

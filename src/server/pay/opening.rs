//! Opens a checkout session: at Paddle where it takes the money, on the sandbox's page otherwise.

use url::Url;

use super::notice::CustomData;
use crate::model::{CheckoutSession, SessionId, TenantId};
use crate::server::catalogue::Offer;
use crate::server::error::Failure;
use crate::server::keys;
use crate::server::redirect::loopback;
use crate::server::state::Server;
use crate::server::store::sessions::SessionRow;
use crate::server::store::{self, Connection, accounts, audit, sessions, tenants};

/// How long a session can be paid, hours.
const LIFETIME_HOURS: i64 = 24;
/// What the way back says itself: the address that was given must not say it first.
pub const RESERVED: [&str; 7] =
    ["status", "checkout_session_id", "transaction_id", "tenant_id", "error", "error_description", "access_token"];

/// What somebody wants to buy.
#[derive(Debug)]
pub struct Wish {
    /// Who.
    pub user_id: String,
    /// What.
    pub offer: Offer,
    /// Where it is to run.
    pub region: String,
    /// Where the browser goes afterwards.
    pub redirect_uri: Option<String>,
    /// The tenant that gets another plan; where absent, a tenant is made.
    pub for_tenant: Option<TenantId>,
}

/// Opens the session. Nothing is held while Paddle is asked.
pub async fn open(server: &Server, wish: Wish) -> Result<CheckoutSession, Failure> {
    if wish.redirect_uri.as_deref().is_some_and(|uri| loopback(uri).is_none()) {
        return Err(Failure::bad_request("redirect_uri must be an http address on this machine's loopback"));
    }
    need_room(&mut *server.store.read().await?, &wish).await?;
    let id = format!("cs_{}", keys::random_word(24)?);
    let plan = wish.offer.plan.clone();
    let (transaction_id, checkout_url, provider) = match &server.paddle {
        None => {
            let transaction = format!("txn_{}", keys::random_word(24)?.to_ascii_lowercase());
            (transaction, format!("{}/pay/{id}", server.base), "sandbox")
        }
        Some(paddle) => {
            let custom = CustomData {
                region: Some(wish.region.clone()),
                redirect_uri: wish.redirect_uri.clone(),
                checkout_session_id: Some(id.clone()),
            };
            let made = paddle.transaction(&plan.paddle_price_id, &custom).await.map_err(|error| {
                tracing::error!(%error, "a checkout cannot be opened at Paddle");
                Failure::unavailable("the payment provider does not take payments now").reason("payment_unavailable")
            })?;
            (made.id, made.checkout_url, "paddle")
        }
    };
    let now = jiff::Timestamp::now();
    let expires = now.saturating_add(jiff::SignedDuration::from_hours(LIFETIME_HOURS));
    let mut tx = server.store.write().await?;
    need_room(&mut tx, &wish).await?;
    let session = SessionRow {
        id,
        user_id: wish.user_id,
        plan_id: plan.id,
        price_id: plan.paddle_price_id,
        region: wish.region,
        redirect_uri: wish.redirect_uri,
        transaction_id,
        form_nonce: keys::random_word(32)?,
        status: "open".into(),
        tenant_id: None,
        created_at: store::at(now),
        expires_at: store::at(expires.map_err(|error| Failure::internal(format!("clock: {error}")))?),
        for_tenant: wish.for_tenant.map(|id| id.to_string()),
        provider: provider.into(),
    };
    sessions::insert(&mut tx, &session).await?;
    audit::record(&mut tx, &session.user_id, session.for_tenant.as_deref(), "checkout").await?;
    tx.commit().await?;
    Ok(CheckoutSession {
        checkout_url,
        checkout_session_id: SessionId::new(session.id).ok(),
        transaction_id: Some(session.transaction_id),
    })
}

/// Refuses when the customer has as many tenants on the plan as it allows (protocol G.10).
async fn need_room(db: &mut Connection, wish: &Wish) -> Result<(), Failure> {
    let plan = &wish.offer.plan;
    let Some(most) = plan.max_tenants else { return Ok(()) };
    let Some(customer) = accounts::customer_of(db, &wish.user_id).await? else { return Ok(()) };
    let there = match &wish.for_tenant {
        Some(id) => tenants::count_others_on_plan(db, &customer.id, &plan.id, id).await?,
        None => tenants::count_on_plan(db, &customer.id, &plan.id).await?,
    };
    if there < i64::from(most) {
        return Ok(());
    }
    Err(Failure::forbidden(format!("the plan {} allows {most} per account", plan.name), "free_limit"))
}

/// The client's callback with what it has to know; `None` where no browser is awaited.
#[must_use]
pub fn way_back(session: &SessionRow) -> Option<Url> {
    let mut url = loopback(session.redirect_uri.as_deref()?)?;
    let own: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| !RESERVED.contains(&key.as_ref()))
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    {
        let mut query = url.query_pairs_mut();
        query.clear().extend_pairs(own);
        match session.status.as_str() {
            "declined" => query.append_pair("error", "payment declined"),
            "expired" => query.append_pair("error", "the checkout has expired"),
            "failed" => query.append_pair("error", "the tenant could not be made"),
            _ => query
                .append_pair("status", "pending")
                .append_pair("checkout_session_id", &session.id)
                .append_pair("transaction_id", &session.transaction_id),
        };
    }
    Some(url)
}

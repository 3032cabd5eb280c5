//! From "paid" to a tenant: the one transaction that turns a checkout session into customer,
//! subscription and tenant with everything reserved, once, however often the payment provider says it.

use sqlx::{Any, Transaction};

use super::error::Failure;
use super::events::{self, News, Spoken, Topic};
use super::provisioner::infrastructure;
use super::state::Server;
use super::store::sessions::{self, SessionRow};
use super::store::subscriptions::{self, SubscriptionRow, Terms};
use super::store::tenants::{self, NewTenant};
use super::store::{Connection, accounts, audit, inbox, now};
use super::{catalogue, keys, pay, plan_change};
use crate::model::{EventKind, SessionId, TenantId};

/// What the payment provider says about a purchase.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The webhook event.
    pub event_id: String,
    /// When it happened, RFC 3339.
    pub occurred_at: String,
    /// The session that it belongs to.
    pub session: SessionId,
    /// `txn_...`
    pub transaction_id: String,
    /// `sub_...`
    pub subscription_id: String,
    /// `ctm_...`
    pub customer_id: String,
    /// `pri_...`, where it is said.
    pub price_id: Option<String>,
    /// What the subscription is now.
    pub status: &'static str,
    /// What else is said of it.
    pub terms: Terms,
}

impl Purchase {
    /// True when this is what the session sells. Paddle says the price always, and the transaction is the session's own;
    /// the sandbox's short form may leave the price out.
    #[must_use]
    pub fn pays_for(&self, session: &SessionRow) -> bool {
        match self.price_id.as_deref() {
            Some(price) if price != session.price_id => false,
            None if session.provider == "paddle" => false,
            _ => session.provider != "paddle" || self.transaction_id == session.transaction_id,
        }
    }
}

/// Why a paid session gets no tenant.
enum Refusal {
    PlanIsFull(String),
    NoPort,
}

/// Makes the tenant and starts phase 1, or gives a tenant another plan, unless this purchase is known already.
pub async fn complete(server: &Server, purchase: &Purchase) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    if !inbox::take(&mut tx, &purchase.event_id).await? {
        return Ok(());
    }
    let session = sessions::get(&mut tx, purchase.session.as_str()).await?;
    let known = subscriptions::is_known(
        &mut tx,
        purchase.session.as_str(),
        &purchase.transaction_id,
        &purchase.subscription_id,
    );
    if known.await? {
        return repeat(server, tx, purchase).await;
    }
    let session = match session {
        Some(session)
            if may_be_paid(&session)
                && purchase.pays_for(&session)
                && !subscriptions::is_refused(&mut tx, &purchase.subscription_id).await? =>
        {
            session
        }
        other => return turn_away(server, tx, purchase, other.as_ref()).await,
    };
    if let Some(tenant) = session.for_tenant.clone() {
        return plan_change::complete(server, tx, purchase, &session, &tenant).await;
    }
    let id = TenantId::new(uuid::Uuid::new_v4().to_string()).map_err(|error| Failure::internal(error.to_string()))?;
    let operation = uuid::Uuid::new_v4().to_string();
    match admit(server, &mut tx, purchase, &session, &id, &operation).await {
        Ok(Ok((topic, spoken))) => {
            let more = inbox::subscription_is_known(&mut tx, &purchase.subscription_id).await?;
            if let Err(error) = tx.commit().await {
                server.doors.close(&id);
                return Err(error.into());
            }
            server.events.wake(&spoken);
            infrastructure::start(server, id, topic);
            go_on(server, more);
            Ok(())
        }
        Ok(Err(refusal)) => {
            let message = match refusal {
                Refusal::PlanIsFull(name) => format!("the plan {name} allows no further tenant"),
                Refusal::NoPort => "no free port is left for another tenant".into(),
            };
            refuse(server, tx, purchase, &session, &message).await
        }
        Err(failure) => {
            server.doors.close(&id);
            Err(failure)
        }
    }
}

/// A session that a payment counts for: what ended otherwise does not begin again, unless Paddle took money for it.
fn may_be_paid(session: &SessionRow) -> bool {
    match session.status.as_str() {
        "failed" => false,
        "expired" | "declined" => session.provider != "sandbox",
        "open" => session.provider != "sandbox" || !is_expired(session),
        _ => true,
    }
}

/// A purchase that is known: the second of the two events that tell it may know more.
async fn repeat(server: &Server, mut tx: Transaction<'static, Any>, purchase: &Purchase) -> Result<(), Failure> {
    let Purchase { subscription_id, transaction_id, occurred_at, terms, status, .. } = purchase;
    if subscription_id != transaction_id {
        subscriptions::name(&mut tx, purchase.session.as_str(), transaction_id, subscription_id).await?;
        let _ = subscriptions::update(&mut tx, subscription_id, status, occurred_at, terms).await?;
    }
    let more = inbox::subscription_is_known(&mut tx, subscription_id).await?;
    tx.commit().await?;
    go_on(server, more);
    Ok(())
}

/// Takes up what came before its subscription was known.
pub(super) fn go_on(server: &Server, more: bool) {
    if !more {
        return;
    }
    let worker = server.clone();
    drop(server.background(async move {
        if let Err(error) = pay::inbox::work_off(&worker).await {
            tracing::warn!(%error, "news that came early waits for the next round");
        }
    }));
}

/// A payment that is for no session, for one that is over, or for something else than the session sells: the session
/// stays as it is.
async fn turn_away(
    server: &Server,
    mut tx: Transaction<'static, Any>,
    purchase: &Purchase,
    session: Option<&SessionRow>,
) -> Result<(), Failure> {
    note_refusal(&mut tx, purchase, session, "no checkout session that can be paid").await?;
    tx.commit().await?;
    tracing::error!(event = purchase.event_id, "a payment for a checkout that is unknown, over or another one");
    pay::inbox::hurry(server);
    Ok(())
}

/// Says why a purchase gets nothing. At Paddle its subscription would be charged on and on: it is ended there. One that
/// names a checkout nobody knows may be another server's, and is let be.
async fn note_refusal(
    db: &mut Connection,
    purchase: &Purchase,
    session: Option<&SessionRow>,
    message: &str,
) -> Result<(), Failure> {
    let Purchase { event_id, subscription_id, transaction_id, .. } = purchase;
    // Without its subscription's id, the other event of the same purchase says it.
    if session.is_some_and(|session| session.provider == "paddle") && subscription_id != transaction_id {
        subscriptions::refuse(db, subscription_id, event_id, message).await?;
        let note = format!("{message}; Paddle is told to end {subscription_id}");
        inbox::refuse(db, event_id, &note).await?;
    } else {
        inbox::refuse(db, event_id, message).await?;
    }
    Ok(())
}

/// Ends a paid session that gets nothing.
pub(super) async fn refuse(
    server: &Server,
    mut tx: Transaction<'static, Any>,
    purchase: &Purchase,
    session: &SessionRow,
    message: &str,
) -> Result<(), Failure> {
    tracing::error!(session = %purchase.session, message, "a paid session gets no tenant");
    sessions::set_status(&mut tx, purchase.session.as_str(), "failed").await?;
    note_refusal(&mut tx, purchase, Some(session), message).await?;
    let topic = session_topic(&purchase.session, &uuid::Uuid::new_v4().to_string());
    let spoken = events::say(&mut tx, &topic, &News::failed("payment", message)).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    pay::inbox::hurry(server);
    Ok(())
}

/// The subscription that a purchase makes.
pub(super) fn subscription(purchase: &Purchase, session: &SessionRow, customer: &str, plan: &str) -> SubscriptionRow {
    // Said by whoever says it; a month from the purchase otherwise, as the catalogue sells it.
    let period = purchase.terms.period.clone();
    let (start, end) = period.unwrap_or_else(|| {
        let end = catalogue::month_after(&purchase.occurred_at).unwrap_or_else(|| purchase.occurred_at.clone());
        (purchase.occurred_at.clone(), end)
    });
    SubscriptionRow {
        id: uuid::Uuid::new_v4().to_string(),
        customer_id: customer.to_owned(),
        paddle_subscription_id: purchase.subscription_id.clone(),
        transaction_id: purchase.transaction_id.clone(),
        checkout_session_id: session.id.clone(),
        plan_id: plan.to_owned(),
        status: purchase.status.into(),
        occurred_at: purchase.occurred_at.clone(),
        price_id: session.price_id.clone(),
        provider: session.provider.clone(),
        current_period_start: start,
        current_period_end: Some(end),
        cancel_at_period_end: purchase.terms.cancel_at_period_end.unwrap_or_default().into(),
    }
}

async fn admit(
    server: &Server,
    db: &mut Connection,
    purchase: &Purchase,
    session: &SessionRow,
    id: &TenantId,
    operation: &str,
) -> Result<Result<(Topic, Spoken), Refusal>, Failure> {
    let offer = catalogue::by_plan(&session.plan_id);
    let offer = offer.ok_or_else(|| Failure::internal("the session's plan is not on offer any more"))?;
    let customer = customer_for(db, session, &purchase.customer_id).await?;
    if let Some(most) = offer.plan.max_tenants
        && tenants::count_on_plan(db, &customer, &offer.plan.id).await? >= i64::from(most)
    {
        return Ok(Err(Refusal::PlanIsFull(offer.plan.name)));
    }
    let free = tenants::free_ports(db, server.settings.ports.clone()).await?;
    let Some(port) = server.doors.reserve(id, &free).await else { return Ok(Err(Refusal::NoPort)) };
    let subscription = subscription(purchase, session, &customer, &offer.plan.id);
    subscriptions::insert(db, &subscription).await?;
    let tenant = NewTenant {
        id: id.clone(),
        owner_customer_id: customer,
        subscription_id: subscription.id,
        checkout_session_id: session.id.clone(),
        plan_id: offer.plan.id,
        region: session.region.clone(),
        memory_mb: offer.plan.memory_mb_default,
        volume_gb: offer.plan.volume_gb,
        port,
    };
    tenants::insert(db, &tenant).await?;
    audit::record(db, &session.user_id, Some(id.as_str()), "created").await?;
    sessions::set_tenant(db, &session.id, id.as_str()).await?;
    sessions::set_status(db, &session.id, "paid").await?;
    let name = id.short();
    let topic = infrastructure::first_topic(&purchase.session, (id.clone(), name.clone()), operation);
    let paid = News::step(EventKind::SubscriptionCreated, "payment", "payment confirmed, tenant is being created");
    // Mirrored on the tenant's stream only from `tenant_created` on.
    let on_session = Topic { on_tenant_stream: false, ..topic.clone() };
    let _ = events::say(db, &on_session, &paid).await?;
    let made = News::step(EventKind::TenantCreated, "tenant", format!("tenant {name} created"));
    let spoken = events::say(db, &topic, &made).await?;
    Ok(Ok((topic, spoken)))
}

/// The customer that the session's user is, or becomes.
async fn customer_for(db: &mut Connection, session: &SessionRow, id: &str) -> Result<String, Failure> {
    if let Some(customer) = accounts::customer_of(db, &session.user_id).await? {
        return Ok(customer.id);
    }
    // Someone who paid for two accounts with one e-mail is one customer there and two here.
    let id = match accounts::customer(db, id).await? {
        Some(_) => format!("ctm_{}", keys::random_word(24)?.to_ascii_lowercase()),
        None => id.to_owned(),
    };
    accounts::insert_customer(db, &id, &session.user_id).await?;
    Ok(id)
}

/// Ends a session that nobody will pay.
pub async fn decline(server: &Server, session: &SessionId) -> Result<(), Failure> {
    close(server, session, "declined").await
}

/// Ends a session whose time is over; false while it is not, or when it has ended otherwise.
pub async fn expire(server: &Server, session: &SessionRow) -> Result<bool, Failure> {
    if session.status != "open" || !is_expired(session) {
        return Ok(false);
    }
    let id = SessionId::new(&*session.id).map_err(|error| Failure::internal(error.to_string()))?;
    close(server, &id, "expired").await?;
    Ok(true)
}

async fn close(server: &Server, session: &SessionId, word: &'static str) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    if sessions::advance(&mut tx, session.as_str(), "open", word).await? {
        let topic = session_topic(session, &uuid::Uuid::new_v4().to_string());
        let spoken = events::say(&mut tx, &topic, &News::failed("payment", word)).await?;
        tx.commit().await?;
        server.events.wake(&spoken);
    }
    Ok(())
}

/// True when an open session cannot be paid any more.
#[must_use]
pub fn is_expired(session: &SessionRow) -> bool {
    session.expires_at < now()
}

pub(super) fn session_topic(session: &SessionId, operation: &str) -> Topic {
    Topic { session: Some(session.clone()), tenant: None, on_tenant_stream: false, operation: operation.to_owned() }
}

//! From "paid" to a tenant: the one transaction that turns a checkout session into customer,
//! subscription and tenant with everything reserved, once, however often the payment provider says it.

use super::catalogue;
use super::error::Failure;
use super::events::{self, News, Spoken, Topic};
use super::provisioner::infrastructure;
use super::state::Server;
use super::store::sessions::{self, SessionRow};
use super::store::subscriptions::{self, SubscriptionRow};
use super::store::tenants::{self, NewTenant};
use super::store::{Connection, accounts, audit, now};
use crate::model::{EventKind, SessionId, TenantId};

/// What the payment provider says about a purchase.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The webhook event.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
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
}

/// Why a paid session gets no tenant.
enum Refusal {
    PlanIsFull(String),
    NoPort,
}

/// Makes the tenant and starts phase 1, unless this purchase is known already.
pub async fn complete(server: &Server, purchase: &Purchase) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    if !subscriptions::first_sight(&mut tx, &purchase.event_id, &purchase.event_type).await? {
        return Ok(());
    }
    let session = sessions::get(&mut tx, purchase.session.as_str()).await?;
    let session = session.ok_or_else(|| Failure::bad_request("no such checkout session"))?;
    let known = subscriptions::is_known(
        &mut tx,
        purchase.session.as_str(),
        &purchase.transaction_id,
        &purchase.subscription_id,
    );
    if known.await? || session.status == "failed" {
        tx.commit().await?;
        return Ok(());
    }
    let id = TenantId::new(uuid::Uuid::new_v4().to_string()).map_err(|error| Failure::internal(error.to_string()))?;
    let operation = uuid::Uuid::new_v4().to_string();
    match admit(server, &mut tx, purchase, &session, &id, &operation).await {
        Ok(Ok((topic, spoken))) => {
            if let Err(error) = tx.commit().await {
                server.doors.close(&id);
                return Err(error.into());
            }
            server.events.wake(&spoken);
            infrastructure::start(server, id, topic);
            Ok(())
        }
        Ok(Err(refusal)) => {
            let message = match refusal {
                Refusal::PlanIsFull(name) => format!("the plan {name} allows no further tenant"),
                Refusal::NoPort => "no free port is left for another tenant".into(),
            };
            tracing::error!(session = session.id, message, "a paid session gets no tenant");
            sessions::set_status(&mut tx, &session.id, "failed").await?;
            let topic = session_topic(&purchase.session, &operation);
            let spoken = events::say(&mut tx, &topic, &News::failed("payment", &message)).await?;
            tx.commit().await?;
            server.events.wake(&spoken);
            Ok(())
        }
        Err(failure) => {
            server.doors.close(&id);
            Err(failure)
        }
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
    let subscription = SubscriptionRow {
        id: uuid::Uuid::new_v4().to_string(),
        customer_id: customer.clone(),
        paddle_subscription_id: purchase.subscription_id.clone(),
        transaction_id: purchase.transaction_id.clone(),
        checkout_session_id: session.id.clone(),
        plan_id: offer.plan.id.clone(),
        status: "active".into(),
        occurred_at: purchase.occurred_at.clone(),
    };
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
    if accounts::customer(db, id).await?.is_some() {
        return Err(Failure::bad_request("the customer is another account's"));
    }
    accounts::insert_customer(db, id, &session.user_id).await?;
    Ok(id.to_owned())
}

/// Ends a session that nobody will pay.
pub async fn decline(server: &Server, session: &SessionId) -> Result<(), Failure> {
    let mut tx = server.store.write().await?;
    if sessions::advance(&mut tx, session.as_str(), "open", "declined").await? {
        let topic = session_topic(session, &uuid::Uuid::new_v4().to_string());
        let spoken = events::say(&mut tx, &topic, &News::failed("payment", "declined")).await?;
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

fn session_topic(session: &SessionId, operation: &str) -> Topic {
    Topic { session: Some(session.clone()), tenant: None, on_tenant_stream: false, operation: operation.to_owned() }
}

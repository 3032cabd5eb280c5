//! From "paid" to another plan: a tenant that exists gets the subscription that was bought for it (protocol B.35).

use sqlx::{Any, Transaction};

use super::catalogue;
use super::error::Failure;
use super::events::{self, News, Topic};
use super::pay;
use super::provisioner::{app_url, restart};
use super::purchase::{self, Purchase};
use super::state::Server;
use super::store::sessions::{self, SessionRow};
use super::store::tenants::{self, TenantRow};
use super::store::{audit, inbox, subscriptions};
use crate::model::{EventKind, Phase, TenantId};

/// Who changes a tenant because of a payment.
const BY_PAYMENT: &str = "payment";

/// Ends the old subscription, and gives the tenant the new one with its plan. Its machine follows.
pub async fn complete(
    server: &Server,
    mut tx: Transaction<'static, Any>,
    purchase: &Purchase,
    session: &SessionRow,
    tenant: &str,
) -> Result<(), Failure> {
    let id = TenantId::new(tenant).map_err(|error| Failure::internal(error.to_string()))?;
    let tenant = tenants::get(&mut tx, &id).await?.filter(|tenant| tenant.phase() != Phase::Deleting);
    let Some(tenant) = tenant else {
        return purchase::refuse(server, tx, purchase, session, "the tenant is gone").await;
    };
    let offer = catalogue::by_plan(&session.plan_id);
    let offer = offer.ok_or_else(|| Failure::internal("the session's plan is not on offer any more"))?;
    if let Some(most) = offer.plan.max_tenants {
        let customer = &tenant.owner_customer_id;
        let others = tenants::count_others_on_plan(&mut tx, customer, &offer.plan.id, &id).await?;
        if others >= i64::from(most) {
            let message = format!("the plan {} allows no further tenant", offer.plan.name);
            return purchase::refuse(server, tx, purchase, session, &message).await;
        }
    }
    let subscription = purchase::subscription(purchase, session, &tenant.owner_customer_id, &offer.plan.id);
    subscriptions::insert(&mut tx, &subscription).await?;
    subscriptions::cancel(&mut tx, &tenant.subscription_id).await?;
    let sizes = (offer.plan.memory_mb_default, offer.plan.volume_gb);
    tenants::change_plan(&mut tx, &id, &subscription.id, &offer.plan.id, sizes).await?;
    if tenant.memory_mb != i64::from(offer.plan.memory_mb_default) {
        // A machine that runs has the old memory until it is started again.
        tenants::environment_changed(&mut tx, &id).await?;
    }
    sessions::set_tenant(&mut tx, &session.id, id.as_str()).await?;
    sessions::set_status(&mut tx, &session.id, "done").await?;
    audit::record(&mut tx, BY_PAYMENT, Some(id.as_str()), "plan_change").await?;
    let topic = Topic {
        tenant: Some((id.clone(), tenant.name.clone())),
        ..purchase::session_topic(&purchase.session, &uuid::Uuid::new_v4().to_string())
    };
    let paid = News::step(EventKind::SubscriptionCreated, "payment", "payment confirmed, the plan is changed");
    let _ = events::say(&mut tx, &topic, &paid).await?;
    let spoken = events::say(&mut tx, &topic, &last_word(server, &tenant, &offer.plan.name)).await?;
    let more = inbox::subscription_is_known(&mut tx, &purchase.subscription_id).await?;
    tx.commit().await?;
    server.events.wake(&spoken);
    purchase::go_on(server, more);
    pay::inbox::hurry(server);
    if let Err(failure) = restart::apply_environment(server, &id, BY_PAYMENT).await {
        tracing::warn!(tenant = %id, ?failure, "the plan's memory takes effect at the machine's next start");
    }
    Ok(())
}

/// With what the session's stream ends: the tenant is where it was.
fn last_word(server: &Server, tenant: &TenantRow, plan: &str) -> News {
    let message = format!("the plan is {plan} now");
    let mut news = if tenant.machine_id.is_some() {
        News::new(EventKind::TenantReady, "running", message)
    } else {
        News::new(EventKind::InfrastructureReady, "awaiting_deploy", message)
    };
    news.app = Some(tenant.app.clone());
    news.app_url = tenant.machine_id.as_ref().and_then(|_| app_url(server, tenant));
    news
}

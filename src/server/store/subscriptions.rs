//! Subscriptions, and the webhook events that were already seen.

use super::{Connection, StoreError, now};

/// One subscription.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SubscriptionRow {
    /// A UUID.
    pub id: String,
    /// Who pays.
    pub customer_id: String,
    /// `sub_...`
    pub paddle_subscription_id: String,
    /// `txn_...`
    pub transaction_id: String,
    /// The session that it was bought in.
    pub checkout_session_id: String,
    /// The plan.
    pub plan_id: String,
    /// `active`, `trialing`, `past_due`, `paused`, `canceled`.
    pub status: String,
    /// When the payment provider said so last; older news is ignored.
    pub occurred_at: String,
}

/// Notes a webhook event; false when it was seen before.
pub async fn first_sight(db: &mut Connection, event: &str, event_type: &str) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "INSERT INTO webhook_events (event_id, event_type, received_at) VALUES ($1, $2, $3) ON CONFLICT (event_id) DO NOTHING",
    );
    Ok(query.bind(event).bind(event_type).bind(now()).execute(db).await?.rows_affected() == 1)
}

/// Keeps a new subscription.
pub async fn insert(db: &mut Connection, row: &SubscriptionRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO subscriptions (id, customer_id, paddle_subscription_id, transaction_id, checkout_session_id, \
         plan_id, status, occurred_at, current_period_start, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
    )
    .bind(&row.id)
    .bind(&row.customer_id)
    .bind(&row.paddle_subscription_id)
    .bind(&row.transaction_id)
    .bind(&row.checkout_session_id)
    .bind(&row.plan_id)
    .bind(&row.status)
    .bind(&row.occurred_at)
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// True when this purchase is known, by its session, its transaction or its subscription.
pub async fn is_known(
    db: &mut Connection,
    session: &str,
    transaction: &str,
    subscription: &str,
) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM subscriptions \
         WHERE checkout_session_id = $1 OR transaction_id = $2 OR paddle_subscription_id = $3",
    )
    .bind(session)
    .bind(transaction)
    .bind(subscription)
    .fetch_one(db)
    .await?;
    Ok(count > 0)
}

/// Takes over a status that the payment provider told, unless newer news is known or it has ended.
/// Answers the tenant of the subscription.
pub async fn update(
    db: &mut Connection,
    paddle: &str,
    status: &str,
    occurred_at: &str,
) -> Result<Option<String>, StoreError> {
    sqlx::query(
        "UPDATE subscriptions SET status = $2, occurred_at = $3, paused_by_suspend = 0 \
         WHERE paddle_subscription_id = $1 AND occurred_at < $3 AND status <> 'canceled'",
    )
    .bind(paddle)
    .bind(status)
    .bind(occurred_at)
    .execute(&mut *db)
    .await?;
    let query = sqlx::query_scalar(
        "SELECT tenants.id FROM tenants JOIN subscriptions ON subscriptions.id = tenants.subscription_id \
         WHERE subscriptions.paddle_subscription_id = $1 AND subscriptions.status = $2",
    );
    Ok(query.bind(paddle).bind(status).fetch_optional(db).await?)
}

/// Pauses an active subscription because its tenant was suspended. One in another state stays as it is.
pub async fn pause(db: &mut Connection, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE subscriptions SET status = 'paused', paused_by_suspend = 1, occurred_at = $2 \
         WHERE id = $1 AND status = 'active'",
    );
    query.bind(id).bind(now()).execute(db).await?;
    Ok(())
}

/// Takes [`pause`] back. A subscription that the payment provider paused stays so.
pub async fn resume(db: &mut Connection, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE subscriptions SET status = 'active', paused_by_suspend = 0, occurred_at = $2 \
         WHERE id = $1 AND status = 'paused' AND paused_by_suspend = 1",
    );
    query.bind(id).bind(now()).execute(db).await?;
    Ok(())
}

/// Ends a subscription for good.
pub async fn cancel(db: &mut Connection, id: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE subscriptions SET status = 'canceled', occurred_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now())
        .execute(db)
        .await?;
    Ok(())
}

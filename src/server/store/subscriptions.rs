//! Subscriptions: who pays for which tenant, as the payment provider said last, and what it has to be told.

use super::{Connection, StoreError, now, precisely};

/// How far Paddle's word about a pause or a resumption may be from our telling it, minutes.
const ECHO_MINUTES: i64 = 10;

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
    /// When the payment provider said something last, by its clock; older news is ignored.
    pub occurred_at: String,
    /// The price that was paid; empty where it was not kept.
    pub price_id: String,
    /// `sandbox` or `paddle`.
    pub provider: String,
    /// RFC 3339.
    pub current_period_start: String,
    /// RFC 3339.
    pub current_period_end: Option<String>,
    /// 1 when it ends with the period.
    pub cancel_at_period_end: i64,
}

/// What news says of a subscription beside its status; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Start and end of the period that is paid.
    pub period: Option<(String, String)>,
    /// True when it ends with the period.
    pub cancel_at_period_end: Option<bool>,
}

/// Keeps a new subscription.
pub async fn insert(db: &mut Connection, row: &SubscriptionRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO subscriptions (id, customer_id, paddle_subscription_id, transaction_id, checkout_session_id, \
         plan_id, price_id, provider, status, occurred_at, current_period_start, current_period_end, \
         cancel_at_period_end, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&row.id)
    .bind(&row.customer_id)
    .bind(&row.paddle_subscription_id)
    .bind(&row.transaction_id)
    .bind(&row.checkout_session_id)
    .bind(&row.plan_id)
    .bind(&row.price_id)
    .bind(&row.provider)
    .bind(&row.status)
    .bind(&row.occurred_at)
    .bind(&row.current_period_start)
    .bind(&row.current_period_end)
    .bind(row.cancel_at_period_end)
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// The subscription with our own id.
pub async fn get(db: &mut Connection, id: &str) -> Result<Option<SubscriptionRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM subscriptions WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// True when the payment provider's id is known.
pub async fn has(db: &mut Connection, paddle: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM subscriptions WHERE paddle_subscription_id = $1");
    let count: i64 = query.bind(paddle).fetch_one(db).await?;
    Ok(count > 0)
}

/// Takes over the payment provider's id for a purchase that was told without it.
pub async fn name(db: &mut Connection, session: &str, transaction: &str, paddle: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE subscriptions SET paddle_subscription_id = $3 WHERE (checkout_session_id = $1 OR transaction_id = $2) \
         AND paddle_subscription_id = transaction_id AND paddle_subscription_id <> $3",
    );
    query.bind(session).bind(transaction).bind(paddle).execute(db).await?;
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

/// Takes over what the payment provider told, unless newer news is known or the subscription has ended. What Paddle says
/// of a pause or a resumption that we told it, after we changed our mind, changes no status; its terms count.
/// Answers the tenant of the subscription, if its status is the one that was told.
pub async fn update(
    db: &mut Connection,
    paddle: &str,
    status: &str,
    occurred_at: &str,
    terms: &Terms,
) -> Result<Option<String>, StoreError> {
    let (start, end) = terms.period.clone().unzip();
    let (earliest, latest) = around(occurred_at);
    let query = format!(
        "UPDATE subscriptions SET status = CASE WHEN {ECHO} THEN status ELSE $2 END, occurred_at = $3, \
         paused_by_suspend = CASE WHEN {ECHO} OR ($2 = 'paused' AND provider = 'paddle') THEN paused_by_suspend \
         ELSE 0 END, \
         owed = CASE WHEN $2 = 'canceled' THEN NULL ELSE owed END, \
         current_period_start = COALESCE($4, current_period_start), \
         current_period_end = COALESCE($5, current_period_end), \
         cancel_at_period_end = COALESCE($6, cancel_at_period_end) \
         WHERE paddle_subscription_id = $1 AND occurred_at < $3 AND status <> 'canceled'"
    );
    sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(paddle)
        .bind(status)
        .bind(occurred_at)
        .bind(start)
        .bind(end)
        .bind(terms.cancel_at_period_end.map(i64::from))
        .bind(earliest)
        .bind(latest)
        .execute(&mut *db)
        .await?;
    let query = sqlx::query_scalar(
        "SELECT tenants.id FROM tenants JOIN subscriptions ON subscriptions.id = tenants.subscription_id \
         WHERE subscriptions.paddle_subscription_id = $1 AND subscriptions.status = $2",
    );
    Ok(query.bind(paddle).bind(status).fetch_optional(db).await?)
}

/// True for what Paddle says of our own pause while the subscription is active again, or of our own resumption while it
/// is paused again: the opposite is owed, or was told since, or this is what was told about this time.
const ECHO: &str = "(provider = 'paddle' AND (\
    ($2 = 'paused' AND status = 'active' AND \
    (owed = 'resume' OR resume_told_at > $3 OR (pause_told_at >= $7 AND pause_told_at <= $8))) OR \
    ($2 = 'active' AND status = 'paused' AND paused_by_suspend = 1 AND \
    (owed = 'pause' OR pause_told_at > $3 OR (resume_told_at >= $7 AND resume_told_at <= $8)))))";

/// The times between which something was told whose echo happened at `moment`.
fn around(moment: &str) -> (String, String) {
    let Ok(at) = moment.parse::<jiff::Timestamp>() else { return (moment.to_owned(), moment.to_owned()) };
    let reach = jiff::SignedDuration::from_mins(ECHO_MINUTES);
    let (earliest, latest) = (at.saturating_sub(reach), at.saturating_add(reach));
    (precisely(earliest.unwrap_or(at)), precisely(latest.unwrap_or(at)))
}

/// Pauses an active subscription because its tenant was suspended. One in another state stays as it is.
pub async fn pause(db: &mut Connection, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE subscriptions SET status = 'paused', paused_by_suspend = 1, owed = 'pause' \
         WHERE id = $1 AND status = 'active'",
    );
    query.bind(id).execute(db).await?;
    Ok(())
}

/// Takes [`pause`] back. A subscription that the payment provider paused stays so.
pub async fn resume(db: &mut Connection, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE subscriptions SET status = 'active', paused_by_suspend = 0, owed = 'resume' \
         WHERE id = $1 AND status = 'paused' AND paused_by_suspend = 1",
    );
    query.bind(id).execute(db).await?;
    Ok(())
}

/// Ends a subscription for good. Its payment provider has to be told, unless it said so itself.
pub async fn cancel(db: &mut Connection, id: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE subscriptions SET owed = CASE WHEN status = 'canceled' THEN owed ELSE 'cancel' END, \
         status = 'canceled' WHERE id = $1",
    );
    query.bind(id).execute(db).await?;
    Ok(())
}

/// Notes a subscription at Paddle that gets nothing here, so that Paddle is told to end it.
pub async fn refuse(db: &mut Connection, paddle: &str, event: &str, reason: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO unwanted_subscriptions (paddle_subscription_id, event_id, reason, created_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (paddle_subscription_id) DO NOTHING",
    );
    query.bind(paddle).bind(event).bind(reason).bind(now()).execute(db).await?;
    Ok(())
}

/// True for one that was noted by [`refuse`].
pub async fn is_refused(db: &mut Connection, paddle: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM unwanted_subscriptions WHERE paddle_subscription_id = $1");
    let count: i64 = query.bind(paddle).fetch_one(db).await?;
    Ok(count > 0)
}

/// Something that the payment provider has to be told.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Owed {
    /// The payment provider's id of the subscription.
    pub paddle_subscription_id: String,
    /// `cancel`, `pause` or `resume`.
    pub owed: String,
}

/// What Paddle has to be told. One that is known by its transaction only cannot be named to it yet.
pub async fn owed(db: &mut Connection) -> Result<Vec<Owed>, StoreError> {
    let query = sqlx::query_as(
        "SELECT paddle_subscription_id, owed FROM subscriptions \
         WHERE owed IS NOT NULL AND provider = 'paddle' AND paddle_subscription_id <> transaction_id \
         UNION ALL SELECT paddle_subscription_id, 'cancel' AS owed FROM unwanted_subscriptions WHERE told_at IS NULL \
         ORDER BY 1",
    );
    Ok(query.fetch_all(db).await?)
}

/// Notes that it is being told now: before the call, because what Paddle says of it may come before its answer does.
/// False when something else is owed by now.
pub async fn telling(db: &mut Connection, owed: &Owed) -> Result<bool, StoreError> {
    let column = match owed.owed.as_str() {
        "pause" => "pause_told_at",
        "resume" => "resume_told_at",
        _ => return Ok(true),
    };
    let query = format!("UPDATE subscriptions SET {column} = $3 WHERE paddle_subscription_id = $1 AND owed = $2");
    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(&owed.paddle_subscription_id).bind(&owed.owed);
    Ok(query.bind(precisely(jiff::Timestamp::now())).execute(db).await?.rows_affected() > 0)
}

/// Notes that it was told, unless something else is owed by now.
pub async fn told(db: &mut Connection, owed: &Owed) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE subscriptions SET owed = NULL WHERE paddle_subscription_id = $1 AND owed = $2");
    query.bind(&owed.paddle_subscription_id).bind(&owed.owed).execute(&mut *db).await?;
    if owed.owed == "cancel" {
        let query = sqlx::query("UPDATE unwanted_subscriptions SET told_at = $2 WHERE paddle_subscription_id = $1");
        query.bind(&owed.paddle_subscription_id).bind(now()).execute(db).await?;
    }
    Ok(())
}

/// True when this user's tenant is gone, and its subscription with it.
pub async fn is_over(db: &mut Connection, tenant: &str, user: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT COUNT(*) FROM tenants JOIN customers ON customers.id = tenants.owner_customer_id \
         WHERE tenants.id = $1 AND customers.user_id = $2 AND tenants.phase = 'deleted'",
    );
    let count: i64 = query.bind(tenant).bind(user).fetch_one(db).await?;
    Ok(count > 0)
}

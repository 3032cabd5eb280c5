//! Checkout sessions: from the wish to the tenant.

use super::{Connection, StoreError, now};

/// One session.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SessionRow {
    /// `cs_...`
    pub id: String,
    /// Who opened it.
    pub user_id: String,
    /// The plan.
    pub plan_id: String,
    /// The plan's price.
    pub price_id: String,
    /// Region code.
    pub region: String,
    /// Where the browser goes afterwards.
    pub redirect_uri: Option<String>,
    /// `txn_...`
    pub transaction_id: String,
    /// What the payment page's form must bring back.
    pub form_nonce: String,
    /// `open`, `paid`, `provisioning`, `done`, `failed`, `declined`, `expired`.
    pub status: String,
    /// The tenant that came of it.
    pub tenant_id: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339: an open session cannot be paid after it.
    pub expires_at: String,
    /// The tenant that gets another plan; where absent, a tenant is made.
    pub for_tenant: Option<String>,
    /// Where it is paid: `sandbox` or `paddle`.
    pub provider: String,
}

/// Keeps a new session.
pub async fn insert(db: &mut Connection, row: &SessionRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO checkout_sessions (id, user_id, plan_id, price_id, region, redirect_uri, transaction_id, \
         form_nonce, status, tenant_id, created_at, expires_at, for_tenant, provider) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&row.id)
    .bind(&row.user_id)
    .bind(&row.plan_id)
    .bind(&row.price_id)
    .bind(&row.region)
    .bind(&row.redirect_uri)
    .bind(&row.transaction_id)
    .bind(&row.form_nonce)
    .bind(&row.status)
    .bind(&row.tenant_id)
    .bind(&row.created_at)
    .bind(&row.expires_at)
    .bind(&row.for_tenant)
    .bind(&row.provider)
    .execute(db)
    .await?;
    Ok(())
}

/// The session.
pub async fn get(db: &mut Connection, id: &str) -> Result<Option<SessionRow>, StoreError> {
    Ok(sqlx::query_as("SELECT * FROM checkout_sessions WHERE id = $1").bind(id).fetch_optional(db).await?)
}

/// Moves a session on, if it is still where the caller thinks; false when it is not.
pub async fn advance(db: &mut Connection, id: &str, from: &str, to: &str) -> Result<bool, StoreError> {
    let query = sqlx::query("UPDATE checkout_sessions SET status = $3 WHERE id = $1 AND status = $2");
    Ok(query.bind(id).bind(from).bind(to).execute(db).await?.rows_affected() == 1)
}

/// Marks a session paid, if it can be paid still. What Paddle took money for was paid, however late.
pub async fn mark_paid(db: &mut Connection, id: &str) -> Result<bool, StoreError> {
    let query = sqlx::query(
        "UPDATE checkout_sessions SET status = 'paid' WHERE id = $1 \
         AND ((status = 'open' AND expires_at >= $2) OR (provider = 'paddle' AND status IN ('open', 'expired')))",
    );
    Ok(query.bind(id).bind(now()).execute(db).await?.rows_affected() == 1)
}

/// Sets the status, whatever it was.
pub async fn set_status(db: &mut Connection, id: &str, to: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE checkout_sessions SET status = $2 WHERE id = $1").bind(id).bind(to).execute(db).await?;
    Ok(())
}

/// Sets the time after which an open session cannot be paid.
pub async fn set_expiry(db: &mut Connection, id: &str, moment: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE checkout_sessions SET expires_at = $2 WHERE id = $1");
    query.bind(id).bind(moment).execute(db).await?;
    Ok(())
}

/// Ties the tenant to the session that bought it.
pub async fn set_tenant(db: &mut Connection, id: &str, tenant: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE checkout_sessions SET tenant_id = $2 WHERE id = $1").bind(id).bind(tenant).execute(db).await?;
    Ok(())
}

/// Ids of open sessions that can not be paid any more at `now`.
pub async fn overdue(db: &mut Connection, now: &str) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT id FROM checkout_sessions WHERE status = 'open' AND expires_at < $1 ORDER BY expires_at LIMIT 100",
    );
    Ok(query.bind(now).fetch_all(db).await?)
}

/// Forgets sessions from before that moment that ended without a tenant.
pub async fn trim(db: &mut Connection, before: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "DELETE FROM checkout_sessions WHERE created_at < $1 AND tenant_id IS NULL AND status IN ('declined', 'expired') \
         AND id NOT IN (SELECT checkout_session_id FROM subscriptions)",
    );
    query.bind(before).execute(db).await?;
    Ok(())
}

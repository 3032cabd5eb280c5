//! Who did what that matters for security. Never a secret.

use super::{Connection, StoreError, now};

/// Keeps one line.
pub async fn record(db: &mut Connection, user: &str, tenant: Option<&str>, action: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit (id, at, user_id, tenant_id, action) VALUES ($1, $2, $3, $4, $5)")
        .bind(uuid::Uuid::new_v4().to_string())
        .bind(now())
        .bind(user)
        .bind(tenant)
        .bind(action)
        .execute(db)
        .await?;
    Ok(())
}

/// The actions recorded for a tenant, oldest first.
pub async fn actions(db: &mut Connection, tenant: &str) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query_scalar("SELECT action FROM audit WHERE tenant_id = $1 ORDER BY at, id");
    Ok(query.bind(tenant).fetch_all(db).await?)
}

/// Forgets what happened before that moment.
pub async fn trim(db: &mut Connection, before: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM audit WHERE at < $1").bind(before).execute(db).await?;
    Ok(())
}

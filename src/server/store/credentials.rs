//! Sealed values: the credentials that can be read once, and what machines get in their environment.
//! This file never sees a secret in clear.

use super::{Connection, StoreError, now};

/// The one-time credentials of a tenant, sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OneTimeRow {
    /// The token of the link.
    pub token: String,
    /// With the real password.
    pub database_url: String,
    /// 64 characters.
    pub jwt_secret: String,
}

/// Arms the link; a link that was armed before dies.
pub async fn arm(db: &mut Connection, tenant: &str, row: &OneTimeRow) -> Result<(), StoreError> {
    disarm(db, tenant).await?;
    sqlx::query(
        "INSERT INTO tenant_secrets (tenant_id, token, database_url, jwt_secret, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(tenant)
    .bind(&row.token)
    .bind(&row.database_url)
    .bind(&row.jwt_secret)
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// The armed link, if there is one.
pub async fn armed(db: &mut Connection, tenant: &str) -> Result<Option<OneTimeRow>, StoreError> {
    let query = sqlx::query_as("SELECT token, database_url, jwt_secret FROM tenant_secrets WHERE tenant_id = $1");
    Ok(query.bind(tenant).fetch_optional(db).await?)
}

/// Removes the link.
pub async fn disarm(db: &mut Connection, tenant: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM tenant_secrets WHERE tenant_id = $1").bind(tenant).execute(db).await?;
    Ok(())
}

/// Keeps a sealed value of the tenant's environment; answers when.
pub async fn put(db: &mut Connection, tenant: &str, key: &str, sealed: &str) -> Result<String, StoreError> {
    let at = now();
    sqlx::query(
        "INSERT INTO app_secrets (tenant_id, key, value, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
    )
    .bind(tenant)
    .bind(key)
    .bind(sealed)
    .bind(&at)
    .execute(db)
    .await?;
    Ok(at)
}

/// One sealed value, and when it was set.
pub async fn one(db: &mut Connection, tenant: &str, key: &str) -> Result<Option<(String, String)>, StoreError> {
    let query = sqlx::query_as("SELECT value, updated_at FROM app_secrets WHERE tenant_id = $1 AND key = $2");
    Ok(query.bind(tenant).bind(key).fetch_optional(db).await?)
}

/// Forgets one value; false when there was none.
pub async fn remove(db: &mut Connection, tenant: &str, key: &str) -> Result<bool, StoreError> {
    let query = sqlx::query("DELETE FROM app_secrets WHERE tenant_id = $1 AND key = $2");
    Ok(query.bind(tenant).bind(key).execute(db).await?.rows_affected() == 1)
}

/// Keys and sealed values, sorted by key.
pub async fn all(db: &mut Connection, tenant: &str) -> Result<Vec<(String, String)>, StoreError> {
    let query = sqlx::query_as("SELECT key, value FROM app_secrets WHERE tenant_id = $1 ORDER BY key");
    Ok(query.bind(tenant).fetch_all(db).await?)
}

/// Forgets everything secret about a tenant.
pub async fn forget(db: &mut Connection, tenant: &str) -> Result<(), StoreError> {
    disarm(db, tenant).await?;
    sqlx::query("DELETE FROM app_secrets WHERE tenant_id = $1").bind(tenant).execute(&mut *db).await?;
    sqlx::query("DELETE FROM rotations WHERE tenant_id = $1").bind(tenant).execute(&mut *db).await?;
    sqlx::query("UPDATE tenants SET password_hash = NULL WHERE id = $1").bind(tenant).execute(db).await?;
    Ok(())
}

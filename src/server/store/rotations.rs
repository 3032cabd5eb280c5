//! Rotations of tenants' passwords that were begun. Never sees a password in clear.

use super::{Connection, StoreError, now};

/// One that is not over.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns, explained in the migration")]
pub struct RotationRow {
    pub tenant_id: String,
    pub id: String,
    pub password: String,
}

/// Keeps one; the tenant must not have another.
pub async fn begin(db: &mut Connection, row: &RotationRow) -> Result<(), StoreError> {
    let query = sqlx::query("INSERT INTO rotations (tenant_id, id, password, created_at) VALUES ($1, $2, $3, $4)");
    query.bind(&row.tenant_id).bind(&row.id).bind(&row.password).bind(now()).execute(db).await?;
    Ok(())
}

/// The tenant's, if one is not over.
pub async fn of(db: &mut Connection, tenant: &str) -> Result<Option<RotationRow>, StoreError> {
    let query = sqlx::query_as("SELECT tenant_id, id, password FROM rotations WHERE tenant_id = $1");
    Ok(query.bind(tenant).fetch_optional(db).await?)
}

/// Every one that is not over.
pub async fn all(db: &mut Connection) -> Result<Vec<RotationRow>, StoreError> {
    Ok(sqlx::query_as("SELECT tenant_id, id, password FROM rotations ORDER BY created_at").fetch_all(db).await?)
}

/// Ends one; false when it is not there any more.
pub async fn end(db: &mut Connection, id: &str) -> Result<bool, StoreError> {
    let query = sqlx::query("DELETE FROM rotations WHERE id = $1").bind(id);
    Ok(query.execute(db).await?.rows_affected() == 1)
}

//! The record of deploys: which digest was asked for, and how it ended.

use super::{Connection, StoreError, now};

/// One deploy.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeploymentRow {
    /// `dep_...`
    pub id: String,
    /// The reference that was asked for.
    pub image: String,
    /// What its tag meant at that moment.
    pub digest: String,
    /// `running`, `succeeded`, `failed`.
    pub status: String,
    /// The machine that was made.
    pub machine_id: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
}

/// Notes that a deploy begins.
pub async fn begin(db: &mut Connection, id: &str, tenant: &str, image: &str, digest: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO deployments (id, tenant_id, image, digest, status, created_at) VALUES ($1, $2, $3, $4, 'running', $5)",
    )
    .bind(id)
    .bind(tenant)
    .bind(image)
    .bind(digest)
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// Notes how it ended: with a machine or with an error.
pub async fn finish(db: &mut Connection, id: &str, outcome: Result<&str, &str>) -> Result<(), StoreError> {
    let status = if outcome.is_ok() { "succeeded" } else { "failed" };
    sqlx::query("UPDATE deployments SET status = $2, machine_id = $3, error = $4, finished_at = $5 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(outcome.ok())
        .bind(outcome.err())
        .bind(now())
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that whatever still runs for a tenant does not run any more.
pub async fn interrupt(db: &mut Connection, tenant: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE deployments SET status = 'failed', error = 'interrupted', finished_at = $2 \
         WHERE tenant_id = $1 AND status = 'running'",
    )
    .bind(tenant)
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// A tenant's last `limit` deploys, newest first.
pub async fn of(db: &mut Connection, tenant: &str, limit: u32) -> Result<Vec<DeploymentRow>, StoreError> {
    let query = sqlx::query_as(
        "SELECT id, image, digest, status, machine_id, error, created_at, finished_at FROM deployments \
         WHERE tenant_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
    );
    Ok(query.bind(tenant).bind(i64::from(limit)).fetch_all(db).await?)
}

/// The last `limit` different digests that each tenant deployed or is deploying: tenant and digest.
pub async fn digests(db: &mut Connection, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
    let query = sqlx::query_as(
        "SELECT tenant_id, digest FROM ( \
             SELECT tenant_id, digest, \
                    ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY MAX(created_at) DESC) AS place \
             FROM deployments GROUP BY tenant_id, digest) AS latest \
         WHERE place <= $1",
    );
    Ok(query.bind(i64::from(limit)).fetch_all(db).await?)
}

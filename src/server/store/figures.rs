//! Whether the database answers, and how many rows there are of which kind: for readiness and metrics.

use super::{Connection, StoreError};

/// Asks for nothing but an answer.
pub async fn answers(db: &mut Connection) -> Result<(), StoreError> {
    let _: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(db).await?;
    Ok(())
}

/// Phases and how many tenants are in each.
pub async fn tenants(db: &mut Connection) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT phase, COUNT(*) FROM tenants GROUP BY phase").fetch_all(db).await?)
}

/// Outcomes and how many deploys ended so.
pub async fn deploys(db: &mut Connection) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT status, COUNT(*) FROM deployments GROUP BY status").fetch_all(db).await?)
}

/// Steps, outcomes and how often each came about.
pub async fn steps(db: &mut Connection) -> Result<Vec<(String, String, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT step, state, COUNT(*) FROM journal GROUP BY step, state").fetch_all(db).await?)
}

/// Kinds of webhook events and how many different ones were taken.
pub async fn webhooks(db: &mut Connection) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT event_type, COUNT(*) FROM webhook_events GROUP BY event_type").fetch_all(db).await?)
}

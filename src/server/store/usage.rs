//! What machines used, as it was sampled and rolled up.

use super::{Connection, StoreError};

/// One row: a sample, or what several of them come to.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns, explained by the migration")]
pub struct UsageRow {
    pub tenant_id: String,
    pub at: i64,
    pub cpu: i64,
    pub memory_bytes: i64,
    pub volume_bytes: Option<i64>,
    pub network_rx: i64,
    pub network_tx: i64,
    pub uptime_seconds: i64,
    pub state: String,
}

/// Rows that one statement writes: both databases take that many values.
const AT_ONCE: usize = 50;
const COLUMNS: usize = 10;

/// Writes rows of one width. One that is there already stays as it is.
pub async fn insert(db: &mut Connection, width: i64, rows: &[UsageRow]) -> Result<(), StoreError> {
    for rows in rows.chunks(AT_ONCE) {
        let places: Vec<String> = (0..rows.len())
            .map(|row| {
                let places: Vec<String> = (1..=COLUMNS).map(|column| format!("${}", row * COLUMNS + column)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let sql = format!(
            "INSERT INTO machine_usage (tenant_id, width, at, cpu, memory_bytes, volume_bytes, network_rx, network_tx, \
             uptime_seconds, state) VALUES {} ON CONFLICT DO NOTHING",
            places.join(", ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for row in rows {
            query = query
                .bind(&row.tenant_id)
                .bind(width)
                .bind(row.at)
                .bind(row.cpu)
                .bind(row.memory_bytes)
                .bind(row.volume_bytes)
                .bind(row.network_rx)
                .bind(row.network_tx)
                .bind(row.uptime_seconds)
                .bind(&row.state);
        }
        query.execute(&mut *db).await?;
    }
    Ok(())
}

/// A tenant's rows of one width from `from` on and before `to`, oldest first.
pub async fn of_tenant(
    db: &mut Connection,
    tenant: &str,
    width: i64,
    from: i64,
    to: i64,
) -> Result<Vec<UsageRow>, StoreError> {
    let query = sqlx::query_as(
        "SELECT tenant_id, at, cpu, memory_bytes, volume_bytes, network_rx, network_tx, uptime_seconds, state \
         FROM machine_usage WHERE tenant_id = $1 AND width = $2 AND at >= $3 AND at < $4 ORDER BY at",
    );
    Ok(query.bind(tenant).bind(width).bind(from).bind(to).fetch_all(db).await?)
}

/// Everybody's rows of one width from `from` on and before `to`, by tenant and then oldest first.
pub async fn of_all(db: &mut Connection, width: i64, from: i64, to: i64) -> Result<Vec<UsageRow>, StoreError> {
    let query = sqlx::query_as(
        "SELECT tenant_id, at, cpu, memory_bytes, volume_bytes, network_rx, network_tx, uptime_seconds, state \
         FROM machine_usage WHERE width = $1 AND at >= $2 AND at < $3 ORDER BY tenant_id, at",
    );
    Ok(query.bind(width).bind(from).bind(to).fetch_all(db).await?)
}

/// When the newest row of this width begins.
pub async fn newest(db: &mut Connection, width: i64) -> Result<Option<i64>, StoreError> {
    let query = sqlx::query_scalar("SELECT MAX(at) FROM machine_usage WHERE width = $1");
    Ok(query.bind(width).fetch_one(db).await?)
}

/// When the oldest row of this width begins.
pub async fn oldest(db: &mut Connection, width: i64) -> Result<Option<i64>, StoreError> {
    let query = sqlx::query_scalar("SELECT MIN(at) FROM machine_usage WHERE width = $1");
    Ok(query.bind(width).fetch_one(db).await?)
}

/// Forgets the rows of one width that are older than `before`.
pub async fn forget(db: &mut Connection, width: i64, before: i64) -> Result<(), StoreError> {
    let query = sqlx::query("DELETE FROM machine_usage WHERE width = $1 AND at < $2");
    query.bind(width).bind(before).execute(db).await?;
    Ok(())
}

/// Tenants whose machine should run, with its id.
pub async fn machines(db: &mut Connection) -> Result<Vec<(String, String)>, StoreError> {
    let query = sqlx::query_as(
        "SELECT id, machine_id FROM tenants WHERE machine_id IS NOT NULL \
         AND phase IN ('running', 'deploying', 'failed_deploy') ORDER BY id",
    );
    Ok(query.fetch_all(db).await?)
}

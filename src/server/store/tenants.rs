//! Tenants. The phase column is also the lock: an operation begins with a compare-and-set of it, so two
//! operations on one tenant cannot begin at once.

use std::ops::RangeInclusive;

use super::{Connection, StoreError, now};
use crate::model::{Phase, TenantId};

/// One tenant, with its subscription's words.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns, explained by protocol F.1")]
pub struct TenantRow {
    #[sqlx(try_from = "String")]
    pub id: TenantIdColumn,
    pub name: String,
    pub owner_customer_id: String,
    pub subscription_id: String,
    pub subscription_status: String,
    pub paddle_subscription_id: String,
    pub checkout_session_id: String,
    pub plan_id: String,
    pub region: String,
    pub memory_mb: i64,
    pub volume_gb: i64,
    pub app: String,
    pub database_name: String,
    pub user_name: String,
    pub port: Option<i64>,
    #[sqlx(try_from = "String")]
    pub phase: PhaseColumn,
    pub machine_id: Option<String>,
    pub volume_id: Option<String>,
    pub image_digest: Option<String>,
    pub deployed_at: Option<String>,
    pub last_error: Option<String>,
    pub created_at: String,
    pub updated_at: String,
    pub environment_version: i64,
    pub machine_environment: i64,
    pub paused_by_suspend: i64,
    pub database_kind: Option<String>,
    pub external_db_access: i64,
    pub operation: Option<String>,
    pub custom_domain: Option<String>,
}

/// A tenant id as a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantIdColumn(pub TenantId);

impl TryFrom<String> for TenantIdColumn {
    type Error = crate::model::InvalidId;
    fn try_from(raw: String) -> Result<Self, Self::Error> {
        TenantId::new(raw).map(Self)
    }
}

/// A phase as a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseColumn(pub Phase);

impl TryFrom<String> for PhaseColumn {
    type Error = StoreError;
    fn try_from(raw: String) -> Result<Self, Self::Error> {
        Phase::from_word(&raw).map(Self).ok_or(StoreError::Unreadable("phase"))
    }
}

impl TenantRow {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &TenantId {
        &self.id.0
    }

    /// Its phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.0
    }

    /// Its reserved port.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port.and_then(|port| u16::try_from(port).ok())
    }

    /// True when its machine was started with another environment than it would be now.
    #[must_use]
    pub fn restart_required(&self) -> bool {
        self.machine_id.is_some() && self.environment_version != self.machine_environment
    }
}

const WITH_SUBSCRIPTION: &str = "SELECT tenants.*, subscriptions.status AS subscription_status, \
     subscriptions.paddle_subscription_id AS paddle_subscription_id, \
     subscriptions.paused_by_suspend AS paused_by_suspend, custom_domains.domain AS custom_domain \
     FROM tenants JOIN subscriptions ON subscriptions.id = tenants.subscription_id \
     LEFT JOIN custom_domains ON custom_domains.tenant_id = tenants.id";

/// The tenant, unless it is gone.
pub async fn get(db: &mut Connection, id: &TenantId) -> Result<Option<TenantRow>, StoreError> {
    let sql = format!("{WITH_SUBSCRIPTION} WHERE tenants.id = $1 AND tenants.phase <> 'deleted'");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(db).await?)
}

/// The tenant whose machine this is.
pub async fn of_machine(db: &mut Connection, machine: &str) -> Result<Option<TenantRow>, StoreError> {
    let sql = format!("{WITH_SUBSCRIPTION} WHERE tenants.machine_id = $1 AND tenants.phase <> 'deleted'");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(machine).fetch_optional(db).await?)
}

/// A customer's tenants, oldest first.
pub async fn of_customer(db: &mut Connection, customer: &str) -> Result<Vec<TenantRow>, StoreError> {
    let sql = format!(
        "{WITH_SUBSCRIPTION} WHERE tenants.owner_customer_id = $1 AND tenants.phase <> 'deleted' \
         ORDER BY tenants.created_at, tenants.id"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(customer).fetch_all(db).await?)
}

/// Ids of the other tenants of this tenant's owner.
pub async fn siblings(db: &mut Connection, id: &TenantId) -> Result<Vec<String>, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT others.id FROM tenants \
         JOIN tenants AS others ON others.owner_customer_id = tenants.owner_customer_id \
         WHERE tenants.id = $1 AND tenants.phase <> 'deleted' AND others.id <> $1 AND others.phase <> 'deleted'",
    );
    Ok(query.bind(id.as_str()).fetch_all(db).await?)
}

/// Every tenant that is not gone.
pub async fn all(db: &mut Connection) -> Result<Vec<TenantRow>, StoreError> {
    let sql = format!("{WITH_SUBSCRIPTION} WHERE tenants.phase <> 'deleted' ORDER BY tenants.created_at");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// How many tenants a customer has on a plan.
pub async fn count_on_plan(db: &mut Connection, customer: &str, plan: &str) -> Result<i64, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT COUNT(*) FROM tenants WHERE owner_customer_id = $1 AND plan_id = $2 AND phase <> 'deleted'",
    );
    Ok(query.bind(customer).bind(plan).fetch_one(db).await?)
}

/// The ports of `range` that no tenant has, lowest first. Only worth something inside a transaction.
pub async fn free_ports(db: &mut Connection, range: RangeInclusive<u16>) -> Result<Vec<u16>, StoreError> {
    let taken: Vec<i64> =
        sqlx::query_scalar("SELECT port FROM tenants WHERE port IS NOT NULL ORDER BY port").fetch_all(db).await?;
    Ok(range.filter(|port| taken.binary_search(&i64::from(*port)).is_err()).collect())
}

/// What a new tenant reserves.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "columns, explained by protocol F.1")]
pub struct NewTenant {
    pub id: TenantId,
    pub owner_customer_id: String,
    pub subscription_id: String,
    pub checkout_session_id: String,
    pub plan_id: String,
    pub region: String,
    pub memory_mb: u32,
    pub volume_gb: u32,
    pub port: u16,
}

/// Keeps a new tenant in phase `created`; its names are made from its id (protocol F.1).
pub async fn insert(db: &mut Connection, tenant: &NewTenant) -> Result<(), StoreError> {
    let short = tenant.id.short();
    sqlx::query(
        "INSERT INTO tenants (id, name, owner_customer_id, subscription_id, checkout_session_id, plan_id, region, \
         memory_mb, volume_gb, app, database_name, user_name, port, phase, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'created', $14, $14)",
    )
    .bind(tenant.id.as_str())
    .bind(&short)
    .bind(&tenant.owner_customer_id)
    .bind(&tenant.subscription_id)
    .bind(&tenant.checkout_session_id)
    .bind(&tenant.plan_id)
    .bind(&tenant.region)
    .bind(i64::from(tenant.memory_mb))
    .bind(i64::from(tenant.volume_gb))
    .bind(format!("sp-{short}"))
    .bind(format!("site_{short}"))
    .bind(format!("tenant_{short}"))
    .bind(i64::from(tenant.port))
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

/// Moves a tenant from `from` to `to` and sets or clears its last error; false when it is elsewhere.
pub async fn advance(
    db: &mut Connection,
    id: &TenantId,
    from: Phase,
    to: Phase,
    last_error: Option<&str>,
) -> Result<bool, StoreError> {
    let query =
        sqlx::query("UPDATE tenants SET phase = $3, last_error = $4, updated_at = $5 WHERE id = $1 AND phase = $2");
    let query = query.bind(id.as_str()).bind(from.as_str()).bind(to.as_str()).bind(last_error).bind(now());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Gives the tenant to an operation. One that owned it before and comes back finds that it does not any more.
pub async fn claim(db: &mut Connection, id: &TenantId, operation: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET operation = $2 WHERE id = $1");
    query.bind(id.as_str()).bind(operation).execute(db).await?;
    Ok(())
}

/// Keeps the hash of the database role's password.
pub async fn set_password_hash(db: &mut Connection, id: &TenantId, hash: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET password_hash = $2, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(hash).bind(now()).execute(db).await?;
    Ok(())
}

/// Keeps where the tenant's database is.
pub async fn set_database_kind(db: &mut Connection, id: &TenantId, kind: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET database_kind = $2, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(kind).bind(now()).execute(db).await?;
    Ok(())
}

/// Keeps whether people outside may log in to the tenant's database.
pub async fn set_external_access(db: &mut Connection, id: &TenantId, open: bool) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET external_db_access = $2, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(i64::from(open)).bind(now()).execute(db).await?;
    Ok(())
}

/// Keeps or clears the volume's id.
pub async fn set_volume(db: &mut Connection, id: &TenantId, volume: Option<&str>) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET volume_id = $2, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(volume).bind(now()).execute(db).await?;
    Ok(())
}

/// Keeps the machine that runs now, and the number of the environment that it was started with.
pub async fn set_machine(
    db: &mut Connection,
    id: &TenantId,
    machine: &str,
    environment_version: i64,
) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE tenants SET machine_id = $2, machine_environment = $3, updated_at = $4 WHERE id = $1");
    query.bind(id.as_str()).bind(machine).bind(environment_version).bind(now()).execute(db).await?;
    Ok(())
}

/// Keeps the image that was deployed now.
pub async fn set_image(db: &mut Connection, id: &TenantId, digest: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET image_digest = $2, deployed_at = $3, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(digest).bind(now()).execute(db).await?;
    Ok(())
}

/// Notes that machines which start from now on start with another environment.
pub async fn environment_changed(db: &mut Connection, id: &TenantId) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE tenants SET environment_version = environment_version + 1, updated_at = $2 WHERE id = $1");
    query.bind(id.as_str()).bind(now()).execute(db).await?;
    Ok(())
}

/// True when another tenant has this name. Only worth something inside a transaction.
pub async fn name_is_taken(db: &mut Connection, id: &TenantId, name: &str) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM tenants WHERE name = $2 AND id <> $1");
    let count: i64 = query.bind(id.as_str()).bind(name).fetch_one(db).await?;
    Ok(count > 0)
}

/// Gives a tenant another name.
pub async fn rename(db: &mut Connection, id: &TenantId, name: &str) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET name = $2, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(name).bind(now()).execute(db).await?;
    Ok(())
}

/// Keeps how much memory its machines get, MB.
pub async fn set_memory(db: &mut Connection, id: &TenantId, memory_mb: u32) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE tenants SET memory_mb = $2, updated_at = $3 WHERE id = $1");
    query.bind(id.as_str()).bind(i64::from(memory_mb)).bind(now()).execute(db).await?;
    Ok(())
}

/// How many other tenants a customer has on a plan.
pub async fn count_others_on_plan(
    db: &mut Connection,
    customer: &str,
    plan: &str,
    id: &TenantId,
) -> Result<i64, StoreError> {
    let query = sqlx::query_scalar(
        "SELECT COUNT(*) FROM tenants \
         WHERE owner_customer_id = $1 AND plan_id = $2 AND id <> $3 AND phase <> 'deleted'",
    );
    Ok(query.bind(customer).bind(plan).bind(id.as_str()).fetch_one(db).await?)
}

/// Gives a tenant another subscription, and with it the plan's memory and room. A volume never becomes smaller.
pub async fn change_plan(
    db: &mut Connection,
    id: &TenantId,
    subscription: &str,
    plan: &str,
    (memory_mb, volume_gb): (u32, u32),
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "UPDATE tenants SET subscription_id = $2, plan_id = $3, memory_mb = $4, \
         volume_gb = CASE WHEN volume_gb < $5 THEN $5 ELSE volume_gb END, updated_at = $6 WHERE id = $1",
    );
    let query = query.bind(id.as_str()).bind(subscription).bind(plan).bind(i64::from(memory_mb));
    query.bind(i64::from(volume_gb)).bind(now()).execute(db).await?;
    Ok(())
}

/// Marks a tenant gone; its port is free again.
pub async fn bury(db: &mut Connection, id: &TenantId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tenants SET phase = 'deleted', port = NULL, machine_id = NULL, volume_id = NULL, updated_at = $2 \
         WHERE id = $1",
    )
    .bind(id.as_str())
    .bind(now())
    .execute(db)
    .await?;
    Ok(())
}

//! Custom domains: a name of its own for a tenant, and how far it is (protocol F.3).

use super::{Connection, StoreError, now};
use crate::model::TenantId;
use crate::server::store::tenants::TenantIdColumn;

/// How far a domain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing is found under the name yet.
    PendingDns,
    /// It leads here; what it needs is made ready.
    Provisioning,
    /// Requests for it are served.
    Active,
    /// It leads elsewhere.
    Error,
}

impl Status {
    /// The word of the protocol.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PendingDns => "pending_dns",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Error => "error",
        }
    }
}

impl TryFrom<String> for Status {
    type Error = StoreError;
    fn try_from(raw: String) -> Result<Self, StoreError> {
        let all = [Self::PendingDns, Self::Provisioning, Self::Active, Self::Error];
        all.into_iter().find(|status| status.word() == raw).ok_or(StoreError::Unreadable("status of a custom domain"))
    }
}

/// One domain.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns, explained by protocol B.38")]
pub struct DomainRow {
    pub domain: String,
    #[sqlx(try_from = "String")]
    pub tenant_id: TenantIdColumn,
    #[sqlx(try_from = "String")]
    pub status: Status,
    pub message: Option<String>,
    pub created_at: String,
    pub verified_at: Option<String>,
}

const COLUMNS: &str = "SELECT domain, tenant_id, status, message, created_at, verified_at FROM custom_domains";

/// The tenant's domain.
pub async fn of(db: &mut Connection, tenant: &TenantId) -> Result<Option<DomainRow>, StoreError> {
    let sql = format!("{COLUMNS} WHERE tenant_id = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(tenant.as_str()).fetch_optional(db).await?)
}

/// The row of this name, whosever it is.
pub async fn named(db: &mut Connection, domain: &str) -> Result<Option<DomainRow>, StoreError> {
    let sql = format!("{COLUMNS} WHERE domain = $1");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(domain).fetch_optional(db).await?)
}

/// Every domain, oldest first.
pub async fn all(db: &mut Connection) -> Result<Vec<DomainRow>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY created_at, domain");
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(db).await?)
}

/// Keeps a new one, which waits for DNS.
pub async fn insert(db: &mut Connection, tenant: &TenantId, domain: &str) -> Result<(), StoreError> {
    let query = sqlx::query(
        "INSERT INTO custom_domains (domain, tenant_id, status, created_at) VALUES ($1, $2, 'pending_dns', $3)",
    );
    query.bind(domain).bind(tenant.as_str()).bind(now()).execute(db).await?;
    Ok(())
}

/// Moves a domain that is still `row`; false when it is gone, another tenant's, or elsewhere.
pub async fn advance(
    db: &mut Connection,
    row: &DomainRow,
    to: Status,
    message: Option<&str>,
) -> Result<bool, StoreError> {
    let verified_at = if to == Status::Active { Some(now()) } else { row.verified_at.clone() };
    let query = sqlx::query(
        "UPDATE custom_domains SET status = $4, message = $5, verified_at = $6, checked_at = $7 \
         WHERE domain = $1 AND tenant_id = $2 AND status = $3 AND created_at = $8",
    );
    let query = query.bind(&row.domain).bind(row.tenant_id.0.as_str()).bind(row.status.word()).bind(to.word());
    let query = query.bind(message.map(str::to_owned)).bind(verified_at).bind(now()).bind(&row.created_at);
    Ok(query.execute(db).await?.rows_affected() == 1)
}

/// Takes a tenant's domain away; false when it has none.
pub async fn forget(db: &mut Connection, tenant: &TenantId) -> Result<bool, StoreError> {
    let query = sqlx::query("DELETE FROM custom_domains WHERE tenant_id = $1").bind(tenant.as_str());
    Ok(query.execute(db).await?.rows_affected() == 1)
}

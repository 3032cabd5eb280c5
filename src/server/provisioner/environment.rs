//! The environment of a machine (protocol F.6).

use subtle::ConstantTimeEq as _;

use super::{StepError, app_url};
pub use crate::model::secret_name::is_managed;
use crate::model::{Secret, TenantId};
use crate::server::databases::rotation;
use crate::server::seal::Sealer;
use crate::server::state::Server;
use crate::server::store::tenants::{self, TenantRow};
use crate::server::store::{Connection, credentials};

/// What a machine starts with.
#[derive(Debug)]
pub struct Environment {
    /// Its number; see [`TenantRow::restart_required`].
    pub version: i64,
    /// Memory that the machine gets, MB.
    pub memory_mb: u32,
    /// Everything, in the order in which it is shown.
    pub variables: Vec<Variable>,
}

/// One variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Secret,
    /// The value must not be shown.
    pub secret: bool,
}

/// The environment that a machine of this tenant starts with now.
pub async fn of(server: &Server, id: &TenantId) -> Result<Environment, StepError> {
    rotation::settled(server, id).await?;
    let mut db = server.store.read().await?;
    // The number before the values: who changes them meanwhile makes a higher one, and the machine counts as too old.
    let tenant = tenants::get(&mut db, id).await?.ok_or(StepError::State("the tenant is gone"))?;
    let address = app_url(server, &tenant).unwrap_or_default();
    let words = [
        ("HOST", "0.0.0.0"),
        ("PORT", "8080"),
        ("RUST_LOG", "info"),
        ("SYSTEMPROMPT_SERVICES_PATH", "/app/services"),
        ("WEB_DIR", "/app/web"),
        ("DATABASE_TYPE", "postgres"),
        ("JWT_ISSUER", "systemprompt"),
        ("JWT_ACCESS_TOKEN_EXPIRATION", "3600"),
        ("API_SERVER_URL", "http://0.0.0.0:8080"),
        ("API_EXTERNAL_URL", address.as_str()),
        ("APP_URL", address.as_str()),
        ("TENANT_ID", id.as_str()),
        ("TENANT_NAME", tenant.name.as_str()),
    ];
    let open = |(key, value): (&str, &str)| Variable { key: key.into(), value: Secret::new(value), secret: false };
    let mut variables: Vec<Variable> = words.into_iter().map(open).collect();
    for (key, sealed) in credentials::all(&mut db, id.as_str()).await? {
        // The server's own words win over a secret of the same name.
        if variables.iter().all(|variable| variable.key != key) {
            let value = server.sealer.open(id.as_str(), &key, &sealed)?;
            variables.push(Variable { key, value, secret: true });
        }
    }
    let memory_mb = u32::try_from(tenant.memory_mb).unwrap_or(256);
    Ok(Environment { version: tenant.environment_version, memory_mb, variables })
}

/// The names of a tenant's own secrets, sorted.
pub async fn secret_keys(db: &mut Connection, tenant: &TenantRow) -> Result<Vec<String>, StepError> {
    let values = credentials::all(db, tenant.id().as_str()).await?;
    Ok(values.into_iter().map(|(key, _)| key).filter(|key| !is_managed(key)).collect())
}

/// Sets one secret inside the caller's transaction; answers when it got the value that it has now, and whether that
/// is a new value.
pub async fn set_secret(
    db: &mut Connection,
    sealer: &Sealer,
    tenant: &TenantRow,
    key: &str,
    value: &Secret,
) -> Result<(String, bool), StepError> {
    let id = tenant.id().as_str();
    if let Some((sealed, at)) = credentials::one(db, id, key).await?
        && let Ok(before) = sealer.open(id, key, &sealed)
        && bool::from(before.reveal().as_bytes().ct_eq(value.reveal().as_bytes()))
    {
        return Ok((at, false));
    }
    let at = credentials::put(db, id, key, &sealer.seal(id, key, value)?).await?;
    Ok((at, true))
}

//! The environment of a machine (protocol F.6).

use super::{StepError, app_url};
use crate::model::Secret;
use crate::server::state::Server;
use crate::server::store::credentials;
use crate::server::store::tenants::TenantRow;

/// Names and values that a tenant's machine starts with.
pub async fn of(server: &Server, tenant: &TenantRow) -> Result<Vec<(String, Secret)>, StepError> {
    let id = tenant.id().as_str();
    let address = app_url(tenant).unwrap_or_default();
    let managed = [
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
        ("TENANT_ID", id),
        ("TENANT_NAME", tenant.name.as_str()),
    ];
    let mut environment: Vec<(String, Secret)> =
        managed.into_iter().map(|(key, value)| (key.to_owned(), Secret::new(value))).collect();
    for (key, sealed) in credentials::all(&mut *server.store.read().await?, id).await? {
        // The server's own words win over a secret of the same name.
        if environment.iter().all(|(name, _)| *name != key) {
            let value = server.sealer.open(id, &key, &sealed)?;
            environment.push((key, value));
        }
    }
    Ok(environment)
}

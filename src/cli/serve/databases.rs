//! Where the server keeps its tables, and where tenants' databases are.

use crate::model::{Problem, Secret};
use crate::server::Settings;

/// See the module.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Databases")]
pub(in crate::cli) struct DatabaseFlags {
    /// A Postgres database for the server's own tables, `postgres://user:password@host/name`; a SQLite file in the data
    /// folder where absent. Better in the environment: others on this machine can read arguments.
    #[arg(long, value_name = "URL", env = "TENANTRY_DATABASE_URL", hide_env_values = true, value_parser = secret)]
    database_url: Option<Secret>,
    /// A Postgres server, reached as an administrator, on which every tenant gets a database and a role; where absent,
    /// tenants' databases are simulated.
    #[arg(long, value_name = "URL", env = "TENANTRY_TENANT_POSTGRES", hide_env_values = true, value_parser = secret)]
    tenant_postgres: Option<Secret>,
    /// Under which address tenants' machines reach that server; the host and port of `--tenant-postgres` where absent.
    #[arg(long, value_name = "HOST[:PORT]", env = "TENANTRY_TENANT_POSTGRES_HOST")]
    tenant_postgres_host: Option<String>,
    /// Under which address people outside reach it, once a tenant lets them; the host and port of `--tenant-postgres`
    /// where absent.
    #[arg(long, value_name = "HOST[:PORT]", env = "TENANTRY_DATABASE_EXTERNAL_HOST")]
    database_external_host: Option<String>,
}

impl DatabaseFlags {
    /// Takes over what was given.
    #[allow(clippy::unnecessary_wraps, reason = "the same form as the other parts")]
    pub(super) fn apply(self, settings: &mut Settings) -> Result<(), Problem> {
        settings.database_url = self.database_url;
        settings.tenant_postgres = self.tenant_postgres;
        settings.databases.inside_host = self.tenant_postgres_host;
        settings.databases.outside_host = self.database_external_host;
        Ok(())
    }
}

/// Any text; never shown again.
#[allow(clippy::unnecessary_wraps, reason = "the form of a parser")]
pub(super) fn secret(raw: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(raw))
}

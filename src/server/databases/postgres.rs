//! A database and two roles per tenant on a Postgres server, made with nothing but an administrator's connection.
//!
//! `tenant_x` owns the database and logs in from inside. `tenant_x_ext` is a member of it, works as it, and is the one
//! that logs in from outside: whether it may log in at all is the switch. Both have the same password. What is made here
//! carries the tenant's id in its comment; what does not is never touched. Passwords are sent as verifiers only.

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgPool, Postgres};
use std::future::Future;
use std::str::FromStr as _;
use std::time::Duration;
use url::Url;

use super::address::{host_and_port, is_loopback};
use super::scram::verifier;
use super::{Address, Backend, DatabaseError, Kind, Names};
use crate::model::{Secret, text};
use crate::server::settings::DatabaseSettings;

/// Connections of this server to the tenants' database server.
const CONNECTIONS: u32 = 4;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one change may take as a whole.
const PATIENCE: Duration = Duration::from_mins(1);
/// Connections that a tenant's machines may have at once.
const INSIDE_LIMIT: u32 = 20;
/// Connections from outside that a tenant may have at once.
const OUTSIDE_LIMIT: u32 = 10;

/// See the module.
pub(super) struct PostgresBackend {
    pool: PgPool,
    address: Address,
}

// The pool's own would show the administrator's password.
impl std::fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresBackend").field("address", &self.address).finish_non_exhaustive()
    }
}

impl PostgresBackend {
    /// Reads the administrator's address, and connects when it is first needed.
    pub(super) fn new(url: &Secret, settings: &DatabaseSettings) -> Result<Self, DatabaseError> {
        // The parsers' own words could repeat the password.
        let wrong = || DatabaseError::Address("it is no URL of the form postgres://user:password@host:port/name");
        let parsed = Url::parse(url.reveal()).map_err(|_| wrong())?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(wrong());
        }
        let options = PgConnectOptions::from_str(url.reveal()).map_err(|_| wrong())?;
        let options = options.application_name("tenantry").disable_statement_logging();
        let address = address(&parsed, settings)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT)
            .idle_timeout(Duration::from_mins(5))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("SET statement_timeout = '50s'").await?;
                    connection.execute("SET lock_timeout = '20s'").await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, address })
    }

    /// Says in the log when the server does not answer, and when machines could not reach it.
    pub(super) async fn check(&self) {
        match self.connection().await {
            Ok(_) => tracing::info!(inside = self.address.inside, "tenants get a database each"),
            Err(error) => tracing::error!(%error, "no tenant can be made until it does"),
        }
        if is_loopback(&self.address.inside) {
            tracing::warn!(
                inside = self.address.inside,
                "machines in containers cannot reach a loopback address; name another one with --tenant-postgres-host"
            );
        }
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, DatabaseError> {
        self.pool.acquire().await.map_err(|error| DatabaseError::Unavailable(words(&error)))
    }

    async fn bounded<T>(work: impl Future<Output = Result<T, DatabaseError>>) -> Result<T, DatabaseError> {
        let late = |_| Err(DatabaseError::Lost(format!("no answer within {} seconds", PATIENCE.as_secs())));
        tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(late)
    }

    async fn make(&self, names: &Names, password: &Secret) -> Result<(), DatabaseError> {
        let db = &mut *self.connection().await?;
        let (role, outside, mark) = (quoted(&names.role)?, quoted(&names.outside_role())?, literal(&mark(names))?);
        let verifier = literal(&verifier(password)?)?;
        if own_role(db, names).await? {
            change_password(db, names, &verifier).await?;
        } else {
            // One call is one transaction: both roles with their marks, or neither.
            run(
                db,
                format!(
                    "CREATE ROLE {role} LOGIN INHERIT CONNECTION LIMIT {INSIDE_LIMIT} PASSWORD {verifier}; \
                     GRANT {role} TO CURRENT_USER; \
                     CREATE ROLE {outside} NOLOGIN INHERIT CONNECTION LIMIT {OUTSIDE_LIMIT} PASSWORD {verifier} IN ROLE {role}; \
                     GRANT {outside} TO CURRENT_USER; \
                     ALTER ROLE {outside} SET role TO {role}; \
                     COMMENT ON ROLE {role} IS {mark}; COMMENT ON ROLE {outside} IS {mark}"
                ),
            )
            .await?;
        }
        let database = quoted(&names.database)?;
        match owner(db, names).await? {
            Some(owner) if owner != names.role => return Err(DatabaseError::Taken(names.database.clone())),
            Some(_) => {}
            None => {
                run(db, format!("CREATE DATABASE {database} OWNER {role} TEMPLATE template0 ENCODING 'UTF8'")).await?;
            }
        }
        // The mark comes last: it says that everything is there.
        run(db, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC; COMMENT ON DATABASE {database} IS {mark}"))
            .await
    }

    async fn is_made(&self, names: &Names) -> Result<bool, DatabaseError> {
        let db = &mut *self.connection().await?;
        if !own_role(db, names).await? {
            return Ok(false);
        }
        let query = sqlx::query_scalar(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database \
             WHERE datname = $1 AND pg_get_userbyid(datdba) = $2",
        );
        let found: Option<Option<String>> =
            query.bind(&names.database).bind(&names.role).fetch_optional(db).await.map_err(|error| failed(&error))?;
        Ok(found.flatten() == Some(mark(names)))
    }

    async fn unmake(&self, names: &Names) -> Result<(), DatabaseError> {
        let db = &mut *self.connection().await?;
        if !own_role(db, names).await? {
            return Ok(());
        }
        let (role, outside) = (quoted(&names.role)?, quoted(&names.outside_role())?);
        // Nobody comes back while the database goes.
        run(db, format!("ALTER ROLE {role} NOLOGIN; ALTER ROLE {outside} NOLOGIN")).await?;
        cut_off(db, &[&names.role, &names.outside_role()]).await?;
        if owner(db, names).await?.is_some_and(|owner| owner == names.role) {
            run(db, format!("DROP DATABASE {} WITH (FORCE)", quoted(&names.database)?)).await?;
        }
        // What the tenant may have made in the database that everybody can connect to.
        run(db, format!("DROP OWNED BY {outside}, {role} CASCADE; DROP ROLE {outside}; DROP ROLE {role}")).await
    }
}

impl Backend for PostgresBackend {
    fn kind(&self) -> Kind {
        Kind::Postgres
    }

    fn address(&self) -> &Address {
        &self.address
    }

    fn create<'a>(&'a self, names: &'a Names, password: &'a Secret) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(Self::bounded(self.make(names, password)))
    }

    fn exists<'a>(&'a self, names: &'a Names) -> BoxFuture<'a, Result<bool, DatabaseError>> {
        Box::pin(Self::bounded(self.is_made(names)))
    }

    fn set_password<'a>(&'a self, names: &'a Names, password: &'a Secret) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(Self::bounded(async move {
            let db = &mut *self.connection().await?;
            if !own_role(db, names).await? {
                return Err(DatabaseError::Missing);
            }
            change_password(db, names, &literal(&verifier(password)?)?).await?;
            cut_off(db, &[&names.role, &names.outside_role()]).await.map_err(|error| half_done(&error))
        }))
    }

    fn set_outside<'a>(&'a self, names: &'a Names, open: bool) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(Self::bounded(async move {
            let db = &mut *self.connection().await?;
            if !own_role(db, names).await? {
                return Err(DatabaseError::Missing);
            }
            let word = if open { "LOGIN" } else { "NOLOGIN" };
            run(db, format!("ALTER ROLE {} {word}", quoted(&names.outside_role())?)).await?;
            if open { Ok(()) } else { cut_off(db, &[&names.outside_role()]).await.map_err(|error| half_done(&error)) }
        }))
    }

    fn remove<'a>(&'a self, names: &'a Names) -> BoxFuture<'a, Result<(), DatabaseError>> {
        Box::pin(Self::bounded(self.unmake(names)))
    }
}

/// The hosts that are handed out.
fn address(admin: &Url, settings: &DatabaseSettings) -> Result<Address, DatabaseError> {
    let own = match admin.host_str() {
        Some(host) if !host.is_empty() => Some(format!("{host}:{}", admin.port().unwrap_or(5432))),
        _ => None,
    };
    let no_host = DatabaseError::Address("it names no host; say with --tenant-postgres-host how tenants reach it");
    let inside = match (&settings.inside_host, &own) {
        (Some(given), _) => host_and_port(given)?,
        (None, Some(own)) => own.clone(),
        (None, None) => return Err(no_host),
    };
    let outside = match (&settings.outside_host, own) {
        (Some(given), _) => host_and_port(given)?,
        (None, own) => own.unwrap_or_else(|| inside.clone()),
    };
    // A server that the administrator reaches only with TLS would refuse anything else.
    let asks_for_tls = admin.query_pairs().any(|(key, value)| {
        matches!(&*key, "sslmode" | "ssl-mode") && matches!(&*value, "require" | "verify-ca" | "verify-full")
    });
    let inside_ssl = if asks_for_tls { "require" } else { "disable" };
    Ok(Address { inside, inside_ssl, outside, own_outside_role: true })
}

/// How everything that belongs to a tenant is marked.
fn mark(names: &Names) -> String {
    format!("tenantry tenant {}", names.tenant)
}

/// True when the role is there and this tenant's; an error when it is somebody else's.
async fn own_role(db: &mut PgConnection, names: &Names) -> Result<bool, DatabaseError> {
    let query = sqlx::query_scalar("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = $1");
    let found: Option<Option<String>> =
        query.bind(&names.role).fetch_optional(db).await.map_err(|error| failed(&error))?;
    match found {
        None => Ok(false),
        Some(comment) if comment.as_deref() == Some(&mark(names)) => Ok(true),
        Some(_) => Err(DatabaseError::Taken(names.role.clone())),
    }
}

/// Who owns the database, if it is there.
async fn owner(db: &mut PgConnection, names: &Names) -> Result<Option<String>, DatabaseError> {
    let query = sqlx::query_scalar("SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1");
    query.bind(&names.database).fetch_optional(db).await.map_err(|error| failed(&error))
}

async fn change_password(db: &mut PgConnection, names: &Names, verifier: &str) -> Result<(), DatabaseError> {
    let (role, outside) = (quoted(&names.role)?, quoted(&names.outside_role())?);
    run(db, format!("ALTER ROLE {role} PASSWORD {verifier}; ALTER ROLE {outside} PASSWORD {verifier}")).await
}

/// Ends every connection of these roles.
async fn cut_off(db: &mut PgConnection, roles: &[&str]) -> Result<(), DatabaseError> {
    let roles: Vec<String> = roles.iter().map(|&role| role.to_owned()).collect();
    let query = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY($1) AND pid <> pg_backend_pid()",
    );
    query.bind(roles).execute(db).await.map(drop).map_err(|error| failed(&error))
}

/// One call with statements that take no parameters. Several in one call are one transaction.
async fn run(db: &mut PgConnection, statements: String) -> Result<(), DatabaseError> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(db).await.map(drop).map_err(|error| failed(&error))
}

/// An error after the first change of several.
fn half_done(error: &DatabaseError) -> DatabaseError {
    DatabaseError::Lost(error.to_string())
}

fn failed(error: &sqlx::Error) -> DatabaseError {
    match error {
        // The server is being stopped, or an administrator ended the connection: not an answer to what was asked.
        sqlx::Error::Database(said) if said.code().is_some_and(|code| code.starts_with("57P")) => {
            DatabaseError::Lost(words(error))
        }
        sqlx::Error::Database(_) => DatabaseError::Refused(words(error)),
        _ => DatabaseError::Lost(words(error)),
    }
}

/// What the server said, without the statement. Its words can hold names, and never a password: none is sent.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(said) => text::line(said.message()),
        sqlx::Error::PoolTimedOut => "no connection within ten seconds".into(),
        sqlx::Error::Configuration(_) => "its address cannot be used".into(),
        other => text::line(&other.to_string()),
    }
}

fn quoted(name: &str) -> Result<String, DatabaseError> {
    usable(name).map(|name| format!("\"{}\"", name.replace('"', "\"\"")))
}

/// Nothing that is put into a statement has a backslash, so this is a literal in every mode of the server.
fn literal(value: &str) -> Result<String, DatabaseError> {
    usable(value).map(|value| format!("'{}'", value.replace('\'', "''")))
}

fn usable(value: &str) -> Result<&str, DatabaseError> {
    if value.contains(['\0', '\\']) { Err(DatabaseError::Refused("a name cannot be used".into())) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_cannot_leave_their_quotes() {
        assert_eq!(quoted("a\"; DROP ROLE b; --").expect("quoted"), "\"a\"\"; DROP ROLE b; --\"");
        assert_eq!(literal("a'b").expect("a literal"), "'a''b'");
        assert!(quoted("a\0").is_err() && literal("a\\").is_err());
    }

    #[tokio::test]
    async fn the_administrators_password_is_nowhere_to_be_seen() {
        let settings = DatabaseSettings::default();
        let url = Secret::new("postgres://admin:hunter2@127.0.0.1:1/postgres");
        let backend = PostgresBackend::new(&url, &settings).expect("an address");
        assert!(!format!("{backend:?}").contains("hunter2"));
        for broken in ["postgres://admin:hunter2@[x/y", "mysql://admin:hunter2@host/x", "postgres://admin:hunter2@/x"] {
            let error = PostgresBackend::new(&Secret::new(broken), &settings).expect_err("refused");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn hosts_are_the_administrators_unless_others_are_named() {
        let read = |url: &str, settings: &DatabaseSettings| {
            PostgresBackend::new(&Secret::new(url), settings).expect("an address").address
        };
        let own = read("postgres://a:b@db.example/x?sslmode=verify-full", &DatabaseSettings::default());
        assert_eq!(
            (own.inside.as_str(), own.inside_ssl, own.outside.as_str()),
            ("db.example:5432", "require", "db.example:5432")
        );
        let named = DatabaseSettings { inside_host: Some("172.17.0.1".into()), outside_host: Some("out:7".into()) };
        let named = read("postgres://a:b@127.0.0.1:6/x", &named);
        assert_eq!(
            (named.inside.as_str(), named.inside_ssl, named.outside.as_str()),
            ("172.17.0.1:5432", "disable", "out:7")
        );
    }
}

//! Starting and stopping a server: opens the data directory, binds, recovers, says that it is ready,
//! serves, and leaves everything in order.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::auth::{LIFETIME_SECONDS, LoginTokens};
use super::databases::{DatabaseError, Databases, rotation, step};
use super::domains::{self, Checker};
use super::door::{self, Addresses, Doors, Front, Serves};
use super::events::EventLog;
use super::garbage::{self, Accounts};
use super::keys::{KeyError, Keys};
use super::login::{self, Providers};
use super::operations::lock::DirectoryLock;
use super::operations::{self, Operations, accept, drain};
use super::pay;
use super::provider::circuit::Circuit;
use super::provider::docker::DockerProvider;
use super::provider::{Provider, ProviderError};
use super::provisioner::{StepError, recovery, watch};
use super::registry::{Registry, RegistryError, RegistryTokens};
use super::routes;
use super::seal::{SealError, Sealer};
use super::settings::Settings;
use super::state::{Parts, Server};
use super::store::{Store, StoreError, accounts};
use super::sweeper;
use super::usage::sampler;
use crate::model::Problem;

/// Why a server could not be started, or could not leave everything in order.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which one.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The data directory or the ready file cannot be used.
    #[error("cannot use {}: {error}", .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Another server works with this data.
    #[error("another server works in {}", .0.display())]
    InUse(PathBuf),
    /// A throw-away server would remove somebody else's files.
    #[error("{} holds other files, and a throw-away server removes its data directory at the end", .0.display())]
    NotOurs(PathBuf),
    /// The settings name nobody who may log in.
    #[error("the settings name no user")]
    NoUser,
    /// The sandbox's sign-in page would believe strangers.
    #[error(
        "the sandbox's sign-in page logs everybody in as whom they choose, and others than you could reach it: the server \
         listens, or is published, beyond this machine"
    )]
    OpenSignIn,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The keys.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// Sealing.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// A login token cannot be made.
    #[error("a login token cannot be made: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The registry.
    #[error("{0}")]
    Registry(#[from] RegistryError),
    /// Tenants' databases.
    #[error("{0}")]
    TenantDatabases(#[from] DatabaseError),
    /// The system's way to look names up.
    #[error("names cannot be looked up: {0}")]
    Dns(String),
    /// The HTTP client that the sandbox's payment provider uses.
    #[error("the HTTP client cannot be made: {0}")]
    Http(#[from] reqwest::Error),
    /// Recovery.
    #[error("the tenants cannot be brought back: {0}")]
    Recover(#[from] StepError),
    /// The address that was got cannot be told.
    #[error("the server's own address cannot be told: {0}")]
    Serve(std::io::Error),
    /// Something that was made for a throw-away server is still there.
    #[error("not everything was removed: {0}")]
    LeftBehind(ProviderError),
    /// A database that was made for a throw-away server is still there.
    #[error("not every tenant's database was removed: {0}")]
    DatabasesLeftBehind(Box<StepError>),
}

impl ServeError {
    /// What a person is told.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let problem = |title: &str| Problem::new(title).detail(self.to_string());
        match self {
            Self::Listen { .. } => problem("The server cannot listen.").hint("Choose another address, or port 0."),
            Self::File { .. } | Self::Key(_) => {
                problem("The server cannot use its files.").hint("Check the data directory and its permissions.")
            }
            Self::NotOurs(_) => problem("The data directory is not empty.").hint("Name a new or empty directory."),
            Self::TenantDatabases(_) => problem("The tenants' database server cannot be used.")
                .hint("Check --tenant-postgres, --tenant-postgres-host and --database-external-host."),
            Self::InUse(_) | Self::Store(StoreError::Taken) => problem("Another server runs on this data already.")
                .hint("Stop it first, or name another data directory and another database."),
            Self::NoUser => problem("Nobody could log in.").hint("Name at least one user."),
            Self::OpenSignIn => problem("Anybody could log in as anybody.").hint(
                "Set up GitHub or Google (--github-client-id, --google-client-id), or listen on 127.0.0.1; where this is \
                 wanted, say --sandbox-login.",
            ),
            Self::LeftBehind(_) => {
                problem("Something was left behind.").hint("Look for containers and volumes labelled dev.tenantry.")
            }
            Self::DatabasesLeftBehind(_) => {
                problem("Something was left behind.").hint("Look for databases whose comment begins with tenantry.")
            }
            _ => problem("The server failed."),
        }
    }
}

/// Runs a server on the local Docker Engine until `stop` is cancelled and what runs has ended, or had the time to
/// ([`Settings::drain`]). Without an engine the server
/// runs too, and refuses only what needs one.
pub async fn serve(settings: Settings, stop: CancellationToken) -> Result<(), ServeError> {
    let provider = |instance: String, registry_host: String| -> Arc<dyn Provider> {
        Arc::new(DockerProvider::new(instance, registry_host))
    };
    serve_with(settings, provider, stop).await
}

/// The same with machines from elsewhere: `provider` gets the server's instance id and the host and
/// port of its registry.
pub async fn serve_with<F>(settings: Settings, provider: F, stop: CancellationToken) -> Result<(), ServeError>
where
    F: FnOnce(String, String) -> Arc<dyn Provider>,
{
    let data = settings.data.clone();
    let listener = bind(settings.listen, &data).await?;
    let address = reachable(listener.local_addr().map_err(ServeError::Serve)?);
    let door = match settings.door.listen {
        Some(address) => {
            let listener = TcpListener::bind(address).await;
            Some(listener.map_err(|error| ServeError::Listen { address, error })?)
        }
        None => None,
    };
    let tenants_at = match &door {
        Some(door) => door.local_addr().map_err(ServeError::Serve)?,
        None => address,
    };
    if settings.throw_away && !may_be_removed(&data) {
        return Err(ServeError::NotOurs(data));
    }
    let listener_for_metrics = match settings.operations.metrics_listen {
        Some(address) => Some(bind(address, &data).await?),
        None => None,
    };
    let unusable = |error| ServeError::File { path: data.clone(), error };
    prepare(&data).map_err(unusable)?;
    // Before anything in it is read, and until everything of it is closed.
    let _lock = DirectoryLock::take(&data).map_err(unusable)?.ok_or_else(|| ServeError::InUse(data.clone()))?;
    let keys = Keys::open(&data)?;
    let instance = instance_id(&data).map_err(unusable)?;
    let store = Store::open(&settings.database()).await?;
    let registry_tokens = RegistryTokens::new(keys.registry);
    let owners = Arc::new(Accounts(store.clone()));
    let registry = Registry::open_with(&data.join("registry"), registry_tokens.clone(), owners)?;
    let doors = Doors::new();
    let addresses = Addresses::new(&settings.door, tenants_at);
    let local = format!("http://{address}");
    let public = settings.door.public_url.as_ref();
    let base = public.map_or_else(|| local.clone(), |url| url.as_str().trim_end_matches('/').to_owned());
    let registry_host = public.map_or_else(|| address.to_string(), |url| url.authority().to_owned());
    let server = Server::new(Parts {
        front: Front::new(doors.clone(), addresses, store.clone(), &settings.door),
        domains: Checker::new(&settings.door).map_err(ServeError::Dns)?,
        base,
        local,
        registry_host: registry_host.clone(),
        events: EventLog::new(store.clone()),
        logins: LoginTokens::new(&keys.login).ok_or_else(|| KeyError::Broken(data.join("login.key")))?,
        providers: Providers::new(&settings.login)?,
        sealer: Sealer::new(&keys.seal)?,
        webhook: pay::key(&settings.payment, keys.webhook),
        paddle: pay::paddle(&settings.payment)?,
        registry,
        registry_tokens,
        doors,
        databases: Databases::new(&settings)?,
        provider: Arc::new(Circuit::around(provider(instance, registry_host))),
        usage: sampler::Latest::default(),
        // Only ever calls this server: no proxy may come between.
        http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?,
        operations: Operations::open(&data, &settings.operations).map_err(unusable)?,
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        store,
        settings,
    });
    let outcome = match begin(&server).await {
        Ok(ready) => run(&server, listener, door, listener_for_metrics, &ready, stop).await,
        Err(error) => Err(error),
    };
    // Also when it never came to serving: doors are open and work goes on from the moment it recovered.
    let removed = shut_down(&server).await;
    outcome.and(removed)
}

/// Whoever starts the same server twice is told so, and not that its address is taken.
async fn bind(address: SocketAddr, data: &Path) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| {
        if DirectoryLock::is_held(data) {
            ServeError::InUse(data.to_owned())
        } else {
            ServeError::Listen { address, error }
        }
    })
}

async fn begin(server: &Server) -> Result<Ready, ServeError> {
    if login::is_open_to_strangers(&server.settings.login, server.settings.listen, &server.base) {
        return Err(ServeError::OpenSignIn);
    }
    let ready = Ready::make(server).await?;
    recovery::recover(server).await?;
    rotation::recover(server).await?;
    let worker = server.clone();
    drop(server.background(async move { worker.databases.check().await }));
    watch::start(server);
    garbage::start(server);
    pay::inbox::start(server).await?;
    sweeper::start(server);
    operations::start(server);
    domains::start(server).await?;
    sampler::start(server);
    Ok(ready)
}

async fn run(
    server: &Server,
    listener: TcpListener,
    door: Option<TcpListener>,
    listener_for_metrics: Option<TcpListener>,
    ready: &Ready,
    leave: CancellationToken,
) -> Result<(), ServeError> {
    if let Some(path) = &server.settings.ready_file {
        // The socket listens already: whoever reads the file is answered.
        ready.write(path).map_err(|error| ServeError::File { path: path.clone(), error })?;
    }
    tracing::info!(base = server.base, listens = server.local, "the Management API answers");
    let settings = &server.settings.operations;
    let who = if door.is_some() { Serves::Api } else { Serves::Both };
    if let Some(door) = door {
        // Ends by itself when the server stops.
        server.tasks.spawn(door::listen(door, server.front.clone(), server.stop.clone()));
    }
    let figures = async {
        if let Some(listener) = listener_for_metrics {
            accept::serve(listener, operations::for_metrics(server), settings, &server.stop).await;
        }
    };
    tokio::join!(
        accept::serve(listener, server.front.around(routes::router(server), who), settings, &server.stop),
        figures,
        drain::until_stopped(server, leave),
    );
    Ok(())
}

async fn shut_down(server: &Server) -> Result<(), ServeError> {
    // Also when it never served.
    server.stop.cancel();
    server.front.close().await;
    server.tasks.close();
    server.tasks.wait().await;
    server.operations.access.close().await;
    server.doors.close_all().await;
    let databases = if server.settings.throw_away { step::remove_all(server).await } else { Ok(()) };
    server.store.close().await;
    if let Some(path) = &server.settings.ready_file {
        let _ = std::fs::remove_file(path);
    }
    if !server.settings.throw_away {
        return Ok(());
    }
    let removed = server.provider.remove_everything().await;
    let data = server.settings.data.clone();
    let path = data.clone();
    let files = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await;
    removed.map_err(ServeError::LeftBehind)?;
    databases.map_err(|error| ServeError::DatabasesLeftBehind(Box::new(error)))?;
    match files {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(Err(error)) => Err(ServeError::File { path: data, error }),
        Err(error) => Err(ServeError::File { path: data, error: std::io::Error::other(error) }),
    }
}

/// What the ready file says: everything that a client on this machine needs.
#[derive(serde::Serialize)]
struct Ready {
    api_url: String,
    registry: String,
    #[serde(serialize_with = "crate::model::secret::expose")]
    token: crate::model::Secret,
}

impl Ready {
    /// Makes the users that the settings name, and a token for the first.
    async fn make(server: &Server) -> Result<Self, ServeError> {
        let mut tx = server.store.write().await?;
        let mut first = None;
        for email in &server.settings.users {
            let user = accounts::ensure_user(&mut tx, email).await?;
            first.get_or_insert(user);
        }
        tx.commit().await.map_err(StoreError::from)?;
        let first = first.ok_or(ServeError::NoUser)?;
        Ok(Self {
            api_url: server.base.clone(),
            registry: server.registry_host.clone(),
            token: server.logins.issue(&first.id, &first.email, LIFETIME_SECONDS)?,
        })
    }

    /// Writes the file as a whole or not at all; only the owner can read it.
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Temporary files are 0600 from their first moment.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer(&mut file, self)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

/// A file of this name says that a directory with other files in it may be removed by a throw-away server.
pub const MAY_BE_REMOVED: &str = ".tenantry-throw-away";

/// True for a directory that does not exist, is empty, or says so itself: what is removed at the end must not
/// be somebody's home.
fn may_be_removed(data: &Path) -> bool {
    match std::fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none() || data.join(MAY_BE_REMOVED).is_file(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Makes the data directory; only the owner may look into it.
fn prepare(data: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data)?;
    std::fs::create_dir_all(data.join("registry"))
}

/// The id on everything this server makes, so that it knows its own after a restart.
fn instance_id(data: &Path) -> std::io::Result<String> {
    let path = data.join("instance");
    match std::fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        Ok(_) => Err(std::io::Error::other("the file `instance` is empty")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id: String = uuid::Uuid::new_v4().simple().to_string().chars().take(12).collect();
            std::fs::write(&path, &id)?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

/// The address as a client on this machine reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_without_other_files_may_be_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(may_be_removed(folder.path()));
        assert!(may_be_removed(&folder.path().join("new")));
        std::fs::write(folder.path().join("thesis.txt"), "years of work").expect("written");
        assert!(!may_be_removed(folder.path()));
        assert!(!may_be_removed(&folder.path().join("thesis.txt")));
        std::fs::write(folder.path().join(MAY_BE_REMOVED), "").expect("written");
        assert!(may_be_removed(folder.path()));
    }
}

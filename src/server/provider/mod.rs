//! What a provider of machines must be able to do. The provisioner works a tenant's row through these
//! calls and journals each before the next begins; it never learns whose machines they are.
//!
//! A provider gets exactly what it needs and no identity: no user, no e-mail, no token (protocol I.1, rule 2).
//! Every `create_*` is idempotent: made already by this instance for this tenant is success.

pub mod circuit;
pub mod docker;
pub mod fake;
mod fake_stats;
mod log_place;

pub use log_place::{LogPlace, Skip};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use std::net::SocketAddr;

use crate::model::{LogEntry, Secret, TenantId};

/// The names and sizes that a tenant's row reserved.
#[derive(Debug, Clone)]
pub struct AppSpec {
    /// The tenant.
    pub tenant: TenantId,
    /// The app, `sp-{short}`. Unique; containers and volumes are named after it.
    pub app: String,
    /// Region code; a local provider only labels with it.
    pub region: String,
    /// Volume size, GB.
    pub volume_gb: u32,
}

/// A machine to run.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// The app it belongs to.
    pub app: AppSpec,
    /// `registry/repository@sha256:...`: exactly one image (protocol B.20).
    pub image: String,
    /// User and password with which the image can be pulled.
    pub pull_user: String,
    /// See `pull_user`.
    pub pull_token: Secret,
    /// The environment (protocol F.6). Values may be secret.
    pub environment: Vec<(String, Secret)>,
    /// Memory limit, MB.
    pub memory_mb: u32,
    /// What it ran before; `None` at the first deploy.
    pub last_deploy: Option<LastDeploy>,
    /// The machine that it follows, for a provider whose volumes belong to one machine at a time.
    pub replaces: Option<String>,
}

/// A machine that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The provider's id.
    pub id: String,
    /// Where its port 8080 can be reached from this host.
    pub address: SocketAddr,
}

/// What exists of one app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holding {
    /// The app's name.
    pub app: String,
    /// Its machines, running or not.
    pub machines: Vec<String>,
    /// Its volume.
    pub volume: Option<String>,
}

/// What a machine uses at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// `started`, `restarting` or `stopped`.
    pub state: &'static str,
    /// Percent of one processor since the last look; two busy processors are 200.
    pub cpu_percent: f64,
    /// Bytes, without file cache that can be given up.
    pub memory_used: u64,
    /// Bytes.
    pub memory_limit: u64,
    /// Bytes in the volume; `None` while nobody measured it.
    pub volume_used: Option<u64>,
    /// Bytes received since it started.
    pub network_rx: u64,
    /// Bytes sent since it started.
    pub network_tx: u64,
    /// Seconds since it started.
    pub uptime_seconds: u64,
}

/// The version that an app ran before: what its volume may have got from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDeploy {
    /// `registry/repository@sha256:...`
    pub image: String,
    /// When it went live; RFC 3339.
    pub at: Option<String>,
}

/// Where a log goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStart {
    /// Lines from this moment on ...
    pub from: jiff::Timestamp,
    /// ... without this many of that very moment, which are known already.
    pub known: u64,
}

/// Why a provider could not do it. Harmless text that names what failed and with what.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    /// The provider itself does not answer: `503 service_unavailable`.
    #[error("{0}")]
    Unavailable(String),
    /// The image cannot be had.
    #[error("{0}")]
    Image(String),
    /// The machine did not come up; the last log lines, oldest first, help to see why.
    #[error("{message}")]
    Machine {
        /// What happened.
        message: String,
        /// At most 20 lines.
        log: Vec<String>,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// A provider of machines.
pub trait Provider: Send + Sync + std::fmt::Debug {
    /// True when it can be asked at all; the word is for the log and the health page.
    fn available(&self) -> BoxFuture<'_, Result<(), ProviderError>>;

    /// Makes the app. The local provider has nothing to make and checks that the name is free or ours.
    fn create_app<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Makes the volume `services`; answers its id.
    fn create_volume<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<String, ProviderError>>;

    /// Pulls the image by digest, creates and starts a machine beside any other of the app, and waits
    /// until it is healthy. On error nothing of it is left behind; a call that is dropped may leave a machine,
    /// which [`Provider::destroy_others`] and [`Provider::remove_everything`] find.
    ///
    /// A provider that cannot run two machines with one volume changes the one that is replaced in place, and answers
    /// with its id; when that fails it puts back what it ran.
    fn create_machine<'a>(&'a self, spec: &'a MachineSpec) -> BoxFuture<'a, Result<Machine, ProviderError>>;

    /// Where a machine made earlier answers; `None` if it does not exist or does not run.
    fn find_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Machine>, ProviderError>>;

    /// True when a machine is gone, or has ended and does not start again by itself.
    fn has_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, ProviderError>>;

    /// Why it ended, in words that go on after "the machine ...", where the provider knows.
    fn why_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<String>> {
        let _ = id;
        Box::pin(async { None })
    }

    /// What a machine uses now; `None` if it does not exist. Asked every few seconds for every machine: must be cheap.
    fn stats<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stats>, ProviderError>>;

    /// Stops a machine and keeps it. Stopped or gone already is success.
    fn stop_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Starts a stopped machine again as it was, and waits until it is healthy.
    fn start_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Machine, ProviderError>>;

    /// Ids of machines that end or start from now on. The stream ends when the provider is lost.
    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, String>, ProviderError>>;

    /// Stops and removes a machine. Gone already is success.
    fn destroy_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Removes every machine of the app but `keep`, at once: what a deploy that was cut off left, and what could
    /// not be removed when it was replaced. The caller sees to it that no machine of the app is being made.
    fn destroy_others<'a>(&'a self, app: &'a str, keep: Option<&'a str>) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Removes the app with its machines and its volume. Gone already is success.
    fn destroy_app<'a>(&'a self, app: &'a str) -> BoxFuture<'a, Result<(), ProviderError>>;

    /// Everything that this instance made and that is still there, of one app or of all.
    fn inventory<'a>(&'a self, app: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Holding>, ProviderError>>;

    /// The machine's last `lines` log lines, oldest first, or those from `start` on; with `follow` the stream stays open
    /// until the machine ends. Dropping the stream ends it.
    fn logs<'a>(
        &'a self,
        machine: &'a str,
        lines: u32,
        start: Option<LogStart>,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, LogEntry>, ProviderError>>;

    /// Removes everything that this instance ever made: machines, volumes, pulled images, and images
    /// that were built for this instance's registry. For throw-away servers.
    fn remove_everything(&self) -> BoxFuture<'_, Result<(), ProviderError>>;
}

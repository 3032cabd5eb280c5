//! The two databases that every test of the server runs on.

use crate::postgres::Postgres;
use libtest_mimic::{Arguments, Failed, Trial};
use std::future::Future;
use std::process::ExitCode;
use std::sync::{OnceLock, PoisonError, RwLock};
use tenantry::model::Secret;
use tenantry::server::Settings;
use tenantry::server::store::{Database, Store, accounts};

/// A store that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

tokio::task_local! {
    static KIND: Kind;
}

/// The Postgres of this run, while it runs.
static POSTGRES: RwLock<Option<Postgres>> = RwLock::new(None);

/// One trial for each store: `on_both_stores![a_test, another]`.
#[macro_export]
macro_rules! on_both_stores {
    ($($test:ident),* $(,)?) => {
        vec![$(
            $crate::store::trial($crate::store::Kind::Sqlite, module_path!(), stringify!($test), $test),
            $crate::store::trial($crate::store::Kind::Postgres, module_path!(), stringify!($test), $test),
        )*]
    };
}

/// A test with a runtime of its own. What panics in it fails it.
pub fn trial<F, Fut>(kind: Kind, module: &str, name: &str, test: F) -> Trial
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    let module = module.rsplit("::").next().unwrap_or(module);
    Trial::test(format!("{}::{module}::{name}", kind.word()), move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failed::from)?;
        runtime.block_on(KIND.scope(kind, test()));
        Ok(())
    })
    .with_kind(kind.word())
}

/// An empty database for one server: `None` for a file of its own.
pub async fn fresh_database() -> Option<Secret> {
    match KIND.try_with(|kind| *kind) {
        Ok(Kind::Postgres) => Some(Secret::new(with_postgres(Postgres::fresh_database).await)),
        _ => None,
    }
}

/// Asks the run's Postgres for something, off the test's thread.
pub async fn with_postgres<T: Send + 'static>(ask: impl FnOnce(&Postgres) -> T + Send + 'static) -> T {
    let asked = tokio::task::spawn_blocking(move || {
        let postgres = POSTGRES.read().unwrap_or_else(PoisonError::into_inner);
        ask(postgres.as_ref().expect("Postgres runs"))
    });
    asked.await.expect("an answer")
}

/// The tables of a server, as a second program sees them while the server runs.
pub async fn open(settings: &Settings) -> Store {
    match settings.database() {
        file @ Database::File(_) => Store::open(&file).await.expect("the store"),
        Database::Postgres(url) => Store::open_beside(&url).await.expect("the store"),
    }
}

/// Makes a user; answers the id.
pub async fn ensure_user(settings: &Settings, email: &str) -> String {
    let store = open(settings).await;
    let mut tx = store.write().await.expect("a transaction");
    let user = accounts::ensure_user(&mut tx, email).await.expect("a user");
    tx.commit().await.expect("committed");
    store.close().await;
    user.id
}

/// Runs the trials; those on Postgres only where it is installed.
pub fn run(arguments: &Arguments, mut trials: Vec<Trial>) -> ExitCode {
    static SKIPPED: OnceLock<usize> = OnceLock::new();
    if !arguments.list {
        match Postgres::start() {
            Some(postgres) => *POSTGRES.write().unwrap_or_else(PoisonError::into_inner) = Some(postgres),
            None if std::env::var("CI").is_ok_and(|value| value == "true") => {
                eprintln!("FAILED: Postgres is not installed, and CI=true does not allow its tests to be skipped");
                return ExitCode::FAILURE;
            }
            None => {
                let all = trials.len();
                trials.retain(|trial| trial.kind() != Kind::Postgres.word());
                let _ = SKIPPED.set(all - trials.len());
            }
        }
    }
    let conclusion = libtest_mimic::run(arguments, trials);
    POSTGRES.write().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(count) = SKIPPED.get() {
        eprintln!("\nSKIPPED {count} tests: Postgres is not installed (Debian: postgresql).\n");
    }
    conclusion.exit_code()
}

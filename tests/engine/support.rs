//! What the engine tests share.

use libtest_mimic::{Failed, Trial};
use std::future::Future;

/// How a test ends.
pub type Outcome = Result<(), Failed>;

/// A test with a runtime of its own.
pub fn trial<F, Fut>(name: &str, test: F) -> Trial
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Outcome>,
{
    Trial::test(name, move || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(test())
    })
}

/// True when the engine that the environment names answers a ping.
pub fn engine_answers() -> bool {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return false };
    runtime.block_on(async {
        match bollard::Docker::connect_with_defaults() {
            Ok(docker) => docker.ping().await.is_ok(),
            Err(_) => false,
        }
    })
}

//! A provider that does not answer is left alone for a while (protocol G.3), so that callers are told at once and it is
//! not asked by everybody at the same time when it comes back.
//!
//! After [`FAILURES`] calls in a row that it did not answer nothing is passed on for [`REST`]; then one call is, and its
//! outcome decides. Knows calls and whether they were answered; must not know what they do.

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{AppSpec, Holding, LogStart, Machine, MachineSpec, Provider, ProviderError, Stats};
use crate::model::LogEntry;

/// Calls without an answer after which nothing is passed on.
pub const FAILURES: u32 = 5;
/// How long nothing is passed on: what callers are told in `Retry-After`.
pub const REST: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls pass; so many in a row were not answered.
    Closed(u32),
    /// None passes before this moment.
    Open(Instant),
    /// One call is under way that decides.
    Probing,
}

/// The wrapper.
#[derive(Debug)]
pub struct Circuit {
    inner: Arc<dyn Provider>,
    state: Mutex<State>,
    /// Why it did not answer last.
    reason: Mutex<String>,
    /// How far a test has put the clock forward.
    #[cfg(test)]
    skipped: Mutex<Duration>,
}

/// The call that decides was dropped: the next one decides.
struct Probe<'a>(Option<&'a Circuit>);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        if let Some(circuit) = self.0 {
            *circuit.lock() = State::Open(circuit.now());
        }
    }
}

impl Circuit {
    /// Around this provider.
    #[must_use]
    pub fn around(inner: Arc<dyn Provider>) -> Self {
        Self {
            inner,
            state: Mutex::new(State::Closed(0)),
            reason: Mutex::default(),
            #[cfg(test)]
            skipped: Mutex::default(),
        }
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "a test has a clock of its own")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[cfg(test)]
    fn now(&self) -> Instant {
        Instant::now() + *self.skipped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call pass or not; the guard goes with one that decides.
    fn enter(&self) -> Result<Probe<'_>, ProviderError> {
        let mut state = self.lock();
        match *state {
            State::Closed(_) => Ok(Probe(None)),
            State::Open(until) if until <= self.now() => {
                *state = State::Probing;
                Ok(Probe(Some(self)))
            }
            State::Open(_) | State::Probing => {
                let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
                Err(ProviderError::Unavailable(format!("{reason} (not asked again for a few seconds)")))
            }
        }
    }

    fn leave(&self, answered: bool) {
        let mut state = self.lock();
        *state = match (*state, answered) {
            (State::Closed(failures), false) if failures + 1 >= FAILURES => {
                tracing::error!(calls = FAILURES, "the provider does not answer and is left alone for a while");
                State::Open(self.now() + REST)
            }
            (State::Closed(failures), false) => State::Closed(failures + 1),
            (State::Probing, false) => State::Open(self.now() + REST),
            (State::Probing, true) => {
                tracing::info!("the provider answers again");
                State::Closed(0)
            }
            (State::Closed(_), true) => State::Closed(0),
            // A call from before it opened: only the one that decides closes it.
            (open @ State::Open(_), _) => open,
        };
    }

    async fn pass<T>(&self, call: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
        let mut probe = self.enter()?;
        let outcome = call.await;
        probe.0 = None;
        if let Err(ProviderError::Unavailable(reason)) = &outcome {
            self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone_from(reason);
        }
        self.leave(!matches!(outcome, Err(ProviderError::Unavailable(_))));
        outcome
    }
}

impl Provider for Circuit {
    fn available(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(self.pass(self.inner.available()))
    }

    fn create_app<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.pass(self.inner.create_app(app)))
    }

    fn create_volume<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<String, ProviderError>> {
        Box::pin(self.pass(self.inner.create_volume(app)))
    }

    fn create_machine<'a>(&'a self, spec: &'a MachineSpec) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        Box::pin(self.pass(self.inner.create_machine(spec)))
    }

    fn find_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Machine>, ProviderError>> {
        Box::pin(self.pass(self.inner.find_machine(id)))
    }

    fn has_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, ProviderError>> {
        Box::pin(self.pass(self.inner.has_ended(id)))
    }

    /// Has no error that could be counted, and is asked about a machine that was just looked at.
    fn why_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Option<String>> {
        self.inner.why_ended(id)
    }

    fn stats<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stats>, ProviderError>> {
        Box::pin(self.pass(self.inner.stats(id)))
    }

    fn stop_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.pass(self.inner.stop_machine(id)))
    }

    fn start_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        Box::pin(self.pass(self.inner.start_machine(id)))
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, String>, ProviderError>> {
        Box::pin(self.pass(self.inner.changes()))
    }

    fn destroy_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.pass(self.inner.destroy_machine(id)))
    }

    fn destroy_others<'a>(&'a self, app: &'a str, keep: Option<&'a str>) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.pass(self.inner.destroy_others(app, keep)))
    }

    fn destroy_app<'a>(&'a self, app: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.pass(self.inner.destroy_app(app)))
    }

    fn inventory<'a>(&'a self, app: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Holding>, ProviderError>> {
        Box::pin(self.pass(self.inner.inventory(app)))
    }

    fn logs<'a>(
        &'a self,
        machine: &'a str,
        lines: u32,
        start: Option<LogStart>,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, LogEntry>, ProviderError>> {
        Box::pin(self.pass(self.inner.logs(machine, lines, start, follow)))
    }

    /// Always passed on: it is the end, and nobody comes after it.
    fn remove_everything(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.inner.remove_everything()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::provider::fake::{FakeProvider, Fault};
    use futures_util::FutureExt as _;

    fn circuit() -> (FakeProvider, Circuit) {
        let provider = FakeProvider::default();
        (provider.clone(), Circuit::around(Arc::new(provider)))
    }

    fn skip(circuit: &Circuit) {
        *circuit.skipped.lock().expect("nobody panicked") += REST;
    }

    #[tokio::test]
    async fn it_opens_after_failures_in_a_row_and_one_call_decides() {
        let (provider, circuit) = circuit();
        let asked = || provider.world().calls.len();
        provider.go_away();
        for _ in 0..FAILURES {
            circuit.destroy_app("a").await.expect_err("away");
        }
        assert_eq!(asked(), 5);
        assert!(matches!(circuit.available().await, Err(ProviderError::Unavailable(_))));
        assert_eq!(asked(), 5, "told at once, and nobody was asked");

        skip(&circuit);
        circuit.available().await.expect_err("still away");
        assert_eq!(asked(), 6, "one call decides");
        circuit.available().await.expect_err("open again");
        assert_eq!(asked(), 6);

        provider.come_back();
        circuit.available().await.expect_err("nobody looked yet");
        skip(&circuit);
        for _ in 0..3 {
            circuit.available().await.expect("closed");
        }
        assert_eq!(asked(), 9);
    }

    #[tokio::test]
    async fn only_failures_in_a_row_count_and_a_refusal_is_an_answer() {
        let (provider, circuit) = circuit();
        for round in 0..3 * FAILURES {
            let fault = if round % 2 == 0 { Fault::Unavailable } else { Fault::Before };
            provider.fail("destroy_app", fault);
            circuit.destroy_app("a").await.expect_err("on demand");
        }
        circuit.available().await.expect("closed all the time");
    }

    #[tokio::test]
    async fn while_one_call_decides_nobody_else_passes_and_one_that_is_dropped_decides_nothing() {
        let (provider, circuit) = circuit();
        provider.go_away();
        for _ in 0..FAILURES {
            circuit.available().await.expect_err("away");
        }
        provider.come_back();
        skip(&circuit);
        provider.hold();
        let spec = MachineSpec {
            app: AppSpec {
                tenant: crate::model::TenantId::new("a").expect("valid"),
                app: "sp-a".into(),
                region: "fra".into(),
                volume_gb: 1,
            },
            image: "image".into(),
            pull_user: "x".into(),
            pull_token: crate::model::Secret::new("t"),
            environment: Vec::new(),
            memory_mb: 256,
            last_deploy: None,
            replaces: None,
        };
        let mut call = Box::pin(circuit.create_machine(&spec));
        assert!(call.as_mut().now_or_never().is_none(), "it is held");
        circuit.available().await.expect_err("one at a time");
        drop(call);
        circuit.available().await.expect("the next one decides");
    }
}

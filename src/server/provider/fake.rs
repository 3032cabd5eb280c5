//! A provider in memory, with failures on demand: for tests of everything above the provider.

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::BroadcastStream;

use super::{AppSpec, Holding, LogStart, Machine, MachineSpec, Provider, ProviderError, Stats, fake_stats};
use crate::model::LogEntry;

/// When a call fails: before it did anything, or after it did everything (the answer was lost).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was made.
    Before,
    /// It was made, and the caller does not know.
    After,
    /// The provider does not answer.
    Unavailable,
}

/// What exists.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct World {
    /// Names of apps.
    pub apps: BTreeSet<String>,
    /// App to volume id.
    pub volumes: BTreeMap<String, String>,
    /// Machine id to app and image.
    pub machines: BTreeMap<String, (String, String)>,
    /// Machine id to the names and values of its environment.
    pub environments: BTreeMap<String, Vec<(String, String)>>,
    /// Ids of machines that exist and do not run.
    pub stopped: BTreeSet<String>,
    /// Every call, in order.
    pub calls: Vec<String>,
}

impl World {
    /// By app.
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding> {
        let mut all: BTreeMap<&str, Holding> = BTreeMap::new();
        for app in self.apps.iter().chain(self.volumes.keys()).chain(self.machines.values().map(|(app, _)| app)) {
            all.entry(app).or_default().app.clone_from(app);
        }
        for (app, volume) in &self.volumes {
            all.entry(app).or_default().volume = Some(volume.clone());
        }
        for (id, (app, _)) in &self.machines {
            all.entry(app).or_default().machines.push(id.clone());
        }
        all.into_values().collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct Inside {
    pub(super) world: World,
    away: bool,
    hangs: bool,
    faults: HashMap<&'static str, Vec<Fault>>,
    made: u64,
    /// Where the machines that are made next answer.
    next_places: VecDeque<SocketAddr>,
    /// Where machines are that were moved.
    places: HashMap<String, SocketAddr>,
}

/// The provider. Clones share one world.
#[derive(Debug, Clone)]
pub struct FakeProvider {
    inside: Arc<Mutex<Inside>>,
    gate: Arc<watch::Sender<bool>>,
    changes: broadcast::Sender<String>,
}

impl Default for FakeProvider {
    fn default() -> Self {
        Self { inside: Arc::default(), gate: Arc::new(watch::channel(true).0), changes: broadcast::channel(64).0 }
    }
}

impl FakeProvider {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What exists now.
    #[must_use]
    pub fn world(&self) -> World {
        self.lock().world.clone()
    }

    /// Lets the next call of `operation` (`create_volume`, ...) fail.
    pub fn fail(&self, operation: &'static str, fault: Fault) {
        self.lock().faults.entry(operation).or_default().push(fault);
    }

    /// From now on no call is answered, as without a Docker Engine.
    pub fn go_away(&self) {
        self.lock().away = true;
    }

    /// It answers again.
    pub fn come_back(&self) {
        self.lock().away = false;
    }

    /// Puts a volume there that this server did not make in this run.
    pub fn plant_volume(&self, app: &str) {
        let mut inside = self.lock();
        inside.world.apps.insert(app.to_owned());
        inside.world.volumes.insert(app.to_owned(), format!("vol_{app}"));
    }

    /// Holds every `create_machine` until `release`.
    pub fn hold(&self) {
        self.gate.send_replace(false);
    }

    /// The next `create_machine` makes its machine and then never answers.
    pub fn hang(&self) {
        self.lock().hangs = true;
    }

    /// Lets held calls go on.
    pub fn release(&self) {
        self.gate.send_replace(true);
    }

    /// Stops a machine as a crash would.
    pub fn kill(&self, machine: &str) {
        self.lock().world.machines.remove(machine);
        let _ = self.changes.send(machine.to_owned());
    }

    /// Lets a machine that was killed run again by itself.
    pub fn revive(&self, machine: &str, app: &str, image: &str) {
        self.lock().world.machines.insert(machine.to_owned(), (app.to_owned(), image.to_owned()));
        let _ = self.changes.send(machine.to_owned());
    }

    /// Lets the next machine that is made answer there.
    pub fn next_at(&self, place: SocketAddr) {
        self.lock().next_places.push_back(place);
    }

    /// Lets a machine start again and answer elsewhere.
    pub fn move_to(&self, machine: &str, place: SocketAddr) {
        self.lock().places.insert(machine.to_owned(), place);
        let _ = self.changes.send(machine.to_owned());
    }

    pub(super) fn call<T>(
        &self,
        operation: &'static str,
        argument: &str,
        effect: impl FnOnce(&mut Inside) -> T,
    ) -> Result<T, ProviderError> {
        let mut inside = self.lock();
        inside.world.calls.push(format!("{operation} {argument}"));
        let fault = inside.faults.get_mut(operation).and_then(Vec::pop);
        let fault = if inside.away { Some(Fault::Unavailable) } else { fault };
        let failure = || ProviderError::Failed(format!("{operation} failed on demand"));
        match fault {
            None => Ok(effect(&mut inside)),
            Some(Fault::Before) => Err(failure()),
            Some(Fault::Unavailable) => Err(ProviderError::Unavailable("the provider does not answer".into())),
            Some(Fault::After) => {
                effect(&mut inside);
                Err(failure())
            }
        }
    }
}

fn machine(id: String) -> Machine {
    // Port 9 (discard): nothing answers there, and nothing should.
    Machine { id, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 9)) }
}

impl Provider for FakeProvider {
    fn available(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(async move { self.call("available", "", |_| ()) })
    }

    fn create_app<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            self.call("create_app", &app.app, |inside| {
                inside.world.apps.insert(app.app.clone());
            })
        })
    }

    fn create_volume<'a>(&'a self, app: &'a AppSpec) -> BoxFuture<'a, Result<String, ProviderError>> {
        Box::pin(async move {
            self.call("create_volume", &app.app, |inside| {
                let volume = format!("vol_{}", app.app);
                inside.world.volumes.insert(app.app.clone(), volume.clone());
                volume
            })
        })
    }

    fn create_machine<'a>(&'a self, spec: &'a MachineSpec) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        Box::pin(async move {
            let _ = self.gate.subscribe().wait_for(|open| *open).await;
            let made = self.call("create_machine", &spec.app.app, |inside| {
                inside.made += 1;
                let id = format!("machine_{}_{}", spec.app.app, inside.made);
                inside.world.machines.insert(id.clone(), (spec.app.app.clone(), spec.image.clone()));
                let environment = spec.environment.iter().map(|(key, value)| (key.clone(), value.reveal().to_owned()));
                inside.world.environments.insert(id.clone(), environment.collect());
                let Some(place) = inside.next_places.pop_front() else { return machine(id) };
                inside.places.insert(id.clone(), place);
                Machine { id, address: place }
            });
            if std::mem::take(&mut self.lock().hangs) {
                std::future::pending::<()>().await;
            }
            made
        })
    }

    fn find_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Machine>, ProviderError>> {
        Box::pin(async move {
            self.call("find_machine", id, |inside| {
                let runs = inside.world.machines.contains_key(id) && !inside.world.stopped.contains(id);
                let found = runs.then(|| machine(id.to_owned()));
                found.map(|found| Machine { address: *inside.places.get(id).unwrap_or(&found.address), ..found })
            })
        })
    }

    fn has_ended<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, ProviderError>> {
        Box::pin(async move {
            self.call("has_ended", id, |inside| {
                !inside.world.machines.contains_key(id) || inside.world.stopped.contains(id)
            })
        })
    }

    fn stats<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Stats>, ProviderError>> {
        Box::pin(async move { self.measure(id) })
    }

    fn stop_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            self.call("stop_machine", id, |inside| {
                if inside.world.machines.contains_key(id) {
                    inside.world.stopped.insert(id.to_owned());
                }
            })
        })
    }

    fn start_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Machine, ProviderError>> {
        Box::pin(async move {
            let found = self.call("start_machine", id, |inside| {
                inside.world.stopped.remove(id);
                inside.world.machines.contains_key(id).then(|| machine(id.to_owned()))
            })?;
            let _ = self.changes.send(id.to_owned());
            found.ok_or_else(|| ProviderError::Failed(format!("there is no machine {id}")))
        })
    }

    fn changes(&self) -> BoxFuture<'_, Result<BoxStream<'static, String>, ProviderError>> {
        Box::pin(async move {
            // Not among the calls: it does nothing.
            if self.lock().away {
                return Err(ProviderError::Unavailable("the provider does not answer".into()));
            }
            let changes = BroadcastStream::new(self.changes.subscribe());
            Ok(changes.filter_map(|change| async { change.ok() }).boxed())
        })
    }

    fn destroy_machine<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            self.call("destroy_machine", id, |inside| {
                inside.world.machines.remove(id);
                inside.world.stopped.remove(id);
            })
        })
    }

    fn destroy_others<'a>(&'a self, app: &'a str, keep: Option<&'a str>) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            self.call("destroy_others", app, |inside| {
                inside.world.machines.retain(|id, (owner, _)| owner != app || Some(id.as_str()) == keep);
            })
        })
    }

    fn destroy_app<'a>(&'a self, app: &'a str) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(async move {
            self.call("destroy_app", app, |inside| {
                inside.world.apps.remove(app);
                inside.world.volumes.remove(app);
                inside.world.machines.retain(|_, (owner, _)| owner != app);
            })
        })
    }

    fn inventory<'a>(&'a self, app: Option<&'a str>) -> BoxFuture<'a, Result<Vec<Holding>, ProviderError>> {
        Box::pin(async move {
            // Not among the calls: it does nothing.
            let mut inside = self.lock();
            let fault = inside.faults.get_mut("inventory").and_then(Vec::pop);
            if inside.away || fault.is_some() {
                return Err(ProviderError::Unavailable("the provider does not answer".into()));
            }
            Ok(inside.world.holdings().into_iter().filter(|holding| app.is_none_or(|app| app == holding.app)).collect())
        })
    }

    fn logs<'a>(
        &'a self,
        machine: &'a str,
        lines: u32,
        start: Option<LogStart>,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, LogEntry>, ProviderError>> {
        Box::pin(async move {
            self.call("logs", machine, |_| {
                let written = stream::iter(fake_stats::log(lines, start));
                if follow { written.chain(stream::pending()).boxed() } else { written.boxed() }
            })
        })
    }

    fn remove_everything(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(async move {
            self.call("remove_everything", "", |inside| {
                inside.world.apps.clear();
                inside.world.volumes.clear();
                inside.world.machines.clear();
            })
        })
    }
}

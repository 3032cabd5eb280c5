//! The server under load: listeners of event streams, and reads beside them, on the cores that both sides share.
//!
//! `just bench-server` runs it. It starts the program's own release binary as a process, so that memory and processor
//! time are the server's alone, buys tenants, lets their streams talk by way of `--faults` (each event in a transaction
//! of its own, like any other), and counts what every listener gets. `TENANTRY_BENCH_SECONDS` sets how long each case
//! talks. It prints tables in Markdown and fails when an event is missing or comes twice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../../tests/common/mod.rs"]
mod common;
mod listener;
#[path = "../../tests/common/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;
mod process;
mod reads;
mod table;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use listener::{Listener, Tally};
use process::Process;
use table::Outcome;
use world::World;

/// Events per second that every listener gets.
const RATE: u32 = 20;
/// Reads per second beside them.
const READS: u32 = 200;

/// One case.
#[derive(Debug, Clone, Copy)]
struct Case {
    tenants: usize,
    listeners_each: usize,
    rate: u32,
    reads: u32,
    seconds: u32,
}

fn main() -> ExitCode {
    // `cargo test --benches` and `cargo bench` both start it; only the second asks for figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    raise_the_limit_of_files();
    let seconds = std::env::var("TENANTRY_BENCH_SECONDS").ok().and_then(|raw| raw.parse().ok()).unwrap_or(30);
    let postgres = postgres::Postgres::start();
    let mut whole = true;

    let mut rows = Vec::new();
    for postgres in std::iter::once(None).chain(postgres.as_ref().map(Some)) {
        for (tenants, listeners_each) in [(1, 1000), (50, 20)] {
            let case = Case { tenants, listeners_each, rate: RATE, reads: READS, seconds };
            let url = postgres.map(postgres::Postgres::fresh_database);
            let store = if url.is_some() { "Postgres" } else { "SQLite" };
            rows.push((store, case, run(case, url.as_deref())));
        }
    }
    whole &= rows.iter().all(|(_, _, outcome)| outcome.is_whole());
    println!("{}", table::load(&rows));

    let mut rows = Vec::new();
    for (listeners_each, rate) in [(10, 20), (100, 20), (1000, 20), (5000, 4)] {
        let case = Case { tenants: 1, listeners_each, rate, reads: 0, seconds: seconds.min(15) };
        rows.push(("SQLite", case, run(case, None)));
    }
    whole &= rows.iter().all(|(_, _, outcome)| outcome.is_whole());
    println!("{}", table::cost(&rows));
    if postgres.is_none() {
        eprintln!("SKIPPED the cases on Postgres: it is not installed (Debian: postgresql).");
    }
    if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each listener is a socket, on both sides.
fn raise_the_limit_of_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum }).is_err() {
        eprintln!("the limit of open files stays at {:?}", now.current);
    }
}

fn run(case: Case, database: Option<&str>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, measure(case, database))
}

async fn measure(case: Case, database: Option<&str>) -> Outcome {
    let world = World::open(case.tenants, database).await;
    let server = Process(world.server.id());
    let before = server.resident_kb();
    let tally = Tally::default();
    let sampled = (case.tenants * case.listeners_each / 100).max(1);
    let mut listeners = Vec::new();
    for index in 0..case.tenants * case.listeners_each {
        let path = format!("/api/v1/tenants/{}/events?follow=true", world.tenants[index % case.tenants]);
        let listener = Listener::open(&world.address(), &path, &world.token, tally.clone(), index % sampled == 0).await;
        listeners.push(tokio::task::spawn_local(listener.run()));
    }
    let all = listeners.len();
    // Everyone has the snapshot: from here on everyone gets everything.
    until(Duration::from_mins(2), || tally.greeted() == all).await;
    let silent = server.resident_kb();

    let (cpu, own_cpu, begun) = (server.cpu(), Process::this().cpu(), Instant::now());
    world.talk(case.rate, case.rate * case.seconds).await;
    let reads = reads::Reads::default();
    let reading = (case.reads > 0).then(|| {
        let length = Duration::from_secs(case.seconds.into());
        tokio::task::spawn_local(reads::run(world.reads(), case.reads, length, reads.clone()))
    });
    let expected = all as u64 * u64::from(case.rate * case.seconds);
    let mut most = silent;
    let patience = Duration::from_secs(u64::from(case.seconds) * 3 + 30);
    until(patience, || {
        most = most.max(server.resident_kb());
        tally.delivered() >= expected
    })
    .await;
    let took = begun.elapsed();
    if let Some(reading) = reading {
        reading.await.expect("reads");
    }
    let since = |now: Duration, then: Duration| now.saturating_sub(then);
    let (cpu, own_cpu) = (since(server.cpu(), cpu), since(Process::this().cpu(), own_cpu));
    // What comes twice comes now.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let outcome = Outcome { expected, before, silent, most, cpu, own_cpu, took, ..tally.outcome(&reads) };
    for listener in listeners {
        listener.abort();
    }
    eprintln!("{case:?}: {outcome:?}");
    outcome
}

/// Waits, and looks often enough.
async fn until(most: Duration, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() && begun.elapsed() < most {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

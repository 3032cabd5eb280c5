//! The server over real HTTP: every test runs on SQLite and on Postgres.
//!
//! Postgres is started by the run and removed by it. Where it is not installed its half is skipped and counted
//! aloud; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[macro_use]
mod store;
#[path = "../common/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../common/server.rs"]
mod process;

mod browser;
mod calls;
mod checklist;
mod clients;
mod databases;
mod domains;
mod door;
mod exchange;
mod exchange_client;
mod faults;
mod flow;
mod hostile;
mod leaks;
mod lessons;
mod login;
mod machine;
mod operations;
mod oracle;
mod paddle;
mod payments;
mod providers;
mod rules;
mod states;
mod streams;
mod subscriptions;
mod support;
mod sweeper;
mod usage;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

/// The tests of every file.
const FILES: &[fn() -> Vec<Trial>] = &[
    browser::trials,
    calls::trials,
    checklist::trials,
    clients::trials,
    databases::trials,
    domains::trials,
    door::trials,
    exchange::trials,
    exchange_client::trials,
    faults::trials,
    flow::trials,
    hostile::trials,
    leaks::trials,
    lessons::trials,
    login::trials,
    machine::trials,
    operations::trials,
    oracle::trials,
    paddle::trials,
    payments::trials,
    providers::trials,
    rules::trials,
    states::trials,
    streams::trials,
    subscriptions::trials,
    sweeper::trials,
    usage::trials,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    store::run(&arguments, FILES.iter().flat_map(|trials| trials()).collect())
}

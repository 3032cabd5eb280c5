//! The server over real HTTP: every test runs on SQLite and on Postgres.
//!
//! Postgres is started by the run and removed by it. Where it is not installed its half is skipped and counted
//! aloud; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[macro_use]
mod store;
#[path = "../common/postgres.rs"]
mod postgres;

mod clients;
mod databases;
mod flow;
mod leaks;
mod machine;
mod oracle;
mod rules;
mod support;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = [
        clients::trials(),
        databases::trials(),
        flow::trials(),
        leaks::trials(),
        machine::trials(),
        oracle::trials(),
        rules::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    store::run(&arguments, trials)
}

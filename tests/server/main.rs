//! The server over real HTTP: every test runs on SQLite and on Postgres.
//!
//! Postgres is started by the run and removed by it. Where it is not installed its half is skipped and counted
//! aloud; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[macro_use]
mod store;
#[path = "../common/postgres.rs"]
mod postgres;

mod checklist;
mod browser;
mod exchange;
mod flow;
mod login;
mod machine;
mod payments;
mod providers;
mod rules;
mod subscriptions;
mod support;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> =
        [checklist::trials(), flow::trials(), machine::trials(), rules::trials()].into_iter().flatten().collect();
    let trials: Vec<Trial> = [
        flow::trials(),
        machine::trials(),
        rules::trials(),
        payments::trials(),
        subscriptions::trials(),
        browser::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
        [exchange::trials(), flow::trials(), login::trials(), machine::trials(), providers::trials(), rules::trials()]
            .into_iter()
            .flatten()
            .collect();
    store::run(&arguments, trials)
}

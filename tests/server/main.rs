//! The server over real HTTP: every test runs on SQLite and on Postgres.
//!
//! Postgres is started by the run and removed by it. Where it is not installed its half is skipped and counted
//! aloud; with `CI=true` that is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[macro_use]
mod store;
#[path = "../common/postgres.rs"]
mod postgres;

mod flow;
mod machine;
mod rules;
mod support;
mod usage;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> =
        [flow::trials(), machine::trials(), rules::trials(), usage::trials()].into_iter().flatten().collect();
    store::run(&arguments, trials)
}

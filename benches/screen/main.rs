//! How fast the screen's parts are, how much memory they take, and how the built program starts and rests in a
//! pseudo-terminal. Nothing beyond this machine is needed.
//!
//! `just bench-screen` runs it. `TENANTRY_BENCH_RUNS` sets the number of runs of each case (7 where it is not set),
//! `TENANTRY_BENCH_CASES` a word that a case must hold to be run. It prints a table in Markdown: medians, spread, goals.
//! It never fails for being slow: a figure is for reading.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod lines;
mod logs;
mod memory;
mod process;
mod table;
mod whole;

use std::process::ExitCode;

use table::Table;

/// Runs of each case.
const RUNS: usize = 7;

fn main() -> ExitCode {
    // A child of this bench, for the memory of a process that does nothing else.
    if std::env::var_os(memory::CHILD).is_some() {
        memory::child();
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` and `cargo bench` both start it; only the second asks for figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let runs = std::env::var("TENANTRY_BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let wanted = std::env::var("TENANTRY_BENCH_CASES").unwrap_or_default();
    let mut table = Table::new(runs, &wanted);
    logs::intake(&mut table);
    memory::measure(&mut table);
    logs::looking(&mut table);
    logs::windows(&mut table);
    logs::flood(&mut table);
    whole::keys(&mut table);
    whole::events(&mut table);
    whole::start(&mut table);
    process::measure(&mut table, runs);
    println!("{table}");
    ExitCode::SUCCESS
}

//! Everything that needs a real Docker Engine. Where none answers the tests are skipped and counted
//! aloud; with `CI=true` a missing engine is a failure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod build;
mod buildkit;
mod capturing_engine;
mod checklist;
mod classic;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod connection;
mod context;
mod demo;
mod deploy;
mod deploy_faults;
mod door;
mod engine_faults;
mod flow;
mod flow_broken_off;
mod flow_clock;
mod flow_health;
mod flow_records;
mod flow_together;
mod ignore_cases;
mod ignore_oracle;
mod live;
mod local;
mod local_program;
mod local_registry;
mod log;
mod lost_engine;
mod machine;
mod measured;
mod own_engine;
mod own_push;
mod planted;
#[path = "../common/postgres.rs"]
#[allow(dead_code, reason = "only where it is installed is asked")]
mod postgres;
mod postgres_image;
mod project;
mod provider;
mod push;
mod registry;
mod rollback;
mod sample;
mod skip;
mod soak;
mod support;
mod terminal;
mod volume;
mod world;

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = [
        build::trials(),
        classic::trials(),
        buildkit::trials(),
        commands::trials(),
        connection::trials(),
        context::trials(),
        demo::trials(),
        deploy::trials(),
        door::trials(),
        engine_faults::trials(),
        flow::trials(),
        flow_broken_off::trials(),
        flow_clock::trials(),
        flow_health::trials(),
        flow_records::trials(),
        flow_together::trials(),
        ignore_oracle::trials(),
        own_push::trials(),
        planted::trials(),
        deploy_faults::trials(),
        machine::trials(),
        measured::trials(),
        log::trials(),
        lost_engine::trials(),
        volume::trials(),
        checklist::trials(),
        live::trials(),
        local::trials(),
        local_program::trials(),
        provider::trials(),
        push::trials(),
        registry::trials(),
        rollback::trials(),
        skip::trials(),
        soak::trials(),
        terminal::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if arguments.list || support::engine_answers() {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    let count = trials.len();
    if std::env::var("CI").is_ok_and(|value| value == "true") {
        eprintln!("FAILED: no Docker Engine answers, and CI=true does not allow {count} tests to be skipped");
        return ExitCode::FAILURE;
    }
    eprintln!("\nSKIPPED {count} tests: no Docker Engine answers. Start one to run them.\n");
    ExitCode::SUCCESS
}

//! How fast a deploy is, side by side with the docker command line and BuildKit doing build, login and push of the same
//! project on the same engine and registry.
//!
//! `just bench-deploy` runs it; it needs a Docker Engine and a docker command line that can build with BuildKit
//! (`TENANTRY_BENCH_DOCKER` names it; `/usr/bin/docker` where it is not set). `TENANTRY_BENCH_RUNS` sets the number of
//! alternating runs (at least 7 for a figure that is to be told). It prints a table in Markdown: medians, spread, ratios.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../../tests/common/mod.rs"]
mod common;
mod docker;
mod memory;
mod ours;
mod project;
mod table;

use std::process::ExitCode;

use docker::Docker;
use ours::Tenantry;
use project::Project;
use table::{Row, Samples, Table};

/// Runs of each side, alternating.
const RUNS: usize = 7;

fn main() -> ExitCode {
    // `cargo test --benches` and `cargo bench` both start it; only the second asks for figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let runs = std::env::var("TENANTRY_BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let server = common::server::Server::start();
    let project = Project::write(&server, 2000, 100 * 1024);
    let tenantry = Tenantry::log_in(&server, &project);
    let docker = Docker::find();
    println!("{}\n", docker.describe());
    let tenants: Vec<_> = (0..4).map(|_| tenantry.buy()).collect();
    let (ours, theirs) = (&tenants[0], &tenants[3]);

    // Both sides once, so that bases, caches and machines are there.
    Tenantry::deploy(&project, &[ours]);
    docker.release(&project, &tenantry, theirs);
    tenantry.call_deploy(theirs);

    let mut table = Table::default();
    unchanged(runs, &mut table, &tenantry, &docker, &project, ours, theirs);
    changed(runs, &mut table, &tenantry, &docker, &project, ours, theirs);
    several(runs, &mut table, &project, &tenants[..3]);
    println!("{table}");
    if std::env::var_os("TENANTRY_BENCH_MEMORY").is_some_and(|value| value != "0") {
        println!("{}", memory::measure(&project, ours));
    }
    docker.clean_up(&server.registry);
    ExitCode::SUCCESS
}

fn unchanged(
    runs: usize,
    table: &mut Table,
    tenantry: &Tenantry,
    docker: &Docker,
    project: &Project,
    ours: &str,
    theirs: &str,
) {
    let (mut steps, mut whole, mut other) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..runs {
        let mine = Tenantry::deploy(project, &[ours]);
        steps.push(mine.step("registry") + mine.step("build") + mine.step("push"));
        whole.push(mine.build_and_push());
        other.push(docker.release(project, tenantry, theirs).whole());
    }
    table.add(Row::new("nothing changed: the steps registry, build and push", &steps, &other, 0.10));
    table.add(Row::new("nothing changed: the same with start, checks, secrets, history", &whole, &other, f64::NAN));
}

fn changed(
    runs: usize,
    table: &mut Table,
    tenantry: &Tenantry,
    docker: &Docker,
    project: &Project,
    ours: &str,
    theirs: &str,
) {
    let mut samples: [Samples; 8] = Default::default();
    for _ in 0..runs {
        project.change();
        let mine = Tenantry::deploy(project, &[ours]);
        project.change();
        let other = docker.release(project, tenantry, theirs);
        let called = tenantry.call_deploy(theirs);
        for (samples, value) in samples.iter_mut().zip([
            mine.step("build"),
            other.build,
            mine.step("push"),
            other.push,
            mine.build_and_push(),
            other.whole(),
            mine.step("deploy"),
            called,
        ]) {
            samples.push(value);
        }
    }
    let [build, their_build, push, their_push, whole, their_whole, call, their_call] = &samples;
    table.add(Row::new("one small file changed: build", build, their_build, 1.0));
    table.add(Row::new("one small file changed: push of the 200 MB layer", push, their_push, 1.0));
    table.add(Row::new("one small file changed: build + login + push", whole, their_whole, 1.0));
    table.add(Row::new("the deploy call itself (the same on both sides)", call, their_call, f64::NAN));
}

fn several(runs: usize, table: &mut Table, project: &Project, tenants: &[String]) {
    let names: Vec<&str> = tenants.iter().map(String::as_str).collect();
    Tenantry::deploy(project, &names);
    let (mut three, mut one) = (Samples::default(), Samples::default());
    let (mut three_whole, mut one_whole) = (Samples::default(), Samples::default());
    for _ in 0..runs {
        project.change();
        let single = Tenantry::deploy(project, &names[..1]);
        one.push(single.build_and_push());
        one_whole.push(single.wall);
        project.change();
        let all = Tenantry::deploy(project, &names);
        three.push(all.build_and_push());
        three_whole.push(all.wall);
    }
    table.add(Row::new("three tenants ÷ our own deploy of one: build + push", &three, &one, 1.15));
    table.add(Row::new("three tenants ÷ our own deploy of one: everything", &three_whole, &one_whole, 1.15));
}

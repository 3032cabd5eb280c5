//! Floor 4: the command line. Parses arguments, runs what they name, and turns its end into an exit code.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 login needed, 4 a check of the doctor failed.

mod arguments;
mod history;
mod doctor;
mod open;
mod serve;
mod stop;

use clap::Parser;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::demo;
use crate::logging;
use crate::model::Problem;
use arguments::{Arguments, Command};

/// Runs the program with the arguments of its process.
///
/// # Errors
/// Only what nobody foresaw; every foreseen failure is told on standard error and becomes an exit code.
pub fn main() -> color_eyre::Result<ExitCode> {
    let (panic_hook, eyre_hook) = color_eyre::config::HookBuilder::default().into_hooks();
    eyre_hook.install()?;
    panic_hook.install();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(run(arguments));
    // A blocking call that nobody waits for any more (a name look-up, a file) must not hold the exit up.
    runtime.shutdown_background();
    Ok(match result {
        Ok(code) => code,
        Err(problem) => {
            tell(&problem);
            ExitCode::from(if problem.requires_login { 3 } else { 1 })
        }
    })
}

async fn run(arguments: Arguments) -> Result<ExitCode, Problem> {
    let stop = stop::on_signals().map_err(|error| cannot_listen(&error))?;
    match arguments.command {
        None => {
            let _log = logging::to_state_directory();
            open::run(stop).await
        }
        Some(Command::Demo(demo)) => {
            let headless = demo.headless || !std::io::stdout().is_terminal();
            demo::run(demo::Options { headless, auto_pay: demo.auto_pay || headless }, stop).await
        }
        Some(Command::Serve(settings)) => {
            logging::to_standard_error();
            serve::run(settings, stop).await
        }
        Some(Command::History(arguments)) => {
            let _log = logging::to_state_directory();
            history::run(arguments, stop).await
        }
    }
        Some(Command::Doctor(doctor)) => {
            let _log = logging::to_state_directory();
            return doctor::run(doctor, stop).await;
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

fn cannot_listen(error: &std::io::Error) -> Problem {
    Problem::new("The program cannot listen for signals.").detail(error.to_string())
}

/// What failed, with what, and what to do next: a line each, on standard error.
fn tell(problem: &Problem) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "tenantry: {}", problem.title);
    for line in [&problem.detail, &problem.hint].into_iter().flatten() {
        let _ = writeln!(err, "  {line}");
    }
}

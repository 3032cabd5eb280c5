//! Floor 4: the command line. Parses arguments, runs what they name, and turns its end into an exit code.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 login needed, 4 a check before a deploy failed.

mod again;
mod arguments;
mod around;
mod auth;
mod browse;
mod build_secret;
mod change;
mod complete;
mod db;
mod deploy;
mod deployments;
mod dockerfile;
mod doctor;
mod domain;
mod environment;
mod events;
mod exit;
mod first_start;
mod frame;
mod history;
mod init;
mod login;
mod logout;
mod logs;
mod man;
mod metrics;
mod once;
mod open;
mod plans;
mod profile;
mod progress;
#[cfg(test)]
mod promises;
mod restart;
mod rollback;
mod rotate;
mod secrets;
mod serve;
mod status;
pub(crate) mod stop;
mod subscription;
mod tenant;
mod watch;
mod whoami;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::crash;
use crate::demo;
use crate::logging;
use crate::model::{Problem, Remedy};
use crate::ops::stored;
use crate::settings;
use crate::telling::Tone;
use arguments::{Arguments, Command};
use exit::Exit;
use frame::Paint;

/// How long what must not be broken off may hold up the end, after Ctrl-C for one.
const LAST: Duration = Duration::from_secs(40);

/// Runs the program with the arguments of its process.
///
/// # Errors
/// Only what nobody foresaw; every foreseen failure is told on standard error and becomes an exit code.
pub fn main() -> color_eyre::Result<ExitCode> {
    let (panic_hook, eyre_hook) = color_eyre::config::HookBuilder::default().into_hooks();
    eyre_hook.install()?;
    panic_hook.install();
    let words: Vec<_> = std::env::args_os().collect();
    if complete::answered(&words) {
        return Ok(Exit::Done.into());
    }
    frame::beside::silent_where_wanted(&words);
    let arguments = match read(&words) {
        Ok((serve::Wanted::Run(arguments), warning)) => {
            if let Some(warning) = warning {
                note(&warning);
            }
            *arguments
        }
        Ok((serve::Wanted::Template(text), _)) => {
            // Whoever reads only its beginning closes the pipe.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            return Ok(Exit::Done.into());
        }
        Err(serve::Refusal::Usage(error)) => error.exit(),
        Err(serve::Refusal::File(problem)) => {
            tell(&problem);
            return Ok(Exit::Usage.into());
        }
    };
    if !matches!(arguments.command, Some(Command::Serve(_))) {
        // The server lives on after a panic in one of its calls, and tells it where its operator reads.
        crash::install();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let result = match run(arguments).await {
            Ok(Exit::Login) => done_again(&words).await.unwrap_or(Ok(Exit::Login)),
            result => result,
        };
        if !stored::finish_unbroken(LAST).await {
            note("credentials that were on their way may be lost: fetch or rotate them again");
        }
        result
    });
    // A blocking call that nobody waits for any more (a name look-up, a file) must not hold the exit up.
    runtime.shutdown_background();
    Ok(match result {
        Ok(exit) => exit.into(),
        Err(problem) => {
            tell(&problem);
            Exit::of(&problem).into()
        }
    })
}

/// What a login that was over broke off, done again after a new one; `None` where that is not wanted.
async fn done_again(words: &[OsString]) -> Option<Result<Exit, Problem>> {
    let seat = again::seat(words).await?;
    let stop = stop::on_signals().ok()?;
    let logged_in = stop.run_until_cancelled(async {
        if again::go_on().await? { login::in_browser(&seat).await.map(|()| true) } else { Ok(false) }
    });
    match logged_in.await? {
        Ok(true) => match read(words) {
            Ok((serve::Wanted::Run(arguments), _)) => Some(Box::pin(run(*arguments)).await),
            _ => None,
        },
        Ok(false) => None,
        Err(problem) => Some(Err(problem)),
    }
}

/// What was written. Of nothing nothing has to be found out: the screen does not wait for the whole command line's definition.
fn read(words: &[OsString]) -> Result<(serve::Wanted, Option<String>), serve::Refusal> {
    if words.len() <= 1 {
        let arguments = Arguments { command: None, screen: open::Screen::default() };
        return Ok((serve::Wanted::Run(Box::new(arguments)), None));
    }
    serve::read(words)
}

async fn run(arguments: Arguments) -> Result<Exit, Problem> {
    let stop = stop::on_signals().map_err(|error| cannot_listen(&error))?;
    match arguments.command {
        None if arguments.screen.wants_template() => {
            // Whoever reads only its beginning closes the pipe.
            let _ = std::io::stdout().lock().write_all(settings::template().as_bytes());
            Ok(Exit::Done)
        }
        None => {
            let _log = logging::to_state_directory();
            Box::pin(open::run(arguments.screen, stop)).await.map(|()| Exit::Done)
        }
        Some(Command::Deploy(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(deploy::run(*arguments, stop).await)
        }
        Some(Command::Rollback(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(rollback::run(arguments, stop).await)
        }
        Some(Command::Demo(demo)) => {
            let headless = demo.headless || !std::io::stdout().is_terminal();
            demo::run(demo::Options { headless, auto_pay: demo.auto_pay || headless }, stop).await.map(|()| Exit::Done)
        }
        Some(Command::Serve(settings)) => {
            logging::to_standard_error();
            Box::pin(serve::run(*settings, stop)).await.map(|()| Exit::Done)
        }
        Some(Command::History(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(history::run(arguments, stop).await)
        }
        Some(Command::Auth(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(auth::run(arguments, stop).await)
        }
        Some(Command::Login(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(login::run(arguments, stop).await)
        }
        Some(Command::Logout(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(logout::run(arguments, stop).await)
        }
        Some(Command::Whoami(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(whoami::run(arguments, stop).await)
        }
        Some(Command::Init(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(init::run(arguments, stop).await)
        }
        Some(Command::Dockerfile(arguments)) => Ok(dockerfile::run(arguments, &stop).await),
        Some(Command::Tenant(arguments)) => {
            let _log = logging::to_state_directory();
            Ok(Box::pin(tenant::run(arguments, stop)).await)
        }
        Some(Command::Doctor(doctor)) => {
            let _log = logging::to_state_directory();
            Ok(doctor::run(doctor, stop).await)
        }
        Some(Command::Completions(arguments)) => {
            Ok(complete::run(&arguments).unwrap_or_else(|failure| failure.tell(false)))
        }
        Some(Command::Man(arguments)) => Ok(man::run(&arguments).unwrap_or_else(|failure| failure.tell(false))),
        Some(Command::Once(command)) => {
            let _log = logging::to_state_directory();
            Ok(Box::pin(once::run(command, &stop)).await)
        }
    }
}

fn cannot_listen(error: &std::io::Error) -> Problem {
    Problem::new("The program cannot listen for signals.").detail(error.to_string())
}

/// A line for the person that is no result.
fn note(words: &str) {
    let sign = Paint::err().tone(Tone::Warn, "tenantry:");
    let _ = writeln!(std::io::stderr().lock(), "{sign} {words}");
}

/// What failed, with what, and what to do next: a line each, on standard error.
fn tell(problem: &Problem) {
    let _ = std::io::stderr().lock().write_all(told(problem, Paint::err()).as_bytes());
}

fn told(problem: &Problem, paint: Paint) -> String {
    let mut out = format!("{} {}\n", paint.tone(Tone::Bad, "tenantry:"), paint.tone(Tone::Strong, &problem.title));
    for line in [&problem.detail, &problem.hint].into_iter().flatten() {
        let _ = writeln!(out, "  {line}");
    }
    // The screen has keys for these; here they are commands.
    for command in problem.remedies.iter().filter_map(|remedy| command_of(*remedy)) {
        let is_said = [&problem.detail, &problem.hint].into_iter().flatten().any(|line| line.contains(command));
        if !is_said {
            let _ = writeln!(out, "  {}", paint.tone(Tone::Accent, command));
        }
    }
    out
}

/// The command that does what a remedy says; none where it is the same command again.
fn command_of(remedy: Remedy) -> Option<&'static str> {
    match remedy {
        // The list of the project is brought up to date by itself.
        Remedy::Retry | Remedy::RemoveEntry => None,
        Remedy::LogIn => Some("tenantry login"),
        Remedy::Deploy => Some("tenantry deploy"),
        Remedy::OpenLog => Some("tenantry logs"),
        Remedy::Rotate => Some("tenantry rotate"),
        Remedy::RetryProvision => Some("tenantry tenant retry"),
        Remedy::Watch => Some("tenantry watch"),
        Remedy::OpenPortal => Some("tenantry subscription show"),
        Remedy::ChoosePlan => Some("tenantry plans"),
        Remedy::Activate => Some("tenantry tenant activate"),
        Remedy::SetDomain => Some("tenantry domain set <domain>"),
    }
}

//! `tenantry serve`: from arguments to a running Management API. The flags of each part of it are in a file of their own.

mod configuration;
mod databases;
mod door;
mod login;
mod operations;
mod payment;
mod template;
mod token;
mod usage;

pub(super) use configuration::{ConfigurationFlags, Refusal, Wanted, read};
pub(super) use databases::DatabaseFlags;
pub(super) use door::DoorFlags;
pub(super) use login::LoginFlags;
pub(super) use operations::OperationFlags;
pub(super) use payment::PaymentFlags;
pub(super) use usage::UsageFlags;

use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use super::arguments::Serve;
use super::stop::Twice;
use crate::model::Problem;
use crate::server::{self, Settings};

/// What else can be done with a server.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ServeCommand {
    /// Print a login token for a user of a server on this machine, for you who can read its key. The server may run.
    #[command(after_help = "Example:\n  tenantry serve token --data ./tenantry-data --user mara@orchard.example")]
    Token(token::TokenArguments),
}

pub(super) async fn run(mut arguments: Serve, stop: CancellationToken) -> Result<(), Problem> {
    match arguments.command.take() {
        Some(ServeCommand::Token(arguments)) => return token::run(arguments).await,
        None => {}
    }
    if arguments.until_input_closes {
        tokio::spawn(stop_when_input_closes(stop.clone()));
    }
    let data =
        arguments.data.ok_or_else(|| Problem::new("The server needs a folder for its data.").hint("--data DIR"))?;
    let mut settings = Settings::new(data);
    settings.listen = arguments.listen;
    settings.ready_file = arguments.ready_file;
    settings.throw_away = arguments.throw_away;
    settings.step_delay = Duration::from_millis(arguments.step_delay);
    settings.serve_faults = arguments.faults;
    settings.ports = arguments.ports.unwrap_or(settings.ports);
    if !arguments.users.is_empty() {
        settings.users = arguments.users;
    }
    arguments.databases.apply(&mut settings)?;
    arguments.door.apply(&mut settings)?;
    arguments.login.apply(&mut settings)?;
    arguments.payment.apply(&mut settings)?;
    arguments.operations.apply(&mut settings)?;
    in_a_hurry(settings.operations.at_once.clone())?;
    arguments.usage.apply(&mut settings);
    server::serve(settings, stop).await.map_err(|error| error.problem())
}

/// Whoever asks twice does not want to wait for what runs.
fn in_a_hurry(at_once: CancellationToken) -> Result<(), Problem> {
    let listening = Twice::listen();
    let mut twice =
        listening.map_err(|error| Problem::new("The program cannot listen for signals.").detail(error.to_string()))?;
    tokio::spawn(async move {
        twice.asked().await;
        at_once.cancel();
    });
    Ok(())
}

/// The program that started this one holds the other end of standard input. However it ends, also by a
/// crash, that end closes, and nothing that this server made is left behind.
async fn stop_when_input_closes(stop: CancellationToken) {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while !matches!(input.read(&mut buffer).await, Ok(0) | Err(_)) {}
    stop.cancel();
}

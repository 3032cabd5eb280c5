//! `tenantry serve`: from arguments to a running Management API. The flags of each part of it are in a file of their own.

mod databases;
mod door;
mod login;
mod operations;
mod payment;
mod usage;

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
use crate::model::Problem;
use crate::server::{self, Settings};

pub(super) async fn run(arguments: Serve, stop: CancellationToken) -> Result<(), Problem> {
    if arguments.until_input_closes {
        tokio::spawn(stop_when_input_closes(stop.clone()));
    }
    let mut settings = Settings::new(arguments.data);
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
    arguments.usage.apply(&mut settings);
    server::serve(settings, stop).await.map_err(|error| error.problem())
}

/// The program that started this one holds the other end of standard input. However it ends, also by a
/// crash, that end closes, and nothing that this server made is left behind.
async fn stop_when_input_closes(stop: CancellationToken) {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while !matches!(input.read(&mut buffer).await, Ok(0) | Err(_)) {}
    stop.cancel();
}

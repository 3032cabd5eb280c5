//! `tenantry logout`: forgets the login, wherever it is kept.

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::auth::Place;
use super::exit::Exit;
use super::frame::{Output, Unasked, until_stopped};
use crate::model::Problem;
use crate::ops::login::LoggedOut;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    unasked: Unasked,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Exit {
    until_stopped(arguments.output, &stop, log_out(arguments)).await
}

async fn log_out(arguments: Arguments) -> Result<Exit, Problem> {
    let seat = arguments.place.seat_at_home().await?;
    let api = seat.base().to_string();
    let LoggedOut { was, aside } = seat.log_out().await?;
    let (word, words) = was.as_ref().map(|kept| (kept.word(), kept.words())).unzip();
    let mut message = match &words {
        Some(place) => format!("Logged out of {api}; the login is gone from {place}."),
        None => format!("Nobody was logged in to {api}."),
    };
    if let Some(path) = &aside {
        message.push_str(" The project's file could not be understood, and may hold a token: it is now ");
        message.push_str(path);
        message.push('.');
    }
    let document = json!({
        "api_url": api, "logged_out": was.is_some(), "kept": word, "kept_in": words, "set_aside": aside,
        "message": message,
    });
    arguments.output.answer(&document, &format!("{message}\n"))?;
    Ok(Exit::Done)
}

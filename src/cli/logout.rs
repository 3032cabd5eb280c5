//! `tenantry logout`: forgets the login, wherever it is kept.

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::auth::{self, Place};
use super::exit::Exit;
use super::frame::{print, print_json};
use crate::model::Problem;
use crate::ops::login::LoggedOut;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Nothing is asked: for scripts that say it everywhere.
    #[arg(short, long, hide = true)]
    #[allow(dead_code, reason = "there is no question")]
    yes: bool,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, stop: CancellationToken) -> Result<Exit, Problem> {
    let json = arguments.json;
    auth::until_stopped(json, &stop, log_out(arguments)).await
}

async fn log_out(arguments: Arguments) -> Result<Exit, Problem> {
    let seat = arguments.place.seat().await?;
    let api = seat.base().to_string();
    let LoggedOut { was, aside } = seat.log_out().await?;
    if arguments.json {
        let kept = was.as_ref().map(|kept| (kept.word(), kept.words()));
        let (word, words) = kept.unzip();
        print_json(&json!({
            "api_url": api, "logged_out": was.is_some(), "kept": word, "kept_in": words, "set_aside": aside,
        }))?;
        return Ok(Exit::Done);
    }
    match was {
        Some(kept) => print(&format!("Logged out of {api}; the login is gone from {}.\n", kept.words()))?,
        None => print(&format!("Nobody was logged in to {api}.\n"))?,
    }
    if let Some(path) = aside {
        print(&format!("The project's file could not be understood: it is {path} now, and may hold a token.\n"))?;
    }
    Ok(Exit::Done)
}

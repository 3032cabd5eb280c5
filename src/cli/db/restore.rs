//! `tenantry db restore`: says first what is there, and wants the name typed. Without a question it wants to be told exactly
//! which database is meant.

use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

use super::Which;
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Output};
use crate::cli::note;
use crate::model::{Problem, amount, text};
use crate::ops::db::{self, Kind, Target};
use crate::telling::format;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The copy: what `tenantry db backup` or `pg_dump` has made. Statements are run by `psql`, which does whatever they
    /// say: take them only from whom you trust.
    file: PathBuf,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments, stop: &CancellationToken) -> Exit {
    let output = arguments.output;
    let asked = async {
        let kind = db::kind(&arguments.file, stop).await?;
        Ok::<_, Failure>((kind, ask(&arguments).await?))
    };
    let done = tokio::select! {
        biased;
        asked = asked => match asked {
            // From here on it says itself what became of it.
            Ok((kind, target)) => put_back(&arguments, kind, &target, stop).await,
            Err(failure) => Err(failure),
        },
        () = stop.cancelled() => Err(Problem::new("Stopped.").detail("Nothing was changed.").into()),
    };
    done.unwrap_or_else(|failure| failure.tell(output.json()))
}

/// The database, once somebody has said that it is the one.
async fn ask(arguments: &Arguments) -> Result<Target, Failure> {
    let consent = &arguments.consent;
    if consent.is_given() {
        arguments.which.is_named()?;
    }
    let found = arguments.which.find().await?;
    if consent.is_given() {
        found.is_whole()?;
    }
    frame::may_change_here().await?;
    if let Some(session) = arguments.which.session(&found).await? {
        consent.may_change(session.as_ref(), arguments.output).await?;
    }
    let target = found.target;
    let status = db::status(&target).await?;
    let tables = format::count(status.tables.try_into().unwrap_or(usize::MAX), "table", "tables");
    let there = format!("{tables}, {}", amount::bytes(status.size_bytes));
    let file = text::line(&arguments.file.to_string_lossy());
    let question = format!(
        "The database of {} at {} has {there}. What {file} has under the same names replaces it, and nothing brings that \
         back.",
        target.words, status.address
    );
    consent.ask_name_here(arguments.output, &question, &target.name).await?;
    Ok(target)
}

async fn put_back(
    arguments: &Arguments,
    kind: Kind,
    target: &Target,
    stop: &CancellationToken,
) -> Result<Exit, Failure> {
    let file = text::line(&arguments.file.to_string_lossy());
    let done = db::restore(target, &arguments.file, kind, stop).await?;
    let after = db::status(target).await?;
    let format = match kind {
        Kind::Custom => "custom",
        Kind::Directory => "directory",
        Kind::Sql => "sql",
    };
    let document = json!({
        "file": file, "format": format, "of": target.words, "address": after.address, "by": done.by,
        "tables": after.tables, "size_bytes": after.size_bytes, "warnings": done.warnings,
        "message": format!("{file} is in the database of {}.", target.words),
    });
    let tables = format::count(after.tables.try_into().unwrap_or(usize::MAX), "table", "tables");
    let told =
        format!("✓ {file} is in the database of {} at {}: {tables}, by {}\n", target.words, after.address, done.by);
    arguments.output.answer(&document, &told)?;
    if !arguments.output.json() {
        for warning in &done.warnings {
            note(warning);
        }
    }
    Ok(Exit::Done)
}

//! `tenantry db restore`: says first what is there, and wants the name typed.

use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Which;
use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Output};
use crate::cli::note;
use crate::model::{amount, text};
use crate::ops::db::{self, Kind};
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

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let kind = db::kind(&arguments.file).await?;
    let (target, session) = arguments.which.find().await?;
    frame::may_change_here().await?;
    if let Some(session) = &session {
        arguments.consent.may_change(session, arguments.output).await?;
    }
    let status = db::status(&target).await?;
    let tables = format::count(status.tables.try_into().unwrap_or(usize::MAX), "table", "tables");
    let there = format!("{tables}, {}", amount::bytes(status.size_bytes));
    let file = text::line(&arguments.file.to_string_lossy());
    let question = format!(
        "The database of {} at {} has {there}. What {file} has under the same names replaces it, and nothing brings that \
         back.",
        target.words, status.address
    );
    arguments.consent.ask_name_here(arguments.output, &question, &target.name).await?;
    let done = db::restore(&target, &arguments.file, kind).await?;
    let after = db::status(&target).await?;
    let format = match kind {
        Kind::Custom => "custom",
        Kind::Directory => "directory",
        Kind::Sql => "sql",
    };
    let document = json!({
        "file": file, "format": format, "of": target.words, "by": done.by, "tables": after.tables,
        "size_bytes": after.size_bytes, "warnings": done.warnings,
        "message": format!("{file} is in the database of {}.", target.words),
    });
    let tables = format::count(after.tables.try_into().unwrap_or(usize::MAX), "table", "tables");
    let mut told = format!("✓ {file} is in the database of {}: {tables}, by {}\n", target.words, done.by);
    if !done.warnings.is_empty() {
        let _ = writeln!(told, "! {} did not work", format::count(done.warnings.len(), "thing", "things"));
    }
    arguments.output.answer(&document, &told)?;
    if !arguments.output.json() {
        for warning in &done.warnings {
            note(warning);
        }
    }
    Ok(Exit::Done)
}

//! `tenantry db status`.

use clap::Args;

use super::Which;
use crate::cli::exit::Exit;
use crate::cli::frame::{Failure, Output, fields};
use crate::model::amount;
use crate::ops::db;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let target = arguments.which.find().await?.target;
    let status = db::status(&target).await?;
    let told = fields([
        ("of", Some(target.words)),
        ("address", Some(status.address.clone())),
        ("answers", Some(format!("yes, Postgres {}", status.version))),
        ("database", Some(status.database.clone())),
        ("user", Some(status.user.clone())),
        ("size", Some(amount::bytes(status.size_bytes))),
        ("tables", Some(status.tables.to_string())),
    ]);
    arguments.output.answer(&status, &told)?;
    Ok(Exit::Done)
}

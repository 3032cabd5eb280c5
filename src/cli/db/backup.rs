//! `tenantry db backup`.

use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

use super::Which;
use crate::cli::exit::Exit;
use crate::cli::frame::{Failure, Output};
use crate::model::{amount, text};
use crate::ops::db;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// One compressed file, statements that people can read, or a folder of files.
    #[arg(long, value_enum, default_value_t = Format::Custom)]
    format: Format,
    /// Where the copy goes; a file of that time in the project's backups/ where nothing is said. Replaces nothing.
    #[arg(short, long = "output", value_name = "PATH")]
    output_path: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Custom,
    Sql,
    Directory,
}

impl From<Format> for db::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Custom => Self::Custom,
            Format::Sql => Self::Sql,
            Format::Directory => Self::Directory,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let target = arguments.which.find().await?.target;
    let made = db::backup(&target, arguments.format.into(), arguments.output_path).await?;
    let path = text::line(&made.path.to_string_lossy());
    let document = json!({
        "path": path, "size_bytes": made.size_bytes, "format": made.format.word(), "of": target.words, "address": target.address(),
        "by": made.by,
    });
    let size = amount::bytes(made.size_bytes);
    let told = format!(
        "✓ {path}: {size}, {} by {}, of {} at {}\n",
        made.format.word(),
        made.by,
        target.words,
        target.address()
    );
    arguments.output.answer(&document, &told)?;
    Ok(Exit::Done)
}

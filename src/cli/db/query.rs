//! `tenantry db query`.

use clap::Args;
use std::io::IsTerminal as _;
use tokio::io::AsyncReadExt as _;

use super::{Which, rows};
use crate::cli::exit::Exit;
use crate::cli::frame::{Failure, Output, print};
use crate::cli::note;
use crate::model::Problem;
use crate::ops::db::{self, Window};

/// The longest statement that is read from standard input, bytes.
const LONGEST: u64 = 1024 * 1024;

/// What Postgres can count: the first number that is too large for it, with the one row more that tells whether there are
/// more.
const MOST: i64 = i32::MAX as i64;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The question, one statement of SQL; - reads it from standard input.
    #[arg(value_name = "SQL")]
    sql: String,
    /// The most rows to show.
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(..MOST))]
    limit: u32,
    /// Rows to pass over first.
    #[arg(long, value_name = "ROWS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..MOST))]
    offset: u32,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let target = arguments.which.find().await?.target;
    let sql = if arguments.sql == "-" { from_input().await? } else { arguments.sql };
    let window = Window { limit: arguments.limit, offset: arguments.offset };
    let answer = db::query(&target, &sql, window).await?;
    let output = arguments.output;
    if output.json() {
        print(&rows::json(&answer))?;
        return Ok(Exit::Done);
    }
    if !output.quiet() {
        let is_terminal = std::io::stdout().is_terminal();
        print(&if is_terminal { rows::table(&answer) } else { rows::tsv(&answer) })?;
        if answer.has_more {
            let next = u64::from(window.offset) + answer.rows.len() as u64;
            note(&format!("there are more rows: --offset {next} goes on, --limit shows more at once"));
        }
    }
    Ok(Exit::Done)
}

async fn from_input() -> Result<String, Problem> {
    let mut text = String::new();
    let read = tokio::io::stdin().take(LONGEST + 1).read_to_string(&mut text).await;
    read.map_err(|error| {
        Problem::new("The question cannot be read.").detail(error.to_string()).hint("Write it as UTF-8 text.")
    })?;
    Ok(text)
}

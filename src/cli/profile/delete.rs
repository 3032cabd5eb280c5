//! `tenantry profile delete`: says first what goes, what is not a profile's before all.

use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;

use crate::cli::exit::Exit;
use crate::cli::frame::{self, Consent, Failure, Nowhere, Output};
use crate::ops::profiles::{self, Doomed};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The profile.
    #[arg(add = crate::cli::complete::profiles())]
    name: String,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    frame::may_change_here().await?;
    let doomed = profiles::doomed(&project, &arguments.name).await?;
    if !arguments.consent.is_given() {
        // Beside the question, not in the answer.
        let _ = std::io::stderr().lock().write_all(told(&doomed).as_bytes());
    }
    let question = format!("The profile {} goes for good; its tenant stays.", doomed.name);
    arguments.consent.ask_name_here(arguments.output, &question, &doomed.name).await?;
    let document = json!({
        "name": doomed.name, "directory": doomed.directory, "files": doomed.holdings.files,
        "message": format!("The profile {} is deleted.", doomed.name),
    });
    let words = format!("✓ the profile {} is deleted\n", doomed.name);
    profiles::delete(&project, doomed).await?;
    arguments.output.answer(&document, &words)?;
    Ok(Exit::Done)
}

fn told(doomed: &Doomed) -> String {
    let mut out = format!("{} would be removed:\n", doomed.directory);
    for held in &doomed.holdings.files {
        let _ = writeln!(out, "  {}{}", held.path, if held.is_own { "" } else { "  (not a profile's)" });
    }
    if doomed.holdings.has_more {
        out.push_str("  and more\n");
    }
    out
}

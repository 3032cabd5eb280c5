//! `tenantry profile list`.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Nowhere, Output, cell, table};
use crate::cli::note;
use crate::ops::profiles::{self, Profiles};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    nowhere: Nowhere,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = frame::project()?;
    let found = profiles::list(&project, super::active()).await?;
    arguments.output.answer(&found, &told(&found))?;
    if !arguments.output.json() {
        for problem in found.profiles.iter().filter_map(|profile| profile.problem.as_ref()) {
            note(&problem.to_string());
        }
    }
    Ok(Exit::Done)
}

fn told(found: &Profiles) -> String {
    if found.profiles.is_empty() {
        return "There are no profiles. `tenantry profile create NAME --tenant TENANT` makes one.\n".to_owned();
    }
    let mut rows = vec![["", "NAME", "TARGET", "SECRETS", "TENANT"].map(str::to_owned)];
    rows.extend(found.profiles.iter().map(|profile| {
        [
            if profile.is_active { "*" } else { "" }.to_owned(),
            profile.name.clone(),
            cell(profile.target.clone()),
            if profile.has_secrets { "yes" } else { "no" }.to_owned(),
            cell(profile.tenant_id.clone()),
        ]
    }));
    table(&rows)
}

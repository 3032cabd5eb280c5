//! `tenantry tenant list`: the cloud's tenants and those on this machine, as a table or as one JSON document.

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Output, Paint, Place, tone_of_state, toned};
use crate::cli::note;
use crate::model::{LocalStatus, Problem, Tenant};
use crate::ops::{Call, Reply, local, perform, tenants};
use crate::telling::Tone;
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// List only the tenants on this machine: no login is needed, and nobody else is asked.
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Serialize)]
struct Document {
    tenants: Vec<Row>,
    total: usize,
    /// Why the cloud's are missing, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    tenant_type: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    has_database: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<Tenant> for Row {
    fn from(tenant: Tenant) -> Self {
        Self {
            state: tenant.state().word(),
            id: tenant.id.to_string(),
            name: tenant.name,
            tenant_type: "cloud",
            region: tenant.region,
            has_database: tenant.database_name.is_some() || tenant.database.is_some(),
            detail: tenant.last_error,
        }
    }
}

impl From<LocalStatus> for Row {
    fn from(status: LocalStatus) -> Self {
        let LocalStatus { tenant, state, detail } = status;
        Self {
            id: tenant.id.to_string(),
            name: tenant.name,
            tenant_type: "local",
            state: state.word(),
            region: None,
            has_database: tenant.database_url.is_some(),
            detail,
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let project = if arguments.local { frame::project()? } else { frame::project_or_folder()? };
    let cloud = async { if arguments.local { Cloud::default() } else { of_cloud(&project, &arguments.place).await } };
    let (Cloud { tenants, missing, is_somebody }, locals) = tokio::join!(cloud, local::statuses(&project));
    let mut rows: Vec<Row> = tenants.into_iter().map(Row::from).collect();
    rows.extend(locals?.into_iter().map(Row::from));
    if let Some(problem) = missing.as_ref().filter(|_| !arguments.output.json()) {
        note(&format!("the cloud's tenants are not all listed: {problem}"));
    }
    let text = table(&rows, missing.is_none());
    // A list that is not whole is no success; of somebody who never logged in it is.
    let exit = missing.as_ref().filter(|_| is_somebody).map_or(Exit::Done, Exit::of);
    arguments.output.answer(&Document { total: rows.len(), tenants: rows, warning: missing }, &text)?;
    Ok(exit)
}

/// What is known of the cloud.
#[derive(Default)]
struct Cloud {
    tenants: Vec<Tenant>,
    /// Why this is not all.
    missing: Option<Problem>,
    /// Somebody is logged in, or should be able to.
    is_somebody: bool,
}

async fn of_cloud(project: &Project, place: &Place) -> Cloud {
    let session = match place.open_in(project.clone()).await {
        Ok(session) => session,
        Err(problem) => {
            let is_somebody = !problem.requires_login;
            return Cloud { missing: Some(problem), is_somebody, ..Cloud::default() };
        }
    };
    match perform(&session, Call::Tenants).await {
        Ok(Reply::Tenants { tenants, rejected }) => {
            Cloud { tenants, missing: tenants::unreadable(&rejected), is_somebody: true }
        }
        Ok(_) => Cloud::default(),
        Err(problem) => Cloud { missing: Some(problem), is_somebody: true, ..Cloud::default() },
    }
}

fn table(rows: &[Row], is_whole: bool) -> String {
    if rows.is_empty() && !is_whole {
        return "There are no tenants on this machine.\n".to_owned();
    }
    if rows.is_empty() {
        return "There are no tenants. `tenantry tenant create --plan <plan>` buys one, --local makes one on this machine.\n".to_owned();
    }
    let mut cells = vec![["NAME", "TYPE", "STATUS", "REGION", "ID"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let region = row.region.clone().unwrap_or_else(|| "-".to_owned());
        [row.name.clone(), row.tenant_type.to_owned(), row.state.to_owned(), region, row.id.clone()]
    }));
    let tone = |column, cell: &str| if column == 2 { tone_of_state(cell) } else { Tone::Text };
    toned(&cells, Paint::out(), tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up() {
        let row = |name: &str, tenant_type, state| Row {
            id: "local_1".into(),
            name: name.into(),
            tenant_type,
            state,
            region: (tenant_type == "cloud").then(|| "fra".into()),
            has_database: true,
            detail: None,
        };
        assert_eq!(
            table(&[row("orchard", "cloud", "running"), row("果樹", "local", "stopped")], true),
            "NAME     TYPE   STATUS   REGION  ID\n\
             orchard  cloud  running  fra     local_1\n\
             果樹     local  stopped  -       local_1\n"
        );
        assert!(table(&[], true).contains("--local makes one"));
        assert!(!table(&[], false).contains("buys one"), "nobody knows whether there are any");
    }
}

//! `tenantry tenant list`: the cloud's tenants and those on this machine, as a table or as one JSON document.

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::frame::{self, Failure, Output, Place, table as columns};
use crate::cli::note;
use crate::model::{LocalStatus, Problem, Tenant};
use crate::ops::{kept_tenants, local};
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
    let project = frame::project()?;
    let cloud = async { if arguments.local { Ok(Vec::new()) } else { of_cloud(&project, &arguments.place).await } };
    let (cloud, locals) = tokio::join!(cloud, local::statuses(&project));
    let (mut rows, warning) = match cloud {
        Ok(tenants) => (tenants.into_iter().map(Row::from).collect(), None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    rows.extend(locals?.into_iter().map(Row::from));
    if let Some(problem) = warning.as_ref().filter(|_| !arguments.output.json()) {
        note(&format!("the cloud's tenants are not listed: {problem}"));
    }
    let text = table(&rows);
    // A list that is not whole is no success; of somebody who is not logged in it is.
    let exit = warning.as_ref().filter(|problem| !problem.requires_login).map_or(Exit::Done, Exit::of);
    arguments.output.answer(&Document { total: rows.len(), tenants: rows, warning }, &text)?;
    Ok(exit)
}

async fn of_cloud(project: &Project, place: &Place) -> Result<Vec<Tenant>, Problem> {
    let session = place.open_in(project.clone()).await?;
    Ok(kept_tenants::list(&session).await?.tenants)
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "There are no tenants. tenantry tenant create --plan <plan> buys one, --local makes one on this machine.\n".to_owned();
    }
    let mut cells = vec![["NAME", "TYPE", "STATUS", "REGION", "ID"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let region = row.region.clone().unwrap_or_else(|| "-".to_owned());
        [row.name.clone(), row.tenant_type.to_owned(), row.state.to_owned(), region, row.id.clone()]
    }));
    columns(&cells)
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
            table(&[row("orchard", "cloud", "running"), row("果樹", "local", "stopped")]),
            "NAME     TYPE   STATUS   REGION  ID\n\
             orchard  cloud  running  fra     local_1\n\
             果樹     local  stopped  -       local_1\n"
        );
        assert!(table(&[]).contains("--local makes one"));
    }
}

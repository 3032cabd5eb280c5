//! `tenantry tenant delete`: asked for first. A local tenant's data stays unless somebody says otherwise; one of the cloud
//! goes with everything, and wants its name typed.

use clap::Args;

use super::{Output, Target, ask, target};
use crate::model::{LocalTenant, Problem, Tenant};
use crate::ops::{Session, local};
use crate::workspace::Project;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The tenant: its id, its name, or the beginning of one.
    tenant: String,
    /// Delete a local tenant's data, too.
    #[arg(long)]
    data: bool,
    /// Do it without a question. A local tenant's data stays without --data.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Problem> {
    let project = super::project()?;
    let target = target(&project, &arguments.tenant).await?;
    if arguments.yes {
        let (name, id) = match &target {
            Target::Local(tenant) => (&tenant.name, &tenant.id),
            Target::Cloud(_, tenant) => (&tenant.name, &tenant.id),
        };
        // Nobody sees which one it is before it is gone.
        if ![name.as_str(), id.as_str()].contains(&arguments.tenant.as_str()) {
            return Err(Problem::new(format!("{} is only the beginning of a name.", arguments.tenant))
                .detail(format!("It would be {name}. Without a question nothing is deleted by that."))
                .hint("Give the whole name or the id, or leave out --yes."));
        }
    }
    match target {
        Target::Local(tenant) => of_this_machine(&project, &tenant, &arguments).await,
        Target::Cloud(session, tenant) => of_cloud(&session, &tenant, &arguments).await,
    }
}

fn not_confirmed() -> Problem {
    Problem::new("Nobody said that it may be deleted.")
        .detail("There is no terminal to ask at.")
        .hint("Say it with --yes.")
}

fn left() -> Problem {
    Problem::new("Nothing was deleted.")
}

async fn of_this_machine(project: &Project, tenant: &LocalTenant, arguments: &Arguments) -> Result<(), Problem> {
    let mut data = arguments.data;
    if !arguments.yes {
        if !ask::can_ask(arguments.output.non_interactive) {
            return Err(not_confirmed());
        }
        let name = &tenant.name;
        let what = match (&tenant.docker_project, data) {
            (None, _) => "it leaves the list, its database stays as it is",
            (Some(_), true) => "its container and all its data go",
            (Some(_), false) => "its container goes",
        };
        if !ask::yes(format!("Delete the local tenant {name}: {what}?")).await? {
            return Err(left());
        }
        if tenant.docker_project.is_some() && !data {
            data = ask::yes("Delete its data too? Nothing brings it back.".to_owned()).await?;
        }
    }
    let deleted = local::delete(project, &tenant.id, data).await?;
    if arguments.output.json {
        return super::print_json(&serde_json::json!({
            "id": tenant.id, "name": deleted.name, "message": deleted.sentence(), "kept_volumes": deleted.kept,
            "bring_back": deleted.bring_back,
        }));
    }
    super::print(&format!("{}: {}\n", deleted.name, deleted.sentence()))
}

async fn of_cloud(session: &Session, tenant: &Tenant, arguments: &Arguments) -> Result<(), Problem> {
    let name = &tenant.name;
    if !arguments.yes {
        if !ask::can_ask(arguments.output.non_interactive) {
            return Err(not_confirmed());
        }
        let question = format!("{name} goes for good, with machine, volume and database. Type its name:");
        if ask::word(question).await? != *name {
            return Err(left());
        }
    }
    let was_there = session.client().delete(&tenant.id).await.map_err(|error| error.problem())?;
    let message = if was_there { "It is deleted, with its data." } else { "It was deleted already." };
    if arguments.output.json {
        return super::print_json(&serde_json::json!({ "id": tenant.id, "name": name, "message": message }));
    }
    super::print(&format!("{name}: {message}\n"))
}

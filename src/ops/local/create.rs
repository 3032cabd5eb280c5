//! Creates a local tenant: with a database in a container, or with one that is there already (protocol E.11).

use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::defaults::{self, Known};
use super::ensure::{self, free_port, is_free, port_taken};
use super::plan::{Plan, checked_image, checked_name};
use super::steps::{Done, Steps, cancelled};
use super::{Order, Source, blocking, container, database, engine, refused, undo};
use crate::engine::Engine;
use crate::model::progress::{LocalProgress, LocalStep};
use crate::model::{LocalTenant, Problem, Secret, TenantId, database_url};
use crate::workspace::compose_file::ComposeFile;
use crate::workspace::{Project, tenants_change, tenants_file};

/// Makes what is ordered, and writes it down. One of this name whose creation did not come to its end is gone on with.
/// When `cancel` fires, everything that was made is taken back.
///
/// # Errors
/// What failed and what to do. Where only the database did not come up in time, what was made stays, and the same order
/// goes on with it; otherwise nothing stays.
pub async fn create(
    project: &Project,
    order: &Order,
    progress: &Sender<LocalProgress>,
    cancel: &CancellationToken,
) -> Result<LocalTenant, Problem> {
    let steps = Steps::new(progress, cancel);
    match &order.source {
        Source::Existing(url) => existing(project, order.name.as_deref(), url, &steps).await,
        Source::Container { image, port } => {
            let wanted = Wanted { name: order.name.clone(), image: image.clone(), port: *port };
            in_container(project, wanted, &steps).await
        }
    }
}

/// What is ordered of a container.
#[derive(Debug, Clone)]
struct Wanted {
    name: Option<String>,
    image: String,
    port: Option<u16>,
}

async fn in_container(project: &Project, wanted: Wanted, steps: &Steps<'_>) -> Result<LocalTenant, Problem> {
    let (engine, mut plan, is_continued) = steps.run(LocalStep::Check, prepare(project, wanted)).await?;
    let mut stays = false;
    let made = make(project, &engine, &mut plan, &mut stays, steps).await;
    match made {
        Ok(tenant) => Ok(tenant),
        // What was there before this order may have data by now, whatever became of the order.
        Err(problem) if is_continued => Err(problem),
        // It is up and only late: the same order goes on with it.
        Err(problem) if stays && !steps.is_cancelled() => Err(problem),
        Err(problem) => {
            let undone = undo::all(project, &engine, &plan).await;
            Err(undo::told(problem, &plan.name, undone))
        }
    }
}

async fn make(
    project: &Project,
    engine: &Engine,
    plan: &mut Plan,
    stays: &mut bool,
    steps: &Steps<'_>,
) -> Result<LocalTenant, Problem> {
    steps.run(LocalStep::Image, ensure::image(engine, plan, steps)).await?;
    let container = steps.run(LocalStep::Container, ensure::started(project, engine, plan)).await?;
    *stays = true;
    steps.run(LocalStep::Database, ensure::answers(engine, plan, &container, steps)).await?;
    steps.run(LocalStep::Record, finish(project, plan)).await?;
    Ok(plan.tenant())
}

async fn finish(project: &Project, plan: &mut Plan) -> Done<()> {
    plan.unfinished = false;
    ensure::write_down(project, plan).await?;
    Ok(((), format!("{} is in the list of tenants", plan.name)))
}

/// Looks at everything that can be known before something is made, and writes the tenant down as unfinished: from here on
/// its name and its password are kept, whatever happens. True where an unfinished one is gone on with.
async fn prepare(project: &Project, wanted: Wanted) -> Done<(Engine, Plan, bool)> {
    let image = checked_image(&wanted.image)?;
    let name = wanted.name.as_deref().map(checked_name).transpose()?;
    let engine = engine().await?;
    let (place, port) = (project.clone(), wanted.port);
    let drawn = blocking(move || {
        tenants_change::change(&place, |entries| {
            let known = Known::read(&place)?;
            if let Some(name) = &name
                && entries.has_name(name)
            {
                return known.unfinished(name, &image, port).map(|plan| (plan, true)).ok_or_else(|| name_taken(name));
            }
            let name = name.clone().unwrap_or_else(|| known.free_name(|name| entries.has_name(name)));
            let plan = match port {
                Some(port) if !is_free(port) => return Err(port_taken(port)),
                Some(port) => Plan::new(&name, &image, port, true)?,
                None => {
                    let port = known.free_port().ok_or_else(defaults::no_port)?;
                    Plan::new(&name, &image, port, false)?
                }
            };
            entries.put(&plan.tenant());
            Ok((plan, false))
        })
    })
    .await;
    let (mut plan, is_continued) = drawn?;
    if is_continued {
        continue_with(&engine, &mut plan, port).await?;
    }
    if let Err(problem) = ensure::write_down(project, &plan).await {
        let undone = if is_continued { Ok(()) } else { undo::all(project, &engine, &plan).await };
        return Err(undo::told(problem, &plan.name, undone));
    }
    let how = if is_continued { "goes on with what is there" } else { "new" };
    let summary = format!("{}, {how}, port {}", plan.name, plan.port);
    Ok(((engine, plan, is_continued), summary))
}

/// An unfinished tenant's container may hold its own port, or have been made for other wishes.
async fn continue_with(engine: &Engine, plan: &mut Plan, port: Option<u16>) -> Result<(), Problem> {
    let own = container::own(engine, &plan.id, &plan.project).await.map_err(|error| refused(&error))?;
    for state in own {
        let has_port = state.address(crate::workspace::compose_file::PORT).is_some_and(|at| at.port() == plan.port);
        let has_image = state.labels.get(container::IMAGE).is_none_or(|image| *image == plan.image);
        if state.running && !state.restarting && has_port && has_image {
            return Ok(());
        }
        engine.remove_container(&state.id).await.map_err(|error| refused(&error))?;
    }
    if is_free(plan.port) {
        return Ok(());
    }
    if port.is_some() {
        return Err(port_taken(plan.port));
    }
    plan.port = free_port(plan.port.saturating_add(1), &[]).ok_or_else(defaults::no_port)?;
    Ok(())
}

impl Known {
    /// The plan of the unfinished tenant of this name, with what is wished for now.
    fn unfinished(&self, name: &str, image: &str, port: Option<u16>) -> Option<Plan> {
        let tenant = self.tenants.iter().find(|tenant| tenant.unfinished && tenant.name == name)?;
        let mut plan = Plan::of(tenant, Some(image.to_owned()))?;
        plan.port = port.unwrap_or(plan.port);
        plan.port_is_fixed = port.is_some();
        Some(plan)
    }
}

async fn existing(
    project: &Project,
    name: Option<&str>,
    url: &Secret,
    steps: &Steps<'_>,
) -> Result<LocalTenant, Problem> {
    let check = async {
        let (url, name) = (database::checked(url)?, name.map(checked_name).transpose()?);
        let place = project.clone();
        let shown = database_url::masked(&url);
        let wanted = name.clone();
        blocking(move || {
            let known = Known::read(&place)?;
            match wanted.filter(|name| known.has_name(name)) {
                Some(name) => Err(name_taken(&name)),
                None => Ok(()),
            }
        })
        .await?;
        Ok(((url, name), shown))
    };
    let (url, name) = steps.run(LocalStep::Check, check).await?;
    let ask = async {
        let asked = steps.unless_cancelled(database::version(&url, database::LIMIT)).await?;
        let version = asked.map_err(|silence| database::no_answer(&url, &silence))?;
        Ok(((), format!("Postgres {version} answers")))
    };
    steps.run(LocalStep::Database, ask).await?;
    let record = async {
        let tenant = write_existing(project, name, url.clone()).await?;
        let summary = format!("{} is in the list of tenants", tenant.name);
        Ok((tenant, summary))
    };
    let tenant = steps.run(LocalStep::Record, record).await?;
    if steps.is_cancelled() {
        // It came too late for the last step, and nothing of it is kept.
        let (project, id) = (project.clone(), tenant.id.clone());
        blocking(move || {
            tenants_change::change(&project, |entries| {
                entries.remove(&id);
                Ok(())
            })
        })
        .await?;
        return Err(cancelled());
    }
    Ok(tenant)
}

async fn write_existing(project: &Project, name: Option<String>, url: Secret) -> Result<LocalTenant, Problem> {
    let project = project.clone();
    blocking(move || {
        tenants_change::change(&project, |entries| {
            let known = Known::read(&project)?;
            let name = match name {
                Some(name) if entries.has_name(&name) => return Err(name_taken(&name)),
                Some(name) => name,
                None => known.free_name(|name| entries.has_name(name)),
            };
            let id = format!("local_{}", uuid::Uuid::new_v4());
            let tenant = LocalTenant {
                id: TenantId::new(id)
                    .map_err(|error| Problem::new("No id could be made.").detail(error.to_string()))?,
                name,
                database_url: Some(url),
                docker_project: None,
                created_at: Some(format!("{:.0}", jiff::Timestamp::now())),
                unfinished: false,
            };
            entries.put(&tenant);
            Ok(tenant)
        })
    })
    .await
}

/// What somebody is told whose name another tenant has.
pub(super) fn name_taken(name: &str) -> Problem {
    Problem::new(format!("A tenant of this project is called {name} already."))
        .hint("Choose another name, or delete that one first.")
}

/// The image that a tenant's Compose file names. Blocks.
pub(super) fn image_of(project: &Project, tenant: &LocalTenant) -> Result<Option<String>, Problem> {
    match tenant.docker_project.as_deref().filter(|name| super::plan::is_project(name)) {
        Some(name) => Ok(ComposeFile::image(project, name)?),
        None => Ok(None),
    }
}

/// The list's local tenants. Blocks.
pub(super) fn listed(project: &Project) -> Result<Vec<LocalTenant>, Problem> {
    Ok(tenants_file::local_tenants(project)?)
}

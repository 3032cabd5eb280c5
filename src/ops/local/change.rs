//! What is done with a local tenant that is there: start, stop, rename, delete.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::create::{image_of, listed, name_taken};
use super::plan::{self, Plan, checked_name};
use super::steps::Steps;
use super::{blocking, container, database, engine, ensure, refused};
use crate::model::progress::LocalStep;
use crate::model::{LocalTenant, Problem, Secret, TenantId};
use crate::workspace::compose_file::ComposeFile;
use crate::workspace::{Project, tenants_change};

/// Seconds that a database has to end by itself.
const GRACE: u16 = 30;

/// What is left after a local tenant was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Whose it was.
    pub name: String,
    /// The volumes with its data, where they were to stay.
    pub kept: Vec<String>,
    /// The command that brings its database back, where its data stayed.
    pub bring_back: Option<String>,
    /// The database was there before and is as it was.
    pub is_untouched: bool,
    /// Neither container nor volume of it was found: another engine may have them.
    pub was_elsewhere: bool,
}

impl Deleted {
    /// What happened, in a sentence behind the tenant's name.
    #[must_use]
    pub fn brief(&self) -> String {
        match self.kept.as_slice() {
            _ if self.is_untouched => "is out of the list; its database is as it was.".to_owned(),
            _ if self.was_elsewhere => "is out of the list; nothing of it was found on this engine.".to_owned(),
            [] => "is deleted, with its data.".to_owned(),
            kept => format!("is deleted; its data stays in the volume {}.", kept.join(", ")),
        }
    }

    /// What happened, in a sentence or two.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.is_untouched {
            return "It is out of the list; its database is as it was.".to_owned();
        }
        if self.was_elsewhere {
            return "It is out of the list. Nothing of it was found on this Docker Engine; what another one has of it stays, \
                    and so does its Compose file."
                .to_owned();
        }
        match (&self.bring_back, self.kept.as_slice()) {
            (Some(command), kept) if !kept.is_empty() => {
                format!("It is deleted; its data stays in the volume {}. {command} brings it back.", kept.join(", "))
            }
            (None, kept) if !kept.is_empty() => {
                format!("It is deleted; its data stays in the volume {}.", kept.join(", "))
            }
            _ => "It is deleted, with its data.".to_owned(),
        }
    }
}

/// Starts its database, with a new container where it has none; its data are in its volume. Comes back once it answers.
///
/// # Errors
/// Why it does not; whatever was made stays, and a later start goes on with it.
pub async fn start(project: &Project, id: &TenantId) -> Result<LocalTenant, Problem> {
    let tenant = named(project, id).await?;
    let (place, of) = (project.clone(), tenant.clone());
    let image = blocking(move || image_of(&place, &of)).await?;
    let mut plan = Plan::of(&tenant, image).ok_or_else(|| not_ours(&tenant))?;
    // Of one that is only started the port is as it is written down everywhere.
    plan.port_is_fixed = true;
    // Nobody listens to the steps; one that waited for a reader would stand still.
    let (progress, _) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let steps = Steps::new(&progress, &cancel);
    let engine = engine().await?;
    steps.run(LocalStep::Image, ensure::image(&engine, &plan, &steps)).await?;
    let id = steps.run(LocalStep::Container, ensure::started(project, &engine, &mut plan)).await?;
    steps.run(LocalStep::Database, ensure::answers(&engine, &plan, &id, &steps)).await?;
    if plan.unfinished {
        plan.unfinished = false;
        ensure::write_down(project, &plan).await?;
    }
    Ok(plan.tenant())
}

/// Stops its database's container. Stopped already is success.
pub async fn stop(project: &Project, id: &TenantId) -> Result<LocalTenant, Problem> {
    let tenant = named(project, id).await?;
    if tenant.docker_project.is_none() {
        return Err(not_ours(&tenant));
    }
    let engine = engine().await?;
    for state in container::of(&engine, &tenant).await.map_err(|error| refused(&error))? {
        engine.stop_container(&state.id, GRACE).await.map_err(|error| refused(&error))?;
    }
    Ok(tenant)
}

/// Gives it another name; everything else of it stays. The name it has is success.
pub async fn rename(project: &Project, id: &TenantId, name: &str) -> Result<LocalTenant, Problem> {
    let (project, id, name) = (project.clone(), id.clone(), checked_name(name)?);
    blocking(move || {
        tenants_change::change(&project, |entries| {
            let known = listed(&project)?.into_iter().find(|tenant| tenant.id == id).ok_or_else(|| gone(&id))?;
            if known.name != name {
                if entries.has_name(&name) {
                    return Err(name_taken(&name));
                }
                entries.rename(&id, &name);
            }
            Ok(LocalTenant { name, ..known })
        })
    })
    .await
}

/// Gives a database that was there before another address, once that one answers, and with it another name where `name` says
/// so: both, or neither.
///
/// # Errors
/// Where a container's is meant, which has the address that it was made with; where nothing answers there; where the name cannot
/// be used, or another has it.
pub async fn readdress(
    project: &Project,
    id: &TenantId,
    url: &Secret,
    name: Option<&str>,
) -> Result<LocalTenant, Problem> {
    let known = named(project, id).await?;
    let name = name.map(checked_name).transpose()?;
    if known.docker_project.is_some() {
        return Err(Problem::new(format!("The database of {} is a container's.", known.name))
            .detail("Its address is the one that it was made with.")
            .hint("For another database make another tenant: `tenantry tenant create --database-url -`"));
    }
    let url = database::checked(url)?;
    database::version(&url, database::LIMIT).await.map_err(|silence| database::no_answer(&url, &silence))?;
    let (project, id) = (project.clone(), id.clone());
    blocking(move || {
        tenants_change::change(&project, |entries| {
            let known = listed(&project)?.into_iter().find(|tenant| tenant.id == id).ok_or_else(|| gone(&id))?;
            let name = name.unwrap_or_else(|| known.name.clone());
            if known.name != name && entries.has_name(&name) {
                return Err(name_taken(&name));
            }
            let tenant = LocalTenant { name, database_url: Some(url), ..known };
            entries.put(&tenant);
            Ok(tenant)
        })
    })
    .await
}

/// Removes its container and its entry, and with `data` its volume; a database that was there before is left as it is.
/// What is gone already is success, so a delete that broke off can be repeated.
pub async fn delete(project: &Project, id: &TenantId, data: bool) -> Result<Deleted, Problem> {
    let tenant = named(project, id).await?;
    let mut kept = Vec::new();
    let mut was_elsewhere = false;
    let compose = tenant.docker_project.clone().filter(|name| plan::is_project(name));
    if let Some(name) = &compose {
        let engine = engine().await?;
        let containers = container::of(&engine, &tenant).await.map_err(|error| refused(&error))?;
        kept = container::own_volumes(&engine, &tenant.id, name).await.map_err(|error| refused(&error))?;
        // One that was never finished may have none of either.
        was_elsewhere = containers.is_empty() && kept.is_empty() && !tenant.unfinished;
        for state in containers {
            // It may be writing.
            engine.stop_container(&state.id, GRACE).await.map_err(|error| refused(&error))?;
            engine.remove_container(&state.id).await.map_err(|error| refused(&error))?;
        }
        // Also of one that is not finished: its database may have come up after all, and have data by now.
        if data {
            let has_file = ComposeFile::path(project, name).is_file();
            for volume in std::mem::take(&mut kept) {
                if has_file
                    || container::is_labelled(&engine, &volume, &tenant.id).await.map_err(|error| refused(&error))?
                {
                    engine.remove_volume(&volume).await.map_err(|error| refused(&error))?;
                } else {
                    // Only its name says that it is this tenant's: that is too little to destroy it.
                    kept.push(volume);
                }
            }
        }
    }
    // The Compose file has the password: it stays with the data.
    let file = compose.clone().filter(|_| kept.is_empty() && !was_elsewhere);
    let (place, of) = (project.clone(), tenant.id.clone());
    blocking(move || {
        if let Some(name) = &file {
            ComposeFile::remove(&place, name)?;
        }
        tenants_change::change(&place, |entries| {
            entries.remove(&of);
            Ok(())
        })
    })
    .await?;
    let bring_back = compose
        .as_ref()
        .filter(|name| !kept.is_empty() && ComposeFile::path(project, name).is_file())
        .map(|name| format!("docker compose -p {name} -f .systemprompt/docker/{name}.yaml up -d"));
    Ok(Deleted { name: tenant.name, kept, bring_back, is_untouched: compose.is_none(), was_elsewhere })
}

async fn named(project: &Project, id: &TenantId) -> Result<LocalTenant, Problem> {
    let (project, id) = (project.clone(), id.clone());
    blocking(move || listed(&project)?.into_iter().find(|tenant| tenant.id == id).ok_or_else(|| gone(&id))).await
}

fn gone(id: &TenantId) -> Problem {
    Problem::new("That tenant is not in the project's list any more.").detail(id.as_str()).hint("Load the list again.")
}

fn not_ours(tenant: &LocalTenant) -> Problem {
    Problem::new(format!("The database of {} was there before.", tenant.name))
        .detail("This program does not run it, so it neither starts nor stops it.")
        .hint("Start and stop it as you always do.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::workspace::WorkspaceError;

    fn project(tenants: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Project { root: folder.path().to_owned() };
        tenants_change::change(&project, |entries| {
            for (id, name) in tenants {
                entries.put(&LocalTenant {
                    id: TenantId::new(*id).expect("an id"),
                    name: (*name).to_owned(),
                    database_url: Some(Secret::new("postgres://u:p@db.example/d")),
                    docker_project: None,
                    created_at: None,
                    unfinished: false,
                });
            }
            Ok::<_, WorkspaceError>(())
        })
        .expect("written");
        (folder, project)
    }

    fn id(id: &str) -> TenantId {
        TenantId::new(id).expect("an id")
    }

    #[tokio::test]
    async fn a_database_that_was_there_before_is_renamed_and_forgotten_and_nothing_else() {
        let (_folder, project) = project(&[("local_1", "mine"), ("local_2", "other")]);
        for outcome in [start(&project, &id("local_1")).await, stop(&project, &id("local_1")).await] {
            assert_eq!(outcome.expect_err("not ours").title, "The database of mine was there before.");
        }
        assert_eq!(rename(&project, &id("local_1"), " yours ").await.expect("renamed").name, "yours");
        assert_eq!(rename(&project, &id("local_1"), "yours").await.expect("as it is").name, "yours");
        assert!(rename(&project, &id("local_1"), "other").await.expect_err("taken").title.contains("other"));
        assert!(rename(&project, &id("local_1"), "a\nb").await.is_err());
        let deleted = delete(&project, &id("local_1"), true).await.expect("forgotten");
        assert!(deleted.is_untouched && deleted.sentence().contains("as it was"), "{deleted:?}");
        let gone = delete(&project, &id("local_1"), true).await.expect_err("gone");
        assert!(gone.hint.is_some() && gone.title.contains("not in the project's list"), "{gone:?}");
        assert_eq!(listed(&project).expect("read").len(), 1);
    }

    #[test]
    fn what_stays_is_said_with_the_way_back() {
        let deleted = |kept: &[&str]| Deleted {
            name: "local".into(),
            kept: kept.iter().map(|name| (*name).to_owned()).collect(),
            bring_back: (!kept.is_empty()).then(|| "docker compose up".to_owned()),
            is_untouched: false,
            was_elsewhere: false,
        };
        let without = Deleted { bring_back: None, ..deleted(&["v"]) };
        assert!(without.sentence().contains("stays in the volume v") && !without.sentence().contains("brings"));
        let elsewhere = Deleted { was_elsewhere: true, ..deleted(&[]) };
        assert!(!elsewhere.sentence().contains("with its data") && !elsewhere.brief().contains("with its data"));
        assert_eq!(deleted(&[]).sentence(), "It is deleted, with its data.");
        let said = deleted(&["local_data"]).sentence();
        assert!(said.contains("local_data") && said.contains("docker compose up brings it back"), "{said}");
        assert!(deleted(&["local_data"]).brief().ends_with("in the volume local_data."));
    }
}

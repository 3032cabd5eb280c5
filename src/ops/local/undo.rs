//! Takes back what was made for a local tenant that will not be: container, volume, Compose file, entry. Only what is the
//! tenant's own, and only what was never finished loses its data.

use super::plan::Plan;
use super::{blocking, container, refused};
use crate::engine::Engine;
use crate::model::Problem;
use crate::workspace::compose_file::ComposeFile;
use crate::workspace::{Project, tenants_change};

/// Removes everything of an unfinished tenant. The entry goes last: what could not be removed stays in sight.
pub(super) async fn all(project: &Project, engine: &Engine, plan: &Plan) -> Result<(), Problem> {
    containers(engine, plan).await?;
    for volume in container::own_volumes(engine, &plan.id, &plan.project).await.map_err(|error| refused(&error))? {
        engine.remove_volume(&volume).await.map_err(|error| refused(&error))?;
    }
    forget(project, plan).await
}

async fn containers(engine: &Engine, plan: &Plan) -> Result<(), Problem> {
    for state in container::own(engine, &plan.id, &plan.project).await.map_err(|error| refused(&error))? {
        engine.remove_container(&state.id).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

async fn forget(project: &Project, plan: &Plan) -> Result<(), Problem> {
    let (project, id, name) = (project.clone(), plan.id.clone(), plan.project.clone());
    blocking(move || {
        ComposeFile::remove(&project, &name)?;
        tenants_change::change(&project, |entries| {
            entries.remove(&id);
            Ok(())
        })
    })
    .await
}

/// What a person is told: why it failed, and, where that is so, what could not be taken back.
pub(super) fn told(problem: Problem, name: &str, undone: Result<(), Problem>) -> Problem {
    let Err(left) = undone else { return problem };
    let detail = problem.detail.clone().unwrap_or_default();
    problem
        .detail(format!("{detail} What was made could not be removed: {left}").trim())
        .hint(format!("Delete {name} once that works; until then it stays in the list."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_taken_back_is_told_beside_the_reason() {
        let problem = Problem::new("Docker refused.").detail("no").hint("Correct what it says.");
        assert_eq!(told(problem.clone(), "local", Ok(())), problem);
        let both = told(problem, "local", Err(Problem::new("Docker does not answer.")));
        assert_eq!(both.title, "Docker refused.");
        let detail = both.detail.expect("why");
        assert!(detail.contains("no") && detail.contains("Docker does not answer."), "{detail}");
        assert!(both.hint.is_some_and(|hint| hint.contains("Delete local")));
    }
}

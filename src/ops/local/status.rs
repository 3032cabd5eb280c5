//! How local tenants are: what the engine says of their containers, and whether the others' databases answer.

use futures_util::future::join_all;

use super::{blocking, container, create, database, engine, find};
use crate::engine::{ContainerState, Engine, Health};
use crate::model::{LocalState, LocalStatus, LocalTenant, Problem, database_url};
use crate::workspace::{Project, tenants_change};

/// All of the project, in the order of its list. What cannot be asked is unknown, and says why.
pub async fn statuses(project: &Project) -> Result<Vec<LocalStatus>, Problem> {
    let place = project.clone();
    let tenants = blocking(move || create::listed(&place)).await?;
    let mut statuses = look(tenants).await;
    for status in &mut statuses {
        if status.tenant.unfinished && status.state == LocalState::Running {
            came_up(project, status).await;
        }
    }
    Ok(statuses)
}

/// A database that came up after its creation was given up: it is as finished as any other.
async fn came_up(project: &Project, status: &mut LocalStatus) {
    let answered = by_itself(&status.tenant).await;
    if answered.0 != LocalState::Running {
        return;
    }
    let finished = LocalTenant { unfinished: false, ..status.tenant.clone() };
    let (project, entry) = (project.clone(), finished.clone());
    let written = blocking(move || {
        tenants_change::change(&project, |entries| {
            // Another program may have deleted it meanwhile.
            entries.finish(&entry.id);
            Ok(())
        })
    });
    match written.await {
        Ok(()) => (status.tenant, status.detail) = (finished, answered.1),
        Err(problem) => tracing::warn!(%problem, "a local tenant stays marked as unfinished"),
    }
}

/// One of them: by id, name, or the beginning of either.
pub async fn status(project: &Project, wanted: &str) -> Result<LocalStatus, Problem> {
    let tenant = find(project, wanted).await?;
    let missing = || Problem::new("The tenant's state cannot be told.");
    look(vec![tenant]).await.pop().ok_or_else(missing)
}

async fn look(tenants: Vec<LocalTenant>) -> Vec<LocalStatus> {
    let engine = if tenants.iter().any(|tenant| tenant.docker_project.is_some()) { Some(engine().await) } else { None };
    let engine = engine.as_ref();
    join_all(tenants.into_iter().map(|tenant| async move {
        let (state, detail) = match engine.filter(|_| tenant.docker_project.is_some()) {
            Some(Ok(engine)) => in_container(engine, &tenant).await,
            Some(Err(problem)) => without_engine(&tenant, problem).await,
            None => by_itself(&tenant).await,
        };
        LocalStatus { tenant, state, detail }
    }))
    .await
}

type Found = (LocalState, Option<String>);

async fn in_container(engine: &Engine, tenant: &LocalTenant) -> Found {
    match container::of(engine, tenant).await {
        Ok(states) => match of_containers(&states, tenant.unfinished) {
            // The engine looks only every few seconds; the database itself knows.
            (LocalState::Starting, detail) if by_itself(tenant).await.0 == LocalState::Running => {
                (LocalState::Running, detail)
            }
            found => found,
        },
        Err(error) => (LocalState::Unknown, Some(error.to_string())),
    }
}

fn of_containers(states: &[ContainerState], unfinished: bool) -> Found {
    let begun = unfinished.then(|| "its creation did not come to an end".to_owned());
    // One that runs counts, whatever lies beside it.
    let Some(state) = states.iter().find(|state| state.running).or(states.first()) else {
        return (LocalState::Gone, begun.or_else(|| Some("it has no container".to_owned())));
    };
    match (state.running, state.health) {
        _ if state.restarting => {
            (LocalState::Silent, Some(format!("it ends again and again, code {}", state.exit_code)))
        }
        (true, Some(Health::Unhealthy)) => (LocalState::Silent, Some("its health check fails".to_owned())),
        (true, Some(Health::Starting)) => (LocalState::Starting, begun),
        (true, Some(Health::Healthy) | None) => (LocalState::Running, begun),
        (false, _) if state.out_of_memory => (LocalState::Stopped, Some("it wanted too much memory".to_owned())),
        // 0, and what a signal of somebody who stops it leaves.
        (false, _) if matches!(state.exit_code, 0 | 130 | 137 | 143) => (LocalState::Stopped, begun),
        (false, _) => (LocalState::Stopped, Some(format!("it ended with code {}", state.exit_code))),
    }
}

/// A database may answer although Docker does not: another engine may run it.
async fn without_engine(tenant: &LocalTenant, problem: &Problem) -> Found {
    match by_itself(tenant).await {
        (LocalState::Running, detail) => (LocalState::Running, detail),
        _ => (LocalState::Unknown, Some(problem.title.clone())),
    }
}

async fn by_itself(tenant: &LocalTenant) -> Found {
    let Some(url) = &tenant.database_url else {
        return (LocalState::Unknown, Some("the list has no address for it".to_owned()));
    };
    if database_url::is_masked(url.reveal()) {
        return (LocalState::Unknown, Some("the list has stars for its password".to_owned()));
    }
    match database::version(url, database::GLANCE).await {
        Ok(version) => (LocalState::Running, Some(format!("Postgres {version}"))),
        Err(silence) => (LocalState::Silent, Some(silence.words().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(json: &serde_json::Value) -> ContainerState {
        let answer: bollard::models::ContainerInspectResponse =
            serde_json::from_value(json!({"Id": "abc", "State": json})).expect("a container");
        answer.into()
    }

    #[test]
    fn a_word_for_everything_that_a_container_can_be() {
        for (json, expected) in [
            (json!({"Running": true, "Health": {"Status": "healthy"}}), LocalState::Running),
            (json!({"Running": true}), LocalState::Running),
            (json!({"Running": true, "Health": {"Status": "starting"}}), LocalState::Starting),
            (json!({"Running": true, "Health": {"Status": "unhealthy"}}), LocalState::Silent),
            (json!({"Running": true, "Restarting": true, "ExitCode": 1}), LocalState::Silent),
            (json!({"Running": false, "ExitCode": 0}), LocalState::Stopped),
            (json!({"Running": false, "ExitCode": 1}), LocalState::Stopped),
        ] {
            assert_eq!(of_containers(&[state(&json)], false).0, expected, "{json}");
        }
        assert_eq!(of_containers(&[], false).0, LocalState::Gone);
        let (_, detail) = of_containers(&[], true);
        assert_eq!(detail.as_deref(), Some("its creation did not come to an end"));
        let both = [state(&json!({"Running": false})), state(&json!({"Running": true}))];
        assert_eq!(of_containers(&both, false).0, LocalState::Running);
    }
}

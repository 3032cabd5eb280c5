//! Brings a local tenant's database up, from whatever is there: image, volume, container, and the wait until it answers.
//! What is there already is gone on with, so that it can be called again after whatever happened.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::container::{self, IMAGE, is_own_volume};
use super::database::{self, Silence};
use super::plan::Plan;
use super::steps::{Done, Steps};
use super::{blocking, refused};
use crate::engine::{ContainerState, Engine, Health, ServiceSpec};
use crate::model::progress::LocalStep;
use crate::model::{Problem, Remedy, Secret, text};
use crate::workspace::compose_file::{self, ComposeFile};
use crate::workspace::{Project, tenants_change};

/// How long a database may take to answer (protocol D.0).
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two questions whether it does.
const PAUSE: Duration = Duration::from_millis(250);
/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(3);
/// Seconds that a container has to end that does not come up.
const STOP_GRACE: u16 = 5;
/// Lines of a container's log that are told when it failed.
const LOG_LINES: u32 = 4;
/// Ports that are tried one after the other.
const PORTS: u16 = 100;
/// How often another port is taken because somebody else was faster.
const MOVES: u32 = 10;
/// What the health check of protocol E.11 says.
const HEALTH_PAUSE: Duration = Duration::from_secs(5);
const HEALTH_RETRIES: u32 = 5;

/// The image, pulled where this machine does not have it.
pub(super) async fn image(engine: &Engine, plan: &Plan, steps: &Steps<'_>) -> Done<()> {
    let image = &plan.image;
    if engine.image_id(image).await.map_err(|error| error.problem())?.is_some() {
        return Ok(((), format!("{image} is there")));
    }
    steps.moved(LocalStep::Image, format!("pulling {image}"));
    let told = |how_much: String| steps.moved(LocalStep::Image, format!("pulling {image}, {how_much}"));
    steps.unless_cancelled(engine.pull_public(image, told)).await?.map_err(|error| refused(&error))?;
    Ok(((), format!("{image} is pulled")))
}

/// The container, made where it is not there, and started. Its port may become another one where that is allowed.
pub(super) async fn started(project: &Project, engine: &Engine, plan: &mut Plan) -> Done<String> {
    for _ in 0..MOVES {
        let id = made(project, engine, plan).await?;
        match engine.start_container(&id).await {
            Ok(()) => return Ok((id, format!("127.0.0.1:{}, {}", plan.port, plan.container()))),
            Err(error) if error.is_port_taken() && plan.port_is_fixed => return Err(port_taken(plan.port)),
            Err(error) if error.is_port_taken() => {
                // A container's port cannot be changed; what it knows is in the volume.
                engine.remove_container(&id).await.map_err(|error| refused(&error))?;
                plan.port = free_port(plan.port.saturating_add(1), &[]).ok_or_else(no_port)?;
                write_down(project, plan).await?;
            }
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(no_port())
}

/// The container as the plan wants it; its id.
async fn made(project: &Project, engine: &Engine, plan: &Plan) -> Result<String, Problem> {
    for state in container::own(engine, &plan.id, &plan.project).await.map_err(|error| refused(&error))? {
        if state.running || fits(&state, plan) {
            return Ok(state.id);
        }
        engine.remove_container(&state.id).await.map_err(|error| refused(&error))?;
    }
    let volume = plan.volume();
    match engine.volume_labels(&volume).await.map_err(|error| refused(&error))? {
        Some(labels) if !is_own_volume(&labels, &plan.id, &plan.project) => {
            return Err(Problem::new(format!("The volume {volume} is somebody else's."))
                .detail("Nothing says that it belongs to this tenant, so it is left alone.")
                .hint("Rename it or remove it, then try again."));
        }
        Some(_) => {}
        // Nobody wants an empty one in its place.
        None if !plan.unfinished => {
            return Err(Problem::new(format!("The data of {} are not on this Docker Engine.", plan.name))
                .detail(format!("There is no volume {volume} here, and a new one would be empty."))
                .hint("Use the engine that has it (docker context ls), or delete the tenant and create it again."));
        }
        None => {
            let labels = container::volume_labels(plan);
            engine.create_volume(&volume, &labels).await.map_err(|error| refused(&error))?;
        }
    }
    let file = ComposeFile::path(project, &plan.project);
    let open = |value: &str| Secret::new(value);
    let spec = ServiceSpec {
        name: plan.container(),
        image: plan.image.clone(),
        labels: container::labels(plan, &file),
        environment: vec![
            ("POSTGRES_USER".into(), open(&plan.user)),
            ("POSTGRES_PASSWORD".into(), plan.password.clone()),
            ("POSTGRES_DB".into(), open(&plan.database)),
            ("PGDATA".into(), open(compose_file::DATA)),
        ],
        volume: (volume, compose_file::MOUNT.to_owned()),
        port: compose_file::PORT,
        host_port: plan.port,
        health_check: "pg_isready -h 127.0.0.1 -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\"".to_owned(),
        health_pause: HEALTH_PAUSE,
        health_retries: HEALTH_RETRIES,
    };
    engine.create_service(&spec).await.map_err(|error| refused(&error))
}

/// True where a container that does not run is what the plan says. One that Compose made says nothing of its image.
fn fits(state: &ContainerState, plan: &Plan) -> bool {
    // A container that does not run has no port that could be read.
    state.labels.get(IMAGE).is_none_or(|image| *image == plan.image) && !plan.unfinished
}

/// Waits until the database answers a question on the plan's port; what the engine says of the container ends the wait
/// where it cannot come to a good end.
pub(super) async fn answers(engine: &Engine, plan: &Plan, id: &str, steps: &Steps<'_>) -> Done<()> {
    let url = plan.url();
    let begun = Instant::now();
    steps.moved(LocalStep::Database, "waiting until it answers");
    loop {
        let asked = steps.unless_cancelled(database::version(&url, QUESTION)).await?;
        let silence = match asked {
            Ok(version) => return Ok(((), format!("Postgres {version} answers"))),
            Err(silence) => silence,
        };
        let state = engine.container(id).await.map_err(|error| refused(&error))?;
        if let Some(why) = hopeless(state.as_ref()) {
            let problem = failed(engine, id, plan, why).await;
            if state.is_some_and(|state| state.restarting || !state.running)
                // It would be started again and again for nothing.
                && let Err(error) = engine.stop_container(id, STOP_GRACE).await
            {
                tracing::warn!(%error, "a container that does not come up is not stopped");
            }
            return Err(problem);
        }
        if let Silence::Refused(_) = &silence {
            return Err(database::no_answer(&url, &silence));
        }
        if let Silence::Password(words) = &silence {
            let problem = Problem::new("The database does not take its password.")
                .detail(format!("{words}. Its volume {} may be from another time.", plan.volume()));
            return Err(if plan.unfinished {
                problem.hint("Delete the tenant with its data and create it again.")
            } else {
                // Its data are worth more than a new beginning.
                problem.hint(
                    "Put the password that it has into database_url of the tenant, in .systemprompt/tenants.json.",
                )
            });
        }
        if begun.elapsed() >= PATIENCE {
            let check = if state.and_then(|state| state.health) == Some(Health::Unhealthy) {
                " Its health check fails."
            } else {
                ""
            };
            let why = format!("It did not answer within {} s: {}.{check}", PATIENCE.as_secs(), silence.words());
            return Err(failed(engine, id, plan, why).await);
        }
        steps.unless_cancelled(tokio::time::sleep(PAUSE)).await?;
    }
}

/// Why a container will not come to answer, in a sentence.
fn hopeless(state: Option<&ContainerState>) -> Option<String> {
    let Some(state) = state else { return Some("Its container was removed.".to_owned()) };
    if state.out_of_memory {
        return Some("Its container wanted more memory than there is.".to_owned());
    }
    // A health check that fails is no end: a slow machine may still be making the database.
    (state.restarting || !state.running).then(|| format!("Its container ended with code {}.", state.exit_code))
}

async fn failed(engine: &Engine, id: &str, plan: &Plan, why: String) -> Problem {
    let log: Vec<String> = engine
        .container_logs(id, LOG_LINES, false)
        .filter_map(|line| async { line.ok().map(|line| text::short(line.message.trim(), 160)) })
        .collect()
        .await;
    let said = if log.is_empty() { String::new() } else { format!(" It said: {}", log.join(" / ")) };
    Problem::new("The database did not start.")
        .detail(format!("{why}{said}"))
        .hint(format!("See docker logs {}; then try again: it goes on from here.", plan.container()))
        .remedy(Remedy::Retry)
}

/// Writes the plan into the list of tenants and its Compose file.
pub(super) async fn write_down(project: &Project, plan: &Plan) -> Result<(), Problem> {
    let (project, plan) = (project.clone(), plan.clone());
    blocking(move || {
        plan.file().write(&project)?;
        tenants_change::change(&project, |entries| {
            entries.put(&plan.tenant());
            Ok(())
        })
    })
    .await
}

/// The first port from `from` on that nothing listens on and nobody in `others` wants.
pub(super) fn free_port(from: u16, others: &[u16]) -> Option<u16> {
    let last = from.saturating_add(PORTS);
    (from.max(1)..=last).find(|port| !others.contains(port) && is_free(*port))
}

/// True where nothing listens on a port of this machine's loopback. `localhost` may be either address, so both count.
pub(super) fn is_free(port: u16) -> bool {
    let addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    addresses.iter().all(|address| match TcpListener::bind(address) {
        Ok(_) => true,
        // A machine without that family has nobody who listens there.
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::AddrInUse | std::io::ErrorKind::PermissionDenied),
    })
}

/// What somebody is told who wants this port and no other.
pub(super) fn port_taken(port: u16) -> Problem {
    let problem =
        Problem::new(format!("Port {port} is taken.")).detail(format!("Something listens on 127.0.0.1:{port}."));
    match free_port(port.saturating_add(1), &[]) {
        Some(free) => problem.hint(format!("Stop that, or use another port: {free} is free.")),
        None => problem.hint("Stop that, or use another port."),
    }
}

fn no_port() -> Problem {
    Problem::new("No free port was found.").hint("Name one that is free.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_or_wanted_is_passed_over() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(!is_free(port));
        let free = free_port(port, &[]).expect("one is free");
        assert_ne!(free, port);
        assert_ne!(free_port(port, &[free]), Some(free));
        let told = port_taken(port);
        assert!(told.title.contains(&port.to_string()) && told.hint.is_some(), "{told:?}");
    }

    #[test]
    fn what_cannot_end_well_is_not_waited_for() {
        let state = |json: serde_json::Value| {
            let answer: bollard::models::ContainerInspectResponse = serde_json::from_value(json).expect("a container");
            ContainerState::from(answer)
        };
        let of = |json: serde_json::Value| hopeless(Some(&state(serde_json::json!({"State": json}))));
        assert_eq!(of(serde_json::json!({"Running": true})), None);
        assert_eq!(of(serde_json::json!({"Running": true, "Health": {"Status": "starting"}})), None);
        assert_eq!(of(serde_json::json!({"Running": true, "Health": {"Status": "healthy"}})), None);
        assert_eq!(
            of(serde_json::json!({"Running": true, "Health": {"Status": "unhealthy"}})),
            None,
            "it has a minute"
        );
        for (json, words) in [
            (serde_json::json!({"Running": false, "ExitCode": 1}), "code 1"),
            (serde_json::json!({"Running": true, "Restarting": true, "ExitCode": 2}), "code 2"),
        ] {
            assert!(of(json).expect("hopeless").contains(words), "{words}");
        }
        assert!(hopeless(None).is_some());
    }
}

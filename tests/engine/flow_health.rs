//! A version that the server calls ready and that does not answer: what is told, and the way back.

use libtest_mimic::{Failed, Trial};
use std::fs;
use std::time::Duration;
use tenantry::demo::sample;
use tenantry::model::DeployEnd;
use tenantry::model::progress::{DeployProgress, DeployStep};
use tenantry::ops::deploy::Options;

use crate::flow::{finished, records, serves};
use crate::support::{Outcome, trial};
use crate::world::World;

const LIMIT: Duration = Duration::from_secs(2);
const WELL: &str = "Self { status: 200, content_type: \"application/json\"";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("flow::an_unhealthy_version_is_undone_where_that_was_asked_for", unhealthy_is_undone),
        trial("flow::an_unhealthy_version_is_told_and_stays", unhealthy_is_told),
        trial("flow::an_unhealthy_first_version_has_nothing_before_it", nothing_before),
    ]
}

/// Makes the next version one that is healthy for its image's own check alone: its health endpoint does `what`.
fn break_health(world: &World, what: &str) -> Result<(), Failed> {
    let main = world.file("src/main.rs");
    let good = fs::read_to_string(&main)?;
    let check = "fn health() -> io::Result<()> {\n";
    assert!(good.contains(WELL) && good.contains(check));
    let broken =
        good.replace(WELL, what).replace(check, &format!("{check}    if port().is_ok() {{ return Ok(()); }}\n"));
    fs::write(&main, broken)?;
    Ok(())
}

fn has_log_lines(said: &[DeployProgress]) -> bool {
    let is_line = |progress: &DeployProgress| matches!(progress, DeployProgress::Output { step: DeployStep::Health, line } if line.contains("listening on"));
    said.iter().any(is_line)
}

async fn unhealthy_is_undone() -> Outcome {
    let world = World::new().await;
    let (first, _) = serves(&world, &Options::default(), 1).await;
    sample::change(&world.file(""), 1, 2).await?;
    break_health(&world, &WELL.replace("200", "500"))?;
    let options = Options { health_limit: LIMIT, rollback_on_failure: true, ..Options::default() };
    let (result, said) = world.deploy_with(&options, |_| false).await;
    let problem = result.expect_err("it is not healthy");
    assert_eq!(problem.title, "The tenant does not answer.", "{said:?}");
    assert!(problem.detail.is_some_and(|detail| detail.contains("It answered 500.")), "{said:?}");
    let hint = problem.hint.unwrap_or_default();
    assert!(hint.starts_with("The version before it was deployed again and answers."), "{hint}");
    assert!(has_log_lines(&said), "{said:?}");
    let again = finished(&said, DeployStep::Rollback).ok_or("undone")?;
    assert_eq!(again, format!("{} runs again", first.digest.short()));
    assert!(world.page(&first).await.contains(&sample::title(1)));
    let status = world.session.client().status(&world.tenant).await?;
    assert!(status.image.is_some_and(|image| image.ends_with(first.digest.as_str())));
    let outcome = records(&world).await?.remove(0).outcome;
    assert!(matches!(outcome, DeployEnd::Failed { step: DeployStep::Health, .. }), "{outcome:?}");
    assert_eq!(world.deployments().await.len(), 3);

    // A version that never starts leaves the old one, which needs no way back.
    let main = world.file("src/main.rs");
    let broken = fs::read_to_string(&main)?
        .replace("fn main() -> ExitCode {\n", "fn main() -> ExitCode {\n    std::process::abort();\n");
    fs::write(&main, broken)?;
    let (result, said) = world.deploy_with(&options, |_| false).await;
    result.expect_err("it does not start");
    assert_eq!(crate::flow::skipped(&said, DeployStep::Rollback), Some("the version before it never stopped"));
    assert!(world.page(&first).await.contains(&sample::title(1)));
    Ok(())
}

async fn unhealthy_is_told() -> Outcome {
    let world = World::new().await;
    let (first, _) = serves(&world, &Options::default(), 1).await;
    sample::change(&world.file(""), 1, 2).await?;
    break_health(&world, &format!("thread::sleep(Duration::from_secs(600));\n{WELL}"))?;
    let (result, said) = world.deploy_with(&Options { health_limit: LIMIT, ..Options::default() }, |_| false).await;
    let problem = result.expect_err("it does not answer");
    assert_eq!(problem.title, "The tenant does not answer.", "{said:?}");
    let took = said.iter().find_map(|progress| match progress {
        DeployProgress::Failed { step: DeployStep::Health, took, .. } => Some(*took),
        _ => None,
    });
    // The limit, and what the log's last lines may take.
    assert!(took.is_some_and(|took| took >= LIMIT && took < LIMIT + Duration::from_secs(6)), "{took:?}");
    assert!(!said.contains(&DeployProgress::Started { step: DeployStep::Rollback }));
    let newest = records(&world).await?.remove(0);
    let status = world.session.client().status(&world.tenant).await?;
    let digest = newest.digest.ok_or("a digest")?;
    assert_ne!(digest, first.digest);
    assert!(status.image.is_some_and(|image| image.ends_with(digest.as_str())));
    assert!(world.page(&first).await.contains(&sample::title(2)), "the new version stays");
    Ok(())
}

async fn nothing_before() -> Outcome {
    let world = World::new().await;
    break_health(&world, &WELL.replace("200", "500"))?;
    let options = Options { health_limit: LIMIT, rollback_on_failure: true, ..Options::default() };
    let (result, said) = world.deploy_with(&options, |_| false).await;
    let hint = result.expect_err("it is not healthy").hint.unwrap_or_default();
    assert!(hint.contains("No recorded deploy to go back to."), "{hint}");
    assert!(has_log_lines(&said), "{said:?}");
    let outcome = records(&world).await?.remove(0).outcome;
    assert!(matches!(outcome, DeployEnd::Failed { step: DeployStep::Health, .. }), "{outcome:?}");
    Ok(())
}

//! The machine between two deploys, on the real engine.

use bollard::Docker;
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use libtest_mimic::Trial;
use reqwest::Method;
use serde_json::json;
use tenantry::demo::sample;
use tenantry::outbound::Localhost;

use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![trial("machine::secrets_restart_suspend_and_activate", secrets_restart_suspend_and_activate)]
}

/// The environment of the container that the tenant runs now.
async fn environment(world: &World) -> Result<(String, Vec<String>), libtest_mimic::Failed> {
    let (_, tenant) = world.call(Method::GET, "", None).await;
    let machine = tenant["data"]["fly_machine_id"].as_str().ok_or("a machine")?.to_owned();
    let seen = Docker::connect_with_defaults()?.inspect_container(&machine, None).await?;
    Ok((machine, seen.config.and_then(|config| config.env).ok_or("an environment")?))
}

async fn secrets_restart_suspend_and_activate() -> Outcome {
    let world = World::with(&[], &[("TENANTRY_LOG", "trace")]).await;
    let secrets = json!({ "secrets": { "OPENAI_API_KEY": "s3cret-one", "DATABASE_URL": "postgres://stale" } });
    assert_eq!(world.call(Method::PUT, "/secrets", Some(secrets)).await.0, 204);
    let first = world.deploy().await.0?;
    let (deployed, variables) = environment(&world).await?;
    assert!(variables.contains(&"OPENAI_API_KEY=s3cret-one".to_owned()));
    assert!(!variables.iter().any(|line| line.contains("stale")));

    let changed = json!({ "secrets": { "OPENAI_API_KEY": "s3cret-two" } });
    assert_eq!(world.call(Method::PUT, "/secrets?restart=true", Some(changed)).await.0, 204);
    world.wait_for_phase("running").await;
    let (restarted, variables) = environment(&world).await?;
    assert_ne!(restarted, deployed);
    assert!(variables.contains(&"OPENAI_API_KEY=s3cret-two".to_owned()));
    assert!(world.page(&first).await.contains(&sample::title(1)), "at the same address");
    let (_, status) = world.call(Method::GET, "/status", None).await;
    assert!(status["data"]["image"].as_str().is_some_and(|image| image.ends_with(first.digest.as_str())));

    assert_eq!(world.call(Method::POST, "/suspend", None).await.0, 200);
    let url = first.app_url.clone().ok_or("an address")?;
    let client = reqwest::Client::builder().no_proxy().dns_resolver(std::sync::Arc::new(Localhost)).build()?;
    assert_eq!(client.get(&url).send().await?.status(), 503);
    let docker = Docker::connect_with_defaults()?;
    let stopped = docker.inspect_container(&restarted, None).await?;
    assert_eq!(stopped.state.and_then(|state| state.running), Some(false));
    assert_eq!(world.call(Method::POST, "/activate", None).await.0, 200);
    world.wait_for_phase("running").await;
    assert!(world.page(&first).await.contains(&sample::title(1)));
    let (activated, _) = environment(&world).await?;

    // A machine that is killed is a failed deploy, and can be restarted.
    docker.stop_container(&activated, None).await?;
    world.wait_for_phase("failed_deploy").await;
    assert_eq!(world.call(Method::POST, "/restart", None).await.0, 200);
    world.wait_for_phase("running").await;
    assert!(world.page(&first).await.contains(&sample::title(1)));

    // One that is removed by hand is missed, with the reason, and comes back the same way.
    let (again, _) = environment(&world).await?;
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    docker.remove_container(&again, Some(options)).await?;
    world.wait_for_phase("failed_deploy").await;
    let (_, tenant) = world.call(Method::GET, "", None).await;
    let why = tenant["data"]["last_error"].as_str().ok_or("an error")?;
    assert!(why.starts_with("the machine does not run any more"), "{why}");
    assert_eq!(world.call(Method::POST, "/restart", None).await.0, 200);
    world.wait_for_phase("running").await;
    assert!(world.page(&first).await.contains(&sample::title(1)));
    assert_eq!(world.deployments().await.len(), 1, "none of that is a deploy");

    let log = world.server_log();
    assert!(log.contains("TRACE") && !log.contains("s3cret"), "a secret in the log");
    Ok(())
}

//! Several tenants from one project: built once, and each with an end of its own.

use libtest_mimic::Trial;
use std::fs;
use tenantry::api::page;
use tenantry::demo::sample;
use tenantry::model::progress::{DeployOutcome, DeployProgress, DeployStep};
use tenantry::model::{Problem, TenantId};
use tenantry::ops::deploy::{self, Options};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::flow::{finished, skipped};
use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![trial("flow::several_tenants_are_built_once_and_end_each_for_itself", several_tenants)]
}

type Ended = Vec<(TenantId, Result<DeployOutcome, Problem>)>;

async fn deploy_all(world: &World, tenants: &[TenantId]) -> (Ended, Vec<(TenantId, DeployProgress)>) {
    let (sender, mut receiver) = mpsc::channel(64);
    let (options, cancel) = (Options::default(), CancellationToken::new());
    let work = async {
        let ended = deploy::run_many(&world.session, tenants, &options, &sender, &cancel).await;
        drop(sender);
        ended
    };
    let listen = async {
        let mut said = Vec::new();
        while let Some(told) = receiver.recv().await {
            said.push(told);
        }
        said
    };
    tokio::join!(work, listen)
}

fn of(said: &[(TenantId, DeployProgress)], tenant: &TenantId) -> Vec<DeployProgress> {
    said.iter().filter(|(id, _)| id == tenant).map(|(_, progress)| progress.clone()).collect()
}

async fn several_tenants() -> Outcome {
    let world = World::new().await;
    let (second, third, gone) = (world.another().await, world.another().await, world.another().await);
    let (status, answer) = world.call_for(&gone, reqwest::Method::DELETE, "", None).await;
    assert!((200..300).contains(&status), "{answer}");
    let all = [gone.clone(), world.tenant.clone(), second.clone(), world.tenant.clone(), third.clone()];

    let (ended, said) = deploy_all(&world, &all).await;
    let order: Vec<&TenantId> = ended.iter().map(|(id, _)| id).collect();
    assert_eq!(order, [&gone, &world.tenant, &second, &third], "named twice, deployed once");
    let mut built = 0;
    for (id, result) in &ended {
        let told = of(&said, id);
        if *id == gone {
            assert!(result.is_err(), "{told:?}");
            continue;
        }
        let outcome = result.as_ref().map_err(|problem| format!("{problem}: {told:?}"))?;
        let url = outcome.app_url.as_deref().ok_or("an address")?;
        assert!(page::html(url).await?.contains(&sample::title(1)));
        let status = world.session.client().status(id).await?;
        assert!(status.image.is_some_and(|image| image.ends_with(outcome.digest.as_str())));
        if finished(&told, DeployStep::Build).is_some() {
            assert!(finished(&told, DeployStep::Project).is_some(), "{told:?}");
            built += 1;
        } else {
            let why = skipped(&told, DeployStep::Build).unwrap_or_default();
            assert!(why.starts_with("built once, with "), "{told:?}");
            assert_eq!(skipped(&told, DeployStep::Project), Some("built once for all"));
        }
    }
    assert_eq!(built, 1);
    let outcomes: Vec<&DeployOutcome> = ended.iter().filter_map(|(_, result)| result.as_ref().ok()).collect();
    assert!(outcomes.iter().all(|outcome| outcome.image_id == outcomes[0].image_id));

    // What cannot be built is built once, and stops all with the same words.
    fs::write(world.file(".systemprompt/build.json"), r#"{"command": ["sh", "-c", "echo run >> runs; exit 3"]}"#)?;
    let three = [world.tenant.clone(), second.clone(), third.clone()];
    let (ended, said) = deploy_all(&world, &three).await;
    let problems: Vec<&Problem> = ended.iter().filter_map(|(_, result)| result.as_ref().err()).collect();
    assert_eq!(problems.len(), 3, "{said:?}");
    assert!(problems.iter().all(|problem| *problem == problems[0]), "{problems:?}");
    assert_eq!(fs::read_to_string(world.file("runs"))?, "run\n");
    let built = DeployProgress::Started { step: DeployStep::Build };
    assert!(!said.iter().any(|(_, progress)| *progress == built), "{said:?}");
    for outcome in outcomes {
        assert!(world.page(outcome).await.contains(&sample::title(1)), "it runs what it ran");
    }
    Ok(())
}

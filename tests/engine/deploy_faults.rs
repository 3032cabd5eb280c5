//! The deploy when something goes wrong on the way to the server or on the way back. Whatever happens, a version is
//! started at most once, a person is told what to do, and the next deploy works.

use libtest_mimic::Trial;
use serde_json::json;
use tenantry::demo::sample;
use tenantry::model::progress::{DeployProgress, DeployStep};

use crate::support::{Outcome, trial};
use crate::world::World;

const TOKEN: &str = "/api/v1/tenants/*/registry-token";
const DEPLOY: &str = "/api/v1/tenants/*/deploy";
const UPLOAD: &str = "/v2/systemprompt-images/blobs/uploads/*";
const FAULTS: &[&str] = &["--faults"];

pub fn trials() -> Vec<Trial> {
    vec![
        trial("deploy_faults::a_token_call_that_fails_is_said_and_nothing_is_built", token_fails),
        trial("deploy_faults::a_token_call_that_fails_once_is_repeated", token_fails_once),
        trial("deploy_faults::a_token_call_that_takes_too_long_is_said", token_hangs),
        trial("deploy_faults::a_deploy_call_that_fails_starts_nothing", deploy_fails),
        trial("deploy_faults::an_answer_that_is_lost_starts_nothing_twice", answer_lost),
        trial("deploy_faults::an_answer_that_takes_too_long_starts_nothing_twice", answer_late),
        trial("deploy_faults::a_token_that_is_revoked_during_the_push_can_be_replaced", token_revoked),
        trial("deploy_faults::an_upload_that_breaks_off_can_be_repeated", upload_cut),
        trial("deploy_faults::a_registry_that_starts_again_during_the_push_loses_nothing", registry_restarted),
    ]
}

/// A deploy that works, and that the tenant then runs; `accepted` deploys were accepted in all.
async fn works(world: &World, version: u32, accepted: usize) -> Outcome {
    // On the heap: it is large, and this is called from everywhere.
    let outcome = Box::pin(world.deploy()).await.0?;
    assert!(world.page(&outcome).await.contains(&sample::title(version)));
    let listed = world.deployments().await;
    assert_eq!(listed.len(), accepted, "{listed:?}");
    assert_eq!(listed[0], ("succeeded".to_owned(), outcome.digest.to_string()));
    Ok(())
}

async fn token_fails() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    world.faults().arm(json!({ "fault": "answer", "path": TOKEN, "status": 500, "times": 100 })).await;
    let (result, said) = world.deploy().await;
    let problem = result.expect_err("no token");
    assert!(!problem.title.is_empty() && problem.detail.is_some(), "{problem:?}");
    assert!(!said.contains(&DeployProgress::Started { step: DeployStep::Build }), "{said:?}");
    world.faults().disarm().await;
    works(&world, 1, 1).await
}

async fn token_fails_once() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    let faults = world.faults();
    faults.arm(json!({ "fault": "answer", "path": TOKEN, "status": 503, "retry_after": 1 })).await;
    works(&world, 1, 1).await?;
    assert_eq!(faults.struck().await, 1);
    Ok(())
}

async fn token_hangs() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    let faults = world.faults();
    // Longer than the client waits.
    faults.arm(json!({ "fault": "delay", "path": TOKEN, "ms": 40_000 })).await;
    let (result, said) = world.deploy().await;
    let problem = result.expect_err("no token in time");
    assert!(!problem.title.is_empty(), "{problem:?}");
    assert!(!said.contains(&DeployProgress::Started { step: DeployStep::Build }), "{said:?}");
    works(&world, 1, 1).await
}

async fn deploy_fails() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    world.faults().arm(json!({ "fault": "answer", "path": DEPLOY, "method": "POST", "status": 500 })).await;
    let problem = world.deploy().await.0.expect_err("refused");
    assert!(!problem.title.is_empty() && !problem.remedies.is_empty(), "{problem:?}");
    assert_eq!(world.deployments().await, []);
    works(&world, 1, 1).await
}

async fn answer_lost() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    let faults = world.faults();
    for version in [1, 2] {
        if version == 2 {
            sample::change(&world.file(""), 1, 2).await?;
        }
        faults.arm(json!({ "fault": "lose", "path": DEPLOY, "method": "POST" })).await;
        works(&world, version, usize::try_from(version)?).await?;
        assert_eq!(faults.struck().await, u64::from(version));
    }
    Ok(())
}

async fn answer_late() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    let faults = world.faults();
    faults.arm(json!({ "fault": "delay", "path": DEPLOY, "method": "POST", "ms": 40_000, "after": true })).await;
    works(&world, 1, 1).await?;
    assert_eq!(faults.struck().await, 1);
    Ok(())
}

async fn token_revoked() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    let faults = world.faults();
    faults.arm(json!({ "fault": "revoke", "path": UPLOAD })).await;
    // The push gets one new token by itself, and nothing comes twice.
    world.deploy().await.0?;
    assert_eq!(faults.struck().await, 1);
    assert_eq!(world.deployments().await.len(), 1);
    works(&world, 1, 2).await
}

async fn upload_cut() -> Outcome {
    let world = World::with(FAULTS, &[]).await;
    let faults = world.faults();
    faults.arm(json!({ "fault": "cut", "path": UPLOAD, "after_bytes": 1000 })).await;
    let first = world.deploy().await.0;
    assert_eq!(faults.struck().await, 1);
    let accepted = usize::from(first.is_ok());
    if let Err(problem) = &first {
        assert!(problem.hint.is_some(), "{problem:?}");
    }
    works(&world, 1, accepted + 1).await
}

async fn registry_restarted() -> Outcome {
    // A range of its own: another test's server must not take the tenant's port while this one is down.
    let world = World::with(&["--faults", "--ports", "3800-3809"], &[]).await;
    let faults = world.faults();
    // Held there until the server is killed.
    faults.arm(json!({ "fault": "delay", "path": UPLOAD, "ms": 60_000 })).await;
    let restart = async {
        faults.wait().await;
        tokio::task::block_in_place(|| world.restart_server());
    };
    let ((first, _), ()) = tokio::join!(world.deploy(), restart);
    let accepted = usize::from(first.is_ok());
    if let Err(problem) = &first {
        assert!(problem.hint.is_some(), "{problem:?}");
    }
    works(&world, 1, accepted + 1).await
}

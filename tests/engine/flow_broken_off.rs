//! A deploy that is broken off, by hand or by a failure: what is left behind, and how it goes on.

use libtest_mimic::Trial;
use serde_json::json;
use std::fs;
use std::time::Duration;
use tenantry::demo::sample;
use tenantry::engine::REGISTRY_LABEL;
use tenantry::model::progress::{DeployProgress, DeployStep};
use tenantry::model::{DeployEnd, TenantState};
use tenantry::ops::deploy::Options;
use tokio_util::sync::CancellationToken;

use crate::flow::{finished, records, serves, skipped};
use crate::support::{Outcome, trial};
use crate::world::World;

const DEPLOY: &str = "/api/v1/tenants/*/deploy";
const SECRETS: &str = "/api/v1/tenants/*/secrets";
const UPLOAD: &str = "/v2/systemprompt-images/blobs/uploads/*";
const UNCHANGED: &str = "The tenant runs what it ran before";

/// When to cancel.
type Until = Box<dyn Fn(&DeployProgress) -> bool + Sync + Send>;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("flow::cancelling_in_any_step_leaves_nothing_behind", cancelling_leaves_nothing_behind),
        trial("flow::a_call_that_the_server_has_not_begun_with_is_cancelled", a_call_on_its_way_is_cancelled),
        trial("flow::what_the_server_accepted_is_left_and_goes_on", what_was_accepted_goes_on),
        trial("flow::a_deploy_goes_on_after_its_last_finished_step", a_deploy_goes_on),
    ]
}

async fn cancelling_leaves_nothing_behind() -> Outcome {
    let world = World::with(&["--faults"], &[]).await;
    let registry = world.session.client().registry_token(&world.tenant).await?.registry;
    let started = |step| move |progress: &DeployProgress| *progress == DeployProgress::Started { step };
    let moved: [(DeployStep, Until); 8] = [
        (DeployStep::Preflight, Box::new(|progress| matches!(progress, DeployProgress::Check { .. }))),
        (DeployStep::Project, Box::new(started(DeployStep::Project))),
        (DeployStep::Registry, Box::new(started(DeployStep::Registry))),
        (DeployStep::Build, Box::new(started(DeployStep::Build))),
        (DeployStep::Build, Box::new(|progress| matches!(progress, DeployProgress::Build { .. }))),
        (DeployStep::Push, Box::new(started(DeployStep::Push))),
        (DeployStep::Push, Box::new(|progress| matches!(progress, DeployProgress::Push { .. }))),
        (DeployStep::Secrets, Box::new(started(DeployStep::Secrets))),
    ];
    let faults = world.faults();
    for (step, until) in moved {
        // So that there is time to cancel in the middle.
        if step == DeployStep::Push {
            faults.arm(json!({ "fault": "delay", "path": UPLOAD, "method": "PATCH", "ms": 2000, "times": 100 })).await;
        }
        if step == DeployStep::Secrets {
            faults.arm(json!({ "fault": "delay", "path": SECRETS, "ms": 2000, "times": 100 })).await;
        }
        let (result, said) = world.deploy_until(until).await;
        faults.disarm().await;
        let problem = result.expect_err("cancelled");
        assert_eq!(problem.title, "Deploy cancelled.", "{step:?}: {said:?}");
        let newest = records(&world).await?.remove(0);
        // Only what has ended can still be followed by its cancellation.
        let DeployEnd::Cancelled { step: at } = newest.outcome else { panic!("{step:?}: {:?}", newest.outcome) };
        assert!(at >= step, "{step:?}: {said:?}");
        if at >= DeployStep::Push && at <= DeployStep::Secrets {
            assert!(problem.hint.is_some_and(|hint| hint.contains("may be ahead")), "{step:?}");
        }
        let status = world.session.client().status(&world.tenant).await?;
        assert_eq!(status.state(), TenantState::ToDeploy, "{step:?}");
        let left = world.engine.containers_labelled(&[(REGISTRY_LABEL, registry.as_str())]).await?;
        assert_eq!(left, Vec::<String>::new(), "{step:?}: containers of the build");
        // The engine takes its own back a moment later.
        let none_left = async {
            while world.uploads() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), none_left).await?;
    }
    assert_eq!(world.deployments().await, []);
    serves(&world, &Options::default(), 1).await;
    Ok(())
}

async fn a_call_on_its_way_is_cancelled() -> Outcome {
    let world = World::with(&["--faults"], &[]).await;
    let (first, _) = serves(&world, &Options::default(), 1).await;
    sample::change(&world.file(""), 1, 2).await?;
    let faults = world.faults();
    faults.arm(json!({ "fault": "delay", "path": DEPLOY, "method": "POST", "ms": 60_000 })).await;
    let (cancel, options) = (CancellationToken::new(), Options::default());
    let cancelling = async {
        faults.wait().await;
        cancel.cancel();
    };
    let ((result, _), ()) = tokio::join!(world.deploy_under(&options, &cancel, |_| false), cancelling);
    let problem = result.expect_err("cancelled");
    assert_eq!(problem.title, "Deploy cancelled.", "{problem:?}");
    assert!(problem.hint.is_some_and(|hint| hint.starts_with(UNCHANGED) && hint.contains("may be ahead")));
    let newest = records(&world).await?.remove(0);
    assert_eq!(newest.outcome, DeployEnd::Cancelled { step: DeployStep::Deploy });
    assert!(world.page(&first).await.contains(&sample::title(1)));
    assert_eq!(world.deployments().await.len(), 1);

    let (_, said) = serves(&world, &Options { resume: true, ..options }, 2).await;
    assert!(skipped(&said, DeployStep::Push).is_some(), "{said:?}");
    assert_eq!(world.deployments().await.len(), 2);
    Ok(())
}

async fn what_was_accepted_goes_on() -> Outcome {
    let world = World::new().await;
    let main = world.file("src/main.rs");
    let good = fs::read_to_string(&main)?;
    let slow = good.replace(
        "fn serve() -> io::Result<()> {\n",
        "fn serve() -> io::Result<()> {\n    thread::sleep(Duration::from_secs(4));\n",
    );
    assert_ne!(good, slow);
    fs::write(&main, slow)?;
    let (cancel, options) = (CancellationToken::new(), Options::default());
    let cancelling = async {
        world.wait_for_phase("deploying").await;
        cancel.cancel();
    };
    let ((result, said), ()) = tokio::join!(world.deploy_under(&options, &cancel, |_| false), cancelling);
    let problem = result.expect_err("left");
    assert_eq!(problem.title, "Left the deploy.", "{problem:?}");
    let newest = records(&world).await?.remove(0);
    assert_eq!(newest.outcome, DeployEnd::Detached);
    let failed = said.last().ok_or("something said")?;
    assert!(matches!(failed, DeployProgress::Failed { step: DeployStep::Deploy, .. }), "{failed:?}");
    // Nobody watches, and it comes to its end.
    let running = async {
        loop {
            let status = world.session.client().status(&world.tenant).await?;
            if status.state() == TenantState::Running {
                return Ok::<_, libtest_mimic::Failed>(status);
            }
            assert_eq!(status.state(), TenantState::Deploying);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let status = tokio::time::timeout(Duration::from_mins(1), running).await??;
    let digest = newest.digest.ok_or("a digest")?;
    assert!(status.image.is_some_and(|image| image.ends_with(digest.as_str())));
    assert_eq!(world.deployments().await, [("succeeded".to_owned(), digest.to_string())]);
    let problem = world.deploy_with(&Options { resume: true, ..options }, |_| false).await.0.expect_err("it is done");
    assert_eq!(problem.title, "Nothing to go on with.");
    Ok(())
}

async fn a_deploy_goes_on() -> Outcome {
    let world = World::with(&["--faults"], &[]).await;
    let resume = Options { resume: true, ..Options::default() };
    let (result, said) = world.deploy_with(&resume, |_| false).await;
    assert_eq!(result.expect_err("there was none").title, "Nothing to go on with.");
    assert_eq!((said, records(&world).await?), (vec![], vec![]));

    let at_push = |progress: &DeployProgress| *progress == DeployProgress::Started { step: DeployStep::Push };
    world.deploy_until(at_push).await.0.expect_err("cancelled");
    let broken_off = records(&world).await?.remove(0);
    assert_eq!(broken_off.outcome, DeployEnd::Cancelled { step: DeployStep::Push });
    // What was asked for is version 1, whatever the project looks like by now.
    sample::change(&world.file(""), 1, 2).await?;
    let (outcome, said) = serves(&world, &resume, 1).await;
    assert_eq!(outcome.image_id, broken_off.image_id);
    for step in [DeployStep::Project, DeployStep::Build] {
        assert!(skipped(&said, step).is_some(), "{said:?}");
    }
    assert!(finished(&said, DeployStep::Push).is_some(), "{said:?}");

    let refused = json!({ "fault": "answer", "path": DEPLOY, "method": "POST", "status": 500 });
    world.faults().arm(refused).await;
    world.deploy().await.0.expect_err("refused");
    let newest = records(&world).await?.remove(0);
    assert!(matches!(newest.outcome, DeployEnd::Failed { step: DeployStep::Deploy, .. }), "{newest:?}");
    sample::change(&world.file(""), 2, 3).await?;
    let (outcome, said) = serves(&world, &resume, 2).await;
    assert_eq!(Some(&outcome.digest), newest.digest.as_ref());
    for step in [DeployStep::Project, DeployStep::Build, DeployStep::Push] {
        let why = skipped(&said, step).unwrap_or_default();
        assert!(why.starts_with("done before the deploy was broken off"), "{said:?}");
    }
    assert!(finished(&said, DeployStep::Secrets).is_some(), "{said:?}");
    assert_eq!(records(&world).await?[0].outcome, DeployEnd::Succeeded);
    world.deploy_with(&resume, |_| false).await.0.expect_err("it came to its end");
    Ok(())
}

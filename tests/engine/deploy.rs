//! The deploy on real parts: server, registry, engine, container.

use libtest_mimic::Trial;
use tenantry::demo::sample;
use tenantry::engine::{BuildRequest, Credentials};
use tenantry::model::TenantState;
use tenantry::model::progress::{DeployProgress, DeployStep};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::trial;
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("deploy::a_change_answers_at_the_same_address", a_change_answers_at_the_same_address),
        trial("deploy::the_server_pulls_from_the_registry", the_server_pulls_from_the_registry),
        trial("deploy::what_cannot_be_built_is_said_and_nothing_is_lost", what_cannot_be_built_is_said),
        trial("deploy::a_version_that_does_not_start_leaves_the_old_one", a_broken_version_leaves_the_old_one),
        trial("deploy::cancelling_leaves_the_tenant_as_it_was", cancelling_leaves_the_tenant_as_it_was),
    ]
}

async fn a_change_answers_at_the_same_address() -> crate::support::Outcome {
    let world = World::new().await;
    let (first, said) = world.deploy().await;
    let first = first?;
    let finished: Vec<DeployStep> = said
        .iter()
        .filter_map(|progress| match progress {
            DeployProgress::Finished { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    assert_eq!(finished, DeployStep::ALL, "{said:?}");
    assert!(world.page(&first).await.contains(&sample::title(1)));
    sample::change(&world.file(""), 1, 2).await?;
    let (second, _) = world.deploy().await;
    let second = second?;
    assert!(world.page(&second).await.contains(&sample::title(2)));
    assert_eq!(first.app_url, second.app_url);
    assert_ne!(first.digest, second.digest);
    let status = world.session.client().status(&world.tenant).await?;
    assert_eq!(status.state(), TenantState::Running);
    assert!(status.image.is_some_and(|image| image.ends_with(second.digest.as_str())));
    Ok(())
}

/// With the local image removed between push and deploy, only the registry can have given the image.
async fn the_server_pulls_from_the_registry() -> crate::support::Outcome {
    let world = World::new().await;
    let (first, _) = world.deploy().await;
    let first = first?;
    sample::change(&world.file(""), 1, 2).await?;
    let token = world.session.client().registry_token(&world.tenant).await?;
    let image = token.image()?;
    let request = BuildRequest {
        labels: vec![("dev.tenantry.registry".into(), image.registry().into())],
        ..BuildRequest::new(world.file(""), ".systemprompt/Dockerfile", image.clone())
    };
    let cancel = CancellationToken::new();
    let (progress, mut steps) = mpsc::channel(64);
    let (layers, mut pushed) = mpsc::channel(64);
    let drain = tokio::spawn(async move { while steps.recv().await.is_some() {} });
    let id = world.engine.build(request, &progress, &cancel).await?.id;
    let drain_push = tokio::spawn(async move { while pushed.recv().await.is_some() {} });
    let credentials = Credentials { username: token.username.clone(), password: token.token.clone() };
    let digest = world.engine.push(&image, &credentials, &layers, &cancel).await?;
    drop((progress, layers));
    drain.await?;
    drain_push.await?;
    world.engine.remove_image(&image.to_string()).await?;
    world.engine.remove_image(&image.at(&digest)).await?;
    assert_eq!(world.engine.image_id(&id).await?, None, "the image is gone from the engine");
    let answer = world.session.client().deploy(&world.tenant, &image).await?;
    assert_eq!(answer.status, "deployed");
    assert_eq!(answer.address().map(str::to_owned), first.app_url);
    assert_eq!(world.engine.image_id(&image.at(&digest)).await?.as_deref(), Some(id.as_str()), "pulled by digest");
    assert!(world.page(&first).await.contains(&sample::title(2)));
    Ok(())
}

async fn what_cannot_be_built_is_said() -> crate::support::Outcome {
    let world = World::new().await;
    let dockerfile = world.file(".systemprompt/Dockerfile");
    let good = std::fs::read_to_string(&dockerfile)?;
    let build = world.file(".systemprompt/build.json");
    let good_build = std::fs::read_to_string(&build)?;

    std::fs::remove_file(&dockerfile)?;
    let (result, said) = world.deploy().await;
    let problem = result.expect_err("no Dockerfile");
    assert!(problem.title.contains("Dockerfile") && problem.hint.is_some(), "{problem:?}");
    assert!(!said.contains(&DeployProgress::Started { step: DeployStep::Project }), "nothing was built: {said:?}");

    std::fs::write(&dockerfile, good.replace("COPY web", "COPY no-such-folder"))?;
    let problem = world.deploy().await.0.expect_err("no such folder");
    assert!(problem.to_string().contains("no-such-folder") && problem.hint.is_some(), "{problem:?}");

    std::fs::write(&dockerfile, &good)?;
    std::fs::write(&build, r#"{"command": ["sh", "-c", "echo error: no such crate >&2; exit 101"]}"#)?;
    let (result, said) = world.deploy().await;
    let problem = result.expect_err("the project's build fails");
    assert!(problem.to_string().contains("no such crate") && problem.hint.is_some(), "{problem:?}");
    assert!(!said.contains(&DeployProgress::Started { step: DeployStep::Build }), "no image was built: {said:?}");

    let status = world.session.client().status(&world.tenant).await?;
    assert_eq!(status.state(), TenantState::ToDeploy, "the tenant waits as before");
    std::fs::write(&build, good_build)?;
    let outcome = world.deploy().await.0?;
    assert!(world.page(&outcome).await.contains(&sample::title(1)));
    Ok(())
}

async fn a_broken_version_leaves_the_old_one() -> crate::support::Outcome {
    let world = World::new().await;
    let first = world.deploy().await.0?;
    let dockerfile = world.file(".systemprompt/Dockerfile");
    let good = std::fs::read_to_string(&dockerfile)?;
    std::fs::write(&dockerfile, format!("{good}\nENV PORT=not-a-port\nENTRYPOINT [\"/app/bin/no-such-program\"]\n"))?;
    let problem = world.deploy().await.0.expect_err("it cannot start");
    assert!(problem.hint.is_some(), "{problem:?}");
    assert!(world.page(&first).await.contains(&sample::title(1)), "the old version answers");
    let status = world.session.client().status(&world.tenant).await?;
    assert_eq!(status.state(), TenantState::Running);
    assert!(status.image.is_some_and(|image| image.ends_with(first.digest.as_str())));
    Ok(())
}

async fn cancelling_leaves_the_tenant_as_it_was() -> crate::support::Outcome {
    let world = World::new().await;
    for step in [DeployStep::Preflight, DeployStep::Project, DeployStep::Build, DeployStep::Push] {
        let (result, said) = world.deploy_until(|progress| *progress == DeployProgress::Started { step }).await;
        let problem = result.expect_err("cancelled");
        assert_eq!(problem.title, "Deploy cancelled.", "{step:?}: {said:?}");
        let status = world.session.client().status(&world.tenant).await?;
        assert_eq!(status.state(), TenantState::ToDeploy, "{step:?}");
    }
    world.deploy().await.0?;
    Ok(())
}

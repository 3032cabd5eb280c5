//! The ways through a deploy: nothing changed, an image that is named, an earlier version, and one at a time.

use libtest_mimic::Trial;
use std::fs;
use std::time::Duration;
use tenantry::demo::sample;
use tenantry::model::progress::{DeployOutcome, DeployProgress, DeployStep};
use tenantry::model::{DeployEnd, DeployRecord, Problem};
use tenantry::ops::deploy::{self, ImageSource, Options};
use tenantry::ops::history;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("flow::nothing_changed_is_neither_built_nor_pushed", nothing_changed),
        trial("flow::a_second_deploy_of_a_tenant_is_told_who_is_at_it", one_at_a_time),
        trial("flow::an_image_that_is_there_is_taken_as_it_is", images_that_are_there),
        trial("flow::an_earlier_version_comes_back", an_earlier_version_comes_back),
    ]
}

/// Why `step` was skipped; `None` where it was not.
pub fn skipped(said: &[DeployProgress], step: DeployStep) -> Option<&str> {
    said.iter().find_map(|progress| match progress {
        DeployProgress::Skipped { step: known, why, .. } if *known == step => Some(why.as_str()),
        _ => None,
    })
}

/// What `step` came to; `None` where it did not come to its end.
pub fn finished(said: &[DeployProgress], step: DeployStep) -> Option<&str> {
    said.iter().find_map(|progress| match progress {
        DeployProgress::Finished { step: known, summary, .. } if *known == step => Some(summary.as_str()),
        _ => None,
    })
}

/// What is remembered, newest first.
pub async fn records(world: &World) -> Result<Vec<DeployRecord>, Problem> {
    history::records(&world.session, &world.tenant).await
}

/// Deploys as asked for, which works, and the tenant then serves this version.
pub async fn serves(world: &World, options: &Options, version: u32) -> (DeployOutcome, Vec<DeployProgress>) {
    let (result, said) = Box::pin(world.deploy_with(options, |_| false)).await;
    let outcome = result.unwrap_or_else(|problem| panic!("{problem}: {said:?}"));
    assert!(world.page(&outcome).await.contains(&sample::title(version)), "version {version}");
    let status = world.session.client().status(&world.tenant).await.expect("a status");
    assert!(status.image.is_some_and(|image| image.ends_with(outcome.digest.as_str())));
    (outcome, said)
}

async fn nothing_changed() -> Outcome {
    let world = World::new().await;
    let ordinary = Options::default();
    let (first, _) = serves(&world, &ordinary, 1).await;
    let (second, said) = serves(&world, &ordinary, 1).await;
    let why = skipped(&said, DeployStep::Build).unwrap_or_default();
    assert!(why.starts_with("nothing changed since the build"), "{said:?}");
    let why = skipped(&said, DeployStep::Push).unwrap_or_default();
    assert!(why.starts_with("the registry has this image already"), "{said:?}");
    assert_eq!((&second.digest, &second.image_id), (&first.digest, &first.image_id));

    let (_, said) = serves(&world, &Options { force: true, ..ordinary.clone() }, 1).await;
    assert!(finished(&said, DeployStep::Build).is_some(), "{said:?}");

    // Back to what was built before the last build.
    sample::change(&world.file(""), 1, 2).await?;
    let (_, said) = serves(&world, &ordinary, 2).await;
    assert!(finished(&said, DeployStep::Build).is_some() && finished(&said, DeployStep::Push).is_some(), "{said:?}");
    sample::change(&world.file(""), 2, 1).await?;
    serves(&world, &ordinary, 1).await;
    Ok(())
}

async fn one_at_a_time() -> Outcome {
    let world = World::new().await;
    let build = "while [ ! -e go ]; do sleep 0.02; done
        exec cargo rustc --release --target-dir target -- -C target-feature=+crt-static";
    let build = serde_json::json!({ "command": ["sh", "-c", build] });
    fs::write(world.file(".systemprompt/build.json"), build.to_string())?;
    let at_work = Notify::new();
    let first = world.deploy_until(|progress| {
        if *progress == (DeployProgress::Started { step: DeployStep::Project }) {
            at_work.notify_one();
        }
        false
    });
    let second = async {
        at_work.notified().await;
        let refused = tokio::time::timeout(Duration::from_mins(1), world.deploy()).await;
        fs::write(world.file("go"), "").map(|()| refused)
    };
    let ((first, _), refused) = tokio::join!(first, second);
    let (refused, said) = refused??;
    let problem = refused.expect_err("the first one is at work");
    assert!(problem.title.starts_with("Another deploy of ") && problem.title.ends_with(" is running."), "{problem:?}");
    let who = format!("process {} on ", std::process::id());
    assert!(problem.detail.is_some_and(|detail| detail.contains(&who)), "{who}");
    assert_eq!(said, [], "nothing was begun");
    assert!(world.page(&first?).await.contains(&sample::title(1)));
    assert_eq!(records(&world).await?.len(), 1, "what was refused is no deploy");

    // Another tenant is nobody else's business.
    let other = world.another().await;
    let (sender, mut receiver) = mpsc::channel(64);
    let (options, cancel) = (Options::default(), CancellationToken::new());
    let drain = async { while receiver.recv().await.is_some() {} };
    let theirs = async {
        let result = deploy::run(&world.session, &other, &options, &sender, &cancel).await;
        drop(sender);
        result
    };
    let (ours, theirs, ()) = tokio::join!(world.deploy(), theirs, drain);
    assert_ne!(ours.0?.app_url, theirs?.app_url);
    Ok(())
}

async fn images_that_are_there() -> Outcome {
    let world = World::new().await;
    let from = |source| Options { source, project_build: false, ..Options::default() };
    let (result, said) = world.deploy_with(&from(ImageSource::Registry), |_| false).await;
    assert_eq!(result.expect_err("nothing was pushed").title, "Image not in the registry.", "{said:?}");
    let failed = |progress: &&DeployProgress| matches!(progress, DeployProgress::Failed { .. });
    let failed = said.iter().find(failed).ok_or("a step that failed")?;
    assert!(matches!(failed, DeployProgress::Failed { step: DeployStep::Push, .. }), "{failed:?}");
    let outcome = records(&world).await?.remove(0).outcome;
    assert!(matches!(outcome, DeployEnd::Failed { step: DeployStep::Push, .. }), "{outcome:?}");

    let (first, _) = serves(&world, &Options::default(), 1).await;
    sample::change(&world.file(""), 1, 2).await?;
    let (_, said) = serves(&world, &from(ImageSource::Tagged), 1).await;
    assert!(skipped(&said, DeployStep::Build).is_some_and(|why| why.ends_with("is taken as it is")), "{said:?}");
    serves(&world, &Options::default(), 2).await;

    let id = first.image_id.clone().ok_or("an id")?;
    let (named, said) = serves(&world, &from(ImageSource::Local(id)), 1).await;
    assert_eq!((&named.digest, &named.image_id), (&first.digest, &first.image_id));
    assert!(skipped(&said, DeployStep::Project).is_some(), "{said:?}");
    let unknown = from(ImageSource::Local("no-such-image:1".into()));
    let problem = world.deploy_with(&unknown, |_| false).await.0.expect_err("it is nowhere");
    assert_eq!(problem.title, "The engine has no image no-such-image:1.");

    // What is there needs no project that could be built.
    fs::remove_file(world.file(".systemprompt/Dockerfile"))?;
    fs::remove_dir_all(world.file("target"))?;
    let (held, said) = serves(&world, &from(ImageSource::Registry), 1).await;
    assert_eq!((held.digest, held.image_id), (first.digest, None));
    for step in [DeployStep::Project, DeployStep::Build, DeployStep::Push] {
        let why = skipped(&said, step).unwrap_or_default();
        assert!(why.starts_with("the registry's image is taken as it is"), "{said:?}");
    }
    assert!(records(&world).await?.iter().all(|record| record.git.is_none()));
    Ok(())
}

/// Goes back as `wanted`.
async fn back(world: &World, wanted: Option<&str>) -> (Result<DeployOutcome, Problem>, Vec<DeployProgress>) {
    let (sender, mut receiver) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let work = async {
        let result = deploy::roll_back(&world.session, &world.tenant, wanted, &sender, &cancel).await;
        drop(sender);
        result
    };
    let listen = async {
        let mut said = Vec::new();
        while let Some(progress) = receiver.recv().await {
            said.push(progress);
        }
        said
    };
    tokio::join!(work, listen)
}

async fn an_earlier_version_comes_back() -> Outcome {
    let world = World::new().await;
    let (first, _) = serves(&world, &Options::default(), 1).await;
    let problem = back(&world, None).await.0.expect_err("there is no other");
    assert_eq!(problem.title, "No recorded deploy to go back to.");
    sample::change(&world.file(""), 1, 2).await?;
    let (second, _) = serves(&world, &Options::default(), 2).await;

    // A way back must be open also where nothing could be built.
    fs::remove_file(world.file(".systemprompt/Dockerfile"))?;
    fs::remove_dir_all(world.file("target"))?;
    let (result, said) = back(&world, None).await;
    let third = result?;
    assert!(world.page(&third).await.contains(&sample::title(1)), "{said:?}");
    assert_eq!((&third.digest, &third.image_id), (&first.digest, &first.image_id));
    assert!(skipped(&said, DeployStep::Project).is_some() && finished(&said, DeployStep::Health).is_some(), "{said:?}");
    let told = history::of_tenant(&world.session, &world.tenant).await?;
    let runs: Vec<bool> = told.deploys.iter().map(|entry| entry.runs_now).collect();
    assert_eq!(runs, [true, false, false]);
    assert_eq!(told.deploys[0].record.rollback_of.as_ref(), Some(&told.deploys[2].record.id));
    assert_eq!(told.deploys[0].record.outcome, DeployEnd::Succeeded);

    // And forth, by name.
    let (result, _) = back(&world, Some(second.digest.short())).await;
    let fourth = result?;
    assert!(world.page(&fourth).await.contains(&sample::title(2)));
    let newest = records(&world).await?.remove(0);
    assert_eq!(newest.rollback_of, Some(told.deploys[1].record.id.clone()));
    Ok(())
}

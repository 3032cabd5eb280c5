//! An earlier image on the engine again, by every way that leads there.

use libtest_mimic::Trial;
use tenantry::demo::sample;
use tenantry::engine::Credentials;
use tenantry::model::progress::{DeployOutcome, DeployProgress};
use tenantry::model::{DeployEnd, DeployRecord, Digest, ImageReference, Problem, RegistryToken, Secret};
use tenantry::ops::rollback;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![trial("rollback::an_image_comes_back_from_the_engine_and_from_the_registry", an_image_comes_back)]
}

fn record(world: &World, id: &str, outcome: &DeployOutcome) -> DeployRecord {
    DeployRecord {
        id: id.into(),
        tenant_id: world.tenant.clone(),
        tenant_name: "orchard".into(),
        by: None,
        began_at: "2026-11-20T10:00:00Z".into(),
        took_ms: 1,
        image: String::new(),
        image_id: outcome.image_id.clone(),
        digest: Some(outcome.digest.clone()),
        git: None,
        builder: None,
        rollback_of: None,
        steps: Vec::new(),
        outcome: DeployEnd::Succeeded,
    }
}

async fn bring_back(
    world: &World,
    record: &DeployRecord,
    token: &RegistryToken,
    cancel: &CancellationToken,
) -> (Result<String, Problem>, String) {
    let (sender, mut receiver) = mpsc::channel(16);
    let image = token.image().expect("an image");
    let result = rollback::bring_back(&world.session, &world.engine, record, &image, token, &sender, cancel).await;
    drop(sender);
    let mut said = String::new();
    while let Some(progress) = receiver.recv().await {
        if let DeployProgress::Output { line, .. } = progress {
            said.push_str(&line);
        }
    }
    (result, said)
}

/// Removes the image from the engine. The server's old container may keep it for a moment.
async fn remove(world: &World, record: &DeployRecord, image: &ImageReference) -> Outcome {
    let id = record.image_id.as_deref().ok_or("an id")?;
    let digest = record.digest.as_ref().ok_or("a digest")?;
    for reference in [image.at(digest).as_str(), id] {
        while world.engine.remove_image(reference).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.engine.image_id(id).await?, None, "the image is gone from the engine");
    Ok(())
}

async fn an_image_comes_back() -> Outcome {
    let world = World::new().await;
    let first = world.deploy().await.0?;
    sample::change(&world.file(""), 1, 2).await?;
    let second = world.deploy().await.0?;
    let (old, new) = (record(&world, "old", &first), record(&world, "new", &second));
    let token = world.session.client().registry_token(&world.tenant).await?;
    let image = token.image()?;
    let under_the_tag = async || world.engine.image_id(&image.to_string()).await;
    assert_eq!(under_the_tag().await?, second.image_id);
    let records = [new.clone(), old.clone()];
    assert_eq!(rollback::choose(&records, Some(&second.digest), 1)?, old);

    let cancel = CancellationToken::new();
    let (brought, said) = bring_back(&world, &old, &token, &cancel).await;
    assert_eq!(Some(brought?), first.image_id);
    assert!(said.starts_with("the engine still has"), "{said}");
    assert_eq!(under_the_tag().await?, first.image_id);

    let (brought, _) = bring_back(&world, &new, &token, &cancel).await;
    assert_eq!(Some(brought?), second.image_id);
    remove(&world, &old, &image).await?;
    // The token has expired meanwhile, which only the registry knows.
    let expired = RegistryToken { token: Secret::new("expired"), ..token.clone() };
    let (brought, said) = bring_back(&world, &old, &expired, &cancel).await;
    assert_eq!(Some(brought?), first.image_id);
    assert!(said.contains("pulling") && said.contains(first.digest.as_str()), "{said}");
    assert_eq!(under_the_tag().await?, first.image_id);

    let (layers, mut pushed) = mpsc::channel(64);
    let drain = tokio::spawn(async move { while pushed.recv().await.is_some() {} });
    let credentials = Credentials { username: token.username.clone(), password: token.token.clone() };
    assert_eq!(world.engine.push(&image, &credentials, &layers, &cancel).await?, first.digest);
    drop(layers);
    drain.await?;
    world.session.client().deploy(&world.tenant, &image).await?;
    assert!(world.page(&first).await.contains(&sample::title(1)), "version 1 answers again");

    let unknown = Digest::new(&format!("sha256:{}", "5e".repeat(32)))?;
    let lost = DeployRecord { image_id: Some(unknown.to_string()), digest: Some(unknown), ..old.clone() };
    let problem = bring_back(&world, &lost, &token, &cancel).await.0.expect_err("it is nowhere");
    assert_eq!(problem.title, "The image of that deploy is gone.", "{problem:?}");
    assert!(problem.hint.is_some());
    // A name is no id: what stands under it now is another image.
    let named = DeployRecord { image_id: Some(image.to_string()), digest: None, ..old.clone() };
    let problem = bring_back(&world, &named, &token, &cancel).await.0.expect_err("no id");
    assert_eq!(problem.title, "The image of that deploy is gone.");
    cancel.cancel();
    let problem = bring_back(&world, &old, &token, &cancel).await.0.expect_err("cancelled");
    assert_eq!(problem.title, "Deploy cancelled.");
    Ok(())
}

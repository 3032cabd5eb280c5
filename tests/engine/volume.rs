//! What a new image brings for the volume (protocol K15), on the real engine.

use jiff::Timestamp;
use libtest_mimic::Trial;
use tenantry::server::provider::{LastDeploy, Provider, ProviderError};

use crate::provider::ask;
use crate::sample::{Image, in_world};
use crate::support::{Outcome, trial};

type World = std::sync::Arc<crate::sample::World>;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("volume::newer_files_of_an_image_arrive_and_the_tenants_stay", || in_world(newer_files)),
        trial("volume::an_image_that_brings_too_much_is_refused", || in_world(too_much)),
    ]
}

fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).expect("after 1970")
}

async fn newer_files(world: World) -> Outcome {
    let provider = world.provider();
    let long_ago = now() - 100_000;
    let files = ["same", "changed", "kept", "won", "gone"].map(|name| (name, "one", long_ago));
    let image = Image { files: &files, ..Image::probe() };
    let first = world.publish("a", &image).await?;
    let old = provider.create_machine(&world.machine("a", &first)).await?;
    assert_eq!(ask(old.address, "read/changed").await, "one", "the engine fills an empty volume");
    let between = now();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    for name in ["kept", "won", "own"] {
        ask(old.address, &format!("write/{name}=mine")).await;
    }

    let later = now() + 5;
    let files = [
        ("same", "one", long_ago),
        ("changed", "two", between),
        // Changed after the last image, but the tenant's program wrote later.
        ("kept", "two", between),
        ("won", "two", later),
        ("new", "two", between),
        ("below/it/deep", "two", between),
        // It was in no image before; its date says otherwise, and nobody can tell it from one that the tenant removed.
        ("dated", "two", long_ago),
    ];
    let second = world.publish("a", &Image { files: &files, ..Image::probe() }).await?;
    let mut spec = world.machine("a", &second);
    spec.last_deploy = Some(LastDeploy { image: first.clone(), at: None });
    let new = provider.create_machine(&spec).await?;
    for (name, expected) in [
        ("same", "one"),
        ("changed", "two"),
        ("kept", "mine"),
        ("won", "two"),
        ("new", "two"),
        ("below/it/deep", "two"),
        ("own", "mine"),
        ("gone", "one"),
    ] {
        assert_eq!(ask(new.address, &format!("read/{name}")).await, expected, "{name}");
    }
    assert!(ask(new.address, "read/dated").await.starts_with('!'));
    provider.destroy_machine(&old.id).await?;

    // The same image once more: nothing is copied, also over what the tenant wrote since with an older date.
    ask(new.address, "write/changed=mine").await;
    spec.last_deploy = Some(LastDeploy { image: second.clone(), at: None });
    let again = provider.create_machine(&spec).await?;
    assert_eq!(ask(again.address, "read/changed").await, "mine");
    provider.destroy_app("sp-a").await?;
    let [containers, volumes, _] = world.left().await?;
    assert!(containers.is_empty() && volumes.is_empty(), "{containers:?} {volumes:?}");
    Ok(())
}

async fn too_much(world: World) -> Outcome {
    let provider = world.provider();
    let first = world.publish("a", &Image::probe()).await?;
    let old = provider.create_machine(&world.machine("a", &first)).await?;
    let names: Vec<String> = (0..10_001).map(|number| format!("n{number}")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), "", now() + 5)).collect();
    let second = world.publish("a", &Image { files: &files, ..Image::probe() }).await?;
    let mut spec = world.machine("a", &second);
    spec.last_deploy = Some(LastDeploy { image: first, at: None });
    let error = provider.create_machine(&spec).await.expect_err("too many");
    let ProviderError::Failed(message) = error else { panic!("{error}") };
    assert!(message.ends_with("the image brings more than 256 MB or 10000 new files in /app/services"), "{message}");
    let [containers, ..] = world.left().await?;
    assert_eq!(containers, [old.id]);
    assert!(ask(old.address, "read/n0").await.starts_with('!'), "none of them");
    Ok(())
}

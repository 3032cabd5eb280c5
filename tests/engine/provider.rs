//! Machines on the real engine, from images that were really pulled.

use bollard::query_parameters::{RestartContainerOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt as _;
use libtest_mimic::Trial;
use std::net::SocketAddr;
use std::time::Duration;
use tenantry::engine::ContainerSpec;
use tenantry::server::provider::docker::{DockerProvider, INSTANCE_LABEL};
use tenantry::server::provider::{Provider, ProviderError};

use crate::sample::{Image, app, in_world};
use crate::support::trial;

pub async fn get(address: SocketAddr) -> String {
    ask(address, "").await
}

/// What the machine answers at a path.
pub async fn ask(address: SocketAddr, path: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.get(format!("http://{address}/{path}")).send().await.expect("answers").text().await.expect("text")
}

pub fn trials() -> Vec<Trial> {
    vec![
        trial("provider::a_machine_runs_what_was_pushed", || in_world(a_machine_runs)),
        trial("provider::logs_come_back_and_can_be_followed", || in_world(logs_come_back)),
        trial("provider::a_new_machine_runs_beside_the_old_one", || in_world(beside)),
        trial("provider::a_machine_that_fails_says_why_and_leaves_nothing", || in_world(failing)),
        trial("provider::an_image_that_cannot_be_had_is_an_image_error", || in_world(no_image)),
        trial("provider::what_is_not_ours_is_not_touched", || in_world(not_ours)),
        trial("provider::a_machine_that_starts_again_is_told_of", || in_world(starts_again)),
        trial("provider::a_call_that_is_dropped_leaves_nothing_that_is_not_found", || in_world(dropped)),
        trial("provider::everything_goes_and_a_foreign_name_stays", || in_world(everything_goes)),
    ]
}

type World = std::sync::Arc<crate::sample::World>;
type Outcome = crate::support::Outcome;

async fn a_machine_runs(world: World) -> Outcome {
    let image = world.publish("a", &Image::default()).await?;
    let provider = world.provider();
    provider.available().await?;
    provider.create_app(&app("a")).await?;
    let volume = provider.create_volume(&app("a")).await?;
    assert_eq!(provider.create_volume(&app("a")).await?, volume, "made already is success");
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    assert!(machine.address.ip().is_loopback());
    assert_eq!(get(machine.address).await, "hello");
    assert_eq!(provider.find_machine(&machine.id).await?, Some(machine.clone()));

    let seen = world.docker.inspect_container(&machine.id, None).await?;
    assert!(seen.name.ok_or("a name")?.starts_with(&format!("/tenantry-{}-sp-a-", &world.instance[..8])));
    let config = seen.config.ok_or("a configuration")?;
    let environment = config.env.ok_or("an environment")?;
    for wanted in ["TENANT_ID=a", "OPENAI_API_KEY=a secret = with; signs"] {
        assert!(environment.iter().any(|line| line == wanted), "{wanted}");
    }
    let labels = config.labels.ok_or("labels")?;
    for (name, value) in
        [(INSTANCE_LABEL, world.instance.as_str()), ("dev.tenantry.app", "sp-a"), ("dev.tenantry.tenant", "a")]
    {
        assert_eq!(labels.get(name).map(String::as_str), Some(value));
    }
    let limits = seen.host_config.ok_or("limits")?;
    assert_eq!(limits.memory, Some(64 * 1024 * 1024));
    assert_eq!(limits.memory_swap, limits.memory, "no swap beyond it");
    assert_eq!((limits.cpu_shares, limits.pids_limit), (Some(128), Some(1024)));
    assert_eq!(limits.cap_drop, Some(vec!["ALL".to_owned()]));
    assert_eq!(limits.security_opt, Some(vec!["no-new-privileges".to_owned()]));
    let log = limits.log_config.ok_or("a log")?;
    assert_eq!(log.typ.as_deref(), Some("json-file"));
    assert_eq!(log.config.and_then(|limits| limits.get("max-size").cloned()).as_deref(), Some("10m"));
    let policy = limits.restart_policy.ok_or("a policy")?;
    assert_eq!(
        (policy.name.map(|name| name.to_string()), policy.maximum_retry_count),
        (Some("on-failure".into()), Some(5))
    );
    let mounts = seen.mounts.ok_or("mounts")?;
    assert_eq!(mounts.len(), 1);
    assert_eq!(
        (mounts[0].name.as_deref(), mounts[0].destination.as_deref()),
        (Some(volume.as_str()), Some("/app/services"))
    );

    provider.destroy_machine(&machine.id).await?;
    provider.destroy_machine(&machine.id).await?;
    assert_eq!(provider.find_machine(&machine.id).await?, None);
    provider.destroy_app("sp-a").await?;
    provider.destroy_app("sp-a").await?;
    let [containers, volumes, _] = world.left().await?;
    assert!(containers.is_empty() && volumes.is_empty(), "{containers:?} {volumes:?}");
    Ok(())
}

async fn logs_come_back(world: World) -> Outcome {
    let image = world.publish("a", &Image { health_check: false, ..Image::default() }).await?;
    let provider = world.provider();
    let mut spec = world.machine("a", &image);
    spec.environment.retain(|(name, _)| name != "OPENAI_API_KEY");
    let machine = provider.create_machine(&spec).await?;
    let entries: Vec<_> = provider.logs(&machine.id, 100, None, false).await?.collect().await;
    assert_eq!(
        (entries[0].message.as_str(), entries[0].level.as_deref()),
        ("INFO  listening on 0.0.0.0:8080", Some("info"))
    );
    assert_eq!(entries[1].message, "WARN  openai: no key, provider disabled");
    assert!(entries.iter().all(|entry| entry.timestamp.parse::<jiff::Timestamp>().is_ok()), "{entries:?}");
    assert_eq!(provider.logs(&machine.id, 1, None, false).await?.count().await, 1, "only as many as were asked for");

    let mut followed = provider.logs(&machine.id, 0, None, true).await?;
    // The engine may open the log after the first request: ask again until a line of it comes.
    let line = loop {
        get(machine.address).await;
        if let Ok(line) = tokio::time::timeout(Duration::from_millis(200), followed.next()).await {
            break line;
        }
    };
    let line = line.ok_or("the log ended")?;
    assert!(line.message.starts_with("INFO  GET / 200 "), "{}", line.message);
    provider.destroy_machine(&machine.id).await?;
    while followed.next().await.is_some() {}
    assert!(provider.logs(&machine.id, 1, None, false).await.is_err());
    Ok(())
}

async fn beside(world: World) -> Outcome {
    let provider = world.provider();
    let first = world.publish("a", &Image { page: "one", ..Image::default() }).await?;
    let old = provider.create_machine(&world.machine("a", &first)).await?;
    let second = world.publish("a", &Image { page: "two", ..Image::default() }).await?;
    let new = provider.create_machine(&world.machine("a", &second)).await?;
    assert_ne!(old, new);
    assert_eq!((get(old.address).await.as_str(), get(new.address).await.as_str()), ("one", "two"));
    provider.destroy_machine(&old.id).await?;
    assert_eq!(get(new.address).await, "two");
    provider.destroy_app("sp-a").await?;
    assert_eq!(provider.find_machine(&new.id).await?, None);
    Ok(())
}

async fn failing(world: World) -> Outcome {
    // Nothing listens, so the health check is the program, and it fails at once.
    let image = world.publish("a", &Image { command: r#"["health"]"#, ..Image::default() }).await?;
    let provider = world.provider();
    let error = provider.create_machine(&world.machine("a", &image)).await.expect_err("it ends at once");
    let ProviderError::Machine { message, log } = error else { panic!("{error}") };
    assert!(message.contains("exit code 1"), "{message}");
    assert!(log.iter().any(|line| line.starts_with("ERROR")), "{log:?}");

    let silent = world.publish("b", &Image { health_check: false, ..Image::default() }).await?;
    let mut spec = world.machine("b", &silent);
    spec.environment.push(("PORT".into(), tenantry::model::Secret::new("9090")));
    let impatient = world.provider().with_ready_limit(Duration::from_secs(1));
    let error = impatient.create_machine(&spec).await.expect_err("it listens elsewhere");
    let ProviderError::Machine { message, log } = error else { panic!("{error}") };
    assert!(message.contains("did not answer"), "{message}");
    assert!(log.iter().any(|line| line.contains("listening on 0.0.0.0:9090")), "{log:?}");

    let [containers, _, images] = world.left().await?;
    assert!(containers.is_empty(), "{containers:?}");
    assert!(images.is_empty(), "what was pulled for them is gone too: {images:?}");
    Ok(())
}

async fn no_image(world: World) -> Outcome {
    let provider = world.provider();
    let missing = format!("{}@sha256:{}", world.repository(), "0".repeat(64));
    for image in [missing, format!("{}:tenant-a", world.repository()), "busybox:latest".into()] {
        let error = provider.create_machine(&world.machine("a", &image)).await.expect_err("no image");
        assert!(matches!(error, ProviderError::Image(_)), "{error}");
    }
    Ok(())
}

async fn not_ours(world: World) -> Outcome {
    let image = world.publish("a", &Image::default()).await?;
    let theirs = world.provider();
    let machine = theirs.create_machine(&world.machine("a", &image)).await?;

    let us = DockerProvider::new(uuid::Uuid::new_v4().to_string(), "127.0.0.1:1".into());
    assert_eq!(us.find_machine(&machine.id).await?, None);
    assert!(us.logs(&machine.id, 1, None, false).await.is_err());
    assert!(us.destroy_machine(&machine.id).await.is_err());
    us.destroy_app("sp-a").await?;
    us.remove_everything().await?;
    assert_eq!(theirs.find_machine(&machine.id).await?, Some(machine.clone()));
    assert_eq!(get(machine.address).await, "hello");

    // A volume of the right name, but another tenant's.
    let mut other = app("b");
    other.app = "sp-a".into();
    assert!(theirs.create_app(&other).await.is_err());
    assert!(theirs.create_volume(&other).await.is_err());
    Ok(())
}

async fn starts_again(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::default()).await?;
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    let mut changes = provider.changes().await?;
    let options = RestartContainerOptionsBuilder::new().t(0).build();
    world.docker.restart_container(&machine.id, Some(options)).await?;
    // Its end and its new start.
    for _ in 0..2 {
        assert_eq!(changes.next().await.ok_or("the stream ended")?, machine.id);
    }
    let found = provider.find_machine(&machine.id).await?.ok_or("it runs")?;
    assert!(found.address.ip().is_loopback());
    Ok(())
}

async fn dropped(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::default()).await?;
    let spec = world.machine("a", &image);
    // Given up after one poll, two, three, ...: also between the engine's being asked and its answer.
    let mut polls = 1;
    loop {
        let mut left = polls;
        let mut call = provider.create_machine(&spec);
        let made = std::future::poll_fn(|context| {
            left -= 1;
            let polled = call.as_mut().poll(context).map(Some);
            if polled.is_pending() && left == 0 { std::task::Poll::Ready(None) } else { polled }
        });
        let made = made.await.transpose()?;
        drop(call);
        if made.is_some() || polls > 40 {
            break;
        }
        provider.destroy_others("sp-a", None).await?;
        let [containers, _, _] = world.left().await?;
        assert!(containers.is_empty(), "after {polls} polls: {containers:?}");
        polls += 1;
    }
    let kept = provider.create_machine(&spec).await?;
    provider.destroy_others("sp-a", Some(&kept.id)).await?;
    let [containers, _, _] = world.left().await?;
    assert_eq!(containers, [kept.id]);
    Ok(())
}

async fn everything_goes(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::default()).await?;
    provider.create_machine(&world.machine("a", &image)).await?;
    provider.create_volume(&app("b")).await?;
    // Built for this registry and never pushed; and one that somebody gave a name of his own.
    world.build("b", &Image { page: "other", ..Image::default() }).await?;
    world.build("b", &Image { page: "newer", ..Image::default() }).await?;
    world.build("c", &Image { page: "named", ..Image::default() }).await?;
    let foreign = format!("tenantry-test-{}", &world.instance[..8]);
    let tag = TagImageOptionsBuilder::new().repo(&foreign).tag("keep").build();
    world.docker.tag_image(&format!("{}:tenant-c", world.repository()), Some(tag)).await?;

    provider.remove_everything().await?;
    provider.remove_everything().await?;
    let [containers, volumes, images] = world.left().await?;
    assert!(containers.is_empty() && volumes.is_empty(), "{containers:?} {volumes:?}");
    let kept = world.engine.image_id(&format!("{foreign}:keep")).await?.ok_or("it had a name of its own")?;
    assert_eq!(images, [kept]);

    // A container in use keeps its image.
    let spec = ContainerSpec {
        name: foreign.clone(),
        image: format!("{foreign}:keep"),
        labels: vec![(INSTANCE_LABEL.to_owned(), format!("not-{}", world.instance))],
        environment: Vec::new(),
        volumes: Vec::new(),
        memory_mb: 64,
        port: 8080,
    };
    let id = world.engine.create_container(&spec).await?;
    provider.remove_everything().await?;
    let still_there = world.engine.container(&id).await?.is_some();
    world.engine.remove_container(&id).await?;
    assert!(still_there);
    Ok(())
}

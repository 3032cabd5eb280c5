//! What a machine uses, what it may, and how its end is told, on the real engine.

use bollard::models::{ContainerUpdateBody, RestartPolicy, RestartPolicyNameEnum};
use libtest_mimic::Trial;
use std::time::Duration;
use tenantry::server::provider::docker::DockerProvider;
use tenantry::server::provider::{Provider, ProviderError, Stats};

use crate::provider::ask;
use crate::sample::{Image, in_world};
use crate::support::{Outcome, trial};

type World = std::sync::Arc<crate::sample::World>;

const MIB: u64 = 1024 * 1024;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("measured::processor_memory_network_and_volume", || in_world(all_figures)),
        trial("measured::a_machine_may_what_entry_scripts_do_and_no_more", || in_world(capabilities)),
        trial("measured::an_end_is_told_with_its_reason", || in_world(ends)),
        trial("measured::a_machine_that_fails_early_says_why", || in_world(early_ends)),
    ]
}

async fn stats(provider: &DockerProvider, id: &str) -> Result<Stats, libtest_mimic::Failed> {
    Ok(provider.stats(id).await?.ok_or("the machine exists")?)
}

async fn all_figures(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::probe()).await?;
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    ask(machine.address, &format!("big/{}", 5 * MIB)).await;
    let idle = stats(&provider, &machine.id).await?;
    assert_eq!((idle.state, idle.memory_limit), ("started", 64 * MIB));
    assert!(idle.memory_used > 0 && idle.memory_used < idle.memory_limit, "{idle:?}");
    assert!(idle.network_rx > 0 && idle.network_tx > 0, "{idle:?}");
    // Measured by the engine, which others use at the same time and which answers one at a time.
    let measured = async {
        loop {
            if let Some(bytes) = stats(&provider, &machine.id).await?.volume_used {
                return Ok::<_, libtest_mimic::Failed>(bytes);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let volume = tokio::time::timeout(Duration::from_mins(2), measured).await??;
    assert!((5 * MIB..6 * MIB).contains(&volume), "{volume}");

    // Busy from before the one look until after the other: a whole processor, unless the machine has no time for it.
    let busy = tokio::spawn(async move { ask(machine.address, "burn/1500").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    stats(&provider, &machine.id).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let look = stats(&provider, &machine.id).await?;
    busy.await?;
    // How much of one it gets depends on who else is at work; idle it is next to nothing.
    assert!(look.cpu_percent > 2.0 && look.cpu_percent < 130.0, "{look:?}");
    assert!(look.uptime_seconds >= 1, "{look:?}");

    provider.stop_machine(&machine.id).await?;
    let stopped = stats(&provider, &machine.id).await?;
    assert_eq!((stopped.state, stopped.memory_used, stopped.uptime_seconds), ("stopped", 0, 0));
    assert_eq!(stopped.volume_used, Some(volume), "the volume is as it was");
    provider.destroy_machine(&machine.id).await?;
    assert_eq!(provider.stats(&machine.id).await?, None);
    Ok(())
}

async fn capabilities(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::probe()).await?;
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE.
    assert_eq!(
        ask(machine.address, "may").await,
        "chown=true other=true chroot=false capabilities=00000000000004fb no_new=1"
    );
    Ok(())
}

async fn ends(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::probe()).await?;
    let never = || ContainerUpdateBody {
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        ..ContainerUpdateBody::default()
    };
    let client = reqwest::Client::builder().no_proxy().build()?;
    for (path, words) in
        [("eat", "ran out of memory: its limit is 64 MB (exit code 137)"), ("exit/3", "ended with exit code 3")]
    {
        let machine = provider.create_machine(&world.machine("a", &image)).await?;
        assert_eq!(provider.why_ended(&machine.id).await, None, "it runs");
        world.docker.update_container(&machine.id, never()).await?;
        assert!(client.get(format!("http://{}/{path}", machine.address)).send().await.is_err(), "nobody answers");
        while !provider.has_ended(&machine.id).await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(provider.why_ended(&machine.id).await.as_deref(), Some(words));
        provider.destroy_machine(&machine.id).await?;
        assert_eq!(provider.why_ended(&machine.id).await.as_deref(), Some("was removed"));
    }
    Ok(())
}

async fn early_ends(world: World) -> Outcome {
    let provider = world.provider();
    for (id, command, words) in [
        ("a", r#"["eat"]"#, "The machine ran out of memory while it came up: its limit is 64 MB."),
        ("b", r#"["exit"]"#, "The machine ended with exit code 7 before it was healthy."),
    ] {
        let image = world.publish(id, &Image { command, ..Image::probe() }).await?;
        let error = provider.create_machine(&world.machine(id, &image)).await.expect_err("it ends");
        let ProviderError::Machine { message, .. } = error else { panic!("{error}") };
        assert_eq!(message, words);
    }
    let [containers, ..] = world.left().await?;
    assert!(containers.is_empty(), "{containers:?}");
    Ok(())
}

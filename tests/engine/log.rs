//! A machine's log that is read on: across rotated files, from a place, and across the program's own restart.

use futures_util::StreamExt as _;
use libtest_mimic::Trial;
use std::time::Duration;
use tenantry::model::LogEntry;
use tenantry::server::provider::{LogPlace, Provider};

use crate::provider::ask;
use crate::sample::{Image, in_world};
use crate::support::{Outcome, trial};

type World = std::sync::Arc<crate::sample::World>;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("log::goes_on_from_every_place", || in_world(every_place)),
        trial("log::a_program_that_starts_again_is_read_on", || in_world(starts_again)),
        trial("log::is_read_on_when_its_files_are_rotated", || in_world(chatty)),
    ]
}

/// The number in `INFO  line 7 xxx`.
fn number(entry: &LogEntry) -> Option<u32> {
    entry.message.strip_prefix("INFO  line ")?.split(' ').next()?.parse().ok()
}

async fn every_place(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::probe()).await?;
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    ask(machine.address, "say/30").await;
    let all: Vec<LogEntry> = loop {
        let all: Vec<_> = provider.logs(&machine.id, 100, None, false).await?.collect().await;
        if all.len() == 31 {
            break all;
        }
    };
    let mut place = LogPlace::default();
    for (read, entry) in all.iter().enumerate() {
        let start = place.pass(entry);
        let rest: Vec<_> = provider.logs(&machine.id, 0, start, false).await?.collect().await;
        assert_eq!(rest, all[read + 1..], "after {} lines", read + 1);
    }
    Ok(())
}

async fn starts_again(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::probe()).await?;
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    let mut followed = provider.logs(&machine.id, 10, None, true).await?;
    let first = followed.next().await.ok_or("a line")?;
    // The engine starts it again, at another port.
    let client = reqwest::Client::builder().no_proxy().build()?;
    assert!(client.get(format!("http://{}/exit/3", machine.address)).send().await.is_err());
    let second = tokio::time::timeout(Duration::from_secs(30), followed.next()).await?.ok_or("the log ended")?;
    assert_eq!(first.message, second.message);
    assert_ne!(first.timestamp, second.timestamp);
    Ok(())
}

async fn chatty(world: World) -> Outcome {
    let provider = world.provider();
    let image = world.publish("a", &Image::probe()).await?;
    let machine = provider.create_machine(&world.machine("a", &image)).await?;
    let mut followed = provider.logs(&machine.id, 1, None, true).await?;
    followed.next().await.ok_or("the first line")?;
    // A file holds 10 MB; this is more than two. The engine itself loses lines when a whole file is written while it reads
    // the one before, so the next ones are asked for when these have come.
    for _ in 0..12 {
        let said = tokio::spawn(async move { ask(machine.address, "say/2000").await });
        for expected in 0..2000 {
            let entry = tokio::time::timeout(Duration::from_secs(30), followed.next()).await?.ok_or("the log ended")?;
            let number = number(&entry).ok_or("a numbered line")?;
            assert_eq!(number, expected, "none is lost, and none comes twice");
        }
        assert_eq!(said.await?, "said");
    }
    Ok(())
}

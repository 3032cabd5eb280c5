//! The front door before real containers: deploys that nobody notices.

use libtest_mimic::Trial;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tenantry::demo::sample;
use tenantry::outbound::Localhost;
use tokio::task::JoinSet;

use crate::support::{Outcome, trial};
use crate::world::World;

pub fn trials() -> Vec<Trial> {
    vec![trial("door::five_redeploys_under_load_lose_nothing", five_redeploys_under_load_lose_nothing)]
}

/// An endless stream, beside what the sample's program does anyway.
const STREAM: &str = r#"
    if request.path == "/stream" {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")?;
        for number in 0u64.. {
            stream.write_all(format!("data: {number}\n\n").as_bytes())?;
            thread::sleep(Duration::from_millis(20));
        }
    }
"#;

async fn five_redeploys_under_load_lose_nothing() -> Outcome {
    // The stream lasts as long as the test.
    let world = World::with(&["--drain", "600"], &[]).await;
    let program = world.file("src/main.rs");
    let code = std::fs::read_to_string(&program)?;
    let (before, after) = code.split_once("    answer.write(&mut stream").ok_or("the sample answers elsewhere")?;
    std::fs::write(&program, format!("{before}{STREAM}    answer.write(&mut stream{after}"))?;
    let (first, _) = world.deploy().await;
    let url = first?.app_url.ok_or("an address")?;
    let (over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for number in 0..4 {
        let (url, over, done) = (url.clone(), Arc::clone(&over), Arc::clone(&done));
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Localhost)).build()?;
        callers.spawn(async move {
            let mut failures = Vec::new();
            while !over.load(Ordering::Relaxed) {
                // The sample answers a POST with 405: by the machine all the same.
                let (request, expected) = if number == 3 { (client.post(&url), 405) } else { (client.get(&url), 200) };
                let answered = match request.send().await {
                    Ok(answer) => {
                        let status = answer.status().as_u16();
                        answer.bytes().await.map(|_| status)
                    }
                    Err(error) => Err(error),
                };
                match answered {
                    Ok(status) if status == expected => {}
                    other => failures.push(format!("{other:?}")),
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            failures
        });
    }
    let stream = {
        let client = reqwest::Client::builder().no_proxy().dns_resolver(Arc::new(Localhost)).build()?;
        let (url, over) = (format!("{url}/stream"), Arc::clone(&over));
        tokio::spawn(async move {
            let mut answer = client.get(url).send().await?;
            let (mut text, mut next) = (String::new(), 0u64);
            while !over.load(Ordering::Relaxed) {
                let Some(part) = answer.chunk().await? else { break };
                text.push_str(&String::from_utf8_lossy(&part));
                while let Some((frame, rest)) = text.split_once("\n\n") {
                    assert_eq!(frame, format!("data: {next}"));
                    next += 1;
                    text = rest.to_owned();
                }
            }
            Ok::<_, reqwest::Error>((next, over.load(Ordering::Relaxed)))
        })
    };
    for version in 1..=5 {
        let from = done.load(Ordering::Relaxed);
        let more = async {
            while done.load(Ordering::Relaxed) < from + 20 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), more).await?;
        sample::change(&world.file(""), version, version + 1).await?;
        let (deployed, _) = world.deploy().await;
        let deployed = deployed?;
        assert_eq!(deployed.app_url.as_ref(), Some(&url));
        assert!(world.page(&deployed).await.contains(&sample::title(version + 1)));
    }
    over.store(true, Ordering::Relaxed);
    let (events, lasted) = stream.await??;
    assert!(lasted && events > 5, "the stream broke off after {events} events");
    let mut failures = Vec::new();
    while let Some(caller) = callers.join_next().await {
        failures.extend(caller?);
    }
    assert_eq!(failures, Vec::<String>::new(), "of {} requests", done.load(Ordering::Relaxed));
    Ok(())
}

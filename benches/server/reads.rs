//! Calls that only read, at a fixed rate: begun when their time has come, whether or not those before were answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::listener::percentiles;
use crate::table::Outcome;

/// What became of them. Cheap to clone.
#[derive(Debug, Default, Clone)]
pub struct Reads(Rc<RefCell<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    refused: u64,
    latencies: Vec<u64>,
}

impl Reads {
    pub fn outcome(&self) -> Outcome {
        let mut counts = self.0.borrow_mut();
        Outcome {
            reads: counts.latencies.len() as u64,
            refused: counts.refused,
            read: percentiles(&mut counts.latencies),
            ..Outcome::default()
        }
    }
}

/// What is read, by turns.
pub struct Calls {
    pub http: reqwest::Client,
    pub token: String,
    pub urls: Vec<String>,
}

pub async fn run(calls: Calls, per_second: u32, length: Duration, reads: Reads) {
    let mut clock = interval(Duration::from_secs(1) / per_second);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut open = tokio::task::JoinSet::new();
    for url in calls.urls.iter().cycle() {
        // The time for which it was planned, so that a client that is late does not hide it.
        let planned = clock.tick().await;
        if begun.elapsed() >= length {
            break;
        }
        let request = calls.http.get(url).bearer_auth(&calls.token);
        let reads = reads.clone();
        open.spawn_local(async move {
            let answer = match request.send().await {
                Ok(answer) if answer.status().is_success() => answer.bytes().await.map(drop).ok(),
                _ => None,
            };
            let mut counts = reads.0.borrow_mut();
            match answer {
                Some(()) => counts.latencies.push(u64::try_from(planned.elapsed().as_micros()).unwrap_or(u64::MAX)),
                None => counts.refused += 1,
            }
        });
        while open.try_join_next().is_some() {}
    }
    open.join_all().await;
}

//! Whatever the order of saying, committing, taking back, waking, listening and leaving: every listener hears each
//! event once, in order, and a reset where something it waited for is not kept any more.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::time::Duration;

use super::*;
use crate::server::store::{Database, events::KEPT};

#[derive(Debug, Clone)]
enum Op {
    /// So many events in one transaction, then committed or taken back; woken now or later.
    Say { count: usize, commit: bool, wake: bool },
    /// Wakes what was not woken yet, oldest or newest first.
    Wake { newest_first: bool },
    /// Someone comes.
    Listen,
    /// A listener hears up to so many of what it can have.
    Hear { who: usize, count: usize },
    /// A listener is asked and not waited for, as a heartbeat does it.
    Interrupt { who: usize },
    /// A listener loses its connection and comes back.
    Reconnect { who: usize },
    /// A listener leaves for good.
    Leave { who: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let count = prop_oneof![8 => 1_usize..5, 3 => 20_usize..80, 1 => 200_usize..400, 1 => 1001_usize..1300];
    prop_oneof![
        5 => (count, prop::bool::weighted(0.85), prop::bool::weighted(0.7))
            .prop_map(|(count, commit, wake)| Op::Say { count, commit, wake }),
        3 => any::<bool>().prop_map(|newest_first| Op::Wake { newest_first }),
        3 => Just(Op::Listen),
        9 => (0_usize..8, prop_oneof![1_usize..8, 50_usize..2000]).prop_map(|(who, count)| Op::Hear { who, count }),
        3 => (0_usize..8).prop_map(|who| Op::Interrupt { who }),
        3 => (0_usize..8).prop_map(|who| Op::Reconnect { who }),
        1 => (0_usize..8).prop_map(|who| Op::Leave { who }),
    ]
}

struct Listener {
    feed: Feed,
    /// The last event that it heard.
    last: i64,
}

struct World {
    store: Store,
    log: EventLog,
    session: SessionId,
    committed: i64,
    unwoken: Vec<(i64, Spoken)>,
    listeners: Vec<Listener>,
}

impl World {
    fn oldest_kept(&self) -> i64 {
        (self.committed - KEPT).max(0) + 1
    }

    async fn say(&mut self, count: usize, commit: bool, wake: bool) {
        let topic = Topic {
            session: Some(self.session.clone()),
            tenant: None,
            on_tenant_stream: false,
            operation: "one".into(),
        };
        let mut tx = self.store.write().await.expect("a transaction");
        let mut spoken = Spoken::default();
        for _ in 0..count {
            let news =
                News::new(EventKind::VmProvisioningProgress, "provisioning", if commit { "kept" } else { "lie" });
            spoken.0.extend(say(&mut tx, &topic, &news).await.expect("said").0);
        }
        if !commit {
            return tx.rollback().await.expect("taken back");
        }
        tx.commit().await.expect("committed");
        self.committed += i64::try_from(count).expect("few");
        if wake { self.log.wake(&spoken) } else { self.unwoken.push((self.committed, spoken)) }
    }

    fn wake(&mut self, newest_first: bool) {
        if newest_first {
            self.unwoken.reverse();
        }
        for (_, spoken) in self.unwoken.drain(..) {
            self.log.wake(&spoken);
        }
    }

    /// Events up to this one can be had without a further wake.
    fn can_be_had(&self) -> i64 {
        self.unwoken
            .iter()
            .map(|(upto, spoken)| upto - i64::try_from(spoken.0.len()).expect("few"))
            .min()
            .unwrap_or(self.committed)
    }

    async fn hear(&mut self, who: usize, count: usize) -> Result<(), TestCaseError> {
        let (available, oldest) = (self.can_be_had(), self.oldest_kept());
        let Some(listener) = self.listeners.get_mut(who) else { return Ok(()) };
        for _ in 0..count {
            if listener.last >= available {
                return Ok(());
            }
            let next = tokio::time::timeout(Duration::from_secs(20), listener.feed.next()).await;
            let next = next.map_err(|_| TestCaseError::fail(format!("nothing after {}", listener.last)))?;
            match next.expect("a readable store") {
                None => return Err(TestCaseError::fail("the stream ended")),
                Some(FeedItem::Reset) => prop_assert!(listener.last + 1 < oldest, "a reset after {}", listener.last),
                Some(FeedItem::Event { seq, frame }) => {
                    if seq != listener.last + 1 {
                        prop_assert!(seq > listener.last, "{seq} after {}", listener.last);
                        prop_assert!(listener.last + 1 < oldest && seq <= oldest, "{seq} after {}", listener.last);
                    }
                    let frame = String::from_utf8_lossy(&frame).into_owned();
                    prop_assert!(frame.starts_with(&format!("id: {seq}\n")) && frame.contains("kept"), "{frame}");
                    listener.last = seq;
                }
            }
        }
        Ok(())
    }

    async fn run(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Say { count, commit, wake } => self.say(*count, *commit, *wake).await,
            Op::Wake { newest_first } => self.wake(*newest_first),
            Op::Listen if self.listeners.len() < 8 => {
                let feed = self.log.follow_session(&self.session, None);
                self.listeners.push(Listener { feed, last: 0 });
            }
            Op::Hear { who, count } => self.hear(*who, *count).await?,
            Op::Interrupt { who } => {
                // Only when it has nothing to be told: what it is told here would be lost on the test.
                let quiet = self.can_be_had() == self.committed;
                if let Some(listener) = self.listeners.get_mut(*who).filter(|l| quiet && l.last == self.committed) {
                    let told = tokio::time::timeout(Duration::from_micros(200), listener.feed.next()).await;
                    prop_assert!(told.is_err(), "something after the end: {told:?}");
                }
            }
            Op::Reconnect { who } => {
                if let Some(listener) = self.listeners.get_mut(*who) {
                    let last = Some(listener.last).filter(|last| *last > 0);
                    listener.feed = self.log.follow_session(&self.session, last);
                }
            }
            Op::Leave { who } if *who < self.listeners.len() => drop(self.listeners.remove(*who)),
            // Enough listen already, or nobody is there to leave.
            Op::Listen | Op::Leave { .. } => {}
        }
        Ok(())
    }
}

#[test]
fn no_order_of_things_makes_a_gap_or_a_double() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|raw| raw.parse().ok()).unwrap_or(32);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let ran = TestRunner::new(config).run(&prop::collection::vec(op(), 1..60), |ops| {
        runtime.block_on(async {
            let dir = tempfile::tempdir().expect("a directory");
            let store = Store::open(&Database::File(dir.path().join("db"))).await.expect("a store");
            let mut world = World {
                log: EventLog::new(store.clone()),
                store,
                session: SessionId::new("cs_1").expect("an id"),
                committed: 0,
                unwoken: Vec::new(),
                listeners: Vec::new(),
            };
            for op in &ops {
                world.run(op).await?;
            }
            // At the end everyone can have everything.
            world.wake(false);
            for who in 0..world.listeners.len() {
                world.hear(who, usize::MAX).await?;
                prop_assert_eq!(world.listeners[who].last, world.committed);
            }
            world.listeners.clear();
            prop_assert!(world.log.lines.lock().expect("no panic").is_empty(), "a stream without listeners is kept");
            world.store.close().await;
            Ok(())
        })
    });
    ran.expect("no gap, no double");
}

#[tokio::test]
async fn a_thousand_events_that_nobody_takes_cost_little_memory() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&Database::File(dir.path().join("db"))).await.expect("a store");
    let log = EventLog::new(store.clone());
    let session = SessionId::new("cs_1").expect("an id");
    let mut slow = log.follow_session(&session, None);
    assert!(tokio::time::timeout(Duration::from_millis(50), slow.next()).await.is_err());
    let topic = Topic { session: Some(session), tenant: None, on_tenant_stream: false, operation: "one".into() };
    let mut tx = store.write().await.expect("a transaction");
    let mut spoken = Spoken::default();
    for _ in 0..1500 {
        let news = News::new(EventKind::VmProvisioningProgress, "provisioning", "x".repeat(2000));
        spoken.0.extend(say(&mut tx, &topic, &news).await.expect("said").0);
    }
    tx.commit().await.expect("committed");
    log.wake(&spoken);
    let line = log.line("session:cs_1").expect("a line");
    assert!(line.bytes() <= 256 * 1024, "{}", line.bytes());
    // It is told that it lost the first 500, and is then given its own memory's worth at a time.
    assert_eq!(slow.next().await.expect("readable"), Some(FeedItem::Reset));
    assert!(matches!(slow.next().await.expect("readable"), Some(FeedItem::Event { seq: 501, .. })));
    assert!(slow.waiting() < 64, "{}", slow.waiting());
}

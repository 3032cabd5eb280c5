use super::*;
use crate::server::store::Database;

struct Desk {
    _dir: tempfile::TempDir,
    store: Store,
    log: EventLog,
    session: SessionId,
}

impl Desk {
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&Database::File(dir.path().join("db"))).await.expect("a store");
        let log = EventLog::new(store.clone());
        Self { _dir: dir, store, log, session: SessionId::new("cs_1").expect("an id") }
    }

    async fn say(&self, kind: EventKind) {
        let topic = Topic {
            session: Some(self.session.clone()),
            tenant: None,
            on_tenant_stream: false,
            operation: "one".into(),
        };
        let mut tx = self.store.write().await.expect("a transaction");
        let spoken = say(&mut tx, &topic, &News::new(kind, "provisioning", "x")).await.expect("said");
        tx.commit().await.expect("committed");
        self.log.wake(&spoken);
    }
}

async fn seqs(mut feed: Feed) -> Vec<i64> {
    let mut seqs = Vec::new();
    while let Some(item) = feed.next().await.expect("a readable store") {
        seqs.push(match item {
            FeedItem::Reset => -1,
            FeedItem::Event { seq, .. } => seq,
        });
    }
    seqs
}

#[tokio::test]
async fn a_listener_that_comes_first_and_one_that_comes_last_hear_the_same() {
    let desk = Desk::open().await;
    let early = tokio::spawn(seqs(desk.log.follow_session(&desk.session, None)));
    for _ in 0..20 {
        desk.say(EventKind::VmProvisioningProgress).await;
    }
    desk.say(EventKind::InfrastructureReady).await;
    let all: Vec<i64> = (1..=21).collect();
    assert_eq!(early.await.expect("ended"), all);
    assert_eq!(seqs(desk.log.follow_session(&desk.session, None)).await, all);
    assert_eq!(seqs(desk.log.follow_session(&desk.session, Some(19))).await, [20, 21]);
    assert_eq!(seqs(desk.log.follow_session(&desk.session, Some(21))).await, Vec::<i64>::new());
}

#[tokio::test]
async fn an_id_that_is_not_kept_is_answered_with_a_reset() {
    let desk = Desk::open().await;
    for _ in 0..events::KEPT + 4 {
        desk.say(EventKind::VmProvisioningProgress).await;
    }
    desk.say(EventKind::InfrastructureReady).await;
    let kept = seqs(desk.log.follow_session(&desk.session, Some(2))).await;
    assert_eq!(kept.first_chunk(), Some(&[-1, 6, 7]));
    assert_eq!(kept.len(), 1001);
    let ahead = seqs(desk.log.follow_session(&desk.session, Some(9999))).await;
    assert_eq!(ahead.first_chunk(), Some(&[-1, 6]));
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    let desk = Desk::open().await;
    let mut feed = desk.log.follow_session(&desk.session, None);
    for seq in 1..=5 {
        // Polled once and dropped: as a heartbeat does it.
        assert!(futures_util::FutureExt::now_or_never(feed.next()).is_none());
        desk.say(EventKind::VmProvisioningProgress).await;
        let item = feed.next().await.expect("a readable store");
        assert!(matches!(item, Some(FeedItem::Event { seq: got, .. }) if got == seq));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_event_is_heard_however_it_falls_between_two_reads() {
    let mut desk = Desk::open().await;
    for round in 0..200 {
        desk.session = SessionId::new(format!("cs_{round}")).expect("an id");
        let listener = tokio::spawn(seqs(desk.log.follow_session(&desk.session, None)));
        desk.say(EventKind::VmProvisioningProgress).await;
        desk.say(EventKind::InfrastructureReady).await;
        assert_eq!(listener.await.expect("ended"), [1, 2], "round {round}");
    }
}
